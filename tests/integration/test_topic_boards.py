"""Boards of a topic over simulated votes in which code favours another model than everything else."""

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import insert, text, update

from arena import snapshots, topic_boards
from arena.db import Database
from arena.errors import Unavailable
from arena.populations import SIMULATED
from arena.tables import Ballot, Battle, Model, Turn, Vote, Voter
from arena.tagging import rules_version
from ratings.board_files import PRELIMINARY_VOTES
from tests.integration.conftest import StartArena

MODELS = ("coder", "poet", "other")
# Who wins how often against the field: in code the coder, elsewhere the poet.
STRENGTHS = {"code": {"coder": 6, "poet": 1, "other": 2}, "rest": {"coder": 1, "poet": 6, "other": 2}}
PROMPTS = {
    "code": ("Write a Python function for {}", "My Python script about {} fails", "Python class for {}"),
    "rest": ("A recipe for {} soup", "Cook dinner with {}", "Recipe: bake {} bread"),
}
THINGS = ("tomatoes", "lentils", "rice", "trees", "dates", "numbers", "onions", "words", "pumpkin", "herbs")
SECRET = "xylokarp"
VOTERS, VOTES = 60, 600


async def fill(database: Database) -> str:
    random, rows = Random(3), []
    for number, kind in zip(range(VOTES), cycle(("rest", "code", "rest")), strict=False):
        a, b = random.sample(MODELS, 2)
        strength = STRENGTHS[kind]
        won = random.random() < strength[a] / (strength[a] + strength[b])
        prompt = random.choice(PROMPTS[kind]).format(random.choice(THINGS)) + f" {number}"
        if number % VOTERS == 7:
            prompt = SECRET  # by one voter only
        voter = UUID(int=1 + number % VOTERS)
        rows.append((f"{number:022d}", voter, a, b, "model_a" if won else "model_b", prompt))
    async with database.sessions.begin() as session:
        listed = [
            {"name": name, "organization": "o", "license": "MIT", "aliases": [], "extra": {}}
            for name in MODELS
        ]
        numbers = dict(
            zip(
                MODELS,
                await session.scalars(
                    insert(Model).returning(Model.id, sort_by_parameter_order=True), listed
                ),
                strict=True,
            )
        )
        voters = [{"id": UUID(int=1 + number), "kind": "simulated"} for number in range(VOTERS)]
        await session.execute(insert(Voter), voters)
        await session.execute(insert(Battle), [_battle(row, numbers) for row in rows])
        turns = [{"battle_id": row[0], "index": 0, "prompt": row[5], "state": "answered"} for row in rows]
        await session.execute(insert(Turn), turns)
        await session.execute(insert(Vote), [_vote(row) for row in rows])
        ballots = update(Ballot).values(tags=[], style_a=[0] * 6, style_b=[0] * 6, rules=rules_version())
        await session.execute(ballots)
        await session.execute(text("UPDATE ballot SET prompt_digest = lpad(to_hex(vote_id), 64, '0')"))
    snapshot = await snapshots.fit(database)
    assert snapshot
    return snapshot


def _battle(row: tuple[Any, ...], numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "id": row[0],
        "voter_id": row[1],
        "state": "voted",
        "model_a_id": numbers[row[2]],
        "model_b_id": numbers[row[3]],
        "propensity": 0.1,
        "decoding": {},
        "release_policy": "paced",
        "publish": False,
    }


def _vote(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "battle_id": row[0],
        "voter_id": row[1],
        "winner": row[4],
        "counted": False,
        "reason": "simulated_voter",
        "receipt": row[0],
        "reasons": [],
    }


@pytest.fixture
async def reader(start_arena: StartArena, database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser on an arena with planted votes."""
    await fill(database)
    arena = await start_arena(demo=False)
    async with arena.client(headers={"Accept": "text/html"}) as client:
        yield client


def models_of(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/models/(\w+)">', html)


async def test_a_topic_shows_the_order_of_battles_like_it(
    reader: httpx2.AsyncClient, database: Database
) -> None:
    async def asked(q: str) -> str:
        answer = await reader.get("/topic", params={"q": q, "board": "simulated"})
        assert answer.status_code == 200, answer.text
        return answer.text

    overall = (await reader.get("/feed/v1/leaderboards/simulated.json")).json()["entries"]
    assert overall[0]["model"] == "poet"
    code, cooking = await asked("python functions"), await asked("recipes for soup")
    assert models_of(code)[0] == "coder"
    assert models_of(cooking)[0] == "poet"
    for html in (code, cooking):
        assert "Exploratory" in html
        effective = float(re.search(r"Effective number of votes</dt><dd><strong>([\d,.]+)", html)[1])  # type: ignore[index]
        assert 50 <= effective <= 400, "of 600 battles a third is on code, and some prompts are less like it"
    rows = re.findall(r"<tr><td.*?</tr>", code + cooking + await asked("bread"), flags=re.DOTALL)
    battles = [int(re.findall(r'<td class="number">([\d,]+)</td>', row)[-1].replace(",", "")) for row in rows]
    assert ["Preliminary</span>" in row for row in rows] == [number < PRELIMINARY_VOTES for number in battles]
    assert min(battles) < PRELIMINARY_VOTES <= max(battles)
    assert not re.search(r"tomatoes|lentils|pumpkin|My Python", code), "no prompt is shown"

    rare, unheard = await asked(SECRET), await asked("astrophysics")
    for html in (rare, unheard):
        assert "There is no board for this topic" in html
        assert not models_of(html)

    def told(html: str) -> str:
        return html[html.index("There is no board") :]

    assert told(rare) == told(unheard), "nothing tells that somebody wrote it"

    await what_is_no_topic_is_named(reader)
    many = await asyncio.gather(*(asked("python functions") for _ in range(20)))
    assert set(many) == {code}, "the same topic is the same board"

    async with database.sessions.begin() as session:
        await snapshots.note_failure(session, ArithmeticError("no board"))
    assert "stale since" in await asked("python functions")
    assert "stale since" not in (await reader.get("/topic")).text, "where no numbers are"


async def test_few_wait_and_none_for_long(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(database)
    topics = topic_boards.TopicBoards(database)
    asked = [topics.read(SIMULATED, ["soup", thing]) for thing in THINGS]
    found = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in found if isinstance(answer, Unavailable)]
    assert len(refused) == len(THINGS) - topic_boards.WAITING_MOST
    assert sum(isinstance(answer, topic_boards.TopicBoard) for answer in found) == topic_boards.WAITING_MOST

    monkeypatch.setattr(topic_boards, "PATIENCE_SECONDS", 0)
    with pytest.raises(Unavailable, match="takes long"):
        await topics.read(SIMULATED, ["recipe"])
    monkeypatch.undo()
    assert (await topics.read(SIMULATED, ["recipe"])).entries, "the work went on"
    await topics.close()


async def what_is_no_topic_is_named(reader: httpx2.AsyncClient) -> None:
    for q, note in (
        ("", "The topic is empty"),
        ("  ", "The topic is empty"),
        ("what is the", "say nothing of a topic"),
        ("?!", "say nothing of a topic"),
        ("x" * 201, "201 characters"),
    ):
        answer = await reader.get("/topic", params={"q": q})
        assert answer.status_code == 200
        assert note in answer.text, q
    assert "The topic is empty" not in (await reader.get("/topic")).text
    wrong = await reader.get("/topic", params={"q": "soup", "board": "simulatd"})
    assert wrong.status_code == 404
    assert "simulated" in wrong.text
    nul = await reader.get("/topic?q=soup%00%ED%A0%80%27;--")
    assert nul.status_code == 200
