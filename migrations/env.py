"""Run migrations online only, one process at a time, and give up rather than block a running service."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text

import arena.records  # noqa: F401  # tables of its own
from arena.db import MIGRATION_LOCK, psycopg_url
from arena.settings import Settings
from arena.tables import Table


def database_url() -> str:
    """The address handed over by `arena.db`, or the one in the settings when alembic is called by hand."""
    given = context.config.attributes.get("url")
    if isinstance(given, str):
        return given
    configured = Settings().database_url
    if configured is None:
        raise SystemExit("set ARENA_DATABASE_URL, or use `arena db upgrade` for the embedded Postgres")
    return psycopg_url(configured.get_secret_value())


engine = create_engine(database_url(), poolclass=NullPool)
with engine.connect() as connection:
    # Waiting for another process that migrates is fine; waiting for a lock inside a migration is not.
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.execute(text("SET statement_timeout = '60s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Table.metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
