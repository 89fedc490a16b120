"""Parquet as releases hold it: the same rows give the same bytes, whatever the batches in which they come."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

ROW_GROUP_ROWS: Final = 16_384
MANY_GROUPS: Final = 512
LARGER: Final = 4
"""Groups after so many are larger by this factor: of each one, writers and readers keep a kilobyte for every column."""

_FORMAT: Final[dict[str, Any]] = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 3,
    "data_page_size": 4 * 2**20,
    "store_schema": True,  # descriptions of the columns travel in it
}
_TEXTS: Final = frozenset({"prompt", "response_a", "response_b", "content", "text"})
"""Values that seldom repeat, wherever they are in a column: a dictionary of them is made only to be thrown away, which
breaks them into small pages, and nobody asks which text is the least. Without, files of turns are a fourth smaller."""


class FileWriter:
    """Writes one file in row groups of so many rows; holds no more rows than one group and the last batch.

    From the 513th on, groups are four times as large.
    """

    def __init__(self, path: Path, schema: pa.Schema, group_rows: int) -> None:
        self.schema = schema
        self._group_rows = group_rows
        self.rows = 0
        self._groups = 0
        repeating = [name for name in _leaves(schema) if name.rpartition(".")[2] not in _TEXTS]
        self._file = pq.ParquetWriter(
            path, schema, **_FORMAT, use_dictionary=repeating, write_statistics=repeating
        )
        self._waiting = schema.empty_table()

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Add rows; what fills no row group yet waits for the next ones."""
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        self.rows += table.num_rows
        self._waiting = pa.concat_tables([self._waiting, table.cast(self.schema)])
        while self._waiting.num_rows >= (size := self._size):
            self._write_group(self._waiting.slice(0, size))
            self._waiting = self._waiting.slice(size)

    def close(self) -> None:
        """Write the rows that wait, and the end of the file."""
        if self._waiting.num_rows:
            self._write_group(self._waiting)
            self._waiting = self.schema.empty_table()
        self._file.close()

    @property
    def _size(self) -> int:
        return self._group_rows * (1 if self._groups < MANY_GROUPS else LARGER)

    def _write_group(self, rows: pa.Table) -> None:
        # Pages end where a batch does: in one piece, a group has the same ones whatever it came in.
        self._file.write_table(rows.combine_chunks(), row_group_size=rows.num_rows)
        self._groups += 1

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._file.close()


def _leaves(schema: pa.Schema) -> list[str]:
    """Parquet's columns of numbers and texts, such as `tags.list.element`."""
    written = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), written)
    leaves = pq.ParquetFile(pa.BufferReader(written.getvalue())).schema
    return [leaves.column(number).path for number in range(len(leaves))]


def open_file(path: Path, *, coded: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a file to be read piece by piece: by default, Arrow keeps all that it has read until the file is closed."""
    return pq.ParquetFile(path, read_dictionary=[*coded], pre_buffer=False)
