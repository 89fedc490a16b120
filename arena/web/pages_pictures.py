"""A board as pictures: its ratings with their intervals, and how each two models fared against each other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from arena.web.board_deps import Boards, StaleSince
from arena.web.board_navigation import Navigation, find_board, navigate
from arena.web.boards import BoardPage, styled_page
from arena.web.deps import Snapshots
from arena.web.pair_records import read_pairs
from arena.web.plots.figure import Figure
from arena.web.plots.pair_matrix import Pair, PairMatrixPlot, draw_pair_matrix
from arena.web.plots.ratings import RatedModel, RatingsPlot, draw_ratings
from arena.web.rendering import render_page

router = APIRouter()
FRESH = {"Cache-Control": "no-cache"}
SIZES: Final = (10, 20, 40)  # models of a pair matrix


@dataclass(frozen=True, kw_only=True)
class PicturePage:
    """What `plot.html` and `pairs.html` show."""

    board: BoardPage
    navigation: Navigation
    plot: Figure
    sizes: tuple[int, ...]  # other numbers of models to choose from
    shown: int
    stale_since: datetime | None
    notes: tuple[str, ...] = ()


@router.get("/plot/{name}")
async def plot(
    name: str, request: Request, boards: Boards, snapshots: Snapshots, stale_since: StaleSince
) -> Response:
    """The ratings of a board as a picture, with and without style control."""
    board = find_board(boards, name)
    styled = await styled_page(snapshots, name, board.snapshot)
    page = PicturePage(
        board=board,
        navigation=navigate(boards, board),
        plot=draw_ratings(_ratings_plot(board, styled)),
        sizes=(),
        shown=len(board.entries),
        stale_since=stale_since,
    )
    return render_page(request, "plot.html", page, headers=FRESH)


def _ratings_plot(board: BoardPage, styled: BoardPage | None) -> RatingsPlot:
    kept = ("model", "rating", "lower", "upper", "rank_lower", "rank_upper", "preliminary")
    models = []
    for entry in board.entries:
        other = styled.entry_of(entry.model) if styled else None
        models.append(
            RatedModel(
                **{name: getattr(entry, name) for name in kept}, controlled=other.rating if other else None
            )
        )
    return RatingsPlot(
        id="ratings",
        title=f"Ratings: {board.title}",
        about="400 points more mean being preferred ten times as often.",
        models=models,
        confidence=board.confidence,
    )


@router.get("/pairs/{name}")
async def pairs(
    name: str,
    request: Request,
    boards: Boards,
    snapshots: Snapshots,
    stale_since: StaleSince,
    top: Annotated[str, Query()] = "20",
) -> Response:
    """How each two models of a board fared against each other, as a matrix."""
    board = find_board(boards, name)
    records = await read_pairs(snapshots, name, board.snapshot)
    size = int(top) if top in {str(size) for size in SIZES} else SIZES[1]
    note = f"top = “{top[:40]}” means nothing here: it is {', '.join(map(str, SIZES))}."
    shown = min(size, len(records.models))
    matrix = PairMatrixPlot(
        id="pairs",
        title=f"Pairs: {board.title}",
        about="The share of votes that the model of the row won against that of the column, a tie or both bad as half.",
        models=records.models[:shown],
        pairs=[
            Pair(model_a=it.model_a, model_b=it.model_b, win_rate=it.win_rate, votes=it.votes)
            for it in records.among(shown)
        ],
    )
    page = PicturePage(
        board=board,
        navigation=navigate(boards, board),
        plot=draw_pair_matrix(matrix),
        sizes=SIZES if len(records.models) > SIZES[0] else (),
        shown=shown,
        stale_since=stale_since,
        notes=(note,) if top != str(size) else (),
    )
    return render_page(request, "pairs.html", page, headers=FRESH)
