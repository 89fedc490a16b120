"""Voters who do not give up: they repeat what was refused for a moment, and write down what they were promised."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

SETTLED = ("answered", "failed", "interrupted", "void", "voted", "skipped")
PAUSE_SECONDS = 0.05


@dataclass
class Ledger:
    """What all voters of a test saw; the other side of the accounts is in the tables."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # battle → winner
    told: dict[str, str] = field(default_factory=dict)  # battle → the last state its voter was told
    answering: set[str] = field(default_factory=set)
    requests: int = 0
    served: int = 0
    disconnects: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # title of a 503 → how often
    ever_told: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    outages: list[float] = field(default_factory=list)  # seconds without an answer from the database
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, reached: Callable[[], object], *, within_seconds: float = 60) -> None:
        """Wait for something the voters see."""
        async with asyncio.timeout(within_seconds):
            while not reached():
                await self._changed.wait()

    async def until_requests(self, more: int) -> None:
        """Wait until so many more requests were made, answered or not."""
        moment = self.requests + more
        await self.until(lambda: self.requests >= moment)

    async def until_settled(self) -> None:
        """Wait until one more voter was told how a battle stands."""
        before = self.ever_told.total()
        await self.until(lambda: self.ever_told.total() > before)


class Player:
    """One voter."""

    def __init__(self, client: httpx2.AsyncClient, ledger: Ledger, random: Random) -> None:
        self._client = client
        self._ledger = ledger
        self._random = random

    async def play(self, prompt: str) -> str:
        """One battle from the prompt to the vote, or to the state in which it was left; returns its id."""
        battle: dict[str, Any] = (
            await self._ask("POST", "/api/v1/battles", {"prompt": prompt}, expected=(201,))
        ).json()
        await self.settle(battle["id"])
        if self._ledger.told[battle["id"]] in ("failed", "interrupted") and self._random.random() < 0.5:
            await self._ask("POST", f"/api/v1/battles/{battle['id']}/retry", {}, expected=(200, 409))
            await self.settle(battle["id"])
        if self._ledger.told[battle["id"]] == "answered":
            await self.vote(battle["id"])
        return str(battle["id"])

    async def settle(self, battle_id: str) -> dict[str, Any]:
        """Read the battle until its state is one that ends a turn."""
        self._ledger.answering.add(battle_id)
        battle = await self.read(battle_id)
        while battle["state"] not in SETTLED:
            await asyncio.sleep(PAUSE_SECONDS)
            battle = await self.read(battle_id)
        self._ledger.answering.discard(battle_id)
        self._ledger.told[battle_id] = battle["state"]
        self._ledger.ever_told[battle["state"]] += 1
        return battle

    async def read(self, battle_id: str) -> dict[str, Any]:
        battle: dict[str, Any] = (
            await self._ask("GET", f"/api/v1/battles/{battle_id}", expected=(200,))
        ).json()
        return battle

    async def vote(self, battle_id: str) -> None:
        """Vote; when the acknowledgement was lost on the way, the battle itself says what became of it."""
        winner = self._random.choice(["model_a", "model_b", "tie", "both_bad"])
        body = {"winner": winner}
        answer = await self._ask("POST", f"/api/v1/battles/{battle_id}/vote", body, expected=(201, 409))
        assert answer.status_code == 201 or answer.json()["title"] == "Already voted", answer.text
        self._ledger.acknowledged[battle_id] = winner
        self._ledger.told[battle_id] = "voted"
        self._ledger.change()

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, expected: tuple[int, ...]
    ) -> httpx2.Response:
        """Ask until there is an answer that is no 503; any other refusal fails the test."""
        while True:
            self._ledger.requests += 1
            self._ledger.change()
            try:
                answer = await self._client.request(method, path, json=body)
            except httpx2.TransportError:
                self._ledger.disconnects += 1
            else:
                if answer.status_code != 503:
                    self._ledger.served += 1
                    assert answer.status_code in expected, (method, path, answer.status_code, answer.text)
                    return answer
                self._note_refusal(answer)
            await asyncio.sleep(PAUSE_SECONDS)

    def _note_refusal(self, answer: httpx2.Response) -> None:
        assert answer.headers["content-type"] == "application/problem+json", answer.headers
        assert int(answer.headers["retry-after"]) >= 1
        self._ledger.refused[answer.json()["title"]] += 1
        self._ledger.change()
