"""The public feed: for programs, open to every origin, never with a cookie."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from arena.errors import NotFound
from arena.web import (
    feed_badges,
    feed_boards,
    feed_changes,
    feed_embed,
    feed_history,
    feed_index,
    feed_releases,
    feed_trust,
)
from arena.web.feed_answers import OPEN, PREFLIGHT

router = APIRouter(tags=["feed"])
for part in (
    feed_index,
    feed_boards,
    feed_history,
    feed_changes,
    feed_badges,
    feed_embed,
    feed_trust,
    feed_releases,
):
    router.include_router(part.router)


async def beginning(request: Request) -> Response:
    """Who shortens the address to look around finds what there is."""
    return RedirectResponse("/feed/v1/index.json", headers=OPEN)


@router.options("/feed/v1/{path:path}", include_in_schema=False)
@router.options("/badge/{path:path}", include_in_schema=False)
@router.options("/embed/{path:path}", include_in_schema=False)
async def preflight() -> Response:
    """What a browser asks before a script of another site may send a conditional request."""
    return Response(status_code=204, headers=PREFLIGHT)


async def nothing(request: Request) -> Response:
    """An address that is none: without this, the preflight would make it a wrong method."""
    raise NotFound


for address in ("/feed", "/feed/", "/feed/v1", "/feed/v1/"):
    router.add_route(address, beginning, methods=["GET", "HEAD"], include_in_schema=False)
for prefix in ("/feed/v1", "/badge", "/embed"):
    router.add_route(f"{prefix}/{{path:path}}", nothing, methods=["GET", "HEAD"], include_in_schema=False)
