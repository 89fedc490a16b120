"""Which models the votes connect, and which never lose or never win."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ratings.arrays import FloatArray, IntArray, ModelId


def has_mutual_paths(first: IntArray, second: IntArray, weights: FloatArray, size: int) -> bool:
    """Say whether pairs with votes for both sides connect all models: enough, and quick to see."""
    ties = weights[:, 2] + weights[:, 3] > 0
    mutual = ties | ((weights[:, 0] > 0) & (weights[:, 1] > 0))
    return is_connected(first[mutual], second[mutual], size)


def is_connected(first: IntArray, second: IntArray, size: int) -> bool:
    """Say whether pairs, sorted by their first model, connect all models."""
    if size == 0:
        return False
    starts = np.concatenate([[0], np.cumsum(np.bincount(first, minlength=size))])
    graph = sparse.csr_array((np.ones(len(first)), second, starts), shape=(size, size))
    found, _ = csgraph.connected_components(graph, directed=False)
    return bool(found == 1)


def won_or_tied(first: IntArray, second: IntArray, weights: FloatArray, size: int) -> sparse.csr_array:
    """Build the directed graph "i won or tied against j", shape (n_models, n_models)."""
    ties = weights[:, 2] + weights[:, 3]
    forward = weights[:, 0] + ties > 0
    backward = weights[:, 1] + ties > 0
    winners = np.concatenate([first[forward], second[backward]])
    losers = np.concatenate([second[forward], first[backward]])
    return sparse.csr_array((np.ones(len(winners)), (winners, losers)), shape=(size, size))


def connected_groups(
    models: Sequence[ModelId],
    graph: sparse.csr_array,
    connection: Literal["weak", "strong"],
    votes_by_pair: tuple[IntArray, IntArray, IntArray],
) -> tuple[tuple[ModelId, ...], ...]:
    """Group connected models; large groups first, then those with more votes, then by name."""
    if not models:
        return ()
    size, labels = csgraph.connected_components(graph, directed=True, connection=connection)
    if size == 1:
        return (tuple(models),)
    first, second, votes = votes_by_pair
    inside = labels[first] == labels[second]
    total = np.bincount(labels[first[inside]], votes[inside], minlength=size)
    members: list[list[ModelId]] = [[] for _ in range(size)]
    for name, label in zip(models, labels, strict=True):
        members[label].append(name)
    order = sorted(
        range(size), key=lambda label: (-len(members[label]), -total[label], sorted(members[label]))
    )
    return tuple(tuple(members[label]) for label in order)


def without_arrivals(models: Sequence[ModelId], graph: sparse.csr_array) -> tuple[ModelId, ...]:
    """Name the models in strongly connected groups that no edge enters from outside."""
    _, labels = csgraph.connected_components(graph, directed=True, connection="strong")
    source, target = graph.nonzero()
    entered = np.unique(labels[target[labels[source] != labels[target]]])
    return tuple(name for name, label in zip(models, labels, strict=True) if label not in entered)
