"""One event of a streamed chat completion, checked and reduced to what we use."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar

import orjson

from arena.gateway.errors import BrokenStream
from arena.gateway.sse import Event

T = TypeVar("T")

_LONGEST_MESSAGE = 4096
# What names a kind of error; anything else in its place may be a piece of the answer or a key.
_ERROR_NAME = re.compile(r"[\w.-]{1,40}")


class Chunk(NamedTuple):
    """What one event of a streamed answer brings."""

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None


def parse_chunk(event: Event) -> Chunk:
    payload = _json(event.data)
    if event.name == "error" or not isinstance(payload, dict) or payload.get("error"):
        kind, message = _read_error(payload)
        raise BrokenStream(f"an error event{kind}", server_said=message)
    try:
        return _read_chunk(payload)
    except (AttributeError, KeyError, TypeError):
        failure = BrokenStream(f"an event of an unknown shape, with the keys {_names(payload)}")
    raise failure


def read_error_body(body: str) -> tuple[str, str]:
    """What came instead of an answer, as the names of the error in brackets and its message."""
    try:
        kind, message = _read_error(orjson.loads(body))
    except orjson.JSONDecodeError:
        return "", body
    return kind, message or body


def _read_error(payload: Any) -> tuple[str, str]:
    error = payload.get("error") or payload if isinstance(payload, dict) else payload
    if not isinstance(error, dict):
        return "", error[:_LONGEST_MESSAGE] if isinstance(error, str) else ""
    names = [str(error[key]) for key in ("type", "code", "param") if isinstance(error.get(key), str | int)]
    known = ", ".join(name for name in names if _ERROR_NAME.fullmatch(name))
    message = error.get("message")
    return f" ({known})" if known else "", message[:_LONGEST_MESSAGE] if isinstance(message, str) else ""


def _names(payload: dict[str, Any]) -> list[str]:
    return [name for name in sorted(payload) if _ERROR_NAME.fullmatch(name)][:20]


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
