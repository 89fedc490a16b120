"""Boards over time: every day's board under an address of its own, and what changed between any two days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from arena.errors import InvalidInput
from arena.web.board_deps import Boards, StaleSince
from arena.web.board_history import BoardDifference, DayBoard, day_before, difference, thinned
from arena.web.board_navigation import Navigation, find_board, navigate
from arena.web.boards import BoardPage
from arena.web.deps import History, Snapshots
from arena.web.pages_boards import CHANGED_IN_DAYS, read_day
from arena.web.plots.convergence import ConvergencePlot, Spread, draw_convergence
from arena.web.plots.figure import Figure
from arena.web.plots.history import HistoryPlot, ModelHistory, draw_history
from arena.web.plots.timelines import Point
from arena.web.rendering import render_page

router = APIRouter()
FRESH = {"Cache-Control": "no-cache"}
HIGHLIGHTED: Final = 6
DRAWN: Final = 40  # models; more lines than that hide each other
SPREADS: Final = ((2, "First to second"), (5, "First to fifth"), (10, "First to tenth"), (0, "First to last"))


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """What `history.html` shows."""

    board: BoardPage
    navigation: Navigation
    days: Sequence[date]  # newest first
    compared: date | None  # the day that the form offers to compare with
    ratings: Figure
    convergence: Figure
    stale_since: datetime | None


@dataclass(frozen=True, kw_only=True)
class DifferencePage:
    """What `difference.html` shows."""

    board: BoardPage
    navigation: Navigation
    days: Sequence[date]
    difference: BoardDifference
    stale_since: datetime | None


@router.get("/history/{name}")
async def history(
    name: str,
    request: Request,
    boards: Boards,
    snapshots: Snapshots,
    history: History,
    stale_since: StaleSince,
) -> Response:
    """How the ratings of a board came to be what they are."""
    board = find_board(boards, name)
    days = await history.days_of(name, await snapshots.newest())
    shown = await history.boards(name, thinned(days))
    page = HistoryPage(
        board=board,
        navigation=navigate(boards, board),
        days=sorted(days, reverse=True),
        compared=day_before(days, max(days), CHANGED_IN_DAYS) if days else None,
        ratings=draw_history(_history_plot(board, shown)),
        convergence=draw_convergence(_convergence_plot(shown)),
        stale_since=stale_since,
    )
    return render_page(request, "history.html", page, headers=FRESH)


def _history_plot(board: BoardPage, shown: Sequence[DayBoard]) -> HistoryPlot:
    names = [entry.model for entry in board.entries if entry.rating is not None][:DRAWN]
    models = [
        ModelHistory(model=name, points=_points(name, shown), highlighted=place < HIGHLIGHTED)
        for place, name in enumerate(names)
    ]
    return HistoryPlot(
        id="history",
        title=f"Ratings over time: {board.title}",
        about="As each day's last computation gave them.",
        days=[it.day for it in shown],
        models=models,
        confidence=board.confidence,
    )


def _points(name: str, shown: Sequence[DayBoard]) -> list[Point]:
    found = [(it.day, it.board.entry_of(name)) for it in shown]
    return [
        Point(day=day, value=entry.rating, lower=entry.lower, upper=entry.upper)
        for day, entry in found
        if entry is not None and entry.rating is not None
    ]


def _convergence_plot(shown: Sequence[DayBoard]) -> ConvergencePlot:
    spreads = [Spread(name=name, points=_spread(place, shown)) for place, name in SPREADS]
    about = "Points between the first of a board and others. Falling lines: the field draws together."
    if any(entry.preliminary for it in shown for entry in it.board.entries):
        about += " Preliminary models are left out: they have too few votes to rely on."
    return ConvergencePlot(
        id="convergence",
        title="How far the field lies apart",
        about=about,
        spreads=[spread for spread in spreads if spread.points],
    )


def _spread(place: int, shown: Sequence[DayBoard]) -> list[Point]:
    points = []
    for it in shown:
        rated = [
            entry.rating for entry in it.board.entries if entry.rating is not None and not entry.preliminary
        ]
        if len(rated) >= max(place, 2):
            points.append(Point(day=it.day, value=rated[0] - rated[place - 1]))
    return points


@router.get("/history/{name}/diff")
async def board_difference(
    name: str,
    request: Request,
    boards: Boards,
    snapshots: Snapshots,
    history: History,
    stale_since: StaleSince,
    first: Annotated[str, Query(alias="from")] = "",
    last: Annotated[str, Query(alias="to")] = "",
) -> Response:
    """What changed on a board between two days; by default from a week ago to the newest."""
    board = find_board(boards, name)
    newest = await snapshots.newest()
    days = await history.days_of(name, newest)
    after = read_day(last) if last else max(days, default=board.generated_at.date())
    before = read_day(first) if first else day_before(days, after, CHANGED_IN_DAYS) or after
    chosen = {day: await history.snapshot_of(day, newest) for day in (before, after)}
    found = {it.day: it for it in await history.boards(name, chosen)}
    for day in chosen:
        if day not in found:
            raise InvalidInput(f"The board {name!r} did not exist on {day.isoformat()}. Choose a later day.")
    page = DifferencePage(
        board=board,
        navigation=navigate(boards, board),
        days=sorted(days, reverse=True),
        difference=difference(found[min(chosen)], found[max(chosen)]),
        stale_since=stale_since,
    )
    return render_page(request, "difference.html", page, headers=FRESH)
