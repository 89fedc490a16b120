"""My board: a voter's own ratings from the cookie alone, beside the ranks that everybody's votes allow."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from arena.errors import LeaderboardNotFound, SnapshotNotFound
from arena.own_board import CONFIDENCE, SPREAD_POINTS, VOTES_LEAST, OwnBoard, own_boards
from arena.populations import OWN_POPULATIONS
from arena.votes import votes_of
from arena.web.board_deps import StaleSince
from arena.web.boards import BoardPage, board_page
from arena.web.deps import Db, MaybeVoter, Snapshots
from arena.web.rendering import render_page
from arena.web.snapshot_reader import SnapshotReader

router = APIRouter(prefix="/me")


@dataclass(frozen=True, kw_only=True)
class OwnBoardPage:
    """What `own_board.html` shows."""

    boards: Sequence[OwnBoard]
    general: Mapping[str, BoardPage]  # the board of everybody's votes by population
    spread: float
    votes_least: int
    confidence: float
    stale_since: datetime | None


@router.get("/board")
async def own_board(
    request: Request, voter: MaybeVoter, db: Db, snapshots: Snapshots, stale_since: StaleSince
) -> Response:
    """The own ratings of whoever holds the cookie."""
    votes = [cast for cast, _ in await votes_of(db, voter)] if voter else []
    general = await _general(snapshots) if votes else {}
    ratings = {
        name: {entry.model: entry.rating for entry in board.entries if entry.rating is not None}
        for name, board in general.items()
    }
    page = OwnBoardPage(
        boards=await asyncio.to_thread(own_boards, votes, ratings),
        general=general,
        spread=SPREAD_POINTS,
        votes_least=VOTES_LEAST,
        confidence=CONFIDENCE,
        stale_since=stale_since,
    )
    return render_page(request, "own_board.html", page)


async def _general(snapshots: SnapshotReader) -> dict[str, BoardPage]:
    """The main boards of our own populations, as far as there are any."""
    found = {}
    for population in OWN_POPULATIONS:
        try:
            found[population.name] = await board_page(snapshots, population.name)
        except (SnapshotNotFound, LeaderboardNotFound):
            continue
    return found
