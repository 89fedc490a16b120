"""What is told of the releases that were published, and where they are found."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.dataset.destinations import SITE
from arena.records import Release, ReleaseCopy
from arena.settings import Settings
from ratings.release.manifest import rows_in
from ratings.release.schema import DATA

WITHDRAWN: Final = "withdrawn.txt"
COUNTED: Final = {file.removeprefix("data/").removesuffix(".parquet"): file for file in DATA}


async def published_releases(session: AsyncSession, settings: Settings) -> list[dict[str, Any]]:
    """Every published release of the open variant, as the feed tells of it, the newest first."""
    query = (
        select(Release, ReleaseCopy)
        .join(ReleaseCopy, ReleaseCopy.release == Release.name)
        .where(Release.variant == "open")
        .order_by(ReleaseCopy.published_at)
    )
    copies: dict[str, tuple[Release, list[ReleaseCopy]]] = {}
    for release, copy in await session.execute(query):
        copies.setdefault(release.name, (release, []))[1].append(copy)
    records = [_record(release, each, settings) for release, each in copies.values()]
    return sorted(records, key=lambda record: (record["cut_week"], record["name"]), reverse=True)


async def copy_on_site(session: AsyncSession, settings: Settings, name: str) -> tuple[Release, str] | None:
    """The release that this site serves under the name, and the digest of its SHA256SUMS."""
    if SITE not in settings.release_destinations:
        return None
    release = await session.get(Release, name)
    copy = await session.get(ReleaseCopy, (name, SITE))
    return None if release is None or copy is None or release.variant != "open" else (release, copy.digest)


def _record(release: Release, copies: Sequence[ReleaseCopy], settings: Settings) -> dict[str, Any]:
    newest = copies[-1]
    facts = newest.facts
    found = [each for copy in copies if (each := _address(copy, settings))]
    withdrawn = (_file_address(copy, settings, WITHDRAWN) for copy in copies if copy.digest == newest.digest)
    return {
        "name": release.name,
        "variant": release.variant,
        "state": release.state,
        "cut_week": facts["cut_week"],
        "published_at": newest.published_at,
        **{what: rows_in(facts, file) for what, file in _counts()},
        "bytes": sum(each["bytes"] for each in facts["files"].values()),
        "license": facts["license"],
        "withheld": facts["withheld"],
        "withdrawn": facts["withdrawn"],
        "withdrawn_list": _first(withdrawn),
        "checksums_digest": newest.digest,
        "signed_by": facts["signed_by"],
        "addresses": found,
    }


def _counts() -> Iterable[tuple[str, str]]:
    return ((what, COUNTED[what]) for what in ("battles", "turns", "votes", "models"))


def _address(copy: ReleaseCopy, settings: Settings) -> dict[str, Any] | None:
    """Where all may find it; a folder is the operator's own business, and so is a place that is set no more."""
    kind = _kind(copy.destination)
    if kind is None or (kind == SITE and SITE not in settings.release_destinations):
        return None
    return {
        "kind": kind,
        "address": _base(copy, settings) + copy.address,
        "checksums_digest": copy.digest,
        "published_at": copy.published_at,
    }


def _file_address(copy: ReleaseCopy, settings: Settings, file: str) -> str | None:
    found = _address(copy, settings)
    if found is None:
        return None
    address: str = found["address"]
    return f"{address.replace('/tree/', '/resolve/') if found['kind'] == 'hub' else address}/{file}"


def _kind(destination: str) -> str | None:
    if destination == SITE:
        return SITE
    return {"s3://": "s3", "hf://": "hub"}.get(destination[:5])


def _base(copy: ReleaseCopy, settings: Settings) -> str:
    return (settings.public_url or "").rstrip("/") if copy.destination == SITE else ""


def _first(addresses: Iterable[str | None]) -> str | None:
    return next(filter(None, addresses), None)
