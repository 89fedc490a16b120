"""Every row of a table of battles, placed in its cell of the comparisons: pair, outcome and voter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.aggregation import MIRRORED, count_clusters, count_pairs
from ratings.arrays import CodeArray, FloatArray, IntArray, ModelId
from ratings.columns import Battles
from ratings.comparisons import Comparisons
from ratings.encoding import EncodedBattles, encode_battles
from ratings.errors import InvalidOptionError
from ratings.hashing import content_order


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedVotes:
    """The rows that count, beside the comparisons that they add up to.

    Attributes
    ----------
    comparisons : Comparisons
        Not kept apart by cluster.
    row : int64, shape (n_rows,)
        Places in the table of the rows whose count and weight are above 0.
    pair : int64, shape (n_rows,)
        Rows of ``comparisons.first`` and ``second``.
    outcome : int64, shape (n_rows,)
        Columns of ``comparisons.counts``.
    count, weight : float64, shape (n_rows,)
        How many votes the row stands for, and the weight of each.
    cluster : int64, shape (n_rows,), or None
        Whose vote it is, when asked for: indices into ``identities``.
    identities : Arrow array, length n_clusters, or None
        Those who voted, in sorted order, or in one that their votes decide.
    column : str or None
        The column that named the clusters.
    """

    comparisons: Comparisons
    row: IntArray
    pair: IntArray
    outcome: IntArray
    count: FloatArray
    weight: FloatArray
    cluster: IntArray | None
    identities: pa.Array | None
    column: str | None

    @property
    def clusters(self) -> int:
        """Number of clusters that voted."""
        return 0 if self.identities is None else len(self.identities)


def place_votes(battles: Battles, *, cluster: str | None = None) -> PlacedVotes:
    """Check a table of battles and place its rows.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch
        As for `Comparisons.from_battles`, which raises alike where it breaks the convention.
    cluster : str, optional
        Column of those whose votes may depend on each other.

    Returns
    -------
    PlacedVotes
    """
    return _placed(encode_battles(battles, cluster=cluster), cluster)


def place_votes_canonically(
    battles: Battles, *, cluster: str | None = None, models: Sequence[ModelId] | None = None
) -> PlacedVotes:
    """Check a table of battles and place its rows; models, rows and clusters stand in an order that votes decide.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch
    cluster : str, optional
        Column of those whose votes may depend on each other.
    models : sequence, optional
        All models, in the order to take; by default that of `Comparisons.canonical_order`.

    Returns
    -------
    PlacedVotes
        The same bytes for any order of the table, whichever model stood on side a, and whatever the clusters and
        (without ``models``) the models are called.

    Raises
    ------
    InvalidOptionError
        If the table names other models than ``models``.
    """
    encoded = encode_battles(battles, cluster=cluster)
    placed = _placed(encoded, cluster)
    known = placed.comparisons
    if models is None:
        clusters = count_clusters(encoded, count_pairs(encoded), cluster) if cluster else None
        order = replace(known, clusters=clusters).canonical_order()
    elif sorted(models) == list(known.models):
        order = np.array([known.models.index(name) for name in models], dtype=np.int64)
    else:
        raise InvalidOptionError("The fit and the battles name different models: pass what was fitted.")
    comparisons = known.reordered(order)
    place, size = np.argsort(order), len(order)
    first, second = place[known.first], place[known.second]
    pair = np.searchsorted(
        comparisons.first * size + comparisons.second,
        np.minimum(first, second) * size + np.maximum(first, second),
    )
    turned = (first > second)[placed.pair]
    outcome = np.where(turned, MIRRORED[placed.outcome], placed.outcome)
    return _sorted_by_content(
        replace(placed, comparisons=comparisons, pair=pair[placed.pair], outcome=outcome)
    )


def _sorted_by_content(placed: PlacedVotes) -> PlacedVotes:
    """Sort rows, of which those alike may come in any order, and number the clusters by their votes."""
    keys = [placed.count, placed.weight, placed.outcome, placed.pair]
    cluster, identities = placed.cluster, placed.identities
    if cluster is not None and identities is not None:
        by_votes = content_order(cluster, keys, len(identities))
        cluster, identities = np.argsort(by_votes)[cluster], identities.take(pa.array(by_votes))
        keys.append(cluster)
    order = np.lexsort(keys)
    return replace(
        placed,
        row=placed.row[order],
        pair=placed.pair[order],
        outcome=placed.outcome[order],
        count=placed.count[order],
        weight=placed.weight[order],
        cluster=None if cluster is None else cluster[order],
        identities=identities,
    )


def _placed(encoded: EncodedBattles, cluster: str | None) -> PlacedVotes:
    pairs = count_pairs(encoded)
    row = np.flatnonzero(encoded.count > 0)
    a, b, winner = encoded.side_a[row], encoded.side_b[row], encoded.winner[row]
    size = len(encoded.models)
    table = np.zeros(size * size, dtype=np.int64)
    table[pairs.first * size + pairs.second] = np.arange(len(pairs.first))
    voter, identities = _voters(encoded.cluster, encoded.identities, row)
    return PlacedVotes(
        comparisons=Comparisons(
            models=encoded.models,
            first=pairs.first,
            second=pairs.second,
            counts=pairs.counts,
            weights=pairs.weights,
            squared_weights=pairs.squared_weights,
        ),
        row=row,
        pair=table[np.minimum(a, b).astype(np.int64) * size + np.maximum(a, b)],
        outcome=np.where(a > b, MIRRORED[winner], winner).astype(np.int64),
        count=encoded.count[row].astype(np.float64),
        weight=np.ascontiguousarray(encoded.weight[row]),
        cluster=voter,
        identities=identities,
        column=cluster,
    )


def _voters(
    codes: CodeArray | None, identities: pa.Array | None, row: IntArray
) -> tuple[IntArray | None, pa.Array | None]:
    """Keep the identities of rows that count, and number them anew."""
    if codes is None or identities is None:
        return None, None
    present = np.bincount(codes[row], minlength=len(identities)) > 0
    number = np.cumsum(present) - 1
    return number[codes[row]].astype(np.int64), identities.filter(pa.array(present))
