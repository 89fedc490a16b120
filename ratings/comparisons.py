"""Comparisons: votes aggregated into one cell per pair of models."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from ratings.arrays import BoolArray, FloatArray, IntArray, group_sums
from ratings.encoding import WINNERS, EncodedBattles, encode_battles
from ratings.errors import InvalidComparisonsError, name_some

OUTCOMES = np.array([1.0, 0.0, 0.5, 0.5])
"""The outcome of each winner label, from the side of model a."""

_MIRRORED = np.array([WINNERS.index(label) for label in ("model_b", "model_a", "tie", "both_bad")])


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterCells:
    """The votes of each cluster (usually a voter) on each pair, summed.

    Attributes
    ----------
    column : str
        The column that named the clusters.
    cluster, pair : int64, shape (n_cells,)
        Whose votes, on which row of ``Comparisons.first`` and ``second``.
    weight : float64, shape (n_cells,)
        Total weight of these votes.
    score : float64, shape (n_cells,)
        Sum of weight times outcome, from the side of the first model.
    """

    column: str
    cluster: IntArray
    pair: IntArray
    weight: FloatArray
    score: FloatArray

    @property
    def size(self) -> int:
        """Number of clusters that voted, n_clusters."""
        return len(np.unique(self.cluster))


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparisons:
    """Votes on pairs of models, aggregated.

    The same set of votes gives the same bytes, whatever the order of the rows and whichever model stood on
    side a: models are sorted by name, each pair appears once with its first model before its second, pairs
    are sorted, and votes are counted as integers before anything is multiplied.

    Attributes
    ----------
    models : tuple of str
        Sorted names, length n_models.
    first, second : int64, shape (n_pairs,)
        Indices into ``models``, first < second.
    counts : int64, shape (n_pairs, 4)
        Votes: the first model won, the second won, tie, both bad.
    weights, squared_weights : float64, shape (n_pairs, 4)
        Sums over these votes of the weight and of its square; equal to ``counts`` without weights.
    clusters : ClusterCells or None
        The same votes kept apart by voter, when asked for.
    """

    models: tuple[str, ...]
    first: IntArray
    second: IntArray
    counts: IntArray
    weights: FloatArray
    squared_weights: FloatArray
    clusters: ClusterCells | None = None

    @staticmethod
    def from_battles(battles: pd.DataFrame, *, cluster: str | None = None) -> "Comparisons":
        """Check and aggregate a table of battles.

        Parameters
        ----------
        battles : DataFrame
            Columns model_a, model_b, winner and optionally count and weight; the convention is in
            ``ratings/README.md``. An empty table gives empty comparisons.
        cluster : str, optional
            Column of voter identities; keeps the votes apart by voter for clustered intervals.

        Returns
        -------
        Comparisons

        Raises
        ------
        InvalidComparisonsError
            If a row breaks the convention; an unknown winner label never becomes a tie.

        Examples
        --------
        >>> battles = pd.DataFrame(
        ...     {"model_a": ["x", "y", "z"], "model_b": ["y", "x", "x"], "winner": ["model_a", "model_b", "tie"]}
        ... )
        >>> Comparisons.from_battles(battles).counts.tolist()
        [[2, 0, 0, 0], [0, 0, 1, 0]]
        """
        return _aggregate(encode_battles(battles, cluster=cluster), cluster)

    @property
    def total(self) -> FloatArray:
        """Total weight of each pair, shape (n_pairs,)."""
        total: FloatArray = self.weights.sum(axis=1)
        return total

    @property
    def score(self) -> FloatArray:
        """Weight won by the first model of each pair, ties as half, shape (n_pairs,)."""
        score: FloatArray = (self.weights * OUTCOMES).sum(axis=1)
        return score

    @property
    def votes(self) -> int:
        """Number of votes."""
        return int(self.counts.sum())

    def votes_by_model(self) -> IntArray:
        """Count the votes in which each model took part, shape (n_models,)."""
        votes = self.counts.sum(axis=1).astype(np.float64)
        return (self._add_up(self.first, votes) + self._add_up(self.second, votes)).astype(np.int64)

    def win_rates(self) -> FloatArray:
        """Share of votes won by each model, ties as half, unweighted; NaN without votes; shape (n_models,)."""
        won = self._add_up(self.first, (self.counts * OUTCOMES).sum(axis=1))
        won += self._add_up(self.second, (self.counts * (1 - OUTCOMES)).sum(axis=1))
        votes = self.votes_by_model()
        unknown = np.full(len(votes), np.nan)
        rates: FloatArray = np.divide(won, votes, out=unknown, where=votes > 0)
        return rates

    def net_by_model(self, values: FloatArray) -> FloatArray:
        """Add each pair's value to its first model and take it from its second: X'v, shape (n_models,)."""
        return self._add_up(self.first, values) - self._add_up(self.second, values)

    def laplacian(self, values: FloatArray) -> FloatArray:
        """Sum value times x x' over pairs, x = +1 at the first and -1 at the second model.

        Parameters
        ----------
        values : float64, shape (n_pairs,)

        Returns
        -------
        float64, shape (n_models, n_models)
            Symmetric; each row sums to zero.
        """
        matrix = np.diag(self._add_up(self.first, values) + self._add_up(self.second, values))
        matrix[self.first, self.second] = -values
        matrix[self.second, self.first] = -values
        return matrix

    def restrict(self, models: Iterable[str]) -> "Comparisons":
        """Keep only the votes between the given models.

        Parameters
        ----------
        models : iterable of str

        Returns
        -------
        Comparisons
            On exactly these models, in sorted order, even where some are left without votes.

        Raises
        ------
        InvalidComparisonsError
            If a name is not among ``self.models``.
        """
        wanted = set(models)
        unknown = sorted(wanted.difference(self.models))
        if unknown:
            raise InvalidComparisonsError(
                f"Cannot restrict to {name_some(unknown)}: not among {name_some(self.models)}. Check the names."
            )
        kept = np.array([name in wanted for name in self.models], dtype=bool)
        pairs = kept[self.first] & kept[self.second]
        index = np.cumsum(kept) - 1
        return Comparisons(
            models=tuple(sorted(wanted)),
            first=index[self.first[pairs]],
            second=index[self.second[pairs]],
            counts=self.counts[pairs],
            weights=self.weights[pairs],
            squared_weights=self.squared_weights[pairs],
            clusters=_restrict_clusters(self.clusters, pairs),
        )

    def components(self) -> tuple[tuple[str, ...], ...]:
        """Group the models that a chain of votes connects; the largest group first.

        Equally large groups are ordered by votes within the group, then by name.
        """
        return self._groups("weak")

    def strongly_connected(self) -> tuple[tuple[str, ...], ...]:
        """Group the models that a chain of "won or tied" connects in both directions; the largest first.

        Ford's condition [Ford57]: the likelihood has a finite maximum exactly when there is one such group.
        Equally large groups are ordered by votes within the group, then by name.
        """
        return self._groups("strong")

    def never_losing(self) -> tuple[str, ...]:
        """Name the models, one or a whole group, that never lose or tie outside their group."""
        return self._without_arrivals(self.won_or_tied())

    def never_winning(self) -> tuple[str, ...]:
        """Name the models, one or a whole group, that never win or tie outside their group."""
        return self._without_arrivals(self.won_or_tied().T.tocsr())

    def won_or_tied(self) -> sparse.csr_array:
        """Build the directed graph "i won or tied against j", shape (n_models, n_models)."""
        ties = self.weights[:, 2] + self.weights[:, 3]
        forward = self.weights[:, 0] + ties > 0
        backward = self.weights[:, 1] + ties > 0
        winners = np.concatenate([self.first[forward], self.second[backward]])
        losers = np.concatenate([self.second[forward], self.first[backward]])
        size = len(self.models)
        return sparse.csr_array((np.ones(len(winners)), (winners, losers)), shape=(size, size))

    def _groups(self, connection: Literal["weak", "strong"]) -> tuple[tuple[str, ...], ...]:
        if not self.models:
            return ()
        size, labels = csgraph.connected_components(self.won_or_tied(), directed=True, connection=connection)
        inside = labels[self.first] == labels[self.second]
        votes = np.bincount(labels[self.first[inside]], self.counts[inside].sum(axis=1), minlength=size)
        members: list[list[str]] = [[] for _ in range(size)]
        for name, label in zip(self.models, labels, strict=True):
            members[label].append(name)
        order = sorted(range(size), key=lambda label: (-len(members[label]), -votes[label], members[label]))
        return tuple(tuple(members[label]) for label in order)

    def _without_arrivals(self, graph: sparse.csr_array) -> tuple[str, ...]:
        """Name the models in strongly connected groups that no edge enters from outside."""
        _, labels = csgraph.connected_components(graph, directed=True, connection="strong")
        source, target = graph.nonzero()
        entered = np.unique(labels[target[labels[source] != labels[target]]])
        return tuple(name for name, label in zip(self.models, labels, strict=True) if label not in entered)

    def _add_up(self, index: IntArray, values: FloatArray) -> FloatArray:
        return group_sums(index, values, len(self.models))


def _aggregate(battles: EncodedBattles, cluster: str | None) -> Comparisons:
    cells = _distinct_cells(battles)
    pairs, pair = _group(cells.first * len(battles.models) + cells.second)
    counts = _sum_by_winner(cells, pair, cells.count.astype(np.float64))
    return Comparisons(
        models=battles.models,
        first=pairs // max(len(battles.models), 1),
        second=pairs % max(len(battles.models), 1),
        counts=counts.astype(np.int64),
        weights=_sum_by_winner(cells, pair, cells.count * cells.weight),
        squared_weights=_sum_by_winner(cells, pair, cells.count * cells.weight**2),
        clusters=_cluster_cells(cells, pair, cluster) if cluster else None,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cells:
    """Identical votes counted: same pair, winner, weight and cluster; in sorted order."""

    first: IntArray
    second: IntArray
    winner: IntArray
    weight: FloatArray
    cluster: IntArray
    count: IntArray


def _distinct_cells(battles: EncodedBattles) -> _Cells:
    swapped = battles.side_a > battles.side_b
    first = np.where(swapped, battles.side_b, battles.side_a)
    second = np.where(swapped, battles.side_a, battles.side_b)
    winner = np.where(swapped, _MIRRORED[battles.winner], battles.winner)
    cluster = battles.cluster if battles.cluster is not None else np.zeros_like(first)

    key = (first * len(battles.models) + second) * len(WINNERS) + winner
    # One column at a time, with codes in between, so that the combined key cannot overflow.
    for column in (_weight_codes(battles.weight), cluster):
        if column.any():
            key = _group(key)[1] * (column.max() + 1) + column
    _, cell = _group(key)
    count = np.bincount(cell, battles.count).astype(np.int64)
    row = np.zeros(len(count), dtype=np.int64)
    row[cell] = np.arange(len(cell))
    row, count = row[count > 0], count[count > 0]
    return _Cells(
        first=first[row],
        second=second[row],
        winner=winner[row],
        weight=battles.weight[row],
        cluster=cluster[row],
        count=count,
    )


def _sum_by_winner(cells: _Cells, pair: IntArray, values: FloatArray) -> FloatArray:
    size = int(pair.max(initial=-1)) + 1
    sums = group_sums(pair * len(WINNERS) + cells.winner, values, size * len(WINNERS))
    return sums.reshape(size, len(WINNERS))


def _cluster_cells(cells: _Cells, pair: IntArray, column: str) -> ClusterCells:
    size = int(pair.max(initial=-1)) + 1
    keys, cell = _group(cells.cluster * size + pair)
    weight = cells.count * cells.weight
    return ClusterCells(
        column=column,
        cluster=keys // max(size, 1),
        pair=keys % max(size, 1),
        weight=group_sums(cell, weight, len(keys)),
        score=group_sums(cell, weight * OUTCOMES[cells.winner], len(keys)),
    )


def _restrict_clusters(clusters: ClusterCells | None, pairs: BoolArray) -> ClusterCells | None:
    if clusters is None:
        return None
    kept = pairs[clusters.pair]
    index = np.cumsum(pairs) - 1
    return ClusterCells(
        column=clusters.column,
        cluster=clusters.cluster[kept],
        pair=index[clusters.pair[kept]],
        weight=clusters.weight[kept],
        score=clusters.score[kept],
    )


def _weight_codes(weight: FloatArray) -> IntArray:
    if not len(weight) or (weight == weight[0]).all():
        return np.zeros(len(weight), dtype=np.int64)
    return pd.factorize(weight, sort=True)[0].astype(np.int64)


def _group(keys: IntArray) -> tuple[IntArray, IntArray]:
    """Return the sorted distinct keys (0 or more), and for each key its place among them."""
    if int(keys.max(initial=0)) > len(keys):
        codes, distinct = pd.factorize(keys, sort=True)
        return np.asarray(distinct, dtype=np.int64), codes.astype(np.int64, copy=False)
    # Few possible keys: a table of all of them is several times faster than a hash table.
    present = np.bincount(keys) > 0
    return np.flatnonzero(present), (np.cumsum(present) - 1)[keys]
