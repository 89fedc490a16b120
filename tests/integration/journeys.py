"""Voters who do everything a voter can do before the vote, while every byte they get is kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import httpx2

from tests.integration.planted import Planted
from tests.integration.recorder import Recorder, found
from tests.integration.serving import events, vote, wait_until_settled

AT_ONCE = 8
# Short patience with servers that hang, and frames that let even an endless answer through quickly.
IMPATIENT: dict[str, Any] = {
    "first_token_timeout_seconds": 0.7,
    "token_timeout_seconds": 0.7,
    "total_timeout_seconds": 1.5,
    "release_characters": 256,
    "checkpoint_seconds": 0.5,
}


@dataclass(frozen=True, kw_only=True)
class Journey:
    """One battle: what came before its vote, and whether the search would have found a name."""

    bytes_before: int
    leaked: Sequence[bytes]
    revealed: bool
    state: str


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Many battles together."""

    journeys: Sequence[Journey]

    @property
    def bytes_scanned(self) -> int:
        return sum(journey.bytes_before for journey in self.journeys)

    @property
    def reveals(self) -> int:
        return sum(journey.revealed for journey in self.journeys)

    @property
    def leaked(self) -> set[bytes]:
        return {mark for journey in self.journeys for mark in journey.leaked}


async def scan_battles(url: str, planted: Planted, *, battles: int, reveals: int, seed: int) -> Scan:
    """Play at least so many battles, until so many votes revealed the names and every fault was met."""
    journeys: list[Journey] = []
    numbers = count()
    faults = {model.fault for model in planted.models if model.fault}

    def enough() -> bool:
        return len(journeys) >= battles and scan.reveals >= reveals and faults <= set(planted.shown)

    async def play() -> None:
        while not enough():
            journeys.append(await _journey(url, planted, Random(f"{seed}:{next(numbers)}")))

    scan = Scan(journeys=journeys)
    async with asyncio.TaskGroup() as players:
        for _ in range(AT_ONCE):
            players.create_task(play())
    return scan


async def _journey(url: str, planted: Planted, random: Random) -> Journey:
    recorder = Recorder()
    async with recorder.client(url) as voter:
        await voter.get("/")
        battle_id = await _start(voter, random)
        await _watch(voter, battle_id, random)
        await _get_refused(voter, battle_id, random)
        battle = await _settle(voter, battle_id, random)
        before = recorder.streams()
        told = len(recorder.reads)
        revealed = bool(battle["can_vote"]) and await _vote(voter, battle_id, random)
        if not revealed:
            await _leave(voter, battle_id)
            before, told = recorder.streams(), len(recorder.reads)
        after = found(planted.marks, recorder.streams(since=told))
    assert not revealed or b"zephyrine" in after, "the search must find the names once they are shown"
    return Journey(
        bytes_before=sum(map(len, before)),
        leaked=found(planted.marks, before),
        revealed=revealed,
        state=str(battle["state"]),
    )


async def _start(voter: httpx2.AsyncClient, random: Random) -> str:
    prompt = f"Tell me about place number {random.randrange(1000)}."
    if random.random() < 0.5:
        answer = await voter.post("/battles", data={"prompt": prompt, "publish": "true"})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"]).removeprefix("/b/")
    answer = await voter.post("/api/v1/battles", json={"prompt": prompt})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _watch(voter: httpx2.AsyncClient, battle_id: str, random: Random) -> None:
    """Follow the turn in one of the two formats, look at the page meanwhile, and now and then stop it."""
    stop = random.random() < 0.15
    seen = 0
    async for _ in events(voter, battle_id, format=random.choice(["text", "html"])):
        seen += 1
        if seen == 1:
            await _look(voter, battle_id)
        if seen == 3 and stop:
            break
    if stop:
        answer = await voter.post(f"/api/v1/battles/{battle_id}/stop")
        assert answer.status_code == 200, answer.text


async def _look(voter: httpx2.AsyncClient, battle_id: str) -> None:
    for path in (f"/api/v1/battles/{battle_id}", f"/b/{battle_id}"):
        assert (await voter.get(path, headers={"Accept": "text/html"})).status_code == 200


async def _get_refused(voter: httpx2.AsyncClient, battle_id: str, random: Random) -> None:
    """Ask for what cannot be had: refusals must be as silent as answers."""
    path = f"/api/v1/battles/{battle_id}"
    refusals: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{path}/vote", {"json": {"winner": "the third"}}),
        ("POST", f"{path}/turns", {"json": {"prompt": " "}}),
        ("POST", f"{path}/vote", {"content": b"{"}),
        ("POST", f"/b/{battle_id}/vote", {"data": {"winner": "nobody"}}),
        ("GET", f"{path}/models", {"headers": {"Accept": random.choice(["*/*", "text/html"])}}),
        ("GET", f"/b/{battle_id[::-1]}", {"headers": {"Accept": "text/html"}}),
    ]
    for method, where, sent in random.sample(refusals, 3):
        answer = await voter.request(method, where, **sent)
        assert answer.status_code in (400, 404, 405, 409, 422), (method, where, answer.status_code)


async def _settle(voter: httpx2.AsyncClient, battle_id: str, random: Random) -> dict[str, Any]:
    """Retry what failed, ask again sometimes, and look at all of it."""
    battle = await wait_until_settled(voter, battle_id)
    if battle["can_retry"]:
        if random.random() < 0.5:
            await voter.post(f"/api/v1/battles/{battle_id}/retry")
        else:
            await voter.post(f"/b/{battle_id}/retry")
        await _watch(voter, battle_id, random)
    elif random.random() < 0.2:
        await voter.post(f"/b/{battle_id}/turns", data={"prompt": "And then?"})
        await _watch(voter, battle_id, random)
    battle = await wait_until_settled(voter, battle_id)
    await _look(voter, battle_id)
    await voter.get("/")
    assert (await voter.get("/api/v1/me/votes")).json() == []
    return battle


async def _vote(voter: httpx2.AsyncClient, battle_id: str, random: Random) -> bool:
    winner = random.choice(["model_a", "model_b", "tie", "both_bad"])
    answer = await vote(voter, battle_id, winner)
    assert answer.status_code == 201, answer.text
    return True


async def _leave(voter: httpx2.AsyncClient, battle_id: str) -> None:
    """A battle that cannot be voted on ends without a name, skipped or void."""
    await vote(voter, battle_id)
    await voter.post(f"/api/v1/battles/{battle_id}/skip")
    await _look(voter, battle_id)
