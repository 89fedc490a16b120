import itertools
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
    EmptyComparisonsError,
    InvalidOptionError,
    NotConvergedError,
)
from ratings.outcome_weights import OutcomeWeights
from ratings.tie_likelihoods import LIKELIHOODS, TieModel, likelihood_of
from ratings.ties import BothBad, clustered_tie_covariance, fit_ties, tie_gradient, tie_hessian, tie_loss
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


@pytest.mark.parametrize(("model", "both_bad"), OPTIONS)
def test_clustered_covariance_equals_a_loop_over_voters(model: TieModel, both_bad: BothBad) -> None:
    table = random_battles(18, models=4, rows=80, voters=7).assign(weight=np.resize([1.0, 0.5, 2.0], 80))
    fit = fit_ties(Comparisons.from_battles(table), model=model, both_bad=both_bad)
    kept = table[table.winner != "both_bad"] if both_bad == "exclude" else table
    meat = np.zeros((5, 5))
    for _, votes in kept.groupby("voter"):
        steps = 1e-30j * np.eye(5)
        # A voter may not have met every model: rows of weight 0 keep the names.
        padded = pd.concat([votes, table.assign(weight=0.0)])
        score = [slow_loss(fit.parameters + h, padded, model, both_bad, 0.0).imag / 1e-30 for h in steps]
        meat += np.outer(score, score)
    expected = fit.inverse_hessian @ (7 / 6 * meat) @ fit.inverse_hessian
    found = clustered_tie_covariance(fit, table)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_voter_for_each_vote_gives_the_independent_covariance() -> None:
    table = random_battles(19).assign(voter=range(200))
    fit = fit_ties(Comparisons.from_battles(table), model="davidson")
    np.testing.assert_allclose(clustered_tie_covariance(fit, table), 200 / 199 * fit.covariance, atol=1e-12)
    with pytest.raises(InvalidOptionError, match="All votes come from 1 voter"):
        clustered_tie_covariance(fit, table.assign(voter="one"))
    with pytest.raises(InvalidOptionError, match="different models"):
        clustered_tie_covariance(fit, table[(table.model_a != "m0") & (table.model_b != "m0")])


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


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "wins", [[(2, 1), (1, 2), (1, 1)], [(5, 1), (1, 2), (3, 1)], [(1, 1), (0, 0), (0, 0)]]
)
def test_a_few_wins_among_very_many_ties_decide(model: TieModel, wins: list[tuple[int, int]]) -> None:
    """Where nearly all votes are ties, more of them move the tie parameter, but no difference of strengths."""
    found = []
    for ties in (10**6, 10**9, 10**12):
        counts = [[won, lost, ties, 3] for won, lost in wins]
        counted = Comparisons.from_counts(["x", "y", "z"], [0, 1, 2], [1, 2, 0], counts)
        fit = fit_ties(counted, model=model, both_bad="tie" if model == "grounded" else "exclude")
        assert fit.iterations < 15
        found.append(fit.strengths - fit.strengths.mean())
    np.testing.assert_allclose(found[0], found[1], atol=2e-3)
    np.testing.assert_allclose(found[1], found[2], atol=2e-6)


@pytest.mark.parametrize("model", MODELS)
def test_probabilities_and_scores_of_all_but_certain_ties(model: TieModel) -> None:
    """The logarithm of the tie's is what is left by the others, and scores have mean zero, to the last bits."""
    likelihood = likelihood_of(model)
    first, second = np.array([0.3, -1.0, 2.0]), np.array([0.0, 0.5, -2.0])
    if likelihood.absolute:
        first, second = first + 20, second + 20
    logs, scores = (f(first, second, 25.0) for f in (likelihood.log_probabilities, likelihood.scores))
    others = np.exp(np.delete(logs, 2, axis=0))
    np.testing.assert_allclose(logs[2], np.log1p(-others.sum(axis=0)), rtol=1e-12, atol=0)
    rest = -(others[:, np.newaxis] * np.delete(scores, 2, axis=0)).sum(axis=0) / np.exp(logs[2])
    np.testing.assert_allclose(scores[2], rest, rtol=1e-9, atol=0)


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


@pytest.mark.parametrize("model", ["rao-kupper", "davidson", "grounded"])
@pytest.mark.parametrize("spread", [1.0, 30.0, 400.0])
def test_derivatives_of_pairs_are_those_of_their_log_probabilities(model: TieModel, spread: float) -> None:
    likelihood, rng = likelihood_of(model), np.random.default_rng(3)
    first, second = spread * rng.normal(size=(2, 50))
    second[:5] = first[:5]
    for tie in (0.2, 1.0, 20.0):
        weights = OutcomeWeights(rng.integers(0, 9, (len(likelihood.outcomes), 50)).astype(float))

        def gradient(
            by_first: float,
            by_second: float,
            by_tie: float,
            *,
            tie: float = tie,
            weights: OutcomeWeights = weights,
        ) -> FloatArray:
            return likelihood.gradient(first + by_first, second + by_second, tie + by_tie, weights)

        found, scores = (
            likelihood.derivatives(first, second, tie, weights),
            likelihood.scores(first, second, tie),
        )
        np.testing.assert_array_equal(found.gradient, gradient(0, 0, 0))
        np.testing.assert_allclose(
            found.gradient, -np.einsum("op,odp->dp", weights.by_outcome, scores), rtol=1e-12, atol=1e-12
        )
        nudges = np.eye(3) if likelihood.absolute else np.array([[0.5, -0.5, 0], [0, 0, 1]])
        slopes = [(gradient(*(1e-5 * nudge)) - gradient(*(-1e-5 * nudge))) / 2e-5 for nudge in nudges]
        np.testing.assert_allclose(found.curvature, slopes, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("start", [-300.0, -30.0, 0.0, 5.0, 30.0, 300.0])
@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_davidson_is_found_from_any_start(start: float, ridge: float) -> None:
    table = random_battles(6, rows=80).assign(weight=1.0)
    objective = fit_ties(Comparisons.from_battles(table), model="davidson", ridge=ridge).objective
    size = len(objective.comparisons.models)
    far = np.append(start * (-1.0) ** np.arange(size), -start)
    found, _ = objective.minimise(far, 1e-10, 100)
    np.testing.assert_allclose(found, slow_optimum(table, "davidson", "tie", ridge), atol=1e-9)


@pytest.mark.parametrize("model", ["rao-kupper", "davidson"])
def test_differences_have_their_log_odds(model: TieModel) -> None:
    likelihood = likelihood_of(model)
    difference = np.array([-12.0, -3.0, -0.1, 0.0, 1e-6, 0.5, 7.0, 25.0])
    for tie in (1e-9, 0.1, 1.0, 9.0):
        win, loss, drawn = np.exp(likelihood.log_probabilities(difference, np.zeros(8), tie))
        log_odds = np.log((win + drawn / 2) / (loss + drawn / 2))
        np.testing.assert_allclose(likelihood.difference(log_odds, tie), difference, rtol=1e-9, atol=1e-11)
    assert np.isfinite(likelihood.difference(np.array([-45.0, 45.0]), 40.0)).all()


@pytest.mark.parametrize("model", ["rao-kupper", "davidson"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("ties", [500, 20_000, 1_000_000])
def test_boards_of_nearly_only_ties(model: TieModel, ridge: float, ties: int) -> None:
    table = battles(
        ("a", "b", "tie"),
        ("a", "b", "model_a"),
        ("a", "b", "model_b"),
        ("c", "a", "model_a"),
        ("c", "a", "model_b"),
        count=[ties, 1, 1, 9, 1],
    )
    fit = fit_ties(Comparisons.from_battles(table), model=model, ridge=ridge)
    assert fit.iterations <= 10
    assert fit.gradient_norm < 1e-9


@pytest.mark.parametrize("wins", [100, 10_000, 1_000_000, 10**10])
def test_rao_kupper_with_a_single_tie(wins: int) -> None:
    table = battles(("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "y", "tie"), count=[wins, wins, 1])
    fit = fit_ties(Comparisons.from_battles(table))
    assert fit.tie_parameter == pytest.approx(2 * np.arctanh(1 / (2 * wins + 1)), rel=1e-8)
    np.testing.assert_allclose(fit.strengths, 0, atol=1e-10)

    lopsided = battles(("x", "y", "model_a"), ("x", "y", "model_b"), ("x", "y", "tie"), count=[1, wins, 1])
    fit = fit_ties(Comparisons.from_battles(lopsided))
    np.testing.assert_allclose(fit.probabilities("x", "y") * (wins + 2), [1, wins, 1], rtol=1e-6)
