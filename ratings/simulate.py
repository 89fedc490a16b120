"""Synthetic battles with known truth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import special

from ratings.arrays import FloatArray, IntArray
from ratings.encoding import WINNERS
from ratings.errors import InvalidOptionError


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
) -> pd.DataFrame:
    """Draw battles between random pairs, with random sides and random voters.

    With d = s[a] - s[b] + taste[voter, a] - taste[voter, b] + position_bias and p = 1 / (1 + exp(-d)), a vote is
    a tie or both_bad with probability 2 * tie_rate * min(p, 1 - p), and otherwise splits what is left
    so that P(a wins) + P(tie or both_bad) / 2 = p. Half-win Bradley-Terry is therefore consistent for
    ``strengths`` when taste and position bias are 0.

    Parameters
    ----------
    rng : Generator
        The only source of randomness.
    strengths : mapping of str to float
        True strength by model, natural log-odds; at least two models.
    battles : int
        Number of rows to draw.
    voters : int, default 1000
        Number of people who may vote.
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

    Returns
    -------
    DataFrame, one row per battle
        Columns model_a, model_b, winner, voter.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> battles = simulate_battles(rng, strengths={"x": 1.0, "y": 0.0, "z": -1.0}, battles=2)
    >>> battles.columns.tolist()
    ['model_a', 'model_b', 'winner', 'voter']
    """
    _check(strengths, battles=battles, voters=voters, tie_rate=tie_rate, both_bad_share=both_bad_share)
    names = np.array(list(strengths), dtype=object)
    a, b = _draw_pairs(rng, len(names), battles)
    voter = _draw_voters(rng, voters, battles, activity_exponent)
    liking = rng.normal(0, taste, (voters, len(names))) + np.array(list(strengths.values()), dtype=np.float64)
    win = special.expit(liking[voter, a] - liking[voter, b] + position_bias)
    winner = _draw_winners(rng, win, tie_rate, both_bad_share)
    return pd.DataFrame(
        {
            "model_a": names[a],
            "model_b": names[b],
            "winner": np.array(WINNERS, dtype=object)[winner],
            "voter": np.array([f"voter-{number:05}" for number in range(voters)], dtype=object)[voter],
        }
    )


def _check(
    strengths: Mapping[str, float], *, battles: int, voters: int, tie_rate: float, both_bad_share: float
) -> None:
    if len(strengths) < 2:
        raise InvalidOptionError(f"strengths names {len(strengths)} models: a battle needs two.")
    if battles < 0 or voters < 1:
        raise InvalidOptionError(
            f"battles is {battles} and voters is {voters}: need 0 or more, and 1 or more."
        )
    for name, value in (("tie_rate", tie_rate), ("both_bad_share", both_bad_share)):
        if not 0 <= value <= 1:
            raise InvalidOptionError(f"{name} is {value!r}: it is a probability, from 0 to 1.")


def _draw_pairs(rng: np.random.Generator, models: int, size: int) -> tuple[IntArray, IntArray]:
    a = rng.integers(models, size=size)
    b = rng.integers(models - 1, size=size)
    return a, b + (b >= a)


def _draw_voters(rng: np.random.Generator, voters: int, size: int, activity_exponent: float) -> IntArray:
    activity = np.arange(1, voters + 1) ** -float(activity_exponent)
    return rng.choice(voters, size=size, p=activity / activity.sum())


def _draw_winners(
    rng: np.random.Generator, win: FloatArray, tie_rate: float, both_bad_share: float
) -> IntArray:
    undecided = 2 * tie_rate * np.minimum(win, 1 - win)
    draw = rng.random(len(win))
    bounds = [
        win - undecided / 2,
        1 - undecided,
        1 - undecided * both_bad_share,
    ]
    winner: IntArray = np.sum([draw >= bound for bound in bounds], axis=0, dtype=np.int64)
    return winner
