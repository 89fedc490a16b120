"""What the draw of pairs came to: battles by model, organisation and day, as they really were.

Counted are battles that are closed, of days that are over: a count that moved while a voter has a vote to cast would
tell that voter who answers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

DAYS_SHOWN = 30

_TELLABLE = "battle.state IN ('voted', 'void', 'skipped') AND battle.created_at < :today"
BATTLES = text(
    f"""
    SELECT (battle.created_at AT TIME ZONE 'UTC')::date AS day, side.model_id, count(*) AS battles
    FROM battle CROSS JOIN LATERAL (VALUES (model_a_id), (model_b_id)) AS side (model_id)
    WHERE {_TELLABLE} AND battle.created_at >= :since
        AND battle.not_counted_reason IS DISTINCT FROM 'simulated_voter'
    GROUP BY 1, 2
    """
)
LAST_BATTLES = text(
    f"""
    SELECT side.model_id, (max(battle.created_at) AT TIME ZONE 'UTC')::date AS day
    FROM battle CROSS JOIN LATERAL (VALUES (model_a_id), (model_b_id)) AS side (model_id)
    WHERE {_TELLABLE} GROUP BY 1
    """
)
SERVED = text(
    """
    SELECT model_id, first_served_at, last_served_at
    FROM model_version WHERE last_served_at IS NULL OR last_served_at >= :since
    ORDER BY model_id, first_served_at
    """
)
MODELS = text("SELECT id, name, organization, demo, private_test FROM model ORDER BY name")


class DrawCounts:
    """Battles by day and model; looks again at yesterday only, and now and then at all."""

    def __init__(self) -> None:
        self._battles: dict[date, dict[int, int]] = {}
        self._last: dict[int, date] = {}

    async def refresh(self, session: AsyncSession, today: date, *, whole: bool) -> None:
        """Count anew what may have changed: erased battles of earlier days are found by a look at all."""
        since = today - timedelta(days=DAYS_SHOWN if whole else 1)
        over = {"today": _midnight(today)}
        if whole:
            self._last = {number: day for number, day in await session.execute(LAST_BATTLES, over)}
        kept = {day: counts for day, counts in self._battles.items() if day < since and not whole}
        counted: dict[date, dict[int, int]] = defaultdict(dict)
        for day, number, count in await session.execute(BATTLES, over | {"since": _midnight(since)}):
            counted[day][number] = count
            self._last[number] = max(day, self._last.get(number, day))
        self._battles = kept | counted

    async def rates(self, session: AsyncSession, now: datetime) -> list[dict[str, Any]]:
        """Battles of people on each day that is over, newest first: by model, by organisation, the largest ratio."""
        since = now.date() - timedelta(days=DAYS_SHOWN)
        models = {row.id: row for row in await session.execute(MODELS)}
        spans = await _spans(session, _midnight(since), now)
        days = sorted((day for day in self._battles if day >= since), reverse=True)
        return [_day(day, self._battles[day], models, spans) for day in days]

    async def last_days(self, session: AsyncSession) -> dict[str, str]:
        """The day, of those that are over, on which each model that may be named was last drawn."""
        models = [row for row in await session.execute(MODELS) if not row.private_test]
        return {row.name: self._last[row.id].isoformat() for row in models if row.id in self._last}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


async def _spans(
    session: AsyncSession, since: datetime, now: datetime
) -> dict[int, list[tuple[datetime, datetime]]]:
    """From when until when each model was served without a break; a change of its facts is none."""
    spans: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in await session.execute(SERVED, {"since": since}):
        span = row.first_served_at, row.last_served_at or now
        before = spans[row.model_id]
        if before and before[-1][1] >= span[0]:
            span = before.pop()[0], span[1]
        before.append(span)
    return spans


def _day(
    day: date,
    battles: Mapping[int, int],
    models: Mapping[int, Row[Any]],
    spans: Mapping[int, list[tuple[datetime, datetime]]],
) -> dict[str, Any]:
    begin = _midnight(day)
    end = begin + timedelta(days=1)
    total = sum(battles.values()) / 2
    all_day: list[int] = [
        battles.get(number, 0)
        for number, model in models.items()
        if not model.demo and any(span[0] <= begin and span[1] >= end for span in spans.get(number, ()))
    ]
    least = min(all_day, default=0)
    organizations: dict[str, int] = defaultdict(int)
    for number, count in battles.items():
        organizations[models[number].organization] += count
    named = {models[n].name: count for n, count in battles.items() if not models[n].private_test}
    return {
        "date": day.isoformat(),
        "battles": int(total),
        "models": _rates(named, total),
        "organizations": _rates(organizations, total),
        "served_all_day": len(all_day),
        "max_min_ratio": round(max(all_day) / least, 3) if least else None,
    }


def newest_draws(days: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The newest day of the rates in a line, for who asks how even the draw is; None while no day is over."""
    if not days:
        return None
    day = days[0]
    shares = [each["share"] for each in day["models"].values()]
    return {
        "date": day["date"],
        "battles": day["battles"],
        "models": len(shares),
        "least_share": min(shares, default=None),
        "greatest_share": max(shares, default=None),
        "max_min_ratio": day["max_min_ratio"],
    }


def _rates(counts: Mapping[str, int], total: float) -> dict[str, dict[str, Any]]:
    """How many sides of the day's battles were its own; two of one battle may be of the same organisation."""
    return {
        name: {"battles": counts[name], "share": round(counts[name] / (2 * total), 4)}
        for name in sorted(counts)
    }
