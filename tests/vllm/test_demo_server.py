"""The demo server, by which all other tests judge the gateway, beside real vLLM on the same requests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest

from arena.gateway.demo_server import DemoServer, Fault
from arena.gateway.openai_chat import Message
from tests.vllm.make_environment import ALPHA
from tests.vllm.servers import Server

CONTEXT_TOKENS = 4096  # as the real servers are started


@dataclass(frozen=True)
class Canned:
    """The demo server's double of a canned model."""

    name: str = ALPHA.served_name
    tokens_per_second: float = 1000
    first_token_milliseconds: float = 0

    def reply(self, messages: Sequence[Message], seed: int | None) -> str:
        return ALPHA.reply


@pytest.fixture
async def demo() -> AsyncIterator[DemoServer]:
    server = DemoServer({ALPHA.served_name: Canned()}, speed=0, maximum_context_tokens=CONTEXT_TOKENS)
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def urls(demo: DemoServer, vllm_servers: tuple[Server, Server]) -> tuple[str, str]:
    """The demo server and real vLLM, with the same model."""
    return demo.url, vllm_servers[0].url


def request_body(**fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "hi"}]
    return {"model": ALPHA.served_name, "messages": messages, "temperature": 0, **fields}


async def post(url: str, **fields: Any) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/chat/completions", json=request_body(**fields)) as response,
    ):
        return response.status, await response.read()


async def chunks(url: str, **fields: Any) -> list[dict[str, Any]]:
    _, body = await post(url, stream=True, stream_options={"include_usage": True}, **fields)
    events = [event.removeprefix(b"data: ") for event in body.split(b"\n\n")]
    assert events[-2:] == [b"[DONE]", b""]
    return [orjson.loads(event) for event in events[:-2]]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"max_tokens": 0}, id="no tokens"),
        pytest.param({"max_tokens": 5000}, id="more tokens than the context"),
        pytest.param({"model": "nobody"}, id="another model"),
    ],
)
async def test_refusals_are_the_same_word_for_word(urls: tuple[str, str], fields: dict[str, Any]) -> None:
    (demo_status, demo_body), (status, body) = [await post(url, **fields) for url in urls]
    assert status >= 400
    assert demo_status == status
    assert orjson.loads(demo_body) == orjson.loads(body)


async def test_prompt_beyond_the_context_is_refused_by_both(urls: tuple[str, str]) -> None:
    messages = [{"role": "user", "content": "word " * 5000}]
    for url in urls:
        status, body = await post(url, messages=messages)
        error = orjson.loads(body)["error"]
        assert (status, error["type"], error["param"]) == (400, "BadRequestError", "input_tokens")
        assert error["message"].startswith("This model's maximum context length is 4096 tokens.")


async def test_limit_beyond_the_room_left_is_no_refusal(urls: tuple[str, str]) -> None:
    for url in urls:
        status, body = await post(url, max_tokens=CONTEXT_TOKENS)
        assert (status, orjson.loads(body)["choices"][0]["message"]["content"]) == (200, ALPHA.reply)


async def test_chunks_have_the_same_keys(urls: tuple[str, str]) -> None:
    for limit in (5, 200):
        demo, real = [await chunks(url, max_tokens=limit) for url in urls]
        for place in (0, 1, -2, -1):
            assert demo[place].keys() >= real[place].keys() - {"system_fingerprint"}
            for ours, theirs in zip(demo[place]["choices"], real[place]["choices"], strict=True):
                assert ours.keys() == theirs.keys()
                assert ours["delta"].keys() == theirs["delta"].keys()


async def test_the_end_token_is_counted_unless_the_limit_cut_it_off(urls: tuple[str, str]) -> None:
    for url in urls:
        for limit, reason in ((5, "length"), (200, "stop")):
            role, *deltas, usage = await chunks(url, max_tokens=limit)
            assert role["choices"][0]["delta"]["role"] == "assistant"
            assert deltas[-1]["choices"][0]["finish_reason"] == reason
            assert bool(deltas[-1]["choices"][0]["delta"]["content"]) == (reason == "length")
            # Several tokens may share a chunk; the end token has the empty one that says "stop".
            assert len(deltas) <= usage["usage"]["completion_tokens"] <= limit


async def test_headers_come_at_once_and_the_role_with_the_first_token(demo: DemoServer) -> None:
    """As real vLLM does with a request that waits in its queue; see test_servers."""
    demo.faults[ALPHA.served_name] = Fault.HANG_BEFORE_FIRST_TOKEN
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{demo.url}/chat/completions", json=request_body(stream=True)) as response,
    ):
        assert response.status == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.3)
