"""Stored leaderboards as pages show them: the feed's own bytes, parsed, with the geometry of the intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from arena.errors import SnapshotNotFound
from arena.web.snapshot_reader import SnapshotReader

BADGES = {"demo": "For practice", "simulated": "Not people", "imported": "Imported"}


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where a rating and its interval lie on the drawn scale, from 0 to 100."""

    start: float
    width: float
    rating: float


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model on a board."""

    model: str
    organization: str | None
    license: str | None
    rating: float | None
    lower: float | None
    upper: float | None
    rank_lower: int | None
    rank_upper: int | None
    votes: int
    win_rate: float | None
    preliminary: bool
    interval: Interval | None

    @property
    def ranks(self) -> str:
        """The ranks the interval allows, in words: `1`, `2–4`, or a dash."""
        if self.rank_lower is None or self.rank_upper is None:
            return "–"
        if self.rank_lower == self.rank_upper:
            return str(self.rank_lower)
        return f"{self.rank_lower}–{self.rank_upper}"


@dataclass(frozen=True, kw_only=True)
class BoardPage:
    """One board of a snapshot."""

    name: str
    title: str
    kind: str
    badge: str | None
    about: str
    origin: str | None
    license: str | None
    votes: int
    snapshot: str
    generated_at: datetime
    method: Mapping[str, Any]
    entries: tuple[Entry, ...]
    unrated: Mapping[str, str]

    @property
    def has_ratings(self) -> bool:
        """Whether the votes connect the models enough to rate any of them."""
        return any(entry.rating is not None for entry in self.entries)

    def entry_of(self, model: str) -> Entry | None:
        """The model's line on this board, if it has one."""
        return next((entry for entry in self.entries if entry.model == model), None)


def parse_board(payload: bytes) -> BoardPage:
    """The page's view of one feed file."""
    board = orjson.loads(payload)
    kept = ("title", "kind", "about", "origin", "license", "votes", "snapshot", "method", "unrated")
    return BoardPage(
        name=board["category"],
        badge=BADGES.get(board["kind"]),
        generated_at=datetime.fromisoformat(board["generated_at"]),
        entries=_entries(board["entries"]),
        **{name: board[name] for name in kept},
    )


def _entries(rows: list[dict[str, Any]]) -> tuple[Entry, ...]:
    ends = [row[name] for row in rows for name in ("lower", "upper", "rating") if row[name] is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    return tuple(_entry(row, low, max(high - low, 1.0)) for row in rows)


def _entry(row: dict[str, Any], low: float, span: float) -> Entry:
    values = {name: row[name] for name in Entry.__annotations__ if name != "interval"}
    return Entry(**values, interval=_interval(row, low, span))


def _interval(row: dict[str, Any], low: float, span: float) -> Interval | None:
    if row["rating"] is None:
        return None
    lower = row["rating"] if row["lower"] is None else row["lower"]
    upper = row["rating"] if row["upper"] is None else row["upper"]
    start, end, rating = (round(100 * (value - low) / span, 2) for value in (lower, upper, row["rating"]))
    return Interval(start=start, width=round(end - start, 2), rating=rating)


async def board_page(snapshots: SnapshotReader, name: str, *, style_control: bool = False) -> BoardPage:
    """One board of the newest snapshot; raises `SnapshotNotFound` or `LeaderboardNotFound`."""
    file = f"leaderboards/{name}{'.style' if style_control else ''}.json"
    page: BoardPage = await snapshots.parsed(file, parse_board)
    return page


async def newest_boards(snapshots: SnapshotReader) -> list[BoardPage]:
    """Every board of the newest snapshot, our own first; none before the first fit."""
    try:
        newest = await snapshots.newest()
    except SnapshotNotFound:
        return []
    return [await board_page(snapshots, name) for name in newest.boards]
