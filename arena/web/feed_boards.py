"""Stored files of snapshots, of the newest or of a named one: leaderboards and pairs of models."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from arena.settings import Settings
from arena.snapshots import board_file
from arena.web.deps import CurrentSettings, Snapshots
from arena.web.feed_answers import FRESH, IMMUTABLE, FeedFile, alternate, answer, described_by, licensed
from arena.web.feed_csv import CSV, leaderboard_csv
from arena.web.snapshot_reader import SnapshotReader

router = APIRouter(prefix="/feed/v1", tags=["feed"])
StyleControl = Annotated[bool, Query(description="With the effect of style taken out.")]


@router.head("/leaderboards/{name}.json", include_in_schema=False)
@router.get("/leaderboards/{name}.json")
async def leaderboard(
    name: str,
    request: Request,
    snapshots: Snapshots,
    settings: CurrentSettings,
    style_control: StyleControl = False,
) -> Response:
    """The ratings of one category, of the newest snapshot."""
    newest = await snapshots.newest()
    file = await leaderboard_file(
        snapshots,
        settings,
        name,
        newest.id,
        style_control=style_control,
        alternates=_alternates(name, "csv", style_control),
    )
    return answer(request, file, of=newest)


@router.head("/leaderboards/{name}.csv", include_in_schema=False)
@router.get("/leaderboards/{name}.csv")
async def leaderboard_table(
    name: str,
    request: Request,
    snapshots: Snapshots,
    settings: CurrentSettings,
    style_control: StyleControl = False,
) -> Response:
    """The same as a table: a line a model, the fields of an entry as columns."""
    newest = await snapshots.newest()
    stored = board_file(name, style_control=style_control)
    file = FeedFile(
        body=await snapshots.parsed(stored, leaderboard_csv, newest.id),
        etag=newest.id,
        modified=newest.generated_at,
        media_type=CSV,
        links=[
            *_alternates(name, "json", style_control),
            *licensed(await license_of(snapshots, settings, stored, newest.id)),
        ],
    )
    return answer(request, file, of=newest)


@router.head("/pairs/{name}.json", include_in_schema=False)
@router.get("/pairs/{name}.json")
async def pairs(name: str, request: Request, snapshots: Snapshots, settings: CurrentSettings) -> Response:
    """How each pair of models fared against each other, of the newest snapshot."""
    newest = await snapshots.newest()
    file = await _other_file("pairs", snapshots, settings, name, newest.id, FRESH)
    return answer(request, file, of=newest)


@router.head("/snapshots/{snapshot_id}/leaderboards/{name}.json", include_in_schema=False)
@router.get("/snapshots/{snapshot_id}/leaderboards/{name}.json")
async def leaderboard_of_snapshot(
    snapshot_id: str,
    name: str,
    request: Request,
    snapshots: Snapshots,
    settings: CurrentSettings,
    style_control: StyleControl = False,
) -> Response:
    """A leaderboard of a named snapshot; it never changes."""
    file = await leaderboard_file(
        snapshots, settings, name, snapshot_id, style_control=style_control, headers=IMMUTABLE
    )
    return answer(request, file)


@router.head("/snapshots/{snapshot_id}/pairs/{name}.json", include_in_schema=False)
@router.get("/snapshots/{snapshot_id}/pairs/{name}.json")
async def pairs_of_snapshot(
    snapshot_id: str, name: str, request: Request, snapshots: Snapshots, settings: CurrentSettings
) -> Response:
    """The pairs of a named snapshot; they never change."""
    return answer(request, await _other_file("pairs", snapshots, settings, name, snapshot_id, IMMUTABLE))


@router.head("/robustness/{name}.json", include_in_schema=False)
@router.get("/robustness/{name}.json")
async def robustness(
    name: str, request: Request, snapshots: Snapshots, settings: CurrentSettings
) -> Response:
    """What would change a main board, of the newest snapshot."""
    newest = await snapshots.newest()
    file = await _other_file("robustness", snapshots, settings, name, newest.id, FRESH)
    return answer(request, file, of=newest)


@router.head("/snapshots/{snapshot_id}/robustness/{name}.json", include_in_schema=False)
@router.get("/snapshots/{snapshot_id}/robustness/{name}.json")
async def robustness_of_snapshot(
    snapshot_id: str, name: str, request: Request, snapshots: Snapshots, settings: CurrentSettings
) -> Response:
    """The same of a named snapshot; it never changes."""
    return answer(request, await _other_file("robustness", snapshots, settings, name, snapshot_id, IMMUTABLE))


async def leaderboard_file(
    snapshots: SnapshotReader,
    settings: Settings,
    name: str,
    snapshot_id: str,
    *,
    style_control: bool = False,
    headers: Mapping[str, str] = FRESH,
    alternates: Sequence[str] = (),
) -> FeedFile:
    """A stored leaderboard, with links to what shows the same numbers; raises `SnapshotNotFound` or
    `LeaderboardNotFound`."""
    links = [described_by("leaderboard"), *alternates]
    stored = board_file(name, style_control=style_control)
    return await _stored(snapshots, settings, stored, snapshot_id, links, headers)


async def _other_file(
    kind: Literal["pairs", "robustness"],
    snapshots: SnapshotReader,
    settings: Settings,
    name: str,
    snapshot_id: str,
    headers: Mapping[str, str],
) -> FeedFile:
    """What else there is of a board; its page shows that of the newest snapshot."""
    page = [alternate(f"/{kind}/{name}", "text/html")] if headers is FRESH else []
    return await _stored(
        snapshots, settings, f"{kind}/{name}.json", snapshot_id, [described_by(kind), *page], headers
    )


async def _stored(
    snapshots: SnapshotReader,
    settings: Settings,
    file: str,
    snapshot_id: str,
    links: Iterable[str],
    headers: Mapping[str, str],
) -> FeedFile:
    return FeedFile(
        body=await snapshots.compressed(file, snapshot_id),
        etag=snapshot_id,
        modified=await snapshots.made_at(snapshot_id),
        headers=headers,
        links=[*links, *licensed(await license_of(snapshots, settings, file, snapshot_id))],
    )


def _alternates(name: str, other: str, style_control: bool) -> list[str]:
    query = "?style_control=true" if style_control else ""
    media_type = {"csv": "text/csv", "json": "application/json"}[other]
    return [
        alternate(f"/feed/v1/leaderboards/{name}.{other}{query}", media_type),
        alternate(f"/leaderboard/{name}", "text/html"),
    ]


async def license_of(
    snapshots: SnapshotReader, settings: Settings, file: str, snapshot_id: str
) -> str | None:
    """Votes from elsewhere keep their licence; what is made of our own goes by that of our data."""
    folder, name = file.split("/", 1)
    board = file if folder == "leaderboards" else f"leaderboards/{name}"
    kind, license = await snapshots.parsed(board, kind_and_license, snapshot_id)
    given: str | None = license
    return given if kind == "imported" else settings.data_license


def kind_and_license(payload: bytes) -> tuple[str, str | None]:
    """Whose votes a leaderboard file is made of, and under which licence they came."""
    board = orjson.loads(payload)
    return board["kind"], board["license"]
