import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from ratings import (
    RATING_PER_STRENGTH,
    BradleyTerryFit,
    Comparisons,
    DisconnectedComparisonsError,
    EmptyComparisonsError,
    InvalidComparisonsError,
    InvalidOptionError,
    NotConvergedError,
    SeparableComparisonsError,
    fit_bradley_terry,
    fit_ties,
    gradient,
    hessian,
    loss,
    sandwich,
    simulate,
)
from ratings.arrays import FloatArray
from ratings.comparisons import OUTCOMES
from tests.unit.ratings.tables import STIGLER_JOURNALS, battles, mirrored, random_battles, stigler


def fit_slowly(table: pd.DataFrame, models: tuple[str, ...]) -> FloatArray:
    """Fit by Zermelo's iteration over single rows: wins divided by expected meetings."""
    strengths = dict.fromkeys(models, 1.0)
    for _ in range(3000):
        wins, meetings = dict.fromkeys(models, 0.0), dict.fromkeys(models, 0.0)
        for a, b, winner in zip(table.model_a, table.model_b, table.winner, strict=True):
            wins[a] += {"model_a": 1.0, "model_b": 0.0}.get(winner, 0.5)
            wins[b] += {"model_a": 0.0, "model_b": 1.0}.get(winner, 0.5)
            meetings[a] += 1 / (strengths[a] + strengths[b])
            meetings[b] += 1 / (strengths[a] + strengths[b])
        updated = {name: wins[name] / meetings[name] for name in models}
        moved = max(abs(updated[name] / strengths[name] - 1) for name in models)
        strengths = updated
        if moved < 1e-13:
            break
    logarithms = np.log(list(strengths.values()))
    return np.asarray(logarithms - logarithms.mean())


def by_name(fit: BradleyTerryFit) -> dict[str, float]:
    return dict(zip(fit.models, fit.strengths.tolist(), strict=True))


@pytest.mark.parametrize("ridge", [0.0, 2.5])
def test_gradient_and_hessian_agree_with_finite_differences(ridge: float) -> None:
    comparisons = Comparisons.from_battles(random_battles(5).assign(weight=1.7))
    at = np.random.default_rng(5).normal(size=len(comparisons.models))
    nudges = 1e-5 * np.eye(len(at))
    slope = [
        (loss(at + h, comparisons, ridge=ridge) - loss(at - h, comparisons, ridge=ridge)) / 2e-5
        for h in nudges
    ]
    curvature = [
        (gradient(at + h, comparisons, ridge=ridge) - gradient(at - h, comparisons, ridge=ridge)) / 2e-5
        for h in nudges
    ]
    np.testing.assert_allclose(gradient(at, comparisons, ridge=ridge), slope, rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(hessian(at, comparisons, ridge=ridge), curvature, rtol=1e-7, atol=1e-6)


def test_stigler_citations() -> None:
    strengths = by_name(fit_bradley_terry(Comparisons.from_battles(stigler())))
    from_biometrika = [strengths[journal] - strengths["Biometrika"] for journal in STIGLER_JOURNALS]
    np.testing.assert_allclose(from_biometrika, [0, -2.94907, -0.47957, 0.26895], atol=5e-6)


def test_equals_the_slow_fit() -> None:
    table = random_battles(6)
    fit = fit_bradley_terry(Comparisons.from_battles(table))
    np.testing.assert_allclose(fit.strengths, fit_slowly(table, fit.models), atol=1e-11)


def test_two_models_have_a_closed_form() -> None:
    table = battles(("x", "y", "model_a"), ("x", "y", "model_b"), ("y", "x", "both_bad"), count=[6, 2, 1])
    fit = fit_bradley_terry(Comparisons.from_battles(table))
    log_odds = np.log(6.5 / 2.5)
    np.testing.assert_allclose(fit.strengths, [log_odds / 2, -log_odds / 2], atol=1e-14)


def test_recovers_known_strengths() -> None:
    rng = np.random.default_rng(8)
    truth = simulate.simulate_strengths(rng, models=10)
    table = simulate.simulate_battles(rng, strengths=truth, battles=200_000)
    estimate = by_name(fit_bradley_terry(Comparisons.from_battles(table)))
    # 200,000 votes on 10 models give a standard error near 0.01.
    assert max(abs(estimate[name] - truth[name]) for name in truth) < 0.03


def test_reports_how_it_converged() -> None:
    fit = fit_bradley_terry(Comparisons.from_battles(random_battles(9)))
    assert fit.strengths.sum() == pytest.approx(0, abs=1e-14)
    assert fit.gradient_norm < 1e-12
    assert fit.iterations < 10
    assert fit.loss == pytest.approx(loss(fit.strengths, Comparisons.from_battles(random_battles(9))))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_shuffled_and_mirrored_battles_give_the_same_bytes(seed: int) -> None:
    table = random_battles(seed)
    expected = fit_bradley_terry(Comparisons.from_battles(table)).strengths.tobytes()
    changed = mirrored(table.sample(frac=1, random_state=seed))
    assert fit_bradley_terry(Comparisons.from_battles(changed)).strengths.tobytes() == expected


def test_relabelled_models_keep_their_strengths() -> None:
    table = random_battles(10)
    renamed = {name: f"{9 - number}" for number, name in enumerate(sorted(set(table.model_a)))}
    relabelled = table.assign(model_a=table.model_a.map(renamed), model_b=table.model_b.map(renamed))
    strengths = by_name(fit_bradley_terry(Comparisons.from_battles(table)))
    others = by_name(fit_bradley_terry(Comparisons.from_battles(relabelled)))
    assert {renamed[name]: pytest.approx(value, abs=1e-12) for name, value in strengths.items()} == others


def test_twice_the_votes_change_nothing() -> None:
    table = random_battles(11)
    once = fit_bradley_terry(Comparisons.from_battles(table))
    twice = fit_bradley_terry(Comparisons.from_battles(pd.concat([table, table])))
    np.testing.assert_allclose(twice.strengths, once.strengths, atol=1e-13)


def test_a_model_with_few_votes_among_millions_is_fitted_exactly() -> None:
    veterans = random_battles(12).assign(count=50_000)
    rookie = battles(("new", "m0", "model_a"), ("new", "m0", "model_b"), count=[120, 80])
    strengths = by_name(fit_bradley_terry(Comparisons.from_battles(pd.concat([veterans, rookie]))))
    assert strengths["new"] - strengths["m0"] == pytest.approx(np.log(120 / 80), abs=1e-10)


def fit_in_long_double(comparisons: Comparisons) -> tuple[FloatArray, FloatArray]:
    """Fit by plain Newton with the first model held at zero, in extended precision; return H too."""
    first, second = comparisons.first, comparisons.second
    weights = comparisons.weights.astype(np.longdouble)
    total, won = weights.sum(axis=1), weights @ np.array([1, 0, 0.5, 0.5], dtype=np.longdouble)
    size = len(comparisons.models)
    strengths = np.zeros(size, dtype=np.longdouble)
    for _ in range(200):
        p = 1 / (1 + np.exp(strengths[second] - strengths[first]))
        slope = np.zeros(size, dtype=np.longdouble)
        np.add.at(slope, first, total * p - won)
        np.subtract.at(slope, second, total * p - won)
        curvature = np.zeros((size, size), dtype=np.longdouble)
        for one, other, sign in (
            (first, first, 1),
            (second, second, 1),
            (first, second, -1),
            (second, first, -1),
        ):
            np.add.at(curvature, (one, other), sign * total * p * (1 - p))
        # The factor is in double precision; exact residuals make the fixed point exact all the same.
        step = np.linalg.solve(curvature[1:, 1:].astype(np.float64), slope[1:].astype(np.float64))
        strengths[1:] -= step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-17:
            break
    return strengths - strengths.mean(), curvature.astype(np.float64)


def million_vote_board(newcomer_votes: int) -> Comparisons:
    """Ten million votes on 100 models, and a newcomer against six of them."""
    rng = np.random.default_rng(60)
    strengths = rng.normal(0, 0.8, 100)
    first, second = np.triu_indices(100, 1)
    share = rng.dirichlet(np.full(len(first), 0.5))
    p = special.expit(strengths[first] - strengths[second])
    votes = rng.multinomial(
        10_000_000, (share[:, None] * np.stack([0.7 * p, 0.7 * (1 - p)], axis=1)).ravel() / 0.7
    )
    counts = np.pad(votes.reshape(-1, 2), ((0, 0), (0, 2)))
    met = rng.choice(100, 6, replace=False)
    new = rng.multinomial(newcomer_votes, np.full(24, 1 / 24)).reshape(6, 4)
    models = [f"m{number:03}" for number in range(101)]
    return Comparisons.from_counts(
        models, np.append(first, np.full(6, 100)), np.append(second, met), np.concatenate([counts, new])
    )


@pytest.mark.parametrize("votes", [10, 200])
def test_a_rare_model_among_ten_million_votes_has_its_exact_point_and_interval(votes: int) -> None:
    comparisons = million_vote_board(votes)
    fit = fit_bradley_terry(comparisons)
    exact, curvature = fit_in_long_double(comparisons)
    assert np.abs(fit.strengths - exact).max() * RATING_PER_STRENGTH < 1e-9
    assert fit.gradient_norm < 1e-14
    covariance = sandwich(fit, comparisons)
    p = special.expit((exact[comparisons.first] - exact[comparisons.second]).astype(np.float64))
    meat = comparisons.laplacian((comparisons.counts * np.square(OUTCOMES - p[:, None])).sum(axis=1))
    bread = np.linalg.pinv(curvature, rcond=1e-12)
    np.testing.assert_allclose(np.diag(covariance), np.diag(bread @ meat @ bread), rtol=1e-6)


def test_exact_on_the_real_votes(real_data: Path) -> None:
    recorded = json.loads((real_data / "chatbot-arena-2024-08" / "counts.json").read_text())
    pairs = np.array(recorded["X"])
    comparisons = Comparisons.from_counts(recorded["models"], pairs[:, 0], pairs[:, 1], recorded["Y"])
    fit = fit_bradley_terry(comparisons)
    exact, _ = fit_in_long_double(comparisons)
    assert np.abs(fit.strengths - exact).max() * RATING_PER_STRENGTH < 1e-9
    assert fit.gradient_norm < 1e-14


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_a_start_saves_steps_and_gives_the_same_result(ridge: float) -> None:
    comparisons = million_vote_board(200)
    cold = fit_bradley_terry(comparisons, ridge=ridge)
    warm = fit_bradley_terry(comparisons, ridge=ridge, start=cold.strengths + 3.0)
    assert warm.iterations < cold.iterations
    np.testing.assert_allclose(warm.strengths, cold.strengths, atol=1e-13)
    far = fit_bradley_terry(comparisons, ridge=ridge, start=np.linspace(-30, 30, 101))
    np.testing.assert_allclose(far.strengths, cold.strengths, atol=1e-12)


@pytest.mark.parametrize("start", [[0.0], [np.nan] * 6, [[0.0] * 6]])
def test_refuses_a_bad_start(start: list[float]) -> None:
    with pytest.raises(InvalidOptionError, match="start has shape .* each of 6 models"):
        fit_bradley_terry(Comparisons.from_battles(random_battles(13)), start=np.array(start))


def test_refuses_more_models_than_fit_into_memory() -> None:
    models = range(20_001)
    comparisons = Comparisons.from_counts(models, [0], [1], [[1, 1, 0, 0]])
    with pytest.raises(InvalidComparisonsError, match="There are 20001 models: a fit of more than 20000"):
        fit_bradley_terry(comparisons)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.permutations(range(6)))
def test_names_do_not_change_a_byte_in_canonical_order(seed: int, names: list[int]) -> None:
    table = random_battles(seed, rows=80, voters=7).assign(count=1)
    renamed = {f"m{number}": f"n{name}" for number, name in enumerate(names)}
    relabelled = mirrored(
        table.assign(model_a=table.model_a.map(renamed), model_b=table.model_b.map(renamed))
    )
    results = []
    for one, naming in ((table, {name: name for name in renamed}), (relabelled, renamed)):
        comparisons = Comparisons.from_battles(one, cluster="voter")
        comparisons = comparisons.reordered(comparisons.canonical_order())
        fit = fit_bradley_terry(comparisons, ridge=0.01)
        place = [fit.models.index(naming[f"m{number}"]) for number in range(6)]
        covariances = [sandwich(fit, comparisons, cluster=cluster) for cluster in (None, "voter")]
        results.append(
            [
                fit.strengths[place].tobytes(),
                *(matrix[np.ix_(place, place)].tobytes() for matrix in covariances),
            ]
        )
    assert results[0] == results[1]


def test_lopsided_chains_converge() -> None:
    names = "abcdef"
    rows = [
        (a, b, winner) for a, b in zip(names, names[1:], strict=False) for winner in ("model_a", "model_b")
    ]
    table = battles(*rows, count=[1_000_000, 1] * (len(names) - 1))
    strengths = by_name(fit_bradley_terry(Comparisons.from_battles(table)))
    steps = [strengths[a] - strengths[b] for a, b in zip(names, names[1:], strict=False)]
    np.testing.assert_allclose(steps, np.log(1_000_000), rtol=1e-9)


def models_beside_very_many_votes(votes: float, groups: Sequence[int], seed: int = 14) -> Comparisons:
    """Draw votes within groups of models, whatever they say, and few between the groups."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(groups)), groups)
    first, second = np.triu_indices(len(group), 1)
    inside = group[first] == group[second]
    weight = np.where(inside, votes * rng.uniform(0.1, 1, len(first)), 60)
    share = rng.uniform(0.2, 0.8, len(first))
    won = np.floor(weight * share) + 1
    counts = np.stack([won, np.floor(weight - won) + 2, 0 * won, 0 * won], axis=1)
    return Comparisons.from_counts([f"m{number:02}" for number in range(len(group))], first, second, counts)


@pytest.mark.parametrize("votes", [1e9, 1e11, 1e13])
def test_a_model_of_few_votes_beside_very_many_is_fitted_exactly(votes: float) -> None:
    comparisons = models_beside_very_many_votes(votes, [8, 1])
    fit = fit_bradley_terry(comparisons)
    few = comparisons.second == 8
    won, lost = comparisons.counts[few, 1], comparisons.counts[few, 0]

    def surplus(strength: float) -> float:
        chance = special.expit(strength - fit.strengths[comparisons.first[few]])
        return float((lost * chance - won * (1 - chance)).sum())

    assert fit.strengths[8] == pytest.approx(optimize.brentq(surplus, -5, 5, xtol=1e-14), abs=1e-10)


def test_says_why_double_precision_does_not_suffice() -> None:
    comparisons = models_beside_very_many_votes(1e13, [15, 15])
    with pytest.raises(NotConvergedError, match=r"After 50 .*rounding .*raise the tolerance") as caught:
        fit_bradley_terry(comparisons)
    moved = caught.value.last_step
    assert (
        f"still moved by {moved:.3g}" in str(caught.value)
        if moved > 1e-10
        else "gradient" in str(caught.value)
    )
    assert fit_bradley_terry(comparisons, tolerance=1e-3).gradient_norm < 1e-3


def test_ridge_shrinks_to_a_finite_answer() -> None:
    comparisons = Comparisons.from_battles(
        battles(("x", "y", "model_a"), ("p", "q", "model_a"), count=[40, 40])
    )
    strong, weak = (by_name(fit_bradley_terry(comparisons, ridge=ridge)) for ridge in (10.0, 0.1))
    assert 0 < strong["x"] < weak["x"] < 5
    assert strong["x"] == pytest.approx(strong["p"])
    assert fit_bradley_terry(comparisons, ridge=10.0).gradient_norm < 1e-12


def test_islands_are_named() -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", "tie"), ("p", "q", "tie")))
    with pytest.raises(
        DisconnectedComparisonsError, match="2 groups that never met: 'p', 'q'; 'x', 'y'"
    ) as caught:
        fit_bradley_terry(comparisons)
    assert caught.value.components == (("p", "q"), ("x", "y"))


def test_undefeated_and_winless_models_are_named() -> None:
    rows = [("top", "x", "model_a"), ("x", "y", "tie"), ("y", "low", "model_a")]
    with pytest.raises(
        SeparableComparisonsError, match="never lose or tie against the others: 'top'"
    ) as caught:
        fit_bradley_terry(Comparisons.from_battles(battles(*rows)))
    assert caught.value.never_lose == ("top",)
    assert caught.value.never_win == ("low",)


@pytest.mark.parametrize("kept", [[], ["x"]])
def test_fewer_than_two_models_cannot_be_compared(kept: list[str]) -> None:
    comparisons = Comparisons.from_battles(battles(("x", "y", "tie"))).restrict(kept)
    with pytest.raises(EmptyComparisonsError, match="at least two models"):
        fit_bradley_terry(comparisons)


def test_says_when_it_did_not_converge() -> None:
    with pytest.raises(NotConvergedError, match="After 1 Newton steps") as caught:
        fit_bradley_terry(Comparisons.from_battles(random_battles(13)), max_iterations=1)
    assert caught.value.last_step > caught.value.tolerance


@pytest.mark.parametrize("ridge", [-1.0, np.nan, np.inf])
def test_refuses_a_bad_ridge(ridge: float) -> None:
    with pytest.raises(InvalidOptionError, match="ridge is"):
        fit_bradley_terry(Comparisons.from_battles(random_battles(13)), ridge=ridge)


def test_battles_that_are_not_counted_yet_are_refused() -> None:
    table = battles(("x", "y", "model_a"), ("y", "x", "model_a"))
    for fit in (fit_bradley_terry, fit_ties):
        with pytest.raises(
            InvalidOptionError, match=r"is a DataFrame: pass Comparisons\.from_battles\(battles\)"
        ):
            fit(table)  # type: ignore[arg-type]
