"""Rows of battles and turns split by the beginning of `battle_id`, and put in its order however many they are.

A split holds, for each of several spans of ids, the rows of that span. The same span of all splits is read, sorted
and handed on if it fits in memory; else it is split again into narrower spans, and so on.
"""

import shutil
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.shaping import BATTLES_AND_VOTES, TURNS_OF_VOTES, Rows
from arena.memory import return_freed_memory

SCHEMAS: Final = {"battles": BATTLES_AND_VOTES, "turns": TURNS_OF_VOTES}
SORTED_BY: Final = {
    "battles": [("battle_id", "ascending")],
    "turns": [("battle_id", "ascending"), ("index", "ascending")],
}
PREFIX_DIGITS: Final = 8
# Four of these are in memory at once: as they lie in the splits, sorted, as they are written, and the last rows before.
FITTING_BYTES: Final = 32 * 2**20
# So that few steps lead to a battle that is itself larger.
LEAST_SPANS: Final = 8


@dataclass(frozen=True)
class Span:
    """The ids that begin with the hexadecimal digits of these numbers; the last one not among them."""

    first: int
    end: int

    def split(self, number: int) -> list["Span"]:
        """As many spans of nearly the same width, or as there are beginnings."""
        number = max(1, min(number, self.end - self.first))
        width = self.end - self.first
        borders = [self.first + place * width // number for place in range(number + 1)]
        return [Span(first, end) for first, end in pairwise(borders)]


ALL_IDS: Final = Span(0, 16**PREFIX_DIGITS)


class Split:
    """A folder with a file of battles and one of turns, each a batch of rows for every span."""

    def __init__(self, folder: Path, spans: Sequence[Span], sizes: Mapping[str, Sequence[int]]) -> None:
        self.spans = spans
        self._folder = folder
        # There are hundreds of splits of a million battles: as numbers of Python, these would be felt.
        self._places = {name: np.append(0, np.cumsum(each, dtype=np.int64)) for name, each in sizes.items()}

    @classmethod
    def write(cls, folder: Path, rows: Rows, spans: Sequence[Span]) -> "Split":
        """Write rows that are sorted and all within these spans, which follow one another."""
        folder.mkdir(parents=True)
        ends = [f"{span.end:0{PREFIX_DIGITS}x}" for span in spans[:-1]]
        sizes = {name: _write(folder / name, name, getattr(rows, name), ends) for name in SCHEMAS}
        return cls(folder, spans, sizes)

    @property
    def sizes(self) -> dict[str, list[int]]:
        """The bytes of each span."""
        return {name: np.diff(places).tolist() for name, places in self._places.items()}

    def size(self, number: int) -> int:
        """The bytes of one span."""
        return sum(int(places[number + 1] - places[number]) for places in self._places.values())

    def read(self, name: str, number: int) -> pa.RecordBatch:
        """The rows of one span, sorted."""
        places = self._places[name]
        if places[number] == places[number + 1]:
            return _empty(name)
        with pa.OSFile(str(self._folder / name)) as file:
            file.seek(places[number])
            batch = file.read_buffer(places[number + 1] - places[number])
        return pa.ipc.read_record_batch(batch, SCHEMAS[name])


def in_order(splits: Sequence[Split], spans: Sequence[Span], folder: Path) -> Iterator[tuple[Span, Rows]]:
    """All rows in the order of `battle_id`, so many at a time as fit in memory; `folder` holds what is split again."""
    with ThreadPoolExecutor(1) as beside:

        def split_again(number: int) -> Future[list[Split]]:
            return beside.submit(_split_again, splits, number, spans[number], folder)

        ahead = split_again(0)
        for number, span in enumerate(spans):
            narrower = ahead.result()
            if number + 1 < len(spans):
                ahead = split_again(number + 1)
            if narrower:
                yield from in_order(narrower, narrower[0].spans, _folder_of(span, folder))
                shutil.rmtree(_folder_of(span, folder))
            else:
                yield span, _read(splits, number)
            return_freed_memory()


def _split_again(splits: Sequence[Split], number: int, span: Span, folder: Path) -> list[Split]:
    """The rows of a span in narrower ones; nothing if they fit in memory, or it is as narrow as can be."""
    size = sum(split.size(number) for split in splits)
    spans = span.split(max(LEAST_SPANS, ceil(size / FITTING_BYTES)))
    if size <= FITTING_BYTES or len(spans) < 2:
        return []
    groups = enumerate(_groups(splits, number))
    return [
        Split.write(_folder_of(span, folder) / f"{place}", _read(group, number), spans)
        for place, group in groups
    ]


def _folder_of(span: Span, folder: Path) -> Path:
    return folder / f"{span.first:0{PREFIX_DIGITS}x}-{span.end:0{PREFIX_DIGITS}x}"


def _groups(splits: Sequence[Split], number: int) -> Iterator[list[Split]]:
    """Splits whose rows of this span fit in memory together."""
    group: list[Split] = []
    size = 0
    for split in splits:
        if group and size + split.size(number) > FITTING_BYTES // 2:
            yield group
            group, size = [], 0
        group.append(split)
        size += split.size(number)
    yield group


def _read(splits: Sequence[Split], number: int) -> Rows:
    batches = {name: [split.read(name, number) for split in splits] for name in SCHEMAS}
    return in_id_order(
        Rows(**{name: pa.Table.from_batches(each, schema=SCHEMAS[name]) for name, each in batches.items()})
    )


def in_id_order(rows: Rows) -> Rows:
    """The rows as they stand in the files, each column in one piece."""
    return Rows(**{name: getattr(rows, name).sort_by(SORTED_BY[name]).combine_chunks() for name in SCHEMAS})


def _write(path: Path, name: str, rows: pa.Table, ends: Sequence[str]) -> list[int]:
    """The rows of the spans one after the other; how many bytes each has.

    A file of Arrow's own would have a footer, and to read that again for every span takes longer than the rows.
    """
    ids = rows["battle_id"].to_pylist()
    borders = [0, *(bisect_left(ids, end) for end in ends), len(ids)]
    sizes = []
    with path.open("wb") as file:
        for start, end in pairwise(borders):
            # Without rows nothing is written: of many splits, what describes the columns would be more than fits.
            batches = rows.slice(start, end - start).to_batches()
            assert len(batches) <= 1, "rows in several pieces would be read as one"
            sizes.append(sum(file.write(batch.serialize()) for batch in batches))
    return sizes


def _empty(name: str) -> pa.RecordBatch:
    schema = SCHEMAS[name]
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
