"""An arena with some history: votes of people on eight models over five weeks, in categories, with written styles.

`python -m tests.filled_arena URL` fills a migrated database from a process of its own.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from arena import snapshots
from arena.db import Database, upgrade
from arena.records import ModelVersion, Release, ReleaseCopy
from arena.reports import Reporter
from arena.tables import Ballot, Battle, Model, Snapshot, Turn, Vote, Voter
from arena.tagging import rules_version
from ratings.board_files import STYLE_FEATURES

STRENGTHS = {
    "birds/heron-one": 3.2,
    "osprey-two": 2.4,
    "robin-three": 2.0,
    "wren-four": 1.6,
    "plover-five": 1.2,
    "teal-six": 0.9,
    "rook-seven": 0.6,
    "swift-eight": 0.4,
}
NEWCOMER = "swift-eight"  # listed last
RETIRED = "rook-seven"
LICENSES = ("Apache-2.0", "MIT", "proprietary")
TAGS = (
    ["language:en"],
    ["code", "hard-prompt", "language:en"],
    ["language:en", "math"],
    ["creative-writing", "language:de"],
    ["instruction-following", "language:fr", "multi-turn"],
)
PROMPTS = (
    "What is a good name for a harbour?",
    "Write a Python function that sorts birds by wingspan",
    "What is the square root of 1521?",
    "Schreibe ein Gedicht über den Herbst",
    "Résume ce texte en trois phrases",
)  # one for each of the tags
STYLE = (280, 2, 5, 4, 1, 1)
DAYS_BACK = (34, 9, 3, 0)
VOTES_A_DAY = 260
VOTERS = 90
RELEASES = {
    "2026-10": {"/srv/releases": "/srv/releases/2026-10"},
    "2026-11": {
        "site": "/data/2026-11",
        "s3://open-data-of-the-birds/arena": "s3://open-data-of-the-birds/arena/2026-11",
        "hf://datasets/birds/arena": "https://huggingface.co/datasets/birds/arena/tree/2026-11",
    },
}
FACTS = {
    "title": "Arena",
    "cut_week": "2026-11-23",
    "license": {"prompts": "CC-BY-4.0", "votes": "CC-BY-4.0", "boards": {}},
    "withheld": {"no_consent": 5204, "private_test": 12},
    "withdrawn": 3,
    "signed_by": "0123456789abcdef",
    "files": {
        "data/battles.parquet": {"bytes": 3_456_789, "rows": 123_456},
        "data/turns.parquet": {"bytes": 1_234_567_890, "rows": 234_567},
        "data/votes.parquet": {"bytes": 5_678_901, "rows": 123_456},
        "data/models.parquet": {"bytes": 23_456, "rows": 48},
    },
}


async def fill(database: Database) -> list[str]:
    """Cast votes in four lots on four days and compute the boards after each; returns the snapshots, oldest first."""
    random, found = Random(7), []
    models = await _list_models(database)
    for lot, days_back in enumerate(DAYS_BACK):
        when = datetime.now(UTC) - timedelta(days=days_back)
        present = [name for name in models if name != NEWCOMER or lot == len(DAYS_BACK) - 1]
        async with database.sessions.begin() as session:
            await _vote(session, random, {name: models[name] for name in present}, lot, when)
        snapshot = await snapshots.fit(database)
        assert snapshot is not None, "new votes make a new snapshot"
        async with database.sessions.begin() as session:
            await session.execute(update(Snapshot).where(Snapshot.id == snapshot).values(created_at=when))
        found.append(snapshot)
    return found


async def _list_models(database: Database) -> dict[str, int]:
    rows = [
        {
            "name": name,
            "organization": "Birds" if place % 2 else "Shore Birds",
            "license": LICENSES[place % 3],
            "open_weights": (True, None, False)[place % 3],
            "parameters_billions": (8.2, 32.0, None)[place % 3],
            "description": "A scripted model.",
            "aliases": ["heron"] if place == 0 else [],
            "extra": {},
            "status": "retired" if name == RETIRED else "active",
            "retired_at": datetime.now(UTC) if name == RETIRED else None,
        }
        for place, name in enumerate(STRENGTHS)
    ]
    async with database.sessions.begin() as session:
        await session.execute(insert(Model), rows)
        await session.execute(
            insert(Voter), [{"id": UUID(int=number), "kind": "human"} for number in range(1, VOTERS + 1)]
        )
        found = {name: number for name, number in await session.execute(select(Model.name, Model.id))}
        await session.execute(insert(ModelVersion), _versions(next(iter(STRENGTHS)), found))
    return {name: found[name] for name in STRENGTHS}


def _versions(model: str, numbers: dict[str, int]) -> list[dict[str, Any]]:
    """Two periods of one model, which was asked in another way from some day on."""
    days = [datetime.now(UTC) - timedelta(days=back) for back in (40, 12)]
    decoding = {"temperature": 0.7, "max_tokens": 2048, "extra": {}}
    shared = {
        "model_id": numbers[model],
        "served_as": model,
        "organization": "Shore Birds",
        "license": LICENSES[0],
        "open_weights": True,
        "aliases": ["heron"],
        "endpoints": ["self-hosted"],
    }
    before = {"decoding": decoding, "first_served_at": days[0], "last_served_at": days[1]}
    now = {"decoding": decoding | {"temperature": 1.0}, "first_served_at": days[1], "last_served_at": None}
    return [shared | before | {"reason": "Changed: decoding."}, shared | now | {"reason": None}]


async def _vote(
    session: AsyncSession, random: Random, models: dict[str, int], lot: int, when: datetime
) -> None:
    battles, turns, votes, ballots = [], [], [], []
    for number in range(VOTES_A_DAY):
        a, b = random.sample(list(models), 2)
        battle, voter = f"{lot:011d}{number:011d}", UUID(int=random.randint(1, VOTERS))
        battles.append(_battle(battle, voter, models[a], models[b]))
        votes.append(_cast(battle, voter, _winner(random, a, b), when - timedelta(days=random.randrange(3))))
        tags = random.choice(TAGS)
        prompt = PROMPTS[TAGS.index(tags)]
        turns.append({"battle_id": battle, "index": 0, "prompt": prompt, "state": "answered"})
        ballots.append(
            {"tags": tags} | {f"style_{s}": _style(random, m) for s, m in zip("ab", (a, b), strict=True)}
        )
    await session.execute(insert(Battle), battles)
    await session.execute(insert(Turn), turns)
    ids = (await session.scalars(insert(Vote).returning(Vote.id, sort_by_parameter_order=True), votes)).all()
    rules = rules_version()
    # All at once: by themselves they take most of the time.
    await session.execute(
        update(Ballot),
        [
            ballot | {"vote_id": vote_id, "prompt_digest": f"{vote_id:064x}", "rules": rules}
            for vote_id, ballot in zip(ids, ballots, strict=True)
        ],
    )


def _battle(battle: str, voter: UUID, a: int, b: int) -> dict[str, Any]:
    return {
        "id": battle,
        "voter_id": voter,
        "state": "voted",
        "model_a_id": a,
        "model_b_id": b,
        "propensity": 0.1,
        "decoding": {},
        "release_policy": "paced",
        "publish": False,
    }


def _cast(battle: str, voter: UUID, winner: str, when: datetime) -> dict[str, Any]:
    return {
        "battle_id": battle,
        "voter_id": voter,
        "winner": winner,
        "counted": True,
        "receipt": battle,
        "created_at": when,
        "reasons": [],
    }


def _winner(random: Random, a: str, b: str) -> str:
    draw = random.random()
    if draw < 0.2:
        return "tie" if draw < 0.12 else "both_bad"
    return "model_a" if random.random() < STRENGTHS[a] / (STRENGTHS[a] + STRENGTHS[b]) else "model_b"


def _style(random: Random, model: str) -> list[int]:
    wordiness = 0.6 + 0.1 * list(STRENGTHS).index(model)
    return [round(count * wordiness * random.uniform(0.5, 1.5)) for count in STYLE]


async def filled_database(url: str) -> Sequence[str]:
    """Migrate and fill."""
    await asyncio.to_thread(upgrade, url)
    database = Database(url)
    try:
        return await fill(database)
    finally:
        await database.close()


async def empty_database(admin_url: str, name: str) -> None:
    """Create a database beside the one of the address."""
    database = Database(admin_url)
    async with database.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f'CREATE DATABASE "{name}"'))
    await database.close()


async def publish(url: str) -> None:
    """Note two releases as published, one on the site and at other places; their files are nowhere."""
    database = Database(url)
    async with database.sessions.begin() as session:
        for name, addresses in RELEASES.items():
            session.add(
                Release(
                    name=name, variant="open", key=bytes(32), last_vote_id=0, last_imported_id=0, models={}
                )
            )
            await session.flush()
            for destination, address in addresses.items():
                said = {"address": address, "digest": f"{len(name):064x}", "facts": FACTS}
                session.add(ReleaseCopy(release=name, destination=destination, **said))
    await database.close()


async def report(url: str) -> None:
    """Compute what the page of integrity shows."""
    database = Database(url)
    await Reporter(database).report()
    await database.close()


assert len(STYLE) == len(STYLE_FEATURES)


async def _main(admin_url: str, url: str, name: str) -> None:
    await empty_database(admin_url, name)
    await filled_database(url)
    await publish(url)
    await report(url)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
