"""Where parts of a large set of votes lie, read in chunks as often as needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ratings.columns import Battles
from ratings.errors import InvalidOptionError, UnreadableVotesError

CHUNK_ROWS = 2**18
"""Rows that are in memory at a time, for each worker."""


class Source(Protocol):
    """A part of the votes."""

    @property
    def name(self) -> str:
        """What errors call it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""

    def chunks(self, columns: Sequence[str]) -> Iterator[Battles]:
        """Read it from the start, only these columns, a chunk at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TableSource:
    """A table in memory."""

    name: str
    table: Battles

    @property
    def columns(self) -> tuple[str, ...]:
        if isinstance(self.table, pa.Table | pa.RecordBatch):
            return tuple(self.table.schema.names)
        return tuple(self.table.columns)

    def chunks(self, columns: Sequence[str]) -> Iterator[Battles]:
        yield self.table


@dataclass(frozen=True, kw_only=True)
class ParquetSource:
    """Consecutive row groups of a Parquet file.

    Attributes
    ----------
    path : Path
    row_groups : tuple of int
    chunk_rows : int
        Rows of a chunk, at most.
    """

    path: Path
    row_groups: tuple[int, ...]
    chunk_rows: int = CHUNK_ROWS

    @property
    def name(self) -> str:
        first, last = self.row_groups[0], self.row_groups[-1]
        return (
            f"{self.path}, row groups {first} to {last}"
            if first < last
            else f"{self.path}, row group {first}"
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(_schema(self.path).names)

    def chunks(self, columns: Sequence[str]) -> Iterator[Battles]:
        schema = _schema(self.path)
        # A name that occurs in every row is kept once.
        labels = [name for name in columns if _is_string(schema.field(name).type)]
        with pq.ParquetFile(self.path, read_dictionary=labels, pre_buffer=False) as file:
            yield from file.iter_batches(
                batch_size=self.chunk_rows, row_groups=list(self.row_groups), columns=list(columns)
            )


def parquet_sources(
    paths: Sequence[Path], *, part_rows: int = 2**22, chunk_rows: int = CHUNK_ROWS
) -> list[ParquetSource]:
    """Divide Parquet files into parts at the borders of row groups.

    Parameters
    ----------
    paths : sequence of Path
        Files, or folders whose ``*.parquet`` files are taken in the order of their names.
    part_rows : int, default 4,194,304
        A part ends with the row group that reaches this many rows; what one worker takes at a time.
    chunk_rows : int, default 262,144
        Rows in memory at a time.

    Returns
    -------
    list of ParquetSource

    Raises
    ------
    UnreadableVotesError
        If a file is missing or no Parquet file, a folder holds none, or there are no rows at all.
    InvalidOptionError
        If a number of rows is below 1.
    """
    if part_rows < 1 or chunk_rows < 1:
        raise InvalidOptionError(f"part_rows is {part_rows} and chunk_rows {chunk_rows}: both are 1 or more.")
    sources = []
    for path in (file for place in paths for file in _files(place)):
        groups: list[int] = []
        rows = 0
        for group, size in enumerate(_row_group_sizes(path)):
            if not size:
                continue
            groups.append(group)
            rows += size
            if rows >= part_rows:
                sources.append(ParquetSource(path=path, row_groups=tuple(groups), chunk_rows=chunk_rows))
                groups, rows = [], 0
        if groups:
            sources.append(ParquetSource(path=path, row_groups=tuple(groups), chunk_rows=chunk_rows))
    if not sources:
        raise UnreadableVotesError(
            f"There are no votes in {', '.join(map(str, paths)) or 'no file'}: name others."
        )
    return sources


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.parquet"))
    if not found:
        raise UnreadableVotesError(
            f"{path} holds no file that ends in .parquet: name the files or their folder."
        )
    return found


def _row_group_sizes(path: Path) -> list[int]:
    try:
        metadata = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableVotesError(f"{path} cannot be read as Parquet: {error}.") from error
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


def _schema(path: Path) -> pa.Schema:
    return pq.read_schema(path)


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
