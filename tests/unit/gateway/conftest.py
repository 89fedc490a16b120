from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from arena.gateway.breaker import Breaker
from arena.gateway.demo_server import DemoServer, RecordedModel
from arena.gateway.openai_chat import ChatRequest, Endpoint, Message, Timeouts
from arena.gateway.pool import Pool

ANSWER = "Plain words, an é, 日本語 and 🌱. " * 6 + "The end."
QUICK = Timeouts(connect_seconds=1, first_token_seconds=0.3, token_seconds=0.3, total_seconds=2)

StartServer = Callable[..., Awaitable[DemoServer]]
StartPool = Callable[..., Awaitable[Pool]]


def recorded(name: str = "alpha", **settings: Any) -> RecordedModel:
    return RecordedModel(name=name, organization="Tests", answers={"hi": ANSWER}, **settings)


def request(prompt: str = "hi", **settings: Any) -> ChatRequest:
    messages = (Message(role="user", content=prompt),)
    return ChatRequest(**{"messages": messages, "max_tokens": 500, "temperature": 0.0, **settings})


def endpoint(url: str, id: str = "one", model: str = "alpha", **settings: Any) -> Endpoint:
    return Endpoint(**{"id": id, "model": model, "url": url, "served_model": "alpha", **settings})


async def until(condition: Callable[[], bool], seconds: float = 2) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - most of what tests wait for is in another process or task
            await asyncio.sleep(0.01)


@pytest.fixture
async def start_server() -> AsyncIterator[StartServer]:
    """Start demo servers that are closed after the test; `server.url` says where they are."""
    servers: list[DemoServer] = []

    async def start(*, speed: float = 0, **settings: Any) -> DemoServer:
        server = DemoServer({"alpha": recorded()}, speed=speed, **settings)
        servers.append(server)
        await server.start()
        return server

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def start_pool() -> AsyncIterator[StartPool]:
    pools: list[Pool] = []

    async def start(*endpoints: Endpoint, timeouts: Timeouts = QUICK, breaker: Breaker = Breaker()) -> Pool:
        pool = Pool(timeouts, breaker=breaker)
        pools.append(pool)
        await pool.start()
        pool.set_endpoints(endpoints)
        return pool

    yield start
    for pool in pools:
        await pool.close()
