"""Ratings by the definitions of FastChat and arena-rank, solved to their true optimum."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, ModelId
from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.encoding import encode_battles
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.propensities import reweight_pairs
from ratings.scale import RATING_CENTRE, RATING_PER_STRENGTH
from ratings.style_control import fit_style_control

FASTCHAT_RIDGE = 0.5 / math.log(10) ** 2
"""FastChat's 0.5 on squared strengths, which it counts in powers of ten, as a ridge on natural log-odds."""

FASTCHAT_ANCHORS: Mapping[str, tuple[str, float]] = {
    "rating_systems": ("mixtral-8x7b-instruct-v0.1", 1114.0),
    "0.2.36": ("llama-13b", 800.0),
}
"""By version: the model whose rating is held, where it takes part, and that rating."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CompatibleRatings:
    """Ratings by another program's definition.

    Attributes
    ----------
    definition : str
        Which one.
    models : tuple
        Names in sorted order, length n_models.
    ratings : float64, shape (n_models,)
        Rating points on that program's scale.
    coefficients : mapping of str to float
        Of each style feature, log-odds per standard deviation; empty without style.
    ridge, style_ridge : float
        The penalties on squared strengths and coefficients, natural log-odds, in votes.
    """

    definition: str
    models: tuple[ModelId, ...]
    ratings: FloatArray
    coefficients: Mapping[str, float]
    ridge: float
    style_ridge: float

    def series(self) -> pd.Series:
        """Return the ratings by model, the highest first."""
        return pd.Series(self.ratings, index=list(self.models)).sort_values(ascending=False)


def fastchat_definition(
    battles: pd.DataFrame,
    *,
    style: Sequence[str] = (),
    version: Literal["rating_systems", "0.2.36"] = "rating_systems",
) -> CompatibleRatings:
    """Rate models as FastChat defines it.

    Parameters
    ----------
    battles : DataFrame
        Columns model_a, model_b, winner (FastChat's "tie (bothbad)" is both_bad), optionally count and weight,
        and <feature>_a and <feature>_b of each style feature.
    style : sequence of str, default none
        Features to control for.
    version : {"rating_systems", "0.2.36"}, default "rating_systems"
        rating_systems: the file `rating_systems.py` of the repository since 2024. Without style: no penalty.
        With style: features (f_a - f_b) / (f_a + f_b + 1), standardised over the votes, and the penalty
        0.5 * (sum of squares) / 2 on the sum of the loss, over strengths in powers of ten and coefficients.
        0.2.36: the last package, through scikit-learn on duplicated rows, which is that penalty on the
        strengths; it knows no style.

    Returns
    -------
    CompatibleRatings
        400 points per power of ten, mean 1000; shifted for mixtral-8x7b-instruct-v0.1 to have 1114 (0.2.36:
        llama-13b 800) where that model takes part.

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the data convention.
    InvalidOptionError
        If ``version`` is unknown, or style is asked of 0.2.36.
    NoFiniteMaximumError
        If there is no penalty and the votes determine no finite strengths; FastChat prints where it stopped.

    Notes
    -----
    FastChat stops before its optimum, by up to a point on real votes; this is the optimum itself.

    References
    ----------
    [FastChat] Zheng et al. Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena. 2023. arXiv:2306.05685;
               https://github.com/lm-sys/FastChat, fastchat/serve/monitor

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "y", "z"], "model_b": ["y", "z", "x"], "winner": ["model_a"] * 3, "count": [2, 2, 1]}
    ... )
    >>> fastchat_definition(battles).series().round(1).to_dict()
    {'x': 1091.7, 'y': 1000.0, 'z': 908.3}
    """
    if version not in FASTCHAT_ANCHORS:
        raise InvalidOptionError(
            f"version is {version!r}: it is one of {', '.join(map(repr, FASTCHAT_ANCHORS))}."
        )
    if style and version == "0.2.36":
        raise InvalidOptionError(
            "FastChat 0.2.36 has no style control: leave style out or the version as it is."
        )
    ridge = FASTCHAT_RIDGE if style or version == "0.2.36" else 0.0
    coefficients: dict[str, float] = {}
    if style:
        fit = fit_style_control(battles, features=style, definition="published", ridge=ridge, style_ridge=0.5)
        models, strengths = fit.models, fit.strengths
        coefficients = dict(zip(fit.coefficient_names, fit.coefficients.tolist(), strict=True))
    else:
        plain = fit_bradley_terry(Comparisons.from_battles(battles), ridge=ridge)
        models, strengths = plain.models, plain.strengths
    ratings = RATING_CENTRE + RATING_PER_STRENGTH * strengths
    anchor, held = FASTCHAT_ANCHORS[version]
    if anchor in models:
        ratings = ratings + (held - ratings[models.index(anchor)])
    return CompatibleRatings(
        definition=f"FastChat {version}",
        models=models,
        ratings=ratings,
        coefficients=coefficients,
        ridge=ridge,
        style_ridge=0.5 if style else 0.0,
    )


def arena_rank_definition(
    battles: pd.DataFrame,
    *,
    style: Sequence[str] = (),
    reweighted: bool | None = None,
    pair_floor: float = 50.0,
    reg: float = 1.0,
) -> CompatibleRatings:
    """Rate models as arena-rank 0.1.1 defines it.

    Parameters
    ----------
    battles : DataFrame
        Columns model_a, model_b, winner, optionally count and weight, and <feature>_a and <feature>_b of each
        style feature.
    style : sequence of str, default none
        Features to control for: (f_a - f_b) / (f_a + f_b), 0 / 0 as 0, standardised over the votes, as in its
        examples.
    reweighted : bool, optional
        Weigh each vote by 1 / max(votes of its pair, ``pair_floor``); by default with style only, as there.
    pair_floor : float, default 50
        In votes; there `min_pair_count`.
    reg : float, default 1
        The penalty reg * (sum of squared coefficients) / 2 on the **mean** of the loss, thus reg times the number
        of votes on its sum: it all but removes style control.

    Returns
    -------
    CompatibleRatings
        400 points per power of ten, mean 1000.

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the data convention; arena-rank takes an unknown label for a tie.
    InvalidOptionError
        If ``pair_floor`` is not a finite number above 0, or ``reg`` is negative.
    NoFiniteMaximumError
        If the votes determine no finite strengths; arena-rank prints where it stopped.

    Notes
    -----
    arena-rank stops when its mean loss changes by less than 1e-9, by up to 0.3 points off on real votes, and
    more for models with few votes; this is the optimum itself.

    References
    ----------
    [arena-rank] https://github.com/lmarena/arena-rank, version 0.1.1

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "y", "z"], "model_b": ["y", "z", "x"], "winner": ["model_a"] * 3, "count": [2, 2, 1]}
    ... )
    >>> arena_rank_definition(battles, reweighted=True, pair_floor=1).series().round(1).to_dict()
    {'x': 1000.0, 'y': 1000.0, 'z': 1000.0}
    """
    if not (np.isfinite(pair_floor) and pair_floor > 0):
        raise InvalidOptionError(f"pair_floor is {pair_floor!r}: it is a finite number of votes above 0.")
    if not (np.isfinite(reg) and reg >= 0):
        raise InvalidOptionError(f"reg is {reg!r}: it is a finite number, 0 or more.")
    comparisons = Comparisons.from_battles(battles)
    weights = np.ones(len(comparisons.first))
    if reweighted or (reweighted is None and style):
        weights = 1 / np.maximum(comparisons.counts.sum(axis=1), pair_floor)
    style_ridge, coefficients = 0.0, {}
    if style:
        votes = comparisons.counts.sum(axis=1)
        weights = weights * (comparisons.votes / float((weights * votes).sum()))
        style_ridge = reg * comparisons.votes
        table = _weighted(_shares(battles, style), comparisons, weights)
        fit = fit_style_control(table, features=style, definition="published", style_ridge=style_ridge)
        models, strengths = fit.models, fit.strengths
        coefficients = dict(zip(fit.coefficient_names, fit.coefficients.tolist(), strict=True))
    else:
        plain = fit_bradley_terry(reweight_pairs(comparisons, weights))
        models, strengths = plain.models, plain.strengths
    return CompatibleRatings(
        definition="arena-rank 0.1.1",
        models=models,
        ratings=RATING_CENTRE + RATING_PER_STRENGTH * strengths,
        coefficients=coefficients,
        ridge=0.0,
        style_ridge=style_ridge,
    )


def _shares(battles: pd.DataFrame, style: Sequence[str]) -> pd.DataFrame:
    """Replace each feature by its share of both answers.

    Shares sum to 1, so that dividing by their sum plus one, as FastChat does, halves every difference alike, and
    standardising forgets the half. What is left is arena-rank's (f_a - f_b) / (f_a + f_b).
    """
    columns = {}
    for feature in style:
        a, b = (_values(battles, f"{feature}_{side}") for side in "ab")
        total = a + b
        for side, values in (("a", a), ("b", b)):
            columns[f"{feature}_{side}"] = np.divide(
                values, total, out=np.zeros(len(total)), where=total != 0
            )
    return battles.assign(**columns)


def _values(battles: pd.DataFrame, column: str) -> FloatArray:
    if column not in battles.columns:
        raise InvalidComparisonsError(
            f"The table of battles lacks the column {column!r}: add it or leave style out."
        )
    numbers = pd.to_numeric(battles[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InvalidComparisonsError(
            f"Row {row} of the battles: {column} is {battles[column].iloc[row]!r}. A feature is a finite number, 0 "
            "or more."
        )
    return numbers


def _weighted(battles: pd.DataFrame, comparisons: Comparisons, weights: FloatArray) -> pd.DataFrame:
    """Multiply the weight of each row by its pair's."""
    encoded = encode_battles(battles)
    size = len(encoded.models)
    a, b = encoded.side_a.astype(np.int64), encoded.side_b.astype(np.int64)
    keys = comparisons.first * size + comparisons.second
    key = np.minimum(a, b) * size + np.maximum(a, b)
    # A pair without a vote has no weight; wherever its rows are looked up, they do not count.
    place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    return battles.assign(weight=encoded.weight * weights[place])
