"""The fewest votes whose change puts a challenger ahead: greedy by influence, then refits until it is exact."""

from dataclasses import dataclass, replace

import numpy as np

from ratings.arrays import FloatArray, IntArray, sorted_together
from ratings.changes import AddedVotes, Changes
from ratings.errors import InvalidOptionError
from ratings.level_fit import Contest, LevelFit

_REPAIRS = 40
_ATTEMPTS = 100
_SECANTS = 8
_PARTS = 4
_CURVED = 0.02
_LONGEST_BEAM = 20
_WIDEST, _NARROWEST = 24, 4
_BEAM_REFITS = 400
_MOST_ADDED = 2.0**62
_DIGITS = 9
"""Influences are compared to these, so that the last bits cannot choose between equally good votes."""


class _Prefixes:
    """The changes in the order of their influence, and how far the first so many move the lead."""

    def __init__(self, influence: FloatArray, limit: IntArray, base: float) -> None:
        helpful = np.flatnonzero((influence > 0) & (limit > 0))
        self._order = helpful[_descending(influence[helpful])]
        self._limit, self._influence = limit[self._order], influence[self._order]
        self._kinds = len(limit)
        self._ends = np.cumsum(self._limit)
        self._leads = base + np.cumsum(self._limit * self._influence)

    @property
    def longest(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def used(self, votes: int) -> IntArray:
        """Return how many of each kind are among the first so many votes."""
        used = np.zeros(self._kinds, dtype=np.int64)
        used[self._order] = np.clip(votes - (self._ends - self._limit), 0, self._limit)
        return used

    def last_kind(self, votes: int) -> int:
        return int(self._order[np.searchsorted(self._ends, votes)])

    def lead(self, votes: int) -> float:
        """Estimate the lead after the first so many votes."""
        place = int(np.searchsorted(self._ends, votes))
        return float(self._leads[place] - (self._ends[place] - votes) * self._influence[place])

    def votes_for(self, lead: float) -> int:
        """Estimate how many votes reach a lead; one more than there are if all do not."""
        place = int(np.searchsorted(self._leads, lead))
        if place == len(self._ends):
            return self.longest + 1
        surplus = (self._leads[place] - lead) / self._influence[place]
        return int(self._ends[place] - max(np.ceil(surplus) - 1, 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """The shortest prefix that flips, or the kind whose last vote would cut the two apart."""

    used: IntArray | None = None
    fit: LevelFit | None = None
    breaking: int | None = None
    kept: int = 0
    mistaken_by: float = 0.0


def fewest(contest: Contest, changes: Changes, start: LevelFit) -> IntArray | None:
    """Find the fewest of the changes that put the challenger ahead.

    Parameters
    ----------
    contest : Contest
    changes : DroppedVotes, FlippedVotes, AddedVotes or RemovedClusters
    start : LevelFit
        The fit of the unchanged votes, with the challenger behind.

    Returns
    -------
    int64, shape (n_kinds,), or None
        How many of each kind to change; None where no such set was found that leaves the two comparable.

    Notes
    -----
    Takes the changes in the order of their one-step influence on the lead and finds by refits the shortest
    prefix that flips. Then repeats this with the influences at that solution, until it gets no shorter: at the
    minimum the order agrees with the influences of the very fit that it leads to. Where influences mispredict,
    because few votes carry much of the board, a beam search looks for still fewer, vote by vote.
    """
    if isinstance(changes, AddedVotes):
        return _fewest_added(contest, changes, start)
    limit, fit, used = changes.limit.copy(), start, np.zeros_like(changes.limit)
    best, curved = None, False
    for _ in range(_REPAIRS):
        influence = changes.influences(contest, fit)
        prefixes = _Prefixes(influence, limit, fit.lead - float((influence * used).sum()))
        found = _shortest(contest, changes, prefixes, start, None if best is None else int(best.sum()))
        curved |= found.breaking is not None or found.mistaken_by > _CURVED * abs(start.lead)
        if found.used is not None and found.fit is not None:
            best = used = found.used
            fit = contest.renew(found.fit)
        elif best is None and found.breaking is not None:
            limit[found.breaking] = found.kept
        else:
            break
    longest = _LONGEST_BEAM if best is None else int(best.sum()) - 1
    if longest > _LONGEST_BEAM or (best is not None and not curved):
        return best
    fewer = _beam(contest, changes, start, longest)
    return best if fewer is None else fewer


def _shortest(
    contest: Contest, changes: Changes, prefixes: _Prefixes, start: LevelFit, below: int | None
) -> _Found:
    """Find the shortest flipping prefix of fewer votes than ``below``, by secant steps kept in a bracket."""
    low, high = 0, prefixes.longest + 1 if below is None else min(below, prefixes.longest + 1)
    found, broken, correction, worst, warm = _Found(), False, 0.0, 0.0, start
    for attempt in range(_ATTEMPTS):
        if high - low < 2:
            break
        guess = prefixes.votes_for(contest.ahead - correction)
        if attempt > _SECANTS:
            guess = (low + high) // 2
        votes = min(max(guess, low + 1), high - 1)
        used = prefixes.used(votes)
        fit = contest.refit(*changes.apply(used), warm)
        if fit is None:
            high, broken = votes, True
            continue
        correction, warm = fit.lead - prefixes.lead(votes), fit
        worst = max(worst, abs(correction))
        if fit.lead > contest.ahead:
            high, found, broken = votes, _Found(used=used, fit=fit), False
        else:
            low = votes
    if broken:
        kind = prefixes.last_kind(high)
        return _Found(breaking=kind, kept=int(prefixes.used(high)[kind]) - 1)
    return replace(found, mistaken_by=worst)


def _beam(contest: Contest, changes: Changes, start: LevelFit, longest: int) -> IntArray | None:
    """Add one vote at a time to each of the best few sets, until one of at most so many votes flips."""
    width = max(_NARROWEST, min(_WIDEST, _BEAM_REFITS // max(longest, 1)))
    beam = [(np.zeros_like(changes.limit), start)]
    for _ in range(longest):
        candidates: dict[bytes, tuple[float, IntArray, LevelFit]] = {}
        for used, fit in beam:
            influence = _rounded(changes.influences(contest, fit))
            for kind in _largest(np.where(used < changes.limit, influence, 0), width):
                longer = used.copy()
                longer[kind] += 1
                lead = fit.lead + float(influence[kind])
                candidates.setdefault(longer.tobytes(), (lead, longer, fit))
        beam = []
        for _, used, fit in sorted(candidates.values(), key=lambda candidate: -candidate[0])[:width]:
            changed = contest.refit(*changes.apply(used), fit)
            if changed is not None and changed.lead > contest.ahead:
                return used
            if changed is not None:
                beam.append((used, contest.renew(changed)))
    return None


def _fewest_added(contest: Contest, changes: AddedVotes, start: LevelFit) -> IntArray:
    """Add votes where they move the lead most, a part of what is missing at a time, and look again.

    Votes between the two themselves move the lead by half a vote each, exactly and without end, so this always
    succeeds.
    """
    fit, used = start, np.zeros(2 * len(contest.first), dtype=np.int64)
    low, high = sorted((contest.leader, contest.challenger))
    between = np.repeat((contest.first == low) & (contest.second == high), 2)
    while fit.lead <= contest.ahead:
        influence = changes.weight * _rounded(changes.influences(contest, fit) / changes.weight)
        kind = int(np.argmax(influence))
        missing = (contest.ahead - fit.lead) / influence[kind]
        if not missing < _MOST_ADDED:
            raise InvalidOptionError(
                f"It takes {missing:.3g} new votes of weight 1 to reverse this order, more than can be counted: "
                "divide the weights by their mean."
            )
        used[kind] += int(np.floor(missing) + 1 if between[kind] else max(missing // _PARTS, 1))
        changed = contest.refit(*changes.apply(used), fit)
        assert changed is not None, "more votes cut nobody off"
        fit = contest.renew(changed)
    return used


def _largest(influence: FloatArray, size: int) -> IntArray:
    """Return up to so many places of the largest values above 0, equal ones in their order."""
    least = float(np.partition(influence, -size)[-size]) if size < len(influence) else 0.0
    places = np.flatnonzero((influence >= least) & (influence > 0))
    return places[np.argsort(-influence[places], kind="stable")[:size]]


def _descending(influence: FloatArray) -> IntArray:
    """Order influences above 0, rounded, from the largest; equal ones in their order."""
    largest = float(influence.max(initial=0.0)) * 10**_DIGITS
    if largest < _MOST_ADDED:
        whole = np.rint(influence * 10**_DIGITS).astype(np.int64)
        together = sorted_together([whole.max(initial=0) - whole, np.arange(len(whole))])
        if together:
            return together[1]
    return np.argsort(-_rounded(influence), kind="stable")


def _rounded(influence: FloatArray) -> FloatArray:
    return np.round(influence, _DIGITS)
