import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ratings import EmptyComparisonsError, InvalidComparisonsError, InvalidOptionError, leaderboard
from ratings.board_comparison import compare_boards
from ratings.simulate import simulate_battles
from tests.unit.ratings.tables import battles, random_battles

STRENGTHS = {"m0": 0.5, "m1": 0.2, "m2": 0.0, "m3": -0.3, "m4": -0.4}


def test_two_halves_of_one_board_differ_by_chance_only() -> None:
    covered, moved, rounds = 0, 0, 80
    for seed in range(rounds):
        rng = np.random.default_rng(seed)
        halves = [simulate_battles(rng, strengths=STRENGTHS, battles=1500, voters=700) for _ in range(2)]
        table = compare_boards(*halves, confidence=0.9).table
        covered += int(((table.lower < 0) & (table.upper > 0)).sum())
        moved += bool(table.moved.any())
    assert covered / (5 * rounds) == pytest.approx(0.9, abs=0.05)
    assert moved / rounds < 0.2


def test_a_model_that_improved_is_found() -> None:
    rng = np.random.default_rng(1)
    before = simulate_battles(rng, strengths=STRENGTHS, battles=6000)
    after = simulate_battles(rng, strengths={**STRENGTHS, "m4": 0.5}, battles=6000)
    comparison = compare_boards(before, after)
    table = comparison.table.set_index("model")
    assert table.moved["m4"]
    assert table.difference["m4"] == pytest.approx(173.7 * 0.9 * 4 / 5, abs=25)
    assert table.lower["m4"] < table.difference["m4"] < table.upper["m4"]
    assert (table.first_rank["m4"], table.second_rank["m4"]) in {(5, 1), (5, 2)}
    assert comparison.rank_correlation < 0.8
    ranked = stats.kendalltau(table["first"], table["second"]).statistic
    assert comparison.rank_correlation == pytest.approx(ranked)
    assert comparison.votes == (6000, 6000)
    assert comparison.cluster == ("voter", "voter")


def test_the_scale_is_common_whatever_else_is_on_the_boards() -> None:
    first = random_battles(70, models=6)
    second = random_battles(71, models=8)
    comparison = compare_boards(first, second)
    assert comparison.only_second == ("m6", "m7")
    assert comparison.only_first == ()
    table = comparison.table.set_index("model").sort_index()
    assert table["first"].mean() == pytest.approx(1000)
    assert table["second"].mean() == pytest.approx(1000)
    whole = leaderboard(second).table.set_index("model").rating.loc[table.index]
    assert (table["second"] - table["second"].mean()).tolist() == pytest.approx(
        (whole - whole.mean()).tolist()
    )


def test_the_interval_is_that_of_independent_boards() -> None:
    """Two models: the variance of a centred strength is a quarter of that of the difference."""
    votes = battles(*[("x", "y", label) for label in ("model_a", "model_b")], count=[60, 40])
    other = battles(*[("x", "y", label) for label in ("model_a", "model_b")], count=[30, 20])
    table = compare_boards(votes, other).table
    error = 400 / np.log(10) / 2 * np.sqrt(1 / (100 * 0.24) + 1 / (50 * 0.24))
    assert (table.upper - table.difference).tolist() == pytest.approx([1.959964 * error] * 2)


def test_votes_without_variance_claim_nothing() -> None:
    table = compare_boards(
        battles(("x", "y", "tie")), random_battles(72).replace({"m0": "x", "m1": "y"})
    ).table
    assert table.lower.isna().all()
    assert not table.moved.any()


def test_equal_ratings_share_a_rank() -> None:
    cycle = battles(("a", "b", "model_a"), ("b", "c", "model_a"), ("c", "a", "model_a"))
    comparison = compare_boards(cycle, cycle)
    assert comparison.table.second_rank.tolist() == [1, 1, 1]
    assert np.isnan(comparison.correlation)


def test_bad_input_is_named() -> None:
    table = random_battles(73)
    with pytest.raises(
        InvalidComparisonsError, match="in common; a comparison needs two. Rated in the first set: 'm0'"
    ):
        compare_boards(table, table.replace({f"m{n}": f"x{n}" for n in range(6)}))
    with pytest.raises(InvalidOptionError, match="confidence is 95"):
        compare_boards(table, table, confidence=95)
    with pytest.raises(
        EmptyComparisonsError, match="old.csv can be rated .'m0': never lost; 'm1': never won.: wins"
    ):
        compare_boards(table, battles(("m0", "m1", "model_a")), names=("new.csv", "old.csv"))
    with pytest.raises(EmptyComparisonsError, match="no model is named in the second set"):
        compare_boards(table, pd.DataFrame({"model_a": [], "model_b": [], "winner": []}, dtype="str"))
