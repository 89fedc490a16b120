"""What machine code does is what its loops say where nothing compiles them, and what their definition gives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ratings import arrangement_kernels
from ratings.compiled import CompiledFunction

CELLS, CLUSTERS, MODELS, COLUMNS = 900, 150, 12, 3
FIRST, SECOND = (models.astype(np.int32) for models in np.triu_indices(MODELS, k=1))
PAIRS = len(FIRST)

Arguments = Callable[[np.random.Generator], tuple[Any, ...]]


def cells(rng: np.random.Generator) -> dict[str, Any]:
    cluster = np.sort(rng.integers(0, CLUSTERS, CELLS))
    weight = rng.integers(0, 4, CELLS).astype(np.float64)
    pair = rng.integers(0, PAIRS, CELLS)
    return {
        "cluster": cluster,
        "pair": pair,
        "weight": weight,
        "score": weight * rng.choice([0, 0.5, 1], CELLS),
    }


def products(rng: np.random.Generator) -> tuple[Any, ...]:
    some = cells(rng)
    sums = np.zeros((MODELS, MODELS)), np.zeros((MODELS, COLUMNS)), np.zeros((COLUMNS, COLUMNS))
    room = np.empty(MODELS), np.full(MODELS, -1), np.empty(MODELS, dtype=np.int64), np.zeros(COLUMNS)
    of_rows = rng.normal(size=CELLS), rng.normal(size=(COLUMNS, CELLS))
    return some["cluster"], some["pair"], FIRST, SECOND, *of_rows, *room, *sums


def heavy(rng: np.random.Generator) -> tuple[Any, ...]:
    some = cells(rng)
    room = np.full(MODELS, -1), np.zeros(CELLS, dtype=bool)
    return some["cluster"], some["pair"], some["weight"], rng.random(PAIRS), FIRST, SECOND, 0.7, *room


def turned(rng: np.random.Generator) -> tuple[Any, ...]:
    some, swapped = cells(rng), rng.random(PAIRS) < 0.5
    out = np.zeros(CELLS, dtype=np.int64), np.zeros(CELLS)
    return some["pair"], some["weight"], some["score"], rng.permutation(PAIRS), swapped, *out


def surplus(rng: np.random.Generator) -> tuple[Any, ...]:
    some = cells(rng)
    return some["pair"], some["weight"], some["score"], rng.random(PAIRS), np.zeros(CELLS)


def contrasts(rng: np.random.Generator) -> tuple[Any, ...]:
    places = np.sort(rng.integers(0, 3000, CELLS)).astype(np.int32)
    sign = rng.choice(np.array([-1, 1], dtype=np.int8), CELLS)
    return rng.normal(size=(3000, 5)), np.array([4, 0]), places, sign, np.zeros((3, CELLS))


ARGUMENTS: dict[str, Arguments] = {
    "add_products": products,
    "mark_heavy": heavy,
    "turn_cells": turned,
    "subtract_expected": surplus,
    "gather_contrasts": contrasts,
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_machine_code_does_what_the_loop_says(numba: None, name: str) -> None:
    kernel: CompiledFunction[..., Any] = getattr(arrangement_kernels, name)
    one, other = (ARGUMENTS[name](np.random.default_rng(3)) for _ in range(2))
    assert kernel(*one) == kernel.plain(*other)
    for written, expected in zip(one, other, strict=True):
        np.testing.assert_array_equal(written, expected)


def test_products_of_scores_follow_the_definition(numba: None) -> None:
    arguments = products(np.random.default_rng(5))
    cluster, pair, first, second, values, contrast, *_, models, cross, style = arguments
    assert arrangement_kernels.add_products(*arguments) == len(np.unique(cluster))
    scores, of_columns = np.zeros((CLUSTERS, MODELS)), np.zeros((CLUSTERS, COLUMNS))
    np.add.at(scores, (cluster, first[pair]), values)
    np.add.at(scores, (cluster, second[pair]), -values)
    np.add.at(of_columns, cluster, (values * contrast).T)
    both = models + models.T
    both[np.diag_indices(MODELS)] /= 2
    np.testing.assert_allclose(both, scores.T @ scores, atol=1e-10)
    np.testing.assert_allclose(cross, scores.T @ of_columns, atol=1e-10)
    np.testing.assert_allclose(np.tril(style), np.tril(of_columns.T @ of_columns), atol=1e-10)


def test_heavy_clusters_follow_the_definition(numba: None) -> None:
    arguments = heavy(np.random.default_rng(6))
    cluster, pair, weight, of_a_vote, first, second, light, _, marked = arguments
    arrangement_kernels.mark_heavy(*arguments)
    for number in np.unique(cluster):
        mine = cluster == number
        models = len(np.union1d(first[pair[mine]], second[pair[mine]]))
        leverage = (weight[mine] * of_a_vote[pair[mine]]).sum()
        assert set(marked[mine]) == {leverage > light * (models - 1)}
    assert 0 < marked.sum() < len(marked)
