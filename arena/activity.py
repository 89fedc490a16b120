"""What each model's votes say week by week, and how its answers are written: counted once for all pages."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import Final

import structlog
from sqlalchemy import text

from arena.db import Database
from arena.populations import POPULATION_OF_REASON
from arena.snapshots import newest_snapshot
from ratings.board_files import STYLE_FEATURES

log = structlog.get_logger()
FRESH_SECONDS: Final = 60.0
_STYLE_SUMS = ", ".join(
    f"coalesce(sum(style[{place}]), 0)::bigint" for place in range(1, len(STYLE_FEATURES) + 1)
)
_POPULATIONS = {reason or "": population.name for reason, population in POPULATION_OF_REASON.items()}
# The votes that the snapshot counted, once for each side.
_WEEKS = text(
    f"""
    WITH counted AS (
        SELECT * FROM ballot
        WHERE rules IS NOT NULL AND coalesce(reason, '') = ANY(:reasons) AND vote_id <= :last_vote_id
            AND pg_visible_in_snapshot(written_in::text::xid8, CAST(:visible AS pg_snapshot))
    ), sides AS (
        SELECT model_a_id AS model_id, reason, cast_on, winner = 'model_a' AS won, winner = 'model_b' AS lost,
            style_a AS style FROM counted
        UNION ALL
        SELECT model_b_id, reason, cast_on, winner = 'model_b', winner = 'model_a', style_b FROM counted
    )
    SELECT model.name, coalesce(reason, ''), date_trunc('week', cast_on)::date, count(*) FILTER (WHERE won),
        count(*) FILTER (WHERE lost), count(*) FILTER (WHERE NOT won AND NOT lost), count(style), {_STYLE_SUMS}
    FROM sides JOIN model ON model.id = model_id
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
)


@dataclass(frozen=True, kw_only=True)
class WeekOfVotes:
    """How a model fared in the week that begins on a Monday; both bad is among the ties."""

    start: date
    wins: int
    losses: int
    ties: int


@dataclass(kw_only=True)
class WritingStyle:
    """Sums of the style counts of answers."""

    answers: int = 0
    sums: list[int] = field(default_factory=lambda: [0] * len(STYLE_FEATURES))

    def add(self, answers: int, sums: Sequence[int]) -> None:
        """Count more answers."""
        self.answers += answers
        self.sums = [one + other for one, other in zip(self.sums, sums, strict=True)]

    @property
    def averages(self) -> dict[str, float] | None:
        """Of one battle, all its answered turns together; None without any."""
        if not self.answers:
            return None
        return {name: total / self.answers for name, total in zip(STYLE_FEATURES, self.sums, strict=True)}


@dataclass(kw_only=True)
class ModelVotes:
    """A model's votes in one population."""

    weeks: list[WeekOfVotes] = field(default_factory=list)
    style: WritingStyle = field(default_factory=WritingStyle)


@dataclass(frozen=True, kw_only=True)
class Activity:
    """All models of all our own populations, by the votes of one snapshot."""

    snapshot: str
    generated_at: datetime
    votes: Mapping[tuple[str, str], ModelVotes]  # by population and model
    field_style: Mapping[str, WritingStyle]  # by population


class ModelActivity:
    """Counts the votes once for a snapshot, and pauses a minute between two counts, whoever asks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._activity: Activity | None = None
        self._counted_at = -float("inf")
        self._counting = asyncio.Lock()
        self._anew: asyncio.Task[None] | None = None

    async def read(self, newest_id: str) -> Activity:
        """What the votes say, as of an earlier snapshot while those of the newest are counted; only the first waits."""
        if (known := self._activity) is None:
            return await self._first()
        is_young = monotonic() - self._counted_at < FRESH_SECONDS
        if known.snapshot != newest_id and not is_young and (self._anew is None or self._anew.done()):
            self._anew = asyncio.create_task(self._count_anew())
        return known

    async def _first(self) -> Activity:
        async with self._counting:
            if self._activity is None:
                self._activity = await self._count()
                self._counted_at = monotonic()
            return self._activity

    async def _count_anew(self) -> None:
        try:
            self._activity = await self._count()
        except Exception:
            log.exception("activity_not_counted")  # what was counted before is shown for another minute
        self._counted_at = monotonic()

    async def _count(self) -> Activity:
        async with self._database.readings() as session:
            snapshot = await newest_snapshot(session)
            seen = {"visible": snapshot.visible, "last_vote_id": snapshot.last_vote_id}
            rows = await session.execute(_WEEKS, {"reasons": list(_POPULATIONS), **seen})
            votes: dict[tuple[str, str], ModelVotes] = {}
            styles: dict[str, WritingStyle] = {}
            for model, reason, week, wins, losses, ties, answers, *sums in rows:
                population = _POPULATIONS[reason]
                found = votes.setdefault((population, model), ModelVotes())
                found.weeks.append(WeekOfVotes(start=week, wins=wins, losses=losses, ties=ties))
                found.style.add(answers, sums)
                styles.setdefault(population, WritingStyle()).add(answers, sums)
        return Activity(
            snapshot=snapshot.id, generated_at=snapshot.created_at, votes=votes, field_style=styles
        )
