"""Why a model has no rating."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ratings.arrays import BoolArray
from ratings.comparisons import Comparisons


def unrated_reasons(comparisons: Comparisons, rated: Sequence[str]) -> dict[str, str]:
    """Say of each model that is not rated why it cannot be.

    Parameters
    ----------
    comparisons : Comparisons
    rated : sequence of str
        One strongly connected group, or nothing.

    Returns
    -------
    dict of str to str
        Reason by model, in the order of ``comparisons.models``.
    """
    if len(rated) == len(comparisons.models):
        return {}
    graph = comparisons.won_or_tied()
    index = [comparisons.models.index(name) for name in rated[:1]]
    wins, losses = graph.sum(axis=1) > 0, graph.sum(axis=0) > 0
    below, above = _reached(graph, index), _reached(graph.T.tocsr(), index)
    connected = _reached(graph + graph.T, index) | (not rated)
    reasons = np.select(
        [~wins & ~losses, ~connected, ~losses, ~wins, above, below],
        [
            "no votes",
            "not connected to the rated models",
            "never lost",
            "never won",
            "never lost to the rated models, directly or through others",
            "never won against the rated models, directly or through others",
        ],
        default="no chain of wins leads both to it and back",
    )
    unrated = set(comparisons.models).difference(rated)
    return {
        name: str(reason) for name, reason in zip(comparisons.models, reasons, strict=True) if name in unrated
    }


def _reached(graph: sparse.csr_array, start: Sequence[int]) -> BoolArray:
    reached = np.zeros(graph.shape[0], dtype=np.bool_)
    for node in start:
        reached[csgraph.breadth_first_order(graph, node, return_predecessors=False)] = True
    return reached
