"""Releases by themselves: when a week or a month is over, its release is exported, published and closed, once."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.dataset.destinations import site_folder
from arena.dataset.publishing import failures, publish_release
from arena.dataset.releases import close_release
from arena.db import Database, is_outage
from arena.errors import ArenaError, PublishRefused, ReleaseInvalid
from arena.logs import get_log
from arena.metrics import RELEASE_FAILURES
from arena.records import Release, ReleaseSchedule
from arena.settings import Schedule, Settings

log = get_log("arena.dataset")
TRY_AGAIN: Final = timedelta(minutes=15)
SAID_CHARACTERS: Final = 2000

Export = Callable[[Settings, str, Path], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Period:
    """A week or month that is over."""

    name: str
    ended_at: datetime


def last_period(schedule: Schedule, now: datetime) -> Period:
    """The last one that is over, in UTC; a week by its ISO number, which begins on Monday."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if schedule == "monthly":
        ended_at = today.replace(day=1)
        return Period(name=f"{ended_at - timedelta(days=1):%Y-%m}", ended_at=ended_at)
    ended_at = today - timedelta(days=today.weekday())
    return Period(name=f"{ended_at - timedelta(days=1):%G-w%V}", ended_at=ended_at)


async def release_on_schedule(
    database: Database, settings: Settings, *, export: Export | None = None, now: datetime | None = None
) -> str | None:
    """Make the release that is due, if one is; returns its name. What goes wrong is written down, for the operator.

    Interrupted anywhere, the next call goes on: the same release is exported to the same bytes, what is published
    already is not sent again, and a closed release is done.
    """
    now = now or datetime.now(UTC)
    async with database.locked("releases") as ours:
        if not ours:
            return None
        name = await _due(database, settings, now)
        if name is None:
            return None
        try:
            await _make(database, settings, name, export or export_in_a_process)
        except Exception as error:
            if is_outage(error):
                raise
            await _note_failure(database, error, now)
            return None
    async with database.sessions.begin() as session:
        await _clear_failure(session)
    log.info("release_made", release=name)
    return name


async def failing_schedule(session: AsyncSession, settings: Settings) -> ReleaseSchedule | None:
    """Since when, and why, the schedule fails; None while it works or there is none."""
    row = await session.get(ReleaseSchedule, 1)
    return row if row and row.error and settings.release_schedule != "never" else None


async def export_in_a_process(settings: Settings, name: str, directory: Path) -> None:
    """Export in a process of its own: it works for minutes, and this one answers readers meanwhile."""
    command = [sys.executable, "-m", "arena", "dataset", "export", str(directory), "--release", name]
    command += [] if settings.release_boards else ["--no-boards"]
    process = await asyncio.create_subprocess_exec(
        *command, env=_environment(settings), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode:
        raise ReleaseInvalid(said.decode(errors="replace").strip()[-SAID_CHARACTERS:])


async def _due(database: Database, settings: Settings, now: datetime) -> str | None:
    """The name of the release that is to be made now.

    One that was begun comes first, however long ago: until it is closed, its key makes its pseudonyms. Periods that
    ended before the schedule was set are nobody's wish, and hold no votes that their names promise.
    """
    schedule = settings.release_schedule
    async with database.sessions.begin() as session:
        row = await session.get(ReleaseSchedule, 1)
        if row is None or row.schedule != schedule:
            await session.merge(
                ReleaseSchedule(
                    id=1, schedule=schedule, since=now, failing_since=None, tried_at=None, error=None
                )
            )
            return None
        if schedule == "never" or (row.tried_at and now - row.tried_at < TRY_AGAIN):
            return None
        names = [period.name for period in _periods(schedule, row.since, now)]
        columns = select(Release.name, Release.state, Release.variant).where(Release.name.in_(names))
        begun = {name: (state, variant) for name, state, variant in await session.execute(columns)}
    unfinished = [name for name in names if begun.get(name) == ("open", "open")]
    new = [name for name in names[-1:] if name not in begun or begun[name][0] != "closed"]
    return next(iter([*unfinished, *new]), None)


def _periods(schedule: Schedule, since: datetime, now: datetime) -> list[Period]:
    """Those that ended since then, oldest first."""
    periods: list[Period] = []
    period = last_period(schedule, now)
    while period.ended_at > since:
        periods.insert(0, period)
        period = last_period(schedule, period.ended_at - timedelta(days=1))
    return periods


async def _make(database: Database, settings: Settings, name: str, export: Export) -> None:
    async with database.sessions() as session:
        release = await session.get(Release, name)
    if release and (release.state == "imported" or release.variant != "open"):
        raise PublishRefused(f"The name {name!r} is taken, by a release that was imported or is an audit.")
    directory = site_folder(settings) / name
    await export(settings, name, directory)
    outcomes = await publish_release(database, settings, directory)
    if failed := failures(outcomes):
        raise PublishRefused(f"{name} is not published everywhere: {failed}")
    async with database.sessions.begin() as session:
        await close_release(session, name)


async def _note_failure(database: Database, error: Exception, now: datetime) -> None:
    said = error.detail if isinstance(error, ArenaError) else f"{type(error).__name__}: {error}"
    RELEASE_FAILURES.inc()
    log.error("scheduled_release_failed", error=said)
    async with database.sessions.begin() as session:
        row = await session.get_one(ReleaseSchedule, 1)
        row.failing_since, row.tried_at, row.error = row.failing_since or now, now, said[:SAID_CHARACTERS]


async def _clear_failure(session: AsyncSession) -> None:
    row = await session.get_one(ReleaseSchedule, 1)
    row.failing_since = row.tried_at = row.error = None


def _environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process reads the same settings."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set | {"home"}}
    return os.environ | {
        f"ARENA_{name.upper()}": _written(value) for name, value in given.items() if value is not None
    }


def _written(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)
