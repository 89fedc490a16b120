"""An overall board of many models: battles and votes written straight into the tables, fitted by the program."""

import asyncio

import psycopg

from arena import snapshots
from arena.db import Database

MODELS, VOTERS, BATTLES = 200, 300, 6000
STATEMENTS = (
    "SELECT setseed(0.5)",
    """
    INSERT INTO model (name, organization, license, open_weights)
    SELECT 'organization-' || number %% 30 || '/model-' || number || '-instruct', 'Organization ' || number %% 30,
        'Apache-2.0', number %% 2 = 0
    FROM generate_series(1, %(models)s) AS number
    """,
    """
    INSERT INTO voter (id) SELECT CAST(lpad(CAST(number AS text), 32, '0') AS uuid)
    FROM generate_series(1, %(voters)s) AS number
    """,
    # A chain through all models connects them; the other pairs are drawn.
    """
    INSERT INTO battle (id, voter_id, state, model_a_id, model_b_id, propensity, decoding, release_policy,
        publish, answered_turns)
    SELECT lpad(CAST(number AS text), 22, '0'),
        CAST(lpad(CAST(1 + number %% %(voters)s AS text), 32, '0') AS uuid), 'voted',
        first.id, second.id, 1, '{}', 'paced', true, 1
    FROM (
        SELECT number, number %% %(models)s AS one,
            (number + 1 + CASE WHEN number < %(models)s THEN 0 ELSE floor(random() * (%(models)s - 1))::int END)
                %% %(models)s AS other
        FROM generate_series(0, %(battles)s - 1) AS number
    ) AS pair
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM model) AS first ON first.place = one
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM model) AS second ON second.place = other
    """,
    """
    INSERT INTO turn (battle_id, index, prompt, state, finished_at)
    SELECT id, 0, 'What is told of ' || md5(id) || '?', 'answered', now() FROM battle
    """,
    """
    INSERT INTO response (turn_id, side, state, text)
    SELECT turn.id, side, 'answered', repeat('The moon pulls at the water. ', 5 + (random() * 40)::int)
    FROM turn, unnest(ARRAY['a', 'b']) AS side
    """,
    """
    INSERT INTO vote (battle_id, voter_id, winner, counted, receipt)
    SELECT id, voter_id,
        CASE WHEN random() < 0.15 THEN 'tie'
            WHEN random() < 1 / (1 + exp((model_a_id - model_b_id) / 40.0)) THEN 'model_a' ELSE 'model_b' END,
        true, '0123456789abcdef01234567'
    FROM battle
    """,
    "ANALYZE",
)


def write_board(connection: psycopg.Connection, url: str) -> None:
    """Write the votes and store the snapshot made of them."""
    values = {"models": MODELS, "voters": VOTERS, "battles": BATTLES}
    for statement in STATEMENTS:
        connection.execute(statement, values if "%(" in statement else None)
    asyncio.run(_fit(url))


async def _fit(url: str) -> None:
    database = Database(url)
    try:
        await snapshots.fit(database)
    finally:
        await database.close()
