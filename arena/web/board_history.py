"""Boards of earlier days: what the last snapshot of each day said, remembered, because it never changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from arena.db import Database
from arena.history import day_of
from arena.snapshots import board_file, read_of_snapshots, snapshots_with
from arena.web.boards import BoardPage, Entry, parse_board
from arena.web.day_reader import DayReader
from arena.web.snapshot_reader import Newest

REMEMBERED_BOARDS: Final = 400
REMEMBERED_DAYS: Final = 100_000  # of all boards together
MOST_DAYS: Final = 90  # as many as a plot shows apart


@dataclass(frozen=True, kw_only=True)
class DayBoard:
    """A board as it was at the end of a day."""

    day: date
    board: BoardPage


class BoardHistory:
    """Reads boards of earlier days, and remembers them as pages show them."""

    def __init__(self, database: Database, days: DayReader) -> None:
        self._database = database
        self._days = days
        self._boards: OrderedDict[tuple[str, str], BoardPage | None] = OrderedDict()
        self._existed: OrderedDict[tuple[str, str], bool] = OrderedDict()

    async def days(self, newest: Newest) -> dict[date, str]:
        """The id of the last snapshot of each day, oldest first."""
        return {day.date: day.snapshot for day in await self._days.days(newest)}

    async def days_of(self, name: str, newest: Newest) -> dict[date, str]:
        """The same of the days on which the board existed."""
        days = await self.days(newest)
        existed = {it: self._existed[name, it] for it in days.values() if (name, it) in self._existed}
        if unknown := [it for it in days.values() if it not in existed]:
            async with self._database.sessions() as session:
                there = await snapshots_with(session, board_file(name), unknown)
            existed |= {it: it in there for it in unknown}
            self._existed |= {(name, it): existed[it] for it in unknown}
        while len(self._existed) > REMEMBERED_DAYS:
            self._existed.popitem(last=False)
        return {day: it for day, it in days.items() if existed[it]}

    async def snapshot_of(self, day: date, newest: Newest) -> str:
        """The snapshot of a day; raises `DayNotFound` with the nearest days."""
        return day_of(await self._days.days(newest), day).snapshot

    async def boards(self, name: str, days: Mapping[date, str]) -> list[DayBoard]:
        """A board on each of these days, oldest first, without those on which it did not exist."""
        boards = {it: self._boards[name, it] for it in days.values() if (name, it) in self._boards}
        if missing := [it for it in days.values() if it not in boards]:
            async with self._database.sessions() as session:
                files = await read_of_snapshots(session, board_file(name), missing)
            parsed = await asyncio.to_thread(_parsed, files)
            boards |= {it: parsed.get(it) for it in missing}
            self._boards |= {(name, it): boards[it] for it in missing}
        found = [DayBoard(day=day, board=board) for day in sorted(days) if (board := boards[days[day]])]
        while len(self._boards) > REMEMBERED_BOARDS:
            self._boards.popitem(last=False)
        return found


def _parsed(files: Mapping[str, bytes]) -> dict[str, BoardPage]:
    return {snapshot_id: parse_board(body) for snapshot_id, body in files.items()}


def thinned(days: Mapping[date, str], most: int = MOST_DAYS) -> dict[date, str]:
    """At most so many days, evenly back from the newest."""
    step = max(1, -(-len(days) // most))
    kept = sorted(days, reverse=True)[::step]
    return {day: days[day] for day in reversed(kept)}


def day_before(days: Mapping[date, str], newest: date, back_days: int) -> date | None:
    """The latest day at least so many days before, else the earliest before the newest."""
    earlier = [day for day in sorted(days) if day < newest]
    far_enough = [day for day in earlier if (newest - day).days >= back_days]
    return far_enough[-1] if far_enough else earlier[0] if earlier else None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One model on two days; None where it was not on the board."""

    model: str
    before: Entry | None
    after: Entry | None

    @property
    def rating(self) -> int | None:
        """By how many points the rating rose, from one whole number that a page shows to the other."""
        if self.before is None or self.after is None:
            return None
        if self.before.rating is None or self.after.rating is None:
            return None
        return round(self.after.rating) - round(self.before.rating)

    @property
    def votes(self) -> int:
        """Votes that came in on the model."""
        return (self.after.votes if self.after else 0) - (self.before.votes if self.before else 0)

    @property
    def ranks_differ(self) -> bool:
        """Whether other ranks are possible now."""
        return bool(self.before and self.after and self.before.ranks != self.after.ranks)

    @property
    def certain(self) -> bool:
        """Whether no rank that was possible before is possible now."""
        before, after = self.before, self.after
        if not (
            before
            and after
            and before.rank_lower
            and before.rank_upper
            and after.rank_lower
            and after.rank_upper
        ):
            return False
        return before.rank_upper < after.rank_lower or after.rank_upper < before.rank_lower


@dataclass(frozen=True, kw_only=True)
class BoardDifference:
    """What changed on a board from one day to another."""

    before: DayBoard
    after: DayBoard
    changes: Sequence[Change]  # in today's order, models that left at the end

    @property
    def votes(self) -> int:
        """Votes that came in, less those that were withdrawn."""
        return self.after.board.votes - self.before.board.votes

    @property
    def entered(self) -> list[str]:
        """Models that were not there before."""
        return [change.model for change in self.changes if change.before is None]

    @property
    def left(self) -> list[str]:
        """Models that are not there any more."""
        return [change.model for change in self.changes if change.after is None]

    @property
    def moved(self) -> list[Change]:
        """Models with other ranks, the certain changes first."""
        moved = [change for change in self.changes if change.ranks_differ]
        return sorted(moved, key=lambda change: not change.certain)


def difference(before: DayBoard, after: DayBoard) -> BoardDifference:
    """Compare a board of two days."""
    names = [entry.model for entry in after.board.entries]
    gone = [entry.model for entry in before.board.entries if entry.model not in after.board.by_model]
    return BoardDifference(
        before=before,
        after=after,
        changes=[
            Change(model=name, before=before.board.entry_of(name), after=after.board.entry_of(name))
            for name in (*names, *gone)
        ],
    )
