"""An order of the models that depends on votes and verdicts, and not on names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.canonical_order import canonical_order
from ratings.clusters import ClusterCells
from ratings.hashing import hash_rows
from ratings.judge_clusters import ClusterScores


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedRows:
    """Rows of one table: their pairs, shape (n_rows,), and what was said there, from the pair's first model.

    ``outcomes`` has shape (n_outcomes, n_rows), of the vote and of the verdict or of the verdict alone.
    """

    pair: IntArray
    outcomes: FloatArray
    count: FloatArray
    weight: FloatArray


def order_by_verdicts(
    first: IntArray,
    second: IntArray,
    tables: Sequence[JudgedRows],
    voters: ClusterScores | None,
    models: Sequence[ModelId],
) -> IntArray:
    """Order the models as `Comparisons.canonical_order` does, with the verdicts beside the votes.

    Parameters
    ----------
    first, second : int64, shape (n_pairs,)
    tables : sequence of JudgedRows
    voters : ClusterScores or None
        Of the votes.
    models : sequence
        Sorted names, length n_models.

    Returns
    -------
    int64, shape (n_models,)
    """
    sides = np.zeros((len(first), 4), dtype=np.uint64)
    for number, rows in enumerate(tables):
        count = rows.count.astype(np.uint64)
        told = np.full(len(count), number, dtype=np.int64)
        for side, outcomes in enumerate((rows.outcomes, 1 - rows.outcomes)):
            np.add.at(sides[:, side], rows.pair, count * hash_rows([told, rows.weight, *outcomes]))
    clusters = None
    if voters is not None:
        clusters = ClusterCells(
            column="",
            cluster=voters.cluster,
            pair=voters.pair,
            weight=voters.weight,
            score=voters.score[0],
            identities=pa.nulls(0),
        )
    nothing = np.zeros(sides.shape)
    return canonical_order(first, second, sides.view(np.int64), nothing, clusters, models)
