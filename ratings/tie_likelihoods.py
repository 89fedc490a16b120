"""What the models with ties say of one vote: log-probabilities and their derivatives, for many pairs at once.

Each likelihood knows a vote between a first and a second model of strengths s and t, with one tie parameter
shared by all pairs. Arrays run over pairs last; derivatives are taken in the order (s, t, tie parameter).
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from scipy import special

from ratings.arrays import FloatArray
from ratings.errors import InvalidOptionError

TieModel: TypeAlias = Literal["rao-kupper", "davidson", "grounded"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TieDerivatives:
    """What weighted votes say at one point.

    Attributes
    ----------
    loss : float
        Minus the sum of weights * log P.
    gradient : float64, shape (3, n_pairs)
        Derivatives of each pair's loss.
    curvature : float64, shape (3, 3, n_pairs)
    """

    loss: float
    gradient: FloatArray
    curvature: FloatArray


class TieLikelihood(Protocol):
    """Log-probabilities of the outcomes of a vote, and their derivatives."""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes, in the order of all arrays: first wins, second wins, tie …"""

    @property
    def smallest_tie_parameter(self) -> float:
        """Lower end of the tie parameter's range."""

    @property
    def absolute(self) -> bool:
        """Whether strengths have an absolute zero, instead of only differences."""

    def log_probabilities(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        """Compute log P of each outcome, shape (n_outcomes, n_pairs)."""

    def scores(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        """Differentiate log P once, shape (n_outcomes, 3, n_pairs)."""

    def curvature(self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray) -> FloatArray:
        """Differentiate -sum of weights * log P twice, shape (3, 3, n_pairs); weights as log P."""

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray
    ) -> TieDerivatives:
        """Compute the loss and what it is differentiated to, together; weights as log P."""

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        """Compute the penalised form of the tie parameter, and its first and second derivative.

        Zero stands for a win, a loss and a tie equally likely between equals (grounded: that are both good).
        """

    def start(self, tie_share: float) -> float:
        """Guess the tie parameter from the share of ties among the votes, between 0 and 1."""

    def stretch(self, tie_share: float) -> float:
        """Strengths per log-odds of winning with ties as half wins, between nearly equal models."""


@dataclass(frozen=True)
class Davidson:
    """P(win) : P(loss) : P(tie) = pi_a : pi_b : nu * sqrt(pi_a * pi_b); the tie parameter is log(nu)."""

    outcomes: tuple[str, ...] = ("model_a", "model_b", "tie")
    smallest_tie_parameter: float = -np.inf
    absolute: bool = False

    def log_probabilities(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        half, top, rest, _ = self._terms(first, second, tie)
        return self._logs(half, top, rest, tie)

    def scores(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        _, _, _, (win, loss, drawn) = self._terms(first, second, tie)
        # Sums of probabilities, so that nothing cancels where one outcome is nearly certain.
        by_difference = np.stack([loss + drawn / 2, -win - drawn / 2, (loss - win) / 2])
        by_tie = np.stack([-drawn, -drawn, win + loss])
        return np.stack([by_difference, -by_difference, by_tie], axis=1)

    def curvature(self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray) -> FloatArray:
        _, _, _, probabilities = self._terms(first, second, tie)
        return self._curvature(probabilities, weights.sum(axis=0))

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray
    ) -> TieDerivatives:
        half, top, rest, (win, loss, drawn) = self._terms(first, second, tie)
        won, lost, tied = weights
        decided = won + lost
        total = decided + tied
        gradient = np.empty((3, len(half)))
        gradient[0] = lost * win - won * loss + (tied * (win - loss) - (won - lost) * drawn) / 2
        np.negative(gradient[0], out=gradient[1])
        gradient[2] = decided * drawn - tied * (win + loss)
        return TieDerivatives(
            loss=float(
                total @ np.log1p(rest) + won @ (top - half) + lost @ (top + half) + tied @ (top - tie)
            ),
            gradient=gradient,
            curvature=self._curvature((win, loss, drawn), total),
        )

    def _terms(
        self, first: FloatArray, second: FloatArray, tie: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, tuple[FloatArray, FloatArray, FloatArray]]:
        """Half the difference, the largest of the three logarithms, the sum of the others beside it, probabilities."""
        half = (first - second) / 2
        size = np.abs(half)
        top = np.maximum(size, tie)
        beside, least = np.exp(-np.abs(size - tie)), np.exp(-size - top)
        rest = beside + least
        total = 1 + rest
        if float(size.min(initial=np.inf)) >= tie:
            more, drawn = 1 / total, beside / total
        else:
            tied_less = size >= tie
            more, drawn = np.where(tied_less, 1.0, beside) / total, np.where(tied_less, beside, 1.0) / total
        least /= total
        first_more = half >= 0
        win, loss = np.where(first_more, more, least), np.where(first_more, least, more)
        return half, top, rest, (win, loss, drawn)

    def _logs(self, half: FloatArray, top: FloatArray, rest: FloatArray, tie: float) -> FloatArray:
        # What lies beside the largest term is added up alone: exact also of an outcome that is all but certain.
        logs: FloatArray = np.stack([half - top, -half - top, tie - top])
        logs -= np.log1p(rest)
        return logs

    def _curvature(
        self, probabilities: tuple[FloatArray, FloatArray, FloatArray], total: FloatArray
    ) -> FloatArray:
        win, loss, drawn = probabilities
        by_tie = total * drawn * (win + loss)
        return _from_difference(total * win * loss + by_tie / 4, total * drawn * (loss - win) / 2, by_tie)

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        return tie, 1.0, 0.0

    def start(self, tie_share: float) -> float:
        return float(np.log(2 * tie_share / (1 - tie_share)))

    def stretch(self, tie_share: float) -> float:
        return 1 / (1 - tie_share)


@dataclass(frozen=True)
class RaoKupper:
    """P(win) = sigma(d - eta), P(loss) = sigma(-d - eta), P(tie) the rest; the tie parameter is eta > 0."""

    outcomes: tuple[str, ...] = ("model_a", "model_b", "tie")
    smallest_tie_parameter: float = 0.0
    absolute: bool = False

    def log_probabilities(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        difference = first - second
        win, loss = special.log_expit(difference - tie), special.log_expit(-difference - tie)
        # P(tie) = (exp(2 eta) - 1) P(win) P(loss).
        drawn = win + loss + 2 * tie + np.log(-np.expm1(-2 * tie))
        return np.stack([win, loss, _log_of_rest(drawn, np.exp(win) + np.exp(loss))])

    def scores(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        difference = first - second
        win, loss = special.expit(difference - tie), special.expit(-difference - tie)
        not_win, not_loss = special.expit(tie - difference), special.expit(tie + difference)
        # Of a tie, sums of probabilities, so that nothing cancels where it is nearly certain.
        by_difference = np.stack([not_win, -not_loss, loss - win])
        by_tie = np.stack([-not_win, -not_loss, win + loss - 2 * np.exp(-2 * tie) / np.expm1(-2 * tie)])
        return np.stack([by_difference, -by_difference, by_tie], axis=1)

    def curvature(self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray) -> FloatArray:
        difference = first - second
        won = (weights[0] + weights[2]) * _variance(difference - tie)
        lost = (weights[1] + weights[2]) * _variance(difference + tie)
        barrier = np.square(1 / np.sinh(tie)) if tie < 300 else 0.0
        return _from_difference(won + lost, lost - won, won + lost + weights[2] * barrier)

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray
    ) -> TieDerivatives:
        return _derivatives(self, first, second, tie, weights)

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        slope = -1 / np.expm1(-tie)
        return tie + float(np.log(-np.expm1(-tie))), float(slope), float(slope * (1 - slope))

    def start(self, tie_share: float) -> float:
        return float(2 * np.arctanh(tie_share))

    def stretch(self, tie_share: float) -> float:
        return 1 / (1 - tie_share**2)


@dataclass(frozen=True)
class Grounded:
    """Rao-Kupper on an absolute scale, with both_bad as an outcome of its own; the tie parameter is eta.

    With pi = exp(strength) and lambda = 1 + exp(eta), P(a) = pi_a / (pi_a + lambda * pi_b + 1), P(b) alike,
    P(both bad) = 1 / (1 + pi_a + pi_b), and a tie is the rest. With S = 1 + pi_a + pi_b, A = S + exp(eta) pi_b
    and B = S + exp(eta) pi_a, this rest is pi_a * pi_b * exp(eta) * (A + B) / (S * A * B), never negative.
    """

    outcomes: tuple[str, ...] = ("model_a", "model_b", "tie", "both_bad")
    smallest_tie_parameter: float = -np.inf
    absolute: bool = True

    def log_probabilities(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        both, beside_a, beside_b, either = (_log_sum_exp(m) for m in _grounded_terms(first, second, tie))
        won, lost = first - beside_a, second - beside_b
        drawn = first + second + tie + either - both - beside_a - beside_b
        others = np.exp(won) + np.exp(lost) + np.exp(-both)
        return np.stack([won, lost, _log_of_rest(drawn, others), -both])

    def scores(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        both, beside_a, beside_b, either = (_shares(m) for m in _grounded_terms(first, second, tie))
        one, a, b, _, tied_b = beside_a
        won = np.stack([one + b + tied_b, -b - tied_b, -tied_b])
        one, a, b, tied_a, _ = beside_b
        lost = np.stack([-a - tied_a, one + a + tied_a, -tied_a])
        bad = -_by_parameter(both)
        drawn = 1 + bad + _by_parameter(either) - _by_parameter(beside_a) - _by_parameter(beside_b)
        # The scores have mean zero, which does not cancel where a tie is nearly certain.
        chances = np.exp(self.log_probabilities(first, second, tie))
        rest = -(chances[0] * won + chances[1] * lost + chances[3] * bad) / np.maximum(chances[2], 0.5)
        return np.stack([won, lost, np.where(chances[2] > 0.5, rest, drawn), bad])

    def curvature(self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray) -> FloatArray:
        won, lost, drawn, bad = weights
        total = np.zeros((3, 3, len(first)))
        terms = _grounded_terms(first, second, tie)
        for term, weight in zip(terms, (drawn + bad, won + drawn, lost + drawn, -drawn), strict=True):
            total += weight * _exponent_covariance(_shares(term))
        return total

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray
    ) -> TieDerivatives:
        return _derivatives(self, first, second, tie, weights)

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        return tie, 1.0, 0.0

    def start(self, tie_share: float) -> float:
        return float(np.log(2 * tie_share / (1 - tie_share)))

    def stretch(self, tie_share: float) -> float:
        return 1.0


LIKELIHOODS: dict[TieModel, TieLikelihood] = {
    "rao-kupper": RaoKupper(),
    "davidson": Davidson(),
    "grounded": Grounded(),
}


def likelihood_of(model: str) -> TieLikelihood:
    """Return the likelihood of that name; `InvalidOptionError` if there is none."""
    for name, likelihood in LIKELIHOODS.items():
        if name == model:
            return likelihood
    raise InvalidOptionError(
        f"model is {model!r}: the models with ties are {', '.join(map(repr, LIKELIHOODS))}."
    )


def _derivatives(
    likelihood: TieLikelihood, first: FloatArray, second: FloatArray, tie: float, weights: FloatArray
) -> TieDerivatives:
    return TieDerivatives(
        loss=float(-(weights * likelihood.log_probabilities(first, second, tie)).sum()),
        gradient=-np.einsum("op,odp->dp", weights, likelihood.scores(first, second, tie)),
        curvature=likelihood.curvature(first, second, tie, weights),
    )


def _grounded_terms(first: FloatArray, second: FloatArray, tie: float) -> tuple[FloatArray, ...]:
    """Return the logarithms of the terms of S, A, B and A + B, each of shape (5, n_pairs).

    The terms are multiples of 1, pi_a, pi_b, pi_a exp(eta) and pi_b exp(eta).
    """
    logs = np.stack([np.zeros_like(first), first, second, first + tie, second + tie])
    absent, double = -np.inf, np.log(2.0)
    factors = ((0, 0, 0, absent, absent), (0, 0, 0, absent, 0), (0, 0, 0, 0, absent), (double,) * 3 + (0, 0))
    return tuple(logs + np.array(factor)[:, np.newaxis] for factor in factors)


def _shares(terms: FloatArray) -> FloatArray:
    """Return each term's share of the sum of grounded terms, shape (5, n_pairs)."""
    shares: FloatArray = np.exp(terms - _log_sum_exp(terms))
    return shares


def _log_of_rest(log_rest: FloatArray, others: FloatArray) -> FloatArray:
    """Return the logarithm of a probability, from those of the others where it is nearly certain."""
    return np.where(others < 0.5, np.log1p(-np.minimum(others, 0.5)), log_rest)


def _by_parameter(shares: FloatArray) -> FloatArray:
    """Differentiate the logarithm of a sum of grounded terms by s, t and the tie parameter."""
    _, a, b, tied_a, tied_b = shares
    return np.stack([a + tied_a, b + tied_b, tied_a + tied_b])


def _exponent_covariance(shares: FloatArray) -> FloatArray:
    """Differentiate the logarithm of a sum of grounded terms twice, shape (3, 3, n_pairs)."""
    one, a, b, tied_a, tied_b = shares
    by_a, by_b, by_tie = _by_parameter(shares)
    mixed_a, mixed_b = tied_a - by_a * by_tie, tied_b - by_b * by_tie
    return np.stack(
        [
            np.stack([by_a * (one + by_b), -by_a * by_b, mixed_a]),
            np.stack([-by_a * by_b, by_b * (one + by_a), mixed_b]),
            np.stack([mixed_a, mixed_b, by_tie * (one + a + b)]),
        ]
    )


def _log_sum_exp(logits: FloatArray) -> FloatArray:
    top = logits.max(axis=0)
    total: FloatArray = top + np.log(np.exp(logits - top).sum(axis=0))
    return total


def _variance(logit: FloatArray) -> FloatArray:
    product: FloatArray = special.expit(logit) * special.expit(-logit)
    return product


def _from_difference(twice: FloatArray, mixed: FloatArray, by_tie: FloatArray) -> FloatArray:
    """Spread derivatives by (difference, tie parameter) over (s, t, tie parameter)."""
    spread = np.empty((3, 3, len(twice)))
    spread[0, 0] = spread[1, 1] = twice
    spread[0, 1] = spread[1, 0] = -twice
    spread[0, 2] = spread[2, 0] = mixed
    spread[1, 2] = spread[2, 1] = -mixed
    spread[2, 2] = by_tie
    return spread
