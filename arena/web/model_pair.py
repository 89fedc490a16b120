"""Two models of a board beside each other: their record, how sure their order is, and what it takes to be sure."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from arena.web.boards import BoardPage, Entry
from arena.web.pair_records import PairRecord, PairRecords
from ratings import RATING_PER_STRENGTH, votes_to_separate

POWER: Final = 0.8
USUAL_TIES: Final = 0.35  # share of votes, for models that never met
MOST_VOTES: Final = 10_000_000  # a plan of more says: never


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first rating less the second, with an interval for this pair alone."""

    points: float
    lower: float | None
    upper: float | None
    widened: bool  # taken from the two models' own intervals, because these two never met

    @property
    def certain(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.lower is not None and self.upper is not None and (self.lower > 0 or self.upper < 0)

    @property
    def chances(self) -> tuple[float, float | None, float | None]:
        """How often the first is preferred in a vote on both, a tie as half; with the ends of its interval."""
        lower, upper = (None if end is None else chance(end) for end in (self.lower, self.upper))
        return chance(self.points), lower, upper


def chance(points: float) -> float:
    """The expected share of votes that the better one wins."""
    return 1 / (1 + math.exp(-points / RATING_PER_STRENGTH))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many votes would tell two models apart, if they differ as much as it seems now."""

    direct: int | None  # further votes on the pair alone; None for more than anybody will cast
    board: int | None  # further votes on the whole board, spread as so far


@dataclass(frozen=True, kw_only=True)
class ModelPair:
    """Two models on one board."""

    board: BoardPage
    a: Entry
    b: Entry
    record: PairRecord | None  # None if they never met
    difference: Difference | None  # None where one of them has no rating
    plan: Plan | None  # None where their order is certain, or nothing can be planned

    @property
    def better(self) -> Entry | None:
        """The one that is better for certain."""
        if self.difference is None or not self.difference.certain:
            return None
        return self.a if self.difference.points > 0 else self.b


def compare(board: BoardPage, records: PairRecords, a: Entry, b: Entry) -> ModelPair:
    """Put two models of a board beside each other."""
    record = records.between(a.model, b.model)
    found = _difference(a, b, record)
    return ModelPair(board=board, a=a, b=b, record=record, difference=found, plan=_plan(board, found, record))


def _difference(a: Entry, b: Entry, record: PairRecord | None) -> Difference | None:
    if a.rating is None or b.rating is None:
        return None
    if record is not None and record.difference is not None:
        return Difference(
            points=record.difference,
            lower=record.difference_lower,
            upper=record.difference_upper,
            widened=False,
        )
    points = a.rating - b.rating
    if a.lower is None or a.upper is None or b.lower is None or b.upper is None:
        return Difference(points=points, lower=None, upper=None, widened=True)
    # However two estimates depend on each other, their difference errs by no more than both together.
    width = (a.upper - a.lower + b.upper - b.lower) / 2
    return Difference(points=points, lower=points - width, upper=points + width, widened=True)


def _plan(board: BoardPage, found: Difference | None, record: PairRecord | None) -> Plan | None:
    """Votes until the interval leaves zero out with probability `POWER`, from the width that it has now."""
    if found is None or found.certain or found.lower is None or found.upper is None or not found.points:
        return None
    quantile = NormalDist().inv_cdf((1 + board.confidence) / 2)
    error = (found.upper - found.lower) / 2 / quantile
    wanted = abs(found.points) / (quantile + NormalDist().inv_cdf(POWER))
    times = (error / wanted) ** 2  # so many times the present information
    from_nothing = votes_to_separate(
        found.points, tie_rate=_tie_rate(found, record), confidence=board.confidence, power=POWER
    )
    return Plan(direct=_whole(from_nothing * (1 - 1 / times)), board=_whole(board.votes * (times - 1)))


def _tie_rate(found: Difference, record: PairRecord | None) -> float:
    """The pair's own share of ties, as far as such a difference leaves room for it."""
    share = (record.ties + record.both_bad) / record.votes if record else USUAL_TIES
    return min(share, 1.99 * min(chance(found.points), chance(-found.points)))


def _whole(votes: float) -> int | None:
    return math.ceil(votes) if votes <= MOST_VOTES else None
