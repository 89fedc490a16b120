"""Votes and verdicts kept apart by voter."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, IntArray, group_sums
from ratings.hashing import content_order


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterScores:
    """The sums of each cluster (usually a voter) on each pair.

    Attributes
    ----------
    cluster, pair : int64, shape (n_cells,)
    weight : float64, shape (n_cells,)
    score : float64, shape (n_outcomes, n_cells)
    battles, side : float64, shape (largest cluster + 1,)
        The cluster's battles, and what side a gets in them from the last outcome more than from the first.
    """

    cluster: IntArray
    pair: IntArray
    weight: FloatArray
    score: FloatArray
    battles: FloatArray
    side: FloatArray

    @property
    def size(self) -> int:
        """Number of clusters, by which the cells are sorted."""
        return int(np.count_nonzero(np.diff(self.cluster))) + 1


def cluster_scores(
    cluster: IntArray,
    pair: IntArray,
    weight: FloatArray,
    values: FloatArray,
    count: FloatArray,
    side: FloatArray,
) -> ClusterScores | None:
    """Add up the rows of each cluster on each pair; None where there are fewer than two clusters."""
    size = int(pair.max(initial=0)) + 1
    codes, keys = pd.factorize(cluster * size + pair, sort=True)
    cells = codes.astype(np.int64)
    found = ClusterScores(
        cluster=np.asarray(keys, dtype=np.int64) // size,
        pair=np.asarray(keys, dtype=np.int64) % size,
        weight=group_sums(cells, weight, len(keys)),
        score=np.array([group_sums(cells, weight * value, len(keys)) for value in values]),
        battles=group_sums(cluster, count, int(cluster.max(initial=-1)) + 1),
        side=group_sums(cluster, count * side, int(cluster.max(initial=-1)) + 1),
    )
    return _by_content(found) if found.size > 1 else None


def _by_content(cells: ClusterScores) -> ClusterScores:
    """Number the clusters by what they said, so that sums over them do not depend on their names."""
    by_content = content_order(
        cells.cluster, [cells.pair, cells.weight, *cells.score], int(cells.cluster.max()) + 1
    )
    cluster = np.argsort(by_content)[cells.cluster]
    order = np.lexsort([cells.pair, cluster])
    return ClusterScores(
        cluster=cluster[order],
        pair=cells.pair[order],
        weight=cells.weight[order],
        score=cells.score[:, order],
        battles=cells.battles[by_content],
        side=cells.side[by_content],
    )
