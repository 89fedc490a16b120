"""Server-sent events, from bytes as they arrive to whole events."""

from __future__ import annotations

from typing import NamedTuple

from arena.gateway.errors import BrokenStream

MAXIMUM_EVENT_BYTES = 256 * 1024
_FIELDS = frozenset({b"data", b"event", b"id", b"retry"})
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Event(NamedTuple):
    name: str
    data: bytes


class EventSplitter:
    """Cuts a byte stream into events wherever the network happened to cut it.

    Stricter than a browser: a line that is no field at all is an error, because a model server that sends
    one is not sending an answer.
    """

    def __init__(self, maximum_event_bytes: int = MAXIMUM_EVENT_BYTES) -> None:
        self._maximum_event_bytes = maximum_event_bytes
        self._rest = b""
        self._line_ended_in_carriage_return = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes and return the events they complete."""
        self._rest += self._with_plain_newlines(chunk)
        if self._at_start:
            self._drop_byte_order_mark()
        *blocks, self._rest = self._rest.split(b"\n\n")
        self._check_size(self._rest)
        return self._events(blocks)

    def finish(self) -> list[Event]:
        """Return what is left when the stream ended without the closing blank line."""
        blocks, self._rest = [self._rest], b""
        return self._events(blocks)

    def _with_plain_newlines(self, chunk: bytes) -> bytes:
        if self._line_ended_in_carriage_return and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._line_ended_in_carriage_return = False
        if b"\r" not in chunk:
            return chunk
        self._line_ended_in_carriage_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _drop_byte_order_mark(self) -> None:
        if len(self._rest) >= len(_BYTE_ORDER_MARK):
            self._rest = self._rest.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False

    def _events(self, blocks: list[bytes]) -> list[Event]:
        events = []
        for block in blocks:
            self._check_size(block)
            if block.startswith(b"data: ") and b"\n" not in block:  # nearly all of them
                events.append(Event("message", block[6:]))
            elif event := _parse(block):
                events.append(event)
        return events

    def _check_size(self, block: bytes) -> None:
        if len(block) > self._maximum_event_bytes:
            raise BrokenStream(f"an event is larger than {self._maximum_event_bytes} bytes")


def _parse(block: bytes) -> Event | None:
    name, data = "message", []
    for line in block.split(b"\n"):
        if not line or line.startswith(b":"):
            continue
        field, colon, value = line.partition(b":")
        if field not in _FIELDS or not colon:
            raise BrokenStream(f"a line of {len(line)} bytes that is not part of an event stream")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return Event(name, b"\n".join(data)) if data else None
