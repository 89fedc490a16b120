"""An order of rows that what they hold decides: sums in this order do not depend on the order of the table."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ratings.arrays import BoolArray, CodeArray, IntArray
from ratings.hashing import Hashes, scatter
from ratings.style_kernels import pack_keys
from ratings.threads import in_order

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
        self,
        kept: BoolArray | None,
        content: Callable[[IntArray], Sequence[npt.NDArray[Any]]],
        *,
        threads: int = 1,
    ) -> None:
        """Put the rows, or those kept, in order.

        Parameters
        ----------
        kept : bool, shape (n_rows,), or None for all
        content : callable
            Takes numbers of rows to what their hashes were made of: columns of numbers, shape (n_chosen,).
        threads : int, default 1
        """
        keys = self._keys if kept is None else self._keys[kept]
        parts = min(threads, 1 + len(keys) // _BLOCK)
        cuts = [len(keys) * part // parts for part in range(1, parts)]
        if cuts:
            keys.partition(cuts)
        list(in_order(lambda part: part.sort(), np.split(keys, cuts), threads))
        self._keys = keys
        alike = self._alike()
        if self._any_differ(alike, content):
            places = np.union1d(alike, alike + 1)
            group = keys[places] >> self._row_bits
            keys[places] = keys[places][np.lexsort([*content(self._rows(places)), group])]

    def rows(self, low: int, high: int) -> tuple[CodeArray, IntArray]:
        """Return the pair of each sorted row from low to high, and the number of the row."""
        keys = self._keys[low:high]
        pair = (keys >> self._pair_shift).astype(np.int32)
        return pair, (keys & self._row_mask).view(np.int64)

    def borders(self, step: int) -> list[int]:
        """Divide the sorted rows about every ``step`` rows, without parting rows that hold the same."""
        found = [0]
        while (end := found[-1] + step) < len(self._keys):
            last = self._keys[end - 1] | self._row_mask
            found.append(int(np.searchsorted(self._keys, last, side="right")))
        return sorted({*found, len(self._keys)})

    def _rows(self, places: IntArray) -> IntArray:
        return (self._keys[places] & self._row_mask).view(np.int64)

    def _alike(self) -> IntArray:
        """Find the places whose pair and hash the next place has, too."""
        found = [np.zeros(0, dtype=np.int64)]
        for start in range(0, len(self._keys), _BLOCK):
            keys = self._keys[start : start + _BLOCK + 1]
            found.append(start + np.flatnonzero((keys[1:] ^ keys[:-1]) <= self._row_mask))
        return np.concatenate(found)

    def _any_differ(self, alike: IntArray, content: Callable[[IntArray], Sequence[npt.NDArray[Any]]]) -> bool:
        """Tell whether some of these places and the next ones have equal hashes of different content."""
        for start in range(0, len(alike), _BLOCK):
            places = alike[start : start + _BLOCK]
            pairs = zip(content(self._rows(places)), content(self._rows(places + 1)), strict=True)
            if any(bool((one != other).any()) for one, other in pairs):
                return True
        return False
