"""What would change a board: votes that swap neighbours, and each model by other methods."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from arena.errors import LeaderboardNotFound
from arena.web.board_deps import Boards, StaleSince
from arena.web.board_navigation import Navigation, find_board, navigate
from arena.web.board_robustness import Robustness, robustness_of
from arena.web.boards import BoardPage
from arena.web.deps import Snapshots
from arena.web.rendering import render_page

router = APIRouter()
FRESH = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, kw_only=True)
class RobustnessPage:
    """What `robustness.html` shows."""

    board: BoardPage
    navigation: Navigation
    robustness: Robustness
    stale_since: datetime | None


@router.get("/robustness/{name}")
async def robustness(
    name: str, request: Request, boards: Boards, snapshots: Snapshots, stale_since: StaleSince
) -> Response:
    """How few votes would change a main board, and how far other methods move its models."""
    board = find_board(boards, name)
    if not board.is_main:
        return RedirectResponse(f"/robustness/{quote(board.population)}", 303)
    found = await robustness_of(snapshots, name, board.snapshot)
    if found is None:
        raise LeaderboardNotFound(
            f"What would change {board.title!r} is not known yet: it comes with the next computation."
        )
    page = RobustnessPage(
        board=board, navigation=navigate(boards, board), robustness=found, stale_since=stale_since
    )
    return render_page(request, "robustness.html", page, headers=FRESH)
