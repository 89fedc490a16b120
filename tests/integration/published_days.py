"""A database with boards of three days: real votes imported, then battles of its own, then a model retired."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from sqlalchemy import delete, update

from arena import snapshots
from arena.dataset.bulk import Target, import_votes
from arena.db import Database
from arena.reports import Reporter
from arena.tables import Battle, Model, Response, Snapshot, Table, Turn, Vote, Voter

AGES = (5, 2, 0)  # of the snapshots, in days
GOOD, BAD, NEW = "maker/good", "bad", "new"
STYLES = (
    "It lies by the sea.",
    "**It** lies by the sea, and has done so for long.",
    "- By the sea.\n- Since long.",
)


def day(age: int) -> date:
    return (datetime.now(UTC) - timedelta(days=age)).date()


async def publish(url: str, llmfao: Path) -> None:
    """Fill the database."""
    database = Database(url)
    target = Target(name="llmfao", origin="LLMFAO, D. Ustalov", license="CC-BY-4.0")
    await import_votes(database, llmfao, target)
    await _fit(database, AGES[0])
    models = {
        name: Model(name=name, organization=f"Maker of {name}", license="MIT") for name in (GOOD, BAD, NEW)
    }
    voters = [Voter(id=UUID(int=number)) for number in range(1, 21)]
    async with database.sessions.begin() as session:
        session.add_all([*models.values(), *voters])
    await _vote(database, models, voters, [(GOOD, BAD)] * 80)
    await _fit(database, AGES[1])
    async with database.sessions.begin() as session:
        await session.execute(update(Model).where(Model.name == BAD).values(status="retired"))
    await _vote(database, models, voters, [(GOOD, NEW), (NEW, BAD)] * 20)
    await _fit(database, AGES[2])
    await Reporter(database).report()
    await database.close()


async def clear(url: str) -> None:
    """Leave the database empty again."""
    database = Database(url)
    async with database.sessions.begin() as session:
        for table in reversed(Table.metadata.sorted_tables):
            await session.execute(delete(table))
    await database.close()


async def _fit(database: Database, age: int) -> None:
    snapshot = await snapshots.fit(database)
    async with database.sessions.begin() as session:
        moment = datetime.now(UTC) - timedelta(days=age)
        await session.execute(update(Snapshot).where(Snapshot.id == snapshot).values(created_at=moment))


async def _vote(
    database: Database, models: dict[str, Model], voters: list[Voter], pairs: list[tuple[str, str]]
) -> None:
    """One vote on each pair, in eight of ten for the first."""
    random = Random(str(pairs))
    async with database.sessions.begin() as session:
        for number, (one, other) in enumerate(pairs):
            pair = (one, other) if random.random() < 0.5 else (other, one)
            voter, id = random.choice(voters).id, f"{len(pairs)}-{number}".rjust(22, "0")
            facts = {"propensity": 1, "decoding": {}, "release_policy": "paced", "publish": True}
            session.add(
                Battle(
                    id=id,
                    voter_id=voter,
                    state="voted",
                    model_a_id=models[pair[0]].id,
                    model_b_id=models[pair[1]].id,
                    answered_turns=1,
                    turns=[_turn(random, number)],
                    **facts,
                )
            )
            await session.flush()
            winner = "model_a" if (pair[0] == one) == (random.random() < 0.8) else "model_b"
            session.add(Vote(battle_id=id, voter_id=voter, winner=winner, counted=True, receipt="0" * 24))


def _turn(random: Random, number: int) -> Turn:
    return Turn(
        index=0,
        prompt=f"Tell me about the place called {Random(number).getrandbits(64):x}, please.",
        prompt_language="en",
        state="answered",
        responses=[
            Response(side="a", state="answered", text=random.choice(STYLES) * random.randint(1, 4)),
            Response(side="b", state="answered", text=random.choice(STYLES) * random.randint(1, 4)),
        ],
    )
