"""The formats of vote files: which columns a file has, and the wanted ones as a table."""

import contextlib
import csv
import gzip
import io
import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv  # type: ignore[import-untyped]
import pyarrow.json  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]

from ratings.errors import InvalidOptionError, UnreadableVotesError
from ratings.late_columns import late_columns, records_with
from ratings.release.tables import table_files

Paths = str | PathLike[str] | Iterable[str | PathLike[str]]

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")
"""What a vote file may end in; text formats also with .gz behind."""

_BLOCK = 16 << 20
_OTHER_SEPARATORS = (";", "\t", "|", ",")
_RECORDS_PEEKED = 100
_JSON_TYPES: Mapping[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
}


@dataclass(frozen=True, kw_only=True)
class VoteFile:
    """A file whose header is known and whose rows are read when asked for.

    Attributes
    ----------
    path : Path
    columns : tuple of str
        Names in the order of the file; the fields of a record within a column are named column.field.
    """

    path: Path
    columns: tuple[str, ...]
    _read: Callable[[Sequence[str], Collection[str]], pd.DataFrame]

    def read(self, columns: Sequence[str], *, labels: Collection[str] = ()) -> pd.DataFrame:
        """Read only the given columns: text as text, numbers as numbers where the format knows them.

        Columns of ``labels`` hold few distinct texts and may come as categories, a few bytes a row.
        """
        with _naming(self.path):
            return self._read(list(dict.fromkeys(columns)), labels).reset_index(drop=True)


def vote_files_in(paths: Paths) -> list[Path]:
    """List the files that are read for these paths, those of a folder in the order of their names."""
    given = [paths] if isinstance(paths, str | PathLike) else list(paths)
    files = [file for path in given for file in _files_of(Path(path))]
    if not files:
        raise UnreadableVotesError("No file of votes was named: give one or more.")
    first: dict[Path, Path] = {}
    for file in files:
        if first.setdefault(file.resolve(), file) is not file:
            raise InvalidOptionError(f"{file} is given twice, and its votes would count twice: name it once.")
    return files


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    for folder in (path, path / "data"):
        if (folder / "votes.parquet").is_file():
            return table_files(folder / "votes.parquet")
        parts = sorted(folder.glob("*.parquet"))
        if parts:
            return parts
    files = sorted(file for file in path.iterdir() if file.is_file() and format_of(file))
    formats = sorted({format_of(file) for file in files})
    if len(formats) == 1:
        return files
    holds = f"files of several formats, {', '.join(formats)}" if files else "no files of votes"
    raise UnreadableVotesError(f"The folder {path} holds {holds}: name the files themselves.")


def open_vote_file(path: Path) -> VoteFile:
    """Find out the format and the columns of a file.

    Raises
    ------
    UnreadableVotesError
        If the ending is unknown, the file is not what its ending says, or it names a column twice.
    OSError
        If there is no such file.
    """
    if str(path) == "-" or (path.exists() and not path.is_file()):
        raise UnreadableVotesError(
            f"{path} is no regular file, and votes are read more than once: save them to a file and name it."
        )
    suffix = format_of(path)
    if not suffix:
        raise UnreadableVotesError(
            f"{path} does not end in {', '.join(SUFFIXES)} (text formats also with .gz): "
            "convert or rename the file."
        )
    with _naming(path):
        file = _OPENERS[suffix](path)
    twice = sorted({name for name in file.columns if file.columns.count(name) > 1})
    if twice:
        raise UnreadableVotesError(f"{path} names the column {', '.join(twice)} twice: rename one of them.")
    return file


def format_of(path: Path) -> str:
    """Return the ending that says how a file is read, without .gz; nothing where it is unknown."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    suffix = suffixes[-2 if zipped else -1] if len(suffixes) > zipped else ""
    return suffix if suffix in SUFFIXES and not (zipped and suffix == ".parquet") else ""


def _open_csv(path: Path) -> VoteFile:
    delimiter = "\t" if ".tsv" in path.name.lower() else ","
    with _unzipped(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        header = tuple(next(csv.reader(text, delimiter=delimiter), ()))
    if not header:
        raise ValueError("it is empty, and the first line names the columns")
    if any("\N{REPLACEMENT CHARACTER}" in name for name in header):
        raise ValueError("its first line holds letters that are not UTF-8")
    other = next((mark for mark in _OTHER_SEPARATORS if mark != delimiter and mark in header[0]), "")
    if len(header) == 1 and other:
        raise ValueError(
            f"the separator looks like {other!r}, not {delimiter!r}: save it with commas, or with tabs as .tsv"
        )

    def read(columns: Sequence[str], labels: Collection[str]) -> pd.DataFrame:
        types = {
            name: pa.dictionary(pa.int32(), pa.string()) if name in labels else pa.string()
            for name in columns
        }
        with _unzipped(path) as stream, _odd_line_named(path, delimiter, len(header)):
            table = pyarrow.csv.read_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK),
                parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                # Only an empty cell is a missing value: "NA" and "007" are names like others.
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=columns,
                    column_types=types,
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        return _frame(table.unify_dictionaries(), columns)

    return VoteFile(path=path, columns=header, _read=read)


@contextlib.contextmanager
def _odd_line_named(path: Path, delimiter: str, cells: int) -> Iterator[None]:
    """Name the first line with more or fewer cells than the header: who reads in several threads knows none."""
    try:
        yield
    except pa.ArrowInvalid:
        # A text too long for this reader is left to what the other one said.
        with contextlib.suppress(csv.Error), _unzipped(path) as stream:
            rows = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), delimiter=delimiter)
            for row in rows:
                if row and len(row) != cells:
                    raise ValueError(
                        f"line {rows.line_num} has {len(row)} cells, and the first line {cells}"
                    ) from None
        raise


def _open_parquet(path: Path) -> VoteFile:
    with pyarrow.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow

    def read(columns: Sequence[str], labels: Collection[str]) -> pd.DataFrame:
        texts = [name for name in labels if name in schema.names and _is_text(schema.field(name).type)]
        with pyarrow.parquet.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=list(columns))
        while any(pa.types.is_struct(field.type) for field in table.schema):
            table = table.flatten()
        return _frame(table.unify_dictionaries(), columns)

    return VoteFile(path=path, columns=tuple(_leaves(schema)), _read=read)


def _leaves(fields: Iterable[pa.Field], prefix: str = "") -> Iterator[str]:
    for field in fields:
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _frame(table: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    frame: pd.DataFrame = table.select(list(columns)).to_pandas()
    return frame


def _open_json(path: Path) -> VoteFile:
    """Open a JSON array of records or JSON Lines, whichever the first character says."""
    records = _records(path)
    flat = [_flatten(record) for record in itertools.islice(records, _RECORDS_PEEKED)]
    if len(flat) == _RECORDS_PEEKED:
        with _unzipped(path) as stream:
            late = late_columns(iter(lambda: stream.read(_BLOCK), b""), set().union(*flat))
        flat += [_flatten(record) for record in records_with(late, records)]
    columns = tuple(dict.fromkeys(name for record in flat for name in record))

    def read(names: Sequence[str], labels: Collection[str]) -> pd.DataFrame:
        try:
            return _read_json_lines_fast(path, names, flat)
        except (pa.ArrowException, KeyError):
            paths = [name.split(".") for name in names]
            rows = [[_dig(record, keys) for keys in paths] for record in _records(path)]
            return pd.DataFrame(rows, columns=list(names))

    return VoteFile(path=path, columns=columns, _read=read)


def _read_json_lines_fast(path: Path, names: Sequence[str], peeked: list[dict[str, Any]]) -> pd.DataFrame:
    """Parse JSON Lines with Arrow; ArrowException or KeyError where values change type or a file is nested."""
    types = {}
    for name in names:
        kinds = {type(record.get(name)) for record in peeked} - {type(None)}
        (kind,) = kinds if len(kinds) == 1 and "." not in name else [list]
        types[name] = _JSON_TYPES[kind]
    with _unzipped(path) as stream:
        if stream.read(1) != b"{":
            raise KeyError("not JSON Lines")
    with _unzipped(path) as stream:
        table = pyarrow.json.read_json(
            stream,
            read_options=pyarrow.json.ReadOptions(block_size=_BLOCK),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=pa.schema(types), unexpected_field_behavior="ignore"
            ),
        )
    return _frame(table, names)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with _unzipped(path) as stream:
        first = next((byte for byte in iter(lambda: stream.read(1), b"") if not byte.isspace()), b"")
    with _unzipped(path) as stream:
        numbered = enumerate(json.load(stream)) if first == b"[" else _parsed_lines(stream)
        for row, record in numbered:
            if not isinstance(record, dict):
                raise ValueError(f"row {row} is no JSON object")
            yield record


def _parsed_lines(stream: BinaryIO) -> Iterator[tuple[int, Any]]:
    row = 0
    for line, text in enumerate(stream, start=1):
        if text.strip():
            try:
                yield row, json.loads(text)
            except ValueError as error:
                raise ValueError(f"line {line} is not JSON: {error}") from error
            row += 1


def _flatten(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat.update(
            _flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        )
    return flat


def _dig(record: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _unzipped(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in whatever a reader finds wrong with it."""
    try:
        yield
    except UnreadableVotesError:
        raise
    except (ValueError, RecursionError, pa.ArrowException, gzip.BadGzipFile, EOFError, csv.Error) as error:
        kind = format_of(path)[1:] + (".gz" if path.suffix.lower() == ".gz" else "")
        finding = (None if kind == "parquet" else _not_utf8(path)) or str(error).rstrip(".")
        raise UnreadableVotesError(f"{path} cannot be read as {kind}: {finding}.") from error


def _not_utf8(path: Path) -> str | None:
    """Name the first byte that is not UTF-8, if there is one."""
    with contextlib.suppress(OSError, EOFError), _unzipped(path) as stream:
        for line, content in enumerate(stream, start=1):
            try:
                content.decode()
            except UnicodeDecodeError as error:
                return (
                    f"byte {error.start + 1} of line {line} is 0x{content[error.start]:02x}, which is not UTF-8: "
                    "save the file as UTF-8"
                )
    return None


_OPENERS: Mapping[str, Callable[[Path], VoteFile]] = {
    ".csv": _open_csv,
    ".tsv": _open_csv,
    ".json": _open_json,
    ".jsonl": _open_json,
    ".ndjson": _open_json,
    ".parquet": _open_parquet,
}
