"""What changed from day to day: as JSON, and for feed readers as Atom and as JSON Feed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from arena.dataset.published import published_releases
from arena.web.deps import Changes, CurrentSettings, Days, Db, Made, Snapshots
from arena.web.feed_answers import answer, as_json, content_file, described_by, licensed
from arena.web.feed_history import From, To, within
from arena.web.feed_syndication import ATOM, JSON_FEED, Item, atom, json_feed, site_of

router = APIRouter(prefix="/feed/v1", tags=["feed"])
SHOWN_DAYS = 30


@router.head("/changes.json", include_in_schema=False)
@router.get("/changes.json")
async def changes(
    request: Request,
    snapshots: Snapshots,
    days: Days,
    changes: Changes,
    settings: CurrentSettings,
    made: Made,
    first: From = None,
    to: To = None,
) -> Response:
    """What changed on the main boards from each day to the next, newest first; the last 30 days unless a period is
    given."""
    newest = await snapshots.newest()
    known = await days.days(newest)
    chosen = within(known, first, to)
    found = await changes.of_days(chosen if first or to else chosen[-SHOWN_DAYS:], known)
    says = {
        "$schema": "/feed/v1/schema/changes.json",
        "generated_at": newest.generated_at,
        "changes": found,
    }
    links = [described_by("changes"), *licensed(settings.data_license)]
    of = ("changes", newest.id, *(f"{each['snapshot_before']} {each['snapshot']}" for each in found))
    return await made.answer(request, lambda: as_json(says), of=of, modified=newest.generated_at, links=links)


@router.head("/atom.xml", include_in_schema=False)
@router.get("/atom.xml")
async def changes_as_atom(
    request: Request, snapshots: Snapshots, days: Days, changes: Changes, settings: CurrentSettings, db: Db
) -> Response:
    """The same of the last 30 days for feed readers, as Atom: an entry a day with changes, and a release."""
    site = site_of(settings, str(request.base_url))
    newest = await snapshots.newest()
    known = await days.days(newest)
    releases = await published_releases(db, settings)
    items = _items(await changes.of_days(known[-SHOWN_DAYS:], known), releases)
    updated = _updated(newest.generated_at, items)
    return answer(request, content_file(atom(site, items, updated), modified=updated, media_type=ATOM))


@router.head("/feed.json", include_in_schema=False)
@router.get("/feed.json")
async def changes_as_json_feed(
    request: Request, snapshots: Snapshots, days: Days, changes: Changes, settings: CurrentSettings, db: Db
) -> Response:
    """The same as JSON Feed 1.1."""
    site = site_of(settings, str(request.base_url))
    newest = await snapshots.newest()
    known = await days.days(newest)
    releases = await published_releases(db, settings)
    items = _items(await changes.of_days(known[-SHOWN_DAYS:], known), releases)
    content, updated = as_json(json_feed(site, items)), _updated(newest.generated_at, items)
    links = [described_by("feed")]
    return answer(request, content_file(content, modified=updated, media_type=JSON_FEED, links=links))


def _items(changes: Sequence[Mapping[str, Any]], releases: Sequence[Mapping[str, Any]]) -> list[Item]:
    """One for each day on which anything changed, and one for each release, the newest first."""
    found = [
        Item(
            date=each["date"],
            published=datetime.combine(each["date"], datetime.min.time(), UTC),
            updated=each["generated_at"],
            sentences=tuple(each["summary"]),
        )
        for each in changes
    ]
    found += [_item_of_release(each) for each in releases]
    return sorted(found, key=lambda item: item.updated, reverse=True)


def _item_of_release(release: Mapping[str, Any]) -> Item:
    name = release["name"]
    holds = f"It holds {release['battles']:,} battles with {release['votes']:,} votes."
    return Item(
        date=date.fromisoformat(release["cut_week"]),
        published=release["published_at"].astimezone(UTC),
        updated=release["published_at"],
        sentences=(f"Release {name} of the open data is published.", holds),
        kind=f"release-{name}",
        path=f"/data#{name}",
    )


def _updated(generated_at: datetime, items: Sequence[Item]) -> datetime:
    return max([generated_at, *(item.updated for item in items)])
