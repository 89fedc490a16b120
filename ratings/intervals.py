"""How sure the ratings are: the sandwich covariance and intervals from it."""

from typing import Protocol

import numpy as np

from ratings.arrays import FloatArray, ModelId
from ratings.bradley_terry import win_probabilities
from ratings.cluster_scores import sum_outer_products
from ratings.comparisons import OUTCOMES, Comparisons
from ratings.confidence import two_sided_quantile
from ratings.errors import InvalidOptionError
from ratings.linear_algebra import sandwich_product
from ratings.scale import RATING_PER_STRENGTH, rating_from_strength


class Strengths(Protocol):
    """Any fit: it has strengths of models."""

    @property
    def models(self) -> tuple[ModelId, ...]:
        """Names, length n_models."""
        ...

    @property
    def strengths(self) -> FloatArray:
        """Natural log-odds, shape (n_models,)."""
        ...


class InvertedFit(Strengths, Protocol):
    """A fit that keeps the inverse of its Hessian on mean-zero vectors."""

    @property
    def inverse_hessian(self) -> FloatArray:
        """Shape (n_models, n_models)."""
        ...


def sandwich(fit: InvertedFit, comparisons: Comparisons, *, cluster: str | None = None) -> FloatArray:
    """Compute the robust covariance of the strengths, V = H+ B H+.

    H+ is the inverse Hessian on mean-zero vectors. B adds up squared scores: of single votes,
    B = sum of w ** 2 (y - p) ** 2 x x', or of whole clusters, B = G / (G - 1) * sum of g g' with g the sum of
    w (y - p) x over one cluster's votes and G the number of clusters.

    Parameters
    ----------
    fit : BradleyTerryFit
        Or any other fit of the same expected outcomes, with its models, strengths and inverse Hessian.
    comparisons : Comparisons
        The votes that were fitted, with their weights.
    cluster : str, optional
        The column given to ``Comparisons.from_battles(..., cluster=...)``: votes of one cluster may depend on
        each other. None: all votes are independent.

    Returns
    -------
    float64, shape (n_models, n_models)
        Covariance of ``fit.strengths`` (natural log-odds squared), in the mean-zero gauge: rows sum to zero.

    Raises
    ------
    InvalidOptionError
        If ``comparisons`` has other models than ``fit``, does not keep the clusters apart, or holds the votes
        of fewer than two clusters, between which no variance can be seen.

    Notes
    -----
    The factor G / (G - 1) is the only small-sample correction. A model whose votes all come from one cluster
    gets too small a variance: `leaderboard` therefore never goes below the independent one.

    References
    ----------
    [White82] White. Maximum Likelihood Estimation of Misspecified Models. 1982. doi:10.2307/1912526
    [LZ86] Liang, Zeger. Longitudinal Data Analysis Using Generalized Linear Models. 1986.
           doi:10.1093/biomet/73.1.13
    """
    if fit.models != comparisons.models:
        raise InvalidOptionError("The fit and the comparisons name different models: pass what was fitted.")
    expected = win_probabilities(fit.strengths, comparisons)
    if cluster is None:
        meat = _independent_meat(comparisons, expected)
    else:
        meat = _clustered_meat(comparisons, expected, cluster)
    return sandwich_product(fit.inverse_hessian, meat)


def rating_intervals(
    fit: Strengths, covariance: FloatArray, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Compute a normal interval for each rating.

    Parameters
    ----------
    fit : BradleyTerryFit
        Or any other fit with strengths.
    covariance : float64, shape (n_models, n_models)
        Of the strengths, as from `sandwich`.
    confidence : float, default 0.95
        Coverage of each single interval, between 0 and 1.

    Returns
    -------
    lower, upper : float64, shape (n_models,)
        Rating points.

    Raises
    ------
    InvalidOptionError
        If ``confidence`` is not between 0 and 1.
    """
    half_width = _points(np.diag(covariance), confidence)
    rating = rating_from_strength(fit.strengths)
    return rating - half_width, rating + half_width


def difference_variance(covariance: FloatArray) -> FloatArray:
    """Compute the variance of each difference of two strengths.

    Parameters
    ----------
    covariance : float64, shape (n_models, n_models)
        Of the strengths, as from `sandwich`.

    Returns
    -------
    float64, shape (n_models, n_models)
        Natural log-odds squared; symmetric, 0 or more, with a diagonal of 0.

    Examples
    --------
    >>> difference_variance(np.array([[0.2, -0.2], [-0.2, 0.2]])).tolist()
    [[0.0, 0.8], [0.8, 0.0]]
    """
    own = np.diag(covariance)
    # Symmetric to the last bit: the sum of the two covariances does not depend on their order.
    variance = own[:, np.newaxis] + own - (covariance + covariance.T)
    np.fill_diagonal(variance, 0)
    return np.maximum(variance, 0)


def difference_intervals(
    fit: Strengths, covariance: FloatArray, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Compute a normal interval for each difference of two ratings.

    Parameters
    ----------
    fit : BradleyTerryFit
        Or any other fit with strengths.
    covariance : float64, shape (n_models, n_models)
        Of the strengths, as from `sandwich`.
    confidence : float, default 0.95
        Coverage of each single interval, between 0 and 1.

    Returns
    -------
    lower, upper : float64, shape (n_models, n_models)
        Rating points by which the model of the row is ahead of the model of the column.

    Raises
    ------
    InvalidOptionError
        If ``confidence`` is not between 0 and 1.

    Notes
    -----
    These intervals do not depend on what a fit holds fixed, nor on an anchor. Where the votes show no
    variance at all, such as a single tie, the width is zero and means nothing.
    """
    half_width = _points(difference_variance(covariance), confidence)
    rating = rating_from_strength(fit.strengths)
    difference = rating[:, np.newaxis] - rating
    return difference - half_width, difference + half_width


def _points(variance: FloatArray, confidence: float) -> FloatArray:
    """Return half the width of intervals, in rating points."""
    half_width: FloatArray = (
        RATING_PER_STRENGTH * two_sided_quantile(confidence) * np.sqrt(np.maximum(variance, 0))
    )
    return half_width


def _independent_meat(comparisons: Comparisons, expected: FloatArray) -> FloatArray:
    surprise = np.square(OUTCOMES - expected[:, np.newaxis])
    return comparisons.laplacian((comparisons.squared_weights * surprise).sum(axis=1))


def _clustered_meat(comparisons: Comparisons, expected: FloatArray, cluster: str) -> FloatArray:
    cells = comparisons.clusters
    if cells is None or cells.column != cluster:
        raise InvalidOptionError(
            f"These comparisons do not keep {cluster!r} apart: "
            f"build them with Comparisons.from_battles(battles, cluster={cluster!r})."
        )
    if cells.size < 2:
        raise InvalidOptionError(
            f"All votes come from {cells.size} {cluster}: clustered intervals need two or more. "
            "Pass cluster=None to treat votes as independent."
        )
    size = len(comparisons.models)
    meat = np.zeros((size, size))
    for some in cells.pieces():
        surplus = some.surplus(expected)
        meat += sum_outer_products(
            some.cluster, some.pair, surplus, comparisons.first, comparisons.second, size
        )
    return cells.size / (cells.size - 1) * meat
