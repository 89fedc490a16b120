from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from arena.gateway.demo_server import Fault
from arena.gateway.errors import (
    BrokenStream,
    EndpointRefused,
    EndpointUnreachable,
    FirstTokenTimeout,
    GatewayError,
    TokenTimeout,
    TotalTimeout,
)
from arena.gateway.openai_chat import ChatRequest, Delta, Endpoint, Finished, Timeouts, stream_chat
from tests.unit.gateway.conftest import ANSWER, QUICK, StartServer, endpoint, request

CANARY = "sk-canary-7f3a9b"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def ask(
    at: Endpoint, what: ChatRequest | None = None, timeouts: Timeouts = QUICK
) -> tuple[str, Finished]:
    text = ""
    async with aiohttp.ClientSession() as session:
        async for item in stream_chat(session, at, what or request(), timeouts):
            if isinstance(item, Finished):
                return text, item
            text += item.text
    raise AssertionError("the stream ended without Finished")


@asynccontextmanager
async def server_that(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def sending(*parts: bytes, content_type: str = "text/event-stream", hang: bool = False) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        if hang:
            await asyncio.Event().wait()
        return response

    return handler


def delta(content: str, **more: str) -> bytes:
    fields = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return f'data: {{"choices":[{{"index":0,"delta":{{"content":"{content}"{fields}}}}}]}}\n\n'.encode()


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


async def test_a_whole_answer_with_its_counts(start_server: StartServer) -> None:
    server = await start_server()
    text, finished = await ask(endpoint(server.url))
    assert text == ANSWER
    assert (finished.finish_reason, finished.endpoint_id, finished.attempts) == ("stop", "one", 1)
    assert finished.prompt_tokens == 1
    assert finished.completion_tokens
    assert finished.completion_tokens > 50


async def test_max_tokens_ends_with_the_reason_length(start_server: StartServer) -> None:
    server = await start_server()
    _, finished = await ask(endpoint(server.url), request(max_tokens=5))
    assert (finished.finish_reason, finished.completion_tokens) == ("length", 5)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.REFUSE_CONNECTION, EndpointUnreachable),
        (Fault.HANG_BEFORE_FIRST_TOKEN, FirstTokenTimeout),
        (Fault.HANG_BETWEEN_TOKENS, TokenTimeout),
        (Fault.GARBAGE, BrokenStream),
        (Fault.HTML_ERROR_PAGE, BrokenStream),
        (Fault.ENDLESS, TotalTimeout),
        (Fault.HALF_UTF8, BrokenStream),
        (Fault.ERROR_EVENT, BrokenStream),
        (Fault.CUT, BrokenStream),
        (Fault.NO_FINISH_REASON, BrokenStream),
        (Fault.NAMES_ITSELF_IN_ERROR, EndpointRefused),
        (Fault.HTTP_500, EndpointRefused),
        (Fault.SLOW, FirstTokenTimeout),
    ],
)
async def test_every_fault_is_the_right_error_and_leaks_nothing(
    fault: Fault,
    error: type[GatewayError],
    start_server: StartServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    caplog.set_level(logging.DEBUG)
    server = await start_server(
        faults={"alpha": fault}, api_key=CANARY, speed=1 if fault is Fault.SLOW else 0
    )
    timeouts = Timeouts(connect_seconds=1, first_token_seconds=0.3, token_seconds=0.2, total_seconds=0.5)
    with pytest.raises(error) as caught:
        await ask(endpoint(server.url, api_key_env="CANARY_KEY"), timeouts=timeouts)
    failure = caught.value
    assert type(failure) is error
    assert failure.endpoint_id == "one"
    for name in ("alpha", "127.0.0.1", "Internal Server Error"):
        assert name not in str(failure)
    said: list[object] = [failure, failure.cause_text, failure.__cause__, failure.__context__, vars(failure)]
    assert CANARY not in "".join(f"{thing!s}{thing!r}" for thing in said) + caplog.text


def test_every_fault_is_covered_above() -> None:
    marks = test_every_fault_is_the_right_error_and_leaks_nothing.pytestmark  # type: ignore[attr-defined]
    assert {fault for fault, _ in marks[0].args[1]} == set(Fault)


async def test_the_key_is_sent_and_cut_out_of_what_the_server_says(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    server = await start_server(api_key=CANARY, faults={"alpha": Fault.NAMES_ITSELF_IN_ERROR})
    with pytest.raises(EndpointRefused) as caught:
        await ask(endpoint(server.url, api_key_env="CANARY_KEY"))
    assert "Bearer [key]" in caught.value.cause_text


async def test_a_missing_or_broken_key_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    at = endpoint("http://127.0.0.1:9/v1", api_key_env="CANARY_KEY")
    for value in ("", f"{CANARY}\nX-Injected: yes"):
        monkeypatch.setenv("CANARY_KEY", value)
        with pytest.raises(EndpointUnreachable) as caught:
            await ask(at)
        assert "CANARY_KEY" in caught.value.cause_text
        assert CANARY not in caught.value.cause_text
    assert CANARY not in repr(at)


async def test_without_a_key_the_server_refuses(start_server: StartServer) -> None:
    server = await start_server(api_key=CANARY)
    with pytest.raises(EndpointRefused) as caught:
        await ask(endpoint(server.url))
    assert caught.value.status == 401
    assert caught.value.worth_another_endpoint


async def test_a_request_no_server_would_take_is_not_worth_another(start_server: StartServer) -> None:
    server = await start_server(maximum_context_tokens=20)
    with pytest.raises(EndpointRefused) as caught:
        await ask(endpoint(server.url))
    assert caught.value.status == 400
    assert not caught.value.worth_another_endpoint
    assert not caught.value.endpoint_at_fault


async def test_nobody_listens(unused_tcp_port: int) -> None:
    with pytest.raises(EndpointUnreachable):
        await ask(endpoint(f"http://127.0.0.1:{unused_tcp_port}/v1"))


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_counts_as_life_but_is_no_text(name: str) -> None:
    async def thinking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(5):
            await asyncio.sleep(0.1)
            await response.write(delta("", **{name: "hm"}))
        await response.write(delta("So.") + STOP + DONE)
        return response

    async with server_that(thinking) as url:
        text, _ = await ask(endpoint(url))
    assert text == "So."


async def test_keep_alive_comments_are_no_tokens() -> None:
    async def commenting(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b": still here\n\n")
            await asyncio.sleep(0.01)

    async with server_that(commenting) as url:
        with pytest.raises(FirstTokenTimeout):
            await ask(endpoint(url))


@pytest.mark.parametrize(
    "parts",
    [
        (delta("a"), DONE),
        (delta("a"), b'data: {"error":{"message":"boom","code":500}}\n\n', DONE),
        (delta("a"), STOP, b'event: error\ndata: {"message":"boom"}\n\n', DONE),
        (delta("a"), STOP, b"data: {half"),
        (b'data: {"choices":[{"delta":{"content":5}}]}\n\n', STOP, DONE),
        (b'data: {"choices":"no"}\n\n', STOP, DONE),
        (b"data: []\n\n", STOP, DONE),
        (b"data: {}\n\n", STOP, DONE),
        (delta("a"), b'data: {"choices":[{"delta":{},"finish_reason":"abort"}]}\n\n', DONE),
        (delta("\\ud83d"), STOP, DONE),
        (),
    ],
)
async def test_what_is_not_a_complete_answer_fails(parts: tuple[bytes, ...]) -> None:
    async with server_that(sending(*parts)) as url:
        with pytest.raises(BrokenStream):
            await ask(endpoint(url))


async def test_after_the_finish_reason_nothing_more_is_needed() -> None:
    for ending in (dict[str, Any](), {"hang": True}):
        async with server_that(sending(delta("a"), STOP, **ending)) as url:
            text, finished = await ask(endpoint(url))
        assert (text, finished.finish_reason, finished.completion_tokens) == ("a", "stop", None)


async def test_a_json_answer_and_a_wrong_content_type_are_failures() -> None:
    for content_type, body in (("application/json", b'{"error":"no"}'), ("text/plain", delta("a") + STOP)):
        async with server_that(sending(body, content_type=content_type)) as url:
            with pytest.raises(BrokenStream):
                await ask(endpoint(url))


async def test_an_answer_has_a_largest_size() -> None:
    long = delta("x" * 100_000)
    async with server_that(sending(*[long] * 11, STOP, DONE)) as url:
        with pytest.raises(BrokenStream) as caught:
            await ask(endpoint(url))
    assert "longer than" in caught.value.cause_text


async def test_redirects_are_not_followed() -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect("http://127.0.0.1:1/v1/chat/completions")

    async with server_that(elsewhere) as url:
        with pytest.raises(EndpointRefused) as caught:
            await ask(endpoint(url))
    assert caught.value.status == 307


async def test_a_server_that_does_not_know_stream_options_is_asked_without() -> None:
    bodies: list[dict[str, Any]] = []

    async def old(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        if "stream_options" in bodies[-1]:
            return web.json_response({"error": {"message": "unknown field stream_options"}}, status=400)
        return await sending(delta("a"), STOP, DONE)(request)

    async with server_that(old) as url:
        text, _ = await ask(endpoint(url), request(seed=7, extra={"top_k": 3, "stream": False, "model": "x"}))
    assert text == "a"
    assert len(bodies) == 2
    expected = {"model": "alpha", "stream": True, "top_k": 3, "seed": 7, "top_p": 1.0, "max_tokens": 500}
    assert bodies[1].items() >= expected.items()
    assert bodies[1]["messages"] == [{"role": "user", "content": "hi"}]


async def test_deltas_are_never_empty(start_server: StartServer) -> None:
    server = await start_server()
    async with aiohttp.ClientSession() as session:
        items = [item async for item in stream_chat(session, endpoint(server.url), request(), QUICK)]
    assert all(item.text for item in items[:-1] if isinstance(item, Delta))
    assert isinstance(items[-1], Finished)


async def test_connections_are_used_again() -> None:
    peers = set()

    async def noting(request: web.Request) -> web.StreamResponse:
        assert request.transport
        peers.add(request.transport.get_extra_info("peername"))
        return await sending(delta("a"), STOP, DONE)(request)

    async with server_that(noting) as url, aiohttp.ClientSession() as session:
        for _ in range(3):
            async for _ in stream_chat(session, endpoint(url), request(), QUICK):
                pass
    assert len(peers) == 1


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ftp://host/v1", "must look like"),
        ("host:8000", "must look like"),
        ("http://me:secret@host/v1", "user name"),
        ("http://host/v1?key=secret", "query"),
    ],
)
def test_an_endpoint_with_a_bad_url_says_what_to_do(url: str, what: str) -> None:
    with pytest.raises(ValueError, match=what) as caught:
        endpoint(url)
    assert "secret" not in str(caught.value)


ANSWER_SO_FAR = "The treasure lies under the old oak, " * 20
QUOTING = [
    {
        "error": {
            "message": f"Invalid: {ANSWER_SO_FAR}",
            "type": "BadOutput",
            "code": 500,
            "text": ANSWER_SO_FAR,
        }
    },
    {"error": {"message": f"Invalid: {ANSWER_SO_FAR}", "type": ANSWER_SO_FAR, "code": [ANSWER_SO_FAR]}},
    {"error": f"Invalid: {ANSWER_SO_FAR}", "choices": [{"delta": {"content": ANSWER_SO_FAR}}]},
    {"error": {"detail": ANSWER_SO_FAR}},
    [ANSWER_SO_FAR],
]


@pytest.mark.parametrize("payload", QUOTING)
async def test_of_an_error_event_only_its_names_and_a_beginning_are_kept(payload: object) -> None:
    event = b"data: " + orjson.dumps(payload) + b"\n\n"
    async with server_that(sending(delta("The"), event, DONE)) as url:
        with pytest.raises(BrokenStream) as caught:
            await ask(endpoint(url))
    cause = caught.value.cause_text
    assert cause.startswith("an error event")
    assert cause.count("treasure") <= 2
    assert len(cause) <= len("an error event (BadOutput, 500): ") + 80
    assert caught.value.server_said == ""


async def test_the_names_of_an_error_are_kept() -> None:
    event = b'data: {"error":{"message":"out of memory","type":"EngineError","code":507}}\n\n'
    async with server_that(sending(event, DONE)) as url:
        with pytest.raises(BrokenStream) as caught:
            await ask(endpoint(url))
    assert caught.value.cause_text == "an error event (EngineError, 507): out of memory"


async def test_a_key_is_cut_out_before_a_message_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    event = b'data: {"error":{"message":"%b"}}\n\n' % (b"x" * 72 + CANARY.encode() + b" was refused")
    async with server_that(sending(event, DONE)) as url:
        with pytest.raises(BrokenStream) as caught:
            await ask(endpoint(url, api_key_env="CANARY_KEY"))
    assert caught.value.cause_text == "an error event: " + "x" * 72 + "[key] wa"


@pytest.mark.parametrize(
    "refusal",
    [
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
        {"error": {"message": "Unrecognized request argument", "param": "stream_options"}},
    ],
)
async def test_stream_options_may_be_refused_in_any_words(refusal: dict[str, Any]) -> None:
    async def old(request: web.Request) -> web.StreamResponse:
        if "stream_options" in await request.json():
            return web.json_response(refusal, status=400)
        return await sending(delta("a"), STOP, DONE)(request)

    async with server_that(old) as url:
        assert (await ask(endpoint(url)))[0] == "a"
