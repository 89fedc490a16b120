"""Which models and endpoints exist: the TOML file of the operator ↔ the tables."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from arena.errors import CatalogInvalid, Conflict, ModelNotFound
from arena.gateway.demo import DEMO_MODELS
from arena.gateway.discovery import DiscoveredServer
from arena.gateway.openai_chat import Endpoint as GatewayEndpoint
from arena.logs import get_log
from arena.nearest import nearest_names
from arena.private_tests import (
    check_cap,
    has_ended,
    must_be_no_codename,
    private_standing,
    served_tests,
    served_without_listing,
)
from arena.tables import Endpoint, Model
from arena.wrong_values import what_is_wrong

log = get_log("arena.catalog")
DEMO_URL = "demo:"
UNKNOWN_ORGANIZATION = "unknown"
LONGEST_NAME = 100
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^\S(.*\S)?$")]


class CatalogEndpoint(BaseModel):
    """A `[[model.endpoint]]` of the catalog file."""

    model_config = ConfigDict(extra="forbid")

    url: str
    served_model: str | None = None
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    slots: Annotated[int, Field(ge=1, le=100_000)] = 16

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https address such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no key or password; name an environment variable in api_key_env")
        return value.rstrip("/")


class CatalogModel(BaseModel):
    """A `[[model]]` of the catalog file."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    organization: Name
    license: Name | None = None
    link: Annotated[str, Field(pattern=r"^https?://")] | None = None
    description: str = ""
    open_weights: bool | None = None
    parameters_billions: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    aliases: list[Name] = []
    extra: dict[str, Any] = {}
    private_test: bool = False
    codename: Name | None = None
    endpoint: list[CatalogEndpoint] = []


class Catalog(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    model: list[CatalogModel]


def read_catalog(path: Path) -> Catalog:
    """Parse the file; raises `CatalogInvalid` naming the file, the place and what to mend."""
    try:
        catalog = Catalog.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CatalogInvalid(
            f"{path}: {error.strerror or error}. Give the path of a catalog file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogInvalid(f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise CatalogInvalid(f"{path}: {'; '.join(_places(error))}.") from error
    names = [model.name for model in catalog.model]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CatalogInvalid(
            f"{path}: listed twice: {', '.join(twice)}. Give one model several [[model.endpoint]]."
        )
    codenames = [model.codename for model in catalog.model if model.codename is not None]
    taken = sorted({name for name in codenames if codenames.count(name) > 1 or name in names})
    if taken:
        raise CatalogInvalid(f"{path}: codenames that are not unique: {', '.join(taken)}. Choose others.")
    return catalog


def _places(error: ValidationError) -> Iterable[str]:
    for problem in error.errors():
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
        hint = ". List each model under [[model]]" if problem["loc"] == ("model",) else ""
        yield f"{place.lstrip('.')}: {what_is_wrong(problem)}{hint}"


async def sync_catalog(session: AsyncSession, catalog: Catalog, *, private_tests_max: int) -> Sequence[str]:
    """Make the tables say what the file says; returns the retired models that it brings back.

    A model that left the file keeps its row and loses its endpoints.

    Raises `CatalogInvalid` where the file breaks a rule of private tests.
    """
    kept = [listed.name for listed in catalog.model]
    check_cap([*catalog.model, *await served_without_listing(session, kept)], private_tests_max)
    retired = select(Model.name).where(Model.status == "retired", Model.name.in_(kept))
    back = (await session.scalars(retired.order_by(Model.name))).all()
    for listed in catalog.model:
        await list_model(session, listed, source="catalog")
    gone = select(Model.id).where(Model.name.not_in(kept))
    await session.execute(delete(Endpoint).where(Endpoint.source == "catalog", Endpoint.model_id.in_(gone)))
    return back


async def list_model(session: AsyncSession, listed: CatalogModel, *, source: str, demo: bool = False) -> int:
    """Insert or update one model and replace its endpoints of the same source; returns the model's id."""
    before = await session.scalar(select(Model).where(Model.name == listed.name).with_for_update())
    if before is None:
        await must_be_no_codename(session, listed.name)
    values: dict[str, Any] = listed.model_dump(exclude={"endpoint", "codename"}) | {"demo": demo}
    if source == "catalog":
        values |= await private_standing(session, before, listed)
    elif before is not None:  # only the catalog releases a private test
        values["private_test"] = before.private_test
    if before is not None and before.status == "retired":
        values["past_retirements"] = [*before.past_retirements, _past_retirement(before)]
        log.warning("retired_model_is_back", model=listed.name, source=source, reason=before.retired_reason)
    row = insert(Model).values(**values)
    revived = {"status": "active", "retired_at": None, "retired_reason": None}
    row = row.on_conflict_do_update(index_elements=[Model.name], set_=values | revived)
    model_id: int | None = await session.scalar(row.returning(Model.id))
    assert model_id is not None, "an upsert returns its row"
    # Endpoints that stay keep their row, and with it the slots and the health that the gateway knows them by.
    kept = [
        await add_endpoint(session, model_id, endpoint, served_model=listed.name, source=source)
        for endpoint in listed.endpoint
    ]
    gone = delete(Endpoint).where(Endpoint.model_id == model_id, Endpoint.source == source)
    await session.execute(gone.where(Endpoint.id.not_in(kept)))
    return model_id


def _past_retirement(model: Model) -> dict[str, Any]:
    return {
        "retired_at": model.retired_at and model.retired_at.astimezone(UTC).isoformat(),
        "listed_again_at": datetime.now(UTC).isoformat(),
        "reason": model.retired_reason,
    }


async def add_endpoint(
    session: AsyncSession, model_id: int, endpoint: CatalogEndpoint, *, served_model: str, source: str
) -> int:
    """Add one endpoint, or say anew what is known of it; returns its id."""
    values = endpoint.model_dump() | {"served_model": endpoint.served_model or served_model, "source": source}
    row = insert(Endpoint).values(model_id=model_id, **values)
    key = [Endpoint.model_id, Endpoint.url, Endpoint.served_model]
    upsert = row.on_conflict_do_update(index_elements=key, set_=values).returning(Endpoint.id)
    return (await session.scalars(upsert)).one()


async def register_endpoint(
    session: AsyncSession,
    name: str,
    url: str,
    served_model: str,
    slots: int,
    *,
    private_tests_max: int | None = None,
) -> None:
    """A model server came up: list its model if nobody has, and add the endpoint.

    Raises `CatalogInvalid` if its model is one private test more than its organisation may run.
    """
    endpoint = CatalogEndpoint(url=url, served_model=served_model, slots=slots)
    model = await session.scalar(select(Model).where(Model.name == name))
    if model is not None:
        model_id = model.id
        if model.private_test and private_tests_max is not None:
            check_cap([*await served_tests(session, but=name), model], private_tests_max)
    else:
        listed = CatalogModel(
            name=name, organization=organization_of(name), description="Listed by a model server."
        )
        model_id = await list_model(session, listed, source="model-server")
    await add_endpoint(session, model_id, endpoint, served_model=served_model, source="model-server")


async def deregister_endpoint(session: AsyncSession, url: str) -> None:
    """A model server went away; the model stays listed and is simply not drawn."""
    await session.execute(delete(Endpoint).where(Endpoint.url == url, Endpoint.source == "model-server"))


async def retire_model(session: AsyncSession, name: str, reason: str) -> None:
    """Take a model out of new battles for good; its votes and its place in the history stay.

    Raises `ModelNotFound`, and `Conflict` where it is retired already: what was said then is public.
    """
    values = {"status": "retired", "retired_at": func.now(), "retired_reason": reason}
    row = (
        update(Model).where(Model.name == name, Model.status != "retired").values(values).returning(Model.id)
    )
    if await session.scalar(row) is not None:
        return
    said = await session.execute(select(Model.retired_at, Model.retired_reason).where(Model.name == name))
    if (retired := said.one_or_none()) is None:
        raise ModelNotFound(f"There is no model named {name!r}. `arena catalog list` shows all names.")
    since = f" since {retired.retired_at:%-d %B %Y}" if retired.retired_at else ""
    raise Conflict(f"{name} is retired already{since}: {retired.retired_reason or 'no reason given'}")


def organization_of(name: str) -> str:
    """The part before the slash, as model hubs write it."""
    return name.split("/", 1)[0] if "/" in name else UNKNOWN_ORGANIZATION


async def replace_discovered(session: AsyncSession, servers: Sequence[DiscoveredServer]) -> list[str]:
    """List what was found on loopback, and nothing else, as discovered; returns the names."""
    await session.execute(delete(Endpoint).where(Endpoint.source == "discovered"))
    found: dict[str, list[CatalogEndpoint]] = {}
    for server in servers:
        for name in filter(_listable, server.models):
            found.setdefault(name, []).append(CatalogEndpoint(url=server.url, served_model=name))
    for name, endpoints in found.items():
        listed = CatalogModel(
            name=name, organization=organization_of(name), description="Found on this machine."
        )
        await list_model(session, listed.model_copy(update={"endpoint": endpoints}), source="discovered")
    return sorted(found)


async def offer_demo_models(session: AsyncSession) -> None:
    """List the demo models; each process serves them to itself, so their endpoint names no address."""
    for demo in DEMO_MODELS:
        listed = CatalogModel(
            name=demo.name,
            organization=demo.organization,
            license=demo.license,
            open_weights=False,
            description=demo.description,
        )
        # The one endpoint of a demo model has no address that a catalog file could hold.
        row = await list_model(session, listed, source="demo", demo=True)
        endpoint = insert(Endpoint).values(
            model_id=row, url=DEMO_URL, served_model=demo.name, slots=1000, source="demo"
        )
        await session.execute(endpoint.on_conflict_do_nothing())


async def withdraw_demo_models(session: AsyncSession) -> None:
    """Stop offering the demo models; their votes and boards stay."""
    await session.execute(delete(Endpoint).where(Endpoint.source == "demo"))


async def has_configured_models(session: AsyncSession) -> bool:
    """Whether the operator listed models, by a catalog file or by model servers."""
    query = select(exists().where(Endpoint.source.in_(("catalog", "model-server"))))
    return bool(await session.scalar(query))


async def real_model_count(session: AsyncSession) -> int:
    """How many models other than the demo models have an endpoint."""
    served = exists().where(Endpoint.model_id == Model.id)
    query = select(func.count()).select_from(Model).where(~Model.demo, Model.status == "active", served)
    return await session.scalar(query) or 0


async def battle_models(session: AsyncSession) -> Sequence[Model]:
    """Active models that have an endpoint, by name; no private test whose result is published."""
    served = exists().where(Endpoint.model_id == Model.id)
    query = select(Model).where(Model.status == "active", served, ~has_ended()).order_by(Model.name)
    return (await session.scalars(query)).all()


async def all_models(session: AsyncSession) -> Sequence[Model]:
    """Every model ever listed, by name, with its endpoints: private tests too, so not for the public."""
    query = select(Model).options(selectinload(Model.endpoints)).order_by(Model.name)
    return (await session.scalars(query)).all()


def _listable(name: str) -> bool:
    """Servers may call a model anything, a file's long path for one; such a model is listed by a catalog only."""
    return 0 < len(name) <= LONGEST_NAME and name == name.strip()


async def find_model(session: AsyncSession, name: str) -> Model:
    """One model with its endpoints; raises `ModelNotFound`, for the name of a private test too."""
    query = select(Model).options(selectinload(Model.endpoints))
    query = query.where(Model.name == name, ~Model.private_test)
    model = await session.scalar(query)
    if model is None:
        raise ModelNotFound(await _nearest(session, name))
    return model


async def _nearest(session: AsyncSession, name: str) -> str:
    names = (await session.scalars(select(Model.name).where(~Model.private_test).order_by(Model.name))).all()
    near = nearest_names(name, names)
    said = f" The nearest are: {', '.join(near)}." if near else ""
    return f"There is no model named {name!r}.{said}"


async def gateway_endpoints(session: AsyncSession, demo_url: str | None) -> list[GatewayEndpoint]:
    """What the gateway may call: `demo:` stands for the demo server of the process that asks."""
    query = select(Endpoint, Model.name).join(Model).where(Model.status == "active").order_by(Endpoint.id)
    return [
        GatewayEndpoint(
            id=str(endpoint.id),
            model=name,
            url=demo_url if endpoint.url == DEMO_URL and demo_url else endpoint.url,
            served_model=endpoint.served_model,
            api_key_env=endpoint.api_key_env,
            slots=endpoint.slots,
        )
        for endpoint, name in (await session.execute(query))
        if endpoint.url != DEMO_URL or demo_url
    ]
