from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings import WINNERS, Comparisons, InvalidComparisonsError
from tests.unit.ratings.tables import battles, mirrored, random_battles, tables


def contents(comparisons: Comparisons) -> tuple[object, ...]:
    """Return everything the comparisons hold, as bytes."""
    arrays = [
        comparisons.first,
        comparisons.second,
        comparisons.counts,
        comparisons.weights,
        comparisons.squared_weights,
    ]
    if comparisons.clusters:
        cells = comparisons.clusters
        arrays += [cells.cluster, cells.pair, cells.weight, cells.score]
    return comparisons.models, [(array.dtype, array.shape, array.tobytes()) for array in arrays]


def count_slowly(table: pd.DataFrame) -> dict[tuple[str, str], list[int]]:
    """Count row by row, in the most obvious way."""
    counts: dict[tuple[str, str], list[int]] = {}
    for row in table.to_dict(orient="records"):
        first, second = sorted([row["model_a"], row["model_b"]])
        cell = counts.setdefault((first, second), [0, 0, 0, 0])
        if row["winner"] in ("model_a", "model_b"):
            cell[0 if row[row["winner"]] == first else 1] += row["count"]
        else:
            cell[WINNERS.index(row["winner"])] += row["count"]
    return {pair: cell for pair, cell in counts.items() if any(cell)}


@settings(deadline=None, max_examples=50)
@given(tables())
def test_counts_equal_a_count_row_by_row(table: pd.DataFrame) -> None:
    comparisons = Comparisons.from_battles(table.drop(columns="weight"))
    names = np.array(comparisons.models, dtype=object)
    pairs = zip(names[comparisons.first], names[comparisons.second], strict=True)
    assert dict(zip(pairs, comparisons.counts.tolist(), strict=True)) == count_slowly(table)
    assert np.array_equal(comparisons.weights, comparisons.counts)


@settings(deadline=None, max_examples=50)
@given(tables(), st.randoms(use_true_random=False))
def test_row_order_and_sides_do_not_change_a_byte(table: pd.DataFrame, random: Random) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    swapped = pd.concat([table[::2], mirrored(table[1::2])]).sort_index()
    expected = contents(Comparisons.from_battles(table, cluster="voter"))
    assert contents(Comparisons.from_battles(table.iloc[order], cluster="voter")) == expected
    assert contents(Comparisons.from_battles(swapped, cluster="voter")) == expected


@settings(deadline=None, max_examples=50)
@given(tables())
def test_a_count_is_that_many_rows(table: pd.DataFrame) -> None:
    repeated = table.loc[table.index.repeat(table["count"])].drop(columns="count")
    present = table[table["count"] > 0]
    counted = Comparisons.from_battles(present, cluster="voter")
    assert contents(Comparisons.from_battles(repeated, cluster="voter")) == contents(counted)


@settings(deadline=None, max_examples=50)
@given(tables())
def test_clusters_add_up_to_the_pairs(table: pd.DataFrame) -> None:
    comparisons = Comparisons.from_battles(table, cluster="voter")
    cells = comparisons.clusters
    assert cells is not None
    size = len(comparisons.first)
    np.testing.assert_allclose(np.bincount(cells.pair, cells.weight, size), comparisons.total)
    np.testing.assert_allclose(np.bincount(cells.pair, cells.score, size), comparisons.score)


def test_weights_multiply_and_square() -> None:
    table = battles(*[("x", "y", "model_a")] * 2, ("y", "x", "tie"), weight=[0.5, 2.0, 3.0], count=[2, 1, 1])
    comparisons = Comparisons.from_battles(table)
    assert comparisons.counts.tolist() == [[3, 0, 1, 0]]
    assert comparisons.weights.tolist() == [[3.0, 0.0, 3.0, 0.0]]
    assert comparisons.squared_weights.tolist() == [[4.5, 0.0, 9.0, 0.0]]
    assert comparisons.score.tolist() == [4.5]


def test_clusters_are_kept_only_when_asked_for() -> None:
    table = random_battles(1)
    assert Comparisons.from_battles(table).clusters is None
    clusters = Comparisons.from_battles(table, cluster="voter").clusters
    assert clusters is not None
    assert clusters.size == table.voter.nunique()


def test_more_rows_than_a_dense_table_of_keys() -> None:
    table = random_battles(2, models=40, rows=300, voters=100)
    few = Comparisons.from_battles(table)
    many = Comparisons.from_battles(pd.concat([table] * 30))
    assert np.array_equal(few.counts * 30, many.counts)
    assert np.array_equal(few.first, many.first)


def test_votes_and_win_rates() -> None:
    rows = [("x", "y", "model_a"), ("x", "y", "both_bad"), ("y", "x", "model_a"), ("z", "x", "model_b")]
    comparisons = Comparisons.from_battles(battles(*rows, ("w", "x", "tie"), count=[1, 1, 1, 1, 0]))
    assert comparisons.models == ("w", "x", "y", "z")
    assert comparisons.votes == 4
    assert comparisons.votes_by_model().tolist() == [0, 4, 3, 1]
    np.testing.assert_array_equal(comparisons.win_rates(), [np.nan, 2.5 / 4, 0.5, 0.0])


def test_restrict_equals_the_comparisons_of_the_restricted_table() -> None:
    table = random_battles(3)
    kept = ["m1", "m4", "m5"]
    rows = table[table.model_a.isin(kept) & table.model_b.isin(kept)]
    restricted = Comparisons.from_battles(table, cluster="voter").restrict(kept)
    direct = Comparisons.from_battles(rows, cluster="voter")
    assert contents(restricted)[0] == ("m1", "m4", "m5")
    # The codes of voters may differ: those who never voted on these models keep a number in one of the two.
    assert restricted.clusters is not None
    assert restricted.clusters.size == rows.voter.nunique()
    for name in ("first", "second", "counts", "weights", "squared_weights"):
        assert np.array_equal(getattr(restricted, name), getattr(direct, name))


def test_restrict_refuses_unknown_names() -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", "tie")))
    with pytest.raises(InvalidComparisonsError, match="Cannot restrict to 'q': not among 'x', 'y'"):
        comparisons.restrict(["x", "q"])


def test_components_come_largest_first_then_by_votes_then_by_name() -> None:
    pairs = [("a", "b"), ("c", "d"), ("c", "d"), ("e", "f"), ("p", "q"), ("q", "r")]
    comparisons = Comparisons.from_battles(battles(*[(a, b, "model_a") for a, b in pairs]))
    assert comparisons.components() == (("p", "q", "r"), ("c", "d"), ("a", "b"), ("e", "f"))


def test_strong_connection_needs_both_directions() -> None:
    cycle = [("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "a", "model_a")]
    comparisons = Comparisons.from_battles(battles(*cycle, ("top", "a", "model_a"), ("c", "low", "model_a")))
    assert comparisons.strongly_connected() == (("a", "b", "c"), ("low",), ("top",))
    assert comparisons.never_losing() == ("top",)
    assert comparisons.never_winning() == ("low",)


@pytest.mark.parametrize("winner", ["tie", "both_bad"])
def test_a_tie_connects_both_ways(winner: str) -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", winner)))
    assert comparisons.strongly_connected() == (("x", "y"),)


def test_no_battles_are_empty_comparisons() -> None:
    comparisons = Comparisons.from_battles(battles(voter=[]), cluster="voter")
    assert comparisons.models == ()
    assert comparisons.votes == 0
    assert comparisons.components() == ()


def test_laplacian_is_the_sum_of_outer_products() -> None:
    comparisons = Comparisons.from_battles(random_battles(4))
    values = np.random.default_rng(4).normal(size=len(comparisons.first))
    design = np.zeros((len(values), len(comparisons.models)))
    design[np.arange(len(values)), comparisons.first] = 1
    design[np.arange(len(values)), comparisons.second] = -1
    np.testing.assert_allclose(comparisons.laplacian(values), design.T @ np.diag(values) @ design, atol=1e-12)
    np.testing.assert_allclose(comparisons.net_by_model(values), design.T @ values, atol=1e-12)
