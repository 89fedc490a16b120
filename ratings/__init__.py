"""Ratings from pairwise votes: pure numerics on tables, with no database, no network and no global state.

A table of battles becomes `Comparisons` (one cell per pair of models), a fit turns these into strengths, and a
covariance into intervals and ranks; `leaderboard` does it all in one call. The data convention is in
``ratings/README.md``, the models and their references in ``ratings/METHODS.md``.
"""

from ratings import attackers, simulate
from ratings.attack_cost import CostToMoveRank, cost_to_move_rank
from ratings.board_comparison import BoardComparison, compare_boards
from ratings.bootstrap import Bootstrap, bootstrap
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry, gradient, hessian, loss
from ratings.comparisons import ClusterCells, Comparisons
from ratings.compatibility import CompatibleRatings, arena_rank_definition, fastchat_definition
from ratings.confidence_sequences import (
    anytime_half_widths,
    anytime_rank_sets,
    anytime_rating_intervals,
    anytime_strictly_better,
    effective_voters,
)
from ratings.elo import online_elo, order_sensitivity
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
    UnidentifiedCoefficientError,
    UnreadableVotesError,
)
from ratings.held_out import held_out_log_loss
from ratings.history import history
from ratings.influence import VotersToFlip, VotesToFlip, adjacent_votes_to_flip, voters_to_flip, votes_to_flip
from ratings.intervals import difference_intervals, difference_variance, rating_intervals, sandwich
from ratings.jackknife import jackknife_sandwich
from ratings.judge_audit import JudgeAudit, audit_judge
from ratings.judges import JudgedFit, fit_with_judge
from ratings.leaderboard import Leaderboard, leaderboard
from ratings.parts import Parts
from ratings.planning import DifferencePlan, difference_plan, separation_plan, votes_to_separate
from ratings.plotting import plot_ratings
from ratings.predictions import calibration, expected_outcomes, win_rates_against_field
from ratings.propensities import (
    fit_uniform_pairs,
    inverse_propensity_weights,
    uniform_pair_projection,
    uniform_pair_weights,
)
from ratings.rank_sets import RankSets, never_narrower, rank_sets
from ratings.ranks import ranks_from_intervals
from ratings.reading import read_votes
from ratings.scale import RATING_CENTRE, RATING_PER_STRENGTH, rating_from_strength
from ratings.selection import fresh_battles, selected_score, selection_bias
from ratings.style_comparison import compare_style
from ratings.style_control import StyleControlFit, fit_style_control
from ratings.text_features import add_style_columns, text_features
from ratings.ties import TiesFit, clustered_tie_covariance, fit_ties, tie_gradient, tie_hessian, tie_loss

__all__ = [
    "RATING_CENTRE",
    "RATING_PER_STRENGTH",
    "WINNERS",
    "BoardComparison",
    "Bootstrap",
    "BradleyTerryFit",
    "ClusterCells",
    "Comparisons",
    "CompatibleRatings",
    "CostToMoveRank",
    "DifferencePlan",
    "DisconnectedComparisonsError",
    "EmptyComparisonsError",
    "InvalidComparisonsError",
    "InvalidOptionError",
    "JudgeAudit",
    "JudgedFit",
    "Leaderboard",
    "NoFiniteMaximumError",
    "NotConvergedError",
    "Parts",
    "RankSets",
    "RatingsError",
    "SeparableComparisonsError",
    "StyleControlFit",
    "TiesFit",
    "UnidentifiedCoefficientError",
    "UnreadableVotesError",
    "VotersToFlip",
    "VotesToFlip",
    "add_style_columns",
    "adjacent_votes_to_flip",
    "anytime_half_widths",
    "anytime_rank_sets",
    "anytime_rating_intervals",
    "anytime_strictly_better",
    "arena_rank_definition",
    "attackers",
    "audit_judge",
    "bootstrap",
    "calibration",
    "clustered_tie_covariance",
    "compare_boards",
    "compare_style",
    "cost_to_move_rank",
    "difference_intervals",
    "difference_plan",
    "difference_variance",
    "effective_voters",
    "expected_outcomes",
    "fastchat_definition",
    "fit_bradley_terry",
    "fit_style_control",
    "fit_ties",
    "fit_uniform_pairs",
    "fit_with_judge",
    "fresh_battles",
    "gradient",
    "held_out_log_loss",
    "hessian",
    "history",
    "inverse_propensity_weights",
    "jackknife_sandwich",
    "leaderboard",
    "loss",
    "never_narrower",
    "online_elo",
    "order_sensitivity",
    "plot_ratings",
    "rank_sets",
    "ranks_from_intervals",
    "rating_from_strength",
    "rating_intervals",
    "read_votes",
    "sandwich",
    "selected_score",
    "selection_bias",
    "separation_plan",
    "simulate",
    "text_features",
    "tie_gradient",
    "tie_hessian",
    "tie_loss",
    "uniform_pair_projection",
    "uniform_pair_weights",
    "voters_to_flip",
    "votes_to_flip",
    "votes_to_separate",
    "win_rates_against_field",
]
