"""Arrow → Postgres: rows of a table by COPY, without an object for every value."""

from collections.abc import Iterator
from io import BytesIO

import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv
from sqlalchemy.ext.asyncio import AsyncSession

_WRITTEN = 1 << 20


async def copy_into(session: AsyncSession, table: str, rows: pa.Table) -> None:
    """Add rows to a table of the database whose columns have these names; lists stand there as text already."""
    columns = ", ".join(f'"{name}"' for name in rows.column_names)
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None, "a session's connection is open"
    into = f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)"
    async with driver.cursor() as cursor, cursor.copy(into) as copy:
        for part in _written(rows):
            await copy.write(part)


def _written(rows: pa.Table) -> Iterator[bytes]:
    """As CSV, some at a time: texts in quotes, and nothing for null, which is how COPY tells them apart."""
    size = max(1, len(rows) * _WRITTEN // max(rows.nbytes, 1))
    for start in range(0, len(rows), size):
        written = BytesIO()
        csv.write_csv(rows.slice(start, size), written, csv.WriteOptions(include_header=False))
        yield written.getvalue()
