"""Is it alive, is it ready, and how is it doing."""

from contextlib import suppress
from secrets import compare_digest

import orjson
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from arena.dataset.schedule import failing_schedule
from arena.db import is_outage
from arena.errors import Forbidden
from arena.metrics import ENDPOINTS, LATE_RELEASE, NOT_COUNTED_ALARM, STALE_BOARDS
from arena.reports import alarm_days
from arena.snapshots import failing_since
from arena.web.deps import CurrentDatabase, CurrentPool, CurrentSettings

router = APIRouter(tags=["operations"])
LOOPBACK = ("127.0.0.1", "::1")


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(database: CurrentDatabase, pool: CurrentPool, settings: CurrentSettings) -> Response:
    """Whether a battle could start now; which model is missing is told in the log and by `arena doctor` only."""
    checks = {"database": await _database_answers(database), "models": len(pool.available_models()) >= 2}
    ready = all(checks.values())
    body = {
        "status": "ok" if ready else "unavailable",
        "checks": {k: "ok" if v else "failed" for k, v in checks.items()},
        "notes": await _notes(database, settings) if checks["database"] else [],
    }
    return Response(
        orjson.dumps(body), 200 if ready else 503, {"Cache-Control": "no-store"}, "application/json"
    )


async def _notes(database: CurrentDatabase, settings: CurrentSettings) -> list[str]:
    """What an operator should look at, though battles can start."""
    async with database.sessions() as session:
        days, failing = await alarm_days(session), await failing_since(session)
        late = await failing_schedule(session, settings)
    notes = []
    if days:
        notes.append(f"The share of votes that do not count jumped on {', '.join(days)}: see /integrity.")
    if failing:
        since = f"{failing:%Y-%m-%d %H:%M} UTC"
        notes.append(f"The leaderboards are stale since {since}: computing them fails, see the log.")
    if late:
        since = f"{late.failing_since:%Y-%m-%d %H:%M} UTC"
        notes.append(f"The release that is due fails since {since}: see `arena doctor` or the log.")
    return notes


async def _database_answers(database: CurrentDatabase) -> bool:
    try:
        async with database.statement() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        if not is_outage(error):
            raise
        return False
    return True


@router.get("/metrics")
async def metrics(
    request: Request, settings: CurrentSettings, pool: CurrentPool, database: CurrentDatabase
) -> Response:
    """Prometheus text, for the operator: with the token, or from loopback when no token is set.

    A request that came through a proxy carries `X-Forwarded-For` and is not from loopback.
    """
    if not _may_scrape(request, settings):
        raise Forbidden(
            "Metrics are for the operator: set ARENA_METRICS_TOKEN and send it as a bearer token."
        )
    states = [status.breaker_state for status in pool.snapshot()]
    for state in ("closed", "open", "half_open"):
        ENDPOINTS.labels(state=state).set(states.count(state))
    with suppress(SQLAlchemyError):  # the other metrics are wanted most while the database is away
        async with database.sessions() as session:
            NOT_COUNTED_ALARM.set(bool(await alarm_days(session)))
            STALE_BOARDS.set(await failing_since(session) is not None)
            LATE_RELEASE.set(await failing_schedule(session, settings) is not None)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: Request, settings: CurrentSettings) -> bool:
    if settings.metrics_token is not None:
        given = request.headers.get("authorization", "").encode()
        return compare_digest(given, b"Bearer " + settings.metrics_token.get_secret_value().encode())
    near = request.client is not None and request.client.host in LOOPBACK
    return near and "x-forwarded-for" not in request.headers
