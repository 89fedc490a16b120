"""Votes kept apart by cluster, usually by voter."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from scipy import sparse

from ratings.arrangement_kernels import subtract_expected, turn_cells
from ratings.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    begins,
    counting_order,
    doubled,
    group_sums,
    sorted_together,
)
from ratings.columns import sorted_codes
from ratings.compiled import compiled
from ratings.errors import InvalidOptionError
from ratings.hashing import content_order
from ratings.style_kernels import is_worth_compiling

_STRETCH = 1 << 16


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterCells:
    """The votes of each cluster (usually a voter) on each pair, summed.

    Attributes
    ----------
    column : str
        The column that named the clusters.
    cluster, pair : int64, shape (n_cells,)
        Whose votes, on which row of ``Comparisons.first`` and ``second``; sorted by cluster, then by pair
        unless these got other numbers in the meantime.
    weight : float64, shape (n_cells,)
        Total weight of these votes.
    score : float64, shape (n_cells,)
        Sum of weight times outcome, from the side of the first model.
    identities : Arrow array
        What ``cluster`` refers to: distinct values of the column, sorted unless models were reordered. Some may
        have no votes left.
    is_kept_in_order : bool
        Whether `moved` leaves cells where they stand, since whoever arranged the votes chose their order.
    """

    column: str
    cluster: IntArray
    pair: IntArray
    weight: FloatArray
    score: FloatArray
    identities: pa.Array
    is_kept_in_order: bool = False

    @cached_property
    def size(self) -> int:
        """Number of clusters that voted, n_clusters."""
        # The cells are sorted by cluster.
        return int(np.count_nonzero(begins(self.cluster)))

    def pieces(self) -> "Iterator[ClusterCells]":
        """All cells, as `ClusterParts` gives them piece by piece."""
        yield self

    def restricted(self, pairs: BoolArray) -> "ClusterCells":
        """Keep the cells of the marked pairs, and number those that are left."""
        kept = pairs[self.pair]
        index = np.cumsum(pairs) - 1
        return ClusterCells(
            column=self.column,
            cluster=self.cluster[kept],
            pair=index[self.pair[kept]],
            weight=self.weight[kept],
            score=self.score[kept],
            identities=self.identities,
            is_kept_in_order=self.is_kept_in_order,
        )

    def by_votes(self) -> "ClusterCells":
        """Number the clusters by their votes: the same bytes, but for ``identities``, whatever they are called."""
        pairs = int(self.pair.max(initial=-1)) + 1
        anew = replace(self, is_kept_in_order=False)
        return anew.moved(np.arange(pairs), np.zeros(pairs, dtype=bool))

    def moved(self, place: IntArray, swapped: BoolArray) -> "ClusterCells":
        """Give pairs new numbers, and turn round those that are swapped; both of shape (n_pairs,).

        Clusters are numbered anew by their votes, so that sums over them do not depend on their names, unless they are
        kept in order.
        """
        pair, score = self._turned(place, swapped)
        if self.is_kept_in_order:
            return replace(self, pair=pair, score=score)
        by_votes = content_order(self.cluster, [pair, self.weight, score], len(self.identities))
        number = np.empty(len(by_votes), dtype=np.int64)
        number[by_votes] = np.arange(len(by_votes))
        cluster, pair, weight, score = _by_cluster_and_pair(number[self.cluster], pair, self.weight, score)
        return ClusterCells(
            column=self.column,
            cluster=cluster,
            pair=pair,
            weight=weight,
            score=score,
            identities=self.identities.take(pa.array(by_votes)),
        )

    def sizes(self, first: IntArray, second: IntArray, models: int) -> tuple[FloatArray, FloatArray]:
        """Add up the clusters' votes on each model, and their squares; each of shape (n_models,)."""
        if is_worth_compiling(len(self.pair)):
            total, squares = np.zeros(models), np.zeros(models)
            room = np.zeros(models), np.empty(models, dtype=np.int64)
            _add_sizes(self.cluster, self.pair, self.weight, first, second, *room, total, squares)
            return total, squares
        total = group_sums(first[self.pair], self.weight, models)
        total += group_sums(second[self.pair], self.weight, models)
        squares = np.zeros(models)
        # So many cells at a time that all of it stays in the cache, and no cluster apart.
        borders = np.searchsorted(self.cluster, self.cluster[_STRETCH::_STRETCH])
        for cells in map(slice, [0, *borders], [*borders, len(self.cluster)]):
            cluster, pair, weight = self.cluster[cells], self.pair[cells], self.weight[cells]
            model, votes = _votes_on_models(cluster, first[pair], second[pair], weight, models)
            squares += group_sums(model, np.square(votes), models)
        return total, squares

    def surplus(self, expected: FloatArray) -> FloatArray:
        """Score of each cell less what is expected of the votes on each pair, shape (n_pairs,)."""
        surplus = np.empty_like(self.score)
        if is_worth_compiling(len(surplus)):
            subtract_expected(self.pair, self.weight, self.score, expected, surplus)
            return surplus
        np.multiply(self.weight, expected[self.pair], out=surplus)
        return np.subtract(self.score, surplus, out=surplus)

    def _turned(self, place: IntArray, swapped: BoolArray) -> tuple[IntArray, FloatArray]:
        """Return the new numbers of the pairs, and the scores, those of swapped pairs from the other side."""
        if is_worth_compiling(len(self.pair)):
            pair, score = np.empty_like(self.pair), np.empty_like(self.score)
            turn_cells(self.pair, self.weight, self.score, place, swapped, pair, score)
            return pair, score
        return place[self.pair], np.where(swapped[self.pair], self.weight - self.score, self.score)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterParts:
    """Cells in files, one of which is in memory at a time; each holds all votes of its clusters.

    Whatever is a sum over clusters is a sum over `pieces`, whose clusters are numbered each for itself.

    Attributes
    ----------
    column : str
        The column that named the clusters.
    parts : tuple
        The files, and what is to be done to the cells of each once they are read.
    """

    column: str
    parts: tuple[tuple[Path, tuple[Callable[[ClusterCells], ClusterCells], ...]], ...]

    @staticmethod
    def kept(cells: ClusterCells, path: Path) -> "ClusterParts":
        """Write cells to a file, whatever their clusters are called."""
        with path.open("wb") as file:
            np.savez(
                file,
                cluster=cells.cluster,
                pair=cells.pair,
                weight=cells.weight,
                score=cells.score,
                clusters=np.array(len(cells.identities)),
            )
        return ClusterParts(column=cells.column, parts=((path, ()),))

    def pieces(self) -> Iterator[ClusterCells]:
        """Read the cells file by file."""
        for path, changes in self.parts:
            with np.load(path) as kept:
                cells = ClusterCells(
                    column=self.column,
                    cluster=kept["cluster"],
                    pair=kept["pair"],
                    weight=kept["weight"],
                    score=kept["score"],
                    identities=pa.array(np.arange(kept["clusters"])),
                )
            for change in changes:
                cells = change(cells)
            yield cells

    @cached_property
    def size(self) -> int:
        """Number of clusters that voted, n_clusters."""
        return sum(cells.size for cells in self.pieces())

    def restricted(self, pairs: BoolArray) -> "ClusterParts":
        """Keep the cells of the marked pairs, as `ClusterCells.restricted` does."""
        return self._changed(lambda cells: cells.restricted(pairs))

    def moved(self, place: IntArray, swapped: BoolArray) -> "ClusterParts":
        """Give pairs new numbers, as `ClusterCells.moved` does."""
        return self._changed(lambda cells: cells.moved(place, swapped))

    def sizes(self, first: IntArray, second: IntArray, models: int) -> tuple[FloatArray, FloatArray]:
        """Add up the clusters' votes on each model, and their squares; each of shape (n_models,)."""
        total, squares = np.zeros((2, models))
        for cells in self.pieces():
            more, of_squares = cells.sizes(first, second, models)
            total += more
            squares += of_squares
        return total, squares

    def _changed(self, change: Callable[[ClusterCells], ClusterCells]) -> "ClusterParts":
        return replace(self, parts=tuple((path, (*changes, change)) for path, changes in self.parts))


Clusters: TypeAlias = ClusterCells | ClusterParts


def all_cells(clusters: Clusters | None) -> ClusterCells | None:
    """The cells, for what needs those of all clusters at once.

    Raises
    ------
    InvalidOptionError
        If they are in files because memory does not hold them.
    """
    if isinstance(clusters, ClusterParts):
        raise InvalidOptionError(
            f"The votes of each {clusters.column} are kept in files, part by part, and this needs them all at once: "
            "pass votes in memory."
        )
    return clusters


@compiled
def _add_sizes(
    cluster: IntArray,
    pair: IntArray,
    weight: FloatArray,
    first: IntArray,
    second: IntArray,
    votes: FloatArray,
    voted_on: IntArray,
    total: FloatArray,
    squares: FloatArray,
) -> None:
    """Add up votes, and their squares, by cluster and model; ``votes`` is all 0 and, as ``voted_on``, has n_models."""
    known = 0
    for i in range(len(cluster)):
        for model in (first[pair[i]], second[pair[i]]):
            if votes[model] == 0 and weight[i] > 0:
                voted_on[known] = model
                known += 1
            votes[model] += weight[i]
        if i + 1 == len(cluster) or cluster[i + 1] != cluster[i]:
            for place in range(known):
                model = voted_on[place]
                total[model] += votes[model]
                squares[model] += votes[model] * votes[model]
                votes[model] = 0
            known = 0


def _votes_on_models(
    cluster: IntArray, first: IntArray, second: IntArray, weight: FloatArray, models: int
) -> tuple[IntArray, FloatArray]:
    """Each model that a cluster voted on, and the weight of those votes."""
    twice = doubled(weight)
    low = cluster.min(initial=np.iinfo(np.int64).max)
    together = (
        sorted_together(
            [np.tile(cluster - low, 2), np.concatenate([first, second]), np.tile(twice, 2)],
        )
        if twice is not None
        else None
    )
    if together:
        whose, model, halves = together
        starts = np.flatnonzero(begins(whose, model))
        return model[starts], (np.add.reduceat(halves, starts) if len(starts) else halves) / 2
    entries = (np.tile(weight, 2), (np.tile(cluster - low, 2), np.concatenate([first, second])))
    votes_of = sparse.csr_array(entries, shape=(int(np.ptp(cluster)) + 1 if len(cluster) else 0, models))
    votes_of.sum_duplicates()
    return votes_of.indices.astype(np.int64), votes_of.data


def _by_cluster_and_pair(
    cluster: IntArray, pair: IntArray, weight: FloatArray, score: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Sort cells, of which no two are of one cluster and pair."""
    weights, scores = doubled(weight), doubled(score)
    if weights is not None and scores is not None:
        together = sorted_together([cluster, pair, weights, scores])
        if together:
            return together[0], together[1], together[2] / 2, together[3] / 2
    order = counting_order(cluster, pair)
    return cluster[order], pair[order], weight[order], score[order]


def sum_clusters(
    some: Sequence[Clusters | None], places: Sequence[IntArray], swapped: Sequence[BoolArray]
) -> Clusters | None:
    """Merge cells of the same identity and pair; None where no part keeps clusters apart.

    Parameters
    ----------
    some : sequence of ClusterCells, ClusterParts or None
        One or more; None is a part that does not keep them apart. Those in files share no cluster, and stay there.
    places, swapped : sequences of int64 and bool
        For each part, the new number of each of its pairs, and whether its models change sides.
    """
    parts = [part for part in some if part]
    if not parts:
        return None
    if len(parts) < len(some):
        raise InvalidOptionError(
            f"Some parts keep {parts[0].column} apart and others do not: build all of them alike."
        )
    columns = sorted({part.column for part in parts})
    if len(columns) > 1:
        raise InvalidOptionError(f"The parts are clustered by {', '.join(columns)}: build all of them alike.")
    kept = [part for part in parts if isinstance(part, ClusterParts)]
    if kept:
        moved = [part.moved(place, turn) for part, place, turn in zip(kept, places, swapped, strict=True)]
        return ClusterParts(column=columns[0], parts=tuple(file for part in moved for file in part.parts))
    return _sum_cells([part for part in parts if isinstance(part, ClusterCells)], columns[0], places, swapped)


def _sum_cells(
    parts: Sequence[ClusterCells], column: str, places: Sequence[IntArray], swapped: Sequence[BoolArray]
) -> ClusterCells:
    codes, identities = _joined_identities(parts)
    cluster = np.concatenate([code[part.cluster] for code, part in zip(codes, parts, strict=True)])
    turned = [part._turned(place, turn) for part, place, turn in zip(parts, places, swapped, strict=True)]
    pair, score = (np.concatenate(of_parts) for of_parts in zip(*turned, strict=True))
    weight = np.concatenate([part.weight for part in parts])
    order = counting_order(cluster, pair)
    cluster, pair = cluster[order], pair[order]
    new = begins(cluster, pair)
    cell, size = np.cumsum(new) - 1, int(np.count_nonzero(new))
    return ClusterCells(
        column=column,
        cluster=cluster[new],
        pair=pair[new],
        weight=group_sums(cell, weight[order], size),
        score=group_sums(cell, score[order], size),
        identities=identities,
    )


def _joined_identities(parts: Sequence[ClusterCells]) -> tuple[list[IntArray], pa.Array]:
    """Return the new number of each identity of each part, and all identities."""
    filled = [part.identities for part in parts if len(part.identities)]
    kinds = {str(identities.type): identities for identities in filled}
    if len(kinds) > 1:
        one, other = list(kinds.values())[:2]
        raise InvalidOptionError(
            f"The parts mix types of {parts[0].column}: {one[0].as_py()!r} and {other[0].as_py()!r}. "
            "Turn them into strings first."
        )
    if not filled:
        return [np.zeros(0, dtype=np.int64) for _ in parts], parts[0].identities
    codes, identities = sorted_codes(pc.dictionary_encode(pa.concat_arrays(filled)))
    borders = np.cumsum([len(part.identities) for part in parts])[:-1]
    return np.split(codes.astype(np.int64), borders), identities
