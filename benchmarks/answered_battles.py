"""Battles that wait for their vote, written straight into the tables."""

from dataclasses import dataclass
from uuid import UUID

import psycopg

CLIENTS = 16
MODELS = ("bench-one", "bench-two")

VOTERS = """
    INSERT INTO voter (id) SELECT CAST(lpad(CAST(client AS text), 32, '0') AS uuid)
    FROM generate_series(0, %(clients)s - 1) AS client ON CONFLICT DO NOTHING
"""
BATTLES = """
    INSERT INTO battle (id, voter_id, state, model_a_id, model_b_id, propensity, decoding, release_policy,
        publish, answered_turns)
    SELECT %(block)s || '-' || lpad(CAST(client AS text), 4, '0') || '-' || lpad(CAST(number AS text), 10, '0'),
        CAST(lpad(CAST(client AS text), 32, '0') AS uuid), 'answered', a.id, b.id, 1, '{}', 'paced', true, 1
    FROM generate_series(0, %(clients)s - 1) AS client, generate_series(0, %(each)s - 1) AS number,
        model AS a, model AS b
    WHERE a.name = %(one)s AND b.name = %(two)s
"""
TURNS = """
    INSERT INTO turn (battle_id, index, prompt, state, finished_at)
    SELECT id, 0, 'How do tides come about?', 'answered', now() FROM battle WHERE id LIKE %(block)s || '-%%'
"""
RESPONSES = """
    INSERT INTO response (turn_id, side, state, text)
    SELECT turn.id, side, 'answered', repeat('The moon pulls at the water. ', 40)
    FROM turn, unnest(ARRAY['a', 'b']) AS side WHERE turn.battle_id LIKE %(block)s || '-%%'
"""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Battles that are voted on in one round of one arm, so many for each client."""

    name: str  # six characters, because a battle's id has 22
    each: int

    def battle(self, client: int, number: int) -> str:
        return f"{self.name}-{client:04}-{number:010}"

    def battle_in_sql(self) -> str:
        """The same from the variables of `pgbench.Load`."""
        return f"'{self.name}-' || lpad(CAST(:client_id AS text), 4, '0') || '-' || lpad(CAST(:n AS text), 10, '0')"


def voter_of(client: int) -> UUID:
    return UUID(hex=f"{client:032}")


def list_models(connection: psycopg.Connection) -> None:
    """Two models without endpoints: nothing is asked of them any more."""
    row = "INSERT INTO model (name, organization, license) VALUES (%s, 'Benchmark', 'none')"
    connection.cursor().executemany(row, [(name,) for name in MODELS])


def prepare(connection: psycopg.Connection, block: Block) -> None:
    """Write the block's battles with their answers."""
    values = {"block": block.name, "clients": CLIENTS, "each": block.each, "one": MODELS[0], "two": MODELS[1]}
    for statement in (VOTERS, BATTLES, TURNS, RESPONSES):
        connection.execute(statement, values)
    connection.execute("ANALYZE battle, turn, response, vote")
