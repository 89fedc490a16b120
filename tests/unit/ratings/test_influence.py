import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratings import (
    RATING_PER_STRENGTH,
    Comparisons,
    InvalidOptionError,
    SeparableComparisonsError,
    fit_bradley_terry,
    simulate,
)
from ratings.influence import (
    VoteChange,
    adjacent_votes_to_flip,
    voters_to_flip,
    votes_to_flip,
)
from tests.unit.ratings.exhaustive import SmallBoard
from tests.unit.ratings.tables import battles, mirrored, random_battles


def counted(table: pd.DataFrame) -> pd.DataFrame:
    """One row per pair and winner, the models of a pair in sorted order."""
    turned = mirrored(table)
    table = table.where(table.model_a < table.model_b, turned)
    return table.groupby(["model_a", "model_b", "winner"]).size().rename("count").reset_index()


def changed(table: pd.DataFrame, change: VoteChange, kind: str) -> pd.DataFrame:
    """Carry out a reported change on counted votes."""
    cells = change.cells.rename(columns={"votes": "count"})
    if kind == "adds":
        return pd.concat([table, cells])
    taken = cells[["model_a", "model_b", "winner", "count"]].copy()
    merged = table.merge(taken, on=["model_a", "model_b", "winner"], how="left", suffixes=("", "_taken"))
    merged["count"] -= merged.pop("count_taken").fillna(0).astype(int)
    assert merged["count"].min() >= 0
    assert taken["count"].sum() == change.votes == table["count"].sum() - merged["count"].sum()
    if kind == "flips":
        cells = cells.drop(columns="winner").rename(columns={"new_winner": "winner"})
        return pd.concat([merged, cells])
    return merged


def neighbours(comparisons: Comparisons, rank: int = 1) -> tuple[str, str]:
    order = np.argsort(-fit_bradley_terry(comparisons).strengths, kind="stable")
    return comparisons.models[order[rank - 1]], comparisons.models[order[rank]]


def gap(comparisons: Comparisons, better: str, worse: str) -> float:
    fit = fit_bradley_terry(comparisons)
    strengths = dict(zip(fit.models, fit.strengths, strict=True))
    return float(RATING_PER_STRENGTH * (strengths[better] - strengths[worse]))


@pytest.mark.parametrize("kind", ["drops", "flips", "adds"])
def test_the_reported_votes_reverse_the_order_and_one_fewer_does_not(kind: str) -> None:
    table = counted(
        simulate.simulate_battles(
            np.random.default_rng(31),
            strengths={"a": 0.3, "b": 0.2, "c": 0.0, "d": -0.1, "e": -0.4},
            battles=3000,
        )
    )
    comparisons = Comparisons.from_battles(table)
    better, worse = neighbours(comparisons)
    change = getattr(votes_to_flip(comparisons, better, worse), kind)
    after = Comparisons.from_battles(changed(table, change, kind))
    assert gap(comparisons, better, worse) > 0
    assert gap(after, better, worse) == pytest.approx(change.gap, abs=1e-6)
    assert change.gap < 0
    for row in range(len(change.cells)):
        fewer = change.cells.copy()
        fewer.loc[row, "votes"] -= 1
        less = VoteChange(votes=change.votes - 1, cells=fewer, gap=0.0)
        assert gap(Comparisons.from_battles(changed(table, less, kind)), better, worse) > 0


@pytest.mark.parametrize("kind", ["drop", "flip", "add"])
def test_agrees_with_exhaustive_search_on_small_boards(kind: Any) -> None:
    rng = np.random.default_rng(32)
    compared, exact = 0, 0
    while compared < 25:
        board = SmallBoard.draw(rng, models=int(rng.integers(2, 5)), votes=int(rng.integers(6, 20)))
        comparisons = board.comparisons()
        if comparisons.strongly_connected() != (tuple(f"m{n}" for n in range(board.models)),):
            continue
        better, worse = neighbours(comparisons, int(rng.integers(1, board.models)))
        if gap(comparisons, better, worse) < 1e-6:
            continue
        change = getattr(votes_to_flip(comparisons, better, worse), f"{kind}s")
        found = change.votes if change else None
        places = int(better[1:]), int(worse[1:])
        fewest = board.fewest(kind, *places, most=min(found or 4, 6), sets=200_000)
        if fewest is None:
            # No smaller set exists; where ours is larger than was tried, nothing is contradicted.
            assert found is None or found > 6
        else:
            assert found is not None
            assert fewest <= found <= fewest + 1
            exact += found == fewest
        compared += 1
    assert exact >= 0.5 * compared


def test_a_pair_of_models_needs_what_arithmetic_says() -> None:
    table = battles(("x", "y", "model_a"), ("y", "x", "model_a"), ("x", "y", "tie"), count=[30, 20, 7])
    found = votes_to_flip(Comparisons.from_battles(table), "x", "y")
    assert found.total == 57
    assert found.drops is not None
    assert found.flips is not None
    assert (found.drops.votes, found.flips.votes, found.adds.votes) == (11, 6, 11)
    assert found.flips.cells.to_dict("records") == [
        {"model_a": "x", "model_b": "y", "winner": "model_a", "new_winner": "model_b", "votes": 6}
    ]


def test_models_that_never_met_can_be_reversed() -> None:
    table = battles(
        *[("x", "z", "model_a"), ("z", "x", "model_a"), ("y", "z", "model_a"), ("z", "y", "model_a")],
        count=[30, 20, 28, 20],
    )
    found = votes_to_flip(Comparisons.from_battles(table), "x", "y")
    assert found.drops is not None
    # 28 of 46 is more than 30 of 50, 28 of 47 is less.
    assert found.drops.votes == 2
    assert found.adds.votes == 1
    assert found.adds.cells.to_dict("records") == [
        {"model_a": "x", "model_b": "y", "winner": "model_b", "votes": 1}
    ]


def test_a_model_that_loses_its_last_tie_with_the_board_is_left_out_of_the_refit() -> None:
    # z hangs on one tie with x; dropping it leaves x and y on one scale without z.
    table = battles(
        *[("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "z", "tie"), ("z", "y", "model_b")],
        count=[4, 4, 1, 1],
    )
    comparisons = Comparisons.from_battles(table)
    better, worse = neighbours(comparisons)
    found = votes_to_flip(comparisons, better, worse)
    assert found.drops is not None
    after = Comparisons.from_battles(changed(table, found.drops, "drops"))
    (group,) = (group for group in after.strongly_connected() if {better, worse} <= set(group))
    assert gap(after.restrict(group), better, worse) == pytest.approx(found.drops.gap, abs=1e-6)
    assert found.drops.gap < 0


def test_no_drops_where_the_order_cannot_be_reversed_without_cutting_the_two_apart() -> None:
    table = battles(("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "y", "tie"), count=[5, 0, 1])
    found = votes_to_flip(Comparisons.from_battles(table), "x", "y")
    assert found.drops is None
    assert found.flips is not None
    assert found.flips.votes == 3
    assert adjacent_votes_to_flip(Comparisons.from_battles(table)).drops.isna().all()


def test_weighted_votes_count_with_their_weight() -> None:
    table = battles(("x", "y", "model_a"), ("y", "x", "model_a"), count=[30, 20], weight=[2.0, 2.0])
    found = votes_to_flip(Comparisons.from_battles(table), "x", "y")
    assert found.drops is not None
    assert found.flips is not None
    # Votes of weight 2 go as in the unweighted case; new ones weigh 1.
    assert (found.drops.votes, found.flips.votes, found.adds.votes) == (11, 6, 21)


def test_voters_whose_removal_reverses_the_order() -> None:
    table = random_battles(33, models=5, rows=600, voters=60)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    better, worse = neighbours(comparisons)
    found = voters_to_flip(comparisons, better, worse)
    assert found is not None
    rest = table[~table.voter.isin(found.voters)]
    assert found.weight == len(table) - len(rest)
    assert gap(Comparisons.from_battles(rest), better, worse) == pytest.approx(found.gap, abs=1e-6)
    assert found.gap < 0


def test_the_fewest_voters_agree_with_trying_all_sets() -> None:
    exact = 0
    for seed in range(5):
        table = random_battles(seed, models=4, rows=120, voters=12)
        comparisons = Comparisons.from_battles(table, cluster="voter")
        better, worse = neighbours(comparisons)
        found = voters_to_flip(comparisons, better, worse)
        assert found is not None
        exact += not any(
            gap(Comparisons.from_battles(table[~table.voter.isin(voters)]), better, worse) < -1e-6
            for voters in itertools.combinations(range(12), len(found.voters) - 1)
        )
    assert exact >= 4


def test_neighbours_in_a_table() -> None:
    table = simulate.simulate_battles(
        np.random.default_rng(34),
        strengths=simulate.simulate_strengths(np.random.default_rng(35), models=8),
        battles=4000,
    )
    comparisons = Comparisons.from_battles(table, cluster="voter")
    result = adjacent_votes_to_flip(comparisons, top=5)
    assert result["rank"].tolist() == [1, 2, 3, 4]
    assert result.worse.tolist()[:-1] == result.better.tolist()[1:]
    for row in result.itertuples():
        found = votes_to_flip(comparisons, row.better, row.worse)
        voters = voters_to_flip(comparisons, row.better, row.worse)
        assert found.drops is not None
        assert found.flips is not None
        assert voters is not None
        assert (row.drops, row.flips, row.adds) == (found.drops.votes, found.flips.votes, found.adds.votes)
        assert row.voters == len(voters.voters)
        assert row.drop_share == row.drops / 4000
        assert row.flips <= row.drops


def test_the_order_of_rows_and_the_sides_change_nothing() -> None:
    table = random_battles(36, models=6, rows=500)
    shuffled = mirrored(table).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        adjacent_votes_to_flip(Comparisons.from_battles(table)),
        adjacent_votes_to_flip(Comparisons.from_battles(shuffled)),
    )


def test_refuses_what_it_cannot_answer() -> None:
    comparisons = Comparisons.from_battles(random_battles(37))
    better, worse = neighbours(comparisons)
    with pytest.raises(InvalidOptionError, match=f"'{worse}' is not ahead of '{better}'"):
        votes_to_flip(comparisons, worse, better)
    with pytest.raises(InvalidOptionError, match="'q' is not among"):
        votes_to_flip(comparisons, "q", worse)
    with pytest.raises(InvalidOptionError, match="do not keep voters apart"):
        voters_to_flip(comparisons, better, worse)
    with pytest.raises(InvalidOptionError, match="top is 1"):
        adjacent_votes_to_flip(comparisons, top=1)
    undefeated = Comparisons.from_battles(battles(("x", "y", "model_a")))
    with pytest.raises(SeparableComparisonsError, match="never lose or tie"):
        votes_to_flip(undefeated, "x", "y")


def test_lopsided_and_uneven_boards_are_answered_to_the_vote() -> None:
    lopsided = battles(("x", "y", "model_a"), ("x", "y", "model_b"), count=[10**9, 1])
    found = votes_to_flip(Comparisons.from_battles(lopsided), "x", "y")
    assert found.flips is not None
    assert (found.flips.votes, found.adds.votes) == (500_000_000, 10**9)
    # z hangs on a few votes beside a pair with billions.
    rows = [("x", "y", "model_a"), ("x", "y", "model_b"), ("y", "z", "model_a"), ("y", "z", "model_b")]
    uneven = Comparisons.from_battles(battles(*rows, count=[10**9, 10**9, 6, 3]))
    found = votes_to_flip(uneven, "y", "z")
    assert found.drops is not None
    assert found.flips is not None
    assert (found.drops.votes, found.flips.votes, found.adds.votes) == (4, 2, 4)
