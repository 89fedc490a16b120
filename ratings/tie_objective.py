"""The penalised likelihood of a model with ties over all votes, its derivatives, and its minimum."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse

from ratings.arrays import FloatArray, IntArray, group_sums
from ratings.comparisons import Comparisons
from ratings.errors import NotConvergedError
from ratings.linear_algebra import sandwich_product
from ratings.outcome_weights import OutcomeWeights
from ratings.tie_likelihoods import TieDerivatives, TieLikelihood

_DAMPING = 1e-6
"""First multiple of the mean diagonal that is added to a Hessian that is not positive definite."""

_MOST_DAMPING = 1e6

_SHORT_STEP = 1e-4
"""After a step as short as this, the Hessian is kept: it would hardly change."""

_SAFE_REACH = 1.75
"""With r a bound on the log-odds between a vote's outcomes, a Newton step lowers a sum of multinomial logistic losses
by at least 1 - (exp(r) - 1 - r) / r ** 2 times the squared Newton decrement [STD19]: above 0 up to r = 1.79.

[STD19] Sun, Tran-Dinh. Generalized Self-Concordant Functions. 2019. doi:10.1007/s10107-018-1282-4
"""

_LONGEST_STEP = 8.0
"""Log-odds that one step may move a parameter: where the loss is flat, a Newton step overshoots by far."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TieObjective:
    """Minus the log-likelihood of weighted votes, with its penalty.

    Parameters are n_models strengths (natural log-odds) and the tie parameter, in one vector.

    Attributes
    ----------
    likelihood : TieLikelihood
    comparisons : Comparisons
    weights : OutcomeWeights
    squared_weights : float64, shape (n_outcomes, n_pairs)
        Sums of squares of the votes' weights.
    ridge : float
        Weight of the penalty, in votes.
    """

    likelihood: TieLikelihood
    comparisons: Comparisons
    weights: OutcomeWeights
    squared_weights: FloatArray
    ridge: float

    def loss(self, parameters: FloatArray) -> float:
        """Compute the penalised loss; infinite outside the tie parameter's range."""
        if parameters[-1] <= self.likelihood.smallest_tie_parameter:
            return np.inf
        logs = self.likelihood.log_probabilities(*self._sides(parameters))
        return float(-(self.weights.by_outcome * logs).sum() + self._penalty(parameters))

    def gradient(self, parameters: FloatArray) -> FloatArray:
        """Compute the gradient of the loss, shape (n_models + 1,)."""
        return self._gradient(parameters, self.likelihood.gradient(*self._sides(parameters), self.weights))

    def hessian(self, parameters: FloatArray) -> FloatArray:
        """Compute the Hessian of the loss, shape (n_models + 1, n_models + 1)."""
        return self._hessian(parameters, self._derivatives(parameters).curvature)

    def _derivatives(self, parameters: FloatArray) -> TieDerivatives:
        return self.likelihood.derivatives(*self._sides(parameters), self.weights)

    def _gradient(self, parameters: FloatArray, by_pair: FloatArray) -> FloatArray:
        gradient = self._by_parameter(by_pair)
        if self.ridge:
            weight, slope, _ = self.likelihood.log_tie_weight(parameters[-1])
            gradient += self.ridge * np.append(parameters[:-1], weight * slope)
        return gradient

    def _hessian(self, parameters: FloatArray, by_pair: FloatArray) -> FloatArray:
        hessian = self._assemble(by_pair)
        if self.ridge:
            weight, slope, bend = self.likelihood.log_tie_weight(parameters[-1])
            hessian[np.diag_indices_from(hessian)] += self.ridge * np.append(
                np.ones(len(parameters) - 1), slope**2 + weight * bend
            )
        return hessian

    def meat(self, parameters: FloatArray) -> FloatArray:
        """Add up the squared scores of single votes, shape (n_models + 1, n_models + 1)."""
        scores = self.likelihood.scores(*self._sides(parameters))
        weighted = self.squared_weights[:, np.newaxis] * scores
        size = scores.shape[1]
        blocks = np.empty((size, size, scores.shape[2]))
        for row in range(size):
            for column in range(row + 1):
                product = (weighted[:, row] * scores[:, column]).sum(axis=0)
                blocks[row, column] = blocks[column, row] = product
        return self._assemble(blocks)

    def clustered_meat(
        self, parameters: FloatArray, pair: IntArray, outcome: IntArray, weight: FloatArray, cluster: IntArray
    ) -> FloatArray:
        """Add up the squared scores of whole clusters of votes, times G / (G - 1); arrays of shape (n_votes,)."""
        size, clusters = len(self.comparisons.models), int(cluster.max()) + 1
        found = weight * self.likelihood.scores(*self._sides(parameters))[outcome, :, pair].T
        by_first, by_tie = found[0], found[-1]
        by_second = found[1] if self.likelihood.absolute else -by_first
        places = (self.comparisons.first[pair], self.comparisons.second[pair], np.full_like(pair, size))
        entries = (
            np.concatenate([by_first, by_second, by_tie]),
            (np.tile(cluster, 3), np.concatenate(places)),
        )
        scores = sparse.csr_array(entries, shape=(clusters, size + 1))
        meat: FloatArray = (scores.T @ scores).toarray()
        return clusters / (clusters - 1) * meat

    def inverse_hessian(self, parameters: FloatArray) -> FloatArray:
        """Invert the Hessian; without an absolute zero, on vectors whose strengths have mean zero."""
        matrix = self._positive(self.hessian(parameters))
        factor, failed = linalg.lapack.dpotrf(matrix, lower=True)
        if failed:
            raise linalg.LinAlgError("the Hessian is not positive definite")
        lower, _ = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
        inverse: FloatArray = lower + lower.T
        np.fill_diagonal(inverse, np.diag(lower))
        return inverse if self.likelihood.absolute else _centred(inverse)

    def covariance(self, parameters: FloatArray, inverse_hessian: FloatArray) -> FloatArray:
        """Compute the sandwich covariance for independent votes [White82]."""
        return sandwich_product(inverse_hessian, self.meat(parameters))

    def start(self) -> FloatArray:
        """Guess strengths from each model's log-odds of winning, the rest from the shares of ties and both_bad."""
        weights = self.weights.by_outcome
        totals = weights.sum(axis=1)
        ties = float((totals[2] + 0.5) / (totals[:3].sum() + 1))
        level = 0.0
        if self.likelihood.absolute:
            bad = float((totals[3] + 0.5) / (totals.sum() + 1))
            level = float(np.log((1 / bad - 1) / 2))
        surplus, total = self.comparisons.net_by_model(weights[0] - weights[1]), self.comparisons.totals + 1
        won, lost = np.maximum(total + surplus, 1), np.maximum(total - surplus, 1)
        tie = self.likelihood.start(ties)
        strengths = self.likelihood.difference(np.log(won / lost), tie)
        return np.append(level + strengths - strengths.mean(), tie)

    def minimise(self, start: FloatArray, tolerance: float, max_iterations: int) -> tuple[FloatArray, int]:
        """Go downhill by Newton steps, shortened where they are long, to one within the tolerance."""
        parameters, factor, longest = start, None, np.inf
        for iteration in range(1, max_iterations + 1):
            if factor is None or longest > _SHORT_STEP:
                found = self._derivatives(parameters)
                gradient = self._gradient(parameters, found.gradient)
                factor = self._factor(self._hessian(parameters, found.curvature))
            else:
                gradient = self.gradient(parameters)
            gradient = self._balanced(gradient)
            step, _ = linalg.lapack.dpotrs(factor, -gradient, lower=True)
            longest = self._length(parameters, step)
            if longest <= tolerance * max(1.0, float(np.abs(parameters + step).max())):
                return self._in_gauge(parameters + step), iteration
            # Along a short step the curvature hardly changes: all of it leads downhill.
            parameters = parameters + (
                step if longest <= _SHORT_STEP else self._shortened(parameters, step, gradient)
            )
        raise NotConvergedError(iterations=max_iterations, last_step=longest, tolerance=tolerance)

    def _factor(self, hessian: FloatArray) -> FloatArray:
        """Return the lower Cholesky factor of a Hessian, damped where it is not positive definite."""
        hessian = self._positive(hessian)
        # The transpose is what LAPACK reads without turning it; the matrix is symmetric.
        factor, failed = linalg.lapack.dpotrf(hessian.T, lower=True, clean=False)
        scale = float(np.diag(hessian).mean()) if failed else 0.0
        damping = _DAMPING * scale
        while failed:
            if damping > _MOST_DAMPING * scale:
                raise linalg.LinAlgError("the Hessian is far from positive definite")
            damped = hessian + damping * np.eye(len(hessian))
            factor, failed = linalg.lapack.dpotrf(damped.T, lower=True, clean=False)
            damping *= 10
        return np.asarray(factor, dtype=np.float64)

    def _length(self, parameters: FloatArray, step: FloatArray) -> float:
        """Compute the largest move of a parameter; of the tie parameter near the end of its range, as a part of it."""
        room = min(1.0, float(parameters[-1]) - self.likelihood.smallest_tie_parameter)
        return max(float(np.abs(step[:-1]).max()), abs(float(step[-1])) / room)

    def _shortened(self, parameters: FloatArray, step: FloatArray, gradient: FloatArray) -> FloatArray:
        """Return a step that surely lowers the loss, or else the largest tried part of it that does."""
        reach = self.likelihood.reach(*self._sides(step))
        if reach is not None and reach <= _SAFE_REACH:
            return step
        longest = float(np.abs(step).max())
        step = step * (_LONGEST_STEP / max(longest, _LONGEST_STEP))
        value, slope = self.loss(parameters), float(gradient @ step)
        fraction = 1.0
        # The loss is a sum over votes: what rounding may add to it is no ascent.
        rounding = 1e-13 * (1 + abs(value))
        while self.loss(parameters + fraction * step) > value + 1e-4 * fraction * slope + rounding:
            fraction /= 2
            if fraction < 1e-12:
                raise linalg.LinAlgError("the loss falls nowhere along the step")
        return fraction * step

    def _sides(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        strengths = parameters[:-1]
        first, second = strengths.take(self.comparisons.first), strengths.take(self.comparisons.second)
        return first, second, float(parameters[-1])

    def _penalty(self, parameters: FloatArray) -> float:
        if self.ridge == 0:
            return 0.0
        weight, _, _ = self.likelihood.log_tie_weight(parameters[-1])
        return self.ridge / 2 * (float(np.square(parameters[:-1]).sum()) + weight**2)

    def _by_model(self, by_first: FloatArray, by_second: FloatArray) -> FloatArray:
        size = len(self.comparisons.models)
        sums: FloatArray = group_sums(self.comparisons.first, by_first, size)
        return sums + group_sums(self.comparisons.second, by_second, size)

    def _by_parameter(self, derivatives: FloatArray) -> FloatArray:
        """Add up each pair's derivatives at its two models and the tie parameter, shape (n_models + 1,)."""
        by_model = (
            self._by_model(derivatives[0], derivatives[1])
            if self.likelihood.absolute
            else self.comparisons.net_by_model(derivatives[0])
        )
        return np.append(by_model, derivatives[-1].sum())

    def _assemble(self, blocks: FloatArray) -> FloatArray:
        """Add up each pair's block at its two models and the tie parameter, shape (n_models + 1, n_models + 1)."""
        size = len(self.comparisons.models)
        matrix = np.zeros((size + 1, size + 1))
        entries, (above, below) = matrix.reshape(-1), self._cells
        entries[above] = entries[below] = blocks[0, 1] if self.likelihood.absolute else -blocks[0, 0]
        entries[: -1 : size + 2] = self._by_model(blocks[0, 0], blocks[-2, -2])
        matrix[size] = matrix[:, size] = self._by_parameter(blocks[:, -1])
        return matrix

    @cached_property
    def _cells(self) -> tuple[IntArray, IntArray]:
        """Where each pair stands in a matrix by parameters, read row by row, and its mirror image."""
        stride = len(self.comparisons.models) + 1
        first, second = self.comparisons.first, self.comparisons.second
        return first * stride + second, second * stride + first

    def _positive(self, hessian: FloatArray) -> FloatArray:
        """Give the constant direction some curvature where the votes cannot."""
        if self.likelihood.absolute:
            return hessian
        size = len(hessian) - 1
        filled = hessian + float(np.trace(hessian[:size, :size])) / size**2
        filled[size], filled[:, size] = hessian[size], hessian[:, size]
        return filled

    def _balanced(self, gradient: FloatArray) -> FloatArray:
        """Let models with many votes bear what rounding leaves of a sum that is zero, as in `fit_bradley_terry`."""
        if self.likelihood.absolute or self.ridge:
            return gradient
        balanced, totals = gradient.copy(), self.comparisons.totals
        balanced[:-1] -= gradient[:-1].sum() / totals.sum() * totals
        return balanced

    def _in_gauge(self, parameters: FloatArray) -> FloatArray:
        if self.likelihood.absolute:
            return parameters
        return np.append(parameters[:-1] - parameters[:-1].mean(), parameters[-1])


def _centred(inverse: FloatArray) -> FloatArray:
    """Take the constant direction of the strengths out of an inverse Hessian."""
    size = len(inverse) - 1
    inverse[:size, :size] -= float(inverse[:size, :size].mean())
    inverse[size, :size] -= float(inverse[size, :size].mean())
    inverse[:size, size] = inverse[size, :size]
    return inverse
