"""Files of the newest snapshot from memory: the outermost layer answers what programs ask for all day.

It keeps whole answers of the ordinary routes, headers and all, until there is a newer snapshot. What it does not hold,
and whatever would need a look for a newer snapshot, goes on to those routes.
"""

import secrets
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arena.metrics import REQUEST_SECONDS
from arena.web.feed_answers import FILE_OF, has_already, takes_gzip
from arena.web.snapshot_reader import Newest, SnapshotReader

PATHS = ("/feed/v1/leaderboards/", "/feed/v1/pairs/")
QUERIES = (b"", b"style_control=true")  # a finite number of addresses, or strangers could fill the memory
CONDITIONS = (b"if-none-match", b"if-modified-since")
OF_THE_BODY = (b"content-length", b"content-type", b"content-encoding")
REQUEST_ID = b"x-request-id"
NOTHING: Message = {"type": "http.response.body", "body": b""}
Headers = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, bool]


@dataclass(frozen=True, kw_only=True)
class Held:
    """An answer as it is sent, but for the id of the request."""

    etag: str
    modified: str
    headers: Headers
    headers_unchanged: Headers
    body: Message

    @classmethod
    def of(cls, messages: list[Message]) -> Self:
        """What a route answered."""
        headers = [header for header in messages[0]["headers"] if header[0] != REQUEST_ID]
        said = dict(headers)
        content = b"".join(message["body"] for message in messages[1:])
        return cls(
            etag=said[b"etag"].decode(),
            modified=said[b"last-modified"].decode(),
            headers=headers,
            headers_unchanged=[header for header in headers if header[0] not in OF_THE_BODY],
            body={"type": "http.response.body", "body": content},
        )

    async def send(self, send: Send, headers: Headers, request_id: bytes) -> int:
        """Answer a request with these headers; returns the status."""
        asked = {name: value.decode("latin-1") for name, value in headers if name in CONDITIONS}
        unchanged = has_already(self.etag, self.modified, *map(asked.get, CONDITIONS))
        status, said = (304, self.headers_unchanged) if unchanged else (200, self.headers)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*said, (REQUEST_ID, request_id)],
            }
        )
        await send(NOTHING if unchanged else self.body)
        return status


class FeedFast:
    """Answers GET and HEAD of files of the newest snapshot from memory, as far as it holds them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._newest: Newest | None = None
        self._held: dict[Key, Held] = {}
        self._seconds = {
            (method, status): REQUEST_SECONDS.labels(method, str(status))
            for method in ("GET", "HEAD")
            for status in (200, 304)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or not scope["path"].startswith(PATHS)
            or scope["method"] not in ("GET", "HEAD")
            or scope["query_string"] not in QUERIES
        ):
            return await self.app(scope, receive, send)
        began = perf_counter()
        key = scope["path"], scope["query_string"], _takes_gzip(scope["headers"])
        held = self._fresh(scope).get(key)
        if held is None:
            return await self._pass_on(key, scope, receive, send)
        status = await held.send(send, scope["headers"], secrets.token_hex(8).encode())
        self._seconds[scope["method"], status].observe(perf_counter() - began)

    def _fresh(self, scope: Scope) -> dict[Key, Held]:
        """What is held of the snapshot that is the newest for sure; nothing when that needs a look."""
        reader: SnapshotReader = scope["state"]["snapshots"]
        newest = reader.fresh()
        if newest is None:
            return {}
        if newest is not self._newest:
            self._newest, self._held = newest, {}
        return self._held

    async def _pass_on(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer, unconditionally so that its answer can be held, and give that to who asked."""
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        headers = [header for header in scope["headers"] if header[0] not in CONDITIONS]
        await self.app({**scope, "method": "GET", "headers": headers}, receive, collect)
        of = scope["state"].get(FILE_OF)
        if of is None or messages[0]["status"] != 200:
            for message in messages:
                await send(message)
            return
        held = Held.of(messages)
        fresh = self._fresh(scope)
        if self._newest is of:
            fresh[key] = held
        await held.send(send, scope["headers"], dict(messages[0]["headers"])[REQUEST_ID])


def _takes_gzip(headers: Headers) -> bool:
    accepted = [value for name, value in headers if name == b"accept-encoding"]
    return takes_gzip(b",".join(accepted).decode("latin-1"))
