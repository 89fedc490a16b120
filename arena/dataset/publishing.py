"""Publish a release: check its folder, bring every destination up to date, write down where it is found."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from arena.dataset.destinations import Advance, Destination, destinations_of
from arena.dataset.release_folder import ReleaseFolder, read_release_folder
from arena.dataset.signing import public_key, signing_key
from arena.dataset.withholding import WITHDRAWN, named_in_releases
from arena.db import Database
from arena.errors import PublishRefused, Unavailable
from arena.logs import get_log
from arena.records import Release, ReleaseCopy
from arena.settings import Settings
from arena.voters import Signer
from ratings.release.checks import BATTLES_FILE
from ratings.release.schema import PUBLIC_KEY
from ratings.release.tables import TableReader
from ratings.release.verification import verify

log = get_log("arena.dataset")
SEEN_FINDINGS = 10
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

    Raises `PublishRefused` for a folder that is no whole release of this arena's for everybody, and after publishing
    where it went out with battles that were withdrawn or erased meanwhile.
    """
    async with database.locked("publish") as ours:
        if not ours:
            raise Unavailable(
                "Another process is publishing a release right now. Publish again when it is done."
            )
        folder = await asyncio.to_thread(read_release_folder, directory)
        await asyncio.to_thread(_must_be_signed_by, signing_key(settings), directory)
        arena = Signer(settings.secret())
        await _must_be_up_to_date(database, arena, folder)
        if not await _is_known(database, folder):
            await asyncio.to_thread(_must_verify, directory)
        outcomes = [await _publish(database, folder, each, show) for each in destinations_of(settings)]
        # Uploads take hours, and once the release is closed nobody can take a battle out of it.
        await _must_be_up_to_date(database, arena, folder)
        return outcomes


async def _is_known(database: Database, folder: ReleaseFolder) -> bool:
    """Whether just this was published before, and so was checked in full. Raises `PublishRefused` for what is not ours.

    A release that was made with an older version of the method stays publishable that way.
    """
    async with database.sessions() as session:
        release = await session.get(Release, folder.name)
        copies = select(ReleaseCopy.digest).where(ReleaseCopy.release == folder.name)
        digests = {*await session.scalars(copies)}
    if release is None:
        raise PublishRefused(
            f"This arena has no release {folder.name!r}: it publishes only what it exported itself."
        )
    if release.variant != "open":
        raise PublishRefused(
            f"{folder.name!r} is an export of the variant {release.variant!r}, for the operator alone."
        )
    if release.manifest is not None and dict(folder.manifest) != release.manifest:
        raise PublishRefused(f"This is not {folder.name!r} as this arena exported it. Export it again.")
    return folder.digest in digests


def _must_be_signed_by(key: Ed25519PrivateKey, directory: Path) -> None:
    """Anybody can sign a release with some key. Raises `PublishRefused`."""
    if (directory / PUBLIC_KEY).read_bytes() != public_key(key):
        raise PublishRefused(f"{directory} is signed with another key than this arena's.")


async def _must_be_up_to_date(database: Database, arena: Signer, folder: ReleaseFolder) -> None:
    """What voters withdrew or erased since is not put out again. Raises `PublishRefused`."""
    async with database.sessions() as session:
        withdrawn = {*named_in_releases(await session.execute(text(WITHDRAWN)), arena)}
    held = TableReader(folder.path / BATTLES_FILE).batches(columns=["battle_id"])
    again = {battle for batch in held for battle in withdrawn.intersection(batch["battle_id"].to_pylist())}
    if again:
        raise PublishRefused(
            f"{len(again)} battles of {folder.name!r} were withdrawn or erased since. While the release is open, "
            "export it again: they are gone from it then. Once it is closed, publish the next one in its place."
        )


def _must_verify(directory: Path) -> None:
    """The check that readers make, too. Raises `PublishRefused`."""
    findings = verify(directory)
    if findings:
        seen = "\n".join(f"  {finding}" for finding in findings[:SEEN_FINDINGS])
        raise PublishRefused(f"{directory} does not verify; the first of {len(findings)} findings:\n{seen}")


async def _publish(
    database: Database, folder: ReleaseFolder, destination: Destination, show: Show
) -> Outcome:
    name, address = destination.name, destination.address(folder.name)
    given_up = Event()
    try:
        with show(name) as advance:
            await asyncio.to_thread(destination.publish, folder, _until(given_up, advance))
    except asyncio.CancelledError:
        given_up.set()  # the thread ends with the file that it is at
        raise
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


def _until(given_up: Event, advance: Advance) -> Advance:
    def go_on(share: float) -> None:
        if given_up.is_set():
            raise InterruptedError("The program ends.")
        advance(share)

    return go_on


def _in_words(error: BaseException) -> str:
    """What went wrong, and what had gone wrong before that."""
    said = f"{type(error).__name__}: {error}"
    return f"{said} ({_in_words(error.__cause__)})" if error.__cause__ else said


def failures(outcomes: Sequence[Outcome]) -> str:
    """Which destinations failed and why, as a sentence; empty where none did."""
    return "; ".join(f"{each.destination}: {each.failure}" for each in outcomes if each.failure)
