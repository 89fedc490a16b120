"""Clustered covariance for boards on which few voters cast many of the votes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from ratings.arrays import FloatArray, IntArray, group_sums
from ratings.bradley_terry import BradleyTerryFit, win_probabilities
from ratings.comparisons import ClusterCells, Comparisons
from ratings.intervals import sandwich
from ratings.linear_algebra import sandwich_product, single_threaded_blas

_LIGHT = 0.005
"""Mean leverage, over the directions it voted on, up to which leaving a cluster out is taken to change nothing."""

_ENOUGH_CLUSTERS = 6
_INDISPENSABLE = 1 - 1e-9


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
    change = np.zeros_like(covariance)
    with single_threaded_blas():
        for heavy in _heavy_clusters(fit, comparisons, clusters):
            together = np.ix_(heavy.models, heavy.models)
            alone = _left_out(heavy, fit.inverse_hessian[together])
            change[together] += np.outer(alone, alone) - np.outer(heavy.score, heavy.score)
    if not change.any():
        return covariance
    factor = clusters.size / (clusters.size - 1)
    return covariance + factor * sandwich_product(fit.inverse_hessian, change)


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


@dataclass(frozen=True, kw_only=True, eq=False)
class _HeavyCluster:
    """The gradient and the Hessian of one cluster's votes, on the models among them."""

    models: IntArray
    score: FloatArray
    hessian: FloatArray


def _heavy_clusters(
    fit: BradleyTerryFit, comparisons: Comparisons, clusters: ClusterCells
) -> Iterator[_HeavyCluster]:
    expected = win_probabilities(fit.strengths, comparisons)
    curvature = clusters.weight * (expected * (1 - expected))[clusters.pair]
    leverage = np.bincount(clusters.cluster, curvature * _resistance(fit, comparisons)[clusters.pair])
    cells = np.flatnonzero(leverage[clusters.cluster] > _LIGHT)
    cells = cells[np.argsort(clusters.cluster[cells], kind="stable")]
    for cell in np.split(cells, np.flatnonzero(np.diff(clusters.cluster[cells])) + 1) if len(cells) else ():
        pair = clusters.pair[cell]
        surplus = clusters.score[cell] - clusters.weight[cell] * expected[pair]
        ends = np.stack([comparisons.first[pair], comparisons.second[pair]])
        models, (first, second) = np.unique(ends, return_inverse=True)
        size = len(models)
        if leverage[clusters.cluster[cell[0]]] <= _LIGHT * (size - 1):
            continue
        score = group_sums(first, surplus, size) - group_sums(second, surplus, size)
        across = group_sums(first * size + second, curvature[cell], size**2).reshape(size, size)
        across += across.T
        yield _HeavyCluster(models=models, score=score, hessian=np.diag(across.sum(axis=1)) - across)


def _resistance(fit: BradleyTerryFit, comparisons: Comparisons) -> FloatArray:
    """Compute x' H+ x of each pair, shape (n_pairs,)."""
    inverse, first, second = fit.inverse_hessian, comparisons.first, comparisons.second
    own = np.diag(inverse)
    resistance: FloatArray = own[first] + own[second] - 2 * inverse[first, second]
    return resistance


def _left_out(heavy: _HeavyCluster, inverse: FloatArray) -> FloatArray:
    """Solve (I - H_u H+) x = g_u; outside the cluster's models, x is zero."""
    share = heavy.hessian @ inverse
    # The trace bounds the largest eigenvalue, so that few clusters need theirs.
    if np.trace(share) >= _INDISPENSABLE and np.linalg.eigvals(share).real.max() >= _INDISPENSABLE:
        return heavy.score
    return np.linalg.solve(np.eye(len(share)) - share, heavy.score).astype(np.float64, copy=False)
