"""`arena doctor`: look at an installation from outside and say what is wrong and how to mend it."""

import os
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import aiohttp
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from arena.catalog import all_models, read_catalog
from arena.dataset.schedule import failing_schedule
from arena.db import Database, database_of
from arena.errors import CatalogInvalid
from arena.postgres import PostgresError
from arena.settings import Settings
from arena.tables import Endpoint, Model

Grade = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and what to do about it."""

    grade: Grade
    what: str
    mend: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Look at settings, disk, catalog, database, endpoints and the port."""
    findings = [_disk(settings), _secret(settings), *_catalog(settings), _port(settings)]
    try:
        with database_of(settings) as location:
            database = Database(location.url, pool_size=1)
            try:
                findings += await _database(database, settings)
            finally:
                await database.close()
    except PostgresError as error:
        findings.append(
            Finding(
                "fault", f"Embedded Postgres does not start: {error}", "Set ARENA_HOME or ARENA_DATABASE_URL."
            )
        )
    return findings


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
    if len(settings.secret_key.get_secret_value()) < 32:
        return Finding(
            "fault",
            "ARENA_SECRET_KEY is short.",
            "Use at least 32 random characters: openssl rand -base64 48.",
        )
    return Finding("ok", "Signing key: from ARENA_SECRET_KEY.")


def _catalog(settings: Settings) -> list[Finding]:
    if settings.catalog is None:
        return [
            Finding(
                "note",
                "No catalog file.",
                "Set ARENA_CATALOG to list your own models; see docs/operators.md.",
            )
        ]
    try:
        catalog = read_catalog(settings.catalog)
    except CatalogInvalid as error:
        return [Finding("fault", f"Catalog: {error.detail}", "Mend the file and run `arena catalog sync`.")]
    wanted = {
        endpoint.api_key_env for model in catalog.model for endpoint in model.endpoint if endpoint.api_key_env
    }
    missing = [
        Finding(
            "fault",
            f"The variable {name} is not set, but the catalog names it as an API key.",
            f"export {name}=…",
        )
        for name in sorted(wanted)
        if not os.environ.get(name)
    ]
    return [Finding("ok", f"Catalog: {len(catalog.model)} models in {settings.catalog}."), *missing]


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    if taken:
        return Finding(
            "note", f"Something listens on {settings.host}:{settings.port} (perhaps the arena itself)."
        )
    return Finding("ok", f"Port {settings.port} is free.")


async def _database(database: Database, settings: Settings) -> list[Finding]:
    async with database.statement() as connection:
        version = await connection.scalar(text("SHOW server_version"))
        migrated = await connection.scalar(text("SELECT to_regclass('model') IS NOT NULL"))
    found = [Finding("ok", f"Postgres {version} answers.")]
    if not migrated:
        return [*found, Finding("fault", "The schema is missing.", "Run `arena db upgrade`.")]
    async with database.sessions() as session:
        models = await all_models(session)
        releases = await _releases(session, settings)
    return [*found, *_models(models), *releases, *await _endpoints(models)]


async def _releases(session: AsyncSession, settings: Settings) -> list[Finding]:
    if settings.release_schedule == "never":
        return []
    if not await session.scalar(text("SELECT to_regclass('release_schedule') IS NOT NULL")):
        return [Finding("fault", "The schema is of an older version.", "Run `arena db upgrade`.")]
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


def _models(models: Sequence[Model]) -> list[Finding]:
    active = [model for model in models if model.status == "active" and model.endpoints]
    real = [model for model in active if not model.demo]
    if len(real) >= 2:
        return [Finding("ok", f"{len(real)} models can battle.")]
    if len(active) - len(real) >= 2:
        return [Finding("note", "Only demo models can battle.", "List at least two models of your own.")]
    return [
        Finding("fault", f"{len(active)} models have an endpoint; a battle takes two.", "List more models.")
    ]


async def _endpoints(models: Sequence[Model]) -> list[Finding]:
    found: list[Finding] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), trust_env=False) as session:
        for model in models:
            found += [
                await _endpoint(session, model, endpoint) for endpoint in model.endpoints if not model.demo
            ]
    return found


async def _endpoint(session: aiohttp.ClientSession, model: Model, endpoint: Endpoint) -> Finding:
    url, key = endpoint.url, os.environ.get(endpoint.api_key_env or "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with session.get(f"{url}/models", headers=headers, allow_redirects=False) as answer:
            if answer.status == 200:
                return Finding("ok", f"{model.name}: {url} answers.")
            if answer.status in (401, 403):
                return Finding(
                    "fault", f"{model.name}: {url} refuses the key.", "Check the variable in api_key_env."
                )
            return Finding(
                "fault", f"{model.name}: {url} answers {answer.status}.", "Look at that server's log."
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        mend = "Start the server, or take the endpoint out of the catalog."
        return Finding("fault", f"{model.name}: {url} cannot be reached ({type(error).__name__}).", mend)
