"""When a model may be retired: one rule for all, measured within its class of licence."""

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

VOTES_LEAST = 3000
LOWEST_SHARE = 0.3
CLASSES = {True: "open weights", False: "proprietary"}

RULE = (
    f"A model may be retired when it has at least {VOTES_LEAST:,} counted votes and its rating on the overall board is"
    f" among the lowest {LOWEST_SHARE:.0%} of the active models of its class, open weights or proprietary, each"
    " class by itself. It may also be retired at its maker's request or when nobody serves it any more. Nothing is"
    " retired silently: every retirement has a date and a reason, and the model keeps its place on the boards,"
    " marked as retired."
)


def retirable(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The models of the overall board that meet the rule, each with its class."""
    found: dict[str, str] = {}
    for is_open, name in CLASSES.items():
        rated = [
            entry
            for entry in entries
            if entry["open_weights"] is is_open
            and entry["status"] == "active"
            and entry["rating"] is not None
        ]
        rated.sort(key=lambda entry: (entry["rating"], entry["model"]))
        lowest = rated[: floor(LOWEST_SHARE * len(rated))]
        found |= {entry["model"]: name for entry in lowest if entry["votes"] >= VOTES_LEAST}
    return found
