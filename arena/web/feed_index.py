"""What the feed holds, and the JSON Schemas of its files."""

from typing import Any

from fastapi import APIRouter, Request, Response

from arena.errors import NotFound
from arena.nearest import nearest_or_first
from arena.web.deps import CurrentSettings, Days, Snapshots
from arena.web.feed_answers import answer, as_json, content_file, described_by, licensed
from arena.web.schemas import SCHEMAS
from arena.web.snapshot_reader import Newest

router = APIRouter(prefix="/feed/v1", tags=["feed"])
FILES = {
    "changes": "/feed/v1/changes.json",
    "atom": "/feed/v1/atom.xml",
    "json_feed": "/feed/v1/feed.json",
    "models": "/feed/v1/models.json",
    "private_tests": "/feed/v1/private-tests.json",
    "policy": "/feed/v1/policy.json",
    "rates": "/feed/v1/rates.json",
    "integrity": "/feed/v1/integrity.json",
    "releases": "/feed/v1/releases.json",
}
TEMPLATES = {
    "leaderboard_of_day": "/feed/v1/history/{board}/{date}.json{?style_control}",
    "leaderboard_of_snapshot": "/feed/v1/snapshots/{snapshot}/leaderboards/{board}.json{?style_control}",
    "pairs_of_snapshot": "/feed/v1/snapshots/{snapshot}/pairs/{board}.json",
    "robustness_of_snapshot": "/feed/v1/snapshots/{snapshot}/robustness/{board}.json",
    "history": "/feed/v1/history/{board}.json{?from,to,style_control}",
    "changes": "/feed/v1/changes.json{?from,to}",
    "model": "/feed/v1/models/{+model}.json",
    "badge": "/badge/{+model}.svg{?board}",
    "badge_json": "/badge/{+model}.json{?board}",
    "embed": "/embed/leaderboard/{board}{?top,theme}",
}


@router.head("/index.json", include_in_schema=False)
@router.get("/index.json")
async def index(request: Request, snapshots: Snapshots, days: Days, settings: CurrentSettings) -> Response:
    """Everything there is, and in which snapshot."""
    newest = await snapshots.newest()
    body: dict[str, Any] = {
        "$schema": "/feed/v1/schema/index.json",
        "snapshot": newest.id,
        "generated_at": newest.generated_at,
        "stale_since": newest.failing_since,
        "license": settings.data_license,
        "files": FILES,
        **_of_boards(newest),
        "days": {day.date.isoformat(): day.snapshot for day in await days.days(newest)},
        "templates": TEMPLATES,
        "schemas": {name: f"/feed/v1/schema/{name}.json" for name in SCHEMAS},
    }
    links = [described_by("index"), *licensed(settings.data_license)]
    modified = None if newest.failing_since else newest.generated_at  # which says nothing of being stale
    return answer(request, content_file(as_json(body), modified=modified, links=links))


def _of_boards(newest: Newest) -> dict[str, dict[str, str]]:
    """The addresses of what there is of every board."""
    boards = newest.boards
    return {
        "leaderboards": {name: f"/feed/v1/leaderboards/{name}.json" for name in boards},
        "style_control": {
            name: f"/feed/v1/leaderboards/{name}.json?style_control=true" for name in newest.styled
        },
        "csv": {name: f"/feed/v1/leaderboards/{name}.csv" for name in boards},
        "pairs": {name: f"/feed/v1/pairs/{name}.json" for name in boards},
        "robustness": {name: f"/feed/v1/robustness/{name}.json" for name in newest.robust},
        "history": {name: f"/feed/v1/history/{name}.json" for name in boards},
        "embeds": {name: f"/embed/leaderboard/{name}" for name in boards},
    }


@router.head("/schema/{name}.json", include_in_schema=False)
@router.get("/schema/{name}.json")
async def schema(name: str, request: Request) -> Response:
    """The JSON Schema of a feed file."""
    if name not in SCHEMAS:
        raise NotFound(f"There is no schema {name!r}. {nearest_or_first(name, list(SCHEMAS))}")
    return answer(request, content_file(as_json(SCHEMAS[name]), media_type="application/schema+json"))
