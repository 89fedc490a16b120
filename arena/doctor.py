"""`arena doctor`: look at an installation from outside and say what is wrong and how to mend it."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import aiohttp
import orjson
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from arena.catalog import Catalog, all_models, read_catalog
from arena.dataset.schedule import failing_schedule
from arena.db import Database, SchemaTooNew, database_of, revisions
from arena.errors import ArenaError
from arena.gateway.discovery import model_rows
from arena.operator_categories import read_operator_categories
from arena.postgres import PostgresError
from arena.postgres_programs import OLDEST_MAJOR
from arena.private_tests import check_cap
from arena.settings import LEAST_SECRET, Settings
from arena.tables import Model

Grade = Literal["ok", "note", "fault"]

ENDPOINT_SECONDS = 5
DATABASE_SECONDS = 10
LARGEST_ANSWER_BYTES = 1024 * 1024
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and what to do about it."""

    grade: Grade
    what: str
    mend: str = ""


@dataclass(frozen=True)
class ListedEndpoint:
    """An endpoint of a model that may battle, from the catalog file or from the database."""

    model: str
    url: str
    served_model: str
    api_key_env: str | None


@dataclass(frozen=True)
class Reply:
    """What a server said when it was asked for its models; `failure` where it said nothing."""

    status: int = 0
    failure: str = ""
    names: frozenset[str] = frozenset()


async def examine(settings: Settings) -> list[Finding]:
    """Look at settings, disk, catalog, port, database and endpoints; whatever is away, the rest is told."""
    catalog, in_files = _files(settings)
    in_database, models = await _located(settings)
    listed = _listed(catalog, models or [])
    unknown = catalog is None and (settings.catalog is not None or models is None)
    return [
        _disk(settings),
        _secret(settings),
        *in_files,
        _port(settings),
        *in_database,
        *([] if unknown else [_models(settings, listed), *_labelling(settings, listed)]),
        *await _endpoints(listed),
    ]


def _disk(settings: Settings) -> Finding:
    place = next(
        path for path in (settings.home.resolve(), *settings.home.resolve().parents) if path.exists()
    )
    free = shutil.disk_usage(place).free / 1e9
    if free < 1:
        return Finding(
            "fault", f"Only {free:.1f} GB free at {place}.", "Free some space: Postgres stops on a full disk."
        )
    return Finding("ok", f"{free:.0f} GB free at {place}.")


def _secret(settings: Settings) -> Finding:
    if settings.secret_key is None:
        return Finding("ok", f"Signing key: generated, in {settings.home / 'secret_key'}.")
    if settings.secret_is_short:
        return Finding(
            "fault",
            "ARENA_SECRET_KEY is short.",
            f"Use at least {LEAST_SECRET} random characters: openssl rand -base64 48.",
        )
    return Finding("ok", "Signing key: from ARENA_SECRET_KEY.")


def _files(settings: Settings) -> tuple[Catalog | None, list[Finding]]:
    """The catalog, if there is one that can be used, and what was found in the operator's files."""
    catalog, found = None, []
    mend = "`arena serve` does not start until this is mended."
    try:
        read_operator_categories(settings.categories_file)
    except ArenaError as error:
        found.append(Finding("fault", f"Categories: {error.detail}", mend))
    if settings.catalog is None:
        return None, [*found, Finding("ok", "No catalog file is set.")]
    try:
        catalog = read_catalog(settings.catalog)
        check_cap(catalog.model, settings.private_tests_max)
    except ArenaError as error:
        return None, [*found, Finding("fault", f"Catalog: {error.detail}", mend)]
    served = sum(bool(model.endpoint) for model in catalog.model)
    what = f"Catalog: models in {settings.catalog}: {len(catalog.model)}, with an endpoint: {served}."
    return catalog, [*found, Finding("ok" if served >= 2 else "note", what), *_missing_keys(catalog)]


def _missing_keys(catalog: Catalog) -> Iterable[Finding]:
    wanted = {endpoint.api_key_env for model in catalog.model for endpoint in model.endpoint}
    for name in sorted(filter(None, wanted)):
        if not os.environ.get(name):
            what = f"The variable {name} is not set, but the catalog names it as an API key."
            yield Finding("fault", what, f"export {name}=…")


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        try:
            taken = probe.connect_ex((settings.host, settings.port)) == 0
        except OSError as error:
            return Finding("fault", f"Cannot listen on {settings.host}: {error.strerror}.", "Set ARENA_HOST.")
    if taken:
        return Finding(
            "note", f"Something listens on {settings.host}:{settings.port} (perhaps the arena itself)."
        )
    return Finding("ok", f"Port {settings.port} is free.")


async def _located(settings: Settings) -> tuple[list[Finding], Sequence[Model] | None]:
    """What was found in the database, wherever it is, and the models that it holds, unless it is away."""
    try:
        with database_of(settings) as location:
            database = Database(location.url, pool_size=1)
            try:
                async with asyncio.timeout(DATABASE_SECONDS):
                    return await _database(database, settings)
            except (DBAPIError, OSError) as error:
                return [_away(location.url, error)], None
            finally:
                await database.close()
    except PostgresError as error:
        mend = "Set ARENA_HOME or ARENA_DATABASE_URL."
        return [Finding("fault", f"Embedded Postgres does not start: {error}", mend)], None
    except ValueError as error:
        return [Finding("fault", f"{error}.")], None


def _away(url: str, error: Exception) -> Finding:
    """Where the database should be, without the password, and why it did not answer."""
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host") or "the local socket"
    port = parsed.port or parsed.query.get("port") or 5432
    reason = _reason(error)
    mend = next(
        (mend for said, mend in _REMEDIES.items() if said in reason),
        "Start that server, or correct host and port in ARENA_DATABASE_URL.",
    )
    name = parsed.database or parsed.username
    return Finding("fault", f"Postgres at {host}, port {port}, database {name}: {reason}.", mend)


_REMEDIES = {
    "password": "Correct user and password in ARENA_DATABASE_URL.",
    "role": "Correct the user in ARENA_DATABASE_URL, or create it: createuser.",
    "database": "Create it with createdb, or correct its name in ARENA_DATABASE_URL.",
    "permission": "Give the user of ARENA_DATABASE_URL the rights, best as owner of the database.",
}


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {DATABASE_SECONDS} seconds"
    said = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
    return re.sub(r"^.*connection to server .*? failed: (?:FATAL: +)?", "", said).rstrip(".")


async def _database(database: Database, settings: Settings) -> tuple[list[Finding], Sequence[Model]]:
    async with database.statement() as connection:
        version = str(await connection.scalar(text("SHOW server_version")))
        kept = await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        revision = await connection.scalar(text("SELECT version_num FROM alembic_version")) if kept else None
    found = [_version(version)]
    if schema := _schema(database.url, revision):
        return [*found, schema], []
    async with database.sessions() as session:
        return [*found, *await _releases(session, settings)], await all_models(session)


def _version(version: str) -> Finding:
    if int(version.split(".")[0]) < OLDEST_MAJOR:
        return Finding("fault", f"Postgres {version} answers.", f"Version {OLDEST_MAJOR} or newer is needed.")
    return Finding("ok", f"Postgres {version} answers.")


def _schema(url: str, revision: str | None) -> Finding | None:
    """What keeps this program from reading the tables."""
    newest, known = revisions(url)
    if revision == newest:
        return None
    mend = "`arena serve` does it at its start, or `arena db upgrade` now."
    if revision is None:
        return Finding("note", "The schema is not set up yet.", mend)
    if revision in known:
        return Finding("note", "The schema is of an older version and has to be upgraded.", mend)
    return Finding("fault", SchemaTooNew.said, SchemaTooNew.remedy)


async def _releases(session: AsyncSession, settings: Settings) -> list[Finding]:
    if settings.release_schedule == "never":
        return []
    late = await failing_schedule(session, settings)
    if late:
        what = (
            f"The {settings.release_schedule} release fails since {late.failing_since:%Y-%m-%d %H:%M} UTC: "
        )
        return [Finding("fault", what + str(late.error), "It is tried again every quarter of an hour.")]
    if not settings.release_destinations:
        mend = "Set ARENA_RELEASE_DESTINATIONS, for example to `site`."
        return [Finding("note", "Releases are made on schedule, but published nowhere.", mend)]
    return [Finding("ok", f"Releases on schedule: {settings.release_schedule}.")]


def _listed(catalog: Catalog | None, models: Sequence[Model]) -> list[ListedEndpoint]:
    """The endpoints that `arena serve` would call; of the catalog, what its file says now."""
    in_file = [
        ListedEndpoint(model.name, each.url, each.served_model or model.name, each.api_key_env)
        for model in (catalog.model if catalog else [])
        for each in model.endpoint
    ]
    in_database = [
        ListedEndpoint(model.name, each.url, each.served_model, each.api_key_env)
        for model in models
        if model.status == "active" and not model.demo
        for each in model.endpoints
        if catalog is None or each.source != "catalog"
    ]
    return list(dict.fromkeys([*in_file, *in_database]))


def _labelling(settings: Settings, listed: Iterable[ListedEndpoint]) -> Iterable[Finding]:
    """A wrong name would look like an outage: the log says that no endpoint of it is in health."""
    names = {each.model for each in listed}
    for variable, name in (
        ("ARENA_TAGGER_MODEL", settings.tagger_model),
        ("ARENA_MODERATION_MODEL", settings.moderation_model),
    ):
        if name and name not in names:
            what = f"{variable} names {name!r}, and no model of that name has an endpoint."
            yield Finding("fault", what, "Correct the name, or list the model with an [[model.endpoint]].")


def _models(settings: Settings, listed: Iterable[ListedEndpoint]) -> Finding:
    names = sorted({each.model for each in listed})
    if len(names) >= 2:
        return Finding("ok", f"{len(names)} models can battle.")
    what = f"Only {names[0]} has an endpoint" if names else "No model of your own has an endpoint"
    instead = "; demo models battle instead" if settings.demo else ""
    mend = (
        f"List at least two models with an [[model.endpoint]] each in {settings.catalog}."
        if settings.catalog
        else "List at least two in a catalog file and name it in ARENA_CATALOG; see docs/operators.md."
    )
    grade: Grade = "note" if settings.demo and not settings.catalog else "fault"
    return Finding(grade, f"{what}, and a battle takes two{instead}.", mend)


async def _endpoints(listed: Sequence[ListedEndpoint]) -> list[Finding]:
    """Ask every server once, all beside each other, so that one that hangs holds up nobody."""
    servers = list(dict.fromkeys((each.url, each.api_key_env) for each in listed))
    timeout = aiohttp.ClientTimeout(total=ENDPOINT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        replies = await asyncio.gather(*(_ask(session, *server) for server in servers))
    of = dict(zip(servers, replies, strict=True))
    return [_endpoint(each, of[each.url, each.api_key_env]) for each in listed]


async def _ask(session: aiohttp.ClientSession, url: str, api_key_env: str | None) -> Reply:
    key = os.environ.get(api_key_env or "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with session.get(f"{url}/models", headers=headers, allow_redirects=False) as answer:
            body = b""
            while len(body) < LARGEST_ANSWER_BYTES and (more := await answer.content.readany()):
                body += more
    except TimeoutError:
        return Reply(failure=f"no answer within {ENDPOINT_SECONDS} seconds")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Reply(failure=str(error) or type(error).__name__)
    try:
        names = frozenset(row["id"] for row in model_rows(orjson.loads(body)))
    except orjson.JSONDecodeError:
        names = frozenset()
    return Reply(status=answer.status, names=names)


def _endpoint(listed: ListedEndpoint, reply: Reply) -> Finding:
    where = f"{listed.model}: {listed.url}"
    if reply.failure:
        mend = "Start the server, or take the endpoint out of the catalog."
        return Finding("fault", f"{where} cannot be reached: {reply.failure}.", mend)
    if reply.status in (401, 403):
        variable = listed.api_key_env or "api_key_env, which names none"
        return Finding("fault", f"{where} refuses the key.", f"Check the variable {variable}.")
    if reply.status != 200:
        mend = "Check the address, which usually ends in /v1, and look at that server's log."
        return Finding("fault", f"{where} answers {reply.status} when asked for its models.", mend)
    if listed.served_model not in reply.names:
        return _unlisted(where, listed, reply)
    return Finding("ok", f"{where} answers.")


def _unlisted(where: str, listed: ListedEndpoint, reply: Reply) -> Finding:
    """Only a note: some servers answer for more models than they list."""
    names = sorted(reply.names)
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    served = ", ".join(names[:NAMES_SHOWN]) + more if names else "none"
    what = f"{where} answers, but does not list {listed.served_model!r}. It lists: {served}."
    return Finding(
        "note", what, "Name one of these in served_model, unless the server knows more than it lists."
    )
