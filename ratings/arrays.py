"""The array types of the package, and sums within groups."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]


def group_sums(group: IntArray, values: FloatArray | IntArray, size: int) -> FloatArray:
    """Add up the values of each group, one after the other in their order; shape (size,)."""
    return np.bincount(group, values, minlength=size).astype(np.float64, copy=False)
