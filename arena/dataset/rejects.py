"""Rows that are no votes: each with its line and the reason, in a file of their own."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from arena.errors import DatasetInvalid
from ratings.release.schema import CHECKSUMS

SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Reject:
    """A row that was left out, why, and how it stood there."""

    line: int
    why: str
    row: str


def rejects_beside(path: Path) -> Path:
    """Where the rejects of a file or folder go if nothing else is said; not into a release, which must stay whole."""
    name = f"{path.name}.rejects.csv"
    in_release = any((folder / CHECKSUMS).exists() for folder in path.resolve().parents)
    return Path(name) if in_release else path.with_name(name)


class RejectsFile:
    """Writes rejects as they come; there is no file before the first, and the terminal is told of few."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first: list[Reject] = []
        self._file: TextIO | None = None
        self._writer: Any = None

    def __enter__(self) -> "RejectsFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, rejects: Iterable[Reject]) -> None:
        """Add some."""
        for reject in rejects:
            if self._file is None:
                self._open()
            self._writer.writerow((reject.line, reject.why, reject.row))
            self.count += 1
            if len(self.first) < SHOWN:
                self.first.append(reject)

    def _open(self) -> None:
        try:
            self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise DatasetInvalid(
                f"Rows were rejected, and {self.path} cannot be written: {error.strerror or error}. "
                "Say where else with --rejects."
            ) from error
        self._writer = csv.writer(self._file)
        self._writer.writerow(("line", "reason", "row"))
