"""Online Elo, for comparison: ratings that move with every vote, and how much the order of the votes decides."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.comparisons import OUTCOMES
from ratings.compiled import can_compile, compiled
from ratings.encoding import encode_battles
from ratings.errors import InvalidOptionError
from ratings.scale import RATING_CENTRE

_PER_POINT = math.log(10) / 400
_LARGEST_EXPONENT = 700.0
_WORTH_COMPILING = 50_000
_MOST_VOTES = 10**9
_OUTCOMES_IN_HALVES = np.array([0.0, 0.5, 1.0])


def online_elo(battles: pd.DataFrame, *, k: float = 4.0) -> pd.Series:
    """Compute Elo ratings, one vote after the other in the order of the rows.

    Each vote moves k * weight * (outcome - expected) points from the second to the first side, where
    expected = 1 / (1 + 10 ** ((r_b - r_a) / 400)).

    Parameters
    ----------
    battles : DataFrame
        As for `leaderboard`; a row with a count is that many votes in a row.
    k : float, default 4
        Rating points at stake in one vote.

    Returns
    -------
    Series of float64, length n_models
        Rating by model, highest first, equal ratings by name. All models start at 1000, which stays the mean.

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention; the row is named.
    InvalidOptionError
        If ``k`` is not positive and finite, or the counts add up to more than 10 ** 9 votes.

    Notes
    -----
    Unlike Bradley-Terry the result depends on the order of the votes, and forgets old ones: see
    `order_sensitivity`. From 50,000 votes on the loop runs as machine code where Numba is installed, with the
    same result.

    References
    ----------
    [Elo78] Elo. The Rating of Chessplayers, Past and Present. 1978. ISBN 0-668-04721-6

    Examples
    --------
    >>> battles = pd.DataFrame({"model_a": ["x", "y"], "model_b": ["y", "z"], "winner": ["model_a", "tie"]})
    >>> online_elo(battles).round(3).to_dict()
    {'x': 1002.0, 'z': 999.988, 'y': 998.012}
    """
    _check_stake(k)
    rows = _rows(battles)
    order = _one_entry_per_vote(rows)
    ratings = _play_in_order(rows, order, k, compile_it=len(order) >= _WORTH_COMPILING)
    series = pd.Series(ratings, index=pd.Index(rows.models, name="model"), name="rating", dtype=np.float64)
    return series.sort_values(ascending=False, kind="stable")


def order_sensitivity(
    battles: pd.DataFrame,
    *,
    permutations: int = 100,
    rng: np.random.Generator,
    k: float | Sequence[float] = 4.0,
) -> pd.DataFrame:
    """Measure how much online Elo depends on the order of the votes, by shuffling them.

    Parameters
    ----------
    battles : DataFrame
        As for `online_elo`.
    permutations : int, default 100
        Random orders to play, at least 2; the paper recommends 100 or more.
    rng : numpy.random.Generator
    k : float or several, default 4
        Rating points at stake in one vote; the same orders are played with each.

    Returns
    -------
    DataFrame, n_models rows for each k
        Columns k, model, mean, sd, lowest, highest (Elo over the random orders, rating points), best_rank and
        worst_rank (1 plus the number of models rated higher). Highest mean first, equal means by name. The
        result depends on the votes, not on the order of the rows.

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention; the row is named.
    InvalidOptionError
        If a ``k`` is not positive and finite, ``permutations`` is less than 2, or the counts add up to more
        than 10 ** 9 votes.

    Notes
    -----
    The spread comes from the order alone: all orders hold the same votes, to which Bradley-Terry gives one
    answer. It grows with the square root of k, and is no measure of how sure the ratings are.

    References
    ----------
    [BKEF23] Boubdir, Kim, Ermis, Hooker, Fadaee. Elo Uncovered: Robustness and Best Practices in Language
             Model Evaluation. 2023. arXiv:2311.17295

    Examples
    --------
    >>> cycle = {"model_a": ["x", "y", "z"], "model_b": ["y", "z", "x"], "winner": ["model_a"] * 3}
    >>> table = order_sensitivity(pd.DataFrame(cycle), permutations=20, rng=np.random.default_rng(1), k=32)
    >>> table[["best_rank", "worst_rank"]].values.tolist()
    [[1, 3], [1, 3], [1, 3]]
    """
    stakes = list(k) if isinstance(k, Sequence) else [k]
    if not stakes:
        raise InvalidOptionError(f"k is {k!r}: give one stake or more.")
    for stake in stakes:
        _check_stake(stake)
    if permutations < 2:
        raise InvalidOptionError(f"permutations is {permutations!r}: a spread needs 2 or more random orders.")
    rows = _in_canonical_order(_rows(battles))
    votes = _one_entry_per_vote(rows)
    compile_it = len(votes) * permutations * len(stakes) >= _WORTH_COMPILING
    played = np.empty((len(stakes), permutations, len(rows.models)))
    for round_ in range(permutations):
        order = rng.permutation(votes)
        for place, stake in enumerate(stakes):
            played[place, round_] = _play_in_order(rows, order, stake, compile_it=compile_it)
    tables = [_spread(rows.models, stake, of_stake) for stake, of_stake in zip(stakes, played, strict=True)]
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """The battles as codes, in the order in which they are played."""

    models: tuple[ModelId, ...]
    side_a: npt.NDArray[np.integer]
    side_b: npt.NDArray[np.integer]
    outcome: FloatArray
    weight: FloatArray
    count: IntArray


def _rows(battles: pd.DataFrame) -> _Rows:
    encoded = encode_battles(battles)
    return _Rows(
        models=encoded.models,
        side_a=encoded.side_a,
        side_b=encoded.side_b,
        outcome=OUTCOMES[encoded.winner],
        weight=np.asarray(encoded.weight, dtype=np.float64),
        count=np.asarray(encoded.count, dtype=np.int64),
    )


def _in_canonical_order(rows: _Rows) -> _Rows:
    """Merge equal rows and sort them, with the first model by name on side a."""
    swapped = rows.side_a > rows.side_b
    first, second = np.where(swapped, [rows.side_b, rows.side_a], [rows.side_a, rows.side_b])
    outcome = np.where(swapped, 1 - rows.outcome, rows.outcome)
    order = np.lexsort((rows.weight, outcome, second, first))
    side_a, side_b, outcome, weight = first[order], second[order], outcome[order], rows.weight[order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (
        (np.diff(side_a) != 0) | (np.diff(side_b) != 0) | (np.diff(outcome) != 0) | (np.diff(weight) != 0)
    )
    # Few distinct rows stay in the processor's cache, wherever a random order jumps.
    places = np.flatnonzero(starts)
    count = np.add.reduceat(rows.count[order], places) if len(places) else rows.count
    return _Rows(
        models=rows.models,
        side_a=side_a[places],
        side_b=side_b[places],
        outcome=outcome[places],
        weight=weight[places],
        count=count,
    )


def _one_entry_per_vote(rows: _Rows) -> IntArray:
    votes = float(rows.count.sum(dtype=np.float64))
    if votes > _MOST_VOTES:
        raise InvalidOptionError(
            f"The counts add up to {votes:.3g} votes, and online Elo walks through every single one: "
            f"at most {_MOST_VOTES:.0e}. Use leaderboard, whose time does not depend on the counts."
        )
    rows_in_order = np.arange(len(rows.count))
    return rows_in_order if (rows.count == 1).all() else np.repeat(rows_in_order, rows.count)


def _play_in_order(rows: _Rows, order: IntArray, k: float, *, compile_it: bool) -> FloatArray:
    stake = k * rows.weight
    if compile_it and can_compile():
        ratings = np.full(len(rows.models), RATING_CENTRE)
        _play(ratings, order, rows.side_a, rows.side_b, stake * rows.outcome, stake)
        return ratings
    return _play_as_python_numbers(rows, order, stake)


@compiled
def _play(ratings, order, side_a, side_b, won, stake) -> None:  # type: ignore[no-untyped-def]  # for Numba
    for vote in order:
        a = side_a[vote]
        b = side_b[vote]
        exponent = min((ratings[b] - ratings[a]) * _PER_POINT, _LARGEST_EXPONENT)
        change = won[vote] - stake[vote] / (1.0 + math.exp(exponent))
        ratings[a] += change
        ratings[b] -= change


def _play_as_python_numbers(rows: _Rows, order: IntArray, stake: FloatArray) -> FloatArray:
    """Do the same operations on Python's own numbers, several times faster to loop over than NumPy's."""
    won: npt.NDArray[Any]
    stakes: Iterable[float]
    if (stake == stake[:1]).all() and len(stake):
        # Objects that all votes share, instead of two of its own for each.
        won = (stake[0] * _OUTCOMES_IN_HALVES).astype(object)[(2 * rows.outcome).astype(np.int64)]
        stakes = repeat(float(stake[0]))
    else:
        won, stakes = stake * rows.outcome, stake[order].tolist()
    ratings = [RATING_CENTRE] * len(rows.models)
    per_point, largest_exponent, exp = _PER_POINT, _LARGEST_EXPONENT, math.exp
    sides_and_won = (column[order].tolist() for column in (rows.side_a, rows.side_b, won))
    for a, b, won_by_a, at_stake in zip(*sides_and_won, stakes, strict=False):
        of_a, of_b = ratings[a], ratings[b]
        exponent = (of_b - of_a) * per_point
        # A call of min would take a quarter of the time.
        if exponent > largest_exponent:
            exponent = largest_exponent
        change = won_by_a - at_stake / (1.0 + exp(exponent))
        ratings[a] = of_a + change
        ratings[b] = of_b - change
    return np.array(ratings, dtype=np.float64)


def _spread(models: tuple[ModelId, ...], k: float, played: FloatArray) -> pd.DataFrame:
    """Summarise the ratings of each model, played with shape (permutations, n_models)."""
    ordered = np.sort(played, axis=1)
    ranks = np.array(
        [
            1 + len(models) - np.searchsorted(of_round, ratings, side="right")
            for of_round, ratings in zip(ordered, played, strict=True)
        ]
    )
    table = pd.DataFrame(
        {
            "k": float(k),
            "model": pd.Series(models, dtype=None if models else "str"),
            "mean": played.mean(axis=0),
            "sd": played.std(axis=0, ddof=1),
            "lowest": played.min(axis=0),
            "highest": played.max(axis=0),
            "best_rank": ranks.min(axis=0),
            "worst_rank": ranks.max(axis=0),
        }
    )
    return table.sort_values("mean", ascending=False, kind="stable")


def _check_stake(k: float) -> None:
    if not isinstance(k, Real) or not 0 < k < np.inf:
        raise InvalidOptionError(f"k is {k!r}: it is a positive number of rating points.")
