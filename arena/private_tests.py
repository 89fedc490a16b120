"""Private tests: models that are drawn and voted on before they are announced, under rules that nobody can bend.

A test goes by its codename. How many run is public at once; what the votes came to is published at the release, or some
time after a test that was given up, and no one takes it back. The public board counts battles from the release on.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.errors import CatalogInvalid
from arena.records import PrivateResult
from arena.tables import Endpoint, Model


class Listed(Protocol):
    """What the catalog says of a model, as far as private tests go."""

    name: str
    organization: str
    private_test: bool
    codename: str | None


def check_cap(listed: Iterable[Listed], most: int) -> None:
    """Raise `CatalogInvalid` where an organisation would run more private tests at once than anybody may."""
    names: dict[str, list[str]] = defaultdict(list)
    spelled: dict[str, str] = {}
    for model in listed:
        if model.private_test:
            key = model.organization.casefold()
            names[key].append(model.name)
            spelled.setdefault(key, model.organization)
    for key, tests in names.items():
        if len(tests) > most:
            raise CatalogInvalid(
                f"{spelled[key]} has {len(tests)} private tests: {', '.join(tests)}. At most {most} may run at once,"
                " for every organisation alike. Release one by removing its private_test, take one out of the"
                " catalog and stop its model server, or set ARENA_PRIVATE_TESTS_MAX for all."
            )


async def served_tests(session: AsyncSession, *, but: str) -> Sequence[Model]:
    """Private tests that are drawn now, but for one."""
    served = exists().where(Endpoint.model_id == Model.id)
    query = select(Model).where(Model.private_test, Model.status == "active", served, ~has_ended())
    return (await session.scalars(query.where(Model.name != but).order_by(Model.name))).all()


async def served_without_listing(session: AsyncSession, listed: Iterable[str]) -> Sequence[Model]:
    """Private tests that the catalog does not list and a model server keeps in the draw."""
    served = exists().where(Endpoint.model_id == Model.id, Endpoint.source != "catalog")
    query = select(Model).where(Model.private_test, Model.status == "active", served, ~has_ended())
    return (await session.scalars(query.where(Model.name.not_in(listed)).order_by(Model.name))).all()


def has_ended() -> ColumnElement[bool]:
    """Whether a model is a test whose result is published: no later vote could be a part of it."""
    return and_(Model.private_test, exists().where(PrivateResult.model_id == Model.id))


async def must_be_no_codename(session: AsyncSession, name: str) -> None:
    """A model under a private test's codename would lead voters and readers astray; raises `CatalogInvalid`."""
    if await session.scalar(select(exists().where(Model.codename == name, Model.name != name))):
        raise CatalogInvalid(f"{name}: this name is the codename of a private test. Choose another.")


async def private_standing(session: AsyncSession, before: Model | None, listed: Listed) -> dict[str, Any]:
    """What the catalog's word on private testing changes in a model's row; raises `CatalogInvalid`."""
    if not listed.private_test:
        # The release is the commitment to publish: battles that start from now on count.
        return {"listed_at": func.clock_timestamp()} if before is not None and before.private_test else {}
    if before is None:
        codename = listed.codename or f"private-{secrets.token_hex(6)}"
        await _must_be_free(session, listed.name, codename)
        return {"codename": codename, "private_since": func.clock_timestamp()}
    if not before.private_test:
        raise CatalogInvalid(
            f"{listed.name} is public and cannot become a private test: its votes are on the leaderboard."
            " List what you want to test under another name."
        )
    if listed.codename not in (None, before.codename):
        raise CatalogInvalid(
            f"{listed.name}: its codename is {before.codename!r} for good, not {listed.codename!r}."
            " Leave codename out, or list another variant under another name."
        )
    if await session.get(PrivateResult, before.id) is not None:
        raise CatalogInvalid(
            f"{listed.name}: this private test ended and its result is published. Release it by removing"
            " private_test, or list another variant under another name."
        )
    return {"codename": before.codename}


async def _must_be_free(session: AsyncSession, name: str, codename: str) -> None:
    """A codename that stood for another model, or is one's name, would lead voters and readers astray."""
    taken = select(exists().where((Model.codename == codename) | (Model.name == codename)))
    if await session.scalar(taken):
        raise CatalogInvalid(f"{name}: the codename {codename!r} belongs to another model. Choose another.")


async def running_tests(session: AsyncSession) -> dict[str, int]:
    """How many private tests each organisation runs now."""
    served = exists().where(Endpoint.model_id == Model.id)
    query = select(Model.organization, func.count()).where(
        Model.private_test, Model.status == "active", served, ~has_ended()
    )
    rows = await session.execute(query.group_by(Model.organization).order_by(Model.organization))
    return {organization: count for organization, count in rows}
