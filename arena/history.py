"""What the boards said on each day: the last snapshot that was computed on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.changes import Said
from arena.errors import DayNotFound
from arena.snapshots import last_of_each_day, read_of_snapshots
from arena.tables import Snapshot

NEAREST = 5
# A fit that began before midnight may be stored after it.
SETTLED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Day:
    """A UTC day with a snapshot."""

    date: date
    snapshot: str
    generated_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether no other snapshot can become the last one of this day."""
        return (
            now >= datetime.combine(self.date, datetime.min.time(), UTC) + timedelta(days=1) + SETTLED_AFTER
        )


async def read_days(session: AsyncSession) -> tuple[Day, ...]:
    """Every day with a snapshot, oldest first."""
    last = last_of_each_day().subquery()
    query = select(last.c.day, Snapshot.id, Snapshot.created_at).join(last, last.c.id == Snapshot.id)
    rows = await session.execute(query.order_by(last.c.day))
    return tuple(Day(date=day, snapshot=snapshot, generated_at=at) for day, snapshot, at in rows)


def day_of(days: Sequence[Day], asked: date) -> Day:
    """One of the days; raises `DayNotFound` with the nearest."""
    found = next((day for day in days if day.date == asked), None)
    if found is None:
        near = sorted(sorted(days, key=lambda day: abs(day.date - asked))[:NEAREST], key=lambda day: day.date)
        said = ", ".join(day.date.isoformat() for day in near)
        raise DayNotFound(f"There is no board of {asked.isoformat()}. The nearest days are: {said}.")
    return found


async def read_said(session: AsyncSession, days: Sequence[Day]) -> dict[str, Said]:
    """What the snapshots of some days said, by snapshot: the main board of every population, and how it was made."""
    ids = [day.snapshot for day in days]
    query = select(Snapshot.id, Snapshot.inputs, Snapshot.code_version).where(Snapshot.id.in_(ids))
    made = {id: (inputs, code_version) for id, inputs, code_version in await session.execute(query)}
    mains = {name for inputs, _ in made.values() for name in inputs["populations"]}
    files = {
        name: await read_of_snapshots(session, f"leaderboards/{name}.json", ids) for name in sorted(mains)
    }
    return {
        id: Said(
            boards={name: orjson.loads(found[id]) for name, found in files.items() if id in found},
            method=inputs["method"],
            code_version=code_version,
        )
        for id, (inputs, code_version) in made.items()
    }
