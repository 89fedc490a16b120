"""Ratings with and without style control, side by side."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, IntArray
from ratings.bradley_terry import fit_bradley_terry
from ratings.columns import Battles
from ratings.comparisons import Comparisons
from ratings.estimates import half_win_covariance
from ratings.intervals import rating_intervals
from ratings.scale import RATING_PER_STRENGTH, rating_from_strength
from ratings.style_control import fit_style_control


def compare_style(
    battles: Battles,
    *,
    features: Sequence[str] = ("tokens", "headers", "lists", "bold"),
    side_bias: bool = False,
    cluster: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Rate the models with and without style control, and show who moves.

    Parameters
    ----------
    battles, features, side_bias, cluster
        As in `fit_style_control`.
    confidence : float, default 0.95
        Coverage of each single interval, between 0 and 1.

    Returns
    -------
    DataFrame, n_models rows, the best at equal style first
        model; rating, lower, upper, rank without style control; the same four with the prefix ``style_``;
        rating_change in rating points and rank_change in places, both positive for a model that style hid.

    Raises
    ------
    RatingsError
        As `fit_style_control`.

    Notes
    -----
    Intervals are clustered where ``cluster`` is given, and never narrower than those of independent votes. Half-win
    ties shrink both scales alike; the mean rating is 1000 in both.
    """
    comparisons = Comparisons.from_battles(battles, cluster=cluster)
    plain = fit_bradley_terry(comparisons)
    spread = half_win_covariance(plain, comparisons, cluster=cluster)
    styled = fit_style_control(battles, features=features, side_bias=side_bias, cluster=cluster)
    table = pd.DataFrame({"model": plain.models})
    for prefix, fit, covariance in (("", plain, spread), ("style_", styled, styled.strength_covariance())):
        lower, upper = rating_intervals(fit, covariance, confidence=confidence)
        table[f"{prefix}rating"] = rating_from_strength(fit.strengths)
        table[f"{prefix}lower"], table[f"{prefix}upper"] = lower, upper
        table[f"{prefix}rank"] = _ranks(fit.strengths)
    table["rating_change"] = RATING_PER_STRENGTH * (styled.strengths - plain.strengths)
    table["rank_change"] = table["rank"] - table["style_rank"]
    return table.sort_values(["style_rank", "model"], ignore_index=True)


def _ranks(strengths: FloatArray) -> IntArray:
    """Count the models that are stronger, and add one."""
    return 1 + len(strengths) - np.searchsorted(np.sort(strengths), strengths, side="right")
