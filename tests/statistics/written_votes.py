"""Drawn votes written to the real tables as the program would write them, thousands at a time."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from arena.battles import reason_from_the_start
from arena.db import Database
from arena.matchmaking import Pair
from arena.tables import Model, Table
from arena.tagging import RULES_VERSION

IntArray = npt.NDArray[np.int64]

WINNERS = np.array(["model_a", "model_b", "tie", "both_bad"])
ADD_VOTERS = """INSERT INTO voter (id, address_hash)
    SELECT gen_random_uuid(), n::text FROM generate_series(0, :n) AS n"""
COPY = "COPY drawn (n, model_a_id, model_b_id, winner, voter, reason) FROM STDIN"
FILL = (
    "CREATE TEMPORARY TABLE drawn (n bigint, model_a_id bigint, model_b_id bigint, winner text, voter int,"
    " reason text) ON COMMIT DROP",
    # The triggers would do the same, a row at a time.
    "ALTER TABLE vote DISABLE TRIGGER USER",
)
INSERTS = (
    """INSERT INTO battle (id, voter_id, state, model_a_id, model_b_id, propensity, decoding, release_policy,
        publish, answered_turns, not_counted_reason)
    SELECT 'battle-' || n, voter.id, 'voted', model_a_id, model_b_id, 0.5, '{}', 'paced', false, 1, reason
    FROM drawn JOIN voter ON voter.address_hash = drawn.voter::text""",
    """INSERT INTO vote (battle_id, voter_id, winner, counted, reason, receipt)
    SELECT 'battle-' || n, voter.id, winner, reason IS NULL, reason, ''
    FROM drawn JOIN voter ON voter.address_hash = drawn.voter::text""",
    f"""INSERT INTO ballot (vote_id, voter, model_a_id, model_b_id, winner, reason, cast_on, tags, style_a, style_b,
        prompt_digest, rules)
    SELECT vote.id, voter.number, drawn.model_a_id, drawn.model_b_id, drawn.winner, drawn.reason, '2026-06-01',
        '{{}}', '{{0,0,0,0,0,0}}', '{{0,0,0,0,0,0}}', md5(drawn.n::text), '{RULES_VERSION}'
    FROM drawn JOIN vote ON vote.battle_id = 'battle-' || n JOIN voter ON voter.id = vote.voter_id""",
    "ALTER TABLE vote ENABLE TRIGGER USER",
)


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Votes between models named by their place, as many rows as votes; winners are indices into `WINNERS`."""

    a: IntArray
    b: IntArray
    winner: IntArray


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test database, empty again after the test."""
    database = Database(database_url, pool_size=5)
    yield database
    await empty(database)
    await database.close()


async def empty(database: Database) -> None:
    """Forget everything."""
    tables = ", ".join(table.name for table in Table.metadata.sorted_tables)
    async with database.sessions.begin() as session:
        await session.execute(text(f"TRUNCATE {tables}"))


async def add_voters(session: AsyncSession, voters: int) -> None:
    """So many people, known by their place."""
    await session.execute(text(ADD_VOTERS), {"n": voters - 1})


async def write_votes(
    database: Database, votes: Votes, voters: IntArray, models: Sequence[Model], n: int
) -> None:
    """Write battles, votes and ballots, each with the reason that the program gives a battle of this pair.

    `voters` says whose each vote is, `n` how many votes were written before.
    """
    pairs = {
        (a, b): reason_from_the_start("human", Pair(model_a=models[a], model_b=models[b], propensity=0.5))
        or "\\N"
        for a, b in set(zip(votes.a.tolist(), votes.b.tolist(), strict=True))
    }
    winners = WINNERS[votes.winner].tolist()
    rows = zip(votes.a.tolist(), votes.b.tolist(), winners, voters.tolist(), strict=True)
    lines = "".join(
        f"{n + place}\t{models[a].id}\t{models[b].id}\t{winner}\t{voter}\t{pairs[a, b]}\n"
        for place, (a, b, winner, voter) in enumerate(rows)
    )
    async with database.sessions.begin() as session:
        for statement in FILL:
            await session.execute(text(statement))
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        async with raw.cursor() as cursor, cursor.copy(COPY) as copy:
            await copy.write(lines)
        for statement in INSERTS:
            await session.execute(text(statement))


async def models_by_id(session: AsyncSession) -> list[Model]:
    """All models in the order in which they were listed."""
    return list(
        await session.scalars(select(Model).order_by(Model.id).execution_options(populate_existing=True))
    )
