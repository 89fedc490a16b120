"""The fit in which two models are held level: its slope says which of them the votes put ahead.

The log-likelihood is concave. So the free fit puts a model ahead exactly when, in the fit with both held at one
strength, the votes still push that model upwards. This push, the lead, counts in votes, and a vote more or less
changes it nearly linearly, much more so than it changes the gap between the two strengths.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, sparse, special
from scipy.sparse import csgraph

from ratings.arrays import BoolArray, FloatArray, IntArray, group_sums
from ratings.comparisons import Comparisons
from ratings.errors import NotConvergedError
from ratings.linear_algebra import mean_zero_inverse

_STEPS = 60
_CLOSE = 1e-8
_SLOW = 0.25
_ROUNDING = 1e-13
_LEAST_LEAD, _LEAST_GAP = 1e-7, 1e-11


@dataclass(frozen=True, kw_only=True, eq=False)
class Curvature:
    """The inverse Hessian seen from two models.

    Attributes
    ----------
    direction : float64, shape (n_models,)
        How the strengths move when the challenger gains one point on the leader, all else left to the votes.
    level_inverse : float64, shape (n_models, n_models)
        Inverse of the Hessian on moves that keep the two level.
    resistance : float
        How much a lead of one vote moves the gap, natural log-odds.
    """

    direction: FloatArray
    level_inverse: FloatArray
    resistance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class LevelFit:
    """The fit with both models level.

    Attributes
    ----------
    strengths : float64, shape (n_models,)
    lead : float
        Push on the challenger, in votes: above 0, the free fit puts it ahead of the leader.
    curvature : Curvature
    total : float64, shape (n_pairs,)
        Votes that were fitted: all but those of models that no longer belong to the same board.
    """

    strengths: FloatArray
    lead: float
    curvature: Curvature
    total: FloatArray


class Contest:
    """A leader and a challenger on a board, of which votes may be changed.

    Parameters
    ----------
    comparisons : Comparisons
        Votes with a finite maximum, of mean weight about 1: what is lost in rounding is told from a lead in votes.
    leader, challenger : int
        Places of the two in ``comparisons.models``.

    Attributes
    ----------
    ahead : float
        A lead must exceed this many votes, well above rounding and well below any vote, to count as one.
    rounding : float64, shape (n_pairs,)
        What subtracting all votes of a pair may leave of their weight.
    """

    def __init__(self, comparisons: Comparisons, *, leader: int, challenger: int) -> None:
        self.models = len(comparisons.models)
        self.first, self.second = comparisons.first, comparisons.second
        self.total, self.score = comparisons.total, comparisons.score
        self.leader, self.challenger = leader, challenger
        self.ahead = _LEAST_LEAD
        self.rounding = _ROUNDING * self.total
        self._edges = self._won_or_tied(self.total, self.score)

    def begin(self, strengths: FloatArray) -> LevelFit:
        """Fit the unchanged votes, from the strengths of the free fit."""
        curvature = self._curvature(strengths, self.total)
        self.ahead = max(_LEAST_LEAD, _LEAST_GAP / curvature.resistance)
        gap = strengths[self.challenger] - strengths[self.leader]
        level = self._levelled(strengths - gap * curvature.direction)
        start = LevelFit(strengths=level, lead=np.nan, curvature=curvature, total=self.total)
        return self.renew(self._fit(self.total, self.score, start))

    def refit(self, total: FloatArray, score: FloatArray, start: LevelFit) -> LevelFit | None:
        """Fit changed votes, shape (n_pairs,); None where these no longer rate the two on one scale.

        None also where the changed votes are too lopsided for double precision.
        """
        edges = self._won_or_tied(total, score)
        if any((before & ~after).any() for before, after in zip(self._edges, edges, strict=True)):
            label = self._groups(*edges)
            if label[self.leader] != label[self.challenger]:
                return None
            inside = (label[self.first] == label[self.leader]) & (label[self.second] == label[self.leader])
            total, score = np.where(inside, total, 0.0), np.where(inside, score, 0.0)
        try:
            return self._fit(total, score, start)
        except NotConvergedError:
            return None

    def renew(self, fit: LevelFit) -> LevelFit:
        """Compute the curvature at a fit anew."""
        return replace(fit, curvature=self._curvature(fit.strengths, fit.total))

    def expected(self, strengths: FloatArray) -> FloatArray:
        """Compute the expected outcome of each pair from the side of its first model."""
        return special.expit(strengths[self.first] - strengths[self.second])

    def _fit(self, total: FloatArray, score: FloatArray, start: LevelFit) -> LevelFit:
        strengths, curvature = start.strengths, start.curvature
        reach_before = np.inf
        for _ in range(_STEPS):
            surplus = self._net(score - total * self.expected(strengths))
            step = curvature.level_inverse @ surplus
            reach = float(np.ptp(step))
            if reach > _SLOW * reach_before:
                curvature = self._curvature(strengths, total)
                step = curvature.level_inverse @ surplus
                reach = float(np.ptp(step))
            strengths = self._levelled(strengths + step * (np.log1p(reach) / reach if reach > 0 else 1.0))
            if reach < _CLOSE:
                lead = float((curvature.direction * surplus).sum())
                return LevelFit(strengths=strengths, lead=lead, curvature=curvature, total=total)
            reach_before = reach
        raise NotConvergedError(iterations=_STEPS, last_step=reach, tolerance=_CLOSE)

    def _levelled(self, strengths: FloatArray) -> FloatArray:
        """Take away the difference that rounding leaves between the two."""
        pair = [self.leader, self.challenger]
        strengths[pair] = strengths[pair].mean()
        return strengths

    def _curvature(self, strengths: FloatArray, total: FloatArray) -> Curvature:
        expected = self.expected(strengths)
        try:
            inverse = mean_zero_inverse(self._hessian(total * expected * (1 - expected)))
        except linalg.LinAlgError as error:
            raise NotConvergedError(iterations=0, last_step=np.inf, tolerance=_CLOSE) from error
        pull = inverse[:, self.challenger] - inverse[:, self.leader]
        resistance = pull[self.challenger] - pull[self.leader]
        return Curvature(
            direction=pull / resistance,
            level_inverse=inverse - np.outer(pull, pull) / resistance,
            resistance=float(resistance),
        )

    def _hessian(self, values: FloatArray) -> FloatArray:
        matrix = np.zeros((self.models, self.models))
        matrix[self.first, self.second] = matrix[self.second, self.first] = -values
        # A model whose votes are all gone is tied to the leader, which moves nobody else.
        (lonely,) = np.nonzero((matrix == 0).all(axis=0))
        matrix[lonely, self.leader] = matrix[self.leader, lonely] = -1.0
        matrix[np.diag_indices(self.models)] = -matrix.sum(axis=1)
        return matrix

    def _groups(self, forward: BoolArray, backward: BoolArray) -> IntArray:
        """Label the models that "won or tied" connects in both directions, shape (n_models,)."""
        winners = np.concatenate([self.first[forward], self.second[backward]])
        losers = np.concatenate([self.second[forward], self.first[backward]])
        graph = sparse.csr_array((np.ones(len(winners)), (winners, losers)), shape=(self.models,) * 2)
        label = csgraph.connected_components(graph, directed=True, connection="strong")[1]
        return label.astype(np.int64)

    def _net(self, values: FloatArray) -> FloatArray:
        return group_sums(self.first, values, self.models) - group_sums(self.second, values, self.models)

    def _won_or_tied(self, total: FloatArray, score: FloatArray) -> tuple[BoolArray, BoolArray]:
        return score > self.rounding, total - score > self.rounding
