"""What is read of a votes file: its columns, and blocks of rows, whatever its format."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.rejects import Reject
from arena.errors import DatasetInvalid
from ratings.arrays import IntArray

COMPRESSIONS = (".gz", ".zst")
# Stands for a value that is no text; no name may hold it.
NO_TEXT = "\0"


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Some rows of a file: the wanted columns as texts, and the rows that could not even be read."""

    lines: IntArray
    columns: pa.Table
    raw: Callable[[int], str]  # how a row stands in the file
    unreadable: Sequence[Reject] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class VotesFile:
    """A file whose columns are known and whose rows are read when asked for; names rows as people find them."""

    path: Path
    columns: tuple[str, ...]
    read: Callable[[Sequence[str], Callable[[float], None]], Iterator[Block]]
    row_is: str = "line"
    # Of a release alone: the rows that it once held and that are withdrawn now.
    withdrawn: Callable[[], Sequence[int]] | None = None
    further: Sequence[Path] = ()  # files in which a table of a release goes on

    def blocks(self, columns: Sequence[str], on_progress: Callable[[float], None]) -> Iterator[Block]:
        """Its rows, only these columns; tells which share is read. Raises `DatasetInvalid` where it is broken."""
        with naming(self.path):
            yield from self.read(columns, on_progress)

    def digest(self) -> str:
        """By what the file is known again: the SHA-256 of its bytes."""
        with naming(self.path):
            return digest_of((self.path, *self.further))


def digest_of(files: Iterable[Path]) -> str:
    """The SHA-256 of the bytes of these files, one after the other."""
    digest = hashlib.sha256()
    for each in files:
        with each.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


class TextStream:
    """A text file, decompressed if it must be, that knows which share of it was read."""

    def __init__(self, path: Path) -> None:
        self._size = path.stat().st_size
        self._file = path.open("rb")
        self.stream = _decompressed(self._file, path.suffix.lower())

    def share(self) -> float:
        """How much was read, 0 to 1."""
        return self._file.tell() / self._size if self._size else 1.0

    def __enter__(self) -> "TextStream":
        return self

    def __exit__(self, *error: object) -> None:
        self.stream.close()
        self._file.close()


def _decompressed(file: BinaryIO, suffix: str) -> BinaryIO:
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    return cast(BinaryIO, pa.CompressedInputStream(file, "zstd")) if suffix == ".zst" else file


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in whatever is wrong with it."""
    try:
        yield
    except DatasetInvalid as error:
        raise DatasetInvalid(f"{path}: {error.detail}") from error
    except UnicodeDecodeError as error:
        raise DatasetInvalid(f"{path} is not UTF-8 text (byte {error.start}). Convert it first.") from error
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        # Arrow's and gzip's errors are OSErrors too, without a number of the system's.
        said = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise DatasetInvalid(f"{path}: {said}.") from error


def as_text(value: Any) -> str | None:
    """A value of JSON as the text that a file of text would hold; a list by its parts."""
    if value is None or isinstance(value, str):
        return value if value is None or value.isascii() or _is_unicode(value) else NO_TEXT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    parts = [as_text(part) for part in value] if isinstance(value, list) else [NO_TEXT]
    return NO_TEXT if NO_TEXT in parts else " ".join(part for part in parts if part)


def _is_unicode(text: str) -> bool:
    """Whether it has no half of a surrogate pair, which JSON can write and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def texts(rows: Sequence[Sequence[str | None]], columns: Sequence[str]) -> pa.Table:
    """Rows of texts as a table."""
    return pa.table(
        [pa.array([row[place] for row in rows], pa.string()) for place in range(len(columns))],
        names=list(columns),
    )
