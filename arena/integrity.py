"""Counted and not counted: votes by day and reason, and an alarm when the share of spoiled votes jumps.

A day is set against the days before it. Two tests must both speak. The hypergeometric tail asks whether as many
spoiled votes could fall on this day by chance; it is exact where votes are independent. And the share must be the
highest of all the days compared, which happens on one day in that many whatever makes votes of a day alike. The day
that still runs is looked at when its votes reach 50, 100, 200 and so on, each time at a level of its own, which
together keep the stated one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Label, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.tables import Ballot, Battle, Model, Vote
from arena.votes import NOT_COUNTED

DAYS_SHOWN = 90
DAYS_COMPARED = 28
DAYS_LEAST = 7
VOTES_LEAST = 50
LEVEL = 0.001
# Not signs of trouble: these votes were never meant for the main board.
BY_DESIGN = frozenset({"simulated_voter", "demo_models", "private_test"})
SPOILED = tuple(reason for reason in NOT_COUNTED if reason not in BY_DESIGN)

RULE = (
    f"A day of at least {VOTES_LEAST} votes is set against the {DAYS_COMPARED} days before it (at least {DAYS_LEAST}"
    f" of them with votes). The alarm is raised when the share of spoiled votes is higher than on each of them and so"
    f" high that, were votes independent and the share unchanged, less than one day in {1 / LEVEL:,.0f} would show it."
    f" The day that still runs is tested at {VOTES_LEAST}, {2 * VOTES_LEAST}, {4 * VOTES_LEAST} … votes, and counts for"
    " half of that level."
)


@dataclass(frozen=True, kw_only=True)
class Day:
    """The votes of one UTC day; `reasons` counts those that do not count, each under its standing."""

    date: date
    counted: int
    reasons: Mapping[str, int]

    @property
    def votes(self) -> int:
        return self.counted + sum(self.reasons.values())

    @property
    def spoiled(self) -> int:
        """Votes meant for the main board that do not count."""
        return sum(count for reason, count in self.reasons.items() if reason not in BY_DESIGN)

    @property
    def judged(self) -> int:
        """Votes meant for the main board."""
        return self.counted + self.spoiled


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A day on which the share jumped, with what it was set against."""

    date: date
    spoiled: int
    votes: int
    spoiled_before: int
    votes_before: int
    p_value: float

    @property
    def share(self) -> float:
        return self.spoiled / self.votes

    @property
    def share_before(self) -> float:
        return self.spoiled_before / self.votes_before


class VoteCounts:
    """Votes by day and reason; looks again at the last two days only, and now and then at all."""

    def __init__(self) -> None:
        self._counts: dict[date, dict[str | None, int]] = {}

    async def refresh(self, session: AsyncSession, today: date, *, whole: bool) -> None:
        """Count anew what may have changed: votes of earlier days withdrawn since are found by a look at all."""
        since = _first_day(today) if whole else today - timedelta(days=1)
        kept = {day: counts for day, counts in self._counts.items() if day < since and not whole}
        counted: dict[date, dict[str | None, int]] = defaultdict(dict)
        query = select(Ballot.cast_on, _standing(), func.count()).where(Ballot.cast_on >= since)
        for day, reason, count in await session.execute(query.group_by(Ballot.cast_on, "standing")):
            counted[day][reason] = count
        self._counts = kept | counted

    def days(self, today: date) -> list[Day]:
        """Every day since the first that is shown or compared, oldest first; days without votes too."""
        days = [_first_day(today) + timedelta(days=number) for number in range(DAYS_SHOWN + DAYS_COMPARED)]
        return [_day(day, dict(self._counts.get(day, {}))) for day in days]


def _standing() -> Label[str | None]:
    """Why a vote does not count; one never meant for the main board is that, whatever else befell it."""
    tested = exists().where(
        Model.id.in_((Battle.model_a_id, Battle.model_b_id)),
        Model.private_since.is_not(None),
        or_(Model.private_test, Battle.created_at < Model.listed_at),
    )
    by_design = Battle.not_counted_reason.in_(BY_DESIGN)
    meant = select(case((by_design, Battle.not_counted_reason), (tested, "private_test")))
    meant = meant.join_from(Vote, Battle).where(Vote.id == Ballot.vote_id)
    spoiled = func.coalesce(meant.scalar_subquery(), Ballot.reason)
    return case((Ballot.reason.in_(SPOILED), spoiled), else_=Ballot.reason).label("standing")


def _first_day(today: date) -> date:
    return today - timedelta(days=DAYS_SHOWN + DAYS_COMPARED - 1)


def _day(day: date, counts: dict[str | None, int]) -> Day:
    counted = counts.pop(None, 0)
    return Day(
        date=day, counted=counted, reasons={str(reason): counts[reason] for reason in sorted(counts, key=str)}
    )


async def spoiled_today(session: AsyncSession, today: date) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which of today's votes are spoiled, in the order they were cast; those never meant to count left out."""
    query = select(_standing()).where(Ballot.cast_on == today).order_by(Ballot.vote_id)
    reasons = (await session.scalars(query)).all()
    return np.array([reason is not None for reason in reasons if reason not in BY_DESIGN], dtype=bool)


def find_alarms(
    days: Sequence[Day], today: Sequence[bool] | np.ndarray[Any, np.dtype[np.bool_]]
) -> list[Alarm]:
    """The days on which the share jumped, newest first; the last day is the one that still runs."""
    found = []
    for place in range(DAYS_COMPARED, len(days)):
        before = days[place - DAYS_COMPARED : place]
        complete = place < len(days) - 1
        alarm = _over(days[place], before) if complete else _running(days[place].date, today, before)
        if alarm is not None:
            found.append(alarm)
    return found[::-1]


def _over(day: Day, before: Sequence[Day]) -> Alarm | None:
    return _jump(day.date, day.spoiled, day.judged, before, LEVEL / 2)


def _running(
    day: date, today: Sequence[bool] | np.ndarray[Any, np.dtype[np.bool_]], before: Sequence[Day]
) -> Alarm | None:
    """The first look at which the share had jumped; levels of all looks add up to half the level."""
    so_far, votes, look = np.cumsum(np.asarray(today, dtype=bool)), VOTES_LEAST, 1
    while votes <= len(so_far):
        alarm = _jump(day, int(so_far[votes - 1]), votes, before, LEVEL / 2 / (look * (look + 1)))
        if alarm is not None:
            return alarm
        votes, look = 2 * votes, look + 1
    return None


def _jump(day: date, spoiled: int, votes: int, before: Sequence[Day], level: float) -> Alarm | None:
    compared = [each for each in before if each.judged]
    if votes < VOTES_LEAST or len(compared) < DAYS_LEAST:
        return None
    if any(each.spoiled * votes >= spoiled * each.judged for each in compared):
        return None
    spoiled_before, votes_before = sum(d.spoiled for d in compared), sum(d.judged for d in compared)
    from scipy import stats  # it takes as long to load as the rest of the program; few days come this far

    p_value = float(stats.hypergeom.sf(spoiled - 1, votes + votes_before, spoiled + spoiled_before, votes))
    if p_value > level:
        return None
    return Alarm(
        date=day,
        spoiled=spoiled,
        votes=votes,
        spoiled_before=spoiled_before,
        votes_before=votes_before,
        p_value=p_value,
    )
