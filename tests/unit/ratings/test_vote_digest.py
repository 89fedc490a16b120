from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings import InvalidComparisonsError, parted_digest, votes_in_parts
from ratings.parted_digest import digest_of_parts
from ratings.sorted_runs import merged
from ratings.vote_digest import canonical_votes
from ratings.votes_in_parts import divide_votes

ROW = st.tuples(
    st.sampled_from("xyz"), st.sampled_from("uvw"), st.sampled_from(["tie", "model_a"]), st.integers(0, 3)
)
VOTES = st.lists(st.tuples(ROW, st.integers(0, 4)), min_size=1, max_size=30)


def table(votes: list[tuple[tuple[Any, ...], Any]]) -> pd.DataFrame:
    frame = pd.DataFrame([row for row, _ in votes], columns=["model_a", "model_b", "winner", "tokens_a"])
    return frame.assign(voter=[voter for _, voter in votes])


def said(votes: pd.DataFrame) -> list[list[tuple[Any, ...]]]:
    """The votes of each voter, whoever they are: what a digest stands for."""
    columns = sorted(set(votes.columns) - {"voter"})
    return sorted(
        sorted(group[columns].itertuples(index=False, name=None)) for _, group in votes.groupby("voter")
    )


@settings(deadline=None, max_examples=50)
@given(VOTES, st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_voters_leave_no_trace(votes: list[Any], random: Any) -> None:
    names = random.sample(range(1000), 5)
    other = [(row, f"voter {names[voter]}") for row, voter in random.sample(votes, len(votes))]
    one, two = canonical_votes(table(votes)), canonical_votes(pa.table(table(other)))
    assert one.digest == two.digest
    assert one.voters.tolist() == two.voters.tolist()
    first, second = table(votes).iloc[one.order], table(other).iloc[two.order]
    pd.testing.assert_frame_equal(
        first.drop(columns="voter").reset_index(drop=True),
        second.drop(columns="voter").reset_index(drop=True),
    )
    assert said(first.assign(voter=one.voters)) == said(table(votes))


@settings(deadline=None, max_examples=50)
@given(VOTES)
def test_numbers_of_voters_may_lie_anywhere(votes: list[Any]) -> None:
    numbers = [-(2**63), 2**63 - 1, 0, 7, -5]
    wide = table([(row, numbers[voter]) for row, voter in votes])
    one, two = canonical_votes(table(votes)), canonical_votes(wide)
    assert one.digest == two.digest
    assert one.voters.tolist() == two.voters.tolist()
    assert said(wide.iloc[two.order].assign(voter=two.voters)) == said(table(votes))


@settings(deadline=None, max_examples=50)
@given(VOTES, VOTES)
def test_equal_digests_mean_equal_votes(one: list[Any], other: list[Any]) -> None:
    same = said(table(one)) == said(table(other))
    assert (canonical_votes(table(one)).digest == canonical_votes(table(other)).digest) is same


@pytest.mark.parametrize("column", ["model_a", "model_b", "winner", "tokens_a", "voter"])
def test_any_change_changes_the_digest(column: str) -> None:
    rows = [(("x", "u", "tie", number % 3), number // 2) for number in range(12)]
    votes = table(rows)
    changed = votes.copy()
    changed.loc[5, column] = 99 if column in ("tokens_a", "voter") else "changed"
    assert canonical_votes(votes).digest != canonical_votes(changed).digest


def test_votes_without_a_voter_are_voters_of_their_own() -> None:
    votes = table([(("x", "u", "tie", 0), number) for number in range(4)])
    digest = canonical_votes(votes).digest
    assert canonical_votes(votes.drop(columns="voter")).digest == digest
    assert canonical_votes(votes.assign(voter=[None, "a", None, "b"])).digest == digest
    assert canonical_votes(votes.assign(voter=[None, "a", "a", "b"])).digest != digest


def test_wide_numbers_are_told_apart() -> None:
    """Columns whose ranges do not fit one integer together."""
    rng = np.random.default_rng(1)
    wide = rng.integers(-(2**62), 2**62, (6, 50))
    votes = pd.DataFrame({f"column {number}": row for number, row in enumerate(wide)})
    order = canonical_votes(votes).order
    pd.testing.assert_frame_equal(
        votes.iloc[order].reset_index(drop=True), votes.sort_values(list(votes.columns), ignore_index=True)
    )


def test_no_votes_have_a_digest() -> None:
    empty = table([(("x", "u", "tie", 0), 1)]).iloc[:0]
    found = canonical_votes(empty)
    assert len(found.order) == len(found.voters) == 0
    assert len(found.digest) == 64


def test_names_row_and_column_of_what_is_missing() -> None:
    votes = table([(("x", "u", "tie", 0), 1), (("x", None, "tie", 0), 2)])
    with pytest.raises(InvalidComparisonsError, match="Row 1: model_b is missing"):
        canonical_votes(votes)
    with pytest.raises(InvalidComparisonsError, match=r"tokens_a is of type double"):
        canonical_votes(table([(("x", "u", "tie", 0.5), 1)]))


@settings(deadline=None, max_examples=50)
@given(VOTES, st.integers(1, 4), st.integers(1, 64))
def test_votes_in_parts_have_the_same_digest(votes: list[Any], parts: int, range_bytes: int) -> None:
    """However voters are divided, and however little is in memory at a time."""
    together = pa.table(table(votes))
    divided = [
        together.filter(pa.array(np.array(together["voter"]) % parts == part)) for part in range(parts)
    ]
    with pytest.MonkeyPatch.context() as patched, TemporaryDirectory() as scratch:
        patched.setattr(parted_digest, "merged", partial(merged, range_bytes=range_bytes))
        found = digest_of_parts([lambda part=part: part for part in divided], Path(scratch))
    assert found == canonical_votes(together).digest


@settings(deadline=None, max_examples=25)
@given(VOTES, st.integers(1, 5))
def test_divided_votes_have_the_same_digest(votes: list[Any], part_votes: int) -> None:
    """By name, and those without a voter by place: each is a voter of its own."""
    frame = table(votes)
    frame["voter"] = [None if voter == 0 else f"voter {voter}" for voter in frame["voter"]]
    together = pa.Table.from_pandas(frame, preserve_index=False)
    together = together.set_column(
        together.schema.get_field_index("voter"), "voter", together["voter"].cast(pa.string())
    )
    with pytest.MonkeyPatch.context() as patched, TemporaryDirectory() as folder:
        patched.setattr(votes_in_parts, "PART_VOTES", part_votes)
        found = divide_votes(
            [together.slice(0, 7), together.slice(7)], together.schema, len(together), Path(folder, "new")
        )
        assert sum(part.num_rows for part in found.tables(["winner"])) == found.votes == len(together)
    assert found.digest == canonical_votes(together).digest


def test_numbers_too_far_apart_for_parts_are_named(tmp_path: Path) -> None:
    far = pa.table({"model_a": ["x", "x"], "tokens_a": [0, 2**32], "voter": [0, 0]})
    with pytest.raises(InvalidComparisonsError, match="tokens_a goes from 0 to 4294967296"):
        digest_of_parts([lambda: far], tmp_path)
