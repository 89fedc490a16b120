"""Rows of votes to counts per pair of models, independent of the order of rows and the choice of sides."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ratings.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    begins,
    counting_order,
    group_sums,
    sorted_together,
)
from ratings.clusters import ClusterCells
from ratings.encoding import WINNERS, EncodedBattles

OUTCOMES = np.array([1.0, 0.0, 0.5, 0.5])
"""The outcome of each winner label, from the side of model a."""

MIRRORED = np.array([WINNERS.index(label) for label in ("model_b", "model_a", "tie", "both_bad")])
"""The code of each winner label as seen from the other side."""

_LABELS = len(WINNERS)
_DENSE = 1 << 22
_BLOCK = 1 << 17


@dataclass(frozen=True, kw_only=True, eq=False)
class PairCounts:
    """Votes per pair and winner; the arrays of `ratings.comparisons.Comparisons`."""

    first: IntArray
    second: IntArray
    counts: IntArray
    weights: FloatArray
    squared_weights: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class _Votes:
    """Rows that hold votes: number of cell (pair and winner), of cluster, votes and weight of each."""

    cell: IntArray
    cluster: CodeArray | None
    count: IntArray | None
    weight: FloatArray | None


def count_pairs(battles: EncodedBattles) -> PairCounts:
    """Count the votes on each pair, and add up their weights."""
    size = len(battles.models)
    if battles.is_unit and size * size * _LABELS <= min(max(4 * len(battles.winner), _BLOCK), _DENSE):
        return _count_densely(battles)
    votes = _votes(battles)
    if votes.weight is None:
        keys, counts = _tally(votes.cell, votes.count)
        return _by_pair(keys, counts, counts.astype(np.float64), counts.astype(np.float64), size)
    codes, weights = pd.factorize(votes.weight, sort=True)
    keys, cells = _compact(votes.cell)
    key, code, counts = _tally_together(keys, codes, votes.count)
    cell, weight = key if cells is None else cells[key], np.asarray(weights)[code]
    return _by_pair(cell, counts, counts * weight, counts * weight**2, size)


def count_clusters(battles: EncodedBattles, pairs: PairCounts, column: str) -> ClusterCells:
    """Add up the votes of each cluster on each pair."""
    votes = _votes(battles)
    assert votes.cluster is not None
    if votes.weight is None:
        keys, cells = _compact(votes.cell)
        cluster, key, counts = _tally_together(votes.cluster, keys, votes.count)
        cell = key if cells is None else cells[key]
        return _by_cluster(cluster, cell, counts.astype(np.float64), battles, pairs, column)
    kind, cell, weight = _kinds(votes.cell, votes.weight)
    cluster, key, counts = _tally_together(votes.cluster, kind, votes.count)
    return _by_cluster(cluster, cell[key], counts * weight[key], battles, pairs, column)


def _count_densely(battles: EncodedBattles) -> PairCounts:
    size = len(battles.models)
    table = np.zeros(size * size * _LABELS, dtype=np.int64)
    block = max(_BLOCK, len(table))
    for start in range(0, len(battles.winner), block):
        rows = slice(start, start + block)
        key = battles.side_a[rows] * np.int32(size)
        key += battles.side_b[rows]
        key *= _LABELS
        key += battles.winner[rows]
        table += np.bincount(key, minlength=len(table))
    cube = table.reshape(size, size, _LABELS)
    cube = cube + cube.transpose(1, 0, 2)[:, :, MIRRORED]
    first, second = np.nonzero(np.triu(cube.sum(axis=2), 1))
    counts = cube[first, second]
    weights = counts.astype(np.float64)
    return PairCounts(first=first, second=second, counts=counts, weights=weights, squared_weights=weights)


def _votes(battles: EncodedBattles) -> _Votes:
    """Number pair and winner of each row, its first model before its second; leave out rows without votes."""
    cell = np.empty(len(battles.winner), dtype=np.int64)
    for start in range(0, len(cell), _BLOCK):
        rows = slice(start, start + _BLOCK)
        a, b, winner = battles.side_a[rows], battles.side_b[rows], battles.winner[rows]
        swapped = a > b
        pair = np.minimum(a, b).astype(np.int64) * len(battles.models) + np.maximum(a, b)
        cell[rows] = pair * _LABELS + (winner ^ (swapped & (winner < 2)))
    cluster = battles.cluster
    if battles.is_unit:
        return _Votes(cell=cell, cluster=cluster, count=None, weight=None)
    cast = battles.count > 0
    count, weight = battles.count[cast], battles.weight[cast]
    return _Votes(
        cell=cell[cast],
        cluster=None if cluster is None else cluster[cast],
        count=None if (count == 1).all() else count,
        weight=None if (weight == 1).all() else weight,
    )


def _tally(keys: IntArray, votes: IntArray | None) -> tuple[IntArray, IntArray]:
    """Return the sorted distinct keys and the number of votes on each."""
    codes, distinct = _compact(keys)
    counts = np.bincount(codes, votes)
    present = np.flatnonzero(counts)
    return present if distinct is None else distinct[present], counts[present].astype(np.int64)


def _compact(keys: IntArray) -> tuple[IntArray, IntArray | None]:
    """Return the keys as they are where they are small, else their numbers among the distinct, sorted keys."""
    if int(keys.max(initial=0)) <= max(4 * len(keys), _BLOCK):
        return keys, None
    codes, distinct = pd.factorize(keys, sort=True)
    return codes.astype(np.int64, copy=False), np.asarray(distinct, dtype=np.int64)


def _kinds(cell: IntArray, weight: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Number the votes by cell and weight; return the number of each row, and cell and weight of each number."""
    codes, weights = pd.factorize(weight, sort=True)
    keys, cells = _compact(cell)
    order = counting_order(keys, codes)
    new = begins(keys[order], codes[order])
    kind = np.empty(len(order), dtype=np.int64)
    kind[order] = np.cumsum(new) - 1
    found = keys[order][new]
    return kind, found if cells is None else cells[found], np.asarray(weights)[codes[order][new]]


def _tally_together(
    cluster: CodeArray | IntArray, keys: IntArray, votes: IntArray | None
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the sorted distinct pairs of cluster and key, and the number of votes on each."""
    if votes is None and (together := sorted_together([cluster, keys])):
        whose, what = together
        starts = np.flatnonzero(begins(whose, what))
        return whose[starts], what[starts], np.diff(starts, append=len(keys))
    order = counting_order(cluster, keys)
    whose, what = cluster[order].astype(np.int64), keys[order]
    starts = np.flatnonzero(begins(whose, what))
    found = whose[starts], what[starts]
    if votes is None:
        return *found, np.diff(starts, append=len(keys))
    return *found, np.add.reduceat(votes[order], starts) if len(keys) else votes


def _by_pair(
    cells: IntArray, counts: IntArray, weights: FloatArray, squared_weights: FloatArray, size: int
) -> PairCounts:
    """Arrange sorted cells, of which several may have one number, by pair and winner."""
    pairs, winner = np.divmod(cells, _LABELS)
    new = begins(pairs)
    pair, distinct = np.cumsum(new) - 1, pairs[new]
    place = pair * _LABELS + winner
    total, squared = (
        group_sums(place, values, len(distinct) * _LABELS).reshape(-1, _LABELS)
        for values in (weights, squared_weights)
    )
    tally = np.zeros(len(distinct) * _LABELS, dtype=np.int64)
    np.add.at(tally, place, counts)
    return PairCounts(
        first=distinct // max(size, 1),
        second=distinct % max(size, 1),
        counts=tally.reshape(-1, _LABELS),
        weights=total,
        squared_weights=squared,
    )


def _by_cluster(
    cluster: IntArray,
    cells: IntArray,
    weight: FloatArray,
    battles: EncodedBattles,
    pairs: PairCounts,
    column: str,
) -> ClusterCells:
    """Add up what each cluster gave each winner of a pair; sorted by cluster and cell."""
    size = len(battles.models)
    pair, winner = np.divmod(cells, _LABELS)
    new = begins(pair, cluster)
    group = np.cumsum(new) - 1
    total = group_sums(group, weight, int(new.sum()))
    score = group_sums(group, weight * OUTCOMES[winner], len(total))
    if not battles.is_unit:
        total, score = _reversible(group * _LABELS + winner, weight, len(total))
    return ClusterCells(
        column=column,
        cluster=cluster[new],
        pair=_places(pairs.first * size + pairs.second, pair[new], size * size),
        weight=total,
        score=score,
        identities=battles.identities,
    )


def _reversible(place: IntArray, weight: FloatArray, size: int) -> tuple[FloatArray, FloatArray]:
    """Add up weight and score of each group, so that weight - score is the other side's score to the last bit."""
    won, lost, tied, bad = group_sums(place, weight, size * _LABELS).reshape(-1, _LABELS).T
    total = (won + lost) + (tied + bad)
    # Half of the total or more, so that the subtraction is exact, here and whenever a pair is turned round.
    larger = (total + np.abs(won - lost)) / 2
    score: FloatArray = np.where(won >= lost, larger, total - larger)
    return total, score


def _places(known: IntArray, wanted: IntArray, size: int) -> IntArray:
    """Return the place of each wanted number among the known ones, which are sorted."""
    if size > _DENSE:
        return np.searchsorted(known, wanted)
    table = np.zeros(size, dtype=np.int64)
    table[known] = np.arange(len(known))
    return table[wanted]


def merge_pairs(
    first: IntArray,
    second: IntArray,
    counts: IntArray,
    weights: FloatArray,
    squared_weights: FloatArray,
    size: int,
) -> tuple[PairCounts, IntArray, BoolArray]:
    """Add up rows of counted votes on the same pair.

    Parameters
    ----------
    first, second : int64, shape (n_rows,)
        Models of each row, 0 to size - 1, in any order and on any side.
    counts, weights, squared_weights : shape (n_rows, 4)
    size : int
        Number of models.

    Returns
    -------
    PairCounts
    int64, shape (n_rows,)
        The pair of each row.
    bool, shape (n_rows,)
        Whether the row had its models on the other sides.
    """
    swapped = first > second
    key = np.minimum(first, second) * size + np.maximum(first, second)
    order = np.argsort(key, kind="stable")
    if (np.diff(key[order]) > 0).all():
        return _arranged_pairs(key, order, swapped, (counts, weights, squared_weights), size)
    keys, pair = np.unique(key, return_inverse=True)
    places = pair[:, np.newaxis] * _LABELS + np.where(swapped[:, np.newaxis], MIRRORED, np.arange(_LABELS))
    shape = (len(keys), _LABELS)
    tally = np.zeros(len(keys) * _LABELS, dtype=np.int64)
    np.add.at(tally, places.ravel(), counts.ravel())
    total, squared = (
        group_sums(places.ravel(), values.ravel(), len(tally)).reshape(shape)
        for values in (weights, squared_weights)
    )
    merged = PairCounts(
        first=keys // max(size, 1),
        second=keys % max(size, 1),
        counts=tally.reshape(shape),
        weights=total,
        squared_weights=squared,
    )
    return merged, pair.astype(np.int64, copy=False), swapped


def _arranged_pairs(
    key: IntArray,
    order: IntArray,
    swapped: BoolArray,
    columns: tuple[IntArray, FloatArray, FloatArray],
    size: int,
) -> tuple[PairCounts, IntArray, BoolArray]:
    """Do what `merge_pairs` does where no pair occurs twice: nothing has to be added."""
    pair = np.empty(len(order), dtype=np.int64)
    pair[order] = np.arange(len(order))
    turned = swapped[order, np.newaxis]
    counts, weights, squared_weights = (
        np.where(turned, column[order][:, MIRRORED], column[order]) for column in columns
    )
    arranged = PairCounts(
        first=key[order] // max(size, 1),
        second=key[order] % max(size, 1),
        counts=counts,
        weights=weights,
        squared_weights=squared_weights,
    )
    return arranged, pair, swapped
