"""Sorted rows of numbers in files, merged range by range: one order for more rows than memory holds."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RunRows: TypeAlias = npt.NDArray[np.uint32]
"""Rows of numbers, most significant byte first, so that rows compare as their bytes do; shape (n_rows, width)."""

ROW_NUMBER = np.dtype(">u4")
RANGE_BYTES = 2**24
"""Rows of about so many bytes are in memory at a time, unless more are all the same."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Sorted rows in a stretch of a file.

    Attributes
    ----------
    path : Path
    offset : int
        Where they begin, in bytes.
    rows, width : int
        Number of rows, and of numbers in each.
    """

    path: Path
    offset: int
    rows: int
    width: int

    def read(self, start: int, stop: int) -> RunRows:
        """Some of the rows; shape (stop - start, width)."""
        count, skipped = (stop - start) * self.width, start * self.width * ROW_NUMBER.itemsize
        found = np.fromfile(self.path, ROW_NUMBER, count, offset=self.offset + skipped)
        return found.reshape(-1, self.width)

    def place(self, row: bytes, start: int) -> int:
        """How many rows come before this one, of which so many are known."""
        return bisect_left(range(self.rows), row, lo=start, key=lambda at: self.read(at, at + 1).tobytes())


def merged(runs: Sequence[Run], *, range_bytes: int = RANGE_BYTES) -> Iterator[list[RunRows]]:
    """Divide runs at common borders.

    Parameters
    ----------
    runs : sequence of Run
        One or more, of one width.
    range_bytes : int, default 16 MiB

    Yields
    ------
    list of uint32 arrays, shape (n_rows, width)
        For each run, its rows of a range: all of them come after those of the ranges before, and what is the same is
        in one range.
    """
    step = max(1, range_bytes // (2 * len(runs) * runs[0].width * ROW_NUMBER.itemsize))
    samples = sorted(run.read(at, at + 1).tobytes() for run in runs for at in range(step, run.rows, step))
    # Between two of these lie as many steps as there are runs, and of each run one more that is begun.
    borders = [*dict.fromkeys(samples[len(runs) - 1 :: len(runs)])]
    start = [0] * len(runs)
    for border in (*borders, None):
        stop = [
            run.rows if border is None else run.place(border, known)
            for run, known in zip(runs, start, strict=True)
        ]
        yield [run.read(*some) for run, *some in zip(runs, start, stop, strict=True)]
        start = stop


def sorted_rows(some: Sequence[RunRows]) -> RunRows:
    """All these rows in the order of their bytes, which is that of their numbers."""
    rows = np.concatenate(some).astype(ROW_NUMBER)  # which concatenation does not keep
    packed = rows.view(f"V{rows.shape[1] * ROW_NUMBER.itemsize}").ravel()
    return rows[np.argsort(packed, kind="stable")]
