"""Votes encoded once make, some of them, the boards that their rows of the table make, to the last bit."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratings import style_rows
from ratings.arrays import begins, doubled, sorted_together
from ratings.encoded_votes import encode_votes
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.leaderboard import leaderboard
from ratings.style_control import fit_style_control
from tests.unit.ratings.styled import FEATURES, styled_battles


def votes(rows: int = 400) -> pd.DataFrame:
    table = styled_battles(41, rows=rows, models=7)
    rng = np.random.default_rng(4)
    return table.assign(voter=np.where(rng.random(rows) < 0.3, 0, rng.integers(1, 80, rows)))


@pytest.mark.parametrize("by_voter", [False, True])
@pytest.mark.parametrize("options", [{}, {"style": FEATURES, "side_bias": True}, {"cluster": None}])
def test_some_votes_make_the_board_of_their_rows(options: dict[str, Any], by_voter: bool) -> None:
    table = votes().sort_values("voter", ignore_index=True) if by_voter else votes()
    encoded = encode_votes(table, features=FEATURES)
    for chosen in (np.ones(len(table), dtype=bool), (table.model_a != "m3") & (table.index % 3 > 0)):
        some = encoded.selected(np.asarray(chosen)[encoded.row])
        board = leaderboard(some, ranks="anytime", **options)
        expected = leaderboard(table[chosen], ranks="anytime", **options)
        assert board.as_dict() == expected.as_dict()
        assert board.covariance is not None
        assert expected.covariance is not None
        assert board.covariance.tobytes() == expected.covariance.tobytes()


def test_weights_and_models_can_be_chosen() -> None:
    table = votes()
    encoded = encode_votes(table)
    weight = 1 / (1 + np.arange(len(table)) % 3)
    board = leaderboard(encoded.weighted(weight[encoded.row]))
    assert board.as_dict() == leaderboard(table.assign(weight=weight)).as_dict()
    kept = ["m0", "m1", "m2"]
    between = table[table.model_a.isin(kept) & table.model_b.isin(kept)]
    assert leaderboard(encoded.between(kept)).as_dict() == leaderboard(between).as_dict()


@pytest.mark.parametrize("factor", [1, 70_000, 2**34, 0.5])
def test_features_are_kept_as_they_are(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoded votes fit as their table does, to the last bit, however divided."""
    for name in ("BLOCK", "STRETCH"):
        monkeypatch.setattr(style_rows, name, 150)
    table = votes().astype({f"{feature}_{side}": np.int64 for feature in FEATURES for side in "ab"})
    table["tokens_a"], table["tokens_b"] = (1 + table.index % 9) * factor, (1 + table.index % 7) * factor
    encoded = encode_votes(table.sample(frac=1, random_state=1), features=FEATURES)
    for definition in ("symmetric", "published"):
        options = {"features": FEATURES, "definition": definition, "cluster": "voter"}
        expected, *fits = (
            fit_style_control(each, threads=threads, **options)
            for each, threads in ((table, 1), (encoded, 1), (encoded, 3))
        )
        for fit in fits:
            assert fit.coefficients.tobytes() == expected.coefficients.tobytes()
            assert fit.clustered_covariance is not None
            assert expected.clustered_covariance is not None
            assert fit.clustered_covariance.tobytes() == expected.clustered_covariance.tobytes()


def test_features_that_differ_are_told_from_those_that_never_do() -> None:
    table = votes(6000)
    table["lists_a"] = table["lists_b"]
    assert [encode_votes(table, features=FEATURES).differs(feature) for feature in FEATURES] == [True, False]
    # In a vote that comes late in the order of the votes.
    late = encode_votes(table, features=FEATURES).row[-1]
    table.loc[late, "lists_a"] += 1
    assert encode_votes(table, features=FEATURES).differs("lists")


def test_a_feature_that_is_no_number_is_named() -> None:
    table = votes().astype({"tokens_b": np.float64})
    table.loc[7, "tokens_b"] = -1
    with pytest.raises(InvalidComparisonsError, match=r"Row 7 of the battles: tokens_b is -1\.0"):
        encode_votes(table, features=FEATURES)


def test_what_was_not_encoded_is_refused() -> None:
    encoded = encode_votes(votes(), features=FEATURES)
    with pytest.raises(InvalidOptionError, match="'country'"):
        leaderboard(encoded, cluster="country")
    with pytest.raises(InvalidOptionError, match="lack 'emoji'"):
        fit_style_control(encoded, features=[*FEATURES, "emoji"])


def test_sorting_together_is_sorting_by_one_column_after_the_other() -> None:
    rng = np.random.default_rng(6)
    columns = [rng.integers(0, size, 500) for size in (3, 40, 7)]
    found = sorted_together(columns)
    assert found is not None
    order = np.lexsort(columns[::-1])
    for column, values in zip(columns, found, strict=True):
        assert values.tolist() == column[order].tolist()
    assert sorted_together([np.array([2**40]), np.array([2**40])]) is None


def test_only_halves_are_doubled() -> None:
    halves = doubled(np.array([0.5, 2.0]))
    assert halves is not None
    assert halves.tolist() == [1, 4]
    assert doubled(np.array([0.3])) is None
    assert doubled(np.array([-1.0])) is None


def test_runs_begin_where_any_column_differs() -> None:
    one, other = np.array([-1, -1, 2, 2, 2]), np.array([7, 7, 7, 8, 8], dtype=np.int8)
    assert begins(one, other).tolist() == [True, False, True, True, False]
    assert begins(one).tolist() == [True, False, True, False, False]
    assert begins(np.array(["a", "a", None], dtype=object)).tolist() == [True, False, True]
    assert begins(np.zeros(0), np.zeros(0)).tolist() == []
