"""The program under test on a port of its own, and the things a voter does with it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx2
import uvicorn

from arena.app import create_app, server_options
from arena.settings import Settings


class _Server(uvicorn.Server):
    """Leaves the signals of the test run alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """uvicorn in this process, on a free port: streams, disconnects and timing are real."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        config = uvicorn.Config(create_app(settings), port=0, **server_options(settings))
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise RuntimeError("the server did not start")
            await asyncio.sleep(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop in the orderly way, as SIGTERM does."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    def client(self, **options: Any) -> httpx2.AsyncClient:
        # Without TLS, whose certificates would be read anew for each of some thousand clients.
        return httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False, verify=False, **options)


async def start_battle(
    voter: httpx2.AsyncClient, prompt: str = "What is 17 * 23?", **more: Any
) -> dict[str, Any]:
    """Start a battle; fails the test when it is refused."""
    answer = await voter.post("/api/v1/battles", json={"prompt": prompt, **more})
    assert answer.status_code == 201, answer.text
    battle: dict[str, Any] = answer.json()
    return battle


async def wait_until_settled(voter: httpx2.AsyncClient, battle_id: str) -> dict[str, Any]:
    """Read the battle until no model is answering."""
    async with asyncio.timeout(30):
        while True:
            battle: dict[str, Any] = (await voter.get(f"/api/v1/battles/{battle_id}")).json()
            if battle["state"] != "answering" and battle["turns"][-1]["state"] != "answering":
                return battle
            await asyncio.sleep(0.02)


async def answered_battle(voter: httpx2.AsyncClient, prompt: str = "What is 17 * 23?") -> dict[str, Any]:
    """A battle whose models have answered."""
    return await wait_until_settled(voter, (await start_battle(voter, prompt))["id"])


async def vote(voter: httpx2.AsyncClient, battle_id: str, winner: str = "model_a") -> httpx2.Response:
    return await voter.post(f"/api/v1/battles/{battle_id}/vote", json={"winner": winner})


async def events(
    voter: httpx2.AsyncClient, battle_id: str, *, last_event_id: str | None = None, format: str = "text"
) -> AsyncIterator[dict[str, Any]]:
    """The turn's events as they arrive, each with its name, id and data."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    path = f"/api/v1/battles/{battle_id}/events"
    async with voter.stream("GET", path, params={"format": format}, headers=headers) as answer:
        assert answer.status_code == 200, answer.status_code
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            if not line and event:
                yield event
                event = {}
            elif line.startswith("data: "):
                event["data"] = json.loads(line[6:])
            elif ": " in line and not line.startswith(":"):
                key, value = line.split(": ", 1)
                event[key] = value


def text_of(seen: list[dict[str, Any]], side: str) -> str:
    """What a reader of the events has of one side."""
    return "".join(
        event["data"]["text"] for event in seen if event["event"] == "delta" and event["data"]["side"] == side
    )
