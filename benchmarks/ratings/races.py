"""Who is measured beside whom, at what, and what we aim at."""

from dataclasses import dataclass
from typing import Literal

GOAL_SIZE = (1_500_000, 100)
"""Votes and models at which the goals are set; that for memory is set at 10 million votes."""
GOAL_SIZE_OF_MEMORY = (10_000_000, 100)

Referee = Literal["plain", "style", "each other"]


@dataclass(frozen=True, kw_only=True)
class Race:
    """One kind of work, ours and a peer's.

    Attributes
    ----------
    ours, theirs : str
        The operations; `theirs` and `peer` are empty where there is no peer.
    times_faster : float
        The goal at `GOAL_SIZE`: the peer's time over ours, at least; 0 without one.
    seconds : float
        The goal at `GOAL_SIZE`, or, with `any_number_of_votes`, for so many models: our time at most; 0 without one.
    referee : str
        Against what the answers are held: the exact half-win fit, the exact style-controlled fit, or each other.
    compiled : bool
        Whether our way differs without Numba; then that is measured too.
    largest : int
        More votes than this are not tried, because the peer would take too long.
    """

    what: str
    ours: str
    peer: str = ""
    theirs: str = ""
    times_faster: float = 0.0
    seconds: float = 0.0
    any_number_of_votes: bool = False
    referee: Referee = "plain"
    compiled: bool = False
    largest: int = 10_000_000

    def goals(self, votes: int, models: int) -> tuple[float, float]:
        """Goals of ratio and of seconds at this size, 0 for none."""
        at_size = (votes, models) == GOAL_SIZE
        limited = at_size or (self.any_number_of_votes and models <= GOAL_SIZE[1])
        return self.times_faster if at_size else 0.0, self.seconds if limited else 0.0


RACES = (
    Race(what="point fit", ours="point", peer="fastchat", theirs="point", times_faster=15),
    Race(what="point fit", ours="point", peer="evalica", theirs="point", times_faster=25),
    Race(what="point fit from counts", ours="point from counts", peer="choix", theirs="point from counts"),
    Race(
        what="point fit from counts", ours="point from counts", peer="leaderbot", theirs="point from counts"
    ),
    Race(what="fit with intervals", ours="intervals", peer="arena_rank", theirs="board", times_faster=20),
    Race(
        what="fit with intervals, from Arrow",
        ours="intervals from Arrow",
        peer="arena_rank",
        theirs="board",
        times_faster=80,
    ),
    Race(what="whole leaderboard", ours="leaderboard", peer="arena_rank", theirs="board"),
    Race(what="whole leaderboard, clustered by voter", ours="leaderboard by voter"),
    Race(
        what="one board from kept counts",
        ours="intervals from counts",
        peer="arena_rank",
        theirs="board",
        times_faster=300,
        seconds=0.010,
        any_number_of_votes=True,
    ),
    Race(
        what="whole leaderboard from kept counts, ranks from intervals",
        ours="board from counts",
        seconds=0.010,
        any_number_of_votes=True,
    ),
    Race(
        what="whole leaderboard from kept counts, simultaneous ranks",
        ours="leaderboard from counts",
        any_number_of_votes=True,
    ),
    Race(
        what="21 boards with intervals",
        ours="21 boards",
        peer="arena_rank",
        theirs="21 boards",
        times_faster=500,
        largest=1_500_000,
    ),
    Race(
        what="21 boards with intervals, from Arrow",
        ours="21 boards from Arrow",
        peer="arena_rank",
        theirs="21 boards",
        times_faster=500,
        largest=1_500_000,
    ),
    Race(
        what="100 bootstraps",
        ours="100 bootstraps",
        peer="fastchat",
        theirs="100 bootstraps",
        times_faster=50,
        compiled=True,
    ),
    Race(
        what="100 bootstraps (peer: one BLAS thread a process)",
        ours="100 bootstraps",
        peer="fastchat",
        theirs="100 bootstraps, one BLAS thread",
        times_faster=50,
    ),
    Race(what="1,000 bootstraps", ours="1000 bootstraps", seconds=0.5, compiled=True),
    Race(
        what="style control with intervals",
        ours="style",
        peer="arena_rank",
        theirs="style",
        times_faster=20,
        referee="style",
        compiled=True,
    ),
    Race(
        what="style control (FastChat: point only)",
        ours="style",
        peer="fastchat",
        theirs="style",
        times_faster=20,
        referee="style",
        compiled=True,
    ),
    Race(
        what="online Elo",
        ours="elo",
        peer="fastchat",
        theirs="elo",
        times_faster=15,
        referee="each other",
        compiled=True,
    ),
    Race(
        what="Davidson from counts",
        ours="davidson",
        peer="leaderbot",
        theirs="davidson",
        times_faster=100,
        referee="each other",
    ),
)


@dataclass(frozen=True, kw_only=True)
class FirstRunRace:
    """The same work once in a fresh process: the peak of its memory, and the time with imports and compilation."""

    what: str
    ours: str
    peer: str
    theirs: str
    peak_ratio: float = 0.0  # the goal: the peer's peak over ours


FIRST_RUNS = (
    FirstRunRace(what="point fit", ours="point", peer="fastchat", theirs="point"),
    FirstRunRace(what="fit with intervals", ours="intervals", peer="arena_rank", theirs="board"),
    FirstRunRace(what="style control", ours="style", peer="arena_rank", theirs="style", peak_ratio=2),
)
