"""Badges for other people's pages: a model's rating with its interval and ranks."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from arena.errors import LeaderboardNotFound, ModelNotFound
from arena.nearest import nearest_names
from arena.populations import OVERALL, OWN_POPULATIONS
from arena.settings import Settings
from arena.web.boards import BoardPage, board_page
from arena.web.deps import CurrentSettings, Snapshots
from arena.web.feed_answers import OPEN, answer, as_json, content_file, described_by
from arena.web.plots.badge import Badge, badge_fields, draw_badge
from arena.web.snapshot_reader import SnapshotReader

router = APIRouter(prefix="/badge", tags=["feed"])
SVG = "image/svg+xml"
# Shown on pages that are read far more often than boards move.
CACHED = OPEN | {"Cache-Control": "public, max-age=300, stale-while-revalidate=3600"}
BoardName = Annotated[str, Query(description="Name of the leaderboard.")]


@router.head("/{model:path}.svg", include_in_schema=False)
@router.get("/{model:path}.svg")
async def badge(
    model: str,
    request: Request,
    snapshots: Snapshots,
    settings: CurrentSettings,
    board: BoardName = OVERALL.name,
) -> Response:
    """The badge as a picture."""
    page = await board_page(snapshots, board)
    content = draw_badge(await _badge(page, model, snapshots, settings)).encode()
    return answer(request, content_file(content, modified=page.generated_at, media_type=SVG, headers=CACHED))


@router.head("/{model:path}.json", include_in_schema=False)
@router.get("/{model:path}.json")
async def badge_as_json(
    model: str,
    request: Request,
    snapshots: Snapshots,
    settings: CurrentSettings,
    board: BoardName = OVERALL.name,
) -> Response:
    """The same in the shape that badge servers read."""
    page = await board_page(snapshots, board)
    content = as_json(badge_fields(await _badge(page, model, snapshots, settings)))
    file = content_file(content, modified=page.generated_at, headers=CACHED, links=[described_by("badge")])
    return answer(request, file)


async def _badge(page: BoardPage, model: str, snapshots: SnapshotReader, settings: Settings) -> Badge:
    label = settings.title if page.name == OVERALL.name else f"{settings.title}: {page.title}"
    if (entry := page.entry_of(model)) is None:
        if model in page.unrated:
            return Badge(model=model, rating=None, label=label)
        raise ModelNotFound(await _nearest(page, model, snapshots))
    return Badge(
        model=model,
        rating=entry.rating,
        lower=entry.lower,
        upper=entry.upper,
        rank_lower=entry.rank_lower,
        rank_upper=entry.rank_upper,
        preliminary=entry.preliminary,
        label=label,
    )


async def _nearest(page: BoardPage, model: str, snapshots: SnapshotReader) -> str:
    """Which models there are, and whether this one is on the main board of a population of our own."""
    boards = (await snapshots.newest()).boards
    others = [it.name for it in OWN_POPULATIONS if it.name in boards and it.name != page.name]
    if elsewhere := [name for name in others if await _has(snapshots, name, model)]:
        said = f"It is on: {', '.join(elsewhere)}; name one with ?board=."
        return f"There is no model {model!r} on the leaderboard {page.name!r}. {said}"
    names = [entry.model for entry in page.entries]
    return f"There is no model {model!r} on the leaderboard {page.name!r}.{_like(model, names)}"


def _like(model: str, names: Sequence[str]) -> str:
    near = nearest_names(model, names)
    if near:
        return f" The nearest are: {', '.join(near)}."
    return "" if names else " It has none yet."


async def _has(snapshots: SnapshotReader, name: str, model: str) -> bool:
    try:
        page = await board_page(snapshots, name)
    except LeaderboardNotFound:  # a snapshot that came in between
        return False
    return page.entry_of(model) is not None or model in page.unrated
