from dataclasses import replace
from random import Random

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings import WINNERS, Comparisons, InvalidComparisonsError, InvalidOptionError
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
        return comparisons.models, cells.identities.to_pylist(), [array.tobytes() for array in arrays]
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


def in_parts(table: pd.DataFrame, borders: list[int], **options: str) -> Comparisons:
    edges = [0, *sorted(borders), len(table)]
    parts = [table[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    return Comparisons.sum(Comparisons.from_battles(part, **options) for part in parts)


@settings(deadline=None, max_examples=50)
@given(tables(), st.lists(st.integers(0, 30), max_size=4))
def test_the_sum_of_parts_is_the_whole(table: pd.DataFrame, borders: list[int]) -> None:
    table = table.drop(columns="weight")
    borders = [min(border, len(table)) for border in borders]
    whole = Comparisons.from_battles(table, cluster="voter")
    assert contents(in_parts(table, borders, cluster="voter")) == contents(whole)
    assert contents(in_parts(table, borders)) == contents(Comparisons.from_battles(table))


def test_a_part_whose_rows_count_nothing_keeps_its_voters() -> None:
    table = battles(("x", "y", "tie"), ("x", "y", "tie"), voter=["v1", "v2"], count=[0, 1])
    whole = Comparisons.from_battles(table, cluster="voter")
    assert contents(in_parts(table, [1], cluster="voter")) == contents(whole)


def test_the_sum_of_weighted_parts_is_the_whole_up_to_rounding() -> None:
    table = random_battles(51).assign(weight=np.random.default_rng(51).uniform(0, 2, 200))
    merged, whole = (
        in_parts(table, [31, 90], cluster="voter"),
        Comparisons.from_battles(table, cluster="voter"),
    )
    assert merged.clusters is not None
    assert whole.clusters is not None
    assert np.array_equal(merged.counts, whole.counts)
    assert np.array_equal(merged.clusters.pair, whole.clusters.pair)
    for name in ("weights", "squared_weights"):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-13)
    for name in ("weight", "score"):
        np.testing.assert_allclose(getattr(merged.clusters, name), getattr(whole.clusters, name), rtol=1e-12)


def test_parts_in_another_order_of_models_add_up() -> None:
    table = random_battles(52)
    whole = Comparisons.from_battles(table, cluster="voter")
    one, other = (Comparisons.from_battles(part, cluster="voter") for part in (table[:90], table[90:]))
    assert contents(Comparisons.sum([one.reordered([3, 5, 0, 1, 4, 2]), other])) == contents(whole)


def test_the_sum_of_nothing_is_empty() -> None:
    assert Comparisons.sum([]).models == ()
    assert Comparisons.sum([]).votes == 0


def test_parts_must_be_alike() -> None:
    table = random_battles(53)
    clustered, plain = Comparisons.from_battles(table, cluster="voter"), Comparisons.from_battles(table)
    with pytest.raises(InvalidOptionError, match="Some parts keep voter apart"):
        Comparisons.sum([clustered, plain])
    renamed = Comparisons.from_battles(table.rename(columns={"voter": "worker"}), cluster="worker")
    with pytest.raises(InvalidOptionError, match="clustered by voter, worker"):
        Comparisons.sum([clustered, renamed])
    texts = Comparisons.from_battles(table.assign(voter=table.voter.map(str)), cluster="voter")
    with pytest.raises(InvalidOptionError, match="mix types of voter: 0 and '0'"):
        Comparisons.sum([clustered, texts])
    numbers = Comparisons.from_counts([1, 2], [0], [1], [[1, 0, 0, 0]])
    with pytest.raises(InvalidComparisonsError, match="not of one type"):
        Comparisons.sum([plain, numbers])


@settings(deadline=None, max_examples=50)
@given(tables())
def test_counts_give_the_same_as_rows(table: pd.DataFrame) -> None:
    table = table.drop(columns=["weight", "voter"])
    models = ["Z", "é", "a", "b", "c", "d"]
    counts = np.zeros((len(table), 4), dtype=np.int64)
    counts[np.arange(len(table)), [WINNERS.index(label) for label in table.winner]] = table["count"]
    places = [[models.index(name) for name in table[side]] for side in ("model_a", "model_b")]
    counted = Comparisons.from_counts(models, *places, counts)
    assert counted.models == tuple(sorted(models))
    present = [name for name in counted.models if name in {*table.model_a, *table.model_b}]
    assert contents(counted.restrict(present)) == contents(Comparisons.from_battles(table))


@pytest.mark.parametrize(
    ("models", "first", "second", "counts", "message"),
    [
        ("xy", [0, 1], [1, 1], [[1, 0, 0, 0]] * 2, "Row 1 of the counts: 'y' is compared with itself"),
        ("xy", [0], [2], [[1, 0, 0, 0]], "Row 0 of the counts: second is 2. There are 2 models"),
        ("xy", [-1], [1], [[1, 0, 0, 0]], "Row 0 of the counts: first is -1"),
        ("xy", [0], [1], [[1, 0, -3, 0]], "Row 0 of the counts: the count of tie is -3"),
        ("xy", [0], [1], [[1, 0, 0, 0.5]], "Row 0 of the counts: the count of both_bad is 0.5"),
        ("xy", [0], [1], [[1, np.nan, 0, 0]], "the count of model_b is nan"),
        ("xy", [0], [1], [["1", "2", "3", "4"]], "counts has type"),
        ("xy", [0], [1], [[2**53, 2, 0, 0]], "more than 9007199254740992 votes"),
        ("xy", [0], [1], [[1, 0, 0]], r"shapes \(1,\), \(1,\) and \(1, 3\)"),
        ("xy", [0.0], [1.0], [[1, 0, 0, 0]], "first has shape .* integer indices"),
        ("xyx", [0], [1], [[1, 0, 0, 0]], "model 'x' is named twice"),
        (["x", 1], [0], [1], [[1, 0, 0, 0]], "not of one type that has an order"),
        (["x", ""], [0], [1], [[1, 0, 0, 0]], "A model is named ''"),
    ],
)
def test_wrong_counts_are_named(
    models: list[object], first: list[int], second: list[int], counts: list[list[int]], message: str
) -> None:
    with pytest.raises(InvalidComparisonsError, match=message):
        Comparisons.from_counts(models, first, second, counts)


def renamed(table: pd.DataFrame, random: Random) -> tuple[pd.DataFrame, dict[str, str]]:
    """Give models and voters other names."""
    names = sorted({*table.model_a, *table.model_b})
    others = [f"n{number}" for number in range(len(names))]
    random.shuffle(others)
    new = dict(zip(names, others, strict=True))
    voters = sorted(set(table.voter))
    random.shuffle(voters)
    places = dict(zip(sorted(set(table.voter)), voters, strict=True))
    changed = table.assign(model_a=table.model_a.map(new), model_b=table.model_b.map(new))
    return changed.assign(voter=table.voter.map(places)), new


def in_canonical_order(table: pd.DataFrame) -> Comparisons:
    comparisons = Comparisons.from_battles(table, cluster="voter")
    return comparisons.reordered(comparisons.canonical_order())


@settings(deadline=None, max_examples=60)
@given(tables(), st.randoms(use_true_random=False))
def test_names_do_not_change_a_byte_in_canonical_order(table: pd.DataFrame, random: Random) -> None:
    table = table.drop(columns="weight")
    changed, _ = renamed(table, random)
    one, other = in_canonical_order(table), in_canonical_order(changed)
    for name in ("first", "second", "counts", "weights", "squared_weights"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    assert voters_of(one) == voters_of(other)


def voters_of(comparisons: Comparisons) -> list[list[tuple[int, float, float]]]:
    """List what each voter voted, in an order without names."""
    cells = comparisons.clusters
    assert cells is not None
    votes: dict[int, list[tuple[int, float, float]]] = {}
    for whose, pair, weight, score in zip(cells.cluster, cells.pair, cells.weight, cells.score, strict=True):
        votes.setdefault(int(whose), []).append((int(pair), float(weight), float(score)))
    return sorted(sorted(one) for one in votes.values())


def test_symmetric_models_are_set_apart_one_after_the_other() -> None:
    # Three couples, each a tie among themselves and beaten in a circle: no refinement tells them apart.
    couples = [("a", "d"), ("b", "e"), ("c", "f")]
    for couple in (couples, [("a", "b"), ("c", "d"), ("e", "f")], [("f", "a"), ("e", "c"), ("b", "d")]):
        rows = [(one, other, "tie") for one, other in couple]
        circle = [
            (couple[i][k], couple[(i + 1) % 3][m], "model_a")
            for i in range(3)
            for k in (0, 1)
            for m in (0, 1)
        ]
        comparisons = Comparisons.from_battles(battles(*rows, *circle))
        ordered = comparisons.reordered(comparisons.canonical_order())
        if couple is couples:
            expected = ordered
        assert sorted(ordered.models) == list("abcdef")
        assert contents(ordered)[1] == contents(expected)[1]


def test_reordering_back_gives_the_same_bytes() -> None:
    comparisons = Comparisons.from_battles(random_battles(54), cluster="voter")
    order = np.array([4, 2, 0, 5, 1, 3])
    there = comparisons.reordered(order)
    assert there.models == ("m4", "m2", "m0", "m5", "m1", "m3")
    back, votes = there.reordered(np.argsort(order)), replace(comparisons, clusters=None)
    assert contents(replace(back, clusters=None)) == contents(votes)
    # Clusters come in the order of what they voted, not of their names.
    assert contents(back) == contents(comparisons.reordered(np.arange(6)))
    assert set(clustered_cells(back)) == set(clustered_cells(comparisons))


def clustered_cells(comparisons: Comparisons) -> list[tuple[object, ...]]:
    cells = comparisons.clusters
    assert cells is not None
    names = cells.identities.take(pa.array(cells.cluster)).to_pylist()
    return list(zip(names, cells.pair, cells.weight, cells.score, strict=True))


def test_reordering_turns_votes_round() -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", "model_a"), ("y", "x", "tie")))
    assert comparisons.reordered([1, 0]).counts.tolist() == [[0, 1, 1, 0]]
    assert comparisons.reordered([1, 0]).models == ("y", "x")


@pytest.mark.parametrize("order", [[0], [0, 0], [1, 2], [[0, 1]], [0.5, 1]])
def test_refuses_an_order_that_is_none(order: list[int]) -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", "tie")))
    with pytest.raises(InvalidOptionError, match="order is not a permutation of 0 to 1"):
        comparisons.reordered(order)


@pytest.mark.parametrize("weighted", [False, True])
def test_all_ways_to_count_agree(weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    table = random_battles(55, models=30, rows=3000, voters=40)
    if weighted:
        table["weight"] = np.random.default_rng(55).choice([0.25, 1.0, 3.0], size=len(table))
    expected = contents(Comparisons.from_battles(table, cluster="voter"))
    monkeypatch.setattr("ratings.aggregation._DENSE", 0)
    monkeypatch.setattr("ratings.aggregation._BLOCK", 70)
    assert contents(Comparisons.from_battles(table, cluster="voter")) == expected
    assert contents(Comparisons.from_battles(table.assign(count=1), cluster="voter")) == expected


def test_parts_with_too_many_votes_are_refused() -> None:
    part = Comparisons.from_counts("xy", [0], [1], [[2**52, 2**52, 0, 0]])
    with pytest.raises(InvalidComparisonsError, match="hold 18014398509481984 votes, more than"):
        Comparisons.sum([part, part])


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
