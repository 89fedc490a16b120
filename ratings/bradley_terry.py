"""The Bradley-Terry model: loss, gradient, Hessian and fit."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, special

from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.comparisons import Comparisons
from ratings.counted import require_counted
from ratings.errors import (
    DisconnectedComparisonsError,
    EmptyComparisonsError,
    InvalidComparisonsError,
    InvalidOptionError,
    NotConvergedError,
    SeparableComparisonsError,
)
from ratings.linear_algebra import mean_zero_inverse, single_threaded_blas

MOST_MODELS = 20_000
"""More models than this would need a Hessian of more than 3 GB."""

_SHORT = 1e-4
"""After a step shorter than this, the Hessian changes too little to matter."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BradleyTerryFit:
    """The result of a fit.

    Attributes
    ----------
    models : tuple
        Names in the order of the comparisons, length n_models.
    strengths : float64, shape (n_models,)
        Natural log-odds, mean zero.
    inverse_hessian : float64, shape (n_models, n_models)
        Inverse of the Hessian at the maximum, on mean-zero vectors.
    ridge : float
        The penalty that was used.
    iterations : int
        Steps taken.
    gradient_norm : float
        Largest mean score of a model at ``strengths``: the absolute entry of the gradient divided by the total
        weight of the model's votes (plus the ridge). A model with few votes counts as much as any other.
    loss : float
        Penalised negative log-likelihood at ``strengths``.
    """

    models: tuple[ModelId, ...]
    strengths: FloatArray
    inverse_hessian: FloatArray
    ridge: float
    iterations: int
    gradient_norm: float
    loss: float

    def reordered(self, order: IntArray) -> "BradleyTerryFit":
        """Put the models into another order.

        Parameters
        ----------
        order : int64, shape (n_models,)
            A permutation: which of ``models`` comes in each place.

        Returns
        -------
        BradleyTerryFit
        """
        return replace(
            self,
            models=tuple(self.models[model] for model in order),
            strengths=self.strengths[order],
            inverse_hessian=self.inverse_hessian[np.ix_(order, order)],
        )


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
    surplus, _ = _surplus_and_curvature(strengths, comparisons)
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
    _, curvature = _surplus_and_curvature(strengths, comparisons)
    return comparisons.laplacian(curvature) + ridge * np.eye(len(strengths))


def win_probabilities(strengths: FloatArray, comparisons: Comparisons) -> FloatArray:
    """Compute the expected outcome of each pair from the side of its first model, shape (n_pairs,)."""
    return special.expit(_differences(strengths, comparisons))


def fit_bradley_terry(
    comparisons: Comparisons,
    *,
    ridge: float = 0.0,
    tolerance: float = 1e-10,
    max_iterations: int = 50,
    start: FloatArray | None = None,
) -> BradleyTerryFit:
    """Estimate model strengths by maximum likelihood.

    Minimises `loss`; ties and both_bad count half a win for each side.

    Parameters
    ----------
    comparisons : Comparisons
    ridge : float, default 0.0
        Weight of the penalty sum(s ** 2) / 2, in votes. Above 0 a finite maximum always exists.
    tolerance : float, default 1e-10
        The fit stops after a step that moves no strength by more than this (natural log-odds), with no
        model's mean score (`BradleyTerryFit.gradient_norm`) above it.
    max_iterations : int, default 50
        Steps allowed.
    start : float64, shape (n_models,), optional
        Strengths near the maximum, such as those of an earlier fit: saves steps, and changes the result by
        rounding only. By default each model's log-odds of winning.

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
        If the last of ``max_iterations`` steps is longer than ``tolerance``, or the votes are too lopsided for double
        precision: groups of some 1e10 votes with a few hundred between them.
    InvalidOptionError
        If ``ridge`` is negative or not finite, or ``start`` is not one finite number per model.
    InvalidComparisonsError
        With more than 20,000 models, whose Hessian would not fit into memory.

    Notes
    -----
    Strengths are identified up to a constant; their mean is held at zero. Each Newton step is shortened to
    log(1 + r) / r of its length, where r is its largest move of a pair's difference; this converges from any
    start, in the end quadratically [STD19]. After a short step the Hessian is kept for those that follow. The
    limit does not look at the mean loss, so a model with few votes among millions is fitted as exactly as the
    others. A step costs O(n_pairs + n_models ** 3).

    References
    ----------
    [BT52] Bradley, Terry. Rank Analysis of Incomplete Block Designs. 1952. doi:10.2307/2334029
    [Ford57] Ford. Solution of a Ranking Problem from Binary Comparisons. 1957. doi:10.2307/2308513
    [STD19] Sun, Tran-Dinh. Generalized Self-Concordant Functions. 2019. doi:10.1007/s10107-018-1282-4

    Examples
    --------
    >>> import pandas as pd
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "y", "z"], "model_b": ["y", "z", "x"], "winner": ["model_a"] * 3, "count": [3, 2, 1]}
    ... )
    >>> fit = fit_bradley_terry(Comparisons.from_battles(battles))
    >>> fit.strengths.round(4).tolist()
    [0.804, -0.2024, -0.6015]
    """
    require_counted(comparisons)
    if not (np.isfinite(ridge) and ridge >= 0):
        raise InvalidOptionError(f"ridge is {ridge!r}: it is a finite number of votes, 0 or more.")
    _require_finite_maximum(comparisons, ridge)
    first_guess = _log_odds(comparisons) if start is None else _checked_start(start, comparisons)
    try:
        with single_threaded_blas():
            strengths, iterations = _minimise(first_guess, comparisons, ridge, tolerance, max_iterations)
            inverse = mean_zero_inverse(hessian(strengths, comparisons, ridge=ridge))
    except linalg.LinAlgError as error:
        raise NotConvergedError(iterations=0, last_step=np.inf, tolerance=tolerance) from error
    return BradleyTerryFit(
        models=comparisons.models,
        strengths=strengths,
        inverse_hessian=inverse,
        ridge=ridge,
        iterations=iterations,
        gradient_norm=_mean_score(gradient(strengths, comparisons, ridge=ridge), comparisons, ridge),
        loss=loss(strengths, comparisons, ridge=ridge),
    )


def _minimise(
    start: FloatArray, comparisons: Comparisons, ridge: float, tolerance: float, max_iterations: int
) -> tuple[FloatArray, int]:
    strengths, factor, longest = start, None, np.inf
    for iteration in range(1, max_iterations + 1):
        surplus, curvature = _surplus_and_curvature(strengths, comparisons)
        slope = comparisons.net_by_model(surplus) + ridge * strengths
        if not ridge:
            # The gradient sums to zero. What rounding leaves of that is the share of models with many votes: solved
            # with the rest, it would be divided evenly and move those with few.
            slope -= slope.sum() * (comparisons.totals / comparisons.totals.sum())
        if factor is None or longest > _SHORT:
            factor = _factor(curvature, comparisons, ridge)
        step, _ = linalg.lapack.dpotrs(factor, -slope)
        reach = float(np.abs(_differences(step, comparisons)).max(initial=0.0))
        strengths = strengths + step * (np.log1p(reach) / reach if reach > 0 else 1.0)
        longest, score = float(np.abs(step).max()), _mean_score(slope, comparisons, ridge)
        if longest <= tolerance and score <= tolerance:
            return strengths - strengths.mean(), iteration
    raise NotConvergedError(
        iterations=max_iterations, last_step=longest, tolerance=tolerance, mean_score=score
    )


def _factor(curvature: FloatArray, comparisons: Comparisons, ridge: float) -> FloatArray:
    """Return the upper Cholesky factor of the Hessian, positive definite on constant vectors, too."""
    matrix = comparisons.laplacian(curvature)
    matrix += float(np.trace(matrix)) / len(matrix) ** 2 + ridge / len(matrix)
    if ridge:
        matrix[np.diag_indices_from(matrix)] += ridge
    # The transpose is what LAPACK reads without a copy; the matrix is symmetric.
    factor, failed = linalg.lapack.dpotrf(matrix.T, lower=False, clean=False, overwrite_a=True)
    if failed:
        raise linalg.LinAlgError(f"leading minor {failed} of the Hessian is not positive definite")
    return np.asarray(factor, dtype=np.float64)


def _mean_score(slope: FloatArray, comparisons: Comparisons, ridge: float) -> float:
    """Return the largest absolute gradient of a model per vote of its own."""
    total = comparisons.totals + ridge
    return float(np.divide(np.abs(slope), total, out=np.zeros_like(slope), where=total > 0).max())


def _log_odds(comparisons: Comparisons) -> FloatArray:
    """Guess strengths as log-odds of winning; half a vote more on each side keeps them finite."""
    # Added up, won and lost give the total; subtracted, twice the surplus of wins.
    surplus = comparisons.net_by_model(comparisons.score - comparisons.lost)
    won, lost = (comparisons.totals + surplus) / 2, (comparisons.totals - surplus) / 2
    guess: FloatArray = np.log((np.maximum(won, 0) + 0.5) / (np.maximum(lost, 0) + 0.5))
    return guess - float(guess.mean())


def _checked_start(start: FloatArray, comparisons: Comparisons) -> FloatArray:
    strengths = np.array(start, dtype=np.float64)
    if strengths.shape != (len(comparisons.models),) or not np.isfinite(strengths).all():
        raise InvalidOptionError(
            f"start has shape {strengths.shape}: it is one finite strength for each of "
            f"{len(comparisons.models)} models."
        )
    return strengths - float(strengths.mean())


def _surplus_and_curvature(strengths: FloatArray, comparisons: Comparisons) -> tuple[FloatArray, FloatArray]:
    """Return total * p - won and total * p * (1 - p) of each pair, precise where one side nearly always wins."""
    difference = _differences(strengths, comparisons)
    smaller = np.exp(-np.abs(difference))
    larger = 1 / (1 + smaller)
    smaller *= larger
    ahead = difference >= 0
    p, q = np.where(ahead, larger, smaller), np.where(ahead, smaller, larger)
    return comparisons.lost * p - comparisons.score * q, comparisons.total * (p * q)


def _require_finite_maximum(comparisons: Comparisons, ridge: float) -> None:
    if len(comparisons.models) < 2:
        raise EmptyComparisonsError(comparisons.models)
    if len(comparisons.models) > MOST_MODELS:
        raise InvalidComparisonsError(
            f"There are {len(comparisons.models)} models: a fit of more than {MOST_MODELS} does not fit into memory. "
            "Check that the columns hold models, or keep those that matter with Comparisons.restrict."
        )
    if ridge > 0:
        return
    if len(comparisons.strongly_connected()) > 1:
        components = comparisons.components()
        if len(components) > 1:
            raise DisconnectedComparisonsError(components)
        raise SeparableComparisonsError(
            never_lose=comparisons.never_losing(), never_win=comparisons.never_winning()
        )


def _differences(strengths: FloatArray, comparisons: Comparisons) -> FloatArray:
    return strengths[comparisons.first] - strengths[comparisons.second]
