"""choix: iterated Luce spectral ranking from a matrix of wins, ties as half a win each."""

from typing import Any

import choix
import numpy as np

from benchmarks.ratings.operation import Answer, Operation, by_model
from benchmarks.ratings.votes import Counts, Votes

NAME = "choix"


def _point(counts: Counts) -> Any:
    size = len(counts.models)
    wins = np.zeros((size, size))
    ties = counts.outcomes[:, 2:].sum(axis=1) / 2
    wins[counts.first, counts.second] = counts.outcomes[:, 0] + ties
    wins[counts.second, counts.first] = counts.outcomes[:, 1] + ties
    return counts.models, choix.ilsr_pairwise_dense(wins)


def _counts(votes: Votes) -> Counts:
    return votes.counts


def _answer(result: Any) -> Answer:
    models, strengths = result
    return Answer(ratings=by_model(models, strengths * 400 / np.log(10)))


OPERATIONS = {"point from counts": Operation(prepare=_counts, run=_point, answer=_answer)}
