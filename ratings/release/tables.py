"""Tables of a release, each in one file or, where they are large, in several: `votes.parquet`, `votes_002.parquet`, …

Whoever writes or reads a Parquet file keeps the directory of its row groups in memory: in one file, that would grow
with the release.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ratings.release.parquet import ROW_GROUP_ROWS, FileWriter, open_file

FILE_ROWS: Final = 2_000_000
_NUMBER: Final = re.compile(r"_\d{3,}(?=\.parquet$)")
_ROWS_AT_ONCE: Final = 1 << 16


class TableWriter:
    """Writes a table: row groups of so many rows, files of so many, by default `FILE_ROWS`; in a `with` block."""

    def __init__(
        self, path: Path, schema: pa.Schema, *, group_rows: int = ROW_GROUP_ROWS, file_rows: int | None = None
    ) -> None:
        self.schema = schema
        self.rows = 0
        self._group_rows, self._file_rows = group_rows, file_rows or FILE_ROWS
        for earlier in table_files(path):
            earlier.unlink(missing_ok=True)
        self._paths = _numbered(path)
        self._file = self._next_file()

    def _next_file(self) -> FileWriter:
        return FileWriter(next(self._paths), self.schema, self._group_rows)

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Add rows."""
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        self.rows += table.num_rows
        while table.num_rows:
            room = self._file_rows - self._file.rows
            if not room:
                self._file.close()
                self._file = self._next_file()
                continue
            self._file.write(table.slice(0, room))
            table = table.slice(room)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)


class TableReader:
    """Reads a table file after file, of which one is open at a time; some columns as codes of their values."""

    def __init__(self, path: Path, *, coded: Sequence[str] = ()) -> None:
        self._files = table_files(path)
        self._coded = coded
        self.schema = pq.read_schema(path)

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(pq.read_metadata(file).num_rows for file in self._files)

    def batches(
        self, rows: int = _ROWS_AT_ONCE, columns: Sequence[str] | None = None, **how: Any
    ) -> Iterator[pa.RecordBatch]:
        """All rows, so many at once; fewer where a file ends."""
        for path in self._files:
            with open_file(path, coded=self._coded) as file:
                yield from file.iter_batches(rows, columns=None if columns is None else [*columns], **how)

    def read(self, columns: Sequence[str] | None = None, **how: Any) -> pa.Table:
        """All rows together."""
        found = []
        for path in self._files:
            with open_file(path, coded=self._coded) as file:
                found.append(file.read(columns=None if columns is None else [*columns], **how))
        return pa.concat_tables(found)


def table_files(path: Path) -> list[Path]:
    """The files of the table that begins with this one, in their order; this one even if it is missing."""
    numbered = _numbered(path)
    found = [next(numbered)]
    for further in numbered:
        if not further.exists():
            return found
        found.append(further)
    return found


def table_names(directory: Path, name: str) -> list[str]:
    """The same by their names within a release."""
    return [path.relative_to(directory).as_posix() for path in table_files(directory / name)]


def numbered_names(table: str) -> Iterator[str]:
    """All names that files of a table can have within a release, in their order."""
    return (path.as_posix() for path in _numbered(Path(table)))


def table_of(file: str) -> str:
    """The first file of the table that a file belongs to."""
    return _NUMBER.sub("", file)


def _numbered(path: Path) -> Iterator[Path]:
    """The path, and what comes after it wherever files are sorted by name."""
    yield path
    number = 2
    while True:
        yield path.with_stem(f"{path.stem}_{number:03}")
        number += 1
