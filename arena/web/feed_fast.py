"""The outermost layers of the feed: what programs ask for all day is answered from memory.

A layer around the app keeps whole answers of the ordinary routes, headers and all; the server's own protocol sends
them without making a request of it. What is not held, and whatever would need a look for a newer snapshot, goes on to
those routes.
"""

import secrets
from functools import lru_cache
from time import perf_counter
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from arena.metrics import REQUEST_SECONDS
from arena.web.feed_answers import FILE_OF, takes_gzip
from arena.web.feed_held import CONDITIONS, REQUEST_ID, Held, HeldFiles

PATHS = ("/feed/v1/leaderboards/", "/feed/v1/pairs/")
QUERIES = (b"", b"style_control=true")  # a finite number of addresses, or strangers could fill the memory
METHODS = ("GET", "HEAD")
OF_A_BODY = (b"content-length", b"transfer-encoding", b"expect")


class FeedHolder:
    """Keeps the answers about files of the newest snapshot, and gives them to whoever asks here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["path"].startswith(PATHS)
            and scope["method"] in METHODS
            and scope["query_string"] in QUERIES
        ):
            return await self._answer(scope, receive, send)
        await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the route answer as if nothing were known, so that its answer suits everybody who asks."""
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        headers = [header for header in scope["headers"] if header[0] not in CONDITIONS]
        await self.app({**scope, "method": "GET", "headers": headers}, receive, collect)
        of = scope["state"].get(FILE_OF)
        if of is not None and messages[0]["status"] == 200:
            messages = self._hold(scope, messages, of)
        for message in messages:
            await send(message)

    def _hold(self, scope: Scope, messages: list[Message], of: Any) -> list[Message]:
        held = Held.of(messages)
        path, query = quote(scope["path"]).encode(), scope["query_string"]
        if path == scope["raw_path"]:  # an address has many spellings; only one is held
            files: HeldFiles = scope["state"]["held_files"]
            files.hold(path + b"?" * bool(query) + query, _takes_gzip(scope["headers"]), held, of)
        asked = dict(scope["headers"])
        if not held.is_known(*map(asked.get, CONDITIONS)):
            return messages
        request_id = next(header for header in messages[0]["headers"] if header[0] == REQUEST_ID)
        begin = {**messages[0], "status": 304, "headers": [*held.headers_unchanged, request_id]}
        return [begin, {"type": "http.response.body", "body": b""}]


def _takes_gzip(headers: list[tuple[bytes, bytes]]) -> bool:
    return accepts_gzip(b",".join(value for name, value in headers if name == b"accept-encoding"))


@lru_cache(maxsize=256)
def accepts_gzip(accepted: bytes) -> bool:
    return takes_gzip(accepted.decode("latin-1"))


class FeedProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, but that held answers are written at once."""

    answered = False

    def on_headers_complete(self) -> None:
        self.answered = self._answer_at_once()
        if not self.answered:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.answered:
            super().on_message_complete()

    def _answer_at_once(self) -> bool:
        """Whether the answer was held, and so was written; anything unusual about the request goes the long way."""
        if not self.url.startswith(b"/feed/v1/"):
            return False
        began = perf_counter()
        files: HeldFiles | None = self.app_state.get("held_files")
        method = self.parser.get_method().decode()
        asked = dict(self.headers)
        if (
            files is None
            or method not in METHODS
            or (held := files.find(self.url, accepts_gzip(asked.get(b"accept-encoding", b"")))) is None
            or not self._can_write_now()
            or any(name in asked for name in OF_A_BODY)
        ):
            return False
        unchanged = held.is_known(*map(asked.get, CONDITIONS))
        self.transport.writelines(self._said(held, unchanged, method))
        status = 304 if unchanged else 200
        SECONDS[method, status].observe(perf_counter() - began)
        self.on_response_complete()
        return True

    def _can_write_now(self) -> bool:
        """Whether the connection stays open, nobody is waiting on it for an earlier answer, and it takes more bytes."""
        return (
            self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and (self.cycle is None or self.cycle.response_complete)
            and not self.pipeline
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _said(self, held: Held, unchanged: bool, method: str) -> list[bytes]:
        dated = b"".join([b"%s: %s\r\n" % header for header in self.server_state.default_headers])
        head = held.head_unchanged if unchanged else held.head
        begin = b"%s%s\r\n%s\r\n" % (head, secrets.token_hex(8).encode(), dated)
        return [begin] if unchanged or method == "HEAD" else [begin, held.body]


SECONDS = {
    (method, status): REQUEST_SECONDS.labels(method, str(status))
    for method in METHODS
    for status in (200, 304)
}
