"""A board through the days: one point a model and day, and the board of one day."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator

from arena.errors import InvalidInput
from arena.history import Day, day_of
from arena.nearest import LONGEST_NAME
from arena.snapshots import board_file
from arena.web.deps import CurrentSettings, Days, Made, Snapshots
from arena.web.feed_answers import (
    FRESH,
    IMMUTABLE,
    alternate,
    answer,
    as_json,
    described_by,
    licensed,
)
from arena.web.feed_boards import StyleControl, leaderboard_file, license_of

router = APIRouter(prefix="/feed/v1", tags=["feed"])
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
POINT = ("model", "rating", "lower", "upper", "rank_lower", "rank_upper", "votes")


def _written_as_day(value: object) -> object:
    """Pydantic takes a number for seconds since 1970, which nobody means here."""
    if isinstance(value, str) and not DAY.fullmatch(value):
        raise ValueError("write it as year, month and day, such as 2026-11-01")
    return value


DayOf = Annotated[date, BeforeValidator(_written_as_day)]
From = Annotated[DayOf | None, Query(alias="from", description="First day, as in 2026-11-01.")]
To = Annotated[DayOf | None, Query(description="Last day.")]


@router.head("/history/{name}.json", include_in_schema=False)
@router.get("/history/{name}.json")
async def history(
    name: str,
    request: Request,
    snapshots: Snapshots,
    days: Days,
    settings: CurrentSettings,
    made: Made,
    style_control: StyleControl = False,
    first: From = None,
    to: To = None,
) -> Response:
    """Every model's rating on every day, from the last snapshot of the day."""
    newest = await snapshots.newest()
    chosen = within(await days.days(newest), first, to)
    stored = board_file(name, style_control=style_control)
    found = await days.of_days(stored, points, chosen) if len(name) <= LONGEST_NAME else []
    if not found:
        await snapshots.compressed(stored, newest.id)  # says what is wrong with the name, if anything is

    def make() -> bytes:
        says = {
            "$schema": "/feed/v1/schema/history.json",
            "category": name,
            "style_control": style_control,
            "days": [_day(day) | {"entries": orjson.Fragment(entries)} for day, entries in found],
        }
        return as_json(says)

    links = [
        described_by("history"),
        *([] if style_control or first or to else [alternate(f"/history/{name}", "text/html")]),
        *licensed(
            await license_of(snapshots, settings, stored, found[-1][0].snapshot if found else newest.id)
        ),
    ]
    modified = found[-1][0].generated_at if found else newest.generated_at
    of = ("history", stored, *(f"{day.date} {day.snapshot}" for day, _ in found))
    return await made.answer(request, make, of=of, modified=modified, links=links)


@router.head("/history/{name}/{day}.json", include_in_schema=False)
@router.get("/history/{name}/{day}.json")
async def board_of_day(
    name: str,
    day: DayOf,
    request: Request,
    snapshots: Snapshots,
    days: Days,
    settings: CurrentSettings,
    style_control: StyleControl = False,
) -> Response:
    """The board as the last snapshot of a day had it; it changes no more once the day is over."""
    found = day_of(await days.days(await snapshots.newest()), day)
    headers = IMMUTABLE if found.is_over(datetime.now(UTC)) else FRESH
    file = await leaderboard_file(
        snapshots,
        settings,
        name,
        found.snapshot,
        style_control=style_control,
        headers=headers,
        alternates=[alternate(f"/leaderboard/{name}/{day}", "text/html")],
    )
    return answer(request, file)


def within(days: tuple[Day, ...], first: date | None, last: date | None) -> list[Day]:
    """The days of a period; raises `InvalidInput` for one that ends before it begins."""
    if first and last and first > last:
        said = (
            f"The period ends on {last.isoformat()}, before it begins on {first.isoformat()}. Swap the two."
        )
        raise InvalidInput(said, errors=[{"pointer": "/from", "detail": "is later than `to`"}])
    return [day for day in days if (first or day.date) <= day.date <= (last or day.date)]


def points(payload: bytes) -> bytes:
    """Of a leaderboard file, what the history keeps."""
    return orjson.dumps([{name: entry[name] for name in POINT} for entry in orjson.loads(payload)["entries"]])


def _day(day: Day) -> dict[str, object]:
    return {"date": day.date, "snapshot": day.snapshot, "generated_at": day.generated_at}
