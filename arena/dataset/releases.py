"""Releases in the database: opened once, exported again as long as their key lives, closed for good."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from arena.errors import OtherVariant, ReleaseClosed, ReleaseInvalid, ReleaseNotFound, Unavailable
from arena.records import ModelVersion, Release, Variant
from arena.tables import ImportedVote, Model, Vote
from arena.versions import versions_of
from arena.votes import WITHHELD
from ratings.release.schema import NAME

KEY_BYTES = 32
PATIENCE_SECONDS = 10
FACTS = (
    "organization",
    "license",
    "open_weights",
    "parameters_billions",
    "link",
    "description",
    "aliases",
    "demo",
)
UNTOLD: dict[str, Any] = {**WITHHELD, "parameters_billions": None, "aliases": [], "demo": False}


def release_name(given: str | None, variant: Variant) -> str:
    """The name asked for, or the month's; raises `ReleaseInvalid` for one that cannot name a folder."""
    month = datetime.now(UTC).strftime("%Y-%m")
    name = given or (month if variant == "open" else f"{month}-audit")
    if not NAME.fullmatch(name):
        raise ReleaseInvalid(
            f"{name!r} cannot name a release. Use small letters, digits, hyphens and dots, such as {month}."
        )
    return name


async def open_release(session: AsyncSession, name: str, variant: Variant) -> Release:
    """The release of this name, opened now if there is none.

    It sees the votes that are cast at this moment, and what is known of the models now: exported again, it is the same.
    Raises `ReleaseClosed` or `OtherVariant`.
    """
    release = await session.get(Release, name)
    if release is None:
        last_vote_id, last_imported_id = await _last_votes(session)
        release = Release(
            name=name,
            variant=variant,
            key=secrets.token_bytes(KEY_BYTES),
            last_vote_id=last_vote_id,
            last_imported_id=last_imported_id,
            models=await _models(session),
        )
        session.add(release)
        await session.flush()
        await session.refresh(release)
    if release.state == "closed":
        raise ReleaseClosed(
            f"The release {name!r} is closed: its key is destroyed, and nobody can export it again. Give the next one "
            "another name with --release NAME."
        )
    if release.variant != variant:
        raise OtherVariant(
            f"The release {name!r} is of the variant {release.variant!r}. Give the {variant} one another name."
        )
    return release


async def close_release(session: AsyncSession, name: str) -> Release:
    """Destroy the key: its pseudonyms can never be made again. Raises `ReleaseNotFound`."""
    release = await session.get(Release, name, with_for_update=True)
    if release is None:
        known = ", ".join(await session.scalars(select(Release.name).order_by(Release.opened_at))) or "none"
        raise ReleaseNotFound(f"There is no release {name!r}. There are: {known}.")
    if release.state == "imported":
        raise ReleaseClosed(f"The release {name!r} came from another arena: this one never had its key.")
    if release.state == "open":
        release.state, release.key, release.closed_at = "closed", None, datetime.now(UTC)
    return release


async def _last_votes(session: AsyncSession) -> tuple[int, int]:
    """Numbers of the last votes, once none with a lower number is still on its way."""
    await session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'"))
    try:
        # Numbers are given before rows are seen: a moment without writers makes the greatest number a cut.
        await session.execute(text("LOCK TABLE vote, imported_vote IN SHARE MODE"))
    except OperationalError as error:
        raise Unavailable(
            "Votes are being written without a pause, by an import perhaps. Export again when it is done."
        ) from error
    last_votes = [select(func.coalesce(func.max(table.id), 0)) for table in (Vote, ImportedVote)]
    own, imported = [await session.scalar(query) or 0 for query in last_votes]
    return own, imported


async def _models(session: AsyncSession) -> dict[str, Any]:
    """What `models.parquet` says of every model, by number; of a private test, what its voters are told."""
    models = (await session.scalars(select(Model).order_by(Model.id))).all()
    versions = await versions_of(session, models)
    return {str(model.id): _model(model, versions[model.id]) for model in models}


def _model(model: Model, versions: Sequence[ModelVersion]) -> dict[str, Any]:
    facts = {fact: getattr(model, fact) for fact in FACTS}
    if model.private_test:
        facts, versions = UNTOLD, []
    return {
        "model": model.public_name,
        **facts,
        "status": model.status,
        "listed_on": _day(model.private_since if model.private_test else model.listed_at),
        "retired_on": model.retired_on,
        "retired_reason": model.retired_reason if model.status == "retired" else None,
        "versions": [_version(number, version) for number, version in enumerate(versions, start=1)],
        "served_from": [version.first_served_at.isoformat() for version in versions],
    }


def _version(number: int, version: ModelVersion) -> dict[str, Any]:
    facts = ("organization", "license", "open_weights", "aliases", "endpoints", "reason")
    return {
        "number": number,
        "name": version.served_as,
        **{fact: getattr(version, fact) for fact in facts},
        "decoding": version.decoding,
        "first_day": _day(version.first_served_at),
        "last_day": _day(version.last_served_at),
    }


def _day(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).date().isoformat() if moment else None
