"""What the arena finds out about itself, computed now and then and kept: integrity of the votes, realised draws."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from arena.db import Database
from arena.draws import DrawCounts
from arena.errors import LeaderboardNotFound, ReportNotFound, SnapshotNotFound
from arena.graph_health import graph_health
from arena.integrity import (
    BY_DESIGN,
    DAYS_SHOWN,
    LEVEL,
    RULE,
    Alarm,
    Day,
    VoteCounts,
    find_alarms,
    spoiled_today,
)
from arena.logs import get_log
from arena.private_tests import running_tests
from arena.records import Report
from arena.retirement import retirable
from arena.snapshots import board_names, newest_snapshot, read_file

log = get_log("arena.reports")
WHOLE = timedelta(hours=1)
ACTIVE_DAYS = 2  # an alarm of today or yesterday is still one


class Reporter:
    """Computes the reports; counts everything once an hour, and in between only what is new."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._draws, self._votes = DrawCounts(), VoteCounts()
        self._whole_at: datetime | None = None
        self._graphs: tuple[str, dict[str, Any], dict[str, str]] | None = None

    async def report(self, now: datetime | None = None) -> None:
        """Compute every report, and say in the log when the share of spoiled votes jumped."""
        now = now or datetime.now(UTC)
        async with self._database.readings() as session:
            before = await parsed_report(session, "integrity")
            await self._count(session, now)
            integrity = await self._integrity(session, now)
            rates = {"days": await self._draws.rates(session, now)}
        async with self._database.sessions.begin() as session:
            await _store(session, "integrity", integrity, now)
            await _store(session, "rates", rates, now)
        known = {day["date"] for day in before["alarm"]["days"]} if before else set()
        for day in integrity["alarm"]["days"]:
            if day["date"] not in known and date.fromisoformat(day["date"]) > _quiet_until(now):
                log.warning("not_counted_share_jumped", **day)

    async def _count(self, session: AsyncSession, now: datetime) -> None:
        whole = self._whole_at is None or self._whole_at.date() != now.date() or now - self._whole_at >= WHOLE
        await self._draws.refresh(session, now.date(), whole=whole)
        await self._votes.refresh(session, now.date(), whole=whole)
        if whole:
            self._whole_at = now

    async def _integrity(self, session: AsyncSession, now: datetime) -> dict[str, Any]:
        days = self._votes.days(now.date())
        alarms = find_alarms(days, await spoiled_today(session, now.date()))
        snapshot, graphs, retired = await self._boards(session)
        return {
            "snapshot": snapshot,
            "days": [_day(day) for day in reversed(days[-DAYS_SHOWN:]) if day.votes],
            "alarm": {
                "active": any(alarm.date > _quiet_until(now) for alarm in alarms),
                "rule": RULE,
                "level": LEVEL,
                "by_design": sorted(BY_DESIGN),
                "days": [_alarm(alarm) for alarm in alarms],
            },
            "boards": graphs,
            "last_battles": await self._draws.last_days(session),
            "retirable": retired,
            "private_tests": await running_tests(session),
        }

    async def _boards(self, session: AsyncSession) -> tuple[str | None, Mapping[str, Any], Mapping[str, str]]:
        """Health of each board's graph of comparisons, and who meets the retirement rule."""
        try:
            newest = (await newest_snapshot(session)).id
        except SnapshotNotFound:
            return None, {}, {}
        if self._graphs is None or self._graphs[0] != newest:
            files = {
                name: await read_file(session, f"pairs/{name}.json", newest)
                for name in await board_names(session, newest)
            }
            graphs = await asyncio.to_thread(_graphs, files)
            self._graphs = newest, graphs, await retirable_now(session)
        return self._graphs


def _quiet_until(now: datetime) -> date:
    """The last day whose alarm is history."""
    return now.date() - timedelta(days=ACTIVE_DAYS)


def _graphs(files: Mapping[str, bytes]) -> dict[str, Any]:
    return {name: graph_health(orjson.loads(body)) for name, body in files.items()}


async def retirable_now(session: AsyncSession) -> dict[str, str]:
    """The models that meet the retirement rule on the newest overall board, each with its class."""
    try:
        overall = await read_file(session, "leaderboards/overall.json")
    except (SnapshotNotFound, LeaderboardNotFound):
        return {}
    return retirable(orjson.loads(overall)["entries"])


def _day(day: Day) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "votes": day.votes,
        "counted": day.counted,
        "not_counted": day.reasons,
        "spoiled_share": round(day.spoiled / day.judged, 4) if day.judged else None,
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    said = asdict(alarm) | {"date": alarm.date.isoformat(), "p_value": float(f"{alarm.p_value:.2g}")}
    return said | {"share": round(alarm.share, 4), "share_before": round(alarm.share_before, 4)}


async def _store(session: AsyncSession, name: str, says: Mapping[str, Any], now: datetime) -> None:
    """Keep a report; one that says what the last one said keeps its date, and programs need not fetch it again."""
    before = await parsed_report(session, name)
    if before is not None:
        before = {key: before[key] for key in before if key not in ("$schema", "generated_at")}
    if before == orjson.loads(orjson.dumps(says)):
        (await session.get_one(Report, name)).computed_at = now
        return
    dated: dict[str, Any] = {"$schema": f"/feed/v1/schema/{name}.json", "generated_at": now}
    body = gzip.compress(orjson.dumps({**dated, **says}, option=orjson.OPT_UTC_Z), mtime=0)
    values = {"body": body, "computed_at": now}
    row = insert(Report).values(name=name, **values)
    await session.execute(row.on_conflict_do_update(index_elements=[Report.name], set_=values))


async def read_report(session: AsyncSession, name: str) -> bytes:
    """One report as it is stored; raises `ReportNotFound` before it was computed for the first time."""
    body = await session.scalar(select(Report.body).where(Report.name == name))
    if body is None:
        raise ReportNotFound
    return body


async def parsed_report(session: AsyncSession, name: str) -> dict[str, Any] | None:
    """What a report says; None before it was computed for the first time."""
    body = await session.scalar(select(Report.body).where(Report.name == name))
    return orjson.loads(gzip.decompress(body)) if body is not None else None


async def alarm_days(session: AsyncSession) -> Sequence[str]:
    """The days of an alarm that is still on; none when all is quiet."""
    said = await parsed_report(session, "integrity")
    return [day["date"] for day in said["alarm"]["days"]] if said and said["alarm"]["active"] else []


async def reported_at(session: AsyncSession) -> datetime | None:
    """When the reports were last computed."""
    return await session.scalar(select(func.min(Report.computed_at)))
