"""The array types of the package, and sums within groups."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
CodeArray: TypeAlias = npt.NDArray[np.int32]
SmallCodeArray: TypeAlias = npt.NDArray[np.int8]

ModelId: TypeAlias = Any
"""What names a model: mostly a string; a table may use integers, or any other one type that has an order."""

_BLOCK = 1 << 17
_KEY_BITS = 63
_MOST_HALVES = 2.0**52


def group_sums(group: IntArray, values: FloatArray | IntArray, size: int) -> FloatArray:
    """Add up the values of each group, one after the other in their order; shape (size,)."""
    return np.bincount(group, values, minlength=size).astype(np.float64, copy=False)


def count_codes(codes: CodeArray | IntArray, size: int) -> IntArray:
    """Count how often each code from 0 to size - 1 occurs, without a copy of all codes; shape (size,)."""
    counts = np.zeros(size, dtype=np.int64)
    for start in range(0, len(codes), _BLOCK):
        counts += np.bincount(codes[start : start + _BLOCK], minlength=size)
    return counts


def begins(*columns: npt.NDArray[Any]) -> BoolArray:
    """Which entries differ in some column from the one before, as the first one does; shape (n_entries,)."""
    found = np.ones(len(columns[0]), dtype=bool)
    differs = found[1:]
    differs[:] = False
    for column in columns:
        differs |= column[1:] != column[:-1]
    return found


def is_ascending(values: npt.NDArray[Any]) -> bool:
    """Whether no entry is smaller than the one before."""
    return bool((values[1:] >= values[:-1]).all())


def counting_order(major: IntArray | CodeArray, minor: IntArray | CodeArray) -> IntArray:
    """Order entries by major, then minor, then place; both hold small numbers, 0 or more; shape (n_entries,).

    Two counting sorts, first by minor and then by major: that is what a sparse matrix does when it changes
    between rows and columns, several times faster than a sort.
    """
    rows, majors, minors = len(major), int(major.max(initial=-1)) + 1, int(minor.max(initial=-1)) + 1
    index: type[np.signedinteger[Any]] = np.int32 if max(rows, majors, minors) < 2**31 - 1 else np.int64
    place = np.arange(rows + 1, dtype=index)
    by_minor = sparse.csr_array((place[:-1], minor.astype(index), place), shape=(rows, minors)).tocsc()
    ordered = major.astype(index)[by_minor.data]
    by_major = sparse.csr_array((by_minor.data, ordered, by_minor.indptr), shape=(minors, majors)).tocsc()
    return np.asarray(by_major.data, dtype=np.int64)


def sorted_together(columns: Sequence[IntArray | CodeArray]) -> list[IntArray] | None:
    """Sort rows of whole numbers, 0 or more, column after column; None where they do not fit 63 bits together.

    Sorting single numbers is several times faster than finding an order and following it.
    """
    bits = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(bits) > _KEY_BITS:
        return None
    keys = np.zeros(len(columns[0]), dtype=np.int64)
    for column, width in zip(columns, bits, strict=True):
        keys <<= width
        keys |= column
    keys.sort()
    found = []
    for width in reversed(bits):
        found.append(keys & ((1 << width) - 1))
        keys >>= width
    return found[::-1]


def doubled(values: FloatArray) -> IntArray | None:
    """Twice each value where all of them are halves or whole, 0 or more, and no larger than numbers of votes are."""
    if not float(values.max(initial=0.0)) < _MOST_HALVES or float(values.min(initial=0.0)) < 0:
        return None
    twice = (2 * values).astype(np.int64)
    return twice if (twice == 2 * values).all() else None
