"""Comparisons: votes aggregated into one cell per pair of models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ratings.aggregation import OUTCOMES, PairCounts, count_clusters, count_pairs, merge_pairs
from ratings.arrays import FloatArray, IntArray, ModelId, group_sums
from ratings.canonical_order import canonical_order
from ratings.clusters import ClusterCells, Clusters, sum_clusters
from ratings.columns import Battles
from ratings.connectivity import connected_groups, has_mutual_paths, without_arrivals, won_or_tied
from ratings.counted import checked_counts, sorted_names
from ratings.encoding import MOST_VOTES, WINNERS, EncodedBattles, encode_battles
from ratings.errors import InvalidComparisonsError, InvalidOptionError, name_some

__all__ = ["OUTCOMES", "ClusterCells", "Comparisons"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparisons:
    """Votes on pairs of models, aggregated.

    The same set of votes gives the same bytes, whatever the order of the rows and whichever model stood on
    side a: models are sorted by name, each pair appears once with its first model before its second, pairs
    are sorted, and votes are counted as integers before anything is multiplied.

    Attributes
    ----------
    models : tuple
        Names (mostly strings) in sorted order, length n_models; `reordered` gives another order.
    first, second : int64, shape (n_pairs,)
        Indices into ``models``, first < second.
    counts : int64, shape (n_pairs, 4)
        Votes: the first model won, the second won, tie, both bad.
    weights, squared_weights : float64, shape (n_pairs, 4)
        Sums over these votes of the weight and of its square; equal to ``counts`` without weights.
    clusters : ClusterCells, ClusterParts or None
        The same votes kept apart by voter, when asked for.
    """

    models: tuple[ModelId, ...]
    first: IntArray
    second: IntArray
    counts: IntArray
    weights: FloatArray
    squared_weights: FloatArray
    clusters: Clusters | None = None

    @staticmethod
    def from_battles(battles: Battles, *, cluster: str | None = None) -> "Comparisons":
        """Check and aggregate a table of battles.

        Parameters
        ----------
        battles : DataFrame, Arrow Table or RecordBatch
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
        >>> import pandas as pd
        >>> battles = pd.DataFrame(
        ...     {"model_a": ["x", "y", "z"], "model_b": ["y", "x", "x"], "winner": ["model_a", "model_b", "tie"]}
        ... )
        >>> Comparisons.from_battles(battles).counts.tolist()
        [[2, 0, 0, 0], [0, 0, 1, 0]]
        """
        return Comparisons.from_encoded(encode_battles(battles, cluster=cluster), cluster=cluster)

    @staticmethod
    def from_encoded(encoded: EncodedBattles, *, cluster: str | None = None) -> "Comparisons":
        """Aggregate battles that are encoded, with ``cluster`` as `encode_battles` was given it."""
        pairs = count_pairs(encoded)
        clusters = count_clusters(encoded, pairs, cluster) if cluster else None
        return _comparisons(encoded.models, pairs, clusters)

    @staticmethod
    def from_counts(
        models: Sequence[ModelId], first: npt.ArrayLike, second: npt.ArrayLike, counts: npt.ArrayLike
    ) -> "Comparisons":
        """Check and arrange votes that are already counted.

        Parameters
        ----------
        models : sequence
            Different names, in any order.
        first, second : integers, shape (n_rows,)
            Indices into ``models``; a pair may occur several times and on either side.
        counts : integers, 0 or more, shape (n_rows, 4)
            Votes: the first model won, the second won, tie, both bad.

        Returns
        -------
        Comparisons

        Raises
        ------
        InvalidComparisonsError
            If the shapes do not fit, names repeat, or a row has an index out of range, a model against
            itself, or a count that is negative, fractional or too large. The row is named.

        Examples
        --------
        >>> comparisons = Comparisons.from_counts(["y", "x"], [0, 1], [1, 0], [[5, 2, 1, 0], [1, 0, 0, 0]])
        >>> comparisons.models, comparisons.counts.tolist()
        (('x', 'y'), [[3, 5, 1, 0]])
        """
        names, place = sorted_names(models)
        one, other, votes = checked_counts(models, first, second, counts)
        weights = votes.astype(np.float64)
        pairs, _, _ = merge_pairs(place[one], place[other], votes, weights, weights, len(names))
        return _comparisons(names, pairs, None)

    @staticmethod
    def sum(parts: Iterable["Comparisons"]) -> "Comparisons":
        """Merge the comparisons of several parts of the votes, such as chunks of a file.

        Parameters
        ----------
        parts : iterable of Comparisons
            On any models; all of them clustered by the same column, or none. Clusters are merged by identity.

        Returns
        -------
        Comparisons
            Without weights, the same bytes as all votes at once; with weights, the same up to rounding.

        Raises
        ------
        InvalidOptionError
            If parts are clustered differently, or by identities of different types.
        InvalidComparisonsError
            If the parts mix types of names, or hold more votes than can be counted exactly.
        """
        chosen = list(parts)
        votes = sum(part.votes for part in chosen)
        if votes > MOST_VOTES:
            raise InvalidComparisonsError(
                f"The parts hold {votes} votes, more than {MOST_VOTES}: scale them down."
            )
        models, _ = sorted_names(list({name: None for part in chosen for name in part.models}))
        index = {name: place for place, name in enumerate(models)}
        # A part without rows, such as an empty file, need not say whom it keeps apart.
        chosen = [part for part in chosen if part.models] or chosen
        places = [np.array([index[name] for name in part.models], dtype=np.int64) for part in chosen]
        pairs, pair, swapped = merge_pairs(
            _joined([place[part.first] for place, part in zip(places, chosen, strict=True)]),
            _joined([place[part.second] for place, part in zip(places, chosen, strict=True)]),
            np.concatenate([np.zeros((0, len(WINNERS)), dtype=np.int64), *(part.counts for part in chosen)]),
            np.concatenate([np.zeros((0, len(WINNERS))), *(part.weights for part in chosen)]),
            np.concatenate([np.zeros((0, len(WINNERS))), *(part.squared_weights for part in chosen)]),
            len(models),
        )
        borders = np.cumsum([len(part.first) for part in chosen])[:-1]
        clusters = sum_clusters(
            [part.clusters for part in chosen], np.split(pair, borders), np.split(swapped, borders)
        )
        return _comparisons(models, pairs, clusters)

    @cached_property
    def total(self) -> FloatArray:
        """Total weight of each pair, shape (n_pairs,)."""
        total: FloatArray = self.weights.sum(axis=1)
        return total

    @cached_property
    def score(self) -> FloatArray:
        """Weight won by the first model of each pair, ties as half, shape (n_pairs,)."""
        score: FloatArray = (self.weights * OUTCOMES).sum(axis=1)
        return score

    @cached_property
    def lost(self) -> FloatArray:
        """Weight won by the second model of each pair, ties as half, shape (n_pairs,)."""
        lost: FloatArray = (self.weights * (1 - OUTCOMES)).sum(axis=1)
        return lost

    @property
    def votes(self) -> int:
        """Number of votes."""
        return int(self.counts.sum())

    def votes_by_model(self) -> IntArray:
        """Count the votes in which each model took part, shape (n_models,)."""
        votes = self.counts.sum(axis=1).astype(np.float64)
        return (self._add_up(self.first, votes) + self._add_up(self.second, votes)).astype(np.int64)

    @cached_property
    def totals(self) -> FloatArray:
        """Total weight of the votes on each model, shape (n_models,)."""
        return self._add_up(self.first, self.total) + self._add_up(self.second, self.total)

    @cached_property
    def sizes_of_clusters(self) -> tuple[FloatArray, FloatArray]:
        """Votes of clusters (without them, of single votes) on each model, and their squares, added up."""
        if self.clusters is not None:
            return self.clusters.sizes(self.first, self.second, len(self.models))
        squares = self.squared_weights.sum(axis=1)
        return self.totals, self._add_up(self.first, squares) + self._add_up(self.second, squares)

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
        size = len(self.models)
        matrix = np.zeros(size * size)
        matrix[:: size + 1] = self._add_up(self.first, values) + self._add_up(self.second, values)
        matrix[self.first * size + self.second] = matrix[self.second * size + self.first] = -values
        return matrix.reshape(size, size)

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
        if len(wanted) == len(self.models):
            return self
        kept = np.array([name in wanted for name in self.models], dtype=bool)
        pairs = kept[self.first] & kept[self.second]
        index = np.cumsum(kept) - 1
        return Comparisons(
            models=tuple(name for name in self.models if name in wanted),
            first=index[self.first[pairs]],
            second=index[self.second[pairs]],
            counts=self.counts[pairs],
            weights=self.weights[pairs],
            squared_weights=self.squared_weights[pairs],
            clusters=self.clusters.restricted(pairs) if self.clusters else None,
        )

    def canonical_order(self) -> IntArray:
        """Order the models by their votes, not by their names.

        Returns
        -------
        int64, shape (n_models,)
            Indices into ``models``. Renaming models does not change which votes stand in which place, so
            ``comparisons.reordered(order)`` is the same bytes whatever the models are called.

        Notes
        -----
        Colour refinement [WL68]: models are told apart by their votes, then by the votes and the colours of
        their opponents, and so on. Where some stay alike, the first by name is set apart and refinement goes
        on; such models are nearly always symmetric, so that either choice leads to the same bytes.
        Identities of clusters play no part either, only who voted alike.

        References
        ----------
        [WL68] Weisfeiler, Leman. The Reduction of a Graph to Canonical Form. 1968.
        """
        return canonical_order(self.first, self.second, self.counts, self.weights, self.clusters, self.models)

    @cached_property
    def canonical(self) -> "Comparisons":
        """The same with the models in canonical order."""
        return self.reordered(self.canonical_order())

    def reordered(self, order: npt.ArrayLike) -> "Comparisons":
        """Put the models into another order.

        Parameters
        ----------
        order : integers, shape (n_models,)
            A permutation: which of ``models`` comes in each place.

        Returns
        -------
        Comparisons
            The same votes, with each pair's first model before its second in the new order.

        Raises
        ------
        InvalidOptionError
            If ``order`` is not a permutation.
        """
        order = np.asarray(order)
        size = len(self.models)
        if order.shape != (size,) or not np.array_equal(np.sort(order), np.arange(size)):
            raise InvalidOptionError(f"order is not a permutation of 0 to {size - 1}.")
        place = np.empty(size, dtype=np.int64)
        place[order] = np.arange(size)
        pairs, row, swapped = merge_pairs(
            place[self.first], place[self.second], self.counts, self.weights, self.squared_weights, size
        )
        models = tuple(self.models[index] for index in order)
        return _comparisons(models, pairs, self.clusters.moved(row, swapped) if self.clusters else None)

    def components(self) -> tuple[tuple[ModelId, ...], ...]:
        """Group the models that a chain of votes connects; the largest group first.

        Equally large groups are ordered by votes within the group, then by name.
        """
        return self._groups("weak")

    def strongly_connected(self) -> tuple[tuple[ModelId, ...], ...]:
        """Group the models that a chain of "won or tied" connects in both directions; the largest first.

        Ford's condition [Ford57]: the likelihood has a finite maximum exactly when there is one such group.
        Equally large groups are ordered by votes within the group, then by name.
        """
        if self._has_mutual_paths:
            return (self.models,)
        return self._groups("strong")

    @cached_property
    def _has_mutual_paths(self) -> bool:
        return has_mutual_paths(self.first, self.second, self.weights, len(self.models))

    def never_losing(self) -> tuple[ModelId, ...]:
        """Name the models, one or a whole group, that never lose or tie outside their group."""
        return without_arrivals(self.models, self.won_or_tied())

    def never_winning(self) -> tuple[ModelId, ...]:
        """Name the models, one or a whole group, that never win or tie outside their group."""
        return without_arrivals(self.models, self.won_or_tied().T.tocsr())

    def won_or_tied(self) -> sparse.csr_array:
        """Build the directed graph "i won or tied against j", shape (n_models, n_models)."""
        return won_or_tied(self.first, self.second, self.weights, len(self.models))

    def _groups(self, connection: Literal["weak", "strong"]) -> tuple[tuple[ModelId, ...], ...]:
        votes = self.counts.sum(axis=1)
        return connected_groups(self.models, self.won_or_tied(), connection, (self.first, self.second, votes))

    def _add_up(self, index: IntArray, values: FloatArray) -> FloatArray:
        return group_sums(index, values, len(self.models))


def _comparisons(models: tuple[ModelId, ...], pairs: PairCounts, clusters: Clusters | None) -> Comparisons:
    return Comparisons(
        models=models,
        first=pairs.first,
        second=pairs.second,
        counts=pairs.counts,
        weights=pairs.weights,
        squared_weights=pairs.squared_weights,
        clusters=clusters,
    )


def _joined(arrays: list[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *arrays])
