"""Build the service: what a process starts and stops, its layers, its routes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from arena import __version__, jobs
from arena.activity import ModelActivity
from arena.catalog import (
    has_configured_models,
    offer_demo_models,
    read_catalog,
    real_model_count,
    replace_discovered,
    sync_catalog,
    withdraw_demo_models,
)
from arena.db import Database, Location, database_of, upgrade
from arena.gateway.demo import DEMO_MODELS
from arena.gateway.demo_server import DemoServer
from arena.gateway.discovery import discover
from arena.gateway.pool import Pool
from arena.logs import configure_logs, get_log
from arena.operator_categories import read_operator_categories
from arena.policy import policy_of
from arena.settings import LEAST_SECRET, Settings
from arena.topic_boards import TopicBoards
from arena.turns import Runner
from arena.voters import Signer
from arena.web import battles, data_files, feed, health, middleware, pages, problems, votes
from arena.web.board_history import BoardHistory
from arena.web.change_reader import ChangeReader
from arena.web.day_reader import DayReader
from arena.web.feed_fast import FeedHolder, FeedProtocol
from arena.web.feed_held import HeldFiles
from arena.web.feed_made import MadeFiles
from arena.web.rendering import STATIC
from arena.web.snapshot_reader import SnapshotReader
from arena.web.state import State

log = get_log("arena.app")


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI app; also the factory that uvicorn's worker processes call."""
    settings = settings or Settings()
    app = FastAPI(
        title=f"{settings.title} API",
        version=__version__,
        summary="Anonymous battles between language models, votes, and the leaderboards made from them.",
        lifespan=lifespan(settings),
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    for layer in (middleware.OriginCheck, middleware.BodyLimit):
        app.add_middleware(layer, settings=settings)
    app.add_middleware(middleware.RequestContext)
    app.add_middleware(FeedHolder)
    for module in (battles, votes, feed, health, pages, data_files):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def server_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn runs the app; the addresses behind proxies are ours to judge, see `web/deps.py`."""
    return {
        "http": FeedProtocol,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": int(settings.shutdown_seconds) or None,
    }


def lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """Everything a process holds, started in order and stopped in reverse."""

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[State]:
        configure_logs(settings)
        async with AsyncExitStack() as stack:
            location = await asyncio.to_thread(stack.enter_context, database_of(settings))
            await asyncio.to_thread(upgrade, location.url)
            database = Database(location.url)
            stack.push_async_callback(database.close)
            demo_url = await _start_demo_server(settings, stack)
            _tell(await prepare_catalog(settings, database), settings)
            operators = await asyncio.to_thread(read_operator_categories, settings.categories_file)
            pool = Pool(jobs.timeouts(settings))
            await pool.start()
            stack.push_async_callback(pool.close)
            await jobs.refresh_endpoints(database, pool, demo_url)
            runner = Runner(database, pool, settings)
            snapshots = SnapshotReader(database, settings.feed_seconds)
            stack.push_async_callback(runner.drain, settings.shutdown_seconds)
            await stack.enter_async_context(jobs.running(_jobs(settings, database, location, pool, demo_url)))
            days = DayReader(database)
            topics = TopicBoards(database)
            stack.push_async_callback(topics.close)
            yield State(
                settings=settings,
                database=database,
                pool=pool,
                runner=runner,
                signer=Signer(settings.secret()),
                snapshots=snapshots,
                held_files=HeldFiles(snapshots),
                made_files=MadeFiles(),
                days=days,
                changes=ChangeReader(database),
                topics=topics,
                history=BoardHistory(database, days),
                activity=ModelActivity(database),
                policy=policy_of(settings, operators),
                random=SystemRandom(),
            )

    return run


async def _start_demo_server(settings: Settings, stack: AsyncExitStack) -> str | None:
    """Each process serves the demo models to itself, over the same wire as any other server."""
    if not settings.demo:
        return None
    server = DemoServer({model.name: model for model in DEMO_MODELS}, speed=settings.demo_speed)
    url = await server.start()
    stack.push_async_callback(server.close)
    return url


def _jobs(
    settings: Settings, database: Database, location: Location, pool: Pool, demo_url: str | None
) -> dict[str, tuple[float, jobs.Job]]:
    own: dict[str, tuple[float, jobs.Job]] = {
        "database": (jobs.DATABASE_SECONDS, jobs.keep_database_alive(location)),
        "endpoints": (jobs.ENDPOINT_SECONDS, lambda: jobs.refresh_endpoints(database, pool, demo_url)),
        "versions": (jobs.VERSION_SECONDS, lambda: jobs.note_versions(database, settings)),
    }
    return own | (jobs.shared_jobs(database, settings, pool) if settings.jobs else {})


@dataclass(frozen=True)
class Offer:
    """Which models a program found to battle when it started."""

    real_models: int
    demo: bool
    discovered: Sequence[str] | None  # None where nothing was looked for


async def prepare_catalog(settings: Settings, database: Database) -> Offer:
    """List the operator's models; with none, what answers on loopback; with fewer than two, the demo models."""
    names: list[str] | None = None
    async with database.sessions.begin() as session:
        if settings.catalog is not None:
            catalog = read_catalog(settings.catalog)
            await sync_catalog(session, catalog, private_tests_max=settings.private_tests_max)
        configured = await has_configured_models(session)
        if configured:
            await replace_discovered(session, [])
        elif settings.discover:
            found = await discover(skip={settings.port})
            names = await replace_discovered(session, found)
        real = await real_model_count(session)
        demo = settings.demo and real < 2
        await (offer_demo_models(session) if demo else withdraw_demo_models(session))
    return Offer(real, demo, names)


def _tell(offer: Offer, settings: Settings) -> None:
    if settings.secret_is_short:
        log.warning("secret_key_is_short", least=LEAST_SECRET, mend="openssl rand -base64 48")
    if offer.discovered is not None:
        log.info("discovered", models=offer.discovered)
    log.info("catalog_ready", real_models=offer.real_models, demo_models=offer.demo)
    if offer.demo:
        log.info(
            "demo_models_offered",
            why="fewer than two real models",
            add_your_own="write catalog.toml and set ARENA_CATALOG, see docs/operators.md",
        )
