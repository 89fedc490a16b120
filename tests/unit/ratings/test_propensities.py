import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, special

from ratings.arrays import FloatArray
from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import OUTCOMES, Comparisons
from ratings.encoding import WINNERS
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.estimates import half_win_covariance
from ratings.propensities import (
    fit_uniform_pairs,
    inverse_propensity_weights,
    reweight_pairs,
    uniform_pair_projection,
    uniform_pair_weights,
)
from tests.unit.ratings.tables import random_battles


def test_weights_are_inverse_to_the_propensity_and_sum_to_the_votes() -> None:
    weighted = inverse_propensity_weights([0.5, 0.1, 0.02, 0.001], floor=0.01)
    assert_allclose(weighted.weights / weighted.weights[0], [1, 5, 25, 50])
    assert weighted.weights.sum() == pytest.approx(4)
    assert weighted.floor == 0.01
    assert weighted.floored == 1
    assert weighted.effective_votes == pytest.approx((1 + 5 + 25 + 50) ** 2 / (1 + 25 + 625 + 2500))


def test_counted_rows_weigh_as_their_votes_one_by_one() -> None:
    propensity, count = np.array([0.5, 0.1, 0.2]), np.array([3, 2, 0])
    counted = inverse_propensity_weights(propensity, floor=0.15, count=count)
    single = inverse_propensity_weights(np.repeat(propensity, count), floor=0.15)
    assert_allclose(np.repeat(counted.weights, count), single.weights)
    assert counted.effective_votes == pytest.approx(single.effective_votes)
    assert counted.floored == single.floored == 2
    assert (counted.weights * count).sum() == pytest.approx(5)


def test_equal_propensities_weigh_nothing() -> None:
    weighted = inverse_propensity_weights(np.full(7, 1 / 45), floor=0.001)
    assert_allclose(weighted.weights, 1)
    assert weighted.effective_votes == pytest.approx(7)
    assert len(inverse_propensity_weights([], floor=0.1).weights) == 0


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.01, np.nan, np.inf])
def test_a_wrong_propensity_is_named(wrong: float) -> None:
    with pytest.raises(InvalidComparisonsError, match=f"Row 2: propensity is {wrong}"):
        inverse_propensity_weights([0.1, 0.2, wrong, -1.0], floor=0.1)


@pytest.mark.parametrize("floor", [0.0, -1.0, 1.5, np.nan])
def test_a_wrong_floor_is_refused(floor: float) -> None:
    with pytest.raises(InvalidOptionError, match="floor is"):
        inverse_propensity_weights([0.1], floor=floor)


def test_wrong_shapes_and_counts_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match=r"shape \(1, 2\)"):
        inverse_propensity_weights([[0.1, 0.2]], floor=0.1)
    for count in ([1], [1, -1], [1, np.nan]):
        with pytest.raises(InvalidOptionError, match="one number of votes"):
            inverse_propensity_weights([0.1, 0.2], floor=0.1, count=count)
    comparisons = Comparisons.from_battles(random_battles(1))
    for floor in (0.0, np.inf):
        with pytest.raises(InvalidOptionError, match="floor is"):
            uniform_pair_weights(comparisons, floor=floor)
    for weights in (
        np.ones(3),
        np.full(len(comparisons.first), -1.0),
        np.full(len(comparisons.first), np.inf),
    ):
        with pytest.raises(InvalidOptionError, match="one finite weight"):
            reweight_pairs(comparisons, weights)


def test_a_reweighted_pair_is_a_table_with_that_weight() -> None:
    table = random_battles(2, rows=400)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    weights = np.random.default_rng(2).uniform(0.2, 3, len(comparisons.first))
    place = {}
    for first, second, weight in zip(comparisons.first, comparisons.second, weights, strict=True):
        place[frozenset((comparisons.models[first], comparisons.models[second]))] = weight
    rows = [place[frozenset(pair)] for pair in zip(table.model_a, table.model_b, strict=True)]
    wanted = Comparisons.from_battles(table.assign(weight=rows), cluster="voter")
    found = reweight_pairs(comparisons, weights)
    assert (found.counts == wanted.counts).all()
    assert_allclose(found.weights, wanted.weights)
    assert_allclose(found.squared_weights, wanted.squared_weights)
    assert found.clusters is not None
    assert wanted.clusters is not None
    assert_allclose(found.clusters.weight, wanted.clusters.weight)
    assert_allclose(found.clusters.score, wanted.clusters.score)


def test_uniform_pairs_give_every_pair_the_same_say() -> None:
    table = pd.concat(
        [random_battles(3, rows=600), random_battles(4, models=2, rows=2000)], ignore_index=True
    )
    comparisons = Comparisons.from_battles(table)
    weighted = reweight_pairs(comparisons, uniform_pair_weights(comparisons, floor=1).weights)
    assert_allclose(weighted.total, weighted.total[0])
    assert weighted.total.sum() == pytest.approx(len(table))
    floored = uniform_pair_weights(comparisons, floor=100)
    votes = comparisons.counts.sum(axis=1)
    assert floored.floored == (votes < 100).sum() == 14
    assert_allclose(floored.weights * np.maximum(votes, 100), floored.weights[0] * max(votes[0], 100))


def test_pairs_have_the_same_say_whatever_their_votes_weigh() -> None:
    table = random_battles(3, rows=600)
    pair = [frozenset(names) for names in zip(table.model_a, table.model_b, strict=True)]
    weight = pd.Series(pair).map(
        {names: 1.5**place for place, names in enumerate(sorted(set(pair), key=sorted))}
    )
    rated, weighted = (fit_uniform_pairs(votes, floor=50) for votes in (table, table.assign(weight=weight)))
    assert_allclose(weighted.fit.strengths, rated.fit.strengths, atol=1e-12)
    assert_allclose(weighted.covariance, rated.covariance)
    assert weighted.pairs.effective_votes == pytest.approx(rated.pairs.effective_votes)
    uneven = Comparisons.from_battles(table.assign(weight=np.resize([0.5, 3.0, 1.0], 600)))
    pairs = uniform_pair_weights(uneven, floor=1)
    found = reweight_pairs(uneven, pairs.weights)
    assert_allclose(found.total, 600 / 15)
    assert pairs.effective_votes == pytest.approx(found.weights.sum() ** 2 / found.squared_weights.sum())


def test_a_model_of_one_voter_is_not_surer_than_independent_votes_make_it() -> None:
    table = random_battles(12, rows=900, voters=30)
    newcomer = random_battles(13, models=2, rows=60).replace({"m0": "new", "m1": "m3"}).assign(voter=99)
    rated = fit_uniform_pairs(pd.concat([table, newcomer]), floor=1, cluster="voter")
    independent = fit_uniform_pairs(pd.concat([table, newcomer]), floor=1)
    new, other = (rated.fit.models.index(name) for name in ("new", "m3"))

    def variance(covariance: FloatArray) -> float:
        return float(covariance[new, new] + covariance[other, other] - 2 * covariance[new, other])

    assert variance(rated.covariance) >= 0.999 * variance(independent.covariance)


def test_the_uniform_fit_is_the_minimum_over_mean_losses_of_pairs() -> None:
    table = pd.concat([random_battles(5, rows=300), random_battles(6, models=3, rows=900)], ignore_index=True)
    rated = fit_uniform_pairs(table, floor=1)
    value = dict(zip(WINNERS, OUTCOMES, strict=True))
    swapped = table.model_a > table.model_b
    outcome = table.winner.map(value)
    seen = pd.DataFrame(
        {
            "pair": np.where(swapped, table.model_b + table.model_a, table.model_a + table.model_b),
            "won": np.where(swapped, 1 - outcome, outcome),
        }
    )
    means = seen.groupby("pair").won.mean()
    first, second = means.index.str[1].astype(int), means.index.str[3].astype(int)

    def gradient(free: np.ndarray) -> np.ndarray:
        strengths = np.append(free, -free.sum())
        surplus = special.expit(strengths[first] - strengths[second]) - means.to_numpy()
        return (np.bincount(first, surplus, 6) - np.bincount(second, surplus, 6))[:-1]

    free = optimize.root(gradient, np.zeros(5), tol=1e-13).x
    assert_allclose(rated.fit.strengths, np.append(free, -free.sum()), atol=1e-9)
    assert rated.met == 1.0


def test_the_price_of_weights_is_the_ratio_of_standard_errors() -> None:
    table = pd.concat(
        [random_battles(7, rows=300), random_battles(8, models=2, rows=3000)], ignore_index=True
    )
    rated = fit_uniform_pairs(table, floor=5, cluster="voter")
    comparisons = Comparisons.from_battles(table, cluster="voter")
    plain = half_win_covariance(fit_bradley_terry(comparisons), comparisons, cluster="voter")
    assert_allclose(rated.widening**2, np.diag(rated.covariance) / np.diag(plain))
    assert rated.pairs.effective_votes < len(table) / 4


def test_pairs_that_never_met_are_reported() -> None:
    table = random_battles(9, models=4, rows=400)
    without = table[~(table.model_a.isin(["m0", "m1"]) & table.model_b.isin(["m0", "m1"]))]
    assert fit_uniform_pairs(without, floor=1).met == pytest.approx(5 / 6)


def test_the_projection_of_transitive_strengths_is_themselves() -> None:
    strengths = np.array([0.9, 0.1, -0.2, -0.8])
    probability = special.expit(strengths[:, np.newaxis] - strengths)
    assert_allclose(uniform_pair_projection(probability), strengths, atol=1e-12)


def test_the_projection_is_what_uniform_votes_tend_to() -> None:
    rng = np.random.default_rng(10)
    residual = np.triu(rng.normal(0, 0.5, (5, 5)), 1)
    probability = special.expit(residual - residual.T)
    first, second = np.triu_indices(5, 1)
    won = np.rint(probability[first, second] * 10**9).astype(np.int64)
    names = [f"m{number}" for number in range(5)]
    counts = np.stack([won, 10**9 - won, 0 * won, 0 * won], axis=1)
    fit = fit_bradley_terry(Comparisons.from_counts(names, first, second, counts))
    assert_allclose(uniform_pair_projection(probability), fit.strengths, atol=1e-8)


@pytest.mark.parametrize("wrong", [np.full((3, 3), 0.4), np.full((3, 3), np.nan), np.eye(3)])
def test_wrong_probabilities_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InvalidOptionError, match="opposite entries sum to 1"):
        uniform_pair_projection(wrong)
