"""Votes kept apart by cluster, usually by voter."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.arrays import BoolArray, FloatArray, IntArray, counting_order, group_sums
from ratings.columns import sorted_codes
from ratings.errors import InvalidOptionError
from ratings.hashing import content_order


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterCells:
    """The votes of each cluster (usually a voter) on each pair, summed.

    Attributes
    ----------
    column : str
        The column that named the clusters.
    cluster, pair : int64, shape (n_cells,)
        Whose votes, on which row of ``Comparisons.first`` and ``second``; sorted by cluster, then pair.
    weight : float64, shape (n_cells,)
        Total weight of these votes.
    score : float64, shape (n_cells,)
        Sum of weight times outcome, from the side of the first model.
    identities : Arrow array
        What ``cluster`` refers to: distinct values of the column, sorted unless models were reordered. Some may
        have no votes left.
    """

    column: str
    cluster: IntArray
    pair: IntArray
    weight: FloatArray
    score: FloatArray
    identities: pa.Array

    @cached_property
    def size(self) -> int:
        """Number of clusters that voted, n_clusters."""
        # The cells are sorted by cluster.
        return int(np.count_nonzero(np.diff(self.cluster))) + (len(self.cluster) > 0)

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
        )

    def by_votes(self) -> "ClusterCells":
        """Number the clusters by their votes: the same bytes, but for ``identities``, whatever they are called."""
        pairs = int(self.pair.max(initial=-1)) + 1
        return self.moved(np.arange(pairs), np.zeros(pairs, dtype=bool))

    def moved(self, place: IntArray, swapped: BoolArray) -> "ClusterCells":
        """Give pairs new numbers, and turn round those that are swapped; both of shape (n_pairs,).

        Clusters are numbered anew by their votes, so that sums over them do not depend on their names.
        """
        pair, score = place[self.pair], self._turned(swapped)
        by_votes = content_order(self.cluster, [pair, self.weight, score], len(self.identities))
        number = np.empty(len(by_votes), dtype=np.int64)
        number[by_votes] = np.arange(len(by_votes))
        cluster = number[self.cluster]
        order = counting_order(cluster, pair)
        return ClusterCells(
            column=self.column,
            cluster=cluster[order],
            pair=pair[order],
            weight=self.weight[order],
            score=score[order],
            identities=self.identities.take(pa.array(by_votes)),
        )

    def _turned(self, swapped: BoolArray) -> FloatArray:
        """Return the scores, those of swapped pairs from the other side."""
        return np.where(swapped[self.pair], self.weight - self.score, self.score)


def sum_clusters(
    parts: Sequence[ClusterCells], places: Sequence[IntArray], swapped: Sequence[BoolArray]
) -> ClusterCells:
    """Merge cells of the same identity and pair.

    Parameters
    ----------
    parts : sequence of ClusterCells
        One or more.
    places, swapped : sequences of int64 and bool
        For each part, the new number of each of its pairs, and whether its models change sides.
    """
    columns = sorted({part.column for part in parts})
    if len(columns) > 1:
        raise InvalidOptionError(f"The parts are clustered by {', '.join(columns)}: build all of them alike.")
    codes, identities = _joined_identities(parts)
    cluster = np.concatenate([code[part.cluster] for code, part in zip(codes, parts, strict=True)])
    pair = np.concatenate([place[part.pair] for place, part in zip(places, parts, strict=True)])
    score = np.concatenate([part._turned(turn) for part, turn in zip(parts, swapped, strict=True)])
    weight = np.concatenate([part.weight for part in parts])
    order = counting_order(cluster, pair)
    cluster, pair = cluster[order], pair[order]
    new = (np.diff(cluster, prepend=-1) != 0) | (np.diff(pair, prepend=-1) != 0)
    cell, size = np.cumsum(new) - 1, int(np.count_nonzero(new))
    return ClusterCells(
        column=columns[0],
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
