"""An order of the models that depends on their votes and not on their names."""

from collections.abc import Sequence

import numpy as np

from ratings.aggregation import MIRRORED
from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.clusters import ClusterCells, Clusters
from ratings.hashing import Hashes as _Hashes
from ratings.hashing import scatter as _mix


def canonical_order(
    first: IntArray,
    second: IntArray,
    counts: IntArray,
    weights: FloatArray,
    clusters: Clusters | None,
    models: Sequence[ModelId],
) -> IntArray:
    """Order the models; see `ratings.comparisons.Comparisons.canonical_order`."""
    refinement = _Refinement(first, second, counts, weights, clusters, len(models))
    colours = refinement.refine(np.zeros(len(models), dtype=np.int64))
    if clusters is not None and not _all_differ(colours):
        refinement.look_at_clusters()
        colours = refinement.refine(colours)
    while not _all_differ(colours):
        colours = refinement.refine(_set_apart(colours, models))
    return np.argsort(colours)


class _Refinement:
    """Tells models apart by their votes and their opponents."""

    def __init__(
        self,
        first: IntArray,
        second: IntArray,
        counts: IntArray,
        weights: FloatArray,
        clusters: Clusters | None,
        size: int,
    ) -> None:
        self._size = size
        self._first, self._second = first, second
        self._forward = _hash_rows(counts, weights)
        self._backward = _hash_rows(counts[:, MIRRORED], weights[:, MIRRORED])
        self._clusters = clusters
        self._looks_at_clusters = False

    def look_at_clusters(self) -> None:
        """From now on, tell models apart by who voted on them, too."""
        self._looks_at_clusters = True

    def refine(self, colours: IntArray) -> IntArray:
        """Split the colours until each model of a colour has the same votes on opponents of the same colours."""
        known = len(np.unique(colours))
        while True:
            hashed = _mix(colours.astype(np.uint64) + np.uint64(1))
            seen = self._neighbours(hashed)
            if self._looks_at_clusters:
                seen += self._voters(hashed)
            order = np.lexsort((seen, colours))
            steps = (np.diff(colours[order]) != 0) | (np.diff(seen[order]) != 0)
            refined = np.empty_like(colours)
            refined[order] = np.concatenate(
                [np.zeros(min(len(colours), 1), dtype=np.int64), np.cumsum(steps)]
            )
            colours = refined
            found = int(colours.max(initial=-1)) + 1
            if found in (known, self._size):
                return colours
            known = found

    def _neighbours(self, hashed: _Hashes) -> _Hashes:
        seen = np.zeros(self._size, dtype=np.uint64)
        np.add.at(seen, self._first, _mix(self._forward + hashed[self._second]))
        np.add.at(seen, self._second, _mix(self._backward + hashed[self._first]))
        return seen

    def _voters(self, hashed: _Hashes) -> _Hashes:
        """Hash for each model who voted on it, with a voter known by all that he voted."""
        assert self._clusters is not None
        seen = np.zeros(self._size, dtype=np.uint64)
        for cells in self._clusters.pieces():
            self._add_voters(cells, hashed, seen)
        return seen

    def _add_voters(self, cells: ClusterCells, hashed: _Hashes, seen: _Hashes) -> None:
        first, second = self._first[cells.pair], self._second[cells.pair]
        won = _mix(hashed[first] + _mix(cells.score.view(np.uint64)))
        lost = _mix(hashed[second] + _mix((cells.weight - cells.score).view(np.uint64)))
        voters = np.zeros(int(cells.cluster.max(initial=-1)) + 1, dtype=np.uint64)
        np.add.at(voters, cells.cluster, _mix(won + lost))
        voter = _mix(voters)[cells.cluster]
        np.add.at(seen, first, _mix(won + _mix(lost + voter)))
        np.add.at(seen, second, _mix(lost + _mix(won + voter)))


def _set_apart(colours: IntArray, models: Sequence[ModelId]) -> IntArray:
    """Give the first model by name, among those of the first colour that several share, a colour of its own."""
    shared = int(np.argmax(np.bincount(colours) > 1))
    chosen = min(np.flatnonzero(colours == shared).tolist(), key=lambda index: models[index])
    spread = 2 * colours + 1
    spread[chosen] -= 1
    return spread


def _all_differ(colours: IntArray) -> bool:
    return len(np.unique(colours)) == len(colours)


def _hash_rows(counts: IntArray, weights: FloatArray) -> _Hashes:
    hashes = np.zeros(len(counts), dtype=np.uint64)
    for column in (*counts.T, *weights.T):
        hashes = _mix(hashes + np.ascontiguousarray(column).view(np.uint64))
    return hashes
