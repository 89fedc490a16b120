"""Rank sets: which models are better than which, all claims true together."""

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from ratings.arrays import BoolArray, FloatArray, IntArray, ModelId
from ratings.confidence import check_simulated
from ratings.errors import InvalidOptionError
from ratings.linear_algebra import fill_constant_direction, single_threaded_blas

_Draws = npt.NDArray[np.float32]

_SEED = 20_240_313
_ROOM = 1 << 17
"""Differences that are computed together: they fit a processor's cache."""
_DRAWS = 4000
_ROWS = 64
_WELL_CONDITIONED = 1e10
_NEGLIGIBLE = 1e-12
"""A variance below this share of the largest one is rounding error of zero."""


class Rated(Protocol):
    """Any fit that names its models and gives their strengths."""

    @property
    def models(self) -> tuple[ModelId, ...]: ...
    @property
    def strengths(self) -> FloatArray: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class RankSets:
    """The ranks each model may hold, given which models are strictly better than which.

    Attributes
    ----------
    models : tuple
        In the order of the fit, length n_models.
    rank_lower, rank_upper : int64, shape (n_models,)
        The best rank (1 plus the number of strictly better models) and the worst (n_models less the number of
        models it is strictly better than).
    strictly_better : bool, shape (n_models, n_models)
        Entry (i, j): model i is strictly better than model j.
    alpha : float
        The probability with which any entry at all may be wrong.
    """

    models: tuple[ModelId, ...]
    rank_lower: IntArray
    rank_upper: IntArray
    strictly_better: BoolArray
    alpha: float


def rank_sets(
    fit: Rated,
    covariance: FloatArray,
    *,
    alpha: float = 0.05,
    draws: int | None = None,
    rng: np.random.Generator | None = None,
) -> RankSets:
    """Find the pairs of models whose order is certain, by step-down max-t on all differences.

    Parameters
    ----------
    fit : BradleyTerryFit or any other with ``models`` and ``strengths``
    covariance : float64, shape (n_models, n_models)
        Of the strengths, as from `sandwich`; clustered by voter where voters are known.
    alpha : float, default 0.05
        Probability with which any claim at all may be wrong, between 0 and 0.5.
    draws : int, optional
        Normal vectors drawn to find the critical value; by default 4000, or 4 / alpha if that is more, for an
        alpha of 0.0001 or more. At least 1 / alpha.
    rng : Generator, optional
        By default one with a fixed seed, so that the same votes give the same ranks.

    Returns
    -------
    RankSets

    Raises
    ------
    InvalidOptionError
        If an option is out of its range, or the covariance has the wrong shape.

    Notes
    -----
    A pair is decided when ``abs(s_i - s_j) / sqrt(var(s_i - s_j))`` exceeds the (1 - alpha) quantile of its largest
    value over all pairs, simulated as if all models were equal: Z ~ N(0, covariance). Decided pairs
    are then left out of the largest value and the rest is tested again, until nothing changes [RW05]. All
    claims hold together with probability 1 - alpha, for one look at one set of votes; for a board that is
    refreshed all day, use `anytime_rank_sets`.

    Before anything is simulated, the same steps run with Sidak's bound on the quantile [Sidak67], which is never too
    small. They decide no pair that the simulation would not, and leave it fewer pairs.

    A model of zero or infinite variance (a single tie, a missing vote) takes part in no claim and may hold any rank
    that the others leave it.

    References
    ----------
    [RW05] Romano, Wolf. Exact and Approximate Stepdown Methods for Multiple Hypothesis Testing. 2005.
           doi:10.1198/016214504000000539
    [Sidak67] Sidak. Rectangular Confidence Regions for the Means of Multivariate Normal Distributions. 1967.
              doi:10.1080/01621459.1967.10482935

    Examples
    --------
    >>> import pandas as pd
    >>> from ratings import Comparisons, fit_bradley_terry, sandwich
    >>> battles = pd.DataFrame(
    ...     {
    ...         "model_a": ["x", "x", "y", "y", "x", "x"],
    ...         "model_b": ["y", "y", "z", "z", "z", "z"],
    ...         "winner": ["model_a", "model_b"] * 3,
    ...         "count": [55, 45, 90, 10, 90, 10],
    ...     }
    ... )
    >>> comparisons = Comparisons.from_battles(battles)
    >>> fit = fit_bradley_terry(comparisons)
    >>> ranks = rank_sets(fit, sandwich(fit, comparisons))
    >>> list(zip(ranks.models, ranks.rank_lower.tolist(), ranks.rank_upper.tolist()))
    [('x', 1, 2), ('y', 1, 2), ('z', 3, 3)]
    """
    if not 0 < alpha < 0.5:
        raise InvalidOptionError(f"alpha is {alpha!r}: it is an error rate between 0 and 0.5, such as 0.05.")
    if draws is None:
        check_simulated(1 - alpha, "rank sets", "set draws")
        draws = max(_DRAWS, int(np.ceil(4 / alpha)))
    if draws * alpha < 1:
        raise InvalidOptionError(
            f"{draws} draws do not reach the {1 - alpha:.4g} quantile: set draws to {int(np.ceil(1 / alpha))} or more."
        )
    errors = difference_errors(covariance, len(fit.strengths))
    known = np.isfinite(errors)
    distance = np.abs(fit.strengths[:, np.newaxis] - fit.strengths) / errors
    undecided = _undecided_by_bound(distance, known, alpha)
    if undecided.any():
        normal = _normal_draws(covariance, np.flatnonzero(known.any(axis=1)), draws, rng)
        undecided = _undecided_by_draws(distance, errors, undecided, normal, alpha)
    return ranks_from_claims(fit, known & ~(undecided | undecided.T), alpha)


def never_narrower(
    clustered: FloatArray, independent: FloatArray, *, models: int | None = None
) -> FloatArray:
    """Add to a clustered covariance what each model lacks of the variance that independent votes would have.

    Parameters
    ----------
    clustered, independent : float64, shape (n, n)
        Covariances of the same parameters, as from `sandwich` with and without ``cluster``.
    models : int, optional
        How many of the parameters, the first ones, are strengths, which sum to zero: saves time.

    Returns
    -------
    float64, shape (n, n)
        ``clustered`` and a diagonal of numbers that are 0 or more.

    Notes
    -----
    Between one voter, no variance shows: a model whose votes all came from one would look certain beside its opponents.
    So each model is looked at given all others, by the contrast c_m = P e_m / P_mm with P the inverse of the
    independent covariance, which has the variance 1 / P_mm for independent votes. Where c_m has less under the
    clustered covariance, or the model itself has, it gets the rest as a variance of its own.
    """
    with single_threaded_blas():
        precision = _precision(independent, models)
        own = np.diag(precision)
        seen = own > 0
        contrasts = precision[:, seen] / own[seen]
        shortfall = 1 / own[seen] - np.einsum("im,ij,jm->m", contrasts, clustered, contrasts, optimize=True)
    lacking = np.maximum(np.diag(independent) - np.diag(clustered), 0)
    lacking[seen] = np.maximum(lacking[seen], shortfall)
    widened: FloatArray = clustered + np.diag(lacking)
    return widened


def _precision(covariance: FloatArray, models: int | None) -> FloatArray:
    """Invert a covariance, on vectors whose first ``models`` entries sum to zero where that is known."""
    if models:
        filled = covariance.copy()
        filled[:models, :models] = fill_constant_direction(covariance[:models, :models])
        factor, failed = linalg.lapack.dpotrf(filled, lower=True, clean=False)
        inverse, _ = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
        # The traces bound the largest eigenvalue and the inverse of the smallest: none is near zero.
        if not failed and float(np.trace(inverse)) * float(np.trace(filled)) < _WELL_CONDITIONED:
            lower = np.tril(inverse)
            precision = np.asarray(lower + np.tril(lower, -1).T, dtype=np.float64)
            precision[:models, :models] -= 1 / float(np.trace(covariance[:models, :models]))
            return precision
    return np.asarray(linalg.pinvh(covariance), dtype=np.float64)


def difference_errors(covariance: FloatArray, models: int) -> FloatArray:
    """Compute the standard error of every difference, infinite where nothing is known.

    Parameters
    ----------
    covariance : float64, shape (n_models, n_models)
        Of the strengths; a model of zero, infinite or missing variance is unknown.
    models : int
        n_models, which the shape must match.

    Returns
    -------
    float64, shape (n_models, n_models)

    Raises
    ------
    InvalidOptionError
        If the shape is another.
    """
    if covariance.shape != (models, models):
        raise InvalidOptionError(
            f"The covariance has shape {covariance.shape}, but the fit rates {models} models: pass its own."
        )
    variance = np.diag(covariance)
    known = np.isfinite(variance)
    least = _NEGLIGIBLE * float(variance[known].max(initial=0.0))
    known &= variance > least
    together = np.ix_(known, known)
    squares = variance[known][:, np.newaxis] + variance[known] - 2 * covariance[together]
    errors = np.full(covariance.shape, np.inf)
    errors[together] = np.where(squares > least, np.sqrt(np.maximum(squares, 0)), np.inf)
    return errors


def ranks_from_claims(fit: Rated, decided: BoolArray, alpha: float) -> RankSets:
    """Turn the pairs whose order is certain into rank sets.

    Parameters
    ----------
    fit : BradleyTerryFit or any other with ``models`` and ``strengths``
    decided : bool, shape (n_models, n_models)
        Symmetric.
    alpha : float
        The error rate at which they were decided.

    Returns
    -------
    RankSets
    """
    better = decided & (fit.strengths[:, np.newaxis] > fit.strengths)
    return RankSets(
        models=fit.models,
        rank_lower=1 + better.sum(axis=0),
        rank_upper=len(fit.models) - better.sum(axis=1),
        strictly_better=better,
        alpha=alpha,
    )


def _undecided_by_bound(distance: FloatArray, known: BoolArray, alpha: float) -> BoolArray:
    undecided = np.triu(known, 1)
    while pairs := int(undecided.sum()):
        critical = -special.ndtri(-np.expm1(np.log1p(-alpha) / pairs) / 2)
        if not (decided := undecided & (distance > critical)).any():
            break
        undecided &= ~decided
    return undecided


def _undecided_by_draws(
    distance: FloatArray, errors: FloatArray, undecided: BoolArray, normal: _Draws, alpha: float
) -> BoolArray:
    place = int(np.ceil((1 - alpha) * (normal.shape[1] + 1))) - 1
    while undecided.any():
        largest = np.sort(_largest_differences(normal, errors, undecided))
        critical = largest[min(place, len(largest) - 1)]
        if not (decided := undecided & (distance > critical)).any():
            break
        undecided = undecided & ~decided
    return undecided


def _largest_differences(normal: _Draws, errors: FloatArray, pairs: BoolArray) -> _Draws:
    """Compute the largest standardised difference over the pairs, for each draw."""
    one, other = np.nonzero(pairs)
    precision = (1 / errors[one, other]).astype(np.float32)[:, np.newaxis]
    largest = np.zeros(normal.shape[1], dtype=np.float32)
    together = max(_ROOM // normal.shape[1], 1)
    for start in range(0, len(one), together):
        block = slice(start, start + together)
        difference = normal[one[block]]
        difference -= normal[other[block]]
        np.abs(difference, out=difference)
        difference *= precision[block]
        np.maximum(largest, difference.max(axis=0), out=largest)
    return largest


def _normal_draws(
    covariance: FloatArray, known: IntArray, draws: int, rng: np.random.Generator | None
) -> _Draws:
    """Draw vectors with this covariance, zero at unknown models; shape (n_models, draws)."""
    together = np.ix_(known, known)
    if rng is None:
        standard = _fixed_draws(-(-len(known) // _ROWS) * _ROWS, draws)[: len(known)]
    else:
        standard = rng.standard_normal((len(known), draws), dtype=np.float32)
    normal = np.zeros((len(covariance), draws), dtype=np.float32)
    with single_threaded_blas():
        variances, directions = linalg.eigh(covariance[together])
        # The symmetric root is unique, whereas the signs and turns of eigenvectors hang on the last bits.
        root = ((directions * np.sqrt(np.maximum(variances, 0))) @ directions.T).astype(np.float32)
        normal[known] = root @ standard
    return normal


@functools.lru_cache(maxsize=4)
def _fixed_draws(rows: int, draws: int) -> _Draws:
    """Draw from the fixed seed, row by row, so that fewer rows are the first of more; kept for the next board."""
    standard = np.random.default_rng(_SEED).standard_normal((rows, draws), dtype=np.float32)
    standard.flags.writeable = False
    return standard
