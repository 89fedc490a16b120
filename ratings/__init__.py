"""Ratings from pairwise votes: pure numerics on tables, with no database, no network and no global state.

A table of battles becomes `Comparisons` (one cell per pair of models), a fit turns these into strengths, and a
covariance into intervals and ranks; `leaderboard` does it all in one call. The model, the data convention and
the references are in ``ratings/README.md``.
"""

from ratings import simulate
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry, gradient, hessian, loss
from ratings.comparisons import ClusterCells, Comparisons
from ratings.elo import online_elo
from ratings.encoding import WINNERS
from ratings.errors import (
    DisconnectedComparisonsError,
    EmptyComparisonsError,
    InvalidComparisonsError,
    InvalidOptionError,
    NoFiniteMaximumError,
    NotConvergedError,
    RatingsError,
    SeparableComparisonsError,
    UnreadableVotesError,
)
from ratings.intervals import rating_intervals, sandwich
from ratings.leaderboard import Leaderboard, leaderboard
from ratings.ranks import ranks_from_intervals
from ratings.scale import RATING_CENTRE, RATING_PER_STRENGTH, rating_from_strength

__all__ = [
    "RATING_CENTRE",
    "RATING_PER_STRENGTH",
    "WINNERS",
    "BradleyTerryFit",
    "ClusterCells",
    "Comparisons",
    "DisconnectedComparisonsError",
    "EmptyComparisonsError",
    "InvalidComparisonsError",
    "InvalidOptionError",
    "Leaderboard",
    "NoFiniteMaximumError",
    "NotConvergedError",
    "RatingsError",
    "SeparableComparisonsError",
    "UnreadableVotesError",
    "fit_bradley_terry",
    "gradient",
    "hessian",
    "leaderboard",
    "loss",
    "online_elo",
    "ranks_from_intervals",
    "rating_from_strength",
    "rating_intervals",
    "sandwich",
    "simulate",
]
