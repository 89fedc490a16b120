"""FastChat: its package does not hold its rating code, so `fastchat_definition` stands for it."""

from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ratings import fastchat_definition as definition
from benchmarks.ratings.operation import Answer, Operation, by_model
from benchmarks.ratings.votes import FEATURES, Votes

NAME = "FastChat's definition"
WRITTEN_ANEW = (
    "so the definition in its repository, with its solver's settings, was written anew and measured instead"
)


def _note() -> str:
    held = [file for file in metadata.files("fschat") or [] if file.name == "rating_systems.py"]
    version = metadata.version("fschat")
    if held:
        return f"fschat {version} holds rating_systems.py, but the definition written anew was measured"
    return f"fschat {version} holds no rating_systems.py, {WRITTEN_ANEW}"


NOTE = _note()


def _battles(votes: Votes) -> pd.DataFrame:
    return votes.battles


def _scores(result: pd.Series) -> Answer:
    return Answer(ratings=by_model(result.index, result))


def _bootstrapped(result: pd.DataFrame) -> Answer:
    low, high = result.quantile(0.025), result.quantile(0.975)
    return Answer(
        ratings=by_model(result.columns, result.median()),
        half_widths=by_model(result.columns, (high - low) / 2),
    )


def _styled(battles: pd.DataFrame) -> tuple[pd.Series, np.ndarray]:
    return definition.style_controlled(battles, battles[list(FEATURES)].to_numpy())


def _style_answer(result: Any) -> Answer:
    ratings, coefficients = result
    return Answer(ratings=by_model(ratings.index, ratings), figures=by_model(FEATURES, coefficients))


OPERATIONS = {
    "point": Operation(prepare=_battles, run=definition.bradley_terry, answer=_scores),
    "100 bootstraps": Operation(
        prepare=_battles, run=lambda battles: definition.bootstrap(battles, 100), answer=_bootstrapped
    ),
    "100 bootstraps, one BLAS thread": Operation(
        prepare=_battles,
        run=lambda battles: definition.bootstrap(battles, 100, blas_threads=1),
        answer=_bootstrapped,
    ),
    "style": Operation(prepare=lambda votes: votes.style_differences, run=_styled, answer=_style_answer),
    "elo": Operation(prepare=_battles, run=definition.online_elo, answer=_scores),
}
