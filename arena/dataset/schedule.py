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
CLOCKS_DIFFER: Final = timedelta(minutes=1)
SAID_CHARACTERS: Final = 2000

Export = Callable[[Settings, str, Path], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Period:
    """A week or month that is over."""

    name: str
    ended_at: datetime

    def lasted_at(self, moment: datetime) -> bool:
        """Whether it was not over yet; by the clock of the database, which may go behind."""
        return moment < self.ended_at - CLOCKS_DIFFER


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
        period = await _due(database, settings, now)
        if period is None:
            return None
        try:
            await _make(database, settings, period, export or export_in_a_process)
        except Exception as error:
            if is_outage(error):
                raise
            await _note_failure(database, error, now)
            return None
    async with database.sessions.begin() as session:
        await _clear_failure(session)
    log.info("release_made", release=period.name)
    return period.name


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


async def _due(database: Database, settings: Settings, now: datetime) -> Period | None:
    """The period whose release is to be made now; where none is, nothing fails any more.

    One that was begun comes first, however long ago: until it is closed, its key makes its pseudonyms. Periods that
    ended before the schedule was set are nobody's wish, and hold no votes that their names promise. A release that was
    opened by hand while its period lasted is its operator's, and holds up none but that period's own.
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
        periods = _periods(schedule, row.since, now)
        columns = select(Release.name, Release.state, Release.variant, Release.opened_at)
        found = await session.execute(columns.where(Release.name.in_([period.name for period in periods])))
        begun = {name: (state, variant, opened_at) for name, state, variant, opened_at in found}
        unfinished = [each for each in periods if each.name in begun and _goes_on(each, *begun[each.name])]
        new = [each for each in periods[-1:] if each.name not in begun or begun[each.name][0] != "closed"]
        due = next(iter([*unfinished, *new]), None)
        if due is None:
            await _clear_failure(session)
    return due


def _goes_on(period: Period, state: str, variant: str, opened_at: datetime) -> bool:
    """Whether the schedule began the release and has not closed it yet."""
    return (state, variant) == ("open", "open") and not period.lasted_at(opened_at)


def _periods(schedule: Schedule, since: datetime, now: datetime) -> list[Period]:
    """Those that ended since then, oldest first."""
    periods: list[Period] = []
    period = last_period(schedule, now)
    while period.ended_at > since:
        periods.insert(0, period)
        period = last_period(schedule, period.ended_at - timedelta(days=1))
    return periods


async def _make(database: Database, settings: Settings, period: Period, export: Export) -> None:
    name = period.name
    async with database.sessions() as session:
        release = await session.get(Release, name)
    if release and (release.state == "imported" or release.variant != "open"):
        raise PublishRefused(f"The name {name!r} is taken, by a release that was imported or is an audit.")
    if release and period.lasted_at(release.opened_at):
        opened_on = release.opened_at.astimezone(UTC).date()
        raise PublishRefused(
            f"{name!r} was opened by hand on {opened_on}, before its time was over, and holds no later votes: the "
            "schedule does not publish it as the whole. Publish it yourself if you want it, and close it: arena "
            f"dataset close {name}. The next release on schedule holds the later votes; to have them sooner, export "
            "under another name with --release NAME."
        )
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
