"""Many votes, arranged once, make the boards of their rows: up to rounding, and in one order to the last bit."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratings import encoded_votes, style_kernels, style_rows
from ratings.clusters import ClusterCells
from ratings.columns import code_identities
from ratings.comparisons import Comparisons
from ratings.encoded_votes import EncodedVotes, encode_votes
from ratings.errors import InvalidOptionError
from ratings.leaderboard import Leaderboard, leaderboard
from ratings.style_blocks import style_design
from ratings.style_control import fit_style_control
from ratings.vote_digest import canonical_votes
from tests.unit.ratings.styled import FEATURES, styled_battles

ROWS = 1500
STYLE = {"style": FEATURES, "side_bias": True}


@pytest.fixture(autouse=True)
def always_arranged(numba: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_kernels, "WORTH_COMPILING", 0)


def votes() -> pd.DataFrame:
    """One heavy voter, and many who voted on a pair more than once."""
    table = styled_battles(17, rows=ROWS, models=7)
    rng = np.random.default_rng(4)
    return table.assign(voter=np.where(rng.random(ROWS) < 0.2, 0, rng.integers(1, 300, ROWS)))


def arranged(table: pd.DataFrame) -> EncodedVotes:
    encoded = encode_votes(table, features=FEATURES)
    assert encoded.arrangement is not None
    return encoded


def board_of_table(table: pd.DataFrame, **options: Any) -> Leaderboard:
    """By array operations, which have no loop in common with what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style_kernels, "WORTH_COMPILING", 10**9)
        return leaderboard(table, **options)


def in_canonical_order(table: pd.DataFrame) -> pd.DataFrame:
    canonical = canonical_votes(table.astype({"lists_a": int, "lists_b": int}))
    return table.iloc[canonical.order].assign(voter=canonical.voters)


def assert_same_board(board: Leaderboard, expected: Leaderboard) -> None:
    assert board.as_dict()["entries"] == expected.as_dict()["entries"]
    assert board.method == expected.method
    assert board.covariance is not None
    np.testing.assert_allclose(board.covariance, expected.covariance, rtol=1e-9, atol=1e-14)
    if expected.coefficients is not None:
        assert board.coefficients is not None
        numbers = [column for column in expected.coefficients.columns if column != "name"]
        np.testing.assert_allclose(
            board.coefficients[numbers].astype(float), expected.coefficients[numbers].astype(float), rtol=1e-9
        )


@pytest.mark.parametrize("block", [40, 2**15])
@pytest.mark.parametrize(
    "options", [{}, STYLE, {"cluster": None}, STYLE | {"cluster": None}, {"intervals": "bootstrap"}]
)
def test_some_votes_make_the_board_of_their_rows(
    options: dict[str, Any], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_rows, "_COMPILED_BLOCK", block)
    monkeypatch.setattr(style_rows, "TASK", 3 * block)
    table = votes()
    encoded = arranged(table)
    for chosen in (np.ones(ROWS, dtype=bool), (table.model_a != "m3") & (table.index % 3 > 0)):
        some = encoded.selected(np.asarray(chosen)[encoded.row])
        board = leaderboard(some, ranks="anytime", **options)
        assert_same_board(board, board_of_table(table[chosen], ranks="anytime", **options))


def test_chosen_models_weights_and_features_make_their_boards() -> None:
    table = votes()
    encoded = arranged(table)
    kept = ["m0", "m1", "m2"]
    between = table[table.model_a.isin(kept) & table.model_b.isin(kept)]
    assert_same_board(leaderboard(encoded.between(kept), **STYLE), board_of_table(between, **STYLE))
    assert_same_board(leaderboard(encoded, style=["lists"]), board_of_table(table, style=["lists"]))
    assert_same_board(leaderboard(encoded, side_bias=True), board_of_table(table, side_bias=True))
    weight = 1 / (1 + np.arange(ROWS) % 3)
    weighted = leaderboard(encoded.weighted(weight[encoded.row]), **STYLE)
    assert_same_board(weighted, board_of_table(table.assign(weight=weight), **STYLE))


def test_few_of_many_votes_are_added_up_as_they_are_arranged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small category of a large population."""
    table = votes()
    some = arranged(table).selected(np.arange(ROWS) % 4 == 0)
    monkeypatch.setattr(style_kernels, "WORTH_COMPILING", 10**9)
    chosen = table.iloc[np.sort(some.row[some.places])]
    assert_same_board(leaderboard(some, **STYLE), leaderboard(chosen, **STYLE))


def test_counted_votes_are_not_arranged() -> None:
    table = votes().assign(count=1 + np.arange(ROWS) % 3)
    encoded = encode_votes(table, features=FEATURES)
    assert encoded.arrangement is None
    assert_same_board(leaderboard(encoded, **STYLE), board_of_table(table, **STYLE))


def test_numbers_too_wide_to_sort_together_are_sorted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = votes()
    row = arranged(table).row
    monkeypatch.setattr(encoded_votes, "sorted_together", lambda columns: None)
    assert arranged(table).row.tolist() == row.tolist()


def test_votes_of_nobody_known_are_arranged() -> None:
    table = votes().drop(columns="voter")
    assert_same_board(leaderboard(arranged(table), **STYLE), board_of_table(table, **STYLE))


def test_the_published_definition_is_that_of_the_table() -> None:
    table = votes()
    options = {"features": FEATURES, "definition": "published", "cluster": "voter"}
    fit, expected = (fit_style_control(each, **options) for each in (arranged(table), table))
    np.testing.assert_allclose(fit.coefficients, expected.coefficients, rtol=1e-9)
    assert fit.clustered_covariance is not None
    assert expected.clustered_covariance is not None
    np.testing.assert_allclose(fit.clustered_covariance, expected.clustered_covariance, rtol=1e-9, atol=1e-14)


def test_votes_in_canonical_order_give_the_same_bytes() -> None:
    """Whatever the order of the table and the names of voters; and on any number of threads."""
    table = votes()
    renamed = table.assign(voter=[f"voter {999 - voter}" for voter in table.voter])
    fits = [
        fit_style_control(
            arranged(in_canonical_order(each)),
            features=FEATURES,
            side_bias=True,
            cluster="voter",
            threads=threads,
        )
        for each, threads in ((table, 1), (table, 3), (renamed.sample(frac=1, random_state=1), 2))
    ]
    assert len({fit.strengths.tobytes() for fit in fits}) == 1
    assert (
        len({fit.clustered_covariance.tobytes() for fit in fits if fit.clustered_covariance is not None}) == 1
    )
    plain = [leaderboard(arranged(in_canonical_order(each))).covariance for each in (table, renamed)]
    assert plain[0] is not None
    assert plain[1] is not None
    assert plain[0].tobytes() == plain[1].tobytes()


def test_cells_are_those_of_the_table() -> None:
    table = votes()

    def cells(comparisons: Comparisons) -> list[tuple[Any, ...]]:
        found = comparisons.clusters
        assert found is not None
        (every,) = found.pieces()
        who = every.identities.to_pylist()
        return sorted(
            (who[cluster], pair, weight, score)
            for cluster, pair, weight, score in zip(
                every.cluster, every.pair, every.weight, every.score, strict=True
            )
        )

    expected = Comparisons.from_battles(table, cluster="voter")
    counted = arranged(table).comparisons
    assert cells(counted) == cells(expected)
    order = np.arange(len(expected.models))[::-1]
    again = counted.reordered(order)
    assert cells(again) == cells(expected.reordered(order))
    kept, before = again.restrict(["m1", "m2"]).reordered([1, 0]).clusters, counted.clusters
    assert isinstance(kept, ClusterCells)
    assert isinstance(before, ClusterCells)
    assert kept.is_kept_in_order
    assert set(kept.cluster) <= set(before.cluster)
    some = expected.restrict(["m1", "m2", "m5"])
    assert cells(counted.restrict(some.models)) == cells(some)


def test_what_is_not_there_is_named() -> None:
    encoded = arranged(votes())
    with pytest.raises(InvalidOptionError, match="lack 'emoji'"):
        fit_style_control(encoded, features=[*FEATURES, "emoji"])
    fewer = encoded.comparisons.restrict(["m0", "m1"])
    with pytest.raises(InvalidOptionError, match="lack a pair"):
        style_rows.style_rows(encoded.battles, encoded, style_design(FEATURES), fewer)


def test_voters_in_order_are_coded_like_any() -> None:
    voters = np.repeat([3, 7, 8, 20], [2, 1, 4, 1])
    codes, identities = code_identities(pd.DataFrame({"voter": voters}), "voter")
    assert codes.tolist() == [0, 0, 1, 2, 2, 2, 2, 3]
    assert identities.to_pylist() == [3, 7, 8, 20]
    shuffled = pd.DataFrame({"voter": voters[::-1]})
    codes, identities = code_identities(shuffled, "voter")
    assert codes.tolist() == [3, 2, 2, 2, 2, 1, 0, 0]
    assert identities.to_pylist() == [3, 7, 8, 20]
