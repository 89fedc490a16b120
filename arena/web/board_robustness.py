"""What would change a board, as pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from arena.web.snapshot_reader import SnapshotReader

CHANGES: Final = {"drops": "dropping", "flips": "turning", "adds": "adding"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """The fewest votes, or voters, that swap two models."""

    number: int
    share: float

    @property
    def percent(self) -> str:
        """The share in percent, with two digits however small it is."""
        return f"{100 * self.share:.0f}%" if self.share >= 0.1 else f"{100 * self.share:.2g}%"


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Two models next to each other on the board."""

    rank: int
    better: str
    worse: str
    difference: float
    drops: Change | None
    flips: Change | None
    adds: Change | None
    voters: Change | None

    @property
    def cheapest(self) -> tuple[str, Change] | None:
        """What swaps the two with votes that were cast, or else with new ones: what is done to them, and how many."""
        found = ((said, getattr(self, name)) for name, said in CHANGES.items())
        return next(((said, change) for said, change in found if change), None)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one method puts a model."""

    rating: float
    rank: int
    rank_lower: int | None
    rank_upper: int | None


@dataclass(frozen=True, kw_only=True)
class Band:
    """A model over all methods."""

    model: str
    rating_lowest: float
    rating_highest: float
    rank_best: int
    rank_worst: int
    rank_lower: int
    rank_upper: int
    by_method: Mapping[str, Place | None]


@dataclass(frozen=True, kw_only=True)
class Robustness:
    """What a robustness file says."""

    votes: int
    voters: int
    neighbours: Sequence[Neighbours]
    unknown: Mapping[str, str]
    methods: Mapping[str, str]
    models: Sequence[Band]


def parse_robustness(payload: bytes) -> Robustness:
    """The page's view of a robustness file."""
    file = orjson.loads(payload)
    return Robustness(
        neighbours=[_neighbours(row) for row in file["neighbours"]],
        models=[_band(row) for row in file["models"]],
        **{name: file[name] for name in ("votes", "voters", "unknown", "methods")},
    )


def _neighbours(row: Mapping[str, Any]) -> Neighbours:
    changes: dict[str, Any] = {
        name: None if row[name] is None else Change(number=row[name], share=row[f"{name}_share"])
        for name in (*CHANGES, "voters")
    }
    kept = {name: row[name] for name in ("rank", "better", "worse", "difference")}
    return Neighbours(**kept, **changes)


def _band(row: Mapping[str, Any]) -> Band:
    kept = {name: row[name] for name in Band.__annotations__ if name != "by_method"}
    places = {
        method: None if place is None else Place(**{name: place[name] for name in Place.__annotations__})
        for method, place in row["by_method"].items()
    }
    return Band(**kept, by_method=places)


async def robustness_of(
    snapshots: SnapshotReader, board: str, snapshot_id: str | None = None
) -> Robustness | None:
    """What would change a board; None of a category, and in snapshots of before this was computed."""
    file = f"robustness/{board}.json"
    found: Robustness | None = await snapshots.parsed_if_there(file, parse_robustness, snapshot_id)
    return found
