import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from ratings import (
    RATING_PER_STRENGTH,
    Comparisons,
    InvalidOptionError,
    fit_bradley_terry,
    rating_from_strength,
    rating_intervals,
    sandwich,
    simulate,
)
from ratings.arrays import FloatArray
from ratings.intervals import difference_intervals, difference_variance
from tests.unit.ratings.tables import battles, random_battles

OUTCOME = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}


def sandwich_slowly(table: pd.DataFrame, strengths: dict[str, float], cluster: str | None) -> FloatArray:
    """Compute the sandwich vote by vote with an ordinary pseudo-inverse."""
    place = {name: number for number, name in enumerate(sorted(strengths))}
    bread = np.zeros((len(place), len(place)))
    scores: dict[object, FloatArray] = {}
    for number, row in enumerate(table.to_dict(orient="records")):
        x = np.zeros(len(place))
        x[place[row["model_a"]]], x[place[row["model_b"]]] = 1, -1
        p = special.expit(strengths[row["model_a"]] - strengths[row["model_b"]])
        weight = row.get("weight", 1.0)
        bread += weight * p * (1 - p) * np.outer(x, x)
        key = row[cluster] if cluster else number
        scores[key] = scores.get(key, np.zeros(len(place))) + weight * (OUTCOME[row["winner"]] - p) * x
    meat = np.sum([np.outer(score, score) for score in scores.values()], axis=0)
    if cluster:
        meat = meat * len(scores) / (len(scores) - 1)
    inverse = np.linalg.pinv(bread)
    return np.asarray(inverse @ meat @ inverse)


@pytest.mark.parametrize("cluster", [None, "voter"])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_the_slow_sandwich(cluster: str | None, weighted: bool) -> None:
    table = random_battles(20)
    if weighted:
        table["weight"] = np.random.default_rng(20).choice([0.2, 1.0, 2.5], size=len(table))
    comparisons = Comparisons.from_battles(table, cluster=cluster)
    fit = fit_bradley_terry(comparisons)
    strengths = dict(zip(fit.models, fit.strengths.tolist(), strict=True))
    covariance = sandwich(fit, comparisons, cluster=cluster)
    np.testing.assert_allclose(covariance, sandwich_slowly(table, strengths, cluster), atol=1e-13)
    np.testing.assert_allclose(covariance.sum(axis=0), 0, atol=1e-13)


def test_every_vote_from_another_voter_is_nearly_independent() -> None:
    table = random_battles(21).assign(voter=range(200))
    comparisons = Comparisons.from_battles(table, cluster="voter")
    fit = fit_bradley_terry(comparisons)
    independent = sandwich(fit, comparisons)
    np.testing.assert_allclose(
        sandwich(fit, comparisons, cluster="voter"), independent * 200 / 199, atol=1e-14
    )


def test_without_ties_it_is_near_the_inverse_fisher_information() -> None:
    rng = np.random.default_rng(22)
    strengths = simulate.simulate_strengths(rng, models=5)
    table = simulate.simulate_battles(rng, strengths=strengths, battles=100_000, tie_rate=0.0)
    comparisons = Comparisons.from_battles(table)
    fit = fit_bradley_terry(comparisons)
    np.testing.assert_allclose(sandwich(fit, comparisons), fit.inverse_hessian, rtol=0.1, atol=2e-6)


def test_intervals_are_centred_and_scaled() -> None:
    comparisons = Comparisons.from_battles(
        battles(("x", "y", "model_a"), ("x", "y", "model_b"), count=[50, 50])
    )
    fit = fit_bradley_terry(comparisons)
    lower, upper = rating_intervals(fit, sandwich(fit, comparisons), confidence=0.9)
    # The difference of two models with 100 even votes has variance 4 / 100; each holds half of it.
    half_width = RATING_PER_STRENGTH * stats.norm.ppf(0.95) * np.sqrt(4 / 100) / 2
    np.testing.assert_allclose(lower, 1000 - half_width)
    np.testing.assert_allclose(upper, 1000 + half_width)


def expected_strengths(strengths: dict[str, float], taste: float) -> FloatArray:
    """Fit Bradley-Terry to the exact mean outcomes over all voters: what many votes would give."""
    nodes, masses = np.polynomial.hermite_e.hermegauss(60)
    noise = nodes * taste * np.sqrt(2)
    rows, weights = [], []
    for a in strengths:
        for b in strengths:
            if a != b:
                rows.append((a, b, "model_a"))
                win = special.expit(strengths[a] - strengths[b] + noise)
                weights.append(float(win @ masses / masses.sum()))
    return fit_bradley_terry(Comparisons.from_battles(battles(*rows, weight=weights))).strengths


def coverage(*, taste: float, cluster: str | None, replicates: int = 200) -> float:
    rng = np.random.default_rng(23)
    strengths = simulate.simulate_strengths(rng, models=6, spread=0.6)
    truth = 1000 + RATING_PER_STRENGTH * expected_strengths(strengths, taste)
    hits = []
    for _ in range(replicates):
        table = simulate.simulate_battles(rng, strengths=strengths, battles=2400, voters=120, taste=taste)
        comparisons = Comparisons.from_battles(table, cluster=cluster)
        fit = fit_bradley_terry(comparisons)
        lower, upper = rating_intervals(fit, sandwich(fit, comparisons, cluster=cluster))
        hits.append((lower <= truth) & (truth <= upper))
    return float(np.mean(hits))


def test_independent_intervals_cover_the_truth() -> None:
    # 1,200 dependent checks have a standard error near 0.7 %: the bound is three of them around 95 %.
    assert 0.93 < coverage(taste=0.0, cluster=None) < 0.97


def test_clustered_intervals_cover_where_independent_ones_do_not() -> None:
    assert coverage(taste=0.8, cluster=None) < 0.85
    assert 0.92 < coverage(taste=0.8, cluster="voter") < 0.97


def test_a_heavy_voter_widens_the_intervals() -> None:
    rng = np.random.default_rng(24)
    strengths = simulate.simulate_strengths(rng, models=6)
    honest = simulate.simulate_battles(rng, strengths=strengths, battles=4000, voters=400)
    model = honest.model_a.iloc[0]
    heavy = honest[honest.model_a == model].head(200).assign(voter="heavy", winner="model_a")
    comparisons = Comparisons.from_battles(pd.concat([honest, heavy]), cluster="voter")
    fit = fit_bradley_terry(comparisons)
    place = fit.models.index(model)
    independent = sandwich(fit, comparisons)[place, place]
    assert sandwich(fit, comparisons, cluster="voter")[place, place] > 2 * independent


@pytest.mark.parametrize("heavy", [1, 40])
def test_clusters_of_any_size_add_up_to_the_same(heavy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(26)
    table = random_battles(26, models=12, rows=900, voters=200)
    table["voter"] = np.sort(rng.integers(200, size=900) // heavy * heavy)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    fit = fit_bradley_terry(comparisons)
    strengths = dict(zip(fit.models, fit.strengths.tolist(), strict=True))
    slow = sandwich_slowly(table, strengths, "voter")
    np.testing.assert_allclose(sandwich(fit, comparisons, cluster="voter"), slow, atol=1e-13)
    monkeypatch.setattr("ratings.cluster_scores._STRETCH", 3)
    np.testing.assert_allclose(sandwich(fit, comparisons, cluster="voter"), slow, atol=1e-13)
    monkeypatch.setattr("ratings.cluster_scores._FEW_MODELS", 3)
    np.testing.assert_allclose(sandwich(fit, comparisons, cluster="voter"), slow, atol=1e-13)


def test_a_difference_varies_as_its_contrast_does() -> None:
    comparisons = Comparisons.from_battles(random_battles(27))
    fit = fit_bradley_terry(comparisons)
    covariance = sandwich(fit, comparisons)
    variance = difference_variance(covariance)
    for i in range(6):
        for j in range(6):
            contrast = np.eye(6)[i] - np.eye(6)[j]
            assert variance[i, j] == pytest.approx(contrast @ covariance @ contrast, abs=1e-15)
    assert np.array_equal(variance, variance.T)
    assert (difference_variance(-covariance) == 0).all()


def test_intervals_of_differences_do_not_depend_on_the_gauge() -> None:
    comparisons = Comparisons.from_battles(random_battles(28))
    fit = fit_bradley_terry(comparisons)
    covariance = sandwich(fit, comparisons)
    lower, upper = difference_intervals(fit, covariance, confidence=0.9)
    # The covariance of the distances to the first model, as if that one were held at zero.
    anchored = np.eye(6) - np.eye(6)[:, [0]].T
    distances = anchored @ covariance @ anchored.T
    assert distances[0, 0] == pytest.approx(0, abs=1e-15)
    half_width = RATING_PER_STRENGTH * stats.norm.ppf(0.95) * np.sqrt(difference_variance(distances))
    rating = rating_from_strength(fit.strengths, anchor=0)
    np.testing.assert_allclose((upper - lower) / 2, half_width, atol=1e-9)
    np.testing.assert_allclose((upper + lower) / 2, rating[:, None] - rating, atol=1e-9)
    np.testing.assert_allclose(lower, -upper.T, atol=1e-9)


def test_an_anchor_has_its_rating() -> None:
    strengths = np.array([0.3, -0.1, -0.2])
    assert rating_from_strength(strengths, anchor=2, rating=1114.0)[2] == 1114.0
    anchored = rating_from_strength(strengths, anchor=2, rating=1114.0)
    np.testing.assert_allclose(np.diff(anchored), np.diff(rating_from_strength(strengths)), rtol=1e-12)
    assert rating_from_strength(strengths, rating=1500.0).mean() == pytest.approx(1500)
    with pytest.raises(InvalidOptionError, match="anchor is 3: it is the place of one of 3 models"):
        rating_from_strength(strengths, anchor=3)
    with pytest.raises(InvalidOptionError, match="rating is nan"):
        rating_from_strength(strengths, rating=np.nan)


def test_refuses_what_it_cannot_compute() -> None:
    table = battles(("x", "y", "tie"), ("y", "z", "tie"), voter=["v", "v"])
    comparisons = Comparisons.from_battles(table, cluster="voter")
    fit = fit_bradley_terry(comparisons)
    with pytest.raises(InvalidOptionError, match="All votes come from 1 voter"):
        sandwich(fit, comparisons, cluster="voter")
    with pytest.raises(InvalidOptionError, match="do not keep 'worker' apart"):
        sandwich(fit, comparisons, cluster="worker")
    with pytest.raises(InvalidOptionError, match="different models"):
        sandwich(fit, comparisons.restrict(["x", "y"]))
    with pytest.raises(InvalidOptionError, match="confidence is 95"):
        rating_intervals(fit, sandwich(fit, comparisons), confidence=95)
    with pytest.raises(InvalidOptionError, match="confidence is 0"):
        difference_intervals(fit, sandwich(fit, comparisons), confidence=0)
