"""Stored leaderboards as pages show them: the feed's own bytes, parsed, with the geometry of the intervals."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from arena.errors import SnapshotNotFound
from arena.snapshots import board_file
from arena.web.snapshot_reader import SnapshotReader
from ratings.board_files import STYLE_FEATURES

BADGES = {"demo": "For practice", "simulated": "Not people", "imported": "Imported"}
DEFAULTS: dict[str, Any] = {  # what files of before a field was added do not say
    "population": None,
    "style_control": False,
    "accuracy": None,
    "left_out": {},
    "coefficients": None,
}
MOST_ROOM = 0.25  # of the scale, at each end, for intervals of preliminary models
ENTRY_DEFAULTS: dict[str, Any] = {"open_weights": None, "parameters_billions": None, "status": None}


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where a rating and its interval lie on the drawn scale, from 0 to 100."""

    start: float
    width: float
    rating: float
    goes_on_below: bool
    goes_on_above: bool


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model on a board."""

    model: str
    organization: str | None
    license: str | None
    open_weights: bool | None
    parameters_billions: float | None
    status: str | None
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
    population: str
    badge: str | None
    about: str
    origin: str | None
    license: str | None
    votes: int
    style_control: bool
    accuracy: Mapping[str, Any] | None
    left_out: Mapping[str, int]
    coefficients: Sequence[Mapping[str, Any]] | None
    snapshot: str
    generated_at: datetime
    method: Mapping[str, Any]
    entries: tuple[Entry, ...]
    unrated: Mapping[str, str]
    by_model: Mapping[str, Entry] = field(repr=False)

    @property
    def has_ratings(self) -> bool:
        """Whether the votes connect the models enough to rate any of them."""
        return any(entry.rating is not None for entry in self.entries)

    @property
    def is_settled(self) -> bool:
        """Whether it has at least two models to compare that are not preliminary."""
        return sum(not entry.preliminary for entry in self.entries) >= 2

    @property
    def rated(self) -> int:
        """How many models have a rating, and so a rank."""
        return sum(entry.rating is not None for entry in self.entries)

    @property
    def confidence(self) -> float:
        """Of the intervals and of the ranks."""
        return float(self.method.get("parameters", {}).get("confidence", 0.95))

    @property
    def is_main(self) -> bool:
        """Whether it counts all votes of its population, not those of a category alone."""
        return self.name == self.population

    @property
    def not_held_equal(self) -> tuple[str, ...]:
        """What style control left out, because these votes cannot tell what it does."""
        held = {row["name"] for row in self.coefficients or ()}
        return tuple(name for name in (*STYLE_FEATURES, "side_bias") if name not in held)

    def entry_of(self, model: str) -> Entry | None:
        """The model's line on this board, if it has one."""
        return self.by_model.get(model)


def parse_board(payload: bytes) -> BoardPage:
    """The page's view of one feed file."""
    board = DEFAULTS | orjson.loads(payload)
    kept = (
        "title",
        "kind",
        "about",
        "origin",
        "license",
        "votes",
        "snapshot",
        "method",
        "unrated",
        *DEFAULTS,
    )
    entries = _entries(board["entries"])
    values = {name: board[name] for name in kept} | {"population": board["population"] or board["category"]}
    return BoardPage(
        name=board["category"],
        badge=BADGES.get(board["kind"]),
        generated_at=datetime.fromisoformat(board["generated_at"]),
        entries=entries,
        by_model={entry.model: entry for entry in entries},
        **values,
    )


def _entries(rows: list[dict[str, Any]]) -> tuple[Entry, ...]:
    low, high = _scale(rows)
    return tuple(_entry(ENTRY_DEFAULTS | row, low, max(high - low, 1.0)) for row in rows)


def _scale(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """From the lowest to the highest end, but wide intervals of preliminary models may not squeeze all others."""
    ratings = [row["rating"] for row in rows if row["rating"] is not None]
    settled = [*ratings, *_ends(row for row in rows if not row["preliminary"])]
    low, high = min(settled, default=0.0), max(settled, default=1.0)
    room = math.inf if all(row["preliminary"] for row in rows) else MOST_ROOM * (high - low)
    ends = [*settled, *_ends(rows)]
    return max(min(ends, default=low), low - room), min(max(ends, default=high), high + room)


def _ends(rows: Iterable[Mapping[str, Any]]) -> list[float]:
    return [row[name] for row in rows for name in ("lower", "upper") if row[name] is not None]


def _entry(row: Mapping[str, Any], low: float, span: float) -> Entry:
    values = {name: row[name] for name in Entry.__annotations__ if name != "interval"}
    return Entry(**values, interval=_interval(row, low, span))


def _interval(row: Mapping[str, Any], low: float, span: float) -> Interval | None:
    """Cut at the ends of the scale; it says at which, because a cut end would pass for a limit."""
    if row["rating"] is None:
        return None
    lower = row["rating"] if row["lower"] is None else row["lower"]
    upper = row["rating"] if row["upper"] is None else row["upper"]
    start, end, rating = (100 * (value - low) / span for value in (lower, upper, row["rating"]))
    shown_start, shown_end = max(start, 0.0), min(end, 100.0)
    return Interval(
        start=round(shown_start, 2),
        width=round(shown_end - shown_start, 2),
        rating=round(rating, 2),
        goes_on_below=start < 0,
        goes_on_above=end > 100,
    )


async def board_page(snapshots: SnapshotReader, name: str, snapshot_id: str | None = None) -> BoardPage:
    """One board of a snapshot, by default the newest; raises `SnapshotNotFound` or `LeaderboardNotFound`."""
    page: BoardPage = await snapshots.parsed(board_file(name), parse_board, snapshot_id)
    return page


async def styled_page(
    snapshots: SnapshotReader, name: str, snapshot_id: str | None = None
) -> BoardPage | None:
    """The same with style control; None where the votes are too few for it, or their answers unknown."""
    file = board_file(name, style_control=True)
    page: BoardPage | None = await snapshots.parsed_if_there(file, parse_board, snapshot_id)
    return page


def first_shown(boards: Sequence[BoardPage]) -> BoardPage | None:
    """The board that is opened first: the overall one; while it rates no model, the first main one that says something.

    If none does, that of the most votes.
    """
    mains = [board for board in boards if board.is_main]
    if not mains or mains[0].has_ratings:
        return next(iter(mains), None)
    return next((board for board in mains if board.is_settled), max(mains, key=lambda board: board.votes))


async def newest_boards(snapshots: SnapshotReader) -> list[BoardPage]:
    """Every board of the newest snapshot, our own first; none before the first fit."""
    try:
        newest = await snapshots.newest()
    except SnapshotNotFound:
        return []
    return [await board_page(snapshots, name, newest.id) for name in newest.boards]
