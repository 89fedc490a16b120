"""Every model ever served: what it was called, how it was asked and by what kind of endpoint, from when until when."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from arena.records import ModelVersion
from arena.tables import Endpoint, Model

FACTS = (
    "served_as",
    "organization",
    "license",
    "open_weights",
    "aliases",
    "endpoints",
    "served_models",
    "decoding",
)
WORDS = {"served_as": "name", "served_models": "model asked for"}
NOT_RECORDED = "From here on it is recorded which model its endpoints are asked for."
# `Qwen/Qwen3-8B` is none: the names of model hubs have slashes, too.
FILE_PATH = re.compile(
    r"[/\\.~]|[A-Za-z]:[/\\]|\w+://|.*\\|.*/.*\.(gguf|safetensors|bin|pth?)$", re.IGNORECASE
)
NO_ENDPOINT = "It has no endpoint any more: it left the catalog, or its server was stopped."


async def record_versions(session: AsyncSession, decoding: Mapping[str, Any]) -> int:
    """Write down what changed in what is served since the last look; returns how many periods began or ended."""
    served = select(ModelVersion).where(ModelVersion.last_served_at.is_(None))
    running = {version.model_id: version for version in await session.scalars(served.with_for_update())}
    changes = 0
    for model in await session.scalars(
        select(Model).options(selectinload(Model.endpoints)).order_by(Model.id)
    ):
        before = running.get(model.id)
        now = facts_of(model, decoding) if model.status == "active" and model.endpoints else None
        was = {fact: getattr(before, fact) for fact in FACTS} if before else None
        if was == now:
            continue
        changes += 1
        moment = datetime.now(UTC)
        if before is not None:
            _end(before, model, now, moment)
            await session.flush()  # before its successor: one period of a model runs at a time
        if now is not None:
            session.add(ModelVersion(model_id=model.id, first_served_at=moment, **now))
    await session.flush()
    return changes


def facts_of(model: Model, decoding: Mapping[str, Any]) -> dict[str, Any]:
    """What a period is about: a change in any of it begins another one."""
    return {
        "served_as": model.public_name,
        "organization": model.organization,
        "license": model.license,
        "open_weights": model.open_weights,
        "aliases": sorted(model.aliases),
        "endpoints": sorted({endpoint_kind(endpoint) for endpoint in model.endpoints}),
        "served_models": sorted({endpoint.served_model for endpoint in model.endpoints}),
        "decoding": {**decoding, "extra": model.extra},
    }


def endpoint_kind(endpoint: Endpoint) -> str:
    """Where a model answers from, without saying where: `demo`, `self-hosted` or `hosted` by somebody else."""
    if endpoint.source == "demo":
        return "demo"
    if endpoint.source in ("model-server", "discovered"):
        return "self-hosted"
    host = urlsplit(endpoint.url).hostname or ""
    try:
        near = not ipaddress.ip_address(host).is_global
    except ValueError:  # a name: without a dot it is one of the operator's own network
        near = "." not in host.strip(".")
    return "self-hosted" if near else "hosted"


def public_served_model(name: str) -> str:
    """What an endpoint is asked for, without the folders of a file: these are the operator's own."""
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if FILE_PATH.match(name) else name


def _end(version: ModelVersion, model: Model, now: Mapping[str, Any] | None, moment: datetime) -> None:
    version.last_served_at = moment
    if now is not None:
        changed = [
            WORDS.get(fact, fact)
            for fact in FACTS
            if getattr(version, fact) != now[fact]
            and not (fact == "served_models" and version.served_models is None)
        ]
        version.reason = f"Changed: {', '.join(changed)}." if changed else NOT_RECORDED
    elif model.status == "retired":
        version.last_served_at = max(version.first_served_at, model.retired_at or moment)
        version.reason = f"Retired: {model.retired_reason or 'no reason given'}"
    else:
        version.reason = NO_ENDPOINT


async def public_models(session: AsyncSession) -> Sequence[Model]:
    """Every model that may be named, by name: not private tests that were not released."""
    return (await session.scalars(select(Model).where(~Model.private_test).order_by(Model.name))).all()


async def versions_of(session: AsyncSession, models: Sequence[Model]) -> dict[int, list[ModelVersion]]:
    """The periods of these models, oldest first."""
    query = select(ModelVersion).where(ModelVersion.model_id.in_([model.id for model in models]))
    found: dict[int, list[ModelVersion]] = {model.id: [] for model in models}
    for version in await session.scalars(query.order_by(ModelVersion.first_served_at, ModelVersion.id)):
        found[version.model_id].append(version)
    return found


def model_record(model: Model, versions: Sequence[ModelVersion]) -> dict[str, Any]:
    """Everything there is to know of a model and its time here, for the feed and the pages."""
    facts = ("organization", "license", "open_weights", "parameters_billions", "link", "description")
    standing = (
        "aliases",
        "demo",
        "status",
        "listed_at",
        "retired_at",
        "retired_reason",
        "codename",
        "private_since",
    )
    return {
        "model": model.name,
        **{fact: getattr(model, fact) for fact in (*facts, *standing)},
        "past_retirements": [_past_retirement(past) for past in model.past_retirements],
        "versions": [_version_record(version) for version in versions],
    }


def _past_retirement(stored: Mapping[str, str | None]) -> dict[str, Any]:
    moments = {
        name: moment and datetime.fromisoformat(moment)
        for name, moment in stored.items()
        if name.endswith("_at")
    }
    return {**stored, **moments}


def _version_record(version: ModelVersion) -> dict[str, Any]:
    last, asked_for = version.last_served_at, version.served_models
    return {
        "name": version.served_as,
        **{fact: getattr(version, fact) for fact in FACTS if fact != "served_as"},
        "served_models": asked_for and sorted({public_served_model(name) for name in asked_for}),
        "first_day": version.first_served_at.astimezone(UTC).date().isoformat(),
        "last_day": last.astimezone(UTC).date().isoformat() if last else None,
        "reason": version.reason,
    }
