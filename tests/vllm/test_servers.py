"""What real vLLM does on the wire: the facts that the gateway and the demo server build on."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import psutil
import pytest

from arena.gateway.demo_wire import ENGINE_DIED
from tests.vllm.servers import (
    Server,
    becomes_true,
    health_status,
    is_alive,
    kill_engine,
    running_requests,
    stop_server,
)

Servers = tuple[Server, Server]

PROMPTS = [
    "hi",
    "Explain photosynthesis to a child in three sentences.",
    "日本語で答えてください。",
    "مرحبا 😀",
    "word " * 1000,
    "",
]


def request_body(server: Server, prompt: str, **options: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": server.model.served_name, "messages": messages, "temperature": 0, **options}


async def post(server: Server, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/chat/completions", json=body) as response,
    ):
        return response.status, await response.json()


async def reply(server: Server, prompt: str, **options: Any) -> str:
    status, answer = await post(server, request_body(server, prompt, **options))
    assert status == 200, answer
    text = answer["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


async def stream(server: Server, prompt: str, **options: Any) -> AsyncGenerator[str]:
    """Yield the data of each event, `[DONE]` included."""
    body = request_body(server, prompt, stream=True, stream_options={"include_usage": True}, **options)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/chat/completions", json=body) as response,
    ):
        assert response.status == 200
        async for line in response.content:
            if line.startswith(b"data: "):
                yield line.decode().removeprefix("data: ").strip()


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_each_model_answers_every_prompt_with_its_own_reply(vllm_servers: Servers, prompt: str) -> None:
    for server in vllm_servers:
        assert await reply(server, prompt) == server.model.reply


async def test_replies_stay_exact_in_later_turns(vllm_servers: Servers) -> None:
    for server in vllm_servers:
        history = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Which editor is best?"},
            {"role": "assistant", "content": server.model.reply},
            {"role": "user", "content": "Are you sure?"},
        ]
        status, answer = await post(server, request_body(server, "") | {"messages": history})
        assert (status, answer["choices"][0]["message"]["content"]) == (200, server.model.reply)


async def test_replies_stay_exact_when_many_ask_at_once(vllm_servers: Servers) -> None:
    asked = [server for server in vllm_servers for _ in range(20)]
    texts = await asyncio.gather(*(reply(server, f"Question {i}") for i, server in enumerate(asked)))
    assert texts == [server.model.reply for server in asked]


async def test_stream_is_role_then_text_then_reason_then_usage(vllm_servers: Servers) -> None:
    for server in vllm_servers:
        *events, done = [event async for event in stream(server, "hi")]
        role, *deltas, usage = [json.loads(event) for event in events]
        choices = [chunk["choices"][0] for chunk in deltas]
        assert done == "[DONE]"
        assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(choice["delta"]["content"] for choice in choices) == server.model.reply
        assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
        assert usage["choices"] == []
        assert usage["usage"]["completion_tokens"] >= len(choices)


async def test_length_limit_is_told_by_the_last_chunk_with_text(vllm_servers: Servers) -> None:
    alpha, _ = vllm_servers
    events = [json.loads(event) async for event in stream(alpha, "hi", max_tokens=5) if event != "[DONE]"]
    last = events[-2]["choices"][0]
    assert last["finish_reason"] == "length"
    assert last["delta"]["content"]


async def test_limit_beyond_the_context_is_capped_not_refused(vllm_servers: Servers) -> None:
    alpha, _ = vllm_servers
    body = request_body(alpha, "x " * 4000, max_tokens=1000, ignore_eos=True)
    status, answer = await post(alpha, body)
    assert status == 200
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["total_tokens"] == 4096


async def test_prompt_beyond_the_context_is_refused(vllm_servers: Servers) -> None:
    alpha, _ = vllm_servers
    status, answer = await post(alpha, request_body(alpha, "word " * 3000))
    assert (status, answer["error"]["param"]) == (400, "input_tokens")


async def test_headers_of_a_queued_stream_come_before_its_turn(vllm_servers: Servers) -> None:
    alpha, _ = vllm_servers
    long = [stream(alpha, "hi", min_tokens=3000, max_tokens=3000) for _ in range(16)]
    await asyncio.gather(*(anext(answer) for answer in long))
    late = request_body(alpha, "hi", stream=True)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{alpha.url}/chat/completions", json=late) as response,
    ):
        assert response.status == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.3)
        await asyncio.gather(*(answer.aclose() for answer in long))
        assert b'"role":"assistant"' in await response.content.readany()


async def test_hanging_up_frees_the_engine(vllm_servers: Servers) -> None:
    alpha, _ = vllm_servers
    answer = stream(alpha, "hi", min_tokens=4000, max_tokens=4000)
    await anext(answer)
    assert running_requests(alpha) == 1
    await answer.aclose()
    assert await becomes_true(lambda: running_requests(alpha) == 0, limit_seconds=1)


async def test_log_probabilities_come_at_once(vllm_servers: Servers) -> None:
    alpha, _ = vllm_servers
    async with asyncio.timeout(5):
        _, answer = await post(alpha, request_body(alpha, "hi", max_tokens=2, logprobs=True, top_logprobs=2))
    first = answer["choices"][0]["logprobs"]["content"][0]
    assert -0.2 < first["logprob"] < 0
    assert len(first["top_logprobs"]) == 2


async def test_killed_engine_breaks_the_stream_under_status_200(doomed_server: Server) -> None:
    events: list[str] = []
    async for event in stream(doomed_server, "hi", min_tokens=3000, max_tokens=3000):
        events.append(event)
        if len(events) == 20:
            kill_engine(doomed_server)
    *answer, error, done = events
    assert done == "[DONE]"
    assert f"data: {error}\n\n".encode() == ENGINE_DIED, "the demo server says it byte for byte"
    assert not any(json.loads(event)["choices"][0]["finish_reason"] for event in answer)
    assert health_status(doomed_server) in (503, None)
    # vLLM then leaves with status 0, as if all were well.
    assert await asyncio.to_thread(doomed_server.process.wait, 30) == 0


async def test_stopped_server_leaves_no_process(doomed_server: Server) -> None:
    leader = psutil.Process(doomed_server.process.pid)
    family = [leader, *leader.children(recursive=True)]
    await asyncio.to_thread(stop_server, doomed_server)
    assert len(family) > 1
    assert await becomes_true(lambda: not any(is_alive(process) for process in family))
