"""The public feed: for programs, open to every origin, never with a cookie, cached by the snapshot's id."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from arena.errors import NotFound
from arena.leaderboards import board_names, newest_snapshot, read_board
from arena.tables import Snapshot
from arena.web.deps import Db
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


def cached(request: Request, body: str | bytes, etag: str, headers: dict[str, str]) -> Response:
    """The body, or 304 for a program that has it already."""
    headers = headers | {"ETag": f'"{etag}"'}
    given = request.headers.get("if-none-match", "")
    if given == "*" or f'"{etag}"' in [tag.strip().removeprefix("W/") for tag in given.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.head("/index.json", include_in_schema=False)
@router.get("/index.json")
async def index(request: Request, db: Db) -> Response:
    """What there is, and in which snapshot."""
    snapshot = await newest_snapshot(db)
    names = await board_names(db, snapshot.id)
    body: dict[str, Any] = {
        "$schema": "/feed/v1/schema/index.json",
        "snapshot": snapshot.id,
        "generated_at": snapshot.created_at,
        "leaderboards": {name: f"/feed/v1/leaderboards/{name}.json" for name in names},
        "schemas": {name: f"/feed/v1/schema/{name}.json" for name in SCHEMAS},
    }
    return cached(request, orjson.dumps(body, option=orjson.OPT_UTC_Z), snapshot.id, FRESH)


@router.head("/leaderboards/{name}.json", include_in_schema=False)
@router.get("/leaderboards/{name}.json")
async def leaderboard(name: str, request: Request, db: Db) -> Response:
    """The ratings of one category, of the newest snapshot."""
    snapshot = await newest_snapshot(db)
    return _board(request, snapshot, await read_board(db, name, snapshot.id), FRESH)


@router.head("/snapshots/{snapshot_id}/leaderboards/{name}.json", include_in_schema=False)
@router.get("/snapshots/{snapshot_id}/leaderboards/{name}.json")
async def dated_leaderboard(snapshot_id: str, name: str, request: Request, db: Db) -> Response:
    """The same of a named snapshot, for ever."""
    body = await read_board(db, name, snapshot_id)
    return cached(request, body, snapshot_id, IMMUTABLE | _described())


def _board(request: Request, snapshot: Snapshot, body: str, headers: dict[str, str]) -> Response:
    return cached(request, body, snapshot.id, headers | _described())


def _described() -> dict[str, str]:
    return {"Link": '</feed/v1/schema/leaderboard.json>; rel="describedby"'}


@router.head("/schema/{name}.json", include_in_schema=False)
@router.get("/schema/{name}.json")
async def schema(name: str) -> Response:
    """The JSON Schema of a feed file."""
    if name not in SCHEMAS:
        raise NotFound(f"There is no schema {name!r}. There are: {', '.join(SCHEMAS)}.")
    return Response(orjson.dumps(SCHEMAS[name]), media_type="application/schema+json", headers=FRESH)


@router.options("/index.json", include_in_schema=False)
@router.options("/leaderboards/{name}.json", include_in_schema=False)
@router.options("/snapshots/{snapshot_id}/leaderboards/{name}.json", include_in_schema=False)
@router.options("/schema/{name}.json", include_in_schema=False)
async def preflight() -> Response:
    """What a browser asks before a script of another site may send a conditional request."""
    return Response(status_code=204, headers=PREFLIGHT)
