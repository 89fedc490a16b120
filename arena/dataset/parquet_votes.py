"""Votes in Parquet: only the columns of a vote are read, so conversations beside them cost nothing."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from arena.dataset.blocks import NO_TEXT, Block, VotesFile
from ratings.release.parquet import open_file

_ROWS = 1 << 17


def open_parquet(path: Path, *further: Path) -> VotesFile:
    """Read the schema; `further` are files of the same columns in which the rows go on."""
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
    inner = [
        f"{field.name}.{part.name}"
        for field in schema
        if pa.types.is_struct(field.type)
        for part in field.type
    ]

    def read(wanted: Sequence[str], on_progress: Callable[[float], None]) -> Iterator[Block]:
        files = (path, *further)
        done, total = 0, sum(pq.read_metadata(each).num_rows for each in files)
        for batch in (batch for each in files for batch in _batches(each, wanted)):
            table = pa.table([_as_text(batch.column(name)) for name in wanted], names=list(wanted))
            lines = np.arange(done + 1, done + 1 + batch.num_rows)
            yield Block(lines=lines, columns=table, raw=_raw(table))
            done += batch.num_rows
            on_progress(done / total)

    return VotesFile(path=path, further=further, columns=(*schema.names, *inner), read=read, row_is="row")


def _batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with open_file(path) as file:
        yield from file.iter_batches(batch_size=_ROWS, columns=list(columns))


def _raw(table: pa.Table) -> Callable[[int], str]:
    return lambda row: json.dumps(table.slice(row, 1).to_pylist()[0], ensure_ascii=False)


def _as_text(column: pa.Array) -> pa.Array:
    """Values as the text that a file of text would hold; a list by its parts, and a record as no text."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pc.binary_join(column.cast(pa.list_(pa.string())), " ")
    if pa.types.is_nested(kind) and not pa.types.is_dictionary(kind):
        return pc.if_else(column.is_valid(), NO_TEXT, pa.scalar(None, pa.string()))
    return column.cast(pa.string())
