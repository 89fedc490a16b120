import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from ratings.comparisons import Comparisons
from ratings.encoding import WINNERS
from ratings.errors import DisconnectedComparisonsError, NoFiniteMaximumError, SeparableComparisonsError
from ratings.outcome_weights import OutcomeWeights
from ratings.tie_likelihoods import LIKELIHOODS, TieModel
from ratings.tie_objective import TieObjective
from ratings.ties import fit_ties
from tests.unit.ratings.tables import battles, random_battles

MODELS: tuple[TieModel, ...] = ("rao-kupper", "davidson", "grounded")


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
        (["model_a", "model_b"], "rao-kupper", "that can be rated no vote is a tie, .*\\(--ties half\\)"),
        (["model_a", "model_b"], "davidson", "no vote is a tie"),
        (["model_a", "model_b", "both_bad"], "grounded", "no vote is a tie"),
        (["model_a", "model_b", "tie"], "grounded", "no vote is both_bad"),
        (["tie"], "davidson", "no vote has a winner"),
        (["tie", "both_bad"], "grounded", "no vote has a winner"),
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


def test_all_starts_lead_to_the_same_grounded_maximum() -> None:
    rng = np.random.default_rng(22)
    found = 0
    for seed in range(30):
        comparisons = Comparisons.from_battles(random_battles(seed, models=4, rows=25))
        fit = fit_ties(comparisons, model="grounded")
        weights = np.ascontiguousarray(comparisons.weights.T)
        objective = TieObjective(
            likelihood=LIKELIHOODS["grounded"],
            comparisons=comparisons,
            weights=OutcomeWeights(weights),
            squared_weights=weights,
            ridge=0.0,
        )
        for _ in range(4):
            start = rng.normal(0, 3, size=5)
            found += int(np.linalg.eigvalsh(objective.hessian(start)).min() < -1e-9)
            parameters, _ = objective.minimise(start, 1e-10, 300)
            np.testing.assert_allclose(parameters, fit.parameters, atol=1e-8)
    assert found > 0, "no start lay where the loss is not convex"
