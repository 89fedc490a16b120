"""One event of a streamed chat completion, checked and reduced to what we use."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import orjson

from arena.gateway.errors import BrokenStream
from arena.gateway.sse import Event

T = TypeVar("T")

_LONGEST_CAUSE = 4096


class Chunk(NamedTuple):
    """What one event of a streamed answer brings."""

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None


def parse_chunk(event: Event) -> Chunk:
    payload = _json(event.data)
    if event.name == "error" or not isinstance(payload, dict) or payload.get("error"):
        raise BrokenStream(f"an error event: {event.data[:_LONGEST_CAUSE].decode('utf-8', 'replace')}")
    try:
        return _read_chunk(payload)
    except (AttributeError, KeyError, TypeError):
        failure = BrokenStream(f"an event of an unknown shape, with the keys {sorted(payload)[:20]}")
    raise failure


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except (
        orjson.JSONDecodeError
    ):  # the event may be a piece of the answer: neither it nor this travels along
        failure = BrokenStream(f"an event of {len(data)} bytes that is not JSON")
    raise failure


def _read_chunk(payload: dict[str, Any]) -> Chunk:
    usage = _checked(payload.get("usage"), dict)
    if not payload["choices"]:
        return Chunk(usage=usage)
    choice = payload["choices"][0]
    delta = choice.get("delta") or {}
    reasoning = delta.get("reasoning_content") or delta.get("reasoning")
    return Chunk(
        _checked(delta.get("content"), str) or "",
        _checked(reasoning, str) or "",
        _checked(choice.get("finish_reason"), str),
        usage,
    )


def _checked(value: Any, kind: type[T]) -> T | None:
    if value is None or isinstance(value, kind):
        return value
    raise TypeError(f"{value!r} where a {kind.__name__} belongs")
