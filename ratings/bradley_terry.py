"""The Bradley-Terry model: loss, gradient, Hessian and fit."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from ratings.arrays import FloatArray
from ratings.comparisons import Comparisons
from ratings.errors import (
    DisconnectedComparisonsError,
    EmptyComparisonsError,
    InvalidOptionError,
    NotConvergedError,
    SeparableComparisonsError,
)
from ratings.linear_algebra import fill_constant_direction, mean_zero_inverse, single_threaded_blas


@dataclass(frozen=True, kw_only=True, eq=False)
class BradleyTerryFit:
    """The result of a fit.

    Attributes
    ----------
    models : tuple of str
        Sorted names, length n_models.
    strengths : float64, shape (n_models,)
        Natural log-odds, mean zero.
    inverse_hessian : float64, shape (n_models, n_models)
        Inverse of the Hessian at the maximum, on mean-zero vectors.
    ridge : float
        The penalty that was used.
    iterations : int
        Newton steps taken.
    gradient_norm : float
        Largest absolute entry of the gradient at ``strengths``, in votes.
    loss : float
        Penalised negative log-likelihood at ``strengths``.
    """

    models: tuple[str, ...]
    strengths: FloatArray
    inverse_hessian: FloatArray
    ridge: float
    iterations: int
    gradient_norm: float
    loss: float


def loss(strengths: FloatArray, comparisons: Comparisons, *, ridge: float = 0.0) -> float:
    """Compute the penalised negative log-likelihood.

    Sum over pairs of total * log(1 + exp(d)) - score * d with d = s[first] - s[second], plus
    ridge * sum(s ** 2) / 2.

    Parameters
    ----------
    strengths : float64, shape (n_models,)
        Natural log-odds.
    comparisons : Comparisons
    ridge : float, default 0.0
        Weight of the penalty, in votes (it acts on the sum over votes, not on their mean).

    Returns
    -------
    float
    """
    difference = _differences(strengths, comparisons)
    fit = comparisons.total * np.logaddexp(0, difference) - comparisons.score * difference
    return float(fit.sum() + ridge / 2 * np.square(strengths).sum())


def gradient(strengths: FloatArray, comparisons: Comparisons, *, ridge: float = 0.0) -> FloatArray:
    """Compute the gradient of `loss`: expected minus observed wins of each model, plus the penalty's pull.

    Parameters
    ----------
    strengths : float64, shape (n_models,)
        Natural log-odds.
    comparisons : Comparisons
    ridge : float, default 0.0
        Weight of the penalty, in votes.

    Returns
    -------
    float64, shape (n_models,)
        In votes.
    """
    difference = _differences(strengths, comparisons)
    won, lost = comparisons.score, comparisons.total - comparisons.score
    # Equals total * p - won, but keeps its precision when one side wins nearly always.
    surplus = lost * special.expit(difference) - won * special.expit(-difference)
    return comparisons.net_by_model(surplus) + ridge * strengths


def hessian(strengths: FloatArray, comparisons: Comparisons, *, ridge: float = 0.0) -> FloatArray:
    """Compute the Hessian of `loss`: a Laplacian with pair weights total * p * (1 - p), plus the penalty's.

    Parameters
    ----------
    strengths : float64, shape (n_models,)
        Natural log-odds.
    comparisons : Comparisons
    ridge : float, default 0.0
        Weight of the penalty, in votes.

    Returns
    -------
    float64, shape (n_models, n_models)
    """
    difference = _differences(strengths, comparisons)
    curvature = comparisons.total * special.expit(difference) * special.expit(-difference)
    return comparisons.laplacian(curvature) + ridge * np.eye(len(strengths))


def win_probabilities(strengths: FloatArray, comparisons: Comparisons) -> FloatArray:
    """Compute the expected outcome of each pair from the side of its first model, shape (n_pairs,)."""
    return special.expit(_differences(strengths, comparisons))


def fit_bradley_terry(
    comparisons: Comparisons, *, ridge: float = 0.0, tolerance: float = 1e-10, max_iterations: int = 50
) -> BradleyTerryFit:
    """Estimate model strengths by maximum likelihood.

    Minimises `loss`; ties and both_bad count half a win for each side.

    Parameters
    ----------
    comparisons : Comparisons
    ridge : float, default 0.0
        Weight of the penalty sum(s ** 2) / 2, in votes. Above 0 a finite maximum always exists.
    tolerance : float, default 1e-10
        Newton stops after a step that moves no strength by more than this (natural log-odds).
    max_iterations : int, default 50
        Newton steps allowed.

    Returns
    -------
    BradleyTerryFit

    Raises
    ------
    EmptyComparisonsError
        With fewer than two models.
    DisconnectedComparisonsError
        If some models never meet and ``ridge`` is 0.
    SeparableComparisonsError
        If some models never lose to the others, or never win, and ``ridge`` is 0 [Ford57].
    NotConvergedError
        If the last of ``max_iterations`` steps is longer than ``tolerance``.
    InvalidOptionError
        If ``ridge`` is negative or not finite.

    Notes
    -----
    Strengths are identified up to a constant; their mean is held at zero. Each Newton step is shortened to
    log(1 + r) / r of its length, where r is its largest move of a pair's difference; this converges from any
    start, in the end quadratically [STD19]. The limit does not look at the mean loss, so a model with
    few votes among millions is fitted as exactly as the others. A step costs O(n_pairs + n_models ** 3).

    References
    ----------
    [BT52] Bradley, Terry. Rank Analysis of Incomplete Block Designs. 1952. doi:10.2307/2334029
    [Ford57] Ford. Solution of a Ranking Problem from Binary Comparisons. 1957. doi:10.2307/2308513
    [STD19] Sun, Tran-Dinh. Generalized Self-Concordant Functions. 2019. doi:10.1007/s10107-018-1282-4

    Examples
    --------
    >>> import pandas as pd
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "y", "z"], "model_b": ["y", "z", "x"], "winner": ["model_a"] * 3, "count": [2, 2, 1]}
    ... )
    >>> fit = fit_bradley_terry(Comparisons.from_battles(battles))
    >>> fit.strengths.round(4).tolist()
    [0.528, 0.0, -0.528]
    """
    if not (np.isfinite(ridge) and ridge >= 0):
        raise InvalidOptionError(f"ridge is {ridge!r}: it is a finite number of votes, 0 or more.")
    _require_finite_maximum(comparisons, ridge)
    try:
        with single_threaded_blas():
            strengths, iterations = _minimise(comparisons, ridge, tolerance, max_iterations)
            inverse = mean_zero_inverse(hessian(strengths, comparisons, ridge=ridge))
    except linalg.LinAlgError as error:
        raise NotConvergedError(iterations=0, last_step=np.inf, tolerance=tolerance) from error
    return BradleyTerryFit(
        models=comparisons.models,
        strengths=strengths,
        inverse_hessian=inverse,
        ridge=ridge,
        iterations=iterations,
        gradient_norm=float(np.abs(gradient(strengths, comparisons, ridge=ridge)).max()),
        loss=loss(strengths, comparisons, ridge=ridge),
    )


def _minimise(
    comparisons: Comparisons, ridge: float, tolerance: float, max_iterations: int
) -> tuple[FloatArray, int]:
    strengths = np.zeros(len(comparisons.models))
    longest = np.inf
    for iteration in range(1, max_iterations + 1):
        step = _newton_step(strengths, comparisons, ridge)
        reach = float(np.abs(_differences(step, comparisons)).max(initial=0.0))
        strengths = strengths + step * (np.log1p(reach) / reach if reach > 0 else 1.0)
        longest = float(np.abs(step).max())
        if longest <= tolerance:
            return strengths - strengths.mean(), iteration
    raise NotConvergedError(iterations=max_iterations, last_step=longest, tolerance=tolerance)


def _newton_step(strengths: FloatArray, comparisons: Comparisons, ridge: float) -> FloatArray:
    matrix = fill_constant_direction(hessian(strengths, comparisons, ridge=ridge))
    factor = linalg.cho_factor(matrix, check_finite=False)
    return linalg.cho_solve(factor, -gradient(strengths, comparisons, ridge=ridge), check_finite=False)


def _require_finite_maximum(comparisons: Comparisons, ridge: float) -> None:
    if len(comparisons.models) < 2:
        raise EmptyComparisonsError(comparisons.models)
    if ridge > 0:
        return
    components = comparisons.components()
    if len(components) > 1:
        raise DisconnectedComparisonsError(components)
    if len(comparisons.strongly_connected()) > 1:
        raise SeparableComparisonsError(
            never_lose=comparisons.never_losing(), never_win=comparisons.never_winning()
        )


def _differences(strengths: FloatArray, comparisons: Comparisons) -> FloatArray:
    return strengths[comparisons.first] - strengths[comparisons.second]
