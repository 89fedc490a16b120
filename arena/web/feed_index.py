"""What the feed holds, and the JSON Schemas of its files."""

from difflib import get_close_matches
from typing import Any

from fastapi import APIRouter, Request, Response

from arena.errors import NotFound
from arena.web.deps import CurrentSettings, Snapshots
from arena.web.feed_answers import answer, as_json, content_file, described_by, licensed
from arena.web.schemas import SCHEMAS

router = APIRouter(prefix="/feed/v1", tags=["feed"])


@router.head("/index.json", include_in_schema=False)
@router.get("/index.json")
async def index(request: Request, snapshots: Snapshots, settings: CurrentSettings) -> Response:
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
    links = [described_by("index"), *licensed(settings.data_license)]
    return answer(request, content_file(as_json(body), modified=newest.generated_at, links=links))


@router.head("/schema/{name}.json", include_in_schema=False)
@router.get("/schema/{name}.json")
async def schema(name: str, request: Request) -> Response:
    """The JSON Schema of a feed file."""
    if name not in SCHEMAS:
        near = get_close_matches(name, SCHEMAS, cutoff=0.5) or list(SCHEMAS)
        raise NotFound(f"There is no schema {name!r}. The nearest are: {', '.join(near)}.")
    return answer(request, content_file(as_json(SCHEMAS[name]), media_type="application/schema+json"))
