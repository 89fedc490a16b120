"""An order of rows that what they hold decides: sums in this order do not depend on the order of the table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ratings.arrays import BoolArray, CodeArray, FloatArray, IntArray, SmallCodeArray
from ratings.hashing import Hashes, mix_in, scatter


class RowOrder:
    """Sorts rows by pair, and the rows of a pair by a hash of what they hold; by all of it where hashes agree.

    Parameters
    ----------
    rows, pairs : int
        How many there are.

    Notes
    -----
    A key holds the pair, as much of the hash as there is room for, and the number of the row, so that one sort of
    whole numbers does everything. Rows that hold the same come in any order, since exchanging them changes nothing.
    """

    def __init__(self, rows: int, pairs: int) -> None:
        self._row_bits = np.uint64(max(rows - 1, 1).bit_length())
        self._pair_shift = np.uint64(64 - max(pairs - 1, 1).bit_length())
        self._row_mask = (np.uint64(1) << self._row_bits) - np.uint64(1)
        self._keys: Hashes = np.empty(rows, dtype=np.uint64)

    def enter(
        self, low: int, pair: CodeArray, outcome: SmallCodeArray, columns: Sequence[FloatArray]
    ) -> None:
        """Take notice of the rows from low on: the pair, the outcome and the numbers of each."""
        hashes = outcome.astype(np.int64).view(np.uint64)
        for column in columns:
            mix_in(hashes, column)
        hashes = scatter(hashes)
        # The upper bits, below those of the pair and above those of the row.
        hashes >>= np.uint64(64) - self._pair_shift
        hashes &= ~self._row_mask
        hashes |= pair.astype(np.uint64) << self._pair_shift
        hashes |= np.arange(low, low + len(pair), dtype=np.uint64)
        self._keys[low : low + len(pair)] = hashes

    def sort(
        self, kept: BoolArray | None, outcome: SmallCodeArray, columns: Sequence[FloatArray]
    ) -> tuple[CodeArray, IntArray]:
        """Put the rows, or those kept, in order.

        Parameters
        ----------
        kept : bool, shape (n_rows,), or None for all
        outcome, columns
            As entered, but of all rows.

        Returns
        -------
        pair : int32, shape (n_kept,)
        order : int64, shape (n_kept,)
            The number of the row in each place.
        """
        keys = self._keys if kept is None else self._keys[kept]
        keys.sort()
        self._keys = keys
        order = (keys & self._row_mask).astype(np.int64)
        groups = keys >> self._row_bits
        alike = np.flatnonzero(groups[1:] == groups[:-1])
        if len(alike) and _any_differ(order[alike], order[alike + 1], [outcome, *columns]):
            places = np.union1d(alike, alike + 1)
            rows = order[places]
            content: list[npt.NDArray[Any]] = [column[rows] for column in columns]
            order[places] = rows[np.lexsort([*content, outcome[rows], groups[places]])]
        return (keys >> self._pair_shift).astype(np.int32), order

    def borders(self, step: int) -> list[int]:
        """Divide the sorted rows about every ``step`` rows, without parting rows that hold the same."""
        found = [0]
        while (end := found[-1] + step) < len(self._keys):
            last = self._keys[end - 1] | self._row_mask
            found.append(int(np.searchsorted(self._keys, last, side="right")))
        return sorted({*found, len(self._keys)})


def _any_differ(one: IntArray, other: IntArray, columns: Sequence[npt.NDArray[Any]]) -> bool:
    return any(bool((column[one] != column[other]).any()) for column in columns)
