"""The whole program on a real Postgres and a real port, with the demo models answering at once."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from arena.db import Database
from arena.gateway.demo_faults import Fault
from arena.gateway.demo_server import DemoServer
from arena.gateway.demo_wire import ServedModel
from arena.settings import Settings
from arena.tables import Table
from tests.integration.serving import Serving
from tests.integration.small_release import key_file

EMPTY = "; ".join(f"DELETE FROM {table.name}" for table in reversed(Table.metadata.sorted_tables))


@dataclass(frozen=True)
class Says:
    """A model that always says the same, at a speed of its own."""

    name: str
    text: str
    tokens_per_second: float = 1000
    first_token_milliseconds: float = 0

    def reply(self, messages: object, seed: int | None) -> str:
        return self.text


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test database, empty again after the test."""
    database = Database(database_url, pool_size=5)
    yield database
    async with database.sessions.begin() as session:
        # At once: to compile each by itself takes ten times as long, in every test.
        await (await session.connection()).exec_driver_sql(EMPTY)
    await database.close()


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    """A session to look into the tables with."""
    async with database.sessions() as session:
        yield session


def settings_of_tests(database_url: str, home: Path, **changes: Any) -> Settings:
    """Everything at once, nothing looked for, no job of its own accord."""
    given: dict[str, Any] = {
        "database_url": database_url,
        "home": home,
        "release_signing_key": key_file(),
        "secret_key": "a secret of the tests, long enough to be one",
        "port": 0,
        "discover": False,
        "demo_speed": 0,
        "checkpoint_seconds": 0.1,
        "release_interval_milliseconds": 10,
        "battles_per_hour": 10_000,
        "address_battles_per_hour": 100_000,
        "shutdown_seconds": 0.5,
        "jobs": False,
        "feed_seconds": 0,
        "log_level": "warning",
    }
    return Settings(**given | changes)


StartArena = Callable[..., Awaitable[Serving]]


@pytest.fixture
async def start_arena(database: Database, tmp_path: Path) -> AsyncIterator[StartArena]:
    """Start the program with some settings; several at once share the database like web processes do."""
    async with AsyncExitStack() as stack:

        async def start(**changes: Any) -> Serving:
            settings = settings_of_tests(**{"database_url": database.url, "home": tmp_path} | changes)
            return await stack.enter_async_context(Serving(settings))

        yield start


@pytest.fixture
async def arena(start_arena: StartArena) -> Serving:
    """The program with its demo models."""
    return await start_arena()


StartModels = Callable[..., Awaitable[DemoServer]]


@pytest.fixture
async def start_models(tmp_path: Path) -> AsyncIterator[StartModels]:
    """Serve models of the test's own, and write the catalog that lists them."""
    async with AsyncExitStack() as stack:

        async def start(
            *models: ServedModel,
            faults: Mapping[str, Fault] | None = None,
            speed: float = 0,
            slots: int = 1000,
        ) -> DemoServer:
            server = DemoServer({model.name: model for model in models}, faults=faults, speed=speed)
            await server.start()
            stack.push_async_callback(server.close)
            (tmp_path / "catalog.toml").write_text(
                "\n".join(
                    f'[[model]]\nname = "{model.name}"\norganization = "Maker of {model.name}"\n'
                    f'[[model.endpoint]]\nurl = "{server.url}"\nslots = {slots}'
                    for model in models
                )
            )
            return server

        yield start


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Where `start_models` writes the catalog."""
    return tmp_path / "catalog.toml"


@pytest.fixture
async def voter(arena: Serving) -> AsyncIterator[httpx2.AsyncClient]:
    """One browser."""
    async with arena.client() as client:
        yield client
