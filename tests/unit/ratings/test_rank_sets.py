from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from ratings import Comparisons, InvalidOptionError, fit_bradley_terry, sandwich, simulate
from ratings.arrays import BoolArray, FloatArray
from ratings.rank_sets import difference_errors, never_narrower, rank_sets
from tests.unit.ratings.tables import battles, random_battles


@dataclass(frozen=True)
class Estimates:
    """Strengths that were not fitted to votes."""

    strengths: FloatArray

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(f"m{number:02}" for number in range(len(self.strengths)))


def step_down_slowly(strengths: FloatArray, covariance: FloatArray, alpha: float, draws: int) -> BoolArray:
    """Step down from all pairs, one pair at a time, with draws of its own."""
    size = len(strengths)
    normal = np.random.default_rng(99).multivariate_normal(np.zeros(size), covariance, draws, method="svd")
    pairs = [(i, j) for i in range(size) for j in range(i)]
    error = {(i, j): np.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]) for i, j in pairs}
    better = np.zeros((size, size), dtype=bool)
    while pairs:
        largest = np.max([np.abs(normal[:, i] - normal[:, j]) / error[i, j] for i, j in pairs], axis=0)
        critical = np.quantile(largest, 1 - alpha)
        decided = [(i, j) for i, j in pairs if abs(strengths[i] - strengths[j]) / error[i, j] > critical]
        if not decided:
            break
        for i, j in decided:
            better[(i, j) if strengths[i] > strengths[j] else (j, i)] = True
        pairs = [pair for pair in pairs if pair not in decided]
    return better


@pytest.mark.parametrize("seed", range(8))
def test_equals_stepping_down_slowly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(9, 9)) * rng.uniform(0.1, 1, 9)[:, np.newaxis]
    covariance = factor @ factor.T
    strengths = rng.normal(0, 4, 9)
    ranks = rank_sets(Estimates(strengths), covariance, draws=20_000)
    slow = step_down_slowly(strengths, covariance, 0.05, 20_000)
    # Two simulations may disagree on a pair whose distance is at the critical value itself.
    assert (ranks.strictly_better != slow).sum() <= 1
    assert slow.any()


def test_stepping_down_decides_more_than_one_step() -> None:
    # Three far groups: once these are apart, only the pairs within a group are left to be compared.
    strengths = np.repeat([0.0, 100.0, 200.0], 4) + np.tile([0, 0, 0, 4.2], 3)
    ranks = rank_sets(Estimates(strengths), np.eye(12))
    one_step = stats.studentized_range.ppf(0.95, 12, np.inf) / np.sqrt(2)
    last = stats.studentized_range.ppf(0.95, 4, np.inf) / np.sqrt(2)
    assert last < 4.2 / np.sqrt(2) < one_step
    assert ranks.strictly_better[3, :3].all()
    assert ranks.rank_lower.tolist() == [10, 10, 10, 9, 6, 6, 6, 5, 2, 2, 2, 1]


def test_critical_value_is_that_of_tukeys_range() -> None:
    critical = stats.studentized_range.ppf(0.95, 6, np.inf) / np.sqrt(2)
    for factor, decided in ((0.97, 0), (1.03, 1)):
        strengths = np.zeros(6)
        strengths[0], strengths[1:] = 0, critical * factor * np.sqrt(2) * np.array([0.3, 0.4, 0.5, 0.6, 1])
        better = rank_sets(Estimates(strengths), np.eye(6), draws=40_000).strictly_better
        assert better.sum() == decided


def test_ranks_count_the_claims() -> None:
    comparisons = Comparisons.from_battles(random_battles(3, models=7, rows=3000))
    fit = fit_bradley_terry(comparisons)
    ranks = rank_sets(fit, sandwich(fit, comparisons))
    for place in range(7):
        assert ranks.rank_lower[place] == 1 + ranks.strictly_better[:, place].sum()
        assert ranks.rank_upper[place] == 7 - ranks.strictly_better[place].sum()
    assert not (ranks.strictly_better & ranks.strictly_better.T).any()
    assert ranks.models == fit.models


def test_a_family_of_equal_models_is_split_in_one_of_twenty_runs() -> None:
    rng = np.random.default_rng(4)
    covariance = np.diag(rng.uniform(0.1, 4, 8)) + 0.5
    normal = rng.multivariate_normal(np.zeros(8), covariance, 2000)
    split = [
        rank_sets(Estimates(strengths), covariance, draws=2000).strictly_better.any() for strengths in normal
    ]
    assert 0.035 < np.mean(split) < 0.065


@pytest.mark.parametrize("variance", [0.0, np.inf, np.nan])
def test_a_model_of_unknown_variance_may_hold_any_rank(variance: float) -> None:
    covariance = np.diag([1.0, 1.0, variance])
    covariance[2, :2] = covariance[:2, 2] = variance
    ranks = rank_sets(Estimates(np.array([20.0, 0.0, 1000.0])), covariance)
    assert ranks.rank_lower.tolist() == [1, 2, 1]
    assert ranks.rank_upper.tolist() == [2, 3, 3]


def test_models_that_only_tied_are_not_told_apart() -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", "tie"), ("y", "z", "tie")))
    fit = fit_bradley_terry(comparisons)
    ranks = rank_sets(fit, sandwich(fit, comparisons))
    assert ranks.rank_lower.tolist() == [1, 1, 1]
    assert ranks.rank_upper.tolist() == [3, 3, 3]


def test_two_estimates_that_move_together_are_not_told_apart() -> None:
    covariance = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    ranks = rank_sets(Estimates(np.array([9.0, 1.0, -20.0])), covariance)
    assert ranks.strictly_better.tolist() == [[False, False, True], [False, False, True], [False] * 3]


def test_a_gauge_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    strengths = simulate.simulate_strengths(rng, models=12, spread=0.3)
    comparisons = Comparisons.from_battles(simulate.simulate_battles(rng, strengths=strengths, battles=4000))
    fit = fit_bradley_terry(comparisons)
    covariance = sandwich(fit, comparisons)
    anchored = covariance - covariance[0] - covariance[:, :1] + covariance[0, 0]
    # The anchor has no variance of its own here, which must not make it unknown: move the gauge a little on.
    moved = anchored + covariance[0, 0]
    np.testing.assert_allclose(difference_errors(moved, 12), difference_errors(covariance, 12), rtol=1e-6)
    one = rank_sets(fit, covariance, draws=20_000).strictly_better
    other = rank_sets(fit, moved, draws=20_000).strictly_better
    assert (one != other).sum() <= 2
    assert one.any()


def test_the_same_votes_give_the_same_ranks() -> None:
    comparisons = Comparisons.from_battles(random_battles(6, models=10, rows=2000))
    fit = fit_bradley_terry(comparisons)
    covariance = sandwich(fit, comparisons)
    one, other = rank_sets(fit, covariance), rank_sets(fit, covariance)
    assert one.strictly_better.tobytes() == other.strictly_better.tobytes()
    rank_sets(fit, covariance, rng=np.random.default_rng(1))


@pytest.mark.parametrize("models", [3, 40, 70])
def test_the_draws_that_are_kept_are_those_of_the_fixed_seed(models: int) -> None:
    rng = np.random.default_rng(models)
    factor = rng.normal(size=(models, models))
    fit, covariance = Estimates(rng.normal(0, 30, models)), factor @ factor.T
    found = set()
    for draws in range(20, 40):  # so few that each draw shows in the critical value
        kept = rank_sets(fit, covariance, draws=draws).strictly_better
        fresh = rank_sets(fit, covariance, draws=draws, rng=np.random.default_rng(20_240_313)).strictly_better
        np.testing.assert_array_equal(kept, fresh)
        found.add(kept.sum())
    assert models == 3 or len(found) > 3


def test_never_narrower_gives_a_model_of_one_voter_its_variance() -> None:
    table = random_battles(7, models=4, rows=300)
    table.loc[(table.model_a == "m0") | (table.model_b == "m0"), "voter"] = 99
    comparisons = Comparisons.from_battles(table, cluster="voter")
    fit = fit_bradley_terry(comparisons)
    clustered, independent = sandwich(fit, comparisons, cluster="voter"), sandwich(fit, comparisons)
    widened = never_narrower(clustered, independent)
    assert clustered[0, 0] < independent[0, 0] / 10
    assert widened[0, 0] >= independent[0, 0]
    # Against the weighted mean of its opponents, no model has less variance than from independent votes.
    precision = np.linalg.pinv(independent)
    for model in range(4):
        contrast = precision[model] / precision[model, model]
        assert contrast.sum() == pytest.approx(0, abs=1e-9)
        assert contrast @ widened @ contrast >= (1 - 1e-9) * (contrast @ independent @ contrast)
    np.testing.assert_array_equal(never_narrower(2 * independent, independent), 2 * independent)
    np.testing.assert_allclose(never_narrower(clustered, independent, models=4), widened, rtol=1e-9)


@pytest.mark.parametrize("variance", [0.0, 1e-14])
def test_never_narrower_knows_covariances_that_are_near_singular(variance: float) -> None:
    independent = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, variance]])
    expected = never_narrower(0.5 * independent, independent)
    np.testing.assert_array_equal(never_narrower(0.5 * independent, independent, models=2), expected)


def test_refuses_what_it_cannot_compute() -> None:
    estimates = Estimates(np.zeros(3))
    with pytest.raises(InvalidOptionError, match="alpha is 5"):
        rank_sets(estimates, np.eye(3), alpha=5)
    with pytest.raises(InvalidOptionError, match="set draws to 20 or more"):
        rank_sets(estimates, np.eye(3), draws=10)
    with pytest.raises(InvalidOptionError, match=r"shape \(2, 2\), but the fit rates 3"):
        rank_sets(estimates, np.eye(2))
