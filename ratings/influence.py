"""How few votes, or voters, hold up the order of two models: drops, flips, adds, each confirmed by a refit."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.bradley_terry import fit_bradley_terry
from ratings.changes import AddedVotes, Changes, DroppedVotes, FlippedVotes, RemovedClusters, with_all_pairs
from ratings.clusters import all_cells
from ratings.comparisons import Comparisons
from ratings.encoding import WINNERS
from ratings.errors import InvalidOptionError, name_some
from ratings.flip_search import fewest
from ratings.level_fit import Contest
from ratings.linear_algebra import single_threaded_blas
from ratings.scale import RATING_PER_STRENGTH

_CLEARER = 1000.0
_CONFIRMATIONS = 3
_EQUAL = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class VoteChange:
    """Votes whose change reverses the order of two models.

    Attributes
    ----------
    votes : int
        How many.
    cells : DataFrame
        Which: columns model_a, model_b, winner, votes, for flips also new_winner. All votes of a row are as good
        as each other.
    gap : float
        Rating of ``better`` less that of ``worse`` after the change and a full refit, below 0; rating points.
    """

    votes: int
    cells: pd.DataFrame
    gap: float


@dataclass(frozen=True, kw_only=True, eq=False)
class VotesToFlip:
    """The fewest votes that reverse the order of two models.

    Attributes
    ----------
    better, worse : str
        The two models, in the order of the unchanged votes.
    gap : float
        Rating of ``better`` less that of ``worse``, rating points.
    total : int
        Number of votes on the board.
    drops : VoteChange or None
        Votes to leave out. None: no set of votes was found without which the two are still on one scale, in the
        other order.
    flips : VoteChange or None
        Votes to turn into a win of the other side (or of one side, for ties); None as above.
    adds : VoteChange
        New votes, each of weight 1, on any pairs of the board's models.
    """

    better: ModelId
    worse: ModelId
    gap: float
    total: int
    drops: VoteChange | None
    flips: VoteChange | None
    adds: VoteChange


@dataclass(frozen=True, kw_only=True, eq=False)
class VotersToFlip:
    """The fewest voters without whose votes two models change their order.

    Attributes
    ----------
    better, worse : str
        The two models, in the order of the unchanged votes.
    voters : tuple
        Identities of the voters to leave out, sorted.
    weight : float
        Total weight of their votes: their number, where votes are not weighted.
    gap : float
        Rating of ``better`` less that of ``worse`` without them, after a full refit, below 0; rating points.
    """

    better: ModelId
    worse: ModelId
    voters: tuple[Any, ...]
    weight: float
    gap: float


def votes_to_flip(comparisons: Comparisons, better: ModelId, worse: ModelId) -> VotesToFlip:
    """Find the fewest votes whose dropping, flipping or adding puts ``worse`` ahead of ``better``.

    Parameters
    ----------
    comparisons : Comparisons
        Votes with a finite maximum, tie and both_bad as half a win.
    better, worse : str
        Two models, the first of them ahead.

    Returns
    -------
    VotesToFlip

    Raises
    ------
    NoFiniteMaximumError
        If these votes do not rate all models; `Comparisons.restrict` to those that can be rated.
    InvalidOptionError
        If a name is unknown, or ``better`` is not ahead.

    Notes
    -----
    The one-step influence of a vote on the lead of ``worse`` in the fit with both held level,
    -(y - p) x'g / (1 - h) with g = H+ c / (c' H+ c), c = +1 at ``worse`` and -1 at ``better`` [Broderick20],
    [Huang25], is the same for all votes of one pair and winner. So the search runs over at most 2 n_models ** 2
    such cells, however many votes there are. The order of influence is only the first guess: refits decide how
    many votes it takes, and the order is renewed at each solution. Every reported set is confirmed by a full
    refit. Smallest possible sets are found nearly always, but are not proven: the search is greedy, with a beam
    search where few votes carry much of the board. How often exhaustive search finds fewer on small boards is in
    docs/statistics.md, T8.

    Where votes are weighted, a vote of a cell counts with the cell's mean weight.

    Where dropping votes cuts models off the board, only those that "won or tied" still connects with both
    models in both directions are refitted, as a leaderboard would.

    References
    ----------
    [Broderick20] Broderick, Giordano, Meager. An Automatic Finite-Sample Robustness Metric. arXiv:2011.14999
    [Huang25] Huang, Shen, Wei, Broderick. Dropping Just a Handful of Preferences Can Change Top Large Language
              Model Rankings. arXiv:2508.11847

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "y"], "model_b": ["y", "x"], "winner": ["model_a"] * 2, "count": [30, 20]}
    ... )
    >>> found = votes_to_flip(Comparisons.from_battles(battles), "x", "y")
    >>> found.drops.votes, found.flips.votes, found.adds.votes
    (11, 6, 11)
    >>> found.drops.cells.to_dict("records")
    [{'model_a': 'x', 'model_b': 'y', 'winner': 'model_a', 'votes': 11}]
    """
    with single_threaded_blas():
        return _Board(comparisons).votes_to_flip(better, worse)


def voters_to_flip(comparisons: Comparisons, better: ModelId, worse: ModelId) -> VotersToFlip | None:
    """Find the fewest voters without whose votes ``worse`` is ahead of ``better``.

    Parameters
    ----------
    comparisons : Comparisons
        Built with ``Comparisons.from_battles(battles, cluster="voter")``.
    better, worse : str
        Two models, the first of them ahead.

    Returns
    -------
    VotersToFlip or None
        None: no set of voters was found without whom the two are still on one scale, in the other order.

    Raises
    ------
    NoFiniteMaximumError
        If these votes do not rate all models.
    InvalidOptionError
        If a name is unknown, ``better`` is not ahead, or the votes are not kept apart by voter.

    Notes
    -----
    A voter's influence is the sum of that of the voter's votes; the search is that of `votes_to_flip`.

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {
    ...         "model_a": ["x", "x", "x"],
    ...         "model_b": ["y", "y", "y"],
    ...         "winner": ["model_a", "model_a", "model_b"],
    ...         "count": [5, 2, 4],
    ...         "voter": ["ann", "bob", "cid"],
    ...     }
    ... )
    >>> voters_to_flip(Comparisons.from_battles(battles, cluster="voter"), "x", "y").voters
    ('ann',)
    """
    with single_threaded_blas():
        return _Board(comparisons).voters_to_flip(better, worse)


def adjacent_votes_to_flip(comparisons: Comparisons, *, top: int = 20) -> pd.DataFrame:
    """Find the fewest votes that reverse each pair of neighbours among the top models.

    Parameters
    ----------
    comparisons : Comparisons
        Votes with a finite maximum; with voters kept apart, the fewest voters are found too.
    top : int, default 20
        How many models, from the best; all if there are fewer.

    Returns
    -------
    DataFrame, one row per pair of neighbours
        rank (of the better), better, worse, gap (rating points), drops, flips, adds (votes, Int64, null as in
        `VotesToFlip`), drop_share (of all votes), and voters (Int64) where they are kept apart.

    Raises
    ------
    NoFiniteMaximumError
        If these votes do not rate all models.
    InvalidOptionError
        If ``top`` is below 2.

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "y"], "model_b": ["y", "x"], "winner": ["model_a"] * 2, "count": [30, 20]}
    ... )
    >>> adjacent_votes_to_flip(Comparisons.from_battles(battles))[["better", "worse", "drops"]].values.tolist()
    [['x', 'y', 11]]
    """
    if top < 2:
        raise InvalidOptionError(f"top is {top!r}: a pair of neighbours takes 2 models or more.")
    with single_threaded_blas():
        board = _Board(comparisons)
        rows = [board.summary(rank) for rank in range(1, min(top, len(comparisons.models)))]
    table = pd.DataFrame(rows)
    whole = [column for column in ("drops", "flips", "adds", "voters") if column in table]
    return table.astype(dict.fromkeys(whole, "Int64"))


class _Board:
    """The votes, their fit, and the same votes with a row for every pair of models."""

    def __init__(self, comparisons: Comparisons) -> None:
        self.strengths = fit_bradley_terry(comparisons).strengths
        self.unit = float(comparisons.weights.sum()) / comparisons.votes
        comparisons = _in_units(comparisons, self.unit)
        self.comparisons = comparisons
        self.order = np.argsort(-self.strengths, kind="stable")
        self.all_pairs = with_all_pairs(comparisons)

    def votes_to_flip(self, better: ModelId, worse: ModelId) -> VotesToFlip:
        leader, challenger = self._places(better, worse)
        adds = self._change(self.all_pairs, AddedVotes, leader, challenger)
        assert adds is not None, "votes for the challenger against the leader always suffice"
        return VotesToFlip(
            better=better,
            worse=worse,
            gap=self._gap(leader, challenger),
            total=self.comparisons.votes,
            drops=self._change(self.comparisons, DroppedVotes, leader, challenger),
            flips=self._change(self.comparisons, FlippedVotes, leader, challenger),
            adds=adds,
        )

    def voters_to_flip(self, better: ModelId, worse: ModelId) -> VotersToFlip | None:
        leader, challenger = self._places(better, worse)
        voters = RemovedClusters(self.comparisons)
        found = self._fewest(self.comparisons, voters, leader, challenger)
        if found is None:
            return None
        used, gap = found
        identities, weight = voters.removed(used)
        return VotersToFlip(better=better, worse=worse, voters=identities, weight=weight, gap=gap)

    def summary(self, rank: int) -> dict[str, Any]:
        """Describe the model of this rank and the next one as a row of `adjacent_votes_to_flip`."""
        better, worse = (self.comparisons.models[place] for place in self.order[rank - 1 : rank + 1])
        found = self.votes_to_flip(better, worse)
        drops, flips = (change.votes if change else None for change in (found.drops, found.flips))
        row = {
            "rank": rank,
            "better": better,
            "worse": worse,
            "gap": found.gap,
            "drops": drops,
            "drop_share": drops / found.total if drops else np.nan,
            "flips": flips,
            "adds": found.adds.votes,
        }
        if self.comparisons.clusters is not None:
            voters = self.voters_to_flip(better, worse)
            row["voters"] = len(voters.voters) if voters else None
        return row

    def _change(
        self,
        comparisons: Comparisons,
        kind: type[DroppedVotes | FlippedVotes | AddedVotes],
        leader: int,
        challenger: int,
    ) -> VoteChange | None:
        changes = AddedVotes(comparisons, 1 / self.unit) if kind is AddedVotes else kind(comparisons)
        found = self._fewest(comparisons, changes, leader, challenger)
        if found is None:
            return None
        used, gap = found
        return VoteChange(votes=int(used.sum()), cells=changes.cells(used), gap=gap)

    def _fewest(
        self, comparisons: Comparisons, changes: Changes, leader: int, challenger: int
    ) -> tuple[IntArray, float] | None:
        """Return how many of each kind of vote to change, and the rating gap that a full refit then finds."""
        contest = Contest(comparisons, leader=leader, challenger=challenger)
        start = contest.begin(self.strengths)
        for _ in range(_CONFIRMATIONS):
            used = fewest(contest, changes, start)
            if used is None:
                return None
            gap = _refitted_gap(comparisons, contest, self.strengths, *changes.apply(used))
            if gap < 0:
                return used, gap
            # The two are level but for the last bits: ask for a clearer lead.
            contest.ahead *= _CLEARER
        return None

    def _places(self, better: ModelId, worse: ModelId) -> tuple[int, int]:
        models = self.comparisons.models
        unknown = [name for name in (better, worse) if name not in models]
        if unknown:
            raise InvalidOptionError(
                f"{name_some(unknown)} is not among {name_some(models)}: check the names."
            )
        leader, challenger = models.index(better), models.index(worse)
        if leader == challenger or self._gap(leader, challenger) < -_EQUAL:
            raise InvalidOptionError(
                f"{better!r} is not ahead of {worse!r}, its rating is {self._gap(leader, challenger):+.3g} points "
                "from the other's: name two models, the one with the higher rating first."
            )
        return leader, challenger

    def _gap(self, leader: int, challenger: int) -> float:
        return RATING_PER_STRENGTH * float(self.strengths[leader] - self.strengths[challenger])


def _in_units(comparisons: Comparisons, unit: float) -> Comparisons:
    """Divide all weights by a unit, so that the search does not depend on the one they came in."""
    clusters = all_cells(comparisons.clusters)
    if clusters is not None:
        clusters = replace(clusters, weight=clusters.weight / unit, score=clusters.score / unit)
    return replace(
        comparisons,
        weights=comparisons.weights / unit,
        squared_weights=comparisons.squared_weights / unit / unit,
        clusters=clusters,
    )


def _refitted_gap(
    comparisons: Comparisons, contest: Contest, start: FloatArray, total: FloatArray, score: FloatArray
) -> float:
    """Fit changed votes, from strengths near by; rating points of the leader less those of the challenger."""
    # The likelihood depends on total and score only.
    sides = np.zeros((len(total), len(WINNERS)))
    sides[:, 0], sides[:, 1] = score, total - score
    sides[sides <= contest.rounding[:, np.newaxis]] = 0
    names = comparisons.models[contest.leader], comparisons.models[contest.challenger]
    changed = replace(comparisons, weights=sides, clusters=None)
    (group,) = (group for group in changed.strongly_connected() if set(names) <= set(group))
    rated = changed.restrict(group)
    fit = fit_bradley_terry(rated, start=start if rated is changed else None)
    ahead, behind = (fit.models.index(name) for name in names)
    return RATING_PER_STRENGTH * float(fit.strengths[ahead] - fit.strengths[behind])
