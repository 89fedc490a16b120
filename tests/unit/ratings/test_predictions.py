import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from ratings.arrays import FloatArray
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.errors import InvalidOptionError
from ratings.intervals import sandwich
from ratings.predictions import Fit, calibration, expected_outcomes, win_rates_against_field
from ratings.tie_likelihoods import TieModel
from ratings.ties import TiesFit, fit_ties
from tests.unit.ratings.tables import battles, random_battles

TIE_MODELS: tuple[TieModel, ...] = ("rao-kupper", "davidson", "grounded")


def fits(comparisons: Comparisons) -> list[tuple[Fit, FloatArray]]:
    half = fit_bradley_terry(comparisons)
    with_ties = [fit_ties(comparisons, model=model) for model in TIE_MODELS]
    return [(half, sandwich(half, comparisons)), *((fit, fit.covariance) for fit in with_ties)]


def slow_expected(fit: Fit, first: str, second: str) -> float:
    if isinstance(fit, TiesFit):
        chances = fit.probabilities(first, second)
        return float(chances["model_a"] + (chances["tie"] + chances.get("both_bad", 0.0)) / 2)
    strength = dict(zip(fit.models, fit.strengths.tolist(), strict=True))
    return float(1 / (1 + np.exp(strength[second] - strength[first])))


def moved(fit: Fit, by: FloatArray) -> Fit:
    if isinstance(fit, BradleyTerryFit):
        return replace(fit, strengths=fit.strengths + by)
    return replace(fit, strengths=fit.strengths + by[:-1], tie_parameter=fit.tie_parameter + float(by[-1]))


def test_expected_outcomes_of_all_pairs() -> None:
    comparisons = Comparisons.from_battles(random_battles(1))
    for fit, _ in fits(comparisons):
        table = expected_outcomes(fit)
        np.testing.assert_allclose(table + table.T, 1, atol=1e-12)
        for first, second in itertools.permutations(comparisons.models, 2):
            assert table.loc[first, second] == pytest.approx(slow_expected(fit, first, second), rel=1e-12)


@pytest.mark.parametrize("model", TIE_MODELS)
def test_probability_of_each_outcome(model: TieModel) -> None:
    fit = fit_ties(Comparisons.from_battles(random_battles(2)), model=model)
    tables = {outcome: expected_outcomes(fit, outcome=outcome) for outcome in fit.outcomes}
    np.testing.assert_allclose(np.sum(list(tables.values()), axis=0), 1, atol=1e-12)
    pd.testing.assert_frame_equal(tables["model_a"], tables["model_b"].T)
    for outcome, table in tables.items():
        assert table.loc["m1", "m4"] == pytest.approx(fit.probabilities("m1", "m4")[outcome], rel=1e-12)


def test_win_rates_and_their_intervals() -> None:
    comparisons = Comparisons.from_battles(random_battles(3, models=5))
    names = comparisons.models
    for fit, covariance in fits(comparisons):
        table = win_rates_against_field(fit, covariance, confidence=0.9).set_index("model")
        assert table.win_rate.is_monotonic_decreasing

        def rates(at: Fit) -> FloatArray:
            return np.array([np.mean([slow_expected(at, i, j) for j in names if j != i]) for i in names])

        nudges = 1e-6 * np.eye(len(covariance))
        slopes = np.array([(rates(moved(fit, h)) - rates(moved(fit, -h))) / 2e-6 for h in nudges]).T
        errors = np.sqrt(np.diag(slopes @ covariance @ slopes.T))
        expected = rates(fit)
        logit, width = special.logit(expected), 1.6448536269514722 * errors / (expected * (1 - expected))
        np.testing.assert_allclose(table.win_rate[list(names)], expected, rtol=1e-12)
        np.testing.assert_allclose(table.lower[list(names)], special.expit(logit - width), rtol=1e-7)
        np.testing.assert_allclose(table.upper[list(names)], special.expit(logit + width), rtol=1e-7)


def test_win_rate_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(4)
    strengths = np.linspace(-0.9, 0.9, 6)
    rows = [(f"m{a}", f"m{b}", "tie") for a, b in itertools.combinations(range(6), 2)]
    pairs = Comparisons.from_battles(battles(*rows))
    win = special.expit(strengths[pairs.first] - strengths[pairs.second])
    tie = np.minimum(win, 1 - win)
    shares = np.stack([win - tie / 2, 1 - win - tie / 2, tie, np.zeros_like(tie)], axis=1)
    chances = special.expit(np.subtract.outer(strengths, strengths))
    truth = (chances.sum(axis=1) - 0.5) / 5
    covered = []
    for _ in range(200):
        counts = rng.multinomial(40, shares)
        weights = counts.astype(np.float64)
        votes = replace(pairs, counts=counts, weights=weights, squared_weights=weights)
        fit = fit_bradley_terry(votes)
        table = win_rates_against_field(fit, sandwich(fit, votes)).sort_values("model")
        covered.append((table.lower.to_numpy() <= truth) & (truth <= table.upper.to_numpy()))
    # 1,200 intervals, dependent in sixes: a standard error near 0.6 %.
    assert 0.93 < np.mean(covered) < 0.97


def test_calibration_adds_up_votes() -> None:
    table = battles(
        ("x", "y", "model_a"),
        ("x", "y", "model_b"),
        ("x", "y", "tie"),
        ("x", "y", "both_bad"),
        count=[6, 2, 4, 1],
    )
    comparisons = Comparisons.from_battles(table)
    half = calibration(fit_bradley_terry(comparisons), comparisons).loc[0]
    assert half.outcome == "expected"
    assert half.votes == 13
    assert half.predicted == pytest.approx(8.5 / 13)
    assert half.difference == pytest.approx(0, abs=1e-12)
    p = 8.5 / 13
    spread = 6 * (1 - p) ** 2 + 2 * p**2 + 5 * (0.5 - p) ** 2
    assert half.standard_error == pytest.approx(np.sqrt(spread) / 13)

    # Swapped strengths: y is now the favourite, which won 2 of 13.
    wrong = replace(
        fit_ties(comparisons, model="davidson"), strengths=np.array([-1.0, 1.0]), tie_parameter=0.0
    )
    found = calibration(wrong, comparisons).set_index("outcome")
    total = np.exp(1) + np.exp(-1) + 1
    np.testing.assert_allclose(found.predicted, [np.exp(1) / total, np.exp(-1) / total, 1 / total])
    np.testing.assert_allclose(found.observed, [2 / 13, 6 / 13, 5 / 13])
    share, foretold = 2 / 13, np.exp(1) / total
    error = np.sqrt((share * (1 - foretold) ** 2 + (1 - share) * foretold**2) / 13)
    assert found.standard_error["favourite"] == pytest.approx(error)


def test_calibration_on_other_votes() -> None:
    """Errors of a true model, in units of their standard error, are standard normal; of a wrong one they are not."""
    rng = np.random.default_rng(5)
    rows = [(f"m{a:02}", f"m{b:02}", "tie") for a, b in itertools.combinations(range(20), 2)]
    pairs = Comparisons.from_battles(battles(*rows))
    base = fit_ties(pairs, model="grounded", ridge=1.0)
    true = replace(base, strengths=rng.normal(0.5, 1.0, size=20), tie_parameter=0.2)
    chances = np.stack([expected_outcomes(true, outcome=outcome).to_numpy() for outcome in true.outcomes])
    counts = rng.multinomial(400, chances[:, pairs.first, pairs.second].T)
    votes = replace(pairs, counts=counts)
    found = calibration(true, votes, bins=8)
    assert len(found) == 4 * 8
    assert found.groupby("outcome").votes.sum().tolist() == [76_000] * 4
    assert found.votes.min() > 76_000 / 8 - 800
    assert (found.groupby("outcome", sort=False).predicted.diff().dropna() > 0).all()
    assert 0.7 < np.sqrt(np.mean((found.difference / found.standard_error) ** 2)) < 1.3
    off = calibration(replace(true, tie_parameter=0.5), votes)
    assert (off.difference / off.standard_error).abs().max() > 10


def test_calibration_follows_the_fit_on_both_bad_and_on_fewer_models() -> None:
    comparisons = Comparisons.from_battles(random_battles(6))
    excluding = fit_ties(comparisons, model="davidson", both_bad="exclude")
    assert (
        calibration(excluding, comparisons, bins=1).votes.tolist()
        == [int(comparisons.counts[:, :3].sum())] * 3
    )
    fewer = comparisons.restrict(["m1", "m3", "m4"])
    assert calibration(excluding, fewer, bins=1).votes[0] == fewer.counts[:, :3].sum()


def test_without_variance_bounds_are_null() -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", "tie")))
    fit = fit_bradley_terry(comparisons)
    table = win_rates_against_field(fit, sandwich(fit, comparisons))
    assert table.win_rate.tolist() == [0.5, 0.5]
    assert table[["lower", "upper"]].isna().all(axis=None)


def test_bad_arguments_are_refused() -> None:
    comparisons = Comparisons.from_battles(random_battles(7))
    half, ties = fit_bradley_terry(comparisons), fit_ties(comparisons)
    with pytest.raises(InvalidOptionError, match="outcome is 'tie'"):
        expected_outcomes(half, outcome="tie")
    with pytest.raises(InvalidOptionError, match="outcome is 'both_bad': this fit tells apart 'model_a'"):
        expected_outcomes(ties, outcome="both_bad")
    with pytest.raises(InvalidOptionError, match="has 7 parameters"):
        win_rates_against_field(ties, sandwich(half, comparisons))
    with pytest.raises(InvalidOptionError, match="confidence is 95"):
        win_rates_against_field(ties, ties.covariance, confidence=95)
    with pytest.raises(InvalidOptionError, match="bins is 0"):
        calibration(half, comparisons, bins=0)
    few = fit_bradley_terry(comparisons.restrict(["m0", "m1", "m2"]))
    with pytest.raises(InvalidOptionError, match="The fit has no 'm3', 'm4', 'm5'"):
        calibration(few, comparisons)
