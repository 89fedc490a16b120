"""One call from a table of battles to a leaderboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.errors import InvalidOptionError
from ratings.intervals import rating_intervals, sandwich
from ratings.ranks import ranks_from_intervals
from ratings.scale import RATING_CENTRE, RATING_PER_STRENGTH, rating_from_strength
from ratings.unrated import unrated_reasons

METHOD_VERSION = "1"
"""Raised whenever the same votes would give other numbers."""

_DECIMALS = 6
"""Rating points are rounded to these, so that the last bits of another processor's exp do not show."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaderboard:
    """The ratings of one set of battles.

    Attributes
    ----------
    table : DataFrame, n_models rows
        Columns model, rating, lower, upper (rating points), rank_lower, rank_upper (Int64), battles (int64),
        win_rate (share of votes, ties as half). Best rating first, equal ratings by name; models without a
        rating come last by name, with nulls.
    unrated : mapping of str to str
        The models without a rating, and why.
    method : mapping
        Name, version and parameters of the computation.
    votes : int
        Number of votes in the table of battles, with those on unrated models.
    fit : BradleyTerryFit or None
        The fit of the rated models; None when fewer than two can be rated.
    """

    table: pd.DataFrame
    unrated: Mapping[str, str]
    method: Mapping[str, Any]
    votes: int
    fit: BradleyTerryFit | None

    def as_dict(self) -> dict[str, Any]:
        """Return the leaderboard as plain JSON values, with None for null."""
        rows = self.table.astype(object).where(self.table.notna(), None).to_dict(orient="records")
        return {
            "votes": self.votes,
            "method": dict(self.method),
            "entries": rows,
            "unrated": dict(self.unrated),
        }


def leaderboard(
    battles: pd.DataFrame,
    *,
    ties: Literal["half"] = "half",
    intervals: Literal["sandwich"] = "sandwich",
    cluster: str | None = "voter",
    confidence: float = 0.95,
) -> Leaderboard:
    """Rate the models of a table of battles.

    Fits Bradley-Terry to the largest group of models that wins and ties connect in both directions (equal
    sizes: more votes, then the first name); the other models are listed without a rating, each with its reason.

    Parameters
    ----------
    battles : DataFrame
        Columns model_a, model_b, winner and optionally voter, count, weight.
    ties : "half"
        tie and both_bad count half a win for each side.
    intervals : "sandwich"
        Robust intervals that assume only independence between voters.
    cluster : str or None, default "voter"
        Column of those whose votes may depend on each other. Votes count as independent with None, without a
        voter column, or when a single voter cast all.
    confidence : float, default 0.95
        Coverage of each single interval.

    Returns
    -------
    Leaderboard

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention; the row is named.
    InvalidOptionError
        If an option is unknown or ``confidence`` is not between 0 and 1.
    NotConvergedError
        If the votes are too lopsided for double precision.

    Notes
    -----
    Clustered intervals are never narrower than independent ones: a model whose votes all came from one voter
    would otherwise look certain. Where the votes show no variance at all (a single tie) the interval is null
    and the ranks are all ranks. Ratings are rounded to 6 decimals and centred at 1000 over the rated models.

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {
    ...         "model_a": ["x", "y", "z", "x"],
    ...         "model_b": ["y", "z", "x", "z"],
    ...         "winner": ["model_a", "model_a", "tie", "model_a"],
    ...     }
    ... )
    >>> leaderboard(battles).table.model.tolist()
    ['x', 'y', 'z']
    """
    _check_options(ties, intervals, confidence)
    comparisons = Comparisons.from_battles(battles, cluster=_cluster_column(battles, cluster))
    rated = comparisons.restrict(_rateable(comparisons))
    fit = fit_bradley_terry(rated) if rated.models else None
    clustered = _clustering(rated)
    return Leaderboard(
        table=_table(comparisons, _ratings(rated, fit, clustered, confidence)),
        unrated=unrated_reasons(comparisons, rated.models),
        method=_method(ties, intervals, clustered, confidence),
        votes=comparisons.votes,
        fit=fit,
    )


def _check_options(ties: str, intervals: str, confidence: float) -> None:
    for name, value, known in (("ties", ties, "half"), ("intervals", intervals, "sandwich")):
        if value != known:
            raise InvalidOptionError(f"{name} is {value!r}: this release knows {known!r} only.")
    if not 0 < confidence < 1:
        raise InvalidOptionError(f"confidence is {confidence!r}: it lies between 0 and 1, such as 0.95.")


def _cluster_column(battles: pd.DataFrame, cluster: str | None) -> str | None:
    """Return the column to cluster by; only the default one may be absent."""
    return None if cluster == "voter" and "voter" not in battles.columns else cluster


def _rateable(comparisons: Comparisons) -> Sequence[str]:
    groups = comparisons.strongly_connected()
    return groups[0] if groups and len(groups[0]) > 1 else ()


def _clustering(comparisons: Comparisons) -> str | None:
    clusters = comparisons.clusters
    return clusters.column if clusters is not None and clusters.size > 1 else None


def _table(comparisons: Comparisons, ratings: pd.DataFrame) -> pd.DataFrame:
    records = pd.DataFrame(
        {
            "model": pd.Series(comparisons.models, dtype="str"),
            "battles": comparisons.votes_by_model(),
            "win_rate": comparisons.win_rates(),
        }
    )
    table = records.merge(ratings, on="model", how="left")
    table = table.sort_values(["rating", "model"], ascending=[False, True], na_position="last", kind="stable")
    columns = ["model", "rating", "lower", "upper", "rank_lower", "rank_upper", "battles", "win_rate"]
    return table[columns].reset_index(drop=True)


def _ratings(
    rated: Comparisons, fit: BradleyTerryFit | None, cluster: str | None, confidence: float
) -> pd.DataFrame:
    rating = lower = upper = np.empty(0)
    if fit:
        rating = rating_from_strength(fit.strengths).round(_DECIMALS)
        lower, upper = _bounds(fit, rated, cluster, confidence)
    rank_lower, rank_upper = ranks_from_intervals(lower, upper)
    known = np.isfinite(lower)
    return pd.DataFrame(
        {
            "model": pd.Series(rated.models, dtype="str"),
            "rating": rating,
            "lower": np.where(known, lower, np.nan),
            "upper": np.where(known, upper, np.nan),
            "rank_lower": pd.array(rank_lower, dtype="Int64"),
            "rank_upper": pd.array(rank_upper, dtype="Int64"),
        }
    )


def _bounds(
    fit: BradleyTerryFit, rated: Comparisons, cluster: str | None, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Return the rounded bounds of each rating, infinite where the votes show no variance."""
    lower, upper = rating_intervals(fit, sandwich(fit, rated), confidence=confidence)
    if cluster:
        clustered = sandwich(fit, rated, cluster=cluster)
        clustered_lower, clustered_upper = rating_intervals(fit, clustered, confidence=confidence)
        lower, upper = np.minimum(lower, clustered_lower), np.maximum(upper, clustered_upper)
    lower, upper = lower.round(_DECIMALS), upper.round(_DECIMALS)
    unseen = lower == upper
    return np.where(unseen, -np.inf, lower), np.where(unseen, np.inf, upper)


def _method(ties: str, intervals: str, cluster: str | None, confidence: float) -> dict[str, Any]:
    return {
        "name": "bradley-terry",
        "version": METHOD_VERSION,
        "parameters": {
            "ties": ties,
            "intervals": intervals,
            "cluster": cluster,
            "confidence": confidence,
            "centre": RATING_CENTRE,
            "points_per_strength": RATING_PER_STRENGTH,
        },
    }
