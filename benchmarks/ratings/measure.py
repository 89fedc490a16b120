"""Run the races at one size or on the whole grid."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.comparison import Findings, Remark
from benchmarks.ratings import referee
from benchmarks.ratings.contestant import Contestant, ContestantError, run_once
from benchmarks.ratings.heat import PATIENCE_SECONDS, Entry, run_heat
from benchmarks.ratings.operation import Answer
from benchmarks.ratings.peers import PEERS, install_peers
from benchmarks.ratings.races import (
    FIRST_RUNS,
    GOAL_SIZE,
    GOAL_SIZE_OF_MEMORY,
    RACES,
    FirstRunRace,
    Race,
)
from benchmarks.ratings.results import Result
from benchmarks.ratings.synthetic_votes import write_votes
from benchmarks.ratings.votes import Votes

QUICK = ((1_500_000, 100),)
GRID = tuple((votes, models) for votes in (100_000, 1_500_000, 10_000_000) for models in (25, 100, 250))
SEED = 20_261_122
FIRST_RUN_SECONDS = 10.0
WITHOUT_NUMBA = "ours without numba"


def measure(
    rounds: int,
    *,
    sizes: Sequence[tuple[int, int]] = QUICK,
    only: Sequence[str] = (),
    say: Callable[[str], None] = print,
) -> Findings:
    """All races on so many votes and models, or those whose description holds one of some texts."""
    missing = install_peers()
    remarks = [f"{name} could not be installed: {reason}" for name, reason in missing.items()]
    results: list[Result] = []
    for votes, models in sizes:
        say(f"ratings: {votes:,} votes on {models} models …")
        with TemporaryDirectory(prefix="arena-benchmarks-") as directory:
            path = Path(directory) / "votes.arrow"
            write_votes(path, votes=votes, models=models, seed=SEED)
            course = _Course(path=path, votes=votes, models=models, rounds=rounds, only=only, say=say)
            results += course.results(set(missing))
            remarks += course.remarks
    return Findings(
        comparisons=(),
        results=results,
        remarks=[Remark(benchmark="ratings", text=text) for text in dict.fromkeys(remarks)],
    )


class _Course:
    """The races on one file of votes."""

    def __init__(
        self,
        *,
        path: Path,
        votes: int,
        models: int,
        rounds: int,
        only: Sequence[str],
        say: Callable[[str], None],
    ) -> None:
        self.path, self.votes, self.models, self.rounds, self.say = path, votes, models, rounds, say
        self.only = only
        self.remarks: list[str] = []

    @cached_property
    def _exact(self) -> dict[str, referee.Exact]:
        data = Votes(self.path)
        return {"plain": referee.bradley_terry(data.counts), "style": referee.style_controlled(data)[0]}

    def _is_wanted(self, race: Race | FirstRunRace) -> bool:
        described = race.what if isinstance(race, Race) else f"first run of {race.what}"
        return not self.only or any(text in described for text in self.only)

    def results(self, missing: set[str]) -> list[Result]:
        """Measure everything that does not need a missing peer."""
        races = [
            race
            for race in RACES
            if race.peer not in missing and self.votes <= race.largest and self._is_wanted(race)
        ]
        found: dict[Race, list[Result]] = {}
        with Contestant("ours", self.path) as ours, Contestant(WITHOUT_NUMBA, self.path) as plain:
            for peer in ("", *PEERS):
                chosen = [race for race in races if race.peer == peer]
                if chosen:
                    found |= self._against(peer, chosen, ours, plain)
        first = [race for race in FIRST_RUNS if race.peer not in missing and self._is_wanted(race)]
        return [row for race in races for row in found.get(race, [])] + [
            row for race in first for row in self._first_runs(race)
        ]

    def _against(
        self, peer: str, races: Sequence[Race], ours: Contestant, plain: Contestant
    ) -> dict[Race, list[Result]]:
        """Measure all races against one peer; those against the same work of it share its rounds."""
        found: dict[Race, list[Result]] = {}
        with ExitStack() as stack:
            them = stack.enter_context(Contestant(peer, self.path)) if peer else None
            if them and them.note:
                self.remarks.append(f"{them.title}: {them.note}")
            for theirs in dict.fromkeys(race.theirs for race in races):
                began = time.perf_counter()
                chosen = [race for race in races if race.theirs == theirs]
                entries = {
                    (race, one): Entry(contestant=one, operation=race.ours)
                    for race in chosen
                    for one in ([ours, plain] if race.compiled else [ours])
                }
                peer_entry = Entry(contestant=them, operation=theirs) if them else None
                run_heat([*entries.values(), *([peer_entry] if peer_entry else [])], self.rounds)
                self.say(f"  {theirs or 'ours alone'}, {peer or '-'}: {time.perf_counter() - began:.0f} s")
                for (race, _), entry in entries.items():
                    found.setdefault(race, []).extend(self._judged(race, entry, peer_entry))
        return found

    def _judged(self, race: Race, ours: Entry, peer: Entry | None) -> list[Result]:
        failures = [*ours.failures, *(peer.failures if peer else [])]
        self.remarks += [f"{race.what}: {failure}" for failure in failures]
        if failures:
            return []
        compiled = ours.contestant.name != WITHOUT_NUMBA
        ratio, limit = race.goals(self.votes, self.models) if compiled else (0.0, 0.0)
        ours_off, peer_off = self._distances(race, ours.answers[0], peer.answers[0] if peer else None)
        return [
            Result(
                what=race.what if compiled else f"{race.what}, without Numba",
                votes=self.votes,
                models=self.models,
                unit="s",
                ours=tuple(ours.seconds),
                peer=tuple(peer.seconds) if peer else (),
                peer_name=peer.contestant.title if peer else "",
                ratio_at_least=ratio,
                at_most=limit,
                ours_off=ours_off,
                peer_off=peer_off,
            )
        ]

    def _distances(self, race: Race, ours: Answer, peer: Answer | None) -> tuple[float | None, float | None]:
        if "bootstraps" in race.what:  # resamples scatter: nothing to hold against an exact answer
            return None, None
        if race.referee == "each other":
            return None, None if peer is None else _apart(ours.ratings, peer.ratings)
        exact = self._exact[race.referee].ratings
        return _apart(exact, ours.ratings), None if peer is None else _apart(exact, peer.ratings)

    def _first_runs(self, race: FirstRunRace) -> list[Result]:
        try:
            ours = run_once("ours", self.path, race.ours, patience=PATIENCE_SECONDS)
            peer = run_once(race.peer, self.path, race.theirs, patience=PATIENCE_SECONDS)
        except ContestantError as error:
            self.remarks.append(f"first run of {race.what}: {error}")
            return []
        self.say(f"  first run of {race.what}, {race.peer}: {ours.seconds + peer.seconds:.0f} s")
        begin = Result(
            what=f"{race.what}: first run, with imports",
            votes=self.votes,
            models=self.models,
            unit="s",
            ours=(ours.seconds,),
            peer=(peer.seconds,),
            peer_name=race.peer.replace("_", "-"),
            at_most=FIRST_RUN_SECONDS if self.votes == GOAL_SIZE[0] else 0.0,
        )
        memory = replace(
            begin,
            what=f"{race.what}: peak memory of the process",
            unit="MiB",
            ours=(ours.peak_mebibytes,),
            peer=(peer.peak_mebibytes,),
            ratio_at_least=race.peak_ratio if (self.votes, self.models) == GOAL_SIZE_OF_MEMORY else 0.0,
            at_most=0.0,
        )
        return [begin, memory]


def _apart(exact: Mapping[str, float], found: Mapping[str, float]) -> float:
    """Largest difference in rating points, with the mean taken out of both."""
    if exact.keys() != found.keys():
        raise ValueError("the answer names other models than the votes")
    middle = sum(found[name] - value for name, value in exact.items()) / len(exact)
    return max(abs(found[name] - value - middle) for name, value in exact.items())
