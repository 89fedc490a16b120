"""The public feed: for programs, open to every origin, never with a cookie."""

from fastapi import APIRouter, Response

from arena.web import feed_boards, feed_index
from arena.web.feed_answers import PREFLIGHT

router = APIRouter(tags=["feed"])
for part in (feed_index, feed_boards):
    router.include_router(part.router)


@router.options("/feed/v1/{path:path}", include_in_schema=False)
async def preflight() -> Response:
    """What a browser asks before a script of another site may send a conditional request."""
    return Response(status_code=204, headers=PREFLIGHT)
