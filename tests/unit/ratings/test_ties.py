import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from ratings.arrays import FloatArray
from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.encoding import WINNERS
from ratings.errors import (
    DisconnectedComparisonsError,
    EmptyComparisonsError,
    InvalidOptionError,
    NoFiniteMaximumError,
    NotConvergedError,
    SeparableComparisonsError,
)
from ratings.tie_likelihoods import LIKELIHOODS, TieModel
from ratings.ties import BothBad, fit_ties, tie_gradient, tie_hessian, tie_loss
from tests.unit.ratings.tables import battles, mirrored, random_battles

MODELS: tuple[TieModel, ...] = ("rao-kupper", "davidson", "grounded")
OPTIONS: tuple[tuple[TieModel, BothBad], ...] = (
    ("rao-kupper", "tie"),
    ("rao-kupper", "exclude"),
    ("davidson", "tie"),
    ("davidson", "exclude"),
    ("grounded", "tie"),
)


def textbook(model: str, first: Any, second: Any, tie: Any) -> list[Any]:
    """Probabilities as the papers write them; real or complex, one vote or many."""
    a, b = np.exp(first), np.exp(second)
    if model == "davidson":
        drawn = np.exp(tie) * np.sqrt(a * b)
        return [a / (a + b + drawn), b / (a + b + drawn), drawn / (a + b + drawn)]
    if model == "rao-kupper":
        theta = np.exp(tie)
        win, loss = a / (a + theta * b), b / (b + theta * a)
        return [win, loss, (theta**2 - 1) * a * b / ((a + theta * b) * (b + theta * a))]
    threshold = 1 + np.exp(tie)
    win, loss, bad = a / (a + threshold * b + 1), b / (b + threshold * a + 1), 1 / (1 + a + b)
    return [win, loss, 1 - win - loss - bad, bad]


def slow_loss(parameters: Any, table: pd.DataFrame, model: str, both_bad: str, ridge: float) -> Any:
    """Add up minus log P over single rows, not over counts."""
    if both_bad == "exclude":
        table = table[table.winner != "both_bad"]
    names = sorted({*table.model_a, *table.model_b})
    strengths, tie = parameters[:-1], parameters[-1]
    a, b = (strengths[[names.index(name) for name in side]] for side in (table.model_a, table.model_b))
    probabilities = np.stack(textbook(model, a, b, tie))
    outcome = np.array([WINNERS.index(label) for label in table.winner])
    outcome = np.minimum(outcome, len(probabilities) - 1)
    logs = np.log(probabilities[outcome, np.arange(len(table))])
    log_tie = np.log(np.exp(tie) - 1) if model == "rao-kupper" else tie
    return -(table.weight.to_numpy() * logs).sum() + ridge / 2 * ((strengths**2).sum() + log_tie**2)


def slow_optimum(table: pd.DataFrame, model: str, both_bad: str, ridge: float) -> FloatArray:
    """Solve for a zero of the exact gradient, taken by complex steps."""

    def from_free(free: Any) -> Any:
        tie = np.log1p(np.exp(free[-1])) if model == "rao-kupper" else free[-1]
        return np.append(free[:-1], tie)

    def gradient(free: FloatArray) -> FloatArray:
        steps = 1e-30j * np.eye(len(free))
        slopes = [slow_loss(from_free(free + h), table, model, both_bad, ridge).imag / 1e-30 for h in steps]
        anchor = 0.0 if model == "grounded" or ridge else free[:-1].sum()
        slopes_and_anchor: FloatArray = np.array(slopes) + np.append(np.full(len(free) - 1, anchor), 0.0)
        return slopes_and_anchor

    found = optimize.root(gradient, np.zeros(len({*table.model_a, *table.model_b}) + 1), tol=1e-14)
    assert np.abs(gradient(found.x)).max() < 1e-11
    return np.asarray(from_free(found.x))


def some_parameters(size: int) -> FloatArray:
    return np.append(np.random.default_rng(5).normal(size=size), 0.4)


def draw(rng: np.random.Generator, model: str, strengths: FloatArray, tie: float, votes: int) -> pd.DataFrame:
    """Draw votes from a model, counted per pair and winner."""
    rows = []
    for a, b in itertools.combinations(range(len(strengths)), 2):
        probabilities = textbook(model, strengths[a], strengths[b], tie)
        counts = rng.multinomial(votes, probabilities)
        rows += [(f"m{a}", f"m{b}", WINNERS[outcome], count) for outcome, count in enumerate(counts)]
    return pd.DataFrame(rows, columns=["model_a", "model_b", "winner", "count"])


@pytest.mark.parametrize(("model", "both_bad"), OPTIONS)
@pytest.mark.parametrize("ridge", [0.0, 2.5])
def test_loss_is_the_sum_over_votes(model: TieModel, both_bad: BothBad, ridge: float) -> None:
    table = random_battles(5, rows=60).assign(weight=1.7)
    comparisons = Comparisons.from_battles(table)
    at = some_parameters(len(comparisons.models))
    expected = slow_loss(at, table, model, both_bad, ridge)
    assert tie_loss(at, comparisons, model=model, both_bad=both_bad, ridge=ridge) == pytest.approx(
        expected, rel=1e-13
    )


@pytest.mark.parametrize(("model", "both_bad"), OPTIONS)
@pytest.mark.parametrize("ridge", [0.0, 2.5])
def test_gradient_and_hessian_agree_with_finite_differences(
    model: TieModel, both_bad: BothBad, ridge: float
) -> None:
    comparisons = Comparisons.from_battles(random_battles(5).assign(weight=1.7))
    at = some_parameters(len(comparisons.models))

    def loss(x: FloatArray) -> float:
        return tie_loss(x, comparisons, model=model, both_bad=both_bad, ridge=ridge)

    def gradient(x: FloatArray) -> FloatArray:
        return tie_gradient(x, comparisons, model=model, both_bad=both_bad, ridge=ridge)

    nudges = 1e-5 * np.eye(len(at))
    slope = [(loss(at + h) - loss(at - h)) / 2e-5 for h in nudges]
    curvature = [(gradient(at + h) - gradient(at - h)) / 2e-5 for h in nudges]
    hessian = tie_hessian(at, comparisons, model=model, both_bad=both_bad, ridge=ridge)
    np.testing.assert_allclose(gradient(at), slope, rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(hessian, curvature, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize(("model", "both_bad"), OPTIONS)
@pytest.mark.parametrize("ridge", [0.0, 1.5])
def test_optimum_equals_a_general_optimiser(model: TieModel, both_bad: BothBad, ridge: float) -> None:
    table = random_battles(6, rows=80).assign(weight=0.8)
    fit = fit_ties(Comparisons.from_battles(table), model=model, both_bad=both_bad, ridge=ridge)

    optimum = slow_optimum(table, model, both_bad, ridge)
    np.testing.assert_allclose(fit.parameters, optimum, atol=1e-10)
    assert fit.loss == pytest.approx(slow_loss(optimum, table, model, both_bad, ridge), rel=1e-13)
    assert fit.gradient_norm < 1e-12


def test_grounded_tie_is_what_is_left() -> None:
    """Ours is a product of positive numbers; the definition is a difference."""
    rng = np.random.default_rng(3)
    likelihood = LIKELIHOODS["grounded"]
    for first, second, tie in rng.normal(scale=3, size=(50, 3)):
        ours = np.exp(likelihood.log_probabilities(np.array([first]), np.array([second]), tie))[:, 0]
        np.testing.assert_allclose(ours, textbook("grounded", first, second, tie), atol=1e-14)
    far = likelihood.log_probabilities(np.array([800.0, -800.0]), np.array([-800.0, -800.0]), 0.0)
    assert np.isfinite(far).all()


def test_two_models_have_closed_forms() -> None:
    table = battles(
        ("x", "y", "model_a"),
        ("x", "y", "model_b"),
        ("x", "y", "tie"),
        ("x", "y", "both_bad"),
        count=[6, 2, 4, 1],
    )
    comparisons = Comparisons.from_battles(table)
    davidson = fit_ties(comparisons, model="davidson")
    assert davidson.strengths[0] - davidson.strengths[1] == pytest.approx(np.log(6 / 2), abs=1e-12)
    assert davidson.tie_parameter == pytest.approx(np.log(5 / np.sqrt(12)), abs=1e-12)
    for model in MODELS:
        saturated = fit_ties(comparisons, model=model)
        shares = (
            [6 / 13, 2 / 13, 5 / 13] if len(saturated.outcomes) == 3 else [6 / 13, 2 / 13, 4 / 13, 1 / 13]
        )
        np.testing.assert_allclose(saturated.probabilities("x", "y"), shares, atol=1e-12)
    excluded = fit_ties(comparisons, model="rao-kupper", both_bad="exclude")
    np.testing.assert_allclose(excluded.probabilities("x", "y"), [6 / 12, 2 / 12, 4 / 12], atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_recovers_known_parameters(model: TieModel) -> None:
    rng = np.random.default_rng(8)
    strengths = rng.normal(0.0 if model != "grounded" else 0.5, 0.8, size=10)
    if model != "grounded":
        strengths -= strengths.mean()
    table = draw(rng, model, strengths, 0.6, 5000)
    fit = fit_ties(Comparisons.from_battles(table), model=model)
    pulls = (fit.parameters - np.append(strengths, 0.6)) / fit.standard_errors
    # 225,000 votes give standard errors below 0.02; 11 pulls of a standard normal stay within 3.5.
    assert fit.standard_errors.max() < 0.02
    assert np.abs(pulls).max() < 3.5
    assert 0.3 < pulls.std() < 1.7


@pytest.mark.parametrize("model", MODELS)
def test_covariance_equals_the_spread_over_repetitions(model: TieModel) -> None:
    """Under a wrong model too: votes come from another one."""
    rng = np.random.default_rng(9)
    strengths = np.array([-0.5, -0.1, 0.2, 0.4])
    other = "grounded" if model == "davidson" else "davidson"
    comparisons = Comparisons.from_battles(draw(rng, other, strengths, 0.3, 60))
    first, second = strengths[comparisons.first], strengths[comparisons.second]
    shares = np.stack(textbook(other, first, second, 0.3), axis=1)
    if len(shares.T) == 3:
        shares = np.column_stack([shares[:, :2], 0.6 * shares[:, 2], 0.4 * shares[:, 2]])
    estimates, claimed = [], []
    for _ in range(200):
        counts = rng.multinomial(60, shares)
        weights = counts.astype(np.float64)
        votes = replace(comparisons, counts=counts, weights=weights, squared_weights=weights)
        fit = fit_ties(votes, model=model)
        estimates.append(fit.parameters)
        claimed.append(fit.covariance)
    observed = np.cov(np.array(estimates).T)
    np.testing.assert_allclose(
        np.sqrt(np.diag(np.mean(claimed, axis=0))), np.sqrt(np.diag(observed)), rtol=0.16
    )


@pytest.mark.parametrize("model", MODELS)
def test_weights_count_as_votes_in_the_fit_but_not_in_the_covariance(model: TieModel) -> None:
    table = random_battles(14)
    once = fit_ties(Comparisons.from_battles(table), model=model)
    weighted = fit_ties(Comparisons.from_battles(table.assign(weight=3.0)), model=model)
    counted = fit_ties(Comparisons.from_battles(table.assign(count=3)), model=model)
    np.testing.assert_allclose(weighted.parameters, once.parameters, atol=1e-12)
    np.testing.assert_allclose(weighted.covariance, once.covariance, atol=1e-12)
    np.testing.assert_allclose(counted.parameters, once.parameters, atol=1e-12)
    np.testing.assert_allclose(counted.covariance, once.covariance / 3, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_shuffled_and_mirrored_battles_give_the_same_bytes(model: TieModel) -> None:
    table = random_battles(15)
    changed = mirrored(table.sample(frac=1, random_state=3))
    fits = [fit_ties(Comparisons.from_battles(votes), model=model) for votes in (table, changed)]
    assert fits[0].parameters.tobytes() == fits[1].parameters.tobytes()
    assert fits[0].covariance.tobytes() == fits[1].covariance.tobytes()


def test_davidson_keeps_the_order_of_half_wins_when_all_meet_equally_often() -> None:
    strengths = np.random.default_rng(17).normal(size=8)
    table = draw(np.random.default_rng(17), "rao-kupper", strengths, 0.5, 200)
    comparisons = Comparisons.from_battles(table)
    half = fit_bradley_terry(comparisons).strengths
    assert np.argsort(half).tolist() == np.argsort(fit_ties(comparisons, model="davidson").strengths).tolist()


def test_gauge_of_strengths() -> None:
    comparisons = Comparisons.from_battles(random_battles(16))
    for model in ("rao-kupper", "davidson"):
        fit = fit_ties(comparisons, model=model)
        assert fit.strengths.sum() == pytest.approx(0, abs=1e-14)
        np.testing.assert_allclose(fit.covariance[:-1].sum(axis=0), 0, atol=1e-15)
        np.testing.assert_allclose(fit.inverse_hessian[:-1].sum(axis=0), 0, atol=1e-15)
    grounded = fit_ties(comparisons, model="grounded")
    hessian = tie_hessian(grounded.parameters, comparisons, model="grounded")
    np.testing.assert_allclose(grounded.inverse_hessian @ hessian, np.eye(7), atol=1e-12)


def test_lopsided_chains_converge() -> None:
    names = "abcdef"
    steps = list(itertools.pairwise(names))
    rows = [(a, b, winner) for a, b in steps for winner in ("model_a", "model_b", "tie", "both_bad")]
    comparisons = Comparisons.from_battles(battles(*rows, count=[1_000_000, 1, 1000, 1] * len(steps)))
    davidson = fit_ties(comparisons, model="davidson", both_bad="exclude").strengths
    np.testing.assert_allclose(-np.diff(davidson), np.log(1_000_000), rtol=1e-9)
    for model in MODELS:
        assert fit_ties(comparisons, model=model).iterations < 100


def test_islands_and_undefeated_models_are_named() -> None:
    islands = Comparisons.from_battles(battles(("x", "y", "tie"), ("p", "q", "tie")))
    with pytest.raises(DisconnectedComparisonsError, match="2 groups that never met"):
        fit_ties(islands)
    undefeated = Comparisons.from_battles(battles(("top", "x", "model_a"), ("x", "y", "tie")))
    with pytest.raises(SeparableComparisonsError, match="never lose or tie against the others: 'top'"):
        fit_ties(undefeated, model="davidson")


@pytest.mark.parametrize(
    ("winners", "model", "message"),
    [
        (["model_a", "model_b"], "rao-kupper", "No vote is a tie"),
        (["model_a", "model_b"], "davidson", "No vote is a tie"),
        (["model_a", "model_b", "both_bad"], "grounded", "No vote is a tie"),
        (["model_a", "model_b", "tie"], "grounded", "No vote is both_bad"),
        (["tie"], "davidson", "No vote has a winner"),
        (["tie", "both_bad"], "grounded", "No vote has a winner"),
        (["model_a", "tie", "both_bad"], "rao-kupper", "explained without chance"),
    ],
)
def test_says_why_there_is_no_finite_maximum(winners: Sequence[str], model: TieModel, message: str) -> None:
    comparisons = Comparisons.from_battles(battles(*[("x", "y", winner) for winner in winners]))
    with pytest.raises(NoFiniteMaximumError, match=message):
        fit_ties(comparisons, model=model)
    fit = fit_ties(comparisons, model=model, ridge=0.1)
    assert np.isfinite(fit.parameters).all()
    assert fit.gradient_norm < 1e-10


def test_grounded_names_models_without_ground() -> None:
    rows = [("x", "y", winner) for winner in WINNERS]
    with pytest.raises(NoFiniteMaximumError, match="infinite: 'top'") as caught:
        fit_ties(Comparisons.from_battles(battles(*rows, ("top", "x", "model_a"))), model="grounded")
    assert "Never called bad" in str(caught.value)
    with pytest.raises(NoFiniteMaximumError, match="minus infinity: 'low'"):
        fit_ties(Comparisons.from_battles(battles(*rows, ("low", "x", "both_bad"))), model="grounded")
    apart = [("p", "q", winner) for winner in WINNERS]
    fit = fit_ties(Comparisons.from_battles(battles(*rows, *apart)), model="grounded")
    np.testing.assert_allclose(fit.strengths, fit.strengths[0], atol=1e-12)


def ray_cases(comparisons: Comparisons, model: str) -> list[list[Any]]:
    """List, for each outcome seen, the ways (inequalities >= 0) in which a ray can keep it possible."""
    size = len(comparisons.models)
    cases: list[list[Any]] = [[[np.eye(size + 1)[size]]]] if model == "rao-kupper" else []
    for i, j, seen in zip(comparisons.first, comparisons.second, comparisons.weights > 0, strict=True):
        u, v, c = np.eye(size + 1)[[i, j, size]]
        d = (u - v) / 2 if model == "davidson" else u - v
        ground, both = [u] * (model == "grounded"), [v] * (model == "grounded")
        won, lost = [[d, d - c, *ground]], [[-d, -d - c, *both]]
        tied, bad = [[c - d, c + d, *ground], [c - d, c + d, *both]], [[-u, -v]]
        ways = (won, lost, tied, bad if model == "grounded" else tied)
        cases += [way for way, happened in zip(ways, seen, strict=True) if happened]
    return cases


def ray_exists(comparisons: Comparisons, model: str) -> bool:
    """Search by linear programs, one for each way through the cases and each parameter's sign."""
    size = len(comparisons.models)
    total = np.append(np.ones(size), 0.0)[np.newaxis]
    for case in itertools.product(*ray_cases(comparisons, model)):
        bounds = np.vstack(list(itertools.chain(*case)))
        if model != "grounded":
            bounds = np.vstack([bounds, total, -total])
        for direction in np.vstack([np.eye(size + 1), -np.eye(size + 1)]):
            found = optimize.linprog(-direction, -bounds, np.zeros(len(bounds)), bounds=(-1, 1))
            if found.fun is not None and found.fun < -1e-6:
                return True
    return False


@pytest.mark.parametrize("model", MODELS)
def test_existence_conditions_are_exact(model: TieModel) -> None:
    rng = np.random.default_rng(21)
    found = []
    for _ in range(40):
        size = int(rng.integers(3, 8 if model == "grounded" else 6))
        table = random_battles(int(rng.integers(1_000_000)), models=3, rows=size)
        comparisons = Comparisons.from_battles(table)
        try:
            assert fit_ties(comparisons, model=model).gradient_norm < 1e-9
            exists = True
        except NoFiniteMaximumError:
            exists = False
        assert exists != ray_exists(comparisons, model), table
        found.append(exists)
    assert 3 < sum(found) < 37


def test_bad_arguments_are_refused() -> None:
    comparisons = Comparisons.from_battles(random_battles(13))
    refused = [
        ({"model": "elo"}, "model is 'elo'"),
        ({"both_bad": "drop"}, "both_bad is 'drop'"),
        ({"model": "grounded", "both_bad": "exclude"}, "cannot exclude"),
        ({"ridge": -1.0}, "ridge is -1.0"),
        ({"ridge": np.nan}, "ridge is nan"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"max_iterations": 0}, "max_iterations is 0"),
    ]
    for options, message in refused:
        with pytest.raises(InvalidOptionError, match=message):
            fit_ties(comparisons, **options)  # type: ignore[arg-type]
    with pytest.raises(InvalidOptionError, match="'nobody' is not among"):
        fit_ties(comparisons).probabilities("m0", "nobody")
    with pytest.raises(EmptyComparisonsError):
        fit_ties(comparisons.restrict(["m0"]), ridge=1.0)
    with pytest.raises(NotConvergedError, match="After 1 Newton steps"):
        fit_ties(comparisons, max_iterations=1)
