"""The pairs of a board as pages show them: how each two models fared against each other, and what the fit says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from arena.web.snapshot_reader import SnapshotReader

COUNTS: Final = ("wins", "losses", "ties", "both_bad")
FITTED: Final = ("expected", "difference", "difference_lower", "difference_upper")


@dataclass(frozen=True, kw_only=True)
class PairRecord:
    """Two models that met: the votes from the first one's side, and what the ratings say of them."""

    model_a: str
    model_b: str
    wins: int
    losses: int
    ties: int
    both_bad: int
    expected: float | None
    difference: float | None
    difference_lower: float | None
    difference_upper: float | None
    certain: (
        bool | None
    )  # whether their order is, by the rule of the ranks; None in earlier versions' snapshots

    @property
    def votes(self) -> int:
        """All of them."""
        return self.wins + self.losses + self.ties + self.both_bad

    @property
    def win_rate(self) -> float:
        """The share that the first model won, a tie or both bad as half."""
        return (self.wins + (self.ties + self.both_bad) / 2) / self.votes

    def turned(self) -> "PairRecord":
        """The same from the other side."""
        return replace(
            self,
            model_a=self.model_b,
            model_b=self.model_a,
            wins=self.losses,
            losses=self.wins,
            expected=None if self.expected is None else 1 - self.expected,
            difference=_negative(self.difference),
            difference_lower=_negative(self.difference_upper),
            difference_upper=_negative(self.difference_lower),
        )


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


@dataclass(frozen=True)
class PairRecords:
    """All pairs of a board, kept as columns: two hundred models make twenty thousand pairs."""

    models: Sequence[str]
    first: npt.NDArray[np.int32]
    second: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]  # a row for each pair, columns as in `COUNTS`
    fitted: npt.NDArray[np.float64]  # likewise, as in `FITTED`; NaN where unknown
    certain: Sequence[bool | None]  # of each pair

    @cached_property
    def places(self) -> dict[str, int]:
        """Each model's place in board order."""
        return {name: place for place, name in enumerate(self.models)}

    def of(self, model: str) -> list[PairRecord]:
        """All pairs of a model from its side, in board order of the other."""
        place = self.places.get(model, -1)
        found = np.flatnonzero((self.first == place) | (self.second == place))
        records = [self._record(index) for index in found.tolist()]
        mine = [record if record.model_a == model else record.turned() for record in records]
        return sorted(mine, key=lambda record: self.places[record.model_b])

    def between(self, one: str, other: str) -> PairRecord | None:
        """The record of two models from the first one's side; None if they never met."""
        return next((record for record in self.of(one) if record.model_b == other), None)

    def among(self, models: int) -> list[PairRecord]:
        """The pairs of so many models at the top of the board."""
        return [self._record(index) for index in np.flatnonzero(self.second < models).tolist()]

    def votes_within(self, groups: Mapping[str, str | None]) -> int:
        """Votes on two models of one group, such as an organisation; a model without a group is of none."""
        numbers: dict[str | int, int] = {}
        keys = (groups.get(model) or place for place, model in enumerate(self.models))
        of = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int32)
        return int(self.counts[of[self.first] == of[self.second]].sum())

    def _record(self, index: int) -> PairRecord:
        counts = self.counts[index].tolist()
        fitted = [None if value != value else value for value in self.fitted[index].tolist()]
        numbers: dict[str, Any] = dict(zip((*COUNTS, *FITTED), (*counts, *fitted), strict=True))
        return PairRecord(
            model_a=self.models[self.first[index]],
            model_b=self.models[self.second[index]],
            certain=self.certain[index],
            **numbers,
        )


def parse_pairs(payload: bytes) -> PairRecords:
    """The page's view of a pairs file."""
    file = orjson.loads(payload)
    places = {name: place for place, name in enumerate(file["models"])}
    pairs: list[dict[str, Any]] = file["pairs"]
    fitted = [[np.nan if (it := pair.get(name)) is None else it for name in FITTED] for pair in pairs]
    return PairRecords(
        file["models"],
        np.array([places[pair["model_a"]] for pair in pairs], dtype=np.int32),
        np.array([places[pair["model_b"]] for pair in pairs], dtype=np.int32),
        np.array([[pair[name] for name in COUNTS] for pair in pairs], dtype=np.int64).reshape(
            -1, len(COUNTS)
        ),
        np.array(fitted, dtype=np.float64).reshape(-1, len(FITTED)),
        [pair.get("certain") for pair in pairs],
    )


async def read_pairs(snapshots: SnapshotReader, board: str, snapshot_id: str | None = None) -> PairRecords:
    """The pairs of a board; raises `LeaderboardNotFound`."""
    records: PairRecords = await snapshots.parsed(f"pairs/{board}.json", parse_pairs, snapshot_id)
    return records
