"""arena-rank: Bradley-Terry by L-BFGS in JAX with sandwich intervals, with and without style."""

from typing import Any

import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
from arena_rank.utils.data_utils import ContextualPairDataset, PairDataset

from benchmarks.ratings.operation import Answer, Operation, by_model
from benchmarks.ratings.votes import FEATURES, LANGUAGES, TAGS, Votes

NAME = "arena-rank"


def _board(battles: pd.DataFrame) -> dict[str, Any]:
    dataset = PairDataset.from_pandas(battles)
    return _ready(BradleyTerry(len(dataset.competitors)).compute_ratings_and_cis(dataset))


def _styled(battles: pd.DataFrame, reg: float) -> dict[str, Any]:
    dataset = ContextualPairDataset.from_pandas(battles, list(FEATURES), reweighted=False)
    model = ContextualBradleyTerry(len(dataset.competitors), len(FEATURES), reg=reg)
    return _ready(model.compute_ratings_and_cis(dataset))


def _ready(result: dict[str, Any]) -> dict[str, Any]:
    """Wait for the arrays, which JAX computes behind the scenes."""
    return {name: value if name == "competitors" else np.asarray(value) for name, value in result.items()}


def _boards(battles: pd.DataFrame) -> dict[str, Any]:
    """All votes, every language, every tag; the answer is the first."""
    overall = _board(battles)
    for language in LANGUAGES:
        _board(battles[battles.language == language])
    for tag in TAGS:
        _board(battles[battles[tag]])
    return overall


def _answer(result: dict[str, Any]) -> Answer:
    half_widths = (result["rating_upper"] - result["rating_lower"]) / 2
    coefficients = by_model(FEATURES, result["coeffs"]) if "coeffs" in result else {}
    return Answer(
        ratings=by_model(result["competitors"], result["ratings"]),
        half_widths=by_model(result["competitors"], half_widths),
        figures=coefficients,
    )


def _battles(votes: Votes) -> pd.DataFrame:
    return votes.battles


OPERATIONS = {
    "board": Operation(prepare=_battles, run=_board, answer=_answer),
    "21 boards": Operation(prepare=lambda votes: votes.tagged, run=_boards, answer=_answer),
    "style": Operation(
        prepare=lambda votes: votes.style_differences,
        run=lambda battles: _styled(battles, 0.0),
        answer=_answer,
    ),
}
