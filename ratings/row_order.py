"""An order of rows that what they hold decides: sums in this order do not depend on the order of the table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ratings.arrays import BoolArray, CodeArray, FloatArray, IntArray, SmallCodeArray
from ratings.hashing import Hashes, scatter
from ratings.style_kernels import pack_keys

_BLOCK = 1 << 17


class RowOrder:
    """Sorts rows by pair, and the rows of a pair by a hash of what they hold; by all of it where hashes agree.

    Parameters
    ----------
    rows, pairs : int
        How many there are.
    compiled : bool, default False
        Whether to pack keys in machine code; they are the same.

    Notes
    -----
    A key holds the pair, as much of the hash as there is room for, and the number of the row, so that one sort of
    whole numbers does everything. Rows that hold the same come in any order, since exchanging them changes nothing.
    """

    def __init__(self, rows: int, pairs: int, *, compiled: bool = False) -> None:
        self._compiled = compiled
        self._row_bits = np.uint64(max(rows - 1, 1).bit_length())
        self._pair_shift = np.uint64(64 - max(pairs - 1, 1).bit_length())
        self._row_mask = (np.uint64(1) << self._row_bits) - np.uint64(1)
        self._keys: Hashes = np.empty(rows, dtype=np.uint64)

    def enter(self, low: int, pair: CodeArray, hashes: Hashes) -> None:
        """Take notice of the rows from low on: the pair, and a hash of the outcome and the numbers of each."""
        keys = self._keys[low : low + len(pair)]
        if self._compiled:
            pack_keys(hashes, pair, low, self._pair_shift, self._row_mask, keys)
            return
        hashes = scatter(hashes)
        # The upper bits, below those of the pair and above those of the row.
        hashes >>= np.uint64(64) - self._pair_shift
        hashes &= ~self._row_mask
        hashes |= pair.astype(np.uint64) << self._pair_shift
        hashes |= np.arange(low, low + len(pair), dtype=np.uint64)
        keys[:] = hashes

    def sort(
        self, kept: BoolArray | None, outcome: SmallCodeArray, columns: Sequence[FloatArray]
    ) -> tuple[CodeArray, npt.NDArray[np.signedinteger[Any]]]:
        """Put the rows, or those kept, in order.

        Parameters
        ----------
        kept : bool, shape (n_rows,), or None for all
        outcome : int8, shape (n_rows,)
        columns : sequence of float64, shape (n_rows,)
            What the hashes were made of.

        Returns
        -------
        pair : int32, shape (n_kept,)
        order : int32 or int64, shape (n_kept,)
            The number of the row in each place.
        """
        keys = self._keys if kept is None else self._keys[kept]
        keys.sort()
        self._keys = keys
        index: type[np.signedinteger[Any]] = np.int32 if len(self._keys) < 2**31 else np.int64
        order = np.empty(len(keys), dtype=index)
        pair = np.empty(len(keys), dtype=np.int32)
        for start in range(0, len(keys), _BLOCK):
            rows = slice(start, start + _BLOCK)
            order[rows] = keys[rows] & self._row_mask
            pair[rows] = keys[rows] >> self._pair_shift
        alike = self._alike()
        if len(alike) and _any_differ(order[alike], order[alike + 1], [outcome, *columns]):
            places = np.union1d(alike, alike + 1)
            chosen = order[places]
            content: list[npt.NDArray[Any]] = [column[chosen] for column in columns]
            group = keys[places] >> self._row_bits
            order[places] = chosen[np.lexsort([*content, outcome[chosen], group])]
        return pair, order

    def borders(self, step: int) -> list[int]:
        """Divide the sorted rows about every ``step`` rows, without parting rows that hold the same."""
        found = [0]
        while (end := found[-1] + step) < len(self._keys):
            last = self._keys[end - 1] | self._row_mask
            found.append(int(np.searchsorted(self._keys, last, side="right")))
        return sorted({*found, len(self._keys)})

    def _alike(self) -> IntArray:
        """Find the places whose pair and hash the next place has, too."""
        found = [np.zeros(0, dtype=np.int64)]
        for start in range(0, len(self._keys), _BLOCK):
            keys = self._keys[start : start + _BLOCK + 1]
            found.append(start + np.flatnonzero((keys[1:] ^ keys[:-1]) <= self._row_mask))
        return np.concatenate(found)


def _any_differ(
    one: npt.NDArray[np.signedinteger[Any]],
    other: npt.NDArray[np.signedinteger[Any]],
    columns: Sequence[npt.NDArray[Any]],
) -> bool:
    return any(bool((column[one] != column[other]).any()) for column in columns)
