import hashlib
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special

from ratings import InvalidOptionError
from ratings.arrays import FloatArray
from ratings.simulate import simulate_battles, simulate_intransitivity, simulate_strengths
from ratings.traffic import draw_zeta_voters

OUTCOME = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}
PAIR = {"x": 0.5, "y": -0.5}


def simulate(seed: int = 60, **options: Any) -> pd.DataFrame:
    arguments = {"strengths": PAIR, "battles": 40_000, **options}
    return simulate_battles(np.random.default_rng(seed), **arguments)


def outcomes_of_x(table: pd.DataFrame) -> pd.Series:
    outcome = table.winner.map(OUTCOME)
    return outcome.where(table.model_a == "x", 1 - outcome)


def test_the_same_generator_gives_the_same_battles() -> None:
    pd.testing.assert_frame_equal(simulate(), simulate())
    assert not simulate().equals(simulate(61))


@pytest.mark.parametrize("tie_rate", [0.0, 0.35, 1.0])
def test_the_mean_outcome_is_the_logistic_of_the_difference(tie_rate: float) -> None:
    table = simulate(tie_rate=tie_rate)
    # Standard error below 0.0025 for 40,000 votes.
    assert outcomes_of_x(table).mean() == pytest.approx(special.expit(1.0), abs=0.0075)


def test_ties_between_equals_are_as_frequent_as_asked() -> None:
    table = simulate(strengths={"x": 0.0, "y": 0.0}, tie_rate=0.4, both_bad_share=0.25)
    shares = table.winner.value_counts(normalize=True)
    assert shares["tie"] == pytest.approx(0.3, abs=0.01)
    assert shares["both_bad"] == pytest.approx(0.1, abs=0.01)


def test_position_bias_favours_side_a() -> None:
    table = simulate(strengths={"x": 0.0, "y": 0.0}, position_bias=0.5)
    assert table.winner.map(OUTCOME).mean() == pytest.approx(special.expit(0.5), abs=0.0075)


def test_taste_makes_voters_differ() -> None:
    spread = {
        taste: outcomes_of_x(table := simulate(voters=40, taste=taste)).groupby(table.voter).mean().std()
        for taste in (0.0, 1.0)
    }
    assert spread[0.0] < 0.025
    assert spread[1.0] > 0.15


def test_activity_exponent_makes_some_voters_heavy() -> None:
    shares = simulate(voters=100, activity_exponent=1.0).voter.value_counts(normalize=True)
    assert shares["voter-00000"] == pytest.approx(1 / sum(1 / n for n in range(1, 101)), abs=0.01)


def test_pairs_are_uniform_and_never_with_itself() -> None:
    table = simulate(strengths=dict.fromkeys("wxyz", 0.0))
    counts = table.groupby(["model_a", "model_b"]).size()
    assert len(counts) == 12
    assert counts.min() > 0.9 * 40_000 / 12


def test_strengths_have_mean_zero_and_the_asked_spread() -> None:
    strengths = list(simulate_strengths(np.random.default_rng(62), models=2000, spread=0.5).values())
    assert np.mean(strengths) == pytest.approx(0, abs=1e-12)
    assert np.std(strengths) == pytest.approx(0.5, rel=0.05)


def test_defaults_keep_their_bytes() -> None:
    table = simulate(
        strengths={"x": 1.0, "y": 0.0, "z": -0.3}, battles=5000, taste=0.5, activity_exponent=1.1
    )
    digest = hashlib.sha256(table.to_csv().encode()).hexdigest()
    assert digest.startswith("25ef25b9db2e3400")


def test_zeta_voters_cast_the_published_numbers_of_votes() -> None:
    votes = simulate(battles=200_000, votes_per_voter_exponent=2.4).voter.value_counts()
    assert votes.sum() == 200_000
    assert votes.median() == 1
    # P(1) = 1 / zeta(2.4), with 80,000 voters known to 0.0015.
    assert (votes == 1).mean() == pytest.approx(1 / special.zeta(2.4), abs=0.006)
    assert votes.mean() == pytest.approx(special.zeta(1.4) / special.zeta(2.4), rel=0.15)
    assert votes.max() > 100


@pytest.mark.parametrize("exponent", [1.0001, 1.01, 1.2])
def test_zeta_voters_of_any_exponent_take_memory_in_proportion_to_the_votes(exponent: float) -> None:
    tracemalloc.start()
    voter = draw_zeta_voters(np.random.default_rng(63), 4000, exponent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(voter) == 4000
    assert (np.diff(voter, prepend=0) >= 0).all()
    assert set(voter) == set(range(voter.max() + 1))
    assert peak < 100 * voter.nbytes


def test_zeta_voters_have_tastes() -> None:
    table = simulate(strengths={"x": 0.0, "y": 0.0}, votes_per_voter_exponent=1.5, taste=2.0, tie_rate=0.0)
    by_voter = outcomes_of_x(table).groupby(table.voter).agg(["mean", "size"])
    heavy = by_voter[by_voter["size"] >= 50]["mean"]
    # The standard deviation of the logistic of a normal of standard deviation 2 * sqrt(2) is 0.36.
    assert heavy.std() > 0.25


@pytest.mark.parametrize("exponent", [None, 2.4])
def test_the_top_voter_casts_exactly_the_asked_share(exponent: float | None) -> None:
    table = simulate(top_voter_share=0.05, votes_per_voter_exponent=exponent)
    votes = table.voter.value_counts()
    assert votes["voter-00000"] == 2000
    places = np.flatnonzero(table.voter == "voter-00000") / len(table)
    assert places.mean() == pytest.approx(0.5, abs=0.03)


def test_style_enters_the_log_odds_per_standard_deviation() -> None:
    table = simulate(
        strengths={"x": 0.0, "y": 0.0}, battles=200_000, tie_rate=0.0, style={"tokens": 0.5, "bold": -0.25}
    )
    z = np.column_stack([normalised_difference(table, feature) for feature in ("tokens", "bold")])
    won = (table.winner == "model_a").to_numpy()
    weights = np.zeros(2)
    for _ in range(8):
        p = special.expit(z @ weights)
        weights += np.linalg.solve(z.T @ (z * (p * (1 - p))[:, None]), z.T @ (won - p))
    # Standard error 0.005.
    np.testing.assert_allclose(weights, [0.5, -0.25], atol=0.02)


def test_models_differ_in_style() -> None:
    table = simulate(strengths=dict.fromkeys("wxyz", 0.0), style={"tokens": 0.1})
    assert (table[["tokens_a", "tokens_b"]] > 0).all(axis=None)
    assert np.log(table.tokens_a).groupby(table.model_a).mean().std() > 0.1


def normalised_difference(table: pd.DataFrame, feature: str) -> FloatArray:
    a, b = table[f"{feature}_a"].to_numpy(), table[f"{feature}_b"].to_numpy()
    z = (a - b) / (a + b)
    return (z - z.mean()) / z.std()


def test_residuals_add_to_the_log_odds_of_their_pair() -> None:
    residual = np.array([[0, 0.5, -0.5], [-0.5, 0, 0.5], [0.5, -0.5, 0]])
    table = simulate(strengths=dict.fromkeys("xyz", 0.0), intransitivity=residual)
    ahead = {("x", "y"), ("y", "z"), ("z", "x")}
    sides = [(a, b) in ahead for a, b in zip(table.model_a, table.model_b, strict=True)]
    outcome = table.winner.map(OUTCOME)
    # A cycle that no strengths explain; standard error below 0.0025.
    assert outcome.where(sides, 1 - outcome).mean() == pytest.approx(special.expit(0.5), abs=0.0075)


def test_intransitivity_draws_antisymmetric_residuals_of_the_asked_spread() -> None:
    residual = simulate_intransitivity(np.random.default_rng(63), models=60, spread=0.3)
    np.testing.assert_array_equal(residual, -residual.T)
    assert residual[np.triu_indices(60, k=1)].std() == pytest.approx(0.3, rel=0.06)
    drawn = simulate(strengths=dict.fromkeys("wxyz", 0.0), intransitivity=3.0, tie_rate=0.0)
    shares = drawn.groupby(["model_a", "model_b"]).winner.agg(lambda winner: (winner == "model_a").mean())
    assert (shares - 0.5).abs().max() > 0.3


WEIGHTS = {("x", "y"): 3.0, ("z", "y"): 1.0}


@pytest.mark.parametrize(
    "weights", [WEIGHTS, np.array([[9.0, 3, 0], [3, 9, 1], [0, 1, 9]])], ids=["by name", "matrix"]
)
def test_pairs_are_drawn_in_proportion_to_their_weights(weights: Any) -> None:
    table = simulate(strengths=dict.fromkeys("xyz", 0.0), pair_weights=weights)
    pair = (
        table.model_a.where(table.model_a < table.model_b, table.model_b)
        + "-"
        + table.model_b.where(table.model_a < table.model_b, table.model_a)
    )
    shares = pair.value_counts(normalize=True)
    assert set(shares.index) == {"x-y", "y-z"}
    assert shares["x-y"] == pytest.approx(0.75, abs=0.01)
    assert (table.propensity == pair.map({"x-y": 0.75, "y-z": 0.25})).all()
    assert (table.model_a == "y").mean() == pytest.approx(0.5, abs=0.01)


def test_dates_are_in_order_and_within_bounds() -> None:
    dates = simulate(dates=("2024-01-01", "2024-01-03")).date
    assert dates.is_monotonic_increasing
    assert dates.min() >= pd.Timestamp("2024-01-01")
    assert dates.max() <= pd.Timestamp("2024-01-03")
    assert (dates < "2024-01-02").mean() == pytest.approx(0.5, abs=0.01)


def test_no_battles_make_an_empty_table_with_all_columns() -> None:
    table = simulate(
        battles=0,
        votes_per_voter_exponent=2.4,
        taste=1.0,
        style={"tokens": 1.0},
        pair_weights=[[0, 1], [1, 0]],
    )
    assert len(table) == 0
    assert table.columns.tolist() == [
        *("model_a", "model_b", "winner", "voter", "tokens_a", "tokens_b", "propensity")
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strengths": {"x": 0.0}}, "strengths names 1 models"),
        ({"tie_rate": 1.5}, "tie_rate is 1.5"),
        ({"both_bad_share": -0.1}, "both_bad_share is -0.1"),
        ({"voters": 0}, "voters is 0"),
        ({"strengths": {"x": 0.0, "y": np.nan}}, "strengths holds a value that is not finite"),
        ({"taste": -1.0}, "taste is -1.0"),
        ({"position_bias": np.inf}, "position_bias is inf"),
        ({"votes_per_voter_exponent": 1.0}, "votes_per_voter_exponent is 1.0"),
        ({"votes_per_voter_exponent": 2.4, "activity_exponent": 1.0}, "choose one"),
        ({"top_voter_share": 1.0}, "top_voter_share is 1.0"),
        ({"top_voter_share": 0.1, "voters": 1}, "voters is 1, make it 2"),
        ({"style": {"model": 0.1}}, "style has 'model'"),
        ({"style": {"tokens": np.nan}}, "style has 'tokens': nan"),
        ({"intransitivity": -0.1}, "intransitivity is -0.1"),
        ({"intransitivity": np.ones((2, 2))}, "antisymmetric"),
        ({"intransitivity": np.zeros((3, 3))}, "2 rows and columns"),
        ({"pair_weights": np.ones((3, 3))}, r"shape \(3, 3\)"),
        ({"pair_weights": [[0, 1], [2, 0]]}, "symmetric"),
        ({"pair_weights": [[0, -1], [-1, 0]]}, "negative or infinite"),
        ({"pair_weights": {("x", "q"): 1.0}}, r"names \('x', 'q'\)"),
        ({"pair_weights": {("x", "y"): 1.0, ("y", "x"): 1.0}}, "twice"),
        ({"pair_weights": {("x", "y"): 0.0}}, "nothing but 0"),
        ({"dates": ("2024-02-01", "2024-01-01")}, "a start before its end"),
    ],
)
def test_refuses_numbers_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        simulate(**options)
