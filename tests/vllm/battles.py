"""What a battle between real vLLM servers needs: a catalog that lists them, and eyes on the two sides."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from arena.tables import Side
from tests.integration.serving import Serving, events, text_of
from tests.vllm.make_environment import CannedModel
from tests.vllm.servers import Server

SIDES: tuple[Side, Side] = ("a", "b")
LONG_TOKENS = 2000
Event = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One model of the catalog, with the servers that serve it and how long its answers are at least."""

    servers: Sequence[Server]
    min_tokens: int = 0

    @property
    def model(self) -> CannedModel:
        return self.servers[0].model

    def toml(self) -> Iterator[str]:
        yield f'[[model]]\nname = "{self.model.served_name}"\norganization = "Makers of canned models"'
        if self.min_tokens:
            yield f"extra = {{min_tokens = {self.min_tokens}}}"
        for server in self.servers:
            yield f'[[model.endpoint]]\nurl = "{server.url}"'


def write_catalog(path: Path, *listed: Listed) -> Path:
    path.write_text("\n".join(line for model in listed for line in model.toml()))
    return path


def greedy(catalog: Path) -> dict[str, Any]:
    """The settings under which canned models answer word for word, and nobody else answers."""
    return {"catalog": catalog, "temperature": 0, "answer_max_tokens": LONG_TOKENS, "demo": False}


def texts(battle: Mapping[str, Any], turn: int = -1) -> dict[Side, str]:
    """What both sides answered."""
    responses = battle["turns"][turn]["responses"]
    return {side: responses[side]["text"] for side in SIDES}


def side_of(battle: Mapping[str, Any], model: CannedModel) -> Side:
    """The side whose text began as this model answers."""
    return next(side for side, text in texts(battle, 0).items() if text.startswith(model.reply))


async def read_past(voter: httpx2.AsyncClient, battle_id: str, characters: int) -> list[Event]:
    """Follow an answer until one side has shown so many characters; the models are then still writing."""
    seen: list[Event] = []
    async for event in events(voter, battle_id):
        seen.append(event)
        if max(len(text_of(seen, side)) for side in SIDES) > characters:
            return seen
    raise AssertionError(f"the answer ended before {characters} characters: {seen[-1]}")


async def read_rest(voter: httpx2.AsyncClient, battle_id: str, seen: Sequence[Event]) -> list[Event]:
    """Resume after the last event seen, to the end of the turn."""
    return [event async for event in events(voter, battle_id, last_event_id=seen[-1]["id"])]


async def becomes(look: Callable[[], Awaitable[T]], wanted: T, limit_seconds: float) -> None:
    """Look again and again until this is what there is; raises TimeoutError when it never is."""
    async with asyncio.timeout(limit_seconds):
        while await look() != wanted:  # noqa: ASYNC110 - other processes do what is waited for
            await asyncio.sleep(0.1)


async def becomes_ready(arena: Serving, ready: bool, limit_seconds: float) -> None:
    """Wait until the program says that a battle could start now, or that none could."""
    async with arena.client() as operator:

        async def status() -> int:
            return (await operator.get("/readyz")).status_code

        await becomes(status, 200 if ready else 503, limit_seconds)


def names_in(told: object, servers: Sequence[Server]) -> set[str]:
    """The words in what a voter was told that would give a model, its server or its engine away."""
    said = json.dumps(told, ensure_ascii=False).lower()
    marks = {"vllm", "engine", "127.0.0.1"} | {str(server.port) for server in servers}
    marks |= {word for server in servers for word in server.model.served_name.split("-")}
    return {mark for mark in marks if mark in said}
