"""When the models with ties have a finite maximum, and an error that says why not."""

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ratings.arrays import FloatArray, IntArray
from ratings.comparisons import Comparisons
from ratings.errors import (
    DisconnectedComparisonsError,
    NoFiniteMaximumError,
    SeparableComparisonsError,
    name_some,
)

_REMEDY = "collect more votes, or set ridge > 0."


def without_both_bad(comparisons: Comparisons) -> Comparisons:
    """Leave out the votes that called both models bad."""
    kept = np.array([1, 1, 1, 0])
    return replace(
        comparisons,
        counts=comparisons.counts * kept,
        weights=comparisons.weights * kept,
        squared_weights=comparisons.squared_weights * kept,
        clusters=None,
    )


def require_relative_maximum(comparisons: Comparisons) -> None:
    """Raise unless Rao-Kupper and Davidson have a finite maximum in which ties are possible.

    Both log-likelihoods are concave, and along a ray (u, c) of strengths and tie parameter they stay bounded
    exactly when u_winner - u_loser >= c at every win and |u_i - u_j| <= c at every tie (Davidson: 2c). With
    c = 0 only a constant u does, if wins and ties connect the models strongly [Ford57]. With c > 0 none
    does, if following wins downwards (-1) and ties either way (+1) some cycle has a negative sum, that is
    more wins than ties; a pair in which both have won is the shortest such cycle.
    """
    if len(comparisons.strongly_connected()) > 1:
        components = comparisons.components()
        if len(components) > 1:
            raise DisconnectedComparisonsError(components)
        raise SeparableComparisonsError(
            never_lose=comparisons.never_losing(), never_win=comparisons.never_winning()
        )
    _require_wins_and_ties(comparisons, comparisons.weights[:, 2] + comparisons.weights[:, 3])
    if _limits(_closeness(comparisons)) is not None:
        raise _ordered()


def require_grounded_maximum(comparisons: Comparisons) -> None:
    """Raise unless the grounded likelihood vanishes at infinity, hence has a finite maximum.

    Along a ray (u, c) it stays away from zero exactly when at every win u_winner >= 0 and
    u_winner - u_loser >= max(c, 0), at every tie max(u_i, u_j) >= 0 and |u_i - u_j| <= c, and at every both_bad
    u_i, u_j <= 0. With c = 0 only u = 0 does, if each model has won or tied, and each has been called bad or has
    lost or tied, directly or through others, to one that was; groups that never met need no bridge.
    With c > 0 the largest u that the upper bounds allow decides, because the other bounds are lower bounds.
    """
    _require_wins_and_ties(comparisons, comparisons.weights[:, 2])
    bad = comparisons.weights[:, 3] > 0
    if not bad.any():
        raise NoFiniteMaximumError(
            "Among the models that can be rated no vote is both_bad, so nothing sets the zero of the grounded model: "
            "take ties='rao-kupper' (--ties rao-kupper) instead, collect more votes, or set ridge > 0."
        )
    compared = without_both_bad(comparisons)
    called_bad = np.unique(np.concatenate([comparisons.first[bad], comparisons.second[bad]]))
    _require_grounds(compared, called_bad)
    limits = _limits(_closeness(compared), called_bad)
    if limits is not None and _keeps_winners_up(compared, limits):
        raise _ordered()


def _require_wins_and_ties(comparisons: Comparisons, ties: FloatArray) -> None:
    if not (ties > 0).any():
        raise NoFiniteMaximumError(
            "Among the models that can be rated no vote is a tie, so the tie parameter has no finite estimate: take "
            "ties='half' (--ties half), which needs none; else collect more votes, or set ridge > 0."
        )
    if not (comparisons.weights[:, :2] > 0).any():
        raise NoFiniteMaximumError(
            f"Among the models that can be rated no vote has a winner, so the tie parameter is infinite: {_REMEDY}"
        )


def _require_grounds(compared: Comparisons, called_bad: IntArray) -> None:
    graph = compared.won_or_tied()
    never_good = np.flatnonzero(graph.sum(axis=1) == 0)
    if len(never_good):
        names = name_some([compared.models[model] for model in never_good])
        raise NoFiniteMaximumError(
            f"Never won or tied, so their absolute strength is minus infinity: {names}. "
            f"Leave them out with Comparisons.restrict, {_REMEDY}"
        )
    grounded = np.zeros(len(compared.models), dtype=np.bool_)
    for model in called_bad.tolist():
        if not grounded[model]:
            grounded[csgraph.breadth_first_order(graph, model, return_predecessors=False)] = True
    if not grounded.all():
        names = name_some([name for name, known in zip(compared.models, grounded, strict=True) if not known])
        raise NoFiniteMaximumError(
            "Never called bad, and never lost or tied to models that were, directly or through others, so "
            f"their absolute strength is infinite: {names}. Leave them out with Comparisons.restrict, {_REMEDY}"
        )


def _closeness(comparisons: Comparisons) -> sparse.csr_array | None:
    """Build the graph of upper bounds u_to <= u_from + weight: -1 below a win, +1 across a tie.

    None where both of a pair have won, which no u allows.
    """
    won, lost = comparisons.weights[:, 0] > 0, comparisons.weights[:, 1] > 0
    if (won & lost).any():
        return None
    tied = comparisons.weights[:, 2] + comparisons.weights[:, 3] > 0
    downwards, upwards = won | tied, lost | tied
    source = np.concatenate([comparisons.first[downwards], comparisons.second[upwards]])
    target = np.concatenate([comparisons.second[downwards], comparisons.first[upwards]])
    bound = np.where(np.concatenate([won[downwards], lost[upwards]]), -1.0, 1.0)
    size = len(comparisons.models)
    return sparse.csr_array((bound, (source, target)), shape=(size, size))


def _limits(graph: sparse.csr_array | None, called_bad: IntArray | None = None) -> FloatArray | None:
    """Compute the largest u within the bounds, 0 or less for models called bad; None if there is no such u."""
    if graph is None:
        return None
    size = graph.shape[0]
    bounded = np.arange(size) if called_bad is None else called_bad
    # An outside node bounds u; its edges are 1 instead of 0, because a sparse 0 is no edge.
    edges = sparse.coo_array(graph)
    source, target = edges.coords
    extended = sparse.csr_array(
        (
            np.concatenate([edges.data, np.ones(len(bounded))]),
            (np.concatenate([source, np.full(len(bounded), size)]), np.concatenate([target, bounded])),
        ),
        shape=(size + 1, size + 1),
    )
    try:
        distances = csgraph.bellman_ford(extended, indices=[size])
    except csgraph.NegativeCycleError:
        return None
    limits: FloatArray = distances[0, :size] - 1
    return limits


def _keeps_winners_up(compared: Comparisons, limits: FloatArray) -> bool:
    first, second = limits[compared.first], limits[compared.second]
    won, lost, tied = (compared.weights[:, outcome] > 0 for outcome in range(3))
    below_zero = (won & (first < 0)) | (lost & (second < 0)) | (tied & (np.maximum(first, second) < 0))
    return not below_zero.any()


def _ordered() -> NoFiniteMaximumError:
    return NoFiniteMaximumError(
        "The votes can be explained without chance, by strengths far apart where one model won and close where "
        f"they tied, so no finite strengths exist: {_REMEDY}"
    )
