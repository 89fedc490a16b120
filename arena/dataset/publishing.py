"""Publish a release: check its folder, bring every destination up to date, write down where it is found."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from arena.dataset.destinations import Advance, Destination, destinations_of
from arena.dataset.release_folder import ReleaseFolder, read_release_folder
from arena.db import Database
from arena.errors import PublishRefused, Unavailable
from arena.logs import get_log
from arena.records import Release, ReleaseCopy
from arena.settings import Settings

log = get_log("arena.dataset")
Show = Callable[[str], AbstractContextManager[Advance]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one destination."""

    destination: str
    address: str
    failure: str | None = None


def _quietly(what: str) -> AbstractContextManager[Advance]:
    return nullcontext(lambda share: None)


async def publish_release(
    database: Database, settings: Settings, directory: Path, show: Show = _quietly
) -> list[Outcome]:
    """Publish to every destination that is set; one that fails does not stop the others.

    Raises `PublishRefused` for a folder that is no whole release of this arena's for everybody.
    """
    async with database.locked("publish") as ours:
        if not ours:
            raise Unavailable(
                "Another process is publishing a release right now. Publish again when it is done."
            )
        folder = await asyncio.to_thread(read_release_folder, directory)
        await _must_be_ours(database, folder)
        return [await _publish(database, folder, each, show) for each in destinations_of(settings)]


async def _must_be_ours(database: Database, folder: ReleaseFolder) -> None:
    async with database.sessions() as session:
        release = await session.get(Release, folder.name)
    if release is None:
        raise PublishRefused(
            f"This arena has no release {folder.name!r}: it publishes only what it exported itself."
        )
    if release.variant != "open":
        raise PublishRefused(
            f"{folder.name!r} is an export of the variant {release.variant!r}, for the operator alone."
        )


async def _publish(
    database: Database, folder: ReleaseFolder, destination: Destination, show: Show
) -> Outcome:
    name, address = destination.name, destination.address(folder.name)
    try:
        with show(name) as advance:
            await asyncio.to_thread(destination.publish, folder, advance)
    except Exception as error:  # whatever a library of another's raises
        failure = _in_words(error)
        log.warning("publishing_failed", release=folder.name, destination=name, error=failure)
        return Outcome(destination=name, address=address, failure=failure)
    said = {"address": address, "digest": folder.digest, "facts": folder.facts()}
    row = insert(ReleaseCopy).values(release=folder.name, destination=name, **said)
    keys = [ReleaseCopy.release, ReleaseCopy.destination]
    now = {"published_at": func.clock_timestamp()}
    async with database.sessions.begin() as session:
        await session.execute(row.on_conflict_do_update(index_elements=keys, set_=said | now))
    log.info("release_published", release=folder.name, destination=name, address=address)
    return Outcome(destination=name, address=address)


def _in_words(error: BaseException) -> str:
    """What went wrong, and what had gone wrong before that."""
    said = f"{type(error).__name__}: {error}"
    return f"{said} ({_in_words(error.__cause__)})" if error.__cause__ else said


def failures(outcomes: Sequence[Outcome]) -> str:
    """Which destinations failed and why, as a sentence; empty where none did."""
    return "; ".join(f"{each.destination}: {each.failure}" for each in outcomes if each.failure)
