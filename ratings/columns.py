"""Columns of a table of battles, from pandas or Arrow, as integer codes and distinct values."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.arrays import BoolArray, CodeArray, FloatArray, IntArray, begins, count_codes, is_ascending
from ratings.errors import InvalidComparisonsError
from ratings.threads import in_order, thread_count
from ratings.usual_values import UsualValues

Battles: TypeAlias = pd.DataFrame | pa.Table | pa.RecordBatch
"""What a table of battles may be."""

SLICE = 1 << 18
"""Rows that one thread codes at a time: enough to forget the cost of a task."""

_STRIDE = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class CodedColumn:
    """One column as codes.

    Attributes
    ----------
    name : str
    codes : int32, shape (n_rows,)
        Indices into ``values``; -1 where the value is missing.
    values : list
        The distinct values, as Python objects, in no particular order; each occurs in some row.
    """

    name: str
    codes: CodeArray
    values: list[Any]


def require_columns(battles: Battles, names: Sequence[str], *, optional: Sequence[str] = ()) -> None:
    """Check that the table has each column once; the optional ones at most once."""
    present = _names(battles)
    missing = [name for name in names if name not in present]
    if missing:
        raise InvalidComparisonsError(
            f"The table of battles lacks the column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(map(repr, present)) or 'no columns'}. Rename or add the column."
        )
    for name in (*names, *optional):
        if present.count(name) > 1:
            raise InvalidComparisonsError(
                f"The table of battles has {present.count(name)} columns named {name!r}: keep one of them."
            )


def has_column(battles: Battles, name: str) -> bool:
    """Say whether the table has a column of this name."""
    return name in _names(battles)


def cluster_column(battles: Battles, cluster: str | None) -> str | None:
    """Return the column to cluster by; only the default one, voter, may be absent."""
    return None if cluster == "voter" and not has_column(battles, "voter") else cluster


def data_frame(battles: Battles) -> pd.DataFrame:
    """Return the table as pandas holds it."""
    require_columns(battles, ())
    return battles if isinstance(battles, pd.DataFrame) else battles.to_pandas()


def _names(battles: Battles) -> list[str]:
    if isinstance(battles, pd.DataFrame):
        return list(battles.columns)
    if not isinstance(battles, pa.Table | pa.RecordBatch):
        raise InvalidComparisonsError(
            f"The battles are a {type(battles).__name__}: pass a pandas DataFrame, or an Arrow Table or RecordBatch; "
            "ratings.read_votes makes one of a file."
        )
    return list(battles.schema.names)


def code_columns(battles: Battles, names: Sequence[str]) -> list[CodedColumn]:
    """Code columns of labels; long ones in slices, on all processors."""
    found = [arrow_column(battles, name) for name in names]
    columns = [
        None if column is None or _is_foreign(battles, column) else _Coding(name, column)
        for name, column in zip(names, found, strict=True)
    ]
    tasks = [(column, start) for column in columns if column for start in range(0, len(battles), SLICE)]
    threads = thread_count(None) if len(tasks) > len(names) else 1
    dictionaries = in_order(lambda task: task[0].code(task[1]), tasks, threads)
    return [
        _code_objects(battles, name)
        if column is None
        else column.joined(
            battles, [part for _ in range(0, len(battles), SLICE) for part in next(dictionaries)]
        )
        for name, column in zip(names, columns, strict=True)
    ]


def code_identities(battles: Battles, name: str) -> tuple[CodeArray, pa.Array]:
    """Code a column with many distinct values, strings or whole numbers; codes follow their order."""
    column = arrow_column(battles, name)
    if column is None:
        _reject_types(battles, name)
    with _known_type(name, column.type):
        column = stored(column)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if column.null_count:
            reject(battles, _first_missing(column), f"{name} is missing", "Fill it in or drop the row.")
        joined = _as_identities(battles, name, column).combine_chunks()
        if pa.types.is_integer(joined.type) and is_ascending(values := joined.to_numpy()):
            # As where votes stand in an order already: nothing has to be looked up.
            new = begins(values)
            return np.cumsum(new, dtype=np.int32) - np.int32(1), joined.filter(pa.array(new))
        encoded = pc.dictionary_encode(joined)
        try:
            encoded.dictionary.validate(full=True)
        except pa.ArrowInvalid:
            _reject_bytes(battles, name, column, encoded.dictionary)
        return sorted_codes(encoded)


def sorted_codes(encoded: pa.DictionaryArray) -> tuple[CodeArray, pa.Array]:
    """Renumber the codes of a dictionary array without nulls by the order of its values."""
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    codes = encoded.indices.to_numpy()
    return (place[codes] if len(order) else codes.astype(np.int32)), encoded.dictionary.take(pa.array(order))


def arrow_column(battles: Battles, name: str) -> pa.ChunkedArray | None:
    """Return a column as Arrow sees it, or None where it holds objects that Arrow cannot type."""
    if not isinstance(battles, pd.DataFrame):
        column = battles.column(name)
    else:
        try:
            column = pa.array(battles[name], from_pandas=True)
        except UnicodeEncodeError:
            _reject_surrogates(battles, name)
        except (pa.ArrowException, OverflowError):
            return None
    kind = column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
    if pa.types.is_nested(kind) and not pa.types.is_dictionary(kind):
        raise InvalidComparisonsError(
            f"The column {name} holds values of type {column.type}: turn them into strings first."
        )
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column], type=column.type)


def numbers(battles: Battles, name: str) -> FloatArray | None:
    """Read a column of finite numbers, 0 or more; None where the table has no such column."""
    if not has_column(battles, name):
        return None
    column = battles[name] if isinstance(battles, pd.DataFrame) else battles.column(name).to_pandas()
    if column.dtype.kind in "mMc":
        raise InvalidComparisonsError(f"The column {name} holds {column.dtype} values: it holds numbers.")
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    row = first_row(~(np.isfinite(values) & (values >= 0)))
    if row is not None:
        value = column.iloc[[row]].tolist()[0]
        reject(battles, row, f"{name} is {value!r}", f"A {name} is a finite number, 0 or more.")
    return cast(FloatArray, values)


def first_row(wrong: BoolArray) -> int | None:
    """Return the first row that is marked."""
    return int(np.argmax(wrong)) if wrong.any() else None


def reject(battles: Battles, row: int, finding: str, advice: str) -> NoReturn:
    """Raise an error that names a row."""
    raise InvalidComparisonsError(f"{describe_row(battles, row)} of the battles: {finding}. {advice}")


def describe_row(battles: Battles, row: int) -> str:
    """Name a row by its place, and by its index label where that differs."""
    label = battles.index[row] if isinstance(battles, pd.DataFrame) else row
    return f"Row {row}" if label == row else f"Row {row} (index {label!r})"


def raise_types(battles: Battles, name: str, found: Sequence[tuple[int, Any]]) -> NoReturn:
    """Raise an error that names identities, in a row each, that are not of one orderable type."""
    shown = " and ".join(f"{value!r} ({describe_row(battles, row).lower()})" for row, value in found)
    raise InvalidComparisonsError(
        f"The identities in {name} are not of one type that has an order: {shown}. Turn them into strings."
    )


def whole_numbers(battles: Battles, name: str, values: FloatArray) -> IntArray:
    """Return floating-point numbers as the integers that they stand for."""
    row = first_row(~(np.abs(values) < 2.0**53) | (values != np.floor(values)))
    if row is not None:
        reject(battles, row, f"{name} is {values[row]}", "Identities are strings or whole numbers.")
    return values.astype(np.int64)


class _Coding:
    """The codes of a column while its slices are coded one by one."""

    def __init__(self, name: str, column: pa.ChunkedArray) -> None:
        self.name = name
        self.type = column.type
        self.column = stored(column)
        self.codes = np.empty(len(column), dtype=np.int32)
        self.usual = UsualValues.of(self.column) if len(column) > SLICE else None

    def code(self, start: int) -> list[tuple[CodeArray, pa.Array]]:
        """Code a slice; its codes chunk by chunk, and what they stand for there."""
        found = []
        with _known_type(self.name, self.type):
            for chunk in self.column.slice(start, SLICE).chunks:
                codes = self.codes[start : start + len(chunk)]
                found.append((codes, _code_chunk(chunk, codes, self.usual)))
                start += len(chunk)
        return found

    def joined(self, battles: Battles, slices: Sequence[tuple[CodeArray, pa.Array]]) -> CodedColumn:
        """Give all slices common codes."""
        place: dict[Any, int] = {}
        known: tuple[pa.Array, CodeArray] | None = None
        is_common = False
        for codes, dictionary in slices:
            if known is None or not dictionary.equals(known[0]):
                try:
                    values = self._values(dictionary)
                except UnicodeDecodeError:
                    _reject_bytes(battles, self.name, self.column, dictionary)
                # One more entry at the end, for the code -1 of a missing value.
                wanted = [place.setdefault(value, len(place)) for value in values]
                known = dictionary, np.array([*wanted, -1], dtype=np.int32)
                is_common = wanted == list(range(len(wanted)))
            if not is_common:
                codes[:] = known[1][codes]
        coded = CodedColumn(name=self.name, codes=self.codes, values=list(place))
        return _only_used(coded) if pa.types.is_dictionary(self.column.type) else coded

    def _values(self, dictionary: pa.Array) -> list[Any]:
        if isinstance(self.type, pa.BaseExtensionType):
            dictionary = self.type.wrap_array(dictionary)
        values: list[Any] = dictionary.to_pylist()
        return values


@contextmanager
def _known_type(name: str, kind: pa.DataType) -> Iterator[None]:
    """Say which column is of a type that Arrow cannot collect or sort."""
    try:
        yield
    except pa.ArrowNotImplementedError as error:
        raise InvalidComparisonsError(
            f"The column {name} holds values of type {kind}: turn them into strings first."
        ) from error


def _is_foreign(battles: Battles, column: pa.ChunkedArray) -> bool:
    """Say whether pandas has a type of its own here, such as periods, whose values Arrow does not give back."""
    return isinstance(battles, pd.DataFrame) and isinstance(column.type, pa.BaseExtensionType)


def stored(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return what a column of an extension type, such as UUIDs, is stored as."""
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    if isinstance(column, pa.Array):
        return column.storage
    return pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)


def _code_chunk(chunk: pa.Array, out: CodeArray, usual: UsualValues | None) -> pa.Array:
    """Write the codes of a chunk, -1 where a value is missing; return what they stand for."""
    if usual is None:
        return _collect(chunk, out)
    if usual.find(chunk, out):
        return usual.values
    rows = np.flatnonzero(out < 0)
    others = np.empty(len(rows), dtype=np.int32)
    dictionary = _collect(chunk.take(pa.array(rows)), others)
    out[rows] = np.where(others < 0, -1, others + len(usual.values))
    return pa.concat_arrays([usual.values, dictionary])


def _collect(chunk: pa.Array, out: CodeArray) -> pa.Array:
    encoded = chunk if pa.types.is_dictionary(chunk.type) else pc.dictionary_encode(chunk)
    indices = encoded.indices
    if indices.null_count:
        indices = pc.fill_null(indices.cast(pa.int32()), -1)
    out[:] = indices.to_numpy(zero_copy_only=False)
    return encoded.dictionary


def _only_used(column: CodedColumn) -> CodedColumn:
    """Leave out what occurs in no row, such as unused categories, and a category that is null."""
    used = _occur(column.codes[::_STRIDE], len(column.values))
    if not used.all():
        used = _occur(column.codes, len(column.values))
    kept = np.array([value is not None for value in column.values], dtype=bool) & used
    if kept.all():
        return column
    place = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1).astype(np.int32)
    values = [value for value, keep in zip(column.values, kept, strict=True) if keep]
    return CodedColumn(name=column.name, codes=place[column.codes], values=values)


def _occur(codes: CodeArray, size: int) -> BoolArray:
    occurs: BoolArray = count_codes(codes + 1, size + 1)[1:] > 0
    return occurs


def _code_objects(battles: Battles, name: str) -> CodedColumn:
    """Code a pandas column of mixed Python objects."""
    assert isinstance(battles, pd.DataFrame)
    try:
        codes, values = pd.factorize(battles[name])
    except TypeError as error:
        row, value = next((row, value) for row, value in enumerate(battles[name]) if not _has_hash(value))
        raise InvalidComparisonsError(
            f"Row {row} of the battles: the column {name} holds {value!r}, which has no hash. "
            "Turn identities into strings or numbers."
        ) from error
    return CodedColumn(name=name, codes=codes.astype(np.int32), values=list(values))


def _has_hash(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _reject_types(battles: Battles, name: str) -> NoReturn:
    """Raise an error that names values of a column that Arrow cannot hold, two where their types differ."""
    column = _code_objects(battles, name)
    kinds: dict[type, int] = {}
    for code, value in enumerate(column.values):
        kinds.setdefault(type(value), code)
    if list(kinds) == [int]:
        code = next(code for code, value in enumerate(column.values) if not -(2**63) <= value < 2**63)
        row = int(np.argmax(column.codes == code))
        reject(battles, row, f"{name} is {column.values[code]}", "Turn numbers beyond 64 bits into strings.")
    rows = [int(np.argmax(column.codes == code)) for code in list(kinds.values())[:2]]
    raise_types(battles, name, [(row, column.values[column.codes[row]]) for row in rows])


def _reject_bytes(battles: Battles, name: str, column: pa.ChunkedArray, distinct: pa.Array) -> NoReturn:
    """Raise an error that names the first row with one of the distinct values that are no UTF-8."""
    for value in distinct:
        try:
            value.as_py()
        except UnicodeDecodeError as error:
            plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
            row = pc.index(plain.cast(pa.large_binary()), pa.scalar(error.object, pa.large_binary())).as_py()
            place = f"{describe_row(battles, row)} of the battles" if row >= 0 else "An unused category"
            raise InvalidComparisonsError(
                f"{place}: {name} is {error.object!r}, which is no UTF-8. Decode it from the encoding it has."
            ) from error
    raise AssertionError(f"{name} holds UTF-8 only")


def _reject_surrogates(battles: pd.DataFrame, name: str) -> NoReturn:
    """Raise an error that names the first value with half of a surrogate pair, which UTF-8 has no bytes for."""
    for row, value in enumerate(battles[name]):
        if isinstance(value, str) and not _is_encodable(value):
            reject(battles, row, f"{name} is {value!r}", "Half of a surrogate pair is no text: replace it.")
    raise InvalidComparisonsError(f"The column {name} has a category that is no text: replace it.")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_identities(battles: Battles, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the column in a type that compares and merges: floating-point numbers become integers."""
    kind = column.type
    if pa.types.is_floating(kind):
        return pa.chunked_array([whole_numbers(battles, name, column.cast(pa.float64()).to_numpy())])
    if pa.types.is_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return column.cast(pa.large_string())
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return column.cast(pa.int64())
    return column


def _first_missing(column: pa.ChunkedArray) -> int:
    return int(pc.index(column.is_null(), True).as_py())
