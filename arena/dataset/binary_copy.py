"""Rows of a query as Arrow columns, by COPY in the binary format: no value becomes an object, none is written as text.

A row begins with all that has a fixed width, so that one look at every row's beginning finds it all; then one look for
each text finds where it ends and the next one begins. Reference: "Binary Format" in the documentation of COPY.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]

SIGNATURE_BYTES, TRAILER_BYTES, SIZE_BYTES = 19, 2, 4
LEAST_32, LEAST_64 = -(2**31), -(2**63)


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """How a type of fixed width travels: as which SQL type, and what stands for null."""

    sql: str
    wire: str
    null: str
    missing: Any


FIXED: Final[Mapping[pa.DataType, Fixed]] = {
    pa.int32(): Fixed(sql="int4", wire=">i4", null=f"{LEAST_32}", missing=LEAST_32),
    pa.int64(): Fixed(sql="int8", wire=">i8", null=f"'{LEAST_64}'::int8", missing=LEAST_64),
    pa.float64(): Fixed(sql="float8", wire=">f8", null="'NaN'::float8", missing=None),
    pa.bool_(): Fixed(sql="int4", wire=">i4", null="-1", missing=-1),
    pa.date32(): Fixed(sql="int4", wire=">i4", null=f"{LEAST_32}", missing=LEAST_32),
}
Columns = Mapping[str, tuple[str, pa.DataType]]  # name → SQL, type


def copy_all(connection: psycopg.Connection[Any], columns: Columns, source: str) -> pa.Table:
    """The rows of `SELECT columns source`; texts are UTF-8 as the server keeps them."""
    schema = pa.schema([(name, kind) for name, (_, kind) in columns.items()])
    return next(copy_batches(connection, columns, source), schema.empty_table())


def copy_batches(
    connection: psycopg.Connection[Any], columns: Columns, source: str, *, batch_bytes: int | None = None
) -> Iterator[pa.Table]:
    """The same, no more than so many bytes at a time, and one row."""
    layout = _Layout(columns)
    written, sizes = BytesIO(), []
    with connection.cursor() as cursor, cursor.copy(layout.query(source)) as copy:
        for number, message in enumerate(copy):  # one message is one row
            row = message if number else message[SIGNATURE_BYTES:]
            if len(row) > TRAILER_BYTES:
                sizes.append(written.write(row))
            if batch_bytes is not None and written.tell() > batch_bytes:
                yield layout.table(written.getbuffer(), sizes)
                written, sizes = BytesIO(), []
    if sizes:
        yield layout.table(written.getbuffer(), sizes)


def _sent(sql: str, kind: pa.DataType) -> str:
    how = FIXED[kind]
    sql = f"({sql}) - date '1970-01-01'" if pa.types.is_date(kind) else f"({sql})::{how.sql}"
    return f"coalesce({sql}, {how.null})"


class _Layout:
    """What stands where in a row."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._fixed = {name: kind for name, (_, kind) in columns.items() if kind in FIXED}
        self._texts = [name for name in columns if name not in self._fixed]
        fields: list[tuple[str, str]] = [("fields", ">i2")]
        for name, kind in self._fixed.items():
            fields += [(f"size of {name}", ">i4"), (name, FIXED[kind].wire)]
        self._head = np.dtype(fields)

    def query(self, source: str) -> str:
        """COPY with all of fixed width first."""
        sql = {name: said for name, (said, _) in self._columns.items()}
        selected = [
            *(_sent(sql[name], kind) for name, kind in self._fixed.items()),
            *(sql[name] for name in self._texts),
        ]
        return f"COPY (SELECT {', '.join(selected)} {source}) TO STDOUT (FORMAT binary)"

    def table(self, buffer: memoryview, sizes: Sequence[int]) -> pa.Table:
        """The rows of these sizes that stand in the buffer one after the other."""
        starts = np.cumsum([0, *sizes[:-1]], dtype=np.int64)
        ends = starts + self._head.itemsize
        pieces = _cut(buffer, np.stack([starts, ends], axis=1))
        heads = np.frombuffer(pieces.take(pa.array(np.arange(0, len(pieces), 2))).buffers()[2], self._head)
        found = {name: _column(heads[name], kind) for name, kind in self._fixed.items()}
        found |= self._texts_of(buffer, ends)
        schema = pa.schema([(name, kind) for name, (_, kind) in self._columns.items()])
        return pa.table([found[name] for name in self._columns], schema=schema)

    def _texts_of(self, buffer: memoryview, starts: npt.NDArray[np.int64]) -> dict[str, pa.Array]:
        """The buffer is cut wherever a text begins or ends, and every second piece is one."""
        if not self._texts:
            return {}
        size_bytes = np.lib.stride_tricks.sliding_window_view(np.frombuffer(buffer, np.uint8), SIZE_BYTES)
        borders = np.empty((len(starts), len(self._texts), 2), np.int64)
        missing = np.empty((len(starts), len(self._texts)), bool)
        for number in range(len(self._texts)):
            sizes = size_bytes[starts].view(">i4").ravel()
            missing[:, number] = sizes < 0
            borders[:, number, 0] = starts + SIZE_BYTES
            borders[:, number, 1] = starts = starts + SIZE_BYTES + np.maximum(sizes, 0)
        pieces = _cut(buffer, borders)
        places = np.arange(0, len(pieces), 2).reshape(missing.shape)
        return {
            name: pieces.take(pa.array(places[:, number], mask=missing[:, number])).cast(pa.string())
            for number, name in enumerate(self._texts)
        }


def _cut(buffer: memoryview, borders: npt.NDArray[np.int64]) -> pa.LargeStringArray:
    """What lies between one border and the next."""
    borders = np.ascontiguousarray(borders.ravel())
    return pa.LargeStringArray.from_buffers(len(borders) - 1, pa.py_buffer(borders), pa.py_buffer(buffer))


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    values = values.astype(values.dtype.newbyteorder("="))
    missing = FIXED[kind].missing
    null = np.isnan(values) if missing is None else values == missing
    return pa.array(values == 1 if pa.types.is_boolean(kind) else values, mask=null).cast(kind)
