"""One streaming chat-completions call to one server, as every OpenAI-compatible server speaks it.

An answer counts as complete only when the server gave a finish reason. `[DONE]` alone proves nothing: a
server whose engine dies sends status 200, an error event and then `[DONE]`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import orjson

from arena.gateway.chunks import parse_chunk, read_error_body
from arena.gateway.errors import (
    BrokenStream,
    EndpointRefused,
    EndpointUnreachable,
    FirstTokenTimeout,
    GatewayError,
    TokenTimeout,
    TotalTimeout,
)
from arena.gateway.sse import Event, EventSplitter

MAXIMUM_ANSWER_CHARACTERS = 1_000_000
MAXIMUM_STREAM_BYTES = 256 * 1024 * 1024
_MAXIMUM_ERROR_BYTES = 4096
_LONGEST_MESSAGE = 80  # what a server says about a failure may go on to quote the answer
_QUOTED_CHARACTERS = 24  # so many characters in a row are a quotation, whatever was cut off after them
_SHORTEST_QUOTATION = 8  # a prompt like "Hi" is in many words
_NOT_AN_ENDING = frozenset({"abort", "error"})


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server that serves a model; the API key stays in the environment and is read at call time."""

    id: str
    model: str
    url: str
    served_model: str
    api_key_env: str | None = None
    slots: int = 16

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"endpoint {self.id}: the url must look like http://host:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                f"endpoint {self.id}: the url may hold no user name, password or query; "
                "put the key into an environment variable and name it in api_key_env"
            )
        if self.slots < 1:
            raise ValueError(f"endpoint {self.id}: slots is {self.slots}, it must be at least 1")

    def address(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/{path}"


@dataclass(frozen=True, kw_only=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    top_p: float = 1.0
    seed: int | None = None
    # Any: whatever JSON the operator wants passed through to one model's server.
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delta:
    """The next piece of the answer's text, never empty."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The answer is complete; always the last item."""

    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    endpoint_id: str
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    connect_seconds: float = 5
    first_token_seconds: float = 60
    token_seconds: float = 30
    total_seconds: float = 300


async def stream_chat(
    session: aiohttp.ClientSession, endpoint: Endpoint, request: ChatRequest, timeouts: Timeouts
) -> AsyncGenerator[Delta | Finished]:
    """Ask one endpoint once; closing the generator closes the connection at once."""
    patience = _Patience(timeouts)
    answer = _Answer(patience)
    try:
        async with _answering(session, endpoint, request, timeouts, patience) as response:
            while not answer.ended:
                for text in await answer.read(response):
                    yield Delta(text)
            await _let_connection_be_reused(response)
        yield answer.finished(endpoint)
    except GatewayError as error:
        error.cause_text, error.server_said = _for_the_log(error, endpoint, request), ""
        error.endpoint_id = endpoint.id
        error.token_seen = patience.token_seen
        raise


class _Patience:
    """How long the server may still be silent.

    One timer guards the whole answer and is put off only when it rings too early: a timer for each read
    would cost as much as reading does.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._token_seconds = timeouts.token_seconds
        self._ends_at = now + timeouts.total_seconds
        self._timer: asyncio.TimerHandle | None = None
        self.deadline = min(now + timeouts.first_token_seconds, self._ends_at)
        self.token_seen = False

    @property
    def is_over(self) -> bool:
        return self._loop.time() >= self.deadline

    def token_arrived(self) -> None:
        self.token_seen = True
        self.deadline = min(self._loop.time() + self._token_seconds, self._ends_at)

    def expired(self) -> GatewayError:
        if self.deadline >= self._ends_at:
            return TotalTimeout()
        return TokenTimeout() if self.token_seen else FirstTokenTimeout()

    def guard(self, response: aiohttp.ClientResponse) -> None:
        """Hang up on the server when the deadline passes, wherever it then stands."""
        if self._timer is None or self._timer.when() > self.deadline:
            self.stop_guarding()
            self._timer = self._loop.call_at(self.deadline, self._ring, response)

    def _ring(self, response: aiohttp.ClientResponse) -> None:
        self._timer = None
        if self.is_over:
            response.close()
        else:
            self.guard(response)

    def stop_guarding(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


@asynccontextmanager
async def _answering(
    session: aiohttp.ClientSession,
    endpoint: Endpoint,
    request: ChatRequest,
    timeouts: Timeouts,
    patience: _Patience,
) -> AsyncGenerator[aiohttp.ClientResponse]:
    response = await _post(session, endpoint, request, timeouts, patience, include_usage=True)
    try:
        refusal = await _refusal(response, patience)
        if refusal and refusal.status == 400 and "stream_options" in refusal.cause_text + refusal.server_said:
            patience.stop_guarding()
            response.close()
            response = await _post(session, endpoint, request, timeouts, patience, include_usage=False)
            refusal = await _refusal(response, patience)
        if refusal:
            raise refusal
        if response.content_type != "text/event-stream":
            # The body stays unread: a server that does not stream has put the whole answer there.
            raise BrokenStream(f"content type {response.content_type} instead of an event stream")
        yield response
    finally:
        patience.stop_guarding()
        if response.content.at_eof():
            response.release()
        else:
            response.close()


async def _post(
    session: aiohttp.ClientSession,
    endpoint: Endpoint,
    request: ChatRequest,
    timeouts: Timeouts,
    patience: _Patience,
    *,
    include_usage: bool,
) -> aiohttp.ClientResponse:
    failure: GatewayError
    try:
        async with asyncio.timeout_at(patience.deadline):
            return await session.post(
                endpoint.address("chat/completions"),
                data=_body(endpoint, request, include_usage),
                headers=request_headers(endpoint),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect_seconds),
            )
    except aiohttp.ServerTimeoutError:
        failure = EndpointUnreachable(f"no connection within {timeouts.connect_seconds} s")
    except TimeoutError:
        failure = patience.expired()
    except (aiohttp.ClientError, OSError) as error:
        failure = EndpointUnreachable(_describe(error))
    # Raised out here, not in the handler: aiohttp's errors carry the request headers, with the key, and
    # must not travel along as the context of ours.
    raise failure


def _body(endpoint: Endpoint, request: ChatRequest, include_usage: bool) -> bytes:
    # Our fields win over `extra`: what was recorded as the settings of an answer is what was sent.
    body: dict[str, Any] = {
        **request.extra,
        "model": endpoint.served_model,
        "messages": [asdict(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stream": True,
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if include_usage:
        body["stream_options"] = {"include_usage": True}
    return orjson.dumps(body)


def request_headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Accept-Encoding": "identity",
    }
    if endpoint.api_key_env:
        headers["Authorization"] = f"Bearer {_api_key(endpoint.api_key_env)}"
    return headers


def _api_key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not key:
        raise EndpointUnreachable(
            f"the environment variable {variable} should hold the API key and is not set"
        )
    if not (key.isascii() and key.isprintable()):
        raise EndpointUnreachable(f"the API key in the environment variable {variable} is not plain text")
    return key


def without_key(text: str, endpoint: Endpoint) -> str:
    """Cut the endpoint's API key out of a text that goes to the log."""
    key = os.environ.get(endpoint.api_key_env or "", "").strip()
    return text.replace(key, "[key]") if key else text


def without_prompt(text: str, request: ChatRequest) -> str:
    """Cut a text that goes to the log where it begins to quote what was asked: servers repeat what they refuse."""
    for message in request.messages:
        start = message.content[:_QUOTED_CHARACTERS]
        for quoted in {start, repr(start)[1:-1], orjson.dumps(start).decode()[1:-1]}:
            if len(quoted) >= _SHORTEST_QUOTATION and quoted in text:
                text = text[: text.index(quoted)] + "[prompt]"
    return text


def _for_the_log(error: GatewayError, endpoint: Endpoint, request: ChatRequest) -> str:
    # Cut to length last: half a key would no longer be found.
    texts = (error.cause_text, error.server_said)
    cause, said = (without_prompt(without_key(text, endpoint), request) for text in texts)
    return ": ".join(filter(None, (cause, said[:_LONGEST_MESSAGE])))


def _describe(error: BaseException) -> str:
    # Never str() of an aiohttp response error: it prints the request with its headers.
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{type(error).__name__}: {error.message}"
    return f"{type(error).__name__}: {error}"


async def _refusal(response: aiohttp.ClientResponse, patience: _Patience) -> EndpointRefused | None:
    if response.status == 200:
        return None
    body = await _beginning_of_body(response, patience)
    kind, message = read_error_body(body)
    return EndpointRefused(response.status, f"status {response.status}{kind}", server_said=message)


async def _beginning_of_body(response: aiohttp.ClientResponse, patience: _Patience) -> str:
    body = b""
    while len(body) < _MAXIMUM_ERROR_BYTES and (chunk := await _read(response, patience)):
        body += chunk
    return body[:_MAXIMUM_ERROR_BYTES].decode("utf-8", "replace")


async def _read(response: aiohttp.ClientResponse, patience: _Patience) -> bytes:
    patience.guard(response)
    try:
        chunk = await response.content.readany()
    except (aiohttp.ClientError, OSError) as error:
        failure: GatewayError = BrokenStream(f"the connection broke: {_describe(error)}")
    else:
        if not patience.is_over:
            return chunk
    raise patience.expired() if patience.is_over else failure


async def _let_connection_be_reused(response: aiohttp.ClientResponse) -> None:
    """Read past `[DONE]` to the end of the body; what is left unread would close the connection."""
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(0.05):
            await response.content.readany()


class _Answer:
    """What has arrived of one answer."""

    def __init__(self, patience: _Patience) -> None:
        self.ended = False
        self._patience = patience
        self._splitter = EventSplitter()
        self._bytes = 0
        self._characters = 0
        self._finish_reason: str | None = None
        self._usage: dict[str, Any] = {}

    async def read(self, response: aiohttp.ClientResponse) -> list[str]:
        """Wait for the next bytes and return the pieces of text they bring."""
        try:
            chunk = await _read(response, self._patience)
        except (TokenTimeout, TotalTimeout):
            if self._finish_reason is None:
                raise
            chunk = b""  # the answer is complete, only the token counts did not come
        self._bytes += len(chunk)
        if self._bytes > MAXIMUM_STREAM_BYTES:
            raise BrokenStream(f"the stream is larger than {MAXIMUM_STREAM_BYTES} bytes")
        self.ended = not chunk
        events = self._splitter.feed(chunk) if chunk else self._splitter.finish()
        return [text for event in events if (text := self._take(event))]

    def _take(self, event: Event) -> str:
        if event.data == b"[DONE]":
            self.ended = True
            return ""
        chunk = parse_chunk(event)
        self._usage = chunk.usage or self._usage
        self._finish_reason = chunk.finish_reason or self._finish_reason
        if chunk.text or chunk.reasoning:
            self._patience.token_arrived()
            self._characters += len(chunk.text) + len(chunk.reasoning)
            if self._characters > MAXIMUM_ANSWER_CHARACTERS:
                raise BrokenStream(f"the answer is longer than {MAXIMUM_ANSWER_CHARACTERS} characters")
        return chunk.text

    def finished(self, endpoint: Endpoint) -> Finished:
        if self._finish_reason is None:
            raise BrokenStream("the stream ended without a finish reason")
        if self._finish_reason in _NOT_AN_ENDING:
            raise BrokenStream(f"the server gave the finish reason {self._finish_reason!r}")
        return Finished(
            finish_reason=self._finish_reason,
            prompt_tokens=_count(self._usage.get("prompt_tokens")),
            completion_tokens=_count(self._usage.get("completion_tokens")),
            endpoint_id=endpoint.id,
            attempts=1,
        )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
