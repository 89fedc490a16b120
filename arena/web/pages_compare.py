"""Two models beside each other: `/compare?board=…&a=…&b=…`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from arena.errors import ModelNotFound, SnapshotNotFound
from arena.nearest import nearest_or_first
from arena.web.board_deps import Boards, StaleSince
from arena.web.board_navigation import Navigation, find_board, navigate
from arena.web.boards import BoardPage, Entry, first_shown
from arena.web.deps import Snapshots
from arena.web.model_pair import ModelPair, compare, first_in_ranks
from arena.web.pair_records import read_pairs
from arena.web.rendering import render_page

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class CategoryPair:
    """The two models on another board of the population."""

    board: BoardPage
    a: Entry
    b: Entry

    @property
    def points(self) -> float | None:
        """The first rating less the second."""
        return None if self.a.rating is None or self.b.rating is None else self.a.rating - self.b.rating

    @property
    def leader(self) -> str | None:
        """The name of the one that is ahead in every rank that is possible for the two."""
        first = first_in_ranks(self.a, self.b)
        return first.model if first else None


@dataclass(frozen=True, kw_only=True)
class ComparePage:
    """What `compare.html` shows."""

    board: BoardPage
    boards: Mapping[str, str]  # those with models: their titles, after that of the population
    names: Sequence[str]  # of the board, by name
    a: str
    b: str
    pair: ModelPair | None  # None until two different models are chosen
    note: str | None
    elsewhere: Sequence[CategoryPair]
    stale_since: datetime | None


@router.get("/compare")
async def compare_models(
    request: Request,
    boards: Boards,
    snapshots: Snapshots,
    stale_since: StaleSince,
    a: Annotated[str, Query()] = "",
    b: Annotated[str, Query()] = "",
    board: Annotated[str, Query()] = "",
) -> Response:
    """Two models of one board; without names, the form that asks for them."""
    if not boards:
        raise SnapshotNotFound("No leaderboard has been computed yet. Come back in a minute.")
    asked = [name for name in (a, b) if name]
    shown = find_board(boards, board) if board else _board_of(boards, asked)
    names = sorted(shown.by_model, key=str.casefold)
    found = _entries(boards, shown, asked)
    pair = None
    if len(found) == 2 and a != b:
        pair = compare(shown, await read_pairs(snapshots, shown.name, shown.snapshot), *found)
    page = ComparePage(
        board=shown,
        boards=_titles(boards),
        names=names,
        a=a,
        b=b,
        pair=pair,
        note="Choose two different models." if a and a == b else None,
        elsewhere=_elsewhere(navigate(boards, shown), a, b) if pair else (),
        stale_since=stale_since,
    )
    return render_page(request, "compare.html", page, headers={"Cache-Control": "no-cache"})


def _titles(boards: Sequence[BoardPage]) -> dict[str, str]:
    populations = {board.name: board.title for board in boards if board.is_main}
    return {
        board.name: board.title
        if board.is_main
        else f"{populations.get(board.population, board.population)}: {board.title}"
        for board in boards
        if board.entries
    }


def _board_of(boards: Sequence[BoardPage], asked: Sequence[str]) -> BoardPage:
    """The first board that has the most of the models; of equal ones that which is opened first."""
    first = first_shown(boards)
    return max(boards, key=lambda board: (sum(name in board.by_model for name in asked), board is first))


def _entries(boards: Sequence[BoardPage], shown: BoardPage, asked: Sequence[str]) -> list[Entry]:
    """The models' lines on the board; names that no board has are refused before those that this one lacks."""
    everywhere = {model for board in boards for model in board.by_model}
    if unknown := [name for name in asked if name not in everywhere]:
        raise _not_found(unknown, "on any board", sorted(everywhere))
    if missing := [name for name in asked if name not in shown.by_model]:
        raise _not_found(missing, f"on the board {shown.name!r}", [*shown.by_model])
    return [shown.by_model[name] for name in asked]


def _not_found(names: Sequence[str], where: str, known: Sequence[str]) -> ModelNotFound:
    return ModelNotFound(
        " ".join(
            f"There is no model {name[:100]!r} {where}. {nearest_or_first(name, known)}"
            for name in dict.fromkeys(names)
        )
    )


def _elsewhere(navigation: Navigation, a: str, b: str) -> list[CategoryPair]:
    return [
        CategoryPair(board=board, a=board.by_model[a], b=board.by_model[b])
        for board in navigation.siblings
        if a in board.by_model and b in board.by_model
    ]
