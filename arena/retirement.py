"""When a model may be retired, one rule for all, measured within its class of licence; and which ones were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor
from typing import Any

from arena.tables import Model

VOTES_LEAST = 3000
LOWEST_SHARE = 0.3
CLASSES = {True: "open weights", False: "proprietary"}

RULE = (
    f"A model may be retired when it has at least {VOTES_LEAST:,} counted votes and its rating on the overall board is"
    f" among the lowest {LOWEST_SHARE:.0%} of the active models of its class, open weights or proprietary, each"
    " class by itself; weights of which nothing is stated count as proprietary. It may also be retired at its maker's"
    " request or when nobody serves it any more. Nothing is retired silently: every retirement has a date and a reason,"
    " and the model keeps its place on the boards, marked as retired."
)


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """One retirement of a model, which may have ended since."""

    model: str
    retired_at: datetime | None
    listed_again_at: datetime | None
    reason: str | None


def retirable(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The models of the overall board that meet the rule, each with its class."""
    found: dict[str, str] = {}
    for is_open, name in CLASSES.items():
        rated = [
            entry
            for entry in entries
            if bool(entry["open_weights"]) is is_open
            and entry["status"] == "active"
            and entry["rating"] is not None
        ]
        rated.sort(key=lambda entry: (entry["rating"], entry["model"]))
        lowest = rated[: floor(LOWEST_SHARE * len(rated))]
        found |= {entry["model"]: name for entry in lowest if entry["votes"] >= VOTES_LEAST}
    return found


def retirements(models: Sequence[Model]) -> list[Retirement]:
    """Every retirement of these models, also of those that came back, the newest first."""
    found = [
        Retirement(
            model=model.name, retired_at=model.retired_at, listed_again_at=None, reason=model.retired_reason
        )
        for model in models
        if model.status == "retired"
    ]
    found += [
        Retirement(
            model=model.name,
            retired_at=_moment(past["retired_at"]),
            listed_again_at=_moment(past["listed_again_at"]),
            reason=past["reason"],
        )
        for model in models
        for past in model.past_retirements
    ]
    return sorted(found, key=lambda it: it.retired_at or datetime.min.replace(tzinfo=UTC), reverse=True)


def _moment(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None
