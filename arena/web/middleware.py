"""Plain ASGI layers around every request: its id and headers, its size, and where it may come from."""

import secrets
from time import perf_counter
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arena import __version__
from arena.errors import BodyTooLarge, CrossOrigin, NotFound
from arena.metrics import REQUEST_SECONDS
from arena.settings import Settings
from arena.web.problems import broken, respond

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Arena-Server": __version__,
}


class RequestContext:
    """Gives each request an id, for the logs and the problems, and each answer the same headers.

    What broke inside is answered here: outside, the page about it would lack the id and the headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = perf_counter()
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                elapsed = perf_counter() - started
                REQUEST_SECONDS.labels(scope["method"], str(message["status"])).observe(elapsed)
            await send(message)

        try:
            await self._answer(scope, receive, send_with_headers)
        except Exception as error:
            if has_begun:
                raise
            answer = await broken(Request(scope), error)
            await answer(scope, receive, send_with_headers)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "\0" in scope["path"]:  # Postgres takes no NUL, so nothing has such a name
            return await respond(Request(scope), NotFound())(scope, receive, send)
        await self.app(scope, receive, send)


class BodyLimit:
    """Refuses a body over the limit before anything parses it, also one that lied about its length."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.most = settings.body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self.most:
            return await self._refuse(scope, receive, send)
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most:
                raise self._error()
            return message

        await self.app(scope, receive_limited, send)

    def _error(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"The request is larger than {self.most:,} bytes. Send less.", bytes_max=self.most
        )

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(Request(scope), self._error())(scope, receive, send)


class OriginCheck:
    """Refuses requests that change something and come from another site's page."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.public_host = urlsplit(settings.public_url).netloc if settings.public_url else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] not in SAFE_METHODS
            and not self._ours(Headers(scope=scope))
        ):
            return await respond(Request(scope), CrossOrigin())(scope, receive, send)
        await self.app(scope, receive, send)

    def _ours(self, headers: Headers) -> bool:
        if headers.get("sec-fetch-site") == "cross-site":
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        try:
            host = urlsplit(origin).netloc
        except ValueError:  # no address at all
            return False
        return host in (headers.get("host"), self.public_host)
