"""Moderation: a model says what of a turn is unsafe, and a release passes it on."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
from sqlalchemy import func, select, update

from arena.db import Database
from arena.gateway.demo_server import DemoServer, Fault
from arena.gateway.errors import FirstTokenTimeout
from arena.gateway.openai_chat import Endpoint, Message, Timeouts
from arena.gateway.pool import Pool
from arena.jobs import shared_jobs
from arena.moderation import CATEGORIES, LONGEST, PIECE, TRIES, Moderator, moderate_turns
from arena.tables import Turn
from tests.integration.conftest import Says, StartArena, StartModels, settings_of_tests
from tests.integration.releasing import export
from tests.integration.serving import start_battle, vote, wait_until_settled

SAFE = dict.fromkeys(CATEGORIES, False)
FOUND = {"fight": "violence", "insult": "harassment", "moon": None}


@dataclass
class Judge:
    """Finds what the words of a text stand for; says nothing of use about riddles."""

    name: str = "judge"
    tokens_per_second: float = 1e6
    first_token_milliseconds: float = 0
    asked: list[str] = field(default_factory=list)

    def reply(self, messages: Sequence[Message], seed: int | None) -> str:
        asked = str(messages[-1].content)
        self.asked.append(asked)
        if "riddle" in asked:
            return "I would rather not say."
        return json.dumps(
            SAFE | {category: True for word, category in FOUND.items() if category and word in asked}
        )


class Court:
    """A server with a judge, and the pool that asks it."""

    def __init__(self, fault: Fault | None = None) -> None:
        self.judge = Judge()
        self._server = DemoServer({"judge": self.judge}, speed=0, faults={"judge": fault} if fault else {})
        self.pool = Pool(Timeouts(first_token_seconds=2, token_seconds=2, total_seconds=5))
        self.moderator = Moderator(self.pool, "judge")

    async def __aenter__(self) -> "Court":
        url = await self._server.start()
        await self.pool.start()
        self.pool.set_endpoints([Endpoint(id="one", model="judge", url=url, served_model="judge")])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()
        await self._server.close()


async def _play(start_models: StartModels, start_arena: StartArena, catalog: Path, *prompts: str) -> None:
    await start_models(Says("heron", "The moon pulls."), Says("teal", "They fight and insult."))
    arena = await start_arena(catalog=catalog)
    for prompt in prompts:
        async with arena.client() as voter:
            battle = await start_battle(voter, prompt, publish=True)
            await wait_until_settled(voter, battle["id"])
            assert (await vote(voter, battle["id"])).status_code == 201


async def _said(database: Database) -> dict[str, list[str] | None]:
    async with database.sessions() as session:
        rows = await session.execute(select(Turn.prompt, Turn.moderation))
    return {prompt: found for prompt, found in rows}


def _unsafe(found: list[str] | None) -> list[str]:
    """The findings on the answer that fights, whichever side it stood on."""
    return sorted(each[2:] for each in found or [])


async def test_what_is_unsafe_is_told_by_side_and_released(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database, tmp_path: Path
) -> None:
    await _play(start_models, start_arena, catalog, "Why do dogs fight?", "A riddle, please.", "Hello!")
    async with Court() as court:
        assert await moderate_turns(database, court.moderator) == 3
        assert await moderate_turns(database, court.moderator) == 0, "each is looked at once"
        assert len(court.judge.asked) == 9
    said = await _said(database)
    assert "prompt:violence" in (said["Why do dogs fight?"] or [])
    for prompt in said:
        answers = [each for each in said[prompt] or [] if not each.startswith("prompt:")]
        assert _unsafe(answers) == ["harassment", "violence"], "also where the prompt stays unknown"
        assert len({each[0] for each in answers}) == 1, "one side alone"
    # Opened just now: what was found only now would come and go between two exports of it.
    await export(database, tmp_path / "early", name="early")
    assert pq.read_table(tmp_path / "early/data/turns.parquet")["moderation"].to_pylist() == [None] * 3
    async with database.sessions.begin() as session:
        await session.execute(update(Turn).values(moderated_at=func.now() - timedelta(minutes=2)))
    await export(database, tmp_path / "late", name="late")
    released = pq.read_table(tmp_path / "late/data/turns.parquet").to_pylist()
    assert {row["prompt"]: row["moderation"] for row in released} == said


async def test_what_cannot_be_told_is_unknown_and_not_safe() -> None:
    async with Court() as court:
        look = court.moderator.look
        assert await look([("prompt", "Hello!"), ("a", "moon")]) == []
        assert await look([("prompt", "A riddle"), ("a", "moon")]) is None
        assert await look([("prompt", "." * PIECE + "fight")]) == ["prompt:violence"], (
            "long texts to their end"
        )
        assert await look([("prompt", "." * (LONGEST + 1))]) is None
    async with Court(Fault.CUT) as court:
        assert await court.moderator.look([("prompt", "Hello!")]) is None, (
            "it began, and broke off at this text"
        )


async def test_a_model_that_is_away_is_asked_again(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database
) -> None:
    await _play(start_models, start_arena, catalog, "Hello!")
    async with Court(Fault.HTTP_500) as court:
        assert await moderate_turns(database, court.moderator) == 0
    assert await _said(database) == {"Hello!": None}
    async with Court() as court:
        assert await moderate_turns(database, court.moderator) == 1
    assert _unsafe((await _said(database))["Hello!"]) == ["harassment", "violence"]


async def test_turns_that_never_get_an_answer_do_not_hold_up_others(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database
) -> None:
    stuck, others = "Hello!", [f"Hello {number}!" for number in range(TRIES)]
    await _play(start_models, start_arena, catalog, stuck)

    class Hangs(Moderator):
        async def look(self, texts: Sequence[tuple[str, str]]) -> list[str] | None:
            if texts[0][1] == stuck:
                raise FirstTokenTimeout
            return await super().look(texts)

    async with Court() as court:
        moderator = Hangs(court.pool, "judge")
        assert await moderate_turns(database, moderator) == 0
        assert await _unknown(database) == 0, "the model itself may be away"
        for number, prompt in enumerate(others, start=1):
            await _play(start_models, start_arena, catalog, prompt)
            assert await moderate_turns(database, moderator) == 1 + (number == TRIES)
    assert await _unknown(database) == 1
    assert (await _said(database))[stuck] is None, "unknown, and not safe"


async def _unknown(database: Database) -> int:
    """How many turns were looked at without a finding."""
    async with database.sessions() as session:
        return int(
            await session.scalar(
                select(func.count())
                .select_from(Turn)
                .where(Turn.moderation.is_(None), Turn.moderated_at.is_not(None))
            )
            or 0
        )


async def test_the_setting_starts_the_work(
    start_models: StartModels, start_arena: StartArena, catalog: Path, database: Database, tmp_path: Path
) -> None:
    await _play(start_models, start_arena, catalog, "Hello!")
    settings = settings_of_tests(database.url, tmp_path, moderation_model="judge")
    async with Court() as court:
        assert "moderation" not in shared_jobs(
            database, settings_of_tests(database.url, tmp_path), court.pool
        )
        _, moderate = shared_jobs(database, settings, court.pool)["moderation"]
        async with asyncio.timeout(20):
            await moderate()
    assert _unsafe((await _said(database))["Hello!"]) == ["harassment", "violence"]
