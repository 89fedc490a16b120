"""Contestants that take turns at work of one kind."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.ratings.contestant import Contestant, ContestantError
from benchmarks.ratings.operation import Answer

PATIENCE_SECONDS = 300.0
SLOW_SECONDS = 5.0
VERY_SLOW_SECONDS = 15.0
QUICK_SECONDS = 0.5
QUICK_ROUNDS = 4
"""How many times as many rounds quick work gets: a processor shared with others runs half as fast at some moments."""

SETTLE_SECONDS = 0.5
"""Before each round: threads of numerical libraries go on turning for a while, and would take time from the next."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """A contestant with one operation; its answer to the first round, and the seconds of the rounds that count."""

    contestant: Contestant
    operation: str
    seconds: list[float] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def run_heat(entries: Sequence[Entry], rounds: int) -> None:
    """Warm up, then take turns, every second round in the opposite order.

    Very slow work is not done a second time, and slow work at most twice; where all of it is quick, there are more
    rounds. An entry that fails drops out.
    """
    first = {entry: _first_round(entry) for entry in entries}
    if max(first.values()) < QUICK_SECONDS:
        rounds *= QUICK_ROUNDS
    wanted = {entry: _turns(seconds, rounds) for entry, seconds in first.items()}
    for number in range(rounds):
        for entry in entries if number % 2 == 0 else reversed(entries):
            if not entry.failures and len(entry.seconds) <= number < wanted[entry]:
                time.sleep(SETTLE_SECONDS)
                _timed_round(entry)
    for contestant in {entry.contestant for entry in entries}:
        contestant.forget()


def _turns(first_seconds: float, rounds: int) -> int:
    most = 1 if first_seconds > VERY_SLOW_SECONDS else 2 if first_seconds > SLOW_SECONDS else rounds
    return min(most, rounds)


def _first_round(entry: Entry) -> float:
    """Have the answer given; the time of very slow work counts already."""
    try:
        first = entry.contestant.round(entry.operation, answer=True, patience=PATIENCE_SECONDS)
    except ContestantError as error:
        entry.failures.append(str(error))
        return 0.0
    if first.answer is not None:
        entry.answers.append(first.answer)
    if first.seconds > VERY_SLOW_SECONDS:
        entry.seconds.append(first.seconds)
    return first.seconds


def _timed_round(entry: Entry) -> None:
    try:
        timed = entry.contestant.round(entry.operation, patience=PATIENCE_SECONDS)
    except ContestantError as error:
        entry.failures.append(str(error))
    else:
        entry.seconds.append(timed.seconds)
