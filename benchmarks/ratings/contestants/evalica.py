"""evalica: Bradley-Terry by Newman's iteration in Rust; it has no analytic intervals."""

from typing import Any

import evalica
import numpy as np
import pandas as pd

from benchmarks.ratings.operation import Answer, Operation, by_model
from benchmarks.ratings.votes import Votes

NAME = "evalica"
LABELS = {
    "model_a": evalica.Winner.X,
    "model_b": evalica.Winner.Y,
    "tie": evalica.Winner.Draw,
    "both_bad": evalica.Winner.Draw,
}


def _point(battles: pd.DataFrame) -> Any:
    winners = [LABELS[winner] for winner in battles["winner"].tolist()]
    return evalica.bradley_terry(battles["model_a"].tolist(), battles["model_b"].tolist(), winners)


def _elo(battles: pd.DataFrame) -> Any:
    winners = [LABELS[winner] for winner in battles["winner"].tolist()]
    return evalica.elo(battles["model_a"].tolist(), battles["model_b"].tolist(), winners, k=4.0)


def _battles(votes: Votes) -> pd.DataFrame:
    return votes.battles


def _strengths(result: Any) -> Answer:
    return Answer(ratings=by_model(result.scores.index, 400 * np.log10(result.scores)))


def _scores(result: Any) -> Answer:
    return Answer(ratings=by_model(result.scores.index, result.scores))


OPERATIONS = {
    "point": Operation(prepare=_battles, run=_point, answer=_strengths),
    "elo": Operation(prepare=_battles, run=_elo, answer=_scores),
}
