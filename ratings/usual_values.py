"""The few strings that a long column usually holds, and where the string of each row stands among them."""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types of the loop; what they are is said where it is called.

import sys
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from ratings.arrays import CodeArray
from ratings.compiled import compiled, is_compiler_loaded
from ratings.hashing import Hashes

_FEW = 1 << 12
_RUNS = 64
_RUN = 1 << 8
_WORD = 8
_INNER_PLACES = range(0, 128, 4)
_LONGEST_SEARCH = 16
_BITS = 64
_MASK = 2**_BITS - 1
_FACTOR = 0x9E3779B97F4A7C15
_MIX = np.uint64(_FACTOR)
_32 = np.uint64(32)


class UsualValues:
    """Distinct strings in sorted order.

    To look strings up is faster than to collect them; machine code takes half of Arrow's time.
    """

    def __init__(self, values: pa.Array) -> None:
        self.values = values
        # Whoever reads strings need not need machine code: none waits for Numba here.
        by_words = is_compiler_loaded() and sys.byteorder == "little"
        self._words = _Words.of(values.cast(pa.large_binary()).to_pylist()) if by_words else None

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Self | None:
        """Take the strings in some rows of a column; None if they are many, or no strings."""
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            return None
        starts = np.linspace(0, max(len(column) - _RUN, 0), _RUNS).astype(int)
        runs = [chunk for start in starts for chunk in column.slice(start, _RUN).chunks]
        values = pc.unique(pa.chunked_array(runs, type=column.type)).drop_null()
        return cls(values.take(pc.array_sort_indices(values))) if 0 < len(values) <= _FEW else None

    def find(self, chunk: pa.Array, out: CodeArray) -> bool:
        """Write the place of each string, -1 where it is another or missing; tell whether all were found."""
        if self._words is None or chunk.null_count:
            return not self._look_up(chunk, out)
        others, missing = self._words.find(chunk, out)
        return not missing + self._look_up(chunk.slice(0, others), out[:others])

    def _look_up(self, chunk: pa.Array, out: CodeArray) -> int:
        places = pc.index_in(chunk, value_set=self.values)
        missing: int = places.null_count
        out[:] = (places.fill_null(-1) if missing else places).to_numpy()
        return missing


class _Words:
    """A hash table of strings that compares eight bytes at a time.

    Parameters
    ----------
    values : sequence of bytes
        Distinct; a string's place here is its code.
    place : int
        Where in a string, or else at its end, the eight bytes stand that tell it from those of the same end.
    """

    def __init__(self, values: Sequence[bytes], place: int) -> None:
        self._place = place
        self._lengths = np.array([len(value) for value in values], dtype=np.int64)
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._tails = np.array([_word(value[-_WORD:]) for value in values], dtype=np.uint64)
        self._known = _words(np.frombuffer(b"".join(values) + bytes(_WORD), dtype=np.uint8))
        bits = (4 * len(values)).bit_length()
        self._shift = np.uint64(_BITS - bits)
        self._slots = np.full(1 << bits, -1, dtype=np.int32)
        self.longest_search = max(self._enter(code, value) for code, value in enumerate(values))

    @classmethod
    def of(cls, values: Sequence[bytes]) -> Self | None:
        """Make the table; None where too many strings have one hash."""

        def distinct(place: int) -> int:
            return len({(len(value), value[-_WORD:], _inner(value, place)) for value in values})

        best = 0
        for place in _INNER_PLACES:
            if distinct(best) == len(values):
                break
            best = max(best, place, key=distinct)
        table = cls(values, best)
        return table if table.longest_search <= _LONGEST_SEARCH else None

    def _enter(self, code: int, value: bytes) -> int:
        mixed = _word(_inner(value, self._place)) * _FACTOR & _MASK ^ _word(value[-_WORD:]) ^ len(value)
        slot = ((mixed ^ mixed >> 32) * _FACTOR & _MASK) >> int(self._shift)
        steps = 0
        while self._slots[slot] >= 0:
            slot, steps = (slot + 1) % len(self._slots), steps + 1
        self._slots[slot] = code
        return steps

    def find(self, chunk: pa.Array, out: CodeArray) -> tuple[int, int]:
        """Look up all strings but the first few, before whose end are no eight bytes; how many these, and not found."""
        if not len(chunk):  # which may have no buffers
            return 0, 0
        _, offsets, data = chunk.buffers()
        kind = np.dtype(np.int64 if pa.types.is_large_string(chunk.type) else np.int32)
        ends = np.frombuffer(offsets, kind, len(chunk) + 1, chunk.offset * kind.itemsize)
        first = int(np.searchsorted(ends[1:], _WORD))
        if first == len(chunk):
            return first, 0
        missing = _find(
            ends[first:],
            _words(np.frombuffer(data, dtype=np.uint8)),
            self._place,
            self._shift,
            self._slots,
            self._lengths,
            self._tails,
            self._starts,
            self._known,
            out[first:],
        )
        return first, missing


def _words(data: npt.NDArray[np.uint8]) -> Hashes:
    """The eight bytes from each place on as one number, without a copy."""
    words: npt.NDArray[Any] = np.ndarray((len(data) - _WORD + 1,), np.uint64, buffer=data, strides=(1,))
    return words


def _word(part: bytes) -> int:
    return int.from_bytes(part, "little")


def _inner(value: bytes, place: int) -> bytes:
    place = max(min(place, len(value) - _WORD), 0)
    return value[place : place + _WORD]


@compiled
def _find(ends, words, place, shift, slots, lengths, tails, starts, known, out) -> int:
    """Look strings up; return how many are not there.

    Notes
    -----
    Places are unsigned, because of others Numba asks in every step whether they count from the end. Strings are
    compared in a loop that stops early, because of one that does not the compiler makes vector instructions, which are
    slow on few words.
    """
    missing = np.int64(0)
    last_slot = np.uint64(len(slots) - 1)
    end = np.int64(ends[0])
    for i in range(len(out)):
        begin, end = end, np.int64(ends[i + 1])
        length = end - begin
        spare = np.uint64(4 * (8 - min(length, np.int64(8))))
        # In two steps: to shift a word by all of its bits is not defined.
        tail = (words[np.uint64(end - 8)] >> spare) >> spare
        inner = words[np.uint64(begin + min(place, length - 8))] if length > 8 else tail
        mixed = (inner * _MIX) ^ tail ^ np.uint64(length)
        slot = ((mixed ^ (mixed >> _32)) * _MIX) >> shift
        code = slots[slot]
        while code >= 0:
            if lengths[np.uint64(code)] == length and tails[np.uint64(code)] == tail:
                there, here = np.uint64(starts[np.uint64(code)]), np.uint64(begin)
                last = np.uint64(end - 8) if length > 8 else here
                while here < last and words[here] == known[there]:
                    here += np.uint64(8)
                    there += np.uint64(8)
                if here >= last:
                    break
            slot = (slot + np.uint64(1)) & last_slot
            code = slots[slot]
        out[i] = code
        missing += np.int64(code < 0)
    return int(missing)
