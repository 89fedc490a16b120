"""The database: where it is, its sessions, and its migrations. One dialect, Postgres through psycopg 3."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import ClassVar

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from arena.postgres import EmbeddedPostgres
from arena.settings import Settings

# One shared number per kind of work that only one process may do at a time.
MIGRATION_LOCK = 7_201_001
JOB_LOCKS = {
    "fit": 7_201_011,
    "sweep": 7_201_012,
    "versions": 7_201_013,
    "reports": 7_201_014,
    "export": 7_201_015,
    "import": 7_201_016,
    "publish": 7_201_017,
    "releases": 7_201_018,
    "moderation": 7_201_019,
}

# Beginnings of the SQLSTATE of what an operator has to mend: resources, the server's files, what it may not do, and
# a trigger of theirs that refuses, for none of ours does.
REFUSALS = ("53", "58", "25006", "42501", "55P03", "57014", "P0001", "XX001", "XX002")


@contextmanager
def database_of(settings: Settings) -> Iterator["Location"]:
    """Find the database the settings name; without one, run the embedded server while the block lasts."""
    if settings.database_url is not None:
        yield Location(psycopg_url(settings.database_url.get_secret_value()), None)
        return
    server = EmbeddedPostgres(settings.home, bin_directory=settings.postgres_bin)
    server.start()
    try:
        yield Location(server.url("arena"), server)
    finally:
        server.stop()


class Location:
    """Where the database is, and the embedded server when it is ours to keep alive."""

    def __init__(self, url: str, server: EmbeddedPostgres | None) -> None:
        self.url = url
        self.server = server


def conninfo_of(url: str | URL) -> str:
    """The address of the database as the driver takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def psycopg_url(url: str) -> str:
    """Accept the usual spellings of a Postgres address and name the one driver we use."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(
            "ARENA_DATABASE_URL is no address: use postgresql://user:password@host/name"
        ) from error
    if "@" in (parsed.host or ""):
        raise ValueError("ARENA_DATABASE_URL: write an @ of the user or the password as %40")
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise ValueError(
            f"ARENA_DATABASE_URL: {parsed.drivername} is not supported, use postgresql://user@host/name"
        )
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class Database:
    """An engine and its two ways in: sessions for units of work, and single statements that commit by themselves."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.url = url
        # An error's text would otherwise carry the statement's values, prompts and answers among them, to the log.
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=10,
            pool_timeout=5,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            self.engine, expire_on_commit=False
        )
        # Several statements that see one moment: a battle and its turns, all the votes of a snapshot.
        reading = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self.readings = async_sessionmaker(reading, expire_on_commit=False)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is its own transaction: half the round trips of a hot write."""
        async with self._autocommit.connect() as connection:
            yield connection

    @asynccontextmanager
    async def locked(self, job: str) -> AsyncIterator[bool]:
        """Whether this process is the one that may run the job now; the lock is gone with its connection."""
        async with self.statement() as connection:
            got = await connection.scalar(
                text("SELECT pg_try_advisory_lock(:lock)"), {"lock": JOB_LOCKS[job]}
            )
            try:
                yield bool(got)
            finally:
                if got:
                    await connection.execute(
                        text("SELECT pg_advisory_unlock(:lock)"), {"lock": JOB_LOCKS[job]}
                    )

    async def close(self) -> None:
        await self.engine.dispose()


def is_outage(error: BaseException) -> bool:
    """Whether the database was away, rather than the statement wrong: such a request may be repeated."""
    if isinstance(error, PoolTimeout | InterfaceError | ConnectionError):
        return True
    return isinstance(error, OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def refusal(error: BaseException) -> str | None:
    """What the database says that was reached and will not do what is no mistake to ask; None for any other error."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if not isinstance(original, psycopg.Error) or not (original.sqlstate or "").startswith(REFUSALS):
        return None
    return original.diag.message_primary


def migrations_config(url: str) -> Config:
    """Alembic's configuration without a file: the scripts lie beside the package, or inside it when installed."""
    package = Path(__file__).resolve().parent
    scripts = next(path for path in (package.parent / "migrations", package / "migrations") if path.is_dir())
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["url"] = url
    return config


def revisions(url: str) -> tuple[str | None, frozenset[str]]:
    """The newest revision of the schema that this program knows, and all of them."""
    scripts = ScriptDirectory.from_config(migrations_config(url))
    return scripts.get_current_head(), frozenset(each.revision for each in scripts.walk_revisions())


class SchemaTooNew(ValueError):
    """A newer program changed the tables, and this one would not understand them."""

    said: ClassVar[str] = "The schema is of a newer version than this program."
    remedy: ClassVar[str] = "Upgrade the program."

    def __init__(self) -> None:
        super().__init__(f"{self.said} {self.remedy}")


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema up to date; several processes may call this at once, the migrations take a lock."""
    try:
        command.upgrade(migrations_config(url), revision)
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise SchemaTooNew from error
        raise
