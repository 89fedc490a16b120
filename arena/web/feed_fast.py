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
from arena.web.feed_held import CONDITIONS, REQUEST_ID, Answer, Held, HeldFiles

PATHS = ("/feed/v1/leaderboards/", "/feed/v1/pairs/", "/feed/v1/robustness/")
QUERIES = (b"", b"style_control=true")  # a finite number of addresses, or strangers could fill the memory
PATHS_ON_THE_WIRE = tuple(path.encode() for path in PATHS)
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
    """HTTP/1.1 as uvicorn speaks it, but that held answers are written at once, without making a request of it."""

    _in_request = False  # its bytes have begun to come, and not all are here
    _begun = 0  # how many requests the bytes at hand have begun
    _answer: Answer | None = None  # to the request that is being read, if it was answered at once
    _used_at = 0.0
    _own_headers: tuple[object, bytes] = (None, b"")

    def data_received(self, data: bytes) -> None:
        whole = not self._in_request
        if whole and (files := self.app_state.get("held_files")) is not None:
            answer = files.answer_to(data)
            if answer is not None and self._can_write_now():
                return self._write(answer)
        self._begun, self._answer = 0, None
        super().data_received(data)
        if whole and self._answer and self._begun == 1 and not self._in_request:
            self.app_state["held_files"].remember(data, self._answer)

    def on_message_begin(self) -> None:
        self._in_request = True
        self._begun += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._answer = self._find()
        if self._answer is None:
            super().on_headers_complete()
        else:
            self._write(self._answer)

    def on_body(self, body: bytes) -> None:
        if self._answer is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_request = False
        if self._answer is None:
            super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Wait on when the connection was used since the timer was set: setting it anew each time costs more."""
        left = self._used_at + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            return super().timeout_keep_alive_handler()
        self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)

    def _find(self) -> Answer | None:
        """The held answer to the request whose head was read; none for a request that has anything unusual."""
        if not self.url.startswith(PATHS_ON_THE_WIRE):
            return None
        files: HeldFiles | None = self.app_state.get("held_files")
        method = self.parser.get_method().decode()
        asked = dict(self.headers)
        if (
            files is None
            or method not in METHODS
            or not asked.keys().isdisjoint(OF_A_BODY)
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
            or self.parser.should_upgrade()
            or not self._can_write_now()
        ):
            return None
        held = files.find(self.url, _takes_gzip(self.headers))
        if held is None:
            return None
        return Answer(held, held.is_known(*map(asked.get, CONDITIONS)), method)

    def _can_write_now(self) -> bool:
        """Whether nobody on this connection waits for an earlier answer, and it takes more bytes."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.pipeline
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _write(self, answer: Answer) -> None:
        began = perf_counter()
        head, body = answer.parts
        begin = b"%s%s\r\n%s\r\n" % (head, secrets.token_hex(8).encode(), self._headers_of_server())
        self.transport.writelines([begin, body]) if body else self.transport.write(begin)
        self.server_state.total_requests += 1
        self._used_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        SECONDS[answer.method, answer.status].observe(perf_counter() - began)

    def _headers_of_server(self) -> bytes:
        """The date: uvicorn makes a new list of its own headers every second."""
        given = self.server_state.default_headers
        if self._own_headers[0] is not given:
            self._own_headers = given, b"".join(b"%s: %s\r\n" % header for header in given)
        return self._own_headers[1]


SECONDS = {
    (method, status): REQUEST_SECONDS.labels(method, str(status))
    for method in METHODS
    for status in (200, 304)
}
