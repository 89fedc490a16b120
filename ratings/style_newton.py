"""Newton's method for strengths and style coefficients together, from sums that may come from anywhere."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from ratings.arrays import FloatArray
from ratings.comparisons import Comparisons
from ratings.errors import InvalidOptionError, NotConvergedError, UnidentifiedCoefficientError, name_some
from ratings.linear_algebra import fill_constant_direction, single_threaded_blas
from ratings.row_sums import StylePoint
from ratings.standardisation import Standardisation
from ratings.style_sums import StyleScores, StyleSums

SumsAt = Callable[[StylePoint], StyleSums]
"""Adds up `style_sums` over all rows, wherever they are."""

ScoresAt = Callable[[StylePoint], StyleScores]
"""Adds up `style_scores` over all rows."""

_SAFE_REACH = 1.5
_DEPENDENT = 1e-10
_GONE = 1e-10
"""What is left of a coefficient's curvature where it ran away; at a maximum, votes that speak against it leave more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleProblem:
    """What the sums of rows belong to.

    Attributes
    ----------
    comparisons : Comparisons
        The models and pairs of all rows.
    coefficients : tuple of str
        Names, length n_coefficients.
    standardisation : Standardisation
    ridge, style_ridge : float
        Weights of sum(strengths ** 2) / 2 and sum(coefficients ** 2) / 2, in votes.
    """

    comparisons: Comparisons
    coefficients: tuple[str, ...]
    standardisation: Standardisation
    ridge: float = 0.0
    style_ridge: float = 0.0

    @property
    def models(self) -> int:
        """Number of models, n_models."""
        return len(self.comparisons.models)

    def point(self, parameters: FloatArray) -> StylePoint:
        """Take strengths and coefficients to what rows need."""
        strengths, coefficients = parameters[: self.models], parameters[self.models :]
        return StylePoint(
            difference=strengths[self.comparisons.first] - strengths[self.comparisons.second],
            slopes=(self.standardisation.matrix * coefficients[:, np.newaxis]).sum(axis=0),
        )

    def penalty(self, parameters: FloatArray) -> float:
        """Compute what the ridges add to the loss."""
        return float((self._ridges(parameters) * np.square(parameters)).sum() / 2)

    def reach(self, step: FloatArray) -> float:
        """Bound the change of any row's logit: no contrast exceeds 1 in size."""
        change = self.point(step)
        return float(np.abs(change.difference).max(initial=0.0) + np.abs(change.slopes).sum())

    def gradient(self, sums: StyleSums, parameters: FloatArray) -> FloatArray:
        """Compute the gradient of the loss, shape (n_models + n_coefficients,), in votes."""
        with single_threaded_blas():
            style = self.standardisation.matrix @ sums.style_surplus
        gradient = np.concatenate([self.comparisons.net_by_model(sums.surplus), style])
        return gradient + self._ridges(parameters) * parameters

    def hessian(self, sums: StyleSums, parameters: FloatArray) -> FloatArray:
        """Compute the Hessian of the loss, shape (n_models + n_coefficients,) twice."""
        products = self.products(sums.curvature, sums.cross, sums.style_curvature)
        return products + np.diag(self._ridges(parameters))

    def products(self, by_pair: FloatArray, cross: FloatArray, style: FloatArray) -> FloatArray:
        """Assemble a sum of outer products of rows from its parts by pair and contrast column."""
        matrix = self.standardisation.matrix
        with single_threaded_blas():
            style = matrix @ style @ matrix.T
            cross = matrix @ np.array([self.comparisons.net_by_model(values) for values in cross])
        return np.block([[self.comparisons.laplacian(by_pair), cross.T], [cross, style]])

    def _ridges(self, parameters: FloatArray) -> FloatArray:
        return np.where(np.arange(len(parameters)) < self.models, self.ridge, self.style_ridge)


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleMinimum:
    """Where the loss is least.

    Attributes
    ----------
    parameters : float64, shape (n_models + n_coefficients,)
        Strengths of mean zero, then coefficients.
    inverse_hessian : float64, shape (n_models + n_coefficients,) twice
        On vectors whose strengths have mean zero.
    scores : StyleScores
    loss : float
        Penalised negative log-likelihood.
    gradient_norm : float
        Bound on what is left of the gradient, relative to the votes that it sums up.
    iterations : int
        Newton steps taken.
    """

    parameters: FloatArray
    inverse_hessian: FloatArray
    scores: StyleScores
    loss: float
    gradient_norm: float
    iterations: int


class StyleSeparationError(NotConvergedError):
    """No maximum is in sight: some combination of features predicts the votes without error.

    ``coefficient`` is the name of the largest.
    """

    def __init__(self, *, iterations: int, last_step: float, tolerance: float, largest: str) -> None:
        super().__init__(iterations=iterations, last_step=last_step, tolerance=tolerance)
        self.coefficient = largest
        self.args = (
            f"After {iterations} Newton steps, of which the last moved logits by {last_step:.3g}, no finite maximum is "
            "in sight. Probably the features tell the winners apart without error, so that "
            f"their coefficients are infinite; the largest is that of {largest!r}. "
            "Leave a feature out, collect more votes, or set style_ridge > 0.",
        )


def minimise_style(
    sums_at: SumsAt,
    scores_at: ScoresAt,
    problem: StyleProblem,
    *,
    strengths: FloatArray,
    tolerance: float = 1e-15,
    max_iterations: int = 50,
) -> StyleMinimum:
    """Find the maximum likelihood estimate.

    Parameters
    ----------
    sums_at, scores_at : callable
        Take a `StylePoint` to the `StyleSums` and the `StyleScores` of all rows; the latter for the last step.
    problem : StyleProblem
    strengths : float64, shape (n_models,)
        Where to start: the fit without features.
    tolerance : float, default 1e-15
        Largest gradient to be left, relative to the votes that it sums up.
    max_iterations : int, default 50

    Returns
    -------
    StyleMinimum

    Raises
    ------
    InvalidComparisonsError
        If a feature is a linear combination of others and of the models, and ``style_ridge`` is 0.
    NotConvergedError
        If the last step is longer than the tolerance, as when the features separate the votes.

    Notes
    -----
    With r a bound on the change of any row's logit, a step changes no curvature by more than the factor exp(r), so
    that a full Newton step lowers the loss if r <= 1.5, and one of log(1 + r) / r of its length always does
    [STD19]. It also leaves no gradient of more than exp(r) r**2 / 8 per vote, by which the last step is known without
    evaluating the sums once more.

    References
    ----------
    [STD19] Sun, Tran-Dinh. Generalized Self-Concordant Functions. 2019. doi:10.1007/s10107-018-1282-4
    """
    parameters = np.concatenate([strengths, np.zeros(len(problem.coefficients))])
    reach, information = np.inf, np.zeros((0, 0))
    for iteration in range(1, max_iterations + 1):
        point = problem.point(parameters)
        scores = scores_at(point) if reach**2 <= _reach_within(tolerance) else None
        sums = sums_at(point) if scores is None else scores.sums
        gradient, hessian = problem.gradient(sums, parameters), problem.hessian(sums, parameters)
        if iteration == 1:
            information = _information(problem, hessian)
            _require_identified(problem, hessian, information)
        try:
            inverse = joint_inverse(hessian, problem.models)
        except linalg.LinAlgError:
            break
        with single_threaded_blas():
            step = -(inverse @ gradient)
        reach = problem.reach(step)
        length = 1.0 if reach <= _SAFE_REACH else float(np.log1p(reach)) / reach
        moved = _centred(parameters + length * step, problem.models)
        if scores is not None and reach <= _reach_within(tolerance):
            if _has_run_away(problem, information, hessian):
                break
            return StyleMinimum(
                parameters=moved,
                inverse_hessian=inverse,
                scores=scores.by_content(),
                loss=scores.loss + problem.penalty(parameters),
                gradient_norm=reach**2 / 8 * np.exp(reach),
                iterations=iteration,
            )
        parameters = moved
    raise StyleSeparationError(
        iterations=iteration,
        last_step=reach,
        tolerance=tolerance,
        largest=problem.coefficients[int(np.argmax(np.abs(parameters[problem.models :])))],
    )


def joint_inverse(hessian: FloatArray, models: int) -> FloatArray:
    """Invert a joint Hessian on vectors whose first ``models`` entries sum to zero."""
    filled = hessian.copy()
    filled[:models, :models] = fill_constant_direction(hessian[:models, :models])
    with single_threaded_blas():
        factor, failed = linalg.lapack.dpotrf(filled, lower=True, clean=False)
        if failed:
            raise linalg.LinAlgError(f"leading minor {failed} of the joint Hessian is not positive definite")
        inverse, _ = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    lower = np.tril(inverse)
    symmetric: FloatArray = lower + np.tril(lower, -1).T
    symmetric[:models, :models] -= float(symmetric[:models, :models].mean())
    return symmetric


def style_sandwich(problem: StyleProblem, inverse_hessian: FloatArray, scores: StyleScores) -> FloatArray:
    """Compute the joint covariance of strengths and coefficients for independent votes."""
    meat = problem.products(scores.pair, scores.cross, scores.style)
    return _sandwich(inverse_hessian, meat)


def clustered_style_sandwich(
    problem: StyleProblem, inverse_hessian: FloatArray, scores: StyleScores, cluster: str
) -> FloatArray:
    """Compute the joint covariance where the votes of one cluster may depend on each other."""
    comparisons, matrix = problem.comparisons, problem.standardisation.matrix
    found = None if scores.by_cluster is None else scores.by_cluster.products(comparisons)
    size = 0 if found is None else found.clusters
    if found is None or size < 2:
        raise InvalidOptionError(
            f"All votes come from {size} {cluster}: clustered intervals need two or more. "
            "Pass cluster=None to treat votes as independent."
        )
    with single_threaded_blas():
        cross = matrix @ found.cross.T
        style = matrix @ found.style @ matrix.T
        meat = np.block([[found.models, cross.T], [cross, style]])
    return _sandwich(inverse_hessian, size / (size - 1) * meat)


def _sandwich(bread: FloatArray, meat: FloatArray) -> FloatArray:
    with single_threaded_blas():
        product = bread @ meat @ bread
    symmetric: FloatArray = (product + product.T) / 2
    return symmetric


def _reach_within(tolerance: float) -> float:
    """Return the reach of a step that leaves at most this gradient."""
    return float(np.sqrt(8 * tolerance))


def _centred(parameters: FloatArray, models: int) -> FloatArray:
    centred = parameters.copy()
    centred[:models] -= centred[:models].mean()
    return centred


def _information(problem: StyleProblem, hessian: FloatArray) -> FloatArray:
    """Compute the curvature of the coefficients that is left beside the models."""
    models = problem.models
    cross = hessian[models:, :models]
    with single_threaded_blas():
        explained = cross @ joint_inverse(hessian[:models, :models], models) @ cross.T
    information: FloatArray = hessian[models:, models:] - explained
    return information


def _has_run_away(problem: StyleProblem, information: FloatArray, hessian: FloatArray) -> bool:
    """Tell whether hardly anything is left of some combination of coefficients' curvature, which was ``information``.

    Where logits are so large that expected outcomes round to 0 and 1, the gradient is zero without a maximum.
    """
    if problem.style_ridge > 0:
        return False
    with single_threaded_blas():
        left = linalg.eigh(_information(problem, hessian), information, eigvals_only=True)
    return bool(left[0] < _GONE)


def _require_identified(problem: StyleProblem, hessian: FloatArray, information: FloatArray) -> None:
    """Raise where a coefficient's direction has no curvature left beside the models and earlier coefficients."""
    if problem.style_ridge > 0:
        return
    size = np.sqrt(np.diag(hessian)[problem.models :])
    left = information / np.outer(size, size)
    for number, name in enumerate(problem.coefficients):
        before = slice(0, number)
        parts = np.linalg.solve(left[before, before], left[before, number])
        if left[number, number] - float(left[before, number] @ parts) < _DEPENDENT:
            others = [problem.coefficients[i] for i in np.flatnonzero(np.abs(parts) > 1e-6)]
            source = name_some(others) if others else "which models met"
            raise UnidentifiedCoefficientError(name, source)
