"""What can be changed about the votes on a board, and how far each change moves two models apart."""

from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ratings.arrays import FloatArray, IntArray, group_sums
from ratings.clusters import all_cells
from ratings.comparisons import OUTCOMES, Comparisons
from ratings.encoding import WINNERS
from ratings.errors import InvalidOptionError
from ratings.level_fit import Contest, LevelFit

_BRIDGE = 0.1

Cell = TypeVar("Cell", np.int64, np.float64)


class Changes(Protocol):
    """Votes, or voters, that can be changed."""

    limit: IntArray
    """How many there are of each kind, shape (n_kinds,)."""

    def influences(self, contest: Contest, fit: LevelFit) -> FloatArray:
        """Estimate how far the change of one of each kind moves the lead, shape (n_kinds,)."""

    def apply(self, used: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return total and score of each pair after changing ``used`` of each kind, shape (n_pairs,)."""


def with_all_pairs(comparisons: Comparisons) -> Comparisons:
    """Give every pair of models a row, with no votes where they never met; leaves clusters out."""
    size = len(comparisons.models)
    first, second = np.triu_indices(size, k=1)
    row = np.searchsorted(first * size + second, comparisons.first * size + comparisons.second)

    def spread(cells: npt.NDArray[Cell]) -> npt.NDArray[Cell]:
        spread = np.zeros((len(first), len(WINNERS)), dtype=cells.dtype)
        spread[row] = cells
        return spread

    return replace(
        comparisons,
        first=first,
        second=second,
        counts=spread(comparisons.counts),
        weights=spread(comparisons.weights),
        squared_weights=spread(comparisons.squared_weights),
        clusters=None,
    )


class DroppedVotes:
    """Votes that can be dropped: a kind for each pair and winner, shape (n_pairs * 4,)."""

    def __init__(self, comparisons: Comparisons) -> None:
        self.limit = comparisons.counts.ravel()
        self._comparisons = comparisons
        self._total, self._score = comparisons.total, comparisons.score
        self._weight = _weight_of_one(comparisons)

    def influences(self, contest: Contest, fit: LevelFit) -> FloatArray:
        expected = contest.expected(fit.strengths)[:, np.newaxis]
        pull, leverage = _pull_and_leverage(contest, fit)
        kept = np.maximum(1 - self._weight * leverage[:, np.newaxis], _BRIDGE)
        return (-self._weight * pull[:, np.newaxis] * (OUTCOMES - expected) / kept).ravel()

    def apply(self, used: IntArray) -> tuple[FloatArray, FloatArray]:
        dropped = used.reshape(-1, len(OUTCOMES)) * self._weight
        return self._total - dropped.sum(axis=1), self._score - (dropped * OUTCOMES).sum(axis=1)

    def cells(self, used: IntArray) -> pd.DataFrame:
        """Name the votes: columns model_a, model_b, winner, votes."""
        votes = used.reshape(-1, len(OUTCOMES))
        pair, winner = np.nonzero(votes)
        return _cells(self._comparisons, pair, votes[pair, winner], winner=winner)


class FlippedVotes:
    """Votes that can be turned into a win of either side: a kind for each pair, winner and new winner.

    Shape (n_pairs * 4 * 2,); only the new winner that helps has influence above 0.
    """

    def __init__(self, comparisons: Comparisons) -> None:
        self.limit = np.repeat(comparisons.counts.ravel(), 2)
        self._comparisons = comparisons
        self._total, self._score = comparisons.total, comparisons.score
        change = np.array([1.0, 0.0]) - OUTCOMES[:, np.newaxis]
        self._change = _weight_of_one(comparisons)[:, :, np.newaxis] * change

    def influences(self, contest: Contest, fit: LevelFit) -> FloatArray:
        pull, _ = _pull_and_leverage(contest, fit)
        influence: FloatArray = (pull[:, np.newaxis, np.newaxis] * self._change).ravel()
        return influence

    def apply(self, used: IntArray) -> tuple[FloatArray, FloatArray]:
        change: FloatArray = (used.reshape(self._change.shape) * self._change).sum(axis=(1, 2))
        return self._total, self._score + change

    def cells(self, used: IntArray) -> pd.DataFrame:
        """Name the votes: columns model_a, model_b, winner, new_winner, votes."""
        votes = used.reshape(self._change.shape)
        pair, winner, new_winner = np.nonzero(votes)
        number = votes[pair, winner, new_winner]
        return _cells(self._comparisons, pair, number, winner=winner, new_winner=new_winner)


class AddedVotes:
    """New votes of one weight: a kind for each pair and each of its sides as winner, shape (n_pairs * 2,)."""

    def __init__(self, comparisons: Comparisons, weight: float = 1.0) -> None:
        self.weight = weight
        self.limit = np.full(2 * len(comparisons.first), np.iinfo(np.int64).max)
        self._comparisons = comparisons
        self._total, self._score = comparisons.total, comparisons.score

    def influences(self, contest: Contest, fit: LevelFit) -> FloatArray:
        expected = contest.expected(fit.strengths)
        pull, leverage = _pull_and_leverage(contest, fit)
        surplus = self.weight * np.stack([1 - expected, -expected], axis=1)
        return (surplus * (pull / (1 + self.weight * leverage))[:, np.newaxis]).ravel()

    def apply(self, used: IntArray) -> tuple[FloatArray, FloatArray]:
        added = self.weight * used.reshape(-1, 2)
        return self._total + added.sum(axis=1), self._score + added[:, 0]

    def cells(self, used: IntArray) -> pd.DataFrame:
        """Name the votes: columns model_a, model_b, winner, votes."""
        votes = used.reshape(-1, 2)
        pair, winner = np.nonzero(votes)
        return _cells(self._comparisons, pair, votes[pair, winner], winner=winner)


class RemovedClusters:
    """Clusters (usually voters) that can be removed with all their votes, shape (n_clusters,)."""

    def __init__(self, comparisons: Comparisons) -> None:
        cells = all_cells(comparisons.clusters)
        if cells is None:
            raise InvalidOptionError(
                "These comparisons do not keep voters apart: "
                "build them with Comparisons.from_battles(battles, cluster='voter')."
            )
        self.limit = np.ones(int(cells.cluster.max(initial=-1)) + 1, dtype=np.int64)
        self._comparisons = comparisons
        self._total, self._score = comparisons.total, comparisons.score
        self._cells = cells

    def influences(self, contest: Contest, fit: LevelFit) -> FloatArray:
        cells = self._cells
        pull, _ = _pull_and_leverage(contest, fit)
        surplus = cells.score - cells.weight * contest.expected(fit.strengths)[cells.pair]
        return group_sums(cells.cluster, -pull[cells.pair] * surplus, len(self.limit))

    def apply(self, used: IntArray) -> tuple[FloatArray, FloatArray]:
        cells = self._cells
        removed = np.flatnonzero(used[cells.cluster])
        pair, size = cells.pair[removed], len(self._total)
        total = self._total - group_sums(pair, cells.weight[removed], size)
        return total, self._score - group_sums(pair, cells.score[removed], size)

    def removed(self, used: IntArray) -> tuple[tuple[Any, ...], float]:
        """Return the identities of the removed clusters, and the total weight of their votes."""
        identities = self._cells.identities.take(np.flatnonzero(used)).to_pylist()
        return tuple(identities), float(self._cells.weight[used[self._cells.cluster] > 0].sum())


def _cells(comparisons: Comparisons, pair: IntArray, votes: IntArray, **winners: IntArray) -> pd.DataFrame:
    models, labels = comparisons.models, np.array(WINNERS)
    table = {
        "model_a": [models[place] for place in comparisons.first[pair]],
        "model_b": [models[place] for place in comparisons.second[pair]],
        **{name: labels[winner] for name, winner in winners.items()},
        "votes": votes,
    }
    return pd.DataFrame(table).sort_values("votes", ascending=False, kind="stable", ignore_index=True)


def _pull_and_leverage(contest: Contest, fit: LevelFit) -> tuple[FloatArray, FloatArray]:
    """Return how one vote won by the first model of each pair pulls at the lead, and a vote's leverage."""
    first, second = contest.first, contest.second
    direction, inverse = fit.curvature.direction, fit.curvature.level_inverse
    expected = contest.expected(fit.strengths)
    diagonal = np.diag(inverse)
    distance = diagonal[first] + diagonal[second] - 2 * inverse[first, second]
    return direction[first] - direction[second], expected * (1 - expected) * distance


def _weight_of_one(comparisons: Comparisons) -> FloatArray:
    """Return the mean weight of the votes of each pair and winner, shape (n_pairs, 4)."""
    return comparisons.weights / np.maximum(comparisons.counts, 1)
