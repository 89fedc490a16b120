"""The public feed: for programs, open to every origin, never with a cookie, cached by the snapshot's id."""

import gzip
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from arena.errors import NotFound
from arena.web.deps import Snapshots
from arena.web.schemas import SCHEMAS

router = APIRouter(prefix="/feed/v1", tags=["feed"])
OPEN = {"Access-Control-Allow-Origin": "*"}
FRESH = OPEN | {"Cache-Control": "public, max-age=15, stale-while-revalidate=60"}
PREFLIGHT = OPEN | {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
}
IMMUTABLE = OPEN | {"Cache-Control": "public, max-age=31536000, immutable"}


def unchanged(request: Request, etag: str) -> bool:
    """Whether the program that asks has this version already."""
    given = request.headers.get("if-none-match", "")
    return given == "*" or f'"{etag}"' in [tag.strip().removeprefix("W/") for tag in given.split(",")]


def cached(request: Request, body: bytes, etag: str, headers: dict[str, str]) -> Response:
    """The body, compressed for those who take it so, or 304 for a program that has it already."""
    headers = headers | {"ETag": f'"{etag}"', "Vary": "Accept-Encoding"}
    if unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type="application/json", headers=headers)


@router.head("/index.json", include_in_schema=False)
@router.get("/index.json")
async def index(request: Request, snapshots: Snapshots) -> Response:
    """What there is, and in which snapshot."""
    newest = await snapshots.newest()
    body: dict[str, Any] = {
        "$schema": "/feed/v1/schema/index.json",
        "snapshot": newest.id,
        "generated_at": newest.generated_at,
        "leaderboards": {name: f"/feed/v1/leaderboards/{name}.json" for name in newest.boards},
        "pairs": {name: f"/feed/v1/pairs/{name}.json" for name in newest.boards},
        "schemas": {name: f"/feed/v1/schema/{name}.json" for name in SCHEMAS},
    }
    return cached(request, gzip.compress(orjson.dumps(body, option=orjson.OPT_UTC_Z)), newest.id, FRESH)


StyleControl = Annotated[bool, Query(description="With the effect of style taken out.")]


@router.head("/leaderboards/{name}.json", include_in_schema=False)
@router.get("/leaderboards/{name}.json")
async def leaderboard(
    name: str, request: Request, snapshots: Snapshots, style_control: StyleControl = False
) -> Response:
    """The ratings of one category, of the newest snapshot."""
    newest = await snapshots.newest()
    return await _file(request, snapshots, _board_file(name, style_control), newest.id, FRESH, "leaderboard")


@router.head("/pairs/{name}.json", include_in_schema=False)
@router.get("/pairs/{name}.json")
async def pairs(name: str, request: Request, snapshots: Snapshots) -> Response:
    """How each pair of models fared against each other, of the newest snapshot."""
    newest = await snapshots.newest()
    return await _file(request, snapshots, f"pairs/{name}.json", newest.id, FRESH, "pairs")


@router.head("/snapshots/{snapshot_id}/leaderboards/{name}.json", include_in_schema=False)
@router.get("/snapshots/{snapshot_id}/leaderboards/{name}.json")
async def dated_leaderboard(
    snapshot_id: str, name: str, request: Request, snapshots: Snapshots, style_control: StyleControl = False
) -> Response:
    """The same of a named snapshot, for ever."""
    file = _board_file(name, style_control)
    return await _file(request, snapshots, file, snapshot_id, IMMUTABLE, "leaderboard")


def _board_file(name: str, style_control: bool) -> str:
    return f"leaderboards/{name}{'.style' if style_control else ''}.json"


async def _file(
    request: Request,
    snapshots: Snapshots,
    file: str,
    snapshot_id: str,
    headers: dict[str, str],
    schema: str,
) -> Response:
    body = await snapshots.compressed(file, snapshot_id)
    described = {"Link": f'</feed/v1/schema/{schema}.json>; rel="describedby"'}
    return cached(request, body, snapshot_id, headers | described)


@router.head("/schema/{name}.json", include_in_schema=False)
@router.get("/schema/{name}.json")
async def schema(name: str) -> Response:
    """The JSON Schema of a feed file."""
    if name not in SCHEMAS:
        raise NotFound(f"There is no schema {name!r}. There are: {', '.join(SCHEMAS)}.")
    return Response(orjson.dumps(SCHEMAS[name]), media_type="application/schema+json", headers=FRESH)


@router.options("/index.json", include_in_schema=False)
@router.options("/leaderboards/{name}.json", include_in_schema=False)
@router.options("/pairs/{name}.json", include_in_schema=False)
@router.options("/snapshots/{snapshot_id}/leaderboards/{name}.json", include_in_schema=False)
@router.options("/schema/{name}.json", include_in_schema=False)
async def preflight() -> Response:
    """What a browser asks before a script of another site may send a conditional request."""
    return Response(status_code=204, headers=PREFLIGHT)
