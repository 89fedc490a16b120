"""The migrated schema is the one the tables describe, and migrating is safe to do twice and at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, text

from arena.db import Database, SchemaTooNew, is_outage, migrations_config, psycopg_url, upgrade
from arena.postgres import EmbeddedPostgres
from arena.tables import Table

PERIODS = """
    INSERT INTO model (name, organization, license) VALUES ('back', 'Lab', 'unknown'), ('gone', 'Lab', 'MIT');
    INSERT INTO model_version (model_id, served_as, organization, license, open_weights, aliases, endpoints, decoding,
        first_served_at, last_served_at, reason)
    SELECT id, name, organization, license, false, '[]', '[]', '{}', begun::timestamptz, over::timestamptz, reason
    FROM model, (VALUES
        ('back', '2026-01-01', '2026-02-01', 'Retired: Tired.'), ('back', '2026-03-01', NULL, NULL),
        ('gone', '2026-01-01', '2026-02-01', 'Retired: Tired.')
    ) AS period (of, begun, over, reason) WHERE name = of
"""


def test_migrations_make_exactly_the_tables(database_url: str) -> None:
    command.check(migrations_config(database_url))  # raises when the metadata differs


def test_migrations_go_down_and_up_again(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("downgraded")
    url = postgres.url("downgraded")
    upgrade(url)
    command.downgrade(migrations_config(url), "base")
    engine = create_engine(url)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    upgrade(url)
    assert set(inspect(engine).get_table_names()) == {*Table.metadata.tables, "alembic_version"}
    engine.dispose()


def test_upgrade_finds_retirements_that_were_undone_and_licences_not_stated(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.create_database("retired")
    url = postgres.url("retired")
    upgrade(url)
    command.downgrade(migrations_config(url), "3f0c8b7d92a4")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(PERIODS))
    upgrade(url)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT name, past_retirements FROM model ORDER BY name")).all()
        licenses = connection.execute(text("SELECT license FROM model ORDER BY name")).scalars().all()
        periods = (
            connection.execute(text("SELECT license FROM model_version ORDER BY license NULLS FIRST"))
            .scalars()
            .all()
        )
    engine.dispose()
    assert (licenses, periods) == ([None, "MIT"], [None, None, "MIT"])
    (back, retirements), (gone, none) = found
    assert (back, gone, none) == ("back", "gone", [])
    assert [(past["retired_at"][:10], past["listed_again_at"][:10]) for past in retirements] == [
        ("2026-02-01", "2026-03-01")
    ]
    assert retirements[0]["reason"] == "Tired."


def test_upgrades_at_the_same_time_wait_for_each_other(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("raced")
    url = postgres.url("raced")
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(_upgrade_in_a_process, url) for _ in range(4)]:
            done.result()
    command.check(migrations_config(url))


def test_schema_of_a_newer_program_is_one_sentence(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("newer")
    url = postgres.url("newer")
    upgrade(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SchemaTooNew, match=r"of a newer version than this program\. Upgrade the program\."):
        upgrade(url)


def _upgrade_in_a_process(url: str) -> None:
    import subprocess
    import sys

    code = f"from arena.db import upgrade; upgrade({url!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@host/name", "postgresql+psycopg://u:p@host/name"),
        ("postgresql+asyncpg://host/name", "postgresql+psycopg://host/name"),
        (
            "postgresql+psycopg://u@/name?host=/run/socket",
            "postgresql+psycopg://u@/name?host=%2Frun%2Fsocket",
        ),
    ],
)
def test_usual_addresses_are_understood(given: str, used: str) -> None:
    assert psycopg_url(given) == used


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="ARENA_DATABASE_URL: sqlite is not supported"):
        psycopg_url("sqlite:///arena.db")


async def test_unreachable_database_is_an_outage() -> None:
    database = Database("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(Exception) as caught:  # whichever class the driver chose
        async with database.sessions() as session:
            await session.connection()
    assert is_outage(caught.value)
    await database.close()
