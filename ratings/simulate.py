"""Synthetic battles with known truth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from ratings.arrays import FloatArray, IntArray
from ratings.encoding import WINNERS
from ratings.errors import InvalidOptionError
from ratings.traffic import (
    PairWeights,
    draw_dates,
    draw_pairs,
    draw_voters,
    draw_weighted_pairs,
    draw_zeta_voters,
    insert_top_voter,
    names_column,
    pair_matrix,
)

_TYPICAL_FEATURE = 100.0
_FEATURE_SPREAD_BETWEEN_MODELS = 0.4
_FEATURE_SPREAD_WITHIN_MODEL = 0.6


def simulate_strengths(rng: np.random.Generator, *, models: int, spread: float = 0.8) -> dict[str, float]:
    """Draw models of known strength.

    Parameters
    ----------
    rng : Generator
    models : int
        Number of models, n_models.
    spread : float, default 0.8
        Standard deviation of the normal strengths, natural log-odds.

    Returns
    -------
    dict of str to float
        Strength by name (model-000, model-001 …), mean zero.
    """
    strengths = rng.normal(0, spread, models)
    strengths -= strengths.mean()
    return {f"model-{number:03}": float(strength) for number, strength in enumerate(strengths)}


def simulate_intransitivity(rng: np.random.Generator, *, models: int, spread: float = 0.3) -> FloatArray:
    """Draw what strengths cannot explain: a normal residual for the log-odds of every pair.

    Parameters
    ----------
    rng : Generator
    models : int
        Number of models, n_models.
    spread : float, default 0.3
        Standard deviation, natural log-odds.

    Returns
    -------
    float64, shape (n_models, n_models)
        Antisymmetric: what the row's model gains against the column's, the column's loses.
    """
    upper = np.triu(rng.normal(0, spread, (models, models)), k=1)
    return upper - upper.T


def simulate_battles(
    rng: np.random.Generator,
    *,
    strengths: Mapping[str, float],
    battles: int,
    voters: int = 1000,
    tie_rate: float = 0.35,
    both_bad_share: float = 0.5,
    taste: float = 0.0,
    position_bias: float = 0.0,
    activity_exponent: float = 0.0,
    votes_per_voter_exponent: float | None = None,
    top_voter_share: float = 0.0,
    style: Mapping[str, float] | None = None,
    intransitivity: float | npt.ArrayLike = 0.0,
    pair_weights: PairWeights | None = None,
    dates: tuple[Any, Any] | None = None,
) -> pd.DataFrame:
    """Draw battles between random pairs, with random sides and random voters.

    With d = s[a] - s[b] + taste[voter, a] - taste[voter, b] + residual[a, b] + z'effects + position_bias and
    p = 1 / (1 + exp(-d)), a vote is a tie or both_bad with probability 2 * tie_rate * min(p, 1 - p), and
    otherwise splits what is left so that P(a wins) + P(tie or both_bad) / 2 = p. Half-win Bradley-Terry is
    therefore consistent for ``strengths`` when taste, residual, style and position bias are 0.

    Parameters
    ----------
    rng : Generator
        The only source of randomness.
    strengths : mapping of str to float
        True strength by model, natural log-odds; at least two models.
    battles : int
        Number of rows to draw.
    voters : int, default 1000
        Number of people who may vote; not used with ``votes_per_voter_exponent``.
    tie_rate : float, default 0.35
        Probability between equals of a tie or both_bad, from 0 to 1.
    both_bad_share : float, default 0.5
        Share of both_bad among these, from 0 to 1.
    taste : float, default 0
        Standard deviation of each voter's own taste for each model, natural log-odds.
    position_bias : float, default 0
        Log-odds added to side a.
    activity_exponent : float, default 0
        0: all voters vote equally often; above 0, the n-th voter in proportion to n ** -activity_exponent.
    votes_per_voter_exponent : float, optional
        Instead of a fixed number of voters, one new voter after the other casts a zeta-distributed number of
        votes, P(n) in proportion to n ** -exponent, until all battles are voted on; above 1. With 2.4 the mean
        is 2.4 and the median 1, as on Chatbot Arena. A voter's rows follow each other.
    top_voter_share : float, default 0
        Share of all votes that one more voter, voter-00000, casts, at random places of the table; below 1.
    style : mapping of str to float, optional
        Effects on the log-odds of features of the two answers, each per standard deviation of
        z = (f_a - f_b) / (f_a + f_b), which enters less its mean over the table. Features are lognormal, with
        means of their own for each model, drawn independently of its strength.
    intransitivity : float or float64 of shape (n_models, n_models), default 0
        Standard deviation of a residual of each pair, as from `simulate_intransitivity`; or the residuals
        themselves, rows and columns in the order of ``strengths``, antisymmetric.
    pair_weights : float64 of shape (n_models, n_models), or mapping of (str, str) to float, optional
        How often each unordered pair is drawn relative to others: a symmetric matrix in the order of
        ``strengths``, or weights by names, where pairs left out are never drawn. None: all pairs equally often.
    dates : (start, end), optional
        Anything that `pandas.Timestamp` accepts; battles happen at uniform times in between, in order.

    Returns
    -------
    DataFrame, one row per battle
        Columns model_a, model_b, winner, voter; <feature>_a and <feature>_b (positive) for each feature of
        ``style``; propensity, the probability with which the unordered pair was drawn, with ``pair_weights``;
        date with ``dates``.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range, a name unknown, or a matrix has the wrong shape.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> battles = simulate_battles(rng, strengths={"x": 1.0, "y": 0.0, "z": -1.0}, battles=2)
    >>> battles.columns.tolist()
    ['model_a', 'model_b', 'winner', 'voter']
    >>> styled = simulate_battles(rng, strengths={"x": 0.0, "y": 0.0}, battles=2, style={"tokens": 0.25})
    >>> styled.columns.tolist()
    ['model_a', 'model_b', 'winner', 'voter', 'tokens_a', 'tokens_b']
    """
    names, strength = list(strengths), np.array(list(strengths.values()), dtype=np.float64)
    _check(strength, battles=battles, voters=voters, tie_rate=tie_rate, both_bad_share=both_bad_share)
    _check_finite(taste=taste, position_bias=position_bias, activity_exponent=activity_exponent)
    _check_voters(voters, activity_exponent, votes_per_voter_exponent, top_voter_share)
    a, b, propensity = _draw_pairs(rng, names, pair_weights, battles)
    voter = _draw_voters(rng, voters, battles, activity_exponent, votes_per_voter_exponent, top_voter_share)
    if votes_per_voter_exponent is None:
        liking = rng.normal(0, taste, (voters, len(names))) + strength
        logit = liking[voter, a] - liking[voter, b] + position_bias
    else:
        liked_a, liked_b = _draw_tastes(rng, voter, a, b, taste)
        logit = strength[a] - strength[b] + liked_a - liked_b + position_bias
    logit += _residuals(rng, intransitivity, len(names))[a, b]
    columns: dict[str, FloatArray | pd.DatetimeIndex] = {}
    for feature, effect in _checked_style(style or {}).items():
        columns[f"{feature}_a"], columns[f"{feature}_b"], difference = _draw_feature(rng, a, b, len(names))
        logit += effect * difference
    winner = _draw_winners(rng, special.expit(logit), tie_rate, both_bad_share)
    if propensity is not None:
        columns["propensity"] = propensity
    if dates is not None:
        columns["date"] = draw_dates(rng, dates, battles)
    voters = int(voter.max(initial=-1)) + 1
    return pd.DataFrame(
        {
            "model_a": names_column(names, a),
            "model_b": names_column(names, b),
            "winner": names_column(WINNERS, winner),
            "voter": names_column([f"voter-{number:05}" for number in range(voters)], voter),
            **columns,
        }
    )


def _check(
    strength: FloatArray, *, battles: int, voters: int, tie_rate: float, both_bad_share: float
) -> None:
    if len(strength) < 2:
        raise InvalidOptionError(f"strengths names {len(strength)} models: a battle needs two.")
    if not np.isfinite(strength).all():
        raise InvalidOptionError("strengths holds a value that is not finite: give log-odds.")
    if battles < 0 or voters < 1:
        raise InvalidOptionError(
            f"battles is {battles} and voters is {voters}: need 0 or more, and 1 or more."
        )
    for name, value in (("tie_rate", tie_rate), ("both_bad_share", both_bad_share)):
        if not 0 <= value <= 1:
            raise InvalidOptionError(f"{name} is {value!r}: it is a probability, from 0 to 1.")


def _check_finite(*, position_bias: float, **spreads: float) -> None:
    if not np.isfinite(position_bias):
        raise InvalidOptionError(f"position_bias is {position_bias!r}: it is finite log-odds.")
    for name, value in spreads.items():
        if not (np.isfinite(value) and value >= 0):
            raise InvalidOptionError(f"{name} is {value!r}: it is finite, 0 or more.")


def _check_voters(
    voters: int, activity_exponent: float, votes_per_voter_exponent: float | None, top_voter_share: float
) -> None:
    if not 0 <= top_voter_share < 1:
        raise InvalidOptionError(f"top_voter_share is {top_voter_share!r}: it lies from 0 to below 1.")
    if votes_per_voter_exponent is None:
        if top_voter_share > 0 and voters < 2:
            raise InvalidOptionError("top_voter_share needs other voters: voters is 1, make it 2 or more.")
        return
    if not (np.isfinite(votes_per_voter_exponent) and votes_per_voter_exponent > 1):
        raise InvalidOptionError(
            f"votes_per_voter_exponent is {votes_per_voter_exponent!r}: it is finite and above 1, such as 2.4."
        )
    if activity_exponent:
        raise InvalidOptionError(
            "activity_exponent and votes_per_voter_exponent are two ways to make some voters heavy: choose one."
        )


def _draw_pairs(
    rng: np.random.Generator, names: Sequence[str], pair_weights: PairWeights | None, size: int
) -> tuple[IntArray, IntArray, FloatArray | None]:
    if pair_weights is None:
        return *draw_pairs(rng, len(names), size), None
    return draw_weighted_pairs(rng, pair_matrix(pair_weights, names), size)


def _draw_voters(
    rng: np.random.Generator,
    voters: int,
    size: int,
    activity_exponent: float,
    votes_per_voter_exponent: float | None,
    top_voter_share: float,
) -> IntArray:
    others = size - round(top_voter_share * size)
    if votes_per_voter_exponent is not None:
        voter = draw_zeta_voters(rng, others, votes_per_voter_exponent)
    else:
        voter = draw_voters(rng, voters - (top_voter_share > 0), others, activity_exponent)
    return insert_top_voter(rng, voter, size, top_voter_share) if top_voter_share > 0 else voter


def _draw_tastes(
    rng: np.random.Generator, voter: IntArray, a: IntArray, b: IntArray, taste: float
) -> tuple[FloatArray, FloatArray]:
    """Draw tastes only for the models that a voter saw: most voters see few."""
    if taste == 0:
        return np.zeros(len(a)), np.zeros(len(b))
    models = int(max(a.max(initial=0), b.max(initial=0))) + 1
    seen, distinct = pd.factorize(np.concatenate([voter * models + a, voter * models + b]))
    tastes = rng.normal(0, taste, len(distinct))
    return tastes[seen[: len(a)]], tastes[seen[len(a) :]]


def _residuals(rng: np.random.Generator, intransitivity: float | npt.ArrayLike, models: int) -> FloatArray:
    if np.ndim(intransitivity) == 0:
        spread = float(intransitivity)  # type: ignore[arg-type]
        if not (np.isfinite(spread) and spread >= 0):
            raise InvalidOptionError(f"intransitivity is {spread!r}: it is a standard deviation, 0 or more.")
        return (
            simulate_intransitivity(rng, models=models, spread=spread) if spread else np.zeros((models,) * 2)
        )
    residuals = np.array(intransitivity, dtype=np.float64)
    square = residuals.shape == (models, models)
    if not (square and np.isfinite(residuals).all() and np.array_equal(residuals, -residuals.T)):
        raise InvalidOptionError(
            f"intransitivity has shape {residuals.shape}: as a matrix it is finite and antisymmetric, with "
            f"{models} rows and columns in the order of strengths."
        )
    return residuals


def _checked_style(style: Mapping[str, float]) -> Mapping[str, float]:
    for feature, effect in style.items():
        if feature in ("", "model") or not np.isfinite(effect):
            raise InvalidOptionError(
                f"style has {feature!r}: {effect!r}: name a feature (not 'model') and a finite effect."
            )
    return style


def _draw_feature(
    rng: np.random.Generator, a: IntArray, b: IntArray, models: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw one feature of both answers, and the standardised normalised difference of the two."""
    typical = np.log(_TYPICAL_FEATURE) + rng.normal(0, _FEATURE_SPREAD_BETWEEN_MODELS, models)
    log_a = typical[a] + rng.normal(0, _FEATURE_SPREAD_WITHIN_MODEL, len(a))
    log_b = typical[b] + rng.normal(0, _FEATURE_SPREAD_WITHIN_MODEL, len(b))
    difference = np.tanh((log_a - log_b) / 2)  # equals (f_a - f_b) / (f_a + f_b)
    spread = difference.std() if len(difference) > 1 else 1.0
    centre = difference.mean() if len(difference) else 0.0
    return np.exp(log_a), np.exp(log_b), (difference - centre) / spread


def _draw_winners(
    rng: np.random.Generator, win: FloatArray, tie_rate: float, both_bad_share: float
) -> IntArray:
    undecided = 2 * tie_rate * np.minimum(win, 1 - win)
    draw = rng.random(len(win))
    winner = (draw >= win - undecided / 2).astype(np.int64)
    winner += draw >= 1 - undecided
    winner += draw >= 1 - undecided * both_bad_share
    return winner
