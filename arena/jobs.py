"""Periodic work, each job a function; what must run in one process only takes an advisory lock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from arena import limits
from arena.battles import decoding_of
from arena.catalog import gateway_endpoints
from arena.dataset.schedule import release_on_schedule
from arena.db import Database, Location, is_outage
from arena.gateway.openai_chat import Timeouts
from arena.gateway.pool import Pool
from arena.logs import get_log
from arena.metrics import FIT_FAILURES, FIT_SECONDS
from arena.moderation import Moderator, moderate_turns
from arena.operator_categories import read_operator_categories
from arena.private_results import publish_private_results
from arena.reports import Reporter
from arena.settings import Settings
from arena.snapshots import Fitter, clear_failure, note_failure
from arena.sweeps import database_is_up_since, declare_interrupted, expire_failed
from arena.taggers import tagger_of
from arena.versions import record_versions

log = get_log("arena.jobs")
ENDPOINT_SECONDS = 2.0
VERSION_SECONDS = 5.0
REPORT_SECONDS = 60.0
SWEEP_SECONDS = 5.0
DATABASE_SECONDS = 1.0
RELEASE_SECONDS = 60.0
MODERATION_SECONDS = 5.0
REST, LONGEST_REST_SECONDS = 2.0, 60.0

Job = Callable[[], Awaitable[Any]]


async def every(seconds: float, name: str, job: Job) -> None:
    """Run the job for ever; a failure is logged and the next round tries again."""
    while True:
        try:
            await job()
        except Exception as error:
            if is_outage(error):
                log.warning("job_waits_for_database", job=name)
            else:
                log.exception("job_failed", job=name)
        await asyncio.sleep(seconds)


def unhurried(seconds: float, job: Job) -> Job:
    """A job for `every` so many seconds that, where it takes long, pauses for longer than that.

    Else the boards of a large arena would keep its processors busy all day.
    """

    async def job_and_rest() -> None:
        began_at = monotonic()
        await job()
        rest = min(REST * (monotonic() - began_at), LONGEST_REST_SECONDS)
        await asyncio.sleep(max(rest - seconds, 0))

    return job_and_rest


async def refresh_endpoints(database: Database, pool: Pool, demo_url: str | None) -> None:
    """Learn of endpoints that the catalog or a model server added or took away."""
    async with database.sessions() as session:
        pool.set_endpoints(await gateway_endpoints(session, demo_url))


def timeouts(settings: Settings) -> Timeouts:
    """The settings' timeouts as the gateway takes them."""
    return Timeouts(
        connect_seconds=settings.connect_timeout_seconds,
        first_token_seconds=settings.first_token_timeout_seconds,
        token_seconds=settings.token_timeout_seconds,
        total_seconds=settings.total_timeout_seconds,
    )


@asynccontextmanager
async def pool_of(database: Database, settings: Settings) -> AsyncIterator[Pool]:
    """A gateway for a process that serves nothing: what the tagger asks, if it asks a model."""
    pool = Pool(timeouts(settings))
    await pool.start()
    try:
        await refresh_endpoints(database, pool, None)
        yield pool
    finally:
        await pool.close()


async def note_versions(database: Database, settings: Settings) -> None:
    """Write down what is served, and how, when it changed; whoever changed it."""
    async with database.locked("versions") as ours:
        if not ours:
            return
        async with database.sessions.begin() as session:
            await record_versions(session, decoding_of(settings))


async def sweep(database: Database, settings: Settings) -> None:
    """Say what nobody else can: turns whose process died, failed battles left alone, buckets full again."""
    async with database.locked("sweep") as ours:
        if not ours:
            return
        async with database.sessions.begin() as session:
            # A database that was away heard no sign of life from anybody: those who live get their time again.
            patience = settings.interrupted_after_seconds
            heard = await database_is_up_since(session, patience)
            interrupted = await declare_interrupted(session, patience) if heard else 0
            expired = await expire_failed(session, settings.failed_expires_minutes)
            await limits.sweep(session)
    if interrupted or expired:
        log.warning("battles_closed", interrupted=interrupted, void=expired)


async def moderate(database: Database, moderator: Moderator) -> None:
    """Look at all ended turns that nothing has looked at, as long as the model answers."""
    async with database.locked("moderation") as ours:
        while ours and await moderate_turns(database, moderator):
            pass


async def fit_leaderboards(database: Database, fitter: Fitter, settings: Settings) -> str | None:
    """Compute all boards when votes came in; a fit that fails leaves the last good board."""
    async with database.locked("fit") as ours:
        if not ours:
            return None
        snapshot = await _fit(database, fitter)
        await _publish_private_results(database, settings)
    return snapshot


async def _fit(database: Database, fitter: Fitter) -> str | None:
    """Fit, and let every process know since when that fails."""
    try:
        with FIT_SECONDS.time(), FIT_FAILURES.count_exceptions():
            snapshot = await fitter.fit()
    except Exception as error:
        await _note_failure(database, error)
        raise
    async with database.sessions.begin() as session:
        await clear_failure(session)
    return snapshot


async def _note_failure(database: Database, failure: Exception) -> None:
    """Not every error that looks like an outage is one; where the database is away, nobody can be told."""
    try:
        async with database.sessions.begin() as session:
            await note_failure(session, failure)
    except Exception as error:
        if not is_outage(error):
            raise


async def _publish_private_results(database: Database, settings: Settings) -> None:
    """A step of its own: what goes wrong here is no failure of the boards, and the next round tries again."""
    try:
        published = await publish_private_results(database, settings.private_result_days)
    except Exception:
        log.exception("private_results_failed")
        return
    if published:
        log.info("private_results_published", tests=published)


async def make_reports(database: Database, reporter: Reporter) -> None:
    """Find out how the votes and the draws are doing."""
    async with database.locked("reports") as ours:
        if ours:
            await reporter.report()


def keep_database_alive(location: Location) -> Job:
    """Bring the embedded server back when it was killed; a server of the operator's is theirs to watch."""

    async def check() -> None:
        if location.server is not None:
            await asyncio.to_thread(location.server.ensure_running)

    return check


def shared_jobs(database: Database, settings: Settings, pool: Pool) -> dict[str, tuple[float, Job]]:
    """What any one process does for the whole installation."""
    operators = read_operator_categories(settings.categories_file)
    fitter = Fitter(database, operators, tagger_of(settings, pool, operators.rules))
    reporter = Reporter(database)
    jobs: dict[str, tuple[float, Job]] = {
        "reports": (REPORT_SECONDS, lambda: make_reports(database, reporter)),
        "releases": (RELEASE_SECONDS, lambda: release_on_schedule(database, settings)),
        "sweep": (SWEEP_SECONDS, lambda: sweep(database, settings)),
        "fit": (
            settings.fit_seconds,
            unhurried(settings.fit_seconds, lambda: fit_leaderboards(database, fitter, settings)),
        ),
    }
    if settings.moderation_model:
        moderator = Moderator(pool, settings.moderation_model)
        jobs["moderation"] = (MODERATION_SECONDS, lambda: moderate(database, moderator))
    return jobs


@asynccontextmanager
async def running(jobs: dict[str, tuple[float, Job]]) -> AsyncIterator[None]:
    """The jobs as tasks while the block lasts; at its end they are gone, and their connections given back."""
    tasks = [
        asyncio.create_task(every(seconds, name, job), name=name) for name, (seconds, job) in jobs.items()
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
