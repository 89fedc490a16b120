"""Hashes by which things are told apart by what they are, and not by their names or places."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ratings.arrays import IntArray

Hashes = npt.NDArray[np.uint64]

_BLOCK = 1 << 15
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


def scatter(values: Hashes) -> Hashes:
    """Scatter the bits of each number (the finaliser of SplitMix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def mix_in(hashes: Hashes, column: npt.NDArray[Any]) -> None:
    """Let each hash depend on the entry beside it, too, in a column of 8-byte numbers without -0.0."""
    hashes ^= np.ascontiguousarray(column).view(np.uint64)
    hashes *= _FACTOR
    hashes ^= hashes >> _HALF


def hash_rows(columns: Sequence[npt.NDArray[Any]]) -> Hashes:
    """Hash the entries that stand side by side in columns of 8-byte numbers, shape (n_rows,)."""
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    for start in range(0, len(hashes), _BLOCK):
        rows = slice(start, start + _BLOCK)
        for column in columns:
            # Adding 0 turns -0.0 into 0.0, which is the same number.
            mix_in(hashes[rows], column[rows] + 0)
        hashes[rows] = scatter(hashes[rows])
    return hashes


def hash_groups(group: IntArray, columns: Sequence[npt.NDArray[Any]], size: int) -> Hashes:
    """Hash what the rows of each group hold, in whatever order they come; 0 without rows; shape (n_groups,)."""
    hashes = np.zeros(size, dtype=np.uint64)
    np.add.at(hashes, group, hash_rows(columns))
    return hashes


def content_order(group: IntArray, columns: Sequence[npt.NDArray[Any]], size: int) -> IntArray:
    """Order groups of rows by what the rows hold; groups that hold nothing come last.

    Parameters
    ----------
    group : int64, shape (n_rows,)
        0 to size - 1.
    columns : sequence of 8-byte numbers, shape (n_rows,)
    size : int
        Number of groups, n_groups.

    Returns
    -------
    int64, shape (n_groups,)
        Neither the numbers of the groups nor the order of the rows matter; groups alike may come in any order.
        (A hash decides: of a million different groups, any two have the same with probability 3e-8.)
    """
    hashes = hash_groups(group, columns, size)
    hashes[np.bincount(group, minlength=size) == 0] = np.iinfo(np.uint64).max
    return np.argsort(hashes)
