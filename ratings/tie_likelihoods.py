"""What the models with ties say of one vote: log-probabilities and their derivatives, for many pairs at once.

Each likelihood knows a vote between a first and a second model of strengths s and t, with one tie parameter
shared by all pairs. Arrays run over pairs last. Derivatives are taken by (s, t, tie parameter) where strengths have
an absolute zero, and else by (s - t, tie parameter): n_by is 3 or 2.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from scipy import special

from ratings.arrays import FloatArray
from ratings.errors import InvalidOptionError
from ratings.outcome_weights import OutcomeWeights

_LARGEST_HALF = 350.0
"""Half the difference of strengths at which one of the two surely wins; powers of this size are still numbers."""

TieModel: TypeAlias = Literal["rao-kupper", "davidson", "grounded"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TieDerivatives:
    """What weighted votes say at one point.

    Attributes
    ----------
    gradient : float64, shape (n_by, n_pairs)
        Derivatives of each pair's loss, minus the sum of weights * log P.
    curvature : float64, shape (n_by, n_by, n_pairs)
    """

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
        """Differentiate log P once, shape (n_outcomes, n_by, n_pairs)."""

    def gradient(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> FloatArray:
        """Differentiate each pair's loss once, shape (n_by, n_pairs)."""

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> TieDerivatives:
        """Differentiate each pair's loss once and twice."""

    def reach(self, first: FloatArray, second: FloatArray, tie: float) -> float | None:
        """Bound how far a step moves the log-odds between two outcomes of any vote.

        None where that bounds no change of the curvature.
        """

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        """Compute the penalised form of the tie parameter, and its first and second derivative.

        Zero stands for a win, a loss and a tie equally likely between equals (grounded: that are both good).
        """

    def start(self, tie_share: float) -> float:
        """Guess the tie parameter from the share of ties among the votes, between 0 and 1."""

    def difference(self, log_odds: FloatArray, tie: float) -> FloatArray:
        """Compute how far apart two models are of which one wins with these log-odds, ties as half wins."""


@dataclass(frozen=True)
class Davidson:
    """P(win) : P(loss) : P(tie) = pi_a : pi_b : nu * sqrt(pi_a * pi_b); the tie parameter is log(nu)."""

    outcomes: tuple[str, ...] = ("model_a", "model_b", "tie")
    smallest_tie_parameter: float = -np.inf
    absolute: bool = False

    def log_probabilities(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        half = (first - second) / 2
        size = np.abs(half)
        top = np.maximum(size, tie)
        logs: FloatArray = np.stack([half - top, -half - top, tie - top])
        # What lies beside the largest term is added up alone: exact also of an outcome that is all but certain.
        logs -= np.log1p(np.exp(-np.abs(size - tie)) + np.exp(-size - top))
        return logs

    def scores(self, first: FloatArray, second: FloatArray, tie: float) -> FloatArray:
        win, loss, drawn = self._probabilities(first, second, tie)
        # Sums of probabilities, so that nothing cancels where one outcome is nearly certain.
        by_difference = np.stack([loss + drawn / 2, -win - drawn / 2, (loss - win) / 2])
        by_tie = np.stack([-drawn, -drawn, win + loss])
        return np.stack([by_difference, by_tie], axis=1)

    def gradient(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> FloatArray:
        return self._gradient(self._probabilities(first, second, tie), weights)

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> TieDerivatives:
        probabilities = self._probabilities(first, second, tie)
        win, loss, drawn = probabilities
        by_tie = weights.total * drawn
        mixed = by_tie * (loss - win) / 2
        by_tie *= win + loss
        return TieDerivatives(
            gradient=self._gradient(probabilities, weights),
            curvature=_symmetric(weights.total * win * loss + by_tie / 4, mixed, by_tie),
        )

    def reach(self, first: FloatArray, second: FloatArray, tie: float) -> float | None:
        widest = float(np.abs(first - second).max(initial=0.0))
        return max(widest, widest / 2 + abs(tie))

    def _probabilities(
        self, first: FloatArray, second: FloatArray, tie: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        half = np.minimum(np.maximum((first - second) / 2, -_LARGEST_HALF), _LARGEST_HALF)
        win, drawn = np.exp(half), np.exp(min(tie, 2 * _LARGEST_HALF))
        loss = 1 / win
        share = 1 / (win + loss + drawn)
        return win * share, loss * share, drawn * share

    def _gradient(
        self, probabilities: tuple[FloatArray, FloatArray, FloatArray], weights: OutcomeWeights
    ) -> FloatArray:
        win, loss, drawn = probabilities
        gradient = np.empty((2, len(win)))
        # Products of what came with chances of what did not: nothing cancels where one outcome is nearly certain.
        gradient[0] = weights.points[1] * win - weights.points[0] * loss - weights.lead * drawn
        gradient[1] = weights.decided * drawn - weights.by_outcome[2] * (win + loss)
        return gradient

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        return tie, 1.0, 0.0

    def start(self, tie_share: float) -> float:
        return float(np.log(2 * tie_share / (1 - tie_share)))

    def difference(self, log_odds: FloatArray, tie: float) -> FloatArray:
        odds, half = np.exp(np.abs(log_odds)), np.exp(tie) / 2
        # With u = sqrt(pi_a / pi_b), (u + nu / 2) / (1 / u + nu / 2) are the odds.
        surplus = half * (odds - 1)
        difference: FloatArray = (
            np.sign(log_odds) * 2 * np.log((surplus + np.sqrt(surplus**2 + 4 * odds)) / 2)
        )
        return difference


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
        return np.stack([by_difference, by_tie], axis=1)

    def gradient(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> FloatArray:
        return _gradient(weights, self.scores(first, second, tie))

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> TieDerivatives:
        difference, (won, lost, drawn) = first - second, weights.by_outcome
        towards, away = (
            (won + drawn) * _variance(difference - tie),
            (lost + drawn) * _variance(difference + tie),
        )
        barrier = np.square(1 / np.sinh(tie)) if tie < 300 else 0.0
        return TieDerivatives(
            gradient=self.gradient(first, second, tie, weights),
            curvature=_symmetric(towards + away, away - towards, towards + away + drawn * barrier),
        )

    def reach(self, first: FloatArray, second: FloatArray, tie: float) -> float | None:
        return None

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        slope = -1 / np.expm1(-tie)
        return tie + float(np.log(-np.expm1(-tie))), float(slope), float(slope * (1 - slope))

    def start(self, tie_share: float) -> float:
        return float(2 * np.arctanh(tie_share))

    def difference(self, log_odds: FloatArray, tie: float) -> FloatArray:
        rest = 2 / (1 + np.exp(np.abs(log_odds)))
        # With d the difference, sinh(d) / (cosh(d) + cosh(eta)) is 1 - rest, the share of wins less that of losses.
        held = (1 - rest) * np.cosh(tie)
        difference: FloatArray = np.sign(log_odds) * np.log(
            (held + np.sqrt(held**2 + rest * (2 - rest))) / rest
        )
        return difference


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

    def gradient(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> FloatArray:
        return _gradient(weights, self.scores(first, second, tie))

    def derivatives(
        self, first: FloatArray, second: FloatArray, tie: float, weights: OutcomeWeights
    ) -> TieDerivatives:
        won, lost, drawn, bad = weights.by_outcome
        total = np.zeros((3, 3, len(first)))
        terms = _grounded_terms(first, second, tie)
        for term, weight in zip(terms, (drawn + bad, won + drawn, lost + drawn, -drawn), strict=True):
            total += weight * _exponent_covariance(_shares(term))
        return TieDerivatives(gradient=self.gradient(first, second, tie, weights), curvature=total)

    def reach(self, first: FloatArray, second: FloatArray, tie: float) -> float | None:
        return None

    def log_tie_weight(self, tie: float) -> tuple[float, float, float]:
        return tie, 1.0, 0.0

    def start(self, tie_share: float) -> float:
        return float(np.log(2 * tie_share / (1 - tie_share)))

    def difference(self, log_odds: FloatArray, tie: float) -> FloatArray:
        return log_odds


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


def _gradient(weights: OutcomeWeights, scores: FloatArray) -> FloatArray:
    gradient: FloatArray = -np.einsum("op,odp->dp", weights.by_outcome, scores)
    return gradient


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


def _symmetric(by_difference: FloatArray, mixed: FloatArray, by_tie: FloatArray) -> FloatArray:
    """Arrange second derivatives by difference and tie parameter, shape (2, 2, n_pairs)."""
    both = np.empty((2, 2, len(mixed)))
    both[0, 0], both[1, 1] = by_difference, by_tie
    both[0, 1] = both[1, 0] = mixed
    return both
