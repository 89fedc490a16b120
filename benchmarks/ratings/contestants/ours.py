"""`ratings`: what stands in this repository."""

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ratings.contestants.many_boards import all_boards
from benchmarks.ratings.operation import Answer, Operation, by_model
from benchmarks.ratings.votes import FEATURES, TAGS, Votes
from ratings import RATING_PER_STRENGTH, Comparisons, fit_bradley_terry, leaderboard, online_elo, sandwich
from ratings.bootstrap import bootstrap
from ratings.compiled import can_compile
from ratings.style_control import fit_style_control
from ratings.ties import fit_ties

NAME = "ratings"
Z = NormalDist().inv_cdf(0.975)
ROUNDS_SEED = 20_261_122


def warm_up() -> None:
    """Load Numba, or operations would take less time after those that load it; what it costs, first runs tell."""
    can_compile()


def _point(battles: Any) -> Any:
    return fit_bradley_terry(Comparisons.from_battles(battles))


def _with_intervals(battles: Any) -> Any:
    return _fit_with_intervals(Comparisons.from_battles(battles))


def _fit_with_intervals(comparisons: Comparisons) -> Any:
    fit = fit_bradley_terry(comparisons)
    return fit, sandwich(fit, comparisons)


def _boards(battles: Any) -> Any:
    """21 boards: all votes, every language, every tag; the answer is the first."""
    return all_boards(battles, column="language", tags=TAGS)[0]


def _bootstraps(rounds: int) -> Any:
    def run(battles: pd.DataFrame) -> Any:
        comparisons = Comparisons.from_battles(battles)
        return comparisons.models, bootstrap(comparisons, rounds, np.random.default_rng(ROUNDS_SEED))

    return run


def _style(battles: pd.DataFrame) -> Any:
    return fit_style_control(battles, features=FEATURES, definition="published")


def _davidson(comparisons: Comparisons) -> Any:
    return fit_ties(comparisons, model="davidson")


def _ratings(models: Any, strengths: Any) -> dict[str, float]:
    return by_model(models, RATING_PER_STRENGTH * np.asarray(strengths))


def _half_widths(models: Any, covariance: Any) -> dict[str, float]:
    return by_model(models, Z * RATING_PER_STRENGTH * np.sqrt(np.diag(covariance)))


def _style_answer(fit: Any) -> Answer:
    half_widths = Z * RATING_PER_STRENGTH * fit.standard_errors()[: len(fit.models)]
    return Answer(
        ratings=_ratings(fit.models, fit.strengths),
        half_widths=by_model(fit.models, half_widths),
        figures=by_model(fit.coefficient_names, fit.coefficients),
    )


def _fit_answer(fit: Any) -> Answer:
    return Answer(ratings=_ratings(fit.models, fit.strengths))


def _interval_answer(result: Any) -> Answer:
    fit, covariance = result
    return Answer(
        ratings=_ratings(fit.models, fit.strengths), half_widths=_half_widths(fit.models, covariance)
    )


def _table_answer(board: Any) -> Answer:
    table = board.table
    return Answer(
        ratings=by_model(table.model, table.rating),
        half_widths=by_model(table.model, (table.upper - table.lower) / 2),
    )


def _bootstrap_answer(result: Any) -> Answer:
    models, drawn = result
    low, high = np.quantile(drawn.strengths, [0.025, 0.975], axis=0)
    return Answer(
        ratings=_ratings(models, np.median(drawn.strengths, axis=0)),
        half_widths=_ratings(models, (high - low) / 2),
    )


def _battles(votes: Votes) -> pd.DataFrame:
    return votes.battles


def _kept(votes: Votes) -> Comparisons:
    return Comparisons.from_battles(votes.counted())


OPERATIONS = {
    "point": Operation(prepare=_battles, run=_point, answer=_fit_answer),
    "point from counts": Operation(prepare=_kept, run=fit_bradley_terry, answer=_fit_answer),
    "intervals": Operation(prepare=_battles, run=_with_intervals, answer=_interval_answer),
    "intervals from Arrow": Operation(
        prepare=lambda votes: votes.arrow, run=_with_intervals, answer=_interval_answer
    ),
    "intervals from counts": Operation(prepare=_kept, run=_fit_with_intervals, answer=_interval_answer),
    "leaderboard": Operation(prepare=_battles, run=leaderboard, answer=_table_answer),
    "board from counts": Operation(
        prepare=_kept, run=lambda kept: leaderboard(kept, ranks="intervals"), answer=_table_answer
    ),
    "leaderboard from counts": Operation(prepare=_kept, run=leaderboard, answer=_table_answer),
    "leaderboard by voter": Operation(
        prepare=lambda votes: votes.clustered, run=leaderboard, answer=_table_answer
    ),
    "21 boards": Operation(prepare=lambda votes: votes.tagged, run=_boards, answer=_interval_answer),
    "21 boards from Arrow": Operation(
        prepare=lambda votes: votes.tagged_arrow, run=_boards, answer=_interval_answer
    ),
    "100 bootstraps": Operation(
        prepare=_battles, run=lambda battles: _bootstraps(100)(battles), answer=_bootstrap_answer
    ),
    "1000 bootstraps": Operation(
        prepare=_battles, run=lambda battles: _bootstraps(1000)(battles), answer=_bootstrap_answer
    ),
    "style": Operation(prepare=lambda votes: votes.styled, run=_style, answer=_style_answer),
    "elo": Operation(
        prepare=_battles,
        run=online_elo,
        answer=lambda series: Answer(ratings=by_model(series.index, series)),
    ),
    "davidson": Operation(prepare=_kept, run=_davidson, answer=_fit_answer),
}
