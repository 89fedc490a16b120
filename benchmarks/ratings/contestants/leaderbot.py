"""leaderbot: Bradley-Terry and Davidson by BFGS from counts."""

from collections.abc import Callable
from typing import Any

import numpy as np
from leaderbot.models import BradleyTerry, Davidson

from benchmarks.ratings.operation import Answer, Operation, by_model
from benchmarks.ratings.votes import Votes

NAME = "leaderbot"


def _data(votes: Votes) -> dict[str, Any]:
    counts = votes.counts
    outcomes = np.column_stack([counts.outcomes[:, :2], counts.outcomes[:, 2:].sum(axis=1)])
    return {"X": np.column_stack([counts.first, counts.second]), "Y": outcomes, "models": list(counts.models)}


def _trained(build: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def run(data: dict[str, Any]) -> Any:
        model = build(data)
        model.train()
        return model, data["models"]

    return run


def _answer(result: Any) -> Answer:
    model, names = result
    strengths = np.asarray(model.param[: len(names)])
    return Answer(ratings=by_model(names, strengths * 400 / np.log(10)))


OPERATIONS = {
    "point from counts": Operation(
        prepare=_data, run=_trained(lambda data: BradleyTerry(data, k_cov=None)), answer=_answer
    ),
    "davidson": Operation(
        prepare=_data, run=_trained(lambda data: Davidson(data, k_cov=None, k_tie=0)), answer=_answer
    ),
}
