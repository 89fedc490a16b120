"""The sum over clusters of g g', with g the summed scores of one cluster's votes."""

from typing import TypeAlias

import numpy as np
from scipy import sparse

from ratings.arrangement_kernels import add_products
from ratings.arrays import CodeArray, FloatArray, IntArray, begins, group_sums
from ratings.linear_algebra import single_threaded_blas
from ratings.style_kernels import is_worth_compiling

Codes: TypeAlias = IntArray | CodeArray

_FEW_CELLS = 6
_FEW_MODELS = 1000
_STRETCH = 2048


def sum_outer_products(
    cluster: Codes, pair: Codes, values: FloatArray, first: Codes, second: Codes, size: int
) -> FloatArray:
    """Add up g g' over the clusters.

    Parameters
    ----------
    cluster, pair : integers, shape (n_cells,)
        The cluster of each cell, sorted, and its pair.
    values : float64, shape (n_cells,)
        The score of each cell, which its pair's first model gains and its second loses.
    first, second : integers, shape (n_pairs,)
        The models of each pair.
    size : int
        Number of models, n_models.

    Returns
    -------
    float64, shape (n_models, n_models)

    Notes
    -----
    Most clusters have few cells: for them the products of cells are added up, one distance apart at a time; O(sum of
    squares of the cells of a cluster). The others become rows of dense matrices. In machine code, where there are many
    cells and Numba is installed, the products of the models that a cluster voted on are added up.
    Nothing depends on the number of threads.
    """
    # For each cell one of these is looked up, and they fit half the width.
    first, second = first.astype(np.int32), second.astype(np.int32)
    if size <= _FEW_MODELS and is_worth_compiling(len(values)):
        products, none = np.zeros((size, size)), np.zeros((0, len(values)))
        room, cross, style = room_for_products(size, 0), np.zeros((size, 0)), np.zeros((0, 0))
        add_products(cluster, pair, first, second, values, none, *room, products, cross, style)
        return mirrored(products)
    a, b = first[pair], second[pair]
    if size > _FEW_MODELS:
        return _sparsely(cluster, a, b, values, size)
    starts = np.flatnonzero(begins(cluster))
    counts = np.diff(starts, append=len(values))
    few = np.repeat(counts <= _FEW_CELLS, counts)
    many = ~few
    total = _few_cells(cluster[few], a[few], b[few], values[few], size)
    return total + _many_cells(cluster[many], a[many], b[many], values[many], size)


def room_for_products(models: int, columns: int) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
    """What `ratings.arrangement_kernels.add_products` needs once for each call."""
    seen_in, voted_on = np.full(models, -1, dtype=np.int64), np.empty(models, dtype=np.int64)
    return np.empty(models), seen_in, voted_on, np.zeros(columns)


def mirrored(products: FloatArray) -> FloatArray:
    """Both sides of the diagonal of symmetric sums, each of which stands on one of them or in parts on both."""
    total: FloatArray = products + products.T
    total[np.diag_indices(len(products))] = np.diag(products)
    return total


def _few_cells(cluster: Codes, a: Codes, b: Codes, values: FloatArray, size: int) -> FloatArray:
    """Add up the products of each cell with itself, with the next cell of its cluster, the one after, and so on."""

    def added(row: Codes, column: Codes, product: FloatArray) -> FloatArray:
        return group_sums(row * size + column, product, size * size)

    squares = np.square(values)
    same = added(a, a, squares) + added(b, b, squares)
    crossed = -added(a, b, squares)
    here = np.arange(len(cluster))
    for distance in range(1, _FEW_CELLS):
        # What has none so far away has none further on.
        here = here[: np.searchsorted(here, len(cluster) - distance)]
        here = here[cluster[here + distance] == cluster[here]]
        if not len(here):
            break
        there = here + distance
        product = values[here] * values[there]
        crossed += added(a[here], a[there], product) + added(b[here], b[there], product)
        crossed -= added(a[here], b[there], product) + added(b[here], a[there], product)
    one_way = crossed.reshape(size, size)
    return same.reshape(size, size) + one_way + one_way.T


def _many_cells(cluster: Codes, a: Codes, b: Codes, values: FloatArray, size: int) -> FloatArray:
    """Add up W'W over stretches of clusters, W holding the score of each of them on each model."""
    total = np.zeros((size, size))
    number = np.cumsum(begins(cluster)) - 1
    for start in range(0, int(number[-1]) + 1 if len(number) else 0, _STRETCH):
        low, high = np.searchsorted(number, [start, start + _STRETCH])
        stretch = slice(int(low), int(high))
        rows = int(number[high - 1]) - start + 1
        row = (number[stretch] - start) * size
        scores = np.bincount(row + a[stretch], values[stretch], rows * size)
        scores -= np.bincount(row + b[stretch], values[stretch], rows * size)
        scores = scores.reshape(rows, size)
        with single_threaded_blas():
            total += scores.T @ scores
    return total


def _sparsely(cluster: Codes, a: Codes, b: Codes, values: FloatArray, size: int) -> FloatArray:
    entries = (np.concatenate([values, -values]), (np.tile(cluster, 2), np.concatenate([a, b])))
    scores = sparse.csr_array(entries, shape=(int(cluster.max(initial=-1)) + 1, size))
    total: FloatArray = (scores.T @ scores).toarray()
    return total
