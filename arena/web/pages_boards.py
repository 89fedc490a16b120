"""Leaderboards: the newest of every board, and that of any earlier day under an address of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from arena.errors import DayNotFound
from arena.web.board_deps import Boards
from arena.web.board_history import BoardDifference, BoardHistory, DayBoard, day_before, difference
from arena.web.board_navigation import Navigation, find_board, navigate
from arena.web.board_query import BoardQuery, Selection, select_rows
from arena.web.board_robustness import Neighbours, robustness_of
from arena.web.board_rows import (
    BoardRows,
    Summary,
    category_columns,
    summarise,
)
from arena.web.boards import BoardPage, board_page, first_shown, styled_page
from arena.web.deps import History, Snapshots
from arena.web.rendering import render_page
from arena.web.snapshot_reader import Newest, SnapshotReader

router = APIRouter()
CHANGED_IN_DAYS = 7
VIEWS = {"table": "leaderboard", "plot": "plot", "pairs": "pairs", "history": "history"}
FRESH = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, kw_only=True)
class Dated:
    """The day whose board is shown, and the days around it that have one."""

    day: date
    earlier: date | None
    later: date | None


@dataclass(frozen=True, kw_only=True)
class LeaderboardPage:
    """What `leaderboard.html` shows."""

    board: BoardPage
    navigation: Navigation
    table: BoardRows
    selection: Selection
    summary: Summary
    swap: Neighbours | None  # the first two, and how few votes would swap them; None of a category
    changed: BoardDifference | None  # since about a week ago; None without an older board, or of a dated one
    instead_of: BoardPage | None  # the board without ratings that was asked for by default
    dated: Dated | None
    stale_since: datetime | None  # since when a newer board cannot be computed


def _query(
    q: str = "",
    organization: str = "",
    license: str = "",
    weights: str = "",
    size: str = "",
    status: str = "",
    preliminary: str = "",
    sort: str = "",
) -> BoardQuery:
    return BoardQuery(
        q=q.strip(),
        organization=organization,
        license=license,
        weights=weights,
        size=size,
        status=status,
        preliminary=preliminary,
        sort=sort,
    )


Asked = Annotated[BoardQuery, Depends(_query)]


@router.get("/leaderboard")
async def first_leaderboard(
    request: Request,
    boards: Boards,
    query: Asked,
    snapshots: Snapshots,
    history: History,
    board: Annotated[str, Query()] = "",
    view: Annotated[str, Query()] = "table",
) -> Response:
    """The overall board; while it rates no model, another one instead, said plainly."""
    if board:
        return _board_redirect(find_board(boards, board), query, VIEWS.get(view, VIEWS["table"]))
    shown = first_shown(boards)
    if shown is None:
        return render_page(request, "no_leaderboard.html", {}, headers=FRESH)
    first = boards[0]
    page = await _page(shown, boards, query, snapshots, history, first if shown is not first else None)
    return render_page(request, "leaderboard.html", page, headers=FRESH)


def _board_redirect(board: BoardPage, query: BoardQuery, view: str) -> Response:
    """From the form that chooses a board to its address, with the same filters."""
    asked = urlencode(query.parameters())
    return RedirectResponse(f"/{view}/{quote(board.name)}{'?' if asked else ''}{asked}", 303)


@router.get("/leaderboard/{name}")
async def leaderboard(
    name: str, request: Request, boards: Boards, query: Asked, snapshots: Snapshots, history: History
) -> Response:
    """One board by its name."""
    page = await _page(find_board(boards, name), boards, query, snapshots, history, None)
    return render_page(request, "leaderboard.html", page, headers=FRESH)


async def _page(
    board: BoardPage,
    boards: Sequence[BoardPage],
    query: BoardQuery,
    snapshots: SnapshotReader,
    history: BoardHistory,
    instead_of: BoardPage | None,
) -> LeaderboardPage:
    navigation = navigate(boards, board)
    table = BoardRows(
        board, await styled_page(snapshots, board.name, board.snapshot), category_columns(navigation)
    )
    return LeaderboardPage(
        board=board,
        navigation=navigation,
        table=table,
        selection=select_rows(table, query),
        summary=summarise(board),
        swap=await _first_two(snapshots, board),
        changed=await _changed(board, await snapshots.newest(), history),
        instead_of=instead_of,
        dated=None,
        stale_since=(await snapshots.newest()).failing_since,
    )


async def _first_two(snapshots: SnapshotReader, board: BoardPage) -> Neighbours | None:
    found = await robustness_of(snapshots, board.name, board.snapshot) if board.is_main else None
    return found.neighbours[0] if found and found.neighbours else None


async def _changed(board: BoardPage, newest: Newest, history: BoardHistory) -> BoardDifference | None:
    days = await history.days_of(board.name, newest)
    today = board.generated_at.date()
    day = day_before(days, today, CHANGED_IN_DAYS)
    if day is None:
        return None
    before = await history.boards(board.name, {day: days[day]})
    return difference(before[0], DayBoard(day=today, board=board)) if before else None


@router.get("/leaderboard/{name}/{day}")
async def dated_leaderboard(
    name: str,
    day: str,
    request: Request,
    boards: Boards,
    query: Asked,
    snapshots: Snapshots,
    history: History,
) -> Response:
    """One board as it was at the end of a day: an address that can be cited."""
    newest = await snapshots.newest()
    when = read_day(day)
    snapshot_id = await history.snapshot_of(when, newest)
    board = await board_page(snapshots, name, snapshot_id)
    days = list(await history.days_of(name, newest))
    navigation = navigate([board], board)
    table = BoardRows(board, await styled_page(snapshots, name, snapshot_id), [])
    page = LeaderboardPage(
        board=board,
        navigation=navigation,
        table=table,
        selection=select_rows(table, query),
        summary=summarise(board),
        swap=None,
        changed=None,
        instead_of=None,
        dated=Dated(
            day=when,
            earlier=max((other for other in days if other < when), default=None),
            later=min((other for other in days if other > when), default=None),
        ),
        stale_since=None,
    )
    return render_page(request, "leaderboard.html", page, headers=FRESH)


def read_day(text: str) -> date:
    """A day of an address; raises `DayNotFound` for what is no day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DayNotFound(
            f"{text[:40]!r} is no day. Write it as year, month and day, such as 2026-11-26."
        ) from None
