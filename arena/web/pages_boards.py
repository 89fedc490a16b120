"""Leaderboards, and a page for every model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from arena.catalog import find_model
from arena.errors import LeaderboardNotFound
from arena.tables import Model
from arena.web.boards import BoardPage, Entry, newest_boards
from arena.web.deps import Db, Snapshots
from arena.web.rendering import render_page

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class LeaderboardPage:
    """What `leaderboard.html` shows."""

    board: BoardPage | None  # None before the first board was computed
    boards: Sequence[BoardPage]  # every board of the snapshot, for the links
    instead_of: BoardPage | None  # the empty board that was asked for by default


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A model's place on one board, or why it has none."""

    board: BoardPage
    entry: Entry | None
    unrated_reason: str | None


@dataclass(frozen=True, kw_only=True)
class ModelPage:
    """What `model.html` shows: facts from the catalog, never an endpoint, its health or its speed."""

    model: Model
    standings: Sequence[Standing]


async def _boards(snapshots: Snapshots) -> list[BoardPage]:
    return await newest_boards(snapshots)


Boards = Annotated[list[BoardPage], Depends(_boards)]


@router.get("/leaderboard")
async def first_leaderboard(request: Request, boards: Boards) -> Response:
    """The overall board; while it is empty, the first board with ratings instead, said plainly."""
    first = boards[0] if boards else None
    rated = next((board for board in boards if board.has_ratings), first)
    shown = first if first and first.entries else rated
    instead_of = first if shown is not first else None
    return _page(request, shown, boards, instead_of)


@router.get("/leaderboard/{name}")
async def leaderboard(name: str, request: Request, boards: Boards) -> Response:
    """One board by its name."""
    board = next((board for board in boards if board.name == name), None)
    if board is None:
        known = ", ".join(board.name for board in boards) or "none yet"
        raise LeaderboardNotFound(f"There is no leaderboard {name!r}. There are: {known}.")
    return _page(request, board, boards, None)


def _page(
    request: Request, board: BoardPage | None, boards: Sequence[BoardPage], instead_of: BoardPage | None
) -> Response:
    page = LeaderboardPage(board=board, boards=boards, instead_of=instead_of)
    return render_page(request, "leaderboard.html", page, headers={"Cache-Control": "no-cache"})


@router.get("/models/{name:path}")
async def model(name: str, request: Request, db: Db, boards: Boards) -> Response:
    """What is known about a model, and the boards it stands on."""
    found = await find_model(db, name)
    page = ModelPage(model=found, standings=[s for board in boards if (s := _standing(board, name))])
    return render_page(request, "model.html", page)


def _standing(board: BoardPage, name: str) -> Standing | None:
    entry, reason = board.entry_of(name), board.unrated.get(name)
    return Standing(board=board, entry=entry, unrated_reason=reason) if entry or reason else None
