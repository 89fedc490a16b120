"""Every row of a table of battles, placed in its cell of the comparisons: pair, outcome and voter."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, IntArray
from ratings.comparisons import Comparisons
from ratings.encoding import WINNERS

_SWAPPED = np.array([WINNERS.index(label) for label in ("model_b", "model_a", "tie", "both_bad")])


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedVotes:
    """The rows that count, beside the comparisons that they add up to.

    Attributes
    ----------
    comparisons : Comparisons
    row : int64, shape (n_rows,)
        Places in the table of the rows whose count and weight are above 0.
    pair : int64, shape (n_rows,)
        Rows of ``comparisons.first`` and ``second``.
    outcome : int64, shape (n_rows,)
        Columns of ``comparisons.counts``.
    count, weight : float64, shape (n_rows,)
        How many votes the row stands for, and the weight of each.
    cluster : int64, shape (n_rows,), or None
        Whose vote it is, when asked for: 0 … n_clusters - 1, in the order of the identities.
    """

    comparisons: Comparisons
    row: IntArray
    pair: IntArray
    outcome: IntArray
    count: FloatArray
    weight: FloatArray
    cluster: IntArray | None


def place_votes(battles: pd.DataFrame, *, cluster: str | None = None) -> PlacedVotes:
    """Check a table of battles and place its rows.

    Parameters
    ----------
    battles : DataFrame
        As for `Comparisons.from_battles`, which raises where it breaks the convention.
    cluster : str, optional
        Column of those whose votes may depend on each other.

    Returns
    -------
    PlacedVotes
    """
    comparisons = Comparisons.from_battles(battles, cluster=cluster)
    count, weight = _numbers(battles, "count"), _numbers(battles, "weight")
    row = np.flatnonzero((count > 0) & (weight > 0))
    counted = battles.iloc[row]
    names = pd.Index(comparisons.models)
    a, b = (names.get_indexer(pd.Index(counted[side])) for side in ("model_a", "model_b"))
    winner = pd.Index(WINNERS).get_indexer(pd.Index(counted["winner"]))
    keys = comparisons.first * len(names) + comparisons.second
    return PlacedVotes(
        comparisons=comparisons,
        row=row,
        pair=np.searchsorted(keys, np.minimum(a, b) * len(names) + np.maximum(a, b)).astype(np.int64),
        outcome=np.where(a > b, _SWAPPED[winner], winner).astype(np.int64),
        count=count[row],
        weight=weight[row],
        cluster=pd.factorize(counted[cluster], sort=True)[0].astype(np.int64) if cluster else None,
    )


def _numbers(battles: pd.DataFrame, column: str) -> FloatArray:
    if column not in battles.columns:
        return np.ones(len(battles))
    return pd.to_numeric(battles[column]).to_numpy(dtype=np.float64)
