"""Who votes on which pair, and when: the traffic of simulated battles."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.errors import InvalidOptionError, name_some

PairWeights: TypeAlias = npt.ArrayLike | Mapping[tuple[str, str], float]
"""A symmetric matrix in the order of the models, or weights by pair of names; pairs left out are never drawn."""


def draw_pairs(rng: np.random.Generator, models: int, size: int) -> tuple[IntArray, IntArray]:
    """Draw ordered pairs of different models, each equally often."""
    a = rng.integers(models, size=size)
    b = rng.integers(models - 1, size=size)
    return a, b + (b >= a)


def draw_weighted_pairs(
    rng: np.random.Generator, weights: FloatArray, size: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Draw pairs in proportion to a symmetric matrix, with random sides, and the probability of each."""
    first, second = np.triu_indices(len(weights), k=1)
    propensity = weights[first, second] / weights[first, second].sum()
    pair = rng.choice(len(first), size=size, p=propensity)
    swapped = rng.random(size) < 0.5
    a = np.where(swapped, second[pair], first[pair])
    b = np.where(swapped, first[pair], second[pair])
    return a, b, propensity[pair]


def pair_matrix(pair_weights: PairWeights, names: Sequence[str]) -> FloatArray:
    """Check sampling weights and return them as a symmetric matrix, shape (n_models, n_models)."""
    if isinstance(pair_weights, Mapping):
        matrix = _matrix_by_name(pair_weights, names)
    else:
        matrix = np.array(pair_weights, dtype=np.float64)
    if matrix.shape != (len(names), len(names)) or not np.array_equal(matrix, matrix.T):
        raise InvalidOptionError(
            f"pair_weights has shape {matrix.shape}: it is a symmetric matrix of {len(names)} rows and columns, "
            "in the order of the models, or a mapping from pairs of names to weights."
        )
    np.fill_diagonal(matrix, 0)
    if not (np.isfinite(matrix).all() and (matrix >= 0).all() and matrix.any()):
        raise InvalidOptionError(
            "pair_weights holds a negative or infinite weight, or nothing but 0: give some pair a finite one."
        )
    return matrix


def _matrix_by_name(pair_weights: Mapping[tuple[str, str], float], names: Sequence[str]) -> FloatArray:
    index = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    given: set[frozenset[str]] = set()
    for pair, weight in pair_weights.items():
        if len(set(pair)) != 2 or not set(pair) <= index.keys():
            raise InvalidOptionError(
                f"pair_weights names {pair!r}: a pair is two different models of {name_some(names)}."
            )
        if frozenset(pair) in given:
            raise InvalidOptionError(f"pair_weights names {pair!r} twice: give each pair in one order.")
        given.add(frozenset(pair))
        first, second = (index[name] for name in pair)
        matrix[first, second] = matrix[second, first] = weight
    return matrix


def draw_voters(rng: np.random.Generator, voters: int, size: int, activity_exponent: float) -> IntArray:
    """Draw the voter of each battle, the n-th voter in proportion to n ** -activity_exponent."""
    activity = np.arange(1, voters + 1) ** -float(activity_exponent)
    return rng.choice(voters, size=size, p=activity / activity.sum())


def draw_zeta_voters(rng: np.random.Generator, size: int, exponent: float) -> IntArray:
    """Let one new voter after the other cast a zeta-distributed number of votes, until all are cast."""
    blocks: list[IntArray] = []
    cast = 0
    while cast < size:
        blocks.append(np.minimum(rng.zipf(exponent, size // 2 + 1), size - cast))
        cast += int(blocks[-1].sum())
    votes = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.int64)
    # With an exponent near 1, few voters cast all: the others of the last block would take memory without bound.
    votes = votes[: int(np.searchsorted(np.cumsum(votes), size)) + 1]
    return np.repeat(np.arange(len(votes)), votes)[:size]


def insert_top_voter(rng: np.random.Generator, others: IntArray, size: int, share: float) -> IntArray:
    """Spread the votes of voter 0 at random among those of the others, who move up by one."""
    own = rng.choice(size, size=round(share * size), replace=False, shuffle=False)
    voter = np.empty(size, dtype=np.int64)
    voter[own] = 0
    rest = np.ones(size, dtype=bool)
    rest[own] = False
    voter[rest] = others + 1
    return voter


def draw_dates(rng: np.random.Generator, dates: tuple[Any, Any], size: int) -> pd.DatetimeIndex:
    """Draw uniform times from start to end, in order."""
    start, end = (pd.Timestamp(date) for date in dates)
    if not start < end:
        raise InvalidOptionError(f"dates is {dates!r}: need a start before its end.")
    return start + pd.to_timedelta(np.sort(rng.random(size)) * (end - start).total_seconds(), unit="s")


def names_column(names: Sequence[ModelId], index: IntArray) -> pd.Series:
    """Return a column of names, each by its index."""
    if not len(index):
        return pd.Series(np.empty(0, dtype=object))
    return pd.Series(pd.Series(list(names)).array.take(index))
