"""Two models of a board beside each other: their record, how sure their order is, and what it takes to be sure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from arena.web.boards import BoardPage, Entry
from arena.web.pair_records import PairRecord, PairRecords
from ratings import RATING_PER_STRENGTH, votes_to_separate
from ratings.confidence_sequences import anytime_multiplier

POWER: Final = 0.8
USUAL_TIES: Final = 0.35  # share of votes, for models that never met
ROUNDS: Final = 20  # until a plan changes no more
MOST_VOTES: Final = 10_000_000  # a plan of more says: never


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first rating less the second, with an interval for this pair alone."""

    points: float
    lower: float | None
    upper: float | None
    widened: bool  # taken from the two models' own intervals, because these two never met

    @property
    def leaves_zero_out(self) -> bool:
        """Whether the interval does: enough for one pair at one look, and too little for all pairs of a board."""
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
    better: Entry | None  # for certain, by the rule of the ranks
    plan: Plan | None  # None where their order is certain, or nothing can be planned

    @property
    def ahead(self) -> Entry | None:
        """The one that is better by the interval of this pair alone."""
        if self.difference is None or not self.difference.leaves_zero_out:
            return None
        return self.a if self.difference.points > 0 else self.b

    @property
    def preliminary(self) -> Sequence[Entry]:
        """Those of the two whose votes are few."""
        return [entry for entry in (self.a, self.b) if entry.preliminary]


def compare(board: BoardPage, records: PairRecords, a: Entry, b: Entry) -> ModelPair:
    """Put two models of a board beside each other."""
    record = records.between(a.model, b.model)
    found = _difference(a, b, record)
    better = _better(a, b, record)
    plan = None if better else _plan(board, a, b, found, record)
    return ModelPair(board=board, a=a, b=b, record=record, difference=found, better=better, plan=plan)


def first_in_ranks(a: Entry, b: Entry) -> Entry | None:
    """The one that is ahead in every rank that is possible for the two."""
    if not (a.rank_upper and b.rank_upper and a.rank_lower and b.rank_lower):
        return None
    if a.rank_upper < b.rank_lower:
        return a
    return b if b.rank_upper < a.rank_lower else None


def _better(a: Entry, b: Entry, record: PairRecord | None) -> Entry | None:
    """Whom the ranks claim to be better: of two that never met, as far as their ranks alone say it."""
    if record is None or record.certain is None or record.difference is None:
        return first_in_ranks(a, b)
    return None if not record.certain else a if record.difference > 0 else b


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


def _plan(
    board: BoardPage, a: Entry, b: Entry, found: Difference | None, record: PairRecord | None
) -> Plan | None:
    """Votes until the ranks tell the two apart with probability `POWER`, from the width that the interval has now."""
    if found is None or found.lower is None or found.upper is None or not found.points:
        return None
    normal = NormalDist()
    error = (found.upper - found.lower) / 2 / normal.inv_cdf((1 + board.confidence) / 2)
    times = 1.0  # so many times the present information; what the ranks ask for falls with it, and then hardly changes
    for _ in range(ROUNDS):
        apart = _errors_apart(board, times * min(a.votes, b.votes))
        times = max((error * (apart + normal.inv_cdf(POWER)) / found.points) ** 2, 1.0)
    from_nothing = votes_to_separate(
        found.points, tie_rate=_tie_rate(found, record), confidence=2 * normal.cdf(apart) - 1, power=POWER
    )
    return Plan(direct=_whole(from_nothing * (1 - 1 / times)), board=_whole(board.votes * (times - 1)))


def _errors_apart(board: BoardPage, votes: float) -> float:
    """How many standard errors apart the ranks want two models to be; more where few people cast these votes."""
    alpha = (1 - board.confidence) / (board.rated * (board.rated - 1) / 2)
    planned = board.method["parameters"]["planned_voters"]
    return float(anytime_multiplier(np.array([votes]), planned_votes=planned, alpha=alpha)[0])


def _tie_rate(found: Difference, record: PairRecord | None) -> float:
    """The pair's own share of ties, as far as such a difference leaves room for it."""
    share = (record.ties + record.both_bad) / record.votes if record else USUAL_TIES
    return min(share, 1.99 * min(chance(found.points), chance(-found.points)))


def _whole(votes: float) -> int | None:
    return math.ceil(votes) if votes <= MOST_VOTES else None
