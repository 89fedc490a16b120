"""A leaderboard to put into a page of one's own: in any frame, without script or cookie."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from arena.errors import NotFound
from arena.settings import Settings
from arena.web.boards import BoardPage, board_page
from arena.web.deps import CurrentSettings, Snapshots
from arena.web.feed_answers import FRESH, answer, content_file
from arena.web.rendering import environment

router = APIRouter(prefix="/embed", tags=["feed"])
HTML = "text/html; charset=utf-8"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors *"
)
FRAMED = FRESH | {"Content-Security-Policy": POLICY}
Top = Annotated[int, Query(ge=1, le=100, description="How many models are shown.")]
Theme = Annotated[
    Literal["auto", "light", "dark"], Query(description="Colours; `auto` follows the reader's system.")
]


@router.head("/leaderboard/{name}", include_in_schema=False)
@router.get("/leaderboard/{name}")
async def embedded_leaderboard(
    name: str,
    request: Request,
    snapshots: Snapshots,
    settings: CurrentSettings,
    top: Top = 10,
    theme: Theme = "auto",
) -> Response:
    """The first models of a board as a page for a frame."""
    try:
        board = await board_page(snapshots, name)
    except NotFound as missing:  # a problem in JSON would be all that a reader of the frame sees
        content = _page(settings, theme, None, 0, missing.detail)
        headers = FRAMED | {"Cache-Control": "no-store"}
        return Response(content, missing.status, headers, HTML)
    stale_since = (await snapshots.newest()).failing_since
    content = _page(settings, theme, board, top, stale_since=stale_since)
    modified = None if stale_since else board.generated_at  # a date that says nothing of being stale
    return answer(request, content_file(content, modified=modified, media_type=HTML, headers=FRAMED))


def _page(
    settings: Settings,
    theme: str,
    board: BoardPage | None,
    top: int,
    problem: str = "",
    stale_since: datetime | None = None,
) -> bytes:
    template = environment.get_template("embed.html")
    said = template.render(
        title=settings.title,
        theme=theme,
        board=board,
        entries=board.entries[:top] if board else (),
        problem=problem,
        stale_since=stale_since,
    )
    return said.encode()
