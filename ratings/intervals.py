"""How sure the ratings are: the sandwich covariance and intervals from it."""

from statistics import NormalDist

import numpy as np
from scipy import sparse

from ratings.arrays import FloatArray
from ratings.bradley_terry import BradleyTerryFit, win_probabilities
from ratings.comparisons import OUTCOMES, Comparisons
from ratings.errors import InvalidOptionError
from ratings.linear_algebra import sandwich_product
from ratings.scale import RATING_PER_STRENGTH, rating_from_strength


def sandwich(fit: BradleyTerryFit, comparisons: Comparisons, *, cluster: str | None = None) -> FloatArray:
    """Compute the robust covariance of the strengths, V = H+ B H+.

    H+ is the inverse Hessian on mean-zero vectors. B adds up squared scores: of single votes,
    B = sum of w ** 2 (y - p) ** 2 x x', or of whole clusters, B = G / (G - 1) * sum of g g' with g the sum of
    w (y - p) x over one cluster's votes and G the number of clusters.

    Parameters
    ----------
    fit : BradleyTerryFit
    comparisons : Comparisons
        The votes that were fitted.
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
    fit: BradleyTerryFit, covariance: FloatArray, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Compute a normal interval for each rating.

    Parameters
    ----------
    fit : BradleyTerryFit
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
    if not 0 < confidence < 1:
        raise InvalidOptionError(f"confidence is {confidence!r}: it lies between 0 and 1, such as 0.95.")
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    half_width = RATING_PER_STRENGTH * quantile * np.sqrt(np.maximum(np.diag(covariance), 0))
    rating = rating_from_strength(fit.strengths)
    return rating - half_width, rating + half_width


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
    surplus = cells.score - cells.weight * expected[cells.pair]
    models = np.concatenate([comparisons.first[cells.pair], comparisons.second[cells.pair]])
    entries = (np.concatenate([surplus, -surplus]), (np.tile(cells.cluster, 2), models))
    scores = sparse.csr_array(entries, shape=(int(cells.cluster.max()) + 1, len(comparisons.models)))
    meat: FloatArray = (scores.T @ scores).toarray()
    return cells.size / (cells.size - 1) * meat
