"""Tables that other programs read whole, divided: whoever writes a Parquet file keeps its directory in memory."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.conversations import GROUP_ROWS
from ratings.release.parquet import open_writer

FILE_BATTLES: Final = 500_000


class DividedWriter:
    """Writes rows into a file, and what is too much for it into others: `battles.parquet`, `battles_002.parquet`, …"""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        for earlier in divided_files(path.parent, path.name):
            (path.parent / earlier).unlink()
        self._paths = _numbered(path)
        self._writer = open_writer(next(self._paths), schema, group_rows=GROUP_ROWS)

    def write(self, rows: pa.Table) -> None:
        """Add rows."""
        while rows.num_rows:
            room = FILE_BATTLES - self._writer.rows
            if not room:
                self._writer.close()
                self._writer = open_writer(next(self._paths), self.schema, group_rows=GROUP_ROWS)
                continue
            self._writer.write(rows.slice(0, room))
            rows = rows.slice(room)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)


def divided_files(directory: Path, name: str) -> list[str]:
    """The files of a table that `DividedWriter` wrote under this name, in their order; none if there are none."""
    found: list[str] = []
    for path in _numbered(Path(name)):
        if not (directory / path).exists():
            break
        found.append(path.as_posix())
    return found


def _numbered(path: Path) -> Iterator[Path]:
    """The path, and what comes after it wherever files are sorted by name."""
    yield path
    number = 2
    while True:
        yield path.with_stem(f"{path.stem}_{number:03}")
        number += 1
