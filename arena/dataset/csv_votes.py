"""Votes in CSV and TSV: Arrow reads the columns, and what it cannot read is read with care, row by row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv

from arena.dataset.blocks import Block, TextStream, VotesFile, texts
from arena.dataset.rejects import Reject
from arena.dataset.text_records import Quoting, TextBlock, fields_of, text_blocks
from arena.errors import DatasetInvalid
from ratings.arrays import IntArray

_OTHER_SEPARATORS = (";", "\t", "|", ",")


@dataclass(frozen=True, kw_only=True)
class _Reader:
    quoting: Quoting
    width: int
    places: Sequence[int]  # of the wanted columns
    columns: Sequence[str]

    def block(self, records: TextBlock) -> Block:
        try:
            return self._read_fast(records)
        except (pa.ArrowInvalid, _RowsDiffer):
            return self._read_carefully(records.split_carefully(self.quoting))

    def _read_fast(self, records: TextBlock) -> Block:
        if not records.is_plain:
            raise _RowsDiffer
        broken: list[tuple[int, int]] = []

        def on_broken(row: csv.InvalidRow) -> str:
            broken.append((row.number - 1, row.actual_columns))
            return "skip"

        names = [str(place) for place in range(self.width)]
        table = csv.read_csv(
            pa.BufferReader(pa.py_buffer(records.data)),
            # In one thread and one block, or rows that are broken have no number.
            read_options=csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(records.data) + 1
            ),
            parse_options=csv.ParseOptions(
                delimiter=self.quoting.separator, newlines_in_values=True, invalid_row_handler=on_broken
            ),
            # Only an empty cell is a missing value: "NA" and "007" are names like others.
            convert_options=csv.ConvertOptions(
                include_columns=[names[place] for place in self.places],
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        ).rename_columns(list(self.columns))
        spans_lines = any(b"\n" in records.record(row) for row, _ in broken)
        if spans_lines or table.num_rows + len(broken) != len(records.starts):
            raise _RowsDiffer
        rows = np.delete(np.arange(len(records.starts)), [row for row, _ in broken])
        unreadable = [self._reject(records, row, width) for row, width in broken]
        return _block(records, rows, table, unreadable)

    def _read_carefully(self, records: TextBlock) -> Block:
        rows, values, unreadable = [], [], []
        for row in range(len(records.starts)):
            fields = fields_of(records.record(row), self.quoting)
            if len(fields) != self.width:
                unreadable.append(self._reject(records, row, len(fields)))
                continue
            try:
                values.append([fields[place].decode() or None for place in self.places])
            except UnicodeDecodeError:
                unreadable.append(_reject(records, row, "it holds bytes that are not UTF-8 text"))
            else:
                rows.append(row)
        return _block(records, np.array(rows, np.int64), texts(values, self.columns), unreadable)

    def _reject(self, records: TextBlock, row: int, width: int) -> Reject:
        return _reject(
            records, row, f"{width} field{'' if width == 1 else 's'}, and the first line names {self.width}"
        )


class _RowsDiffer(Exception):
    """Arrow would find other rows than we did."""


def open_csv(path: Path) -> VotesFile:
    """Read the head line; raises `DatasetInvalid` where there is none."""
    separator = "\t" if ".tsv" in path.name.lower().removesuffix(".gz").removesuffix(".zst")[-4:] else ","
    with TextStream(path) as text:
        first = next(text_blocks(text.stream, Quoting(separator=separator)), None)
    head = fields_of(first.record(0), Quoting(separator=separator)) if first and len(first.starts) else []
    columns = tuple(field.decode().strip() for field in head)
    if len(columns) == 1 and (other := [mark for mark in _OTHER_SEPARATORS if mark in columns[0]]):
        raise DatasetInvalid(
            f"the separator looks like {other[0]!r}, not {separator!r}. Save it with commas, or with tabs as .tsv."
        )

    def read(wanted: Sequence[str], on_progress: Callable[[float], None]) -> Iterator[Block]:
        quoting = Quoting(separator=separator, width=len(columns))
        places = [columns.index(name) for name in wanted]
        reader = _Reader(quoting=quoting, width=len(columns), places=places, columns=wanted)
        with TextStream(path) as text:
            for number, records in enumerate(text_blocks(text.stream, quoting)):
                yield reader.block(records.without_first() if number == 0 else records)
                on_progress(text.share())

    return VotesFile(path=path, columns=columns, read=read)


def _block(records: TextBlock, rows: IntArray, table: pa.Table, unreadable: list[Reject]) -> Block:
    return Block(
        lines=records.lines[rows],
        columns=table,
        raw=lambda row: records.record(int(rows[row])).decode(errors="backslashreplace"),
        unreadable=unreadable,
    )


def _reject(records: TextBlock, row: int, why: str) -> Reject:
    return Reject(
        line=int(records.lines[row]), why=why, row=records.record(row).decode(errors="backslashreplace")
    )
