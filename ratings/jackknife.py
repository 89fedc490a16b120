"""Clustered covariance for boards on which few voters cast many of the votes."""

from dataclasses import replace

import numpy as np
from scipy import special

from ratings.arrangement_kernels import mark_heavy
from ratings.arrays import FloatArray, IntArray, begins, group_sums
from ratings.bradley_terry import BradleyTerryFit, win_probabilities
from ratings.cluster_scores import sum_outer_products
from ratings.comparisons import ClusterCells, Comparisons
from ratings.intervals import sandwich
from ratings.linear_algebra import sandwich_product, single_threaded_blas
from ratings.style_kernels import is_worth_compiling

_LIGHT = 0.005
"""Mean leverage, over the directions it voted on, up to which leaving a cluster out is taken to change nothing."""

_ENOUGH_CLUSTERS = 6
_INDISPENSABLE = 1 - 1e-9

_MANY_CELLS = 64

_ENTRIES = 2**21
"""Matrix entries of clusters solved at a time."""


def jackknife_sandwich(fit: BradleyTerryFit, comparisons: Comparisons, *, cluster: str) -> FloatArray:
    """Compute the clustered covariance of the strengths, with each heavy cluster's pull as if it were left out.

    Parameters
    ----------
    fit : BradleyTerryFit
    comparisons : Comparisons
        The votes that were fitted.
    cluster : str
        The column given to ``Comparisons.from_battles(..., cluster=...)``.

    Returns
    -------
    float64, shape (n_models, n_models)
        Covariance of ``fit.strengths`` (natural log-odds squared).

    Raises
    ------
    InvalidOptionError
        As `sandwich`.

    Notes
    -----
    `sandwich` adds up the squares of what each cluster u pulls at the fit, H+ g_u. A cluster of many votes has
    drawn the fit towards itself, so that its pull looks too small. From the fit to the others' votes, it pulls

        (I - H+ H_u)^-1 H+ g_u

    to first order, with H_u its part of the Hessian. Adding up the squares of these is the linear jackknife over
    clusters [BM02], here with the factor G / (G - 1) of `sandwich` instead of the jackknife's (G - 1) / G: with few
    clusters that makes up for normal quantiles being too short. With fewer than six clusters it does not suffice:
    multiply by `few_clusters_factor`, as `leaderboard` does.

    Clusters that voted on k models and have a leverage trace(H+ H_u) / (k - 1) of at most 0.005 keep the plain
    pull: on a large board without heavy voters this equals `sandwich` and takes no longer. So does a cluster
    without which the board would fall apart: `never_narrower` is for such.

    References
    ----------
    [BM02] Bell, McCaffrey. Bias Reduction in Standard Errors for Linear Regression with Multi-Stage Samples. 2002.
           Survey Methodology 28.
    """
    covariance = sandwich(fit, comparisons, cluster=cluster)
    clusters = comparisons.clusters
    if clusters is None:
        return covariance
    expected = win_probabilities(fit.strengths, comparisons)
    factor = clusters.size / (clusters.size - 1)
    for cells in clusters.pieces():
        heavy = _heavy(fit, comparisons, cells, expected * (1 - expected))
        if len(heavy.cluster):
            change = _change(fit, comparisons, heavy, expected)
            covariance = covariance + factor * sandwich_product(fit.inverse_hessian, change)
    return covariance


def few_clusters_factor(clusters: int) -> float:
    """Return what a clustered covariance is multiplied by, so that normal intervals from few clusters are honest.

    Parameters
    ----------
    clusters : int
        How many voted, G, 2 or more.

    Returns
    -------
    float
        1 from six clusters on; below, the squared ratio of the 97.5 % quantiles of Student's t distribution with G - 1
        degrees of freedom and of the normal distribution.

    Examples
    --------
    >>> [round(few_clusters_factor(clusters), 1) for clusters in (2, 3, 4, 5, 6)]
    [42.0, 4.8, 2.6, 2.0, 1.0]
    """
    if clusters >= _ENOUGH_CLUSTERS:
        return 1.0
    return float(np.square(special.stdtrit(clusters - 1, 0.975) / special.ndtri(0.975)))


def _change(
    fit: BradleyTerryFit, comparisons: Comparisons, heavy: ClusterCells, expected: FloatArray
) -> FloatArray:
    """What the pulls of these clusters, each as if it were left out, add to the sum of squares of plain ones."""
    models = comparisons.first, comparisons.second, len(fit.models)
    surplus = heavy.surplus(expected)
    alone = _left_out(fit, comparisons, heavy, surplus, expected * (1 - expected))
    change = sum_outer_products(heavy.cluster, heavy.pair, alone, *models)
    change -= sum_outer_products(heavy.cluster, heavy.pair, surplus, *models)
    return change


def _heavy(
    fit: BradleyTerryFit, comparisons: Comparisons, clusters: ClusterCells, curvature: FloatArray
) -> ClusterCells:
    """The cells of clusters whose mean leverage is not small, sorted by cluster."""
    of_a_vote = curvature * _resistance(fit, comparisons)
    if is_worth_compiling(len(clusters.pair)):
        first, second = comparisons.first, comparisons.second
        marked, room = np.empty(len(clusters.pair), dtype=bool), np.full(len(fit.models), -1, dtype=np.int64)
        mark_heavy(
            clusters.cluster, clusters.pair, clusters.weight, of_a_vote, first, second, _LIGHT, room, marked
        )
        heavy = np.flatnonzero(marked)
    else:
        heavy = _heavy_cells(comparisons, clusters, of_a_vote)
    return replace(
        clusters,
        cluster=clusters.cluster[heavy],
        pair=clusters.pair[heavy],
        weight=clusters.weight[heavy],
        score=clusters.score[heavy],
    )


def _heavy_cells(comparisons: Comparisons, clusters: ClusterCells, of_a_vote: FloatArray) -> IntArray:
    leverage = np.bincount(clusters.cluster, clusters.weight * of_a_vote[clusters.pair])
    cells = np.flatnonzero((leverage > _LIGHT)[clusters.cluster])
    cluster, pair = clusters.cluster[cells], clusters.pair[cells]
    size = len(comparisons.models)
    ends = np.concatenate([comparisons.first[pair], comparisons.second[pair]])
    # Sorting is several times faster here than hashing, as np.unique does.
    on = np.sort(np.tile(cluster, 2) * size + ends)
    models = np.bincount(on[begins(on)] // size, minlength=len(leverage))
    return cells[(leverage > _LIGHT * (models - 1))[cluster]]


def _resistance(fit: BradleyTerryFit, comparisons: Comparisons) -> FloatArray:
    """Compute x' H+ x of each pair, shape (n_pairs,)."""
    inverse, first, second = fit.inverse_hessian, comparisons.first, comparisons.second
    own = np.diag(inverse)
    resistance: FloatArray = own[first] + own[second] - 2 * inverse[first, second]
    return resistance


def _left_out(
    fit: BradleyTerryFit,
    comparisons: Comparisons,
    heavy: ClusterCells,
    surplus: FloatArray,
    curvature: FloatArray,
) -> FloatArray:
    """The score of each cell once its cluster is left out, shape (n_cells,).

    With X the cells of a cluster u, g_u = X's and H_u = X'WX, so that (I - H_u H+)^-1 g_u = X'(I - W X H+ X')^-1 s:
    a system as large as the cluster has cells, solved for all clusters of one size together; one as large as it has
    models where those are fewer.
    """
    alone = surplus.copy()
    starts = np.flatnonzero(begins(heavy.cluster))
    counts = np.diff(starts, append=len(surplus))
    weight = heavy.weight * curvature[heavy.pair]
    first, second = comparisons.first[heavy.pair], comparisons.second[heavy.pair]
    with single_threaded_blas():
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
            if count > _MANY_CELLS:
                cells = slice(start, start + count)
                alone[cells] = _solved_by_models(
                    fit.inverse_hessian, first[cells], second[cells], weight[cells], surplus[cells]
                )
        for count in np.unique(counts[counts <= _MANY_CELLS]).tolist():
            together = max(1, _ENTRIES // count**2)
            chosen = starts[counts == count]
            for part in np.split(chosen, range(together, len(chosen), together)):
                rows = part[:, np.newaxis] + np.arange(count)
                between = _between(fit.inverse_hessian, first[rows], second[rows])
                alone[rows] = _solved(weight[rows][:, :, np.newaxis] * between, surplus[rows])
    return alone


def _between(inverse: FloatArray, first: IntArray, second: IntArray) -> FloatArray:
    """X H+ X' of each cluster, shape (n_clusters, n_cells, n_cells)."""

    def at(row: IntArray, column: IntArray) -> FloatArray:
        entries: FloatArray = inverse[row[:, :, np.newaxis], column[:, np.newaxis, :]]
        return entries

    return at(first, first) + at(second, second) - (at(first, second) + at(second, first))


def _solved_by_models(
    inverse: FloatArray, first: IntArray, second: IntArray, weight: FloatArray, surplus: FloatArray
) -> FloatArray:
    """The same for one cluster, by way of its models: s + W X H+ (I - H_u H+)^-1 X's."""
    models, ends = np.unique(np.stack([first, second]), return_inverse=True)
    size, (one, other) = len(models), ends
    across = group_sums(one * size + other, weight, size**2).reshape(size, size)
    across += across.T
    reach = inverse[np.ix_(models, models)]
    share = (np.diag(across.sum(axis=1)) - across) @ reach
    score = group_sums(one, surplus, size) - group_sums(other, surplus, size)
    moved = reach @ _solved(share[np.newaxis], score[np.newaxis])[0]
    indispensable = np.array_equal(moved, reach @ score)
    return surplus if indispensable else surplus + weight * (moved[one] - moved[other])


def _solved(share: FloatArray, surplus: FloatArray) -> FloatArray:
    """Solve (I - share) x = surplus, but for clusters without which the board would fall apart."""
    rest = np.eye(share.shape[1]) - share
    # The trace bounds the largest eigenvalue. Those of the rest lie between 0 and 1, so that the determinant is no
    # larger than the least. Few clusters are left whose eigenvalues are needed.
    doubtful = np.flatnonzero(np.trace(share, axis1=1, axis2=2) >= _INDISPENSABLE)
    doubtful = doubtful[np.linalg.det(rest[doubtful]) <= 1 - _INDISPENSABLE]
    largest = np.linalg.eigvals(share[doubtful]).real.max(axis=1) if len(doubtful) else np.zeros(0)
    solvable = np.ones(len(share), dtype=bool)
    solvable[doubtful[largest >= _INDISPENSABLE]] = False
    alone = surplus.copy()
    alone[solvable] = np.linalg.solve(rest[solvable], surplus[solvable][:, :, np.newaxis])[:, :, 0]
    return alone
