import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings import (
    BradleyTerryFit,
    Comparisons,
    DisconnectedComparisonsError,
    EmptyComparisonsError,
    InvalidOptionError,
    NotConvergedError,
    SeparableComparisonsError,
    fit_bradley_terry,
    gradient,
    hessian,
    loss,
    simulate,
)
from ratings.arrays import FloatArray
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


def test_lopsided_chains_converge() -> None:
    names = "abcdef"
    rows = [
        (a, b, winner) for a, b in zip(names, names[1:], strict=False) for winner in ("model_a", "model_b")
    ]
    table = battles(*rows, count=[1_000_000, 1] * (len(names) - 1))
    strengths = by_name(fit_bradley_terry(Comparisons.from_battles(table)))
    steps = [strengths[a] - strengths[b] for a, b in zip(names, names[1:], strict=False)]
    np.testing.assert_allclose(steps, np.log(1_000_000), rtol=1e-9)


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
