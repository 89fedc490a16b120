import numpy as np
import pandas as pd
import pytest

from ratings import (
    RATING_PER_STRENGTH,
    Comparisons,
    InvalidOptionError,
    fit_bradley_terry,
    sandwich,
    simulate,
)
from ratings.arrays import FloatArray
from ratings.bradley_terry import BradleyTerryFit
from ratings.confidence_sequences import (
    anytime_half_widths,
    anytime_multiplier,
    anytime_rank_sets,
    anytime_rating_intervals,
    anytime_strictly_better,
    effective_voters,
)
from ratings.rank_sets import rank_sets
from tests.unit.ratings.tables import battles, random_battles


def board(battles_drawn: int = 20_000, seed: int = 1) -> tuple[BradleyTerryFit, FloatArray, Comparisons]:
    rng = np.random.default_rng(seed)
    strengths = {f"m{number}": 0.25 * (number // 2) for number in range(8)}
    table = simulate.simulate_battles(rng, strengths=strengths, battles=battles_drawn)
    comparisons = Comparisons.from_battles(table)
    fit = fit_bradley_terry(comparisons)
    return fit, sandwich(fit, comparisons), comparisons


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_on_the_boundary_the_mixture_martingale_reaches_one_over_alpha(alpha: float) -> None:
    votes = np.array([1, 10, 300, 3000, 100_000])
    tuned = (-2 * np.log(0.05) + np.log(1 - 2 * np.log(0.05))) / 3000
    reach = anytime_multiplier(votes, planned_votes=3000, alpha=alpha, tuned_alpha=0.05) * np.sqrt(votes)
    # exp(a W - a^2 t / 2), mixed over normal a of variance r: the likelihood ratio behind the boundary.
    nodes, masses = np.polynomial.hermite_e.hermegauss(180)
    slopes = nodes * np.sqrt(tuned)
    for t, w in zip(votes[:4], reach[:4], strict=True):
        mixed = (masses * np.exp(slopes * w - slopes**2 * t / 2)).sum() / masses.sum()
        assert mixed == pytest.approx(1 / alpha, rel=1e-3)


def test_the_bound_is_narrowest_near_the_planned_votes() -> None:
    votes = np.unique(np.geomspace(10, 1e6, 400).astype(int))
    multiplier = anytime_multiplier(votes, planned_votes=5000, alpha=0.01)
    # r is the usual approximation of the best one; the least multiplier lies within a third of the plan.
    assert 3500 < votes[np.argmin(multiplier)] < 7000
    assert multiplier.min() > 2.576
    assert anytime_multiplier(np.array([0]), planned_votes=5000, alpha=0.01)[0] == np.inf


def test_a_random_walk_rarely_ever_leaves_the_bound() -> None:
    rng = np.random.default_rng(2)
    steps = rng.choice([-1.0, 1.0], size=(4000, 3000))
    looks = np.arange(20, 3001, 5)
    walk = np.cumsum(steps, axis=1)[:, looks - 1] / np.sqrt(looks)
    multiplier = anytime_multiplier(looks, planned_votes=1000, alpha=0.05)
    ever = (np.abs(walk) > multiplier).any(axis=1).mean()
    assert 0.005 < ever < 0.05
    assert (np.abs(walk) > 1.96).any(axis=1).mean() > 0.4


def test_half_widths_are_bonferroni_over_pairs() -> None:
    _, covariance, comparisons = board()
    votes = comparisons.votes_by_model()
    half_widths = anytime_half_widths(covariance, votes, planned_votes=4000)
    clock = min(votes[2], votes[5])
    multiplier = anytime_multiplier(clock, planned_votes=4000, alpha=0.05 / 28)
    error = np.sqrt(covariance[2, 2] + covariance[5, 5] - 2 * covariance[2, 5])
    assert half_widths[2, 5] == half_widths[5, 2]
    assert half_widths[2, 5] == pytest.approx(RATING_PER_STRENGTH * multiplier * error)
    assert np.isinf(np.diag(half_widths)).all()
    wider = anytime_half_widths(covariance, votes, planned_votes=4000, planned_models=30)
    assert (wider >= half_widths).all()
    assert wider[2, 5] > half_widths[2, 5]


def test_rating_intervals_are_bonferroni_over_models() -> None:
    fit, covariance, comparisons = board()
    votes = comparisons.votes_by_model()
    lower, upper = anytime_rating_intervals(fit, covariance, votes, planned_votes=4000)
    multiplier = anytime_multiplier(votes, planned_votes=4000, alpha=0.05 / 8)
    np.testing.assert_allclose(
        (upper - lower) / 2, RATING_PER_STRENGTH * multiplier * np.sqrt(np.diag(covariance))
    )
    np.testing.assert_allclose((upper + lower) / 2, 1000 + RATING_PER_STRENGTH * fit.strengths)


def test_claims_contain_bonferronis_and_are_fewer_than_for_one_look() -> None:
    some_more = False
    for seed in range(6):
        fit, covariance, comparisons = board(3000, seed)
        votes = comparisons.votes_by_model()
        distance = RATING_PER_STRENGTH * np.subtract.outer(fit.strengths, fit.strengths)
        plain = distance > anytime_half_widths(covariance, votes, planned_votes=750)
        better = anytime_strictly_better(fit, covariance, votes, planned_votes=750)
        assert (better >= plain).all()
        assert (better <= rank_sets(fit, covariance).strictly_better).all()
        some_more |= bool((better != plain).any())
    assert some_more


def test_rank_sets_count_the_claims() -> None:
    fit, covariance, comparisons = board()
    ranks = anytime_rank_sets(fit, covariance, comparisons.votes_by_model(), planned_votes=4000)
    assert ranks.rank_lower.tolist() == (1 + ranks.strictly_better.sum(axis=0)).tolist()
    assert ranks.rank_upper.tolist() == (8 - ranks.strictly_better.sum(axis=1)).tolist()
    assert ranks.rank_lower.max() > 1
    assert not ranks.strictly_better[::2, 1::2].diagonal().any()


def test_a_new_model_starts_its_own_clock() -> None:
    rows = (
        ("old", "mid", "model_a"),
        ("old", "mid", "model_b"),
        ("new", "mid", "model_a"),
        ("new", "mid", "model_b"),
    )
    comparisons = Comparisons.from_battles(battles(*rows, count=[40_000, 30_000, 14, 2]))
    fit = fit_bradley_terry(comparisons)
    covariance, votes = sandwich(fit, comparisons), comparisons.votes_by_model()
    mid, new, old = (fit.models.index(name) for name in ("mid", "new", "old"))
    better = anytime_strictly_better(fit, covariance, votes, planned_votes=3000)
    assert better[old, mid]
    assert not better[new].any()
    # For a single look, or counted by the votes of the whole board, 14 of 16 would be enough.
    assert rank_sets(fit, covariance).strictly_better[new, mid]


def test_a_model_of_unknown_variance_is_left_open() -> None:
    fit, covariance, comparisons = board()
    covariance = covariance.copy()
    covariance[3] = covariance[:, 3] = np.inf
    votes = comparisons.votes_by_model()
    ranks = anytime_rank_sets(fit, covariance, votes, planned_votes=4000)
    assert (ranks.rank_lower[3], ranks.rank_upper[3]) == (1, 8)
    lower, upper = anytime_rating_intervals(fit, covariance, votes, planned_votes=4000)
    assert np.isneginf(lower[3])
    assert np.isposinf(upper[3])
    assert np.isfinite(np.delete(lower, 3)).all()


def test_effective_voters_are_kishs_count() -> None:
    table = random_battles(3, models=5, rows=400, voters=12)
    table.loc[:150, "voter"] = 0
    comparisons = Comparisons.from_battles(table, cluster="voter")
    for place, name in enumerate(comparisons.models):
        cast = table[(table.model_a == name) | (table.model_b == name)].groupby("voter").size()
        assert effective_voters(comparisons)[place] == pytest.approx(cast.sum() ** 2 / (cast**2).sum())
    table["weight"] = np.random.default_rng(4).choice([0.5, 2.0], size=len(table))
    plain = Comparisons.from_battles(table)
    weight = table.weight[(table.model_a == "m2") | (table.model_b == "m2")]
    assert effective_voters(plain)[2] == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert effective_voters(plain.restrict(["m2"])).tolist() == [0.0]


def test_a_heavy_voter_sets_the_clock_back() -> None:
    honest = random_battles(5, models=4, rows=1000, voters=400)
    heavy = random_battles(6, models=4, rows=1000).assign(voter=-1)
    comparisons = Comparisons.from_battles(pd.concat([honest, heavy], ignore_index=True), cluster="voter")
    alone = Comparisons.from_battles(honest, cluster="voter")
    assert (effective_voters(comparisons) < 5).all()
    assert (effective_voters(alone) > 150).all()


def test_refuses_what_it_cannot_compute() -> None:
    fit, covariance, comparisons = board(1000)
    votes = comparisons.votes_by_model()
    with pytest.raises(InvalidOptionError, match="planned_votes is 0"):
        anytime_half_widths(covariance, votes, planned_votes=0)
    with pytest.raises(InvalidOptionError, match="alpha is 1"):
        anytime_strictly_better(fit, covariance, votes, planned_votes=100, alpha=1)
    with pytest.raises(InvalidOptionError, match="planned_models is 5 on a board of 8"):
        anytime_rank_sets(fit, covariance, votes, planned_votes=100, planned_models=5)
    with pytest.raises(InvalidOptionError, match="votes holds a number"):
        anytime_multiplier(np.array([-1]), planned_votes=100, alpha=0.05)
    with pytest.raises(InvalidOptionError, match=r"shape \(8, 8\), but the fit rates 7"):
        anytime_half_widths(covariance, votes[:7], planned_votes=100)
