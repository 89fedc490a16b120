"""Votes in JSON: lines of objects, read by Arrow where they are alike, and arrays, read element by element."""

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import json as arrow_json

from arena.dataset.blocks import Block, TextStream, VotesFile, as_text, texts
from arena.dataset.rejects import Reject
from arena.dataset.text_records import MOST_RECORD, TextBlock, text_blocks
from arena.errors import DatasetInvalid
from ratings.late_columns import late_columns, records_with

_RECORDS_PEEKED = 100
_READ = 4 << 20
_SPACE = " \t\r\n"
_TYPES: Mapping[type, pa.DataType] = {
    str: pa.string(),
    type(None): pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
}


def open_json(path: Path) -> VotesFile:
    """Look at the first records; the first character tells an array from lines."""
    with TextStream(path) as text:
        begins_with = text.stream.read(1 << 16).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return _open_array(path) if begins_with == b"[" else _open_lines(path)


def _open_lines(path: Path) -> VotesFile:
    def read(wanted: Sequence[str], on_progress: Callable[[float], None]) -> Iterator[Block]:
        with TextStream(path) as text:
            for records in text_blocks(text.stream, None):
                try:
                    yield _read_lines_fast(records, wanted)
                except (pa.ArrowException, LookupError, ValueError, AttributeError):
                    yield _read_lines(records, wanted)
                on_progress(text.share())

    def records() -> Iterator[Any]:
        with TextStream(path) as text:
            for block in text_blocks(text.stream, None):
                yield from (_parsed(block.record(row)) for row in range(len(block.starts)))

    return VotesFile(path=path, columns=_columns_of(path, records()), read=read)


def _read_lines_fast(records: TextBlock, wanted: Sequence[str]) -> Block:
    """Let Arrow read them; an error of it, or a lookup error, where values are of several types or lines broken."""
    first = orjson.loads(records.record(0))
    schema = pa.schema({name: _TYPES[type(first.get(name))] for name in wanted})
    table = arrow_json.read_json(
        pa.BufferReader(pa.py_buffer(records.data)),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(records.data) + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
    if table.num_rows != len(records.starts):
        raise LookupError("other rows than lines")
    columns = table.select(list(wanted)).cast(pa.schema(dict.fromkeys(wanted, pa.string())))
    return Block(lines=records.lines, columns=columns, raw=lambda row: _shown(records.record(row)))


def _read_lines(records: TextBlock, wanted: Sequence[str]) -> Block:
    rows, values, unreadable = [], [], []
    for row, line in enumerate(records.lines.tolist()):
        content = records.record(row)
        record = _parsed(content)
        if isinstance(record, dict):
            rows.append(row)
            values.append([as_text(record.get(name)) for name in wanted])
        elif content.strip():
            why = record if isinstance(record, str) else "not a JSON object"
            unreadable.append(Reject(line=line, why=why, row=_shown(content)))
    return Block(
        lines=records.lines[np.array(rows, dtype=np.int64)],
        columns=texts(values, wanted),
        raw=lambda row: _shown(records.record(rows[row])),
        unreadable=unreadable,
    )


def _parsed(content: bytes) -> Any:
    """An object, or a list or number, or as text why it is none of them."""
    try:
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError:
            found = json.loads(content)  # which knows NaN and halves of surrogate pairs
    except UnicodeDecodeError:
        return "it holds bytes that are not UTF-8 text"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return "not a JSON object" if isinstance(found, str) else found


def _shown(content: bytes) -> str:
    return content.decode(errors="backslashreplace")


def _open_array(path: Path) -> VotesFile:
    def read(wanted: Sequence[str], on_progress: Callable[[float], None]) -> Iterator[Block]:
        with TextStream(path) as text:
            for batch in _elements(text.stream):
                yield _read_elements(batch, wanted)
                on_progress(text.share())

    def records() -> Iterator[Any]:
        with TextStream(path) as text:
            for batch in _elements(text.stream):
                yield from (value for _, _, value in batch.elements)

    return VotesFile(path=path, columns=_columns_of(path, records()), read=read, row_is="element")


@dataclass(kw_only=True)
class _Batch:
    """Some elements of an array: from where to where in the text, and what they are; `first` counts from 1."""

    text: str
    first: int = 1
    elements: list[tuple[int, int, Any]] = field(default_factory=list)


def _elements(stream: BinaryIO) -> Iterator[_Batch]:
    """Read an array without holding it: raises `DatasetInvalid` where it is no JSON or is cut off."""
    decoder, utf8 = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8-sig")()
    text, place, number, awaited = "", 0, 1, "["
    while awaited:
        read = stream.read(_READ)
        text, place = text[place:] + utf8.decode(read, final=not read), 0
        batch = _Batch(text=text, first=number)
        while awaited:
            place = _skip_space(text, place)
            if place == len(text):
                break
            if awaited != "element":
                place, awaited = _after_mark(text, place, awaited, number)
                continue
            try:
                value, end = decoder.raw_decode(text, place)
            except (ValueError, RecursionError) as error:
                if not read or len(text) - place > MOST_RECORD or isinstance(error, RecursionError):
                    raise DatasetInvalid(f"element {number} of the array is not JSON: {error}.") from error
                break
            if end == len(text) and read:
                break  # a number may go on
            batch.elements.append((place, end, value))
            place, number, awaited = end, number + 1, ",]"
        if batch.elements:
            yield batch
        if awaited and not read:
            raise DatasetInvalid(f"the array is not closed: the file is cut off after {number - 1} elements.")


def _after_mark(text: str, place: int, awaited: str, number: int) -> tuple[int, str]:
    """Step over a bracket or comma and say what comes next; nothing after the end."""
    mark = text[place]
    if mark in awaited:
        return place + 1, "" if mark == "]" else "element or ]" if mark == "[" else "element"
    if awaited == "element or ]":
        return (place + 1, "") if mark == "]" else (place, "element")
    raise DatasetInvalid(f"before element {number} of the array stands {mark!r}, where a comma or ] belongs.")


def _skip_space(text: str, place: int) -> int:
    while place < len(text) and text[place] in _SPACE:
        place += 1
    return place


def _read_elements(batch: _Batch, wanted: Sequence[str]) -> Block:
    rows, values, unreadable = [], [], []
    for row, (start, end, value) in enumerate(batch.elements):
        if isinstance(value, dict):
            rows.append(row)
            values.append([as_text(value.get(name)) for name in wanted])
        else:
            why, shown = "not a JSON object", batch.text[start:end]
            unreadable.append(Reject(line=batch.first + row, why=why, row=shown))
    spans = [batch.elements[row][:2] for row in rows]
    return Block(
        lines=np.array(rows, dtype=np.int64) + batch.first,
        columns=texts(values, wanted),
        raw=lambda row: batch.text[slice(*spans[row])],
        unreadable=unreadable,
    )


def _columns_of(path: Path, records: Iterator[Any]) -> tuple[str, ...]:
    """Those of the first records, and those further down that say which votes count and whose they are."""
    peeked = [*islice(records, _RECORDS_PEEKED)]
    if len(peeked) < _RECORDS_PEEKED:
        return _columns(peeked)
    with TextStream(path) as text:
        late = late_columns(iter(partial(text.stream.read, _READ), b""), _columns(peeked))
    return _columns([*peeked, *records_with(late, records)])


def _columns(records: Iterable[Any]) -> tuple[str, ...]:
    """The names of all values, those of values within values as outer.inner, too."""
    names: dict[str, None] = {}
    for record in records:
        if isinstance(record, dict):
            for name, value in record.items():
                inner = value if isinstance(value, dict) else {}
                names |= dict.fromkeys([name, *(f"{name}.{within}" for within in inner)])
    return tuple(names)
