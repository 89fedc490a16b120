"""Voters play on while the processes under them are killed; then the accounts are compared with the tables."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from random import Random
from time import monotonic

from sqlalchemy import func, select

from arena.db import Database
from arena.tables import Battle, Turn, Vote
from tests.integration.players import SETTLED, Ledger, Player
from tests.integration.programs import Installation

PROMPTS = (
    "Explain recursion to a beginner.",
    "How does TCP differ from UDP?",
    "Give me three ideas for a rainy Sunday.",
    "What is 17 * 23?",
)
SWEEP_PATIENCE_SECONDS = 30


async def storm(
    arena: Installation, ledger: Ledger, *, battles: int, at_once: int, kills: int, seed: int
) -> None:
    """Play so many battles at least, and go on as long as something is still to be killed."""
    async with AsyncExitStack() as stack:
        voters = [await stack.enter_async_context(arena.client()) for _ in range(at_once)]
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(_kill(arena, ledger, Random(seed), kills))
            for number, voter in enumerate(voters):
                player = Player(voter, ledger, Random(f"{seed}:{number}"))
                group.create_task(_play(player, ledger, killing, battles))


async def _play(player: Player, ledger: Ledger, killing: "asyncio.Task[None]", battles: int) -> None:
    while len(ledger.told) < battles or not killing.done():
        await player.play(PROMPTS[len(ledger.told) % len(PROMPTS)])


async def _kill(arena: Installation, ledger: Ledger, random: Random, kills: int) -> None:
    """Each kind of process in turn, in random order, at a random request of the voters."""
    victims = ["web", "database", "endpoint"] * (kills // 3)
    random.shuffle(victims)
    for victim in victims:
        await ledger.until_requests(random.randrange(10, 60))
        await ledger.until(lambda: ledger.answering)
        await _KILL[victim](arena, ledger, random)
        ledger.killed[victim] += 1
        await ledger.until_settled()


async def _kill_web(arena: Installation, ledger: Ledger, random: Random) -> None:
    await arena.web.kill()
    await arena.web.start()


async def _kill_database(arena: Installation, ledger: Ledger, random: Random) -> None:
    """Nobody starts it again: the web process has to."""
    refused, killed_at = ledger.refused.total(), monotonic()
    arena.kill_database()
    await ledger.until(lambda: ledger.refused.total() > refused)
    served = ledger.served
    await ledger.until(lambda: ledger.served > served)
    ledger.outages.append(monotonic() - killed_at)


async def _kill_endpoint(arena: Installation, ledger: Ledger, random: Random) -> None:
    endpoint = random.choice(arena.endpoints)
    await endpoint.kill()
    await ledger.until_requests(random.randrange(20, 60))
    await endpoint.start()


_KILL = {"web": _kill_web, "database": _kill_database, "endpoint": _kill_endpoint}


async def check_accounts(url: str, ledger: Ledger) -> dict[str, int]:
    """Every acknowledged vote is stored and no other; every battle is where its voter was told; returns the states."""
    database = Database(url, pool_size=1)
    try:
        await _nothing_left_answering(database)
        async with database.sessions() as session:
            votes = [(vote.battle_id, vote.winner) for vote in await session.scalars(select(Vote))]
            states = {battle.id: battle.state for battle in await session.scalars(select(Battle))}
    finally:
        await database.close()
    assert dict(votes) == ledger.acknowledged
    assert len(votes) == len(ledger.acknowledged)
    assert {battle: states[battle] for battle in ledger.told} == ledger.told
    assert set(states.values()) <= set(SETTLED)
    return dict(Counter[str](states.values()))


async def _nothing_left_answering(database: Database) -> None:
    query = select(func.count()).select_from(Turn).where(Turn.state == "answering")
    async with asyncio.timeout(SWEEP_PATIENCE_SECONDS):
        while True:
            async with database.sessions() as session:
                if not await session.scalar(query):
                    return
            await asyncio.sleep(0.2)
