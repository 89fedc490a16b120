"""The array types of the package, and sums within groups."""

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


def group_sums(group: IntArray, values: FloatArray | IntArray, size: int) -> FloatArray:
    """Add up the values of each group, one after the other in their order; shape (size,)."""
    return np.bincount(group, values, minlength=size).astype(np.float64, copy=False)


def count_codes(codes: CodeArray | IntArray, size: int) -> IntArray:
    """Count how often each code from 0 to size - 1 occurs, without a copy of all codes; shape (size,)."""
    counts = np.zeros(size, dtype=np.int64)
    for start in range(0, len(codes), _BLOCK):
        counts += np.bincount(codes[start : start + _BLOCK], minlength=size)
    return counts


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
