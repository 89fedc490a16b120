"""One contract for every model server: the demo server always, real vLLM where its address is given.

ARENA_VLLM_URL_A and ARENA_VLLM_MODEL_A name the real one; it keeps the demo server honest.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import openai
import orjson
import pytest

from arena.gateway.demo import DEMO_MODELS
from arena.gateway.demo_server import DemoServer
from arena.gateway.openai_chat import ChatRequest, Delta, Endpoint, Finished, Message, Timeouts, stream_chat
from arena.gateway.probe import Verdict, health_address, probe

PROMPT = "Explain photosynthesis"
REAL = pytest.param("vllm", marks=pytest.mark.vllm)


@dataclass(frozen=True, kw_only=True)
class Server:
    url: str
    model: str


@pytest.fixture(params=["demo", REAL])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    if request.param == "vllm":
        url, model = os.environ.get("ARENA_VLLM_URL_A"), os.environ.get("ARENA_VLLM_MODEL_A")
        if not url or not model:
            pytest.skip("ARENA_VLLM_URL_A and ARENA_VLLM_MODEL_A are not set; `make test-vllm` sets them")
        yield Server(url=url.rstrip("/"), model=model)
        return
    demo = DemoServer({model.name: model for model in DEMO_MODELS}, speed=0, maximum_context_tokens=1024)
    yield Server(url=await demo.start(), model="demo-scholar")
    await demo.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(trust_env=False) as session:
        yield session


def body(server: Server, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": PROMPT}]
    return {"model": server.model, "messages": messages, "max_tokens": 60, "temperature": 0, **fields}


async def events(session: aiohttp.ClientSession, server: Server, **fields: Any) -> list[str]:
    async with session.post(
        f"{server.url}/chat/completions", json=body(server, stream=True, **fields)
    ) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        text = (await response.read()).decode()
    assert text.endswith("\n\n")
    return [line.removeprefix("data: ") for line in text.split("\n\n")[:-1]]


async def test_order_and_keys_of_the_chunks(session: aiohttp.ClientSession, server: Server) -> None:
    *raw, done = await events(session, server, stream_options={"include_usage": True})
    assert done == "[DONE]"
    first, *middle, usage = [orjson.loads(chunk) for chunk in raw]
    for chunk in (first, *middle, usage):
        assert chunk.keys() >= {"id", "object", "created", "model", "choices"}
        assert chunk["object"] == "chat.completion.chunk"
        assert chunk["model"] == server.model
        assert chunk["id"].startswith("chatcmpl-")
    assert len({chunk["id"] for chunk in (first, *middle, usage)}) == 1
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in middle]
    assert reasons[-1] in ("stop", "length")
    assert set(reasons[:-1]) == {None}
    assert all(chunk["choices"][0]["index"] == 0 for chunk in middle)
    assert usage["choices"] == []
    counts = usage["usage"]
    assert counts["total_tokens"] == counts["prompt_tokens"] + counts["completion_tokens"]
    assert counts["completion_tokens"] > 0


async def test_without_include_usage_no_usage_chunk_comes(
    session: aiohttp.ClientSession, server: Server
) -> None:
    *raw, _ = await events(session, server)
    assert all(orjson.loads(chunk)["choices"] for chunk in raw)


async def test_a_short_limit_ends_with_length(session: aiohttp.ClientSession, server: Server) -> None:
    *raw, usage, _ = await events(session, server, max_tokens=3, stream_options={"include_usage": True})
    last = orjson.loads(raw[-1])["choices"][0]
    assert last["finish_reason"] == "length"
    assert last["delta"]["content"], "the reason comes with the last token, not after it"
    assert orjson.loads(usage)["usage"]["completion_tokens"] == 3


async def test_not_streaming(session: aiohttp.ClientSession, server: Server) -> None:
    async with session.post(f"{server.url}/chat/completions", json=body(server)) as response:
        answer = await response.json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] in ("stop", "length")
    assert answer["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"model": "nobody"}, 404, "NotFoundError"),
        ({"max_tokens": 10_000_000}, 400, "BadRequestError"),
        ({"messages": [{"role": "user", "content": "word " * 30_000}]}, 400, "BadRequestError"),
        ({"max_tokens": 0}, 400, "BadRequestError"),
        ({"messages": []}, 400, "BadRequestError"),
        ({"messages": "hi"}, 400, "Bad Request"),
        ({"seed": "x"}, 400, "Bad Request"),
    ],
)
async def test_errors_are_json(
    session: aiohttp.ClientSession, server: Server, fields: dict[str, Any], status: int, kind: str
) -> None:
    async with session.post(f"{server.url}/chat/completions", json=body(server, **fields)) as response:
        assert response.status == status
        error = (await response.json())["error"]
    assert error.keys() >= {"message", "type", "param", "code"}
    assert error["code"] == status
    assert error["type"] == kind


async def test_models_health_and_metrics(session: aiohttp.ClientSession, server: Server) -> None:
    async with session.get(f"{server.url}/models") as response:
        listed = await response.json()
    assert listed["object"] == "list"
    assert server.model in [model["id"] for model in listed["data"]]
    assert all(
        model.keys() >= {"id", "object", "created", "owned_by", "max_model_len"} for model in listed["data"]
    )
    async with session.get(health_address(server.url)) as response:
        assert response.status == 200
    async with session.get(server.url.removesuffix("/v1") + "/metrics") as response:
        assert response.status == 200
        text = await response.text()
    for name in (
        "num_requests_running",
        "num_requests_waiting",
        "kv_cache_usage_perc",
        "generation_tokens_total",
    ):
        assert re.search(rf'^vllm:{name}\{{.*model_name="{re.escape(server.model)}".*\}} \d', text, re.M), (
            name
        )


async def test_our_own_client_and_probe(session: aiohttp.ClientSession, server: Server) -> None:
    endpoint = Endpoint(id="e", model="m", url=server.url, served_model=server.model)
    request = ChatRequest(
        messages=(Message(role="user", content=PROMPT),), max_tokens=60, temperature=0, seed=1
    )
    items = [item async for item in stream_chat(session, endpoint, request, Timeouts())]
    finished = items[-1]
    assert isinstance(finished, Finished)
    assert finished.finish_reason in ("stop", "length")
    assert finished.prompt_tokens
    assert finished.completion_tokens
    assert all(isinstance(item, Delta) and item.text for item in items[:-1])
    assert await probe(session, endpoint, 2, thorough=True) is Verdict.WELL


# The demo server answers here without waiting, and is done before anyone can leave; `test_pool` lets it take its time.
@pytest.mark.parametrize("server", [REAL], indirect=True)
async def test_a_client_that_leaves_is_noticed(session: aiohttp.ClientSession, server: Server) -> None:
    response = await session.post(
        f"{server.url}/chat/completions", json=body(server, stream=True, max_tokens=900, ignore_eos=True)
    )
    await response.content.readany()
    response.close()
    for _ in range(40):
        async with session.get(server.url.removesuffix("/v1") + "/metrics") as answer:
            if re.search(r"^vllm:num_requests_running\{[^}]*\} 0", await answer.text(), re.M):
                return
        await asyncio.sleep(0.1)
    pytest.fail("the request was still running four seconds after the client left")


async def test_the_official_client(server: Server) -> None:
    async with openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model=server.model,
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=60,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        whole = await client.chat.completions.create(
            model=server.model, messages=[{"role": "user", "content": PROMPT}], max_tokens=60, temperature=0
        )
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "hi"}])
        assert server.model in [model.id async for model in client.models.list()]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens > 0


async def test_a_key_is_asked_for_with_a_plain_string(session: aiohttp.ClientSession) -> None:
    demo = DemoServer({"m": DEMO_MODELS[0]}, speed=0, api_key="right")
    url = await demo.start()
    try:
        async with session.get(f"{url}/models") as response:
            assert (response.status, await response.json()) == (401, {"error": "Unauthorized"})
        async with session.get(f"{url}/models", headers={"Authorization": "Bearer right"}) as response:
            assert response.status == 200
        async with session.get(health_address(url)) as response:
            assert response.status == 200
    finally:
        await demo.close()


async def test_the_request_id_comes_back(session: aiohttp.ClientSession) -> None:
    demo = DemoServer({"m": DEMO_MODELS[0]}, speed=0)
    url = await demo.start()
    server = Server(url=url, model="m")
    try:
        headers = {"X-Request-Id": "abc"}
        async with session.post(f"{url}/chat/completions", json=body(server), headers=headers) as response:
            assert response.headers["X-Request-Id"] == "abc"
            assert (await response.json())["id"] == "chatcmpl-abc"
    finally:
        await demo.close()


@dataclass(frozen=True, kw_only=True)
class PonderingModel:
    """Replies only once the server has answered somebody else."""

    others_were_served: threading.Event
    name: str = "pondering"
    tokens_per_second: float = 100
    first_token_milliseconds: float = 0

    def reply(self, messages: Sequence[Message], seed: int | None) -> str:
        return "after the others" if self.others_were_served.wait(timeout=5) else "before the others"


async def test_a_model_that_ponders_holds_nobody_up(session: aiohttp.ClientSession) -> None:
    served = threading.Event()
    demo = DemoServer({"pondering": PonderingModel(others_were_served=served)}, speed=0)
    url = await demo.start()
    pondering = Server(url=url, model="pondering")
    answer = asyncio.create_task(events(session, pondering))
    while not demo.requests:  # noqa: ASYNC110 - it is the server that notices
        await asyncio.sleep(0.01)
    async with session.get(f"{url}/models") as response:
        assert response.status == 200
    served.set()
    text = "".join(
        orjson.loads(event)["choices"][0]["delta"].get("content", "") for event in (await answer)[:-1]
    )
    assert text == "after the others"
    await demo.close()
