"""The records of a text file, a block at a time: where each stands and on which line, whatever is quoted in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from arena.errors import DatasetInvalid
from ratings.arrays import IntArray

BLOCK = 4 << 20
MOST_RECORD = 64 << 20
# What a block with a stray quote leaves to the next one: a record that ends in there may only look unfinished.
_TAIL = 1 << 20
_NEWLINE, _RETURN, _QUOTE = b'\n\r"'
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True, eq=False)
class TextBlock:
    """Whole records of a file; blank ones are left out.

    `is_plain` says that every quote opens or closes a field, so that any reader of CSV finds the same records.
    """

    data: bytes
    line: int  # on which the data begins
    starts: IntArray
    ends: IntArray
    lines: IntArray
    is_plain: bool = True

    def record(self, row: int) -> bytes:
        """A record as it stands, without the end of its line."""
        return self.data[self.starts[row] : self.ends[row]].rstrip(b"\r\n")

    def without_first(self) -> "TextBlock":
        """All but the first record, such as a head line."""
        if not len(self.starts):
            return self
        end = self.ends[0]
        return replace(
            self,
            data=self.data[end:],
            line=self.line + self.data.count(b"\n", 0, end),
            starts=self.starts[1:] - end,
            ends=self.ends[1:] - end,
            lines=self.lines[1:],
        )

    def split_carefully(self, quoting: "Quoting") -> "TextBlock":
        """The same with records found one by one: what spans lines without being a record ends with its first line."""
        ends, _ = _split_carefully(self.data, quoting, at_end=True)
        return _block_of(self.data, self.line, ends, is_plain=False)


@dataclass(frozen=True, kw_only=True)
class Quoting:
    """How a file quotes: its separator, and the number of fields by which a record is told from a stray quote."""

    separator: str
    width: int | None = None

    @property
    def record(self) -> re.Pattern[bytes]:
        """One record; a quote that nothing closes is a letter like others."""
        field = self._field()
        return re.compile(rb"%b(?:%b%b)*+\n" % (field, self._separator(), field))

    @property
    def field(self) -> re.Pattern[bytes]:
        """One field with what ends it."""
        return re.compile(rb"(%b)(%b|$)" % (self._field(), self._separator()))

    def _separator(self) -> bytes:
        return re.escape(self.separator.encode())

    def _field(self) -> bytes:
        return rb'(?:"(?:[^"]++|"")*+"(?=%b|\r?\n|\r?$)|[^\n%b]*+)' % (self._separator(), self._separator())


def fields_of(record: bytes, quoting: Quoting) -> list[bytes]:
    """The fields of one record, without quotes around them."""
    fields, place = [], 0
    pattern = quoting.field
    while (found := pattern.match(record, place)) is not None:
        text = found[1]
        fields.append(
            text[1:-1].replace(b'""', b'"') if len(text) > 1 and text[:1] == b'"' == text[-1:] else text
        )
        place = found.end()
        if not found[2]:
            break
    return fields


def text_blocks(stream: BinaryIO, quoting: Quoting | None) -> Iterator[TextBlock]:
    """Read a stream block by block; without quoting every line is a record."""
    rest, line, is_first = b"", 1, True
    while True:
        read = _read_full(stream, BLOCK)
        at_end = len(read) < BLOCK
        data = rest + read
        if is_first:
            data, is_first = data.removeprefix(_MARK), False
        if at_end and data and not data.endswith(b"\n"):
            data += b"\n"
        block, used = _split(data, quoting, line, at_end=at_end)
        if block is not None:
            yield block
        line += data.count(b"\n", 0, used)
        rest = data[used:]
        if at_end:
            return
        if len(rest) > MOST_RECORD:
            raise DatasetInvalid(
                f"line {line} is longer than {MOST_RECORD >> 20} MiB, and is no record of a vote."
            )


def _read_full(stream: BinaryIO, size: int) -> bytes:
    """Read so many bytes, fewer only at the end: streams that decompress may give less at a time."""
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _split(data: bytes, quoting: Quoting | None, line: int, *, at_end: bool) -> tuple[TextBlock | None, int]:
    """The whole records at the beginning, and how many bytes they are."""
    array = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(array == _NEWLINE)
    quotes = np.flatnonzero(array == _QUOTE) if quoting and b'"' in data else np.zeros(0, np.int64)
    ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0] + 1
    used = int(ends[-1]) if len(ends) else 0
    is_plain = quoting is None or _all_quotes_fit(array, quotes[: np.searchsorted(quotes, used)], quoting)
    unfinished = used < len(data) if at_end else used == 0 and len(data) > MOST_RECORD
    if quoting and (not is_plain or unfinished):
        ends, used = _split_carefully(data, quoting, at_end=at_end)
        is_plain = False
    return (_block_of(data[:used], line, ends, is_plain=is_plain) if used else None), used


def _block_of(data: bytes, line: int, ends: IntArray, *, is_plain: bool) -> TextBlock:
    """A block of the records that end there, without the blank ones."""
    array = np.frombuffer(data, np.uint8)
    starts = np.concatenate([[0], ends])[:-1].astype(np.int64)
    lengths = ends - starts
    blank = (lengths == 1) | ((lengths == 2) & (array[starts] == _RETURN))
    starts, ends = starts[~blank], ends[~blank]
    lines = line + np.searchsorted(np.flatnonzero(array == _NEWLINE), starts)
    return TextBlock(data=data, line=line, starts=starts, ends=ends, lines=lines, is_plain=is_plain)


def _all_quotes_fit(array: npt.NDArray[np.uint8], quotes: IntArray, quoting: Quoting) -> bool:
    """Whether each quote opens a field, closes one, or is half of a doubled one."""
    separator = ord(quoting.separator)
    opening, closing = quotes[0::2], quotes[1::2]
    before = array[opening[opening > 0] - 1]
    after = array[closing + 1]
    return bool(
        np.isin(before, (separator, _NEWLINE, _QUOTE)).all()
        and np.isin(after, (separator, _NEWLINE, _RETURN, _QUOTE)).all()
    )


def _is_one_record(text: bytes, quoting: Quoting) -> bool:
    """Whether lines that quotes hold together belong together, rather than to a stray quote that swallowed records.

    Such a quote stands on a line that is a record without it, or before lines that all are, but for one that closes it.
    """
    first, *others = text.splitlines()

    def is_whole(record: bytes) -> bool:
        return len(fields_of(record, quoting)) == quoting.width

    if not others or quoting.width is None or is_whole(text.rstrip(b"\r\n")):
        return True
    return not (is_whole(first) or all(map(is_whole, others[:-1] or others)))


def _split_carefully(data: bytes, quoting: Quoting, *, at_end: bool) -> tuple[IntArray, int]:
    """Where records end in spite of stray quotes: what spans lines without being a record is cut at the first."""
    pattern, place, ends = quoting.record, 0, []
    until = len(data) if at_end else max(len(data) - _TAIL, 1)
    while place < until and (found := pattern.match(data, place)) is not None:
        place = found.end() if _is_one_record(found[0], quoting) else data.index(b"\n", place) + 1
        ends.append(place)
    return np.array(ends, dtype=np.int64), place
