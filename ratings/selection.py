"""The winner's curse: what choosing the best of many variants adds to its score, and scores without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from ratings.arrays import BoolArray, ModelId
from ratings.bradley_terry import fit_bradley_terry
from ratings.columns import Battles, cluster_column, data_frame
from ratings.comparisons import Comparisons
from ratings.confidence import two_sided_quantile
from ratings.errors import InvalidComparisonsError, InvalidOptionError, NoFiniteMaximumError
from ratings.estimates import half_win_covariance
from ratings.intervals import rating_intervals
from ratings.scale import RATING_PER_STRENGTH, rating_from_strength


@dataclass(frozen=True, kw_only=True)
class SelectedScore:
    """The score of a model that was chosen as the best of several variants.

    Attributes
    ----------
    model : str
    variants : int
        How many were tried, the chosen one among them.
    rating, lower, upper : float
        Rating points, from fresh votes only: the model's votes before the commitment are left out.
    pooled_rating, pooled_lower, pooled_upper : float
        Rating points from all votes; their expectation is too high by up to ``pooled_bias``.
    pooled_bias : float
        Rating points that choosing the best of equal variants adds to ``pooled_rating`` on average.
    votes_before, votes_fresh : int
        The model's votes before the commitment, and from then on, against the models that are rated here.
    """

    model: str
    variants: int
    rating: float
    lower: float
    upper: float
    pooled_rating: float
    pooled_lower: float
    pooled_upper: float
    pooled_bias: float
    votes_before: int
    votes_fresh: int


def expected_maximum(variants: int) -> float:
    """Compute the expectation of the largest of independent standard normals.

    Parameters
    ----------
    variants : int
        How many, 1 or more.

    Returns
    -------
    float

    Raises
    ------
    InvalidOptionError
        If ``variants`` is not a whole number, 1 or more.

    Notes
    -----
    Integrates 1 - Phi(x) ** n above 0 and -Phi(x) ** n below, to about 1e-10.

    Examples
    --------
    >>> round(expected_maximum(50), 3)
    2.249
    """
    if int(variants) != variants or variants < 1:
        raise InvalidOptionError(f"variants is {variants!r}: it is a whole number, 1 or more.")

    def above(x: float) -> float:
        return float(-np.expm1(variants * special.log_ndtr(x)) - np.exp(variants * special.log_ndtr(-x)))

    from scipy import integrate  # not before it is needed, as in `ratings.held_out`

    # Phi(-40) is 0 in double precision; the points keep the quadrature from missing the step near the maximum.
    step = NormalDist().inv_cdf(1 - 1 / (variants + 1))
    value, _ = integrate.quad(above, 0, 40, points=[step, step + 1], epsabs=1e-12, epsrel=1e-12, limit=200)
    return float(value)


def rating_standard_error(*, votes: int, tie_rate: float) -> float:
    """Approximate the standard error of a rating from votes against models of about its own strength.

    Parameters
    ----------
    votes : int
        The model's votes, 1 or more.
    tie_rate : float
        Share of ties, from 0 to below 1; a tie counts half a win and brings the variance of a vote down.

    Returns
    -------
    float
        Rating points: (400 / ln 10) * sqrt((1 - tie_rate) / 4 / votes) / (1 / 4).

    Raises
    ------
    InvalidOptionError
        If an argument is out of its range.

    Notes
    -----
    1 / 4 is p (1 - p) at p = 1/2. The opponents' own errors are not counted.
    """
    if not votes >= 1:
        raise InvalidOptionError(f"votes is {votes!r}: it is 1 or more.")
    if not 0 <= tie_rate < 1:
        raise InvalidOptionError(f"tie_rate is {tie_rate!r}: it is a share, from 0 to below 1.")
    return float(RATING_PER_STRENGTH * np.sqrt((1 - tie_rate) / 4 / votes) * 4)


def selection_bias(*, variants: int, votes: int, tie_rate: float, fresh_votes: int = 0) -> float:
    """Compute how many rating points publishing the best of equal variants adds on average.

    Parameters
    ----------
    variants : int
        Variants tried, 1 or more.
    votes : int
        Votes of each variant when the choice was made.
    tie_rate : float
        Share of ties among these votes.
    fresh_votes : int, default 0
        Later votes on the chosen one that are pooled with the first.

    Returns
    -------
    float
        Rating points: standard error * E[max of ``variants`` standard normals] * votes / (votes + fresh_votes).

    Raises
    ------
    InvalidOptionError
        If an argument is out of its range.

    Notes
    -----
    The bias that the dispute about private testing is over [SN25]. An upper bound where the variants differ
    in strength, for then the best one is chosen less by luck. 0 for a score from fresh votes only.

    References
    ----------
    [SN25] Singh, Nan et al. The Leaderboard Illusion. 2025. arXiv:2504.20879

    Examples
    --------
    >>> round(selection_bias(variants=50, votes=3000, tie_rate=0.26), 1)
    12.3
    >>> round(selection_bias(variants=50, votes=3000, tie_rate=0.26, fresh_votes=2000), 1)
    7.4
    """
    if not fresh_votes >= 0:
        raise InvalidOptionError(f"fresh_votes is {fresh_votes!r}: it is 0 or more.")
    error = rating_standard_error(votes=votes, tie_rate=tie_rate)
    return error * expected_maximum(variants) * votes / (votes + fresh_votes)


def fresh_battles(battles: Battles, committed: Mapping[str, Any], *, date: str = "date") -> pd.DataFrame:
    """Leave out the votes on models from before the moment at which their publication was committed to.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b and ``date``.
    committed : mapping of str to timestamp
        For each model that was selected, the moment; a vote at that moment is fresh. Other models keep
        all their votes, except those against a selected model before its moment.
    date : str, default "date"
        Column of moments: timestamps, ISO 8601 text (UTC where it names no zone) or numbers such as seconds;
        the same kind as in ``committed``.

    Returns
    -------
    DataFrame
        The rows that count.

    Raises
    ------
    InvalidComparisonsError
        If the column is absent, or a moment on a selected model's row is missing or unreadable.
    InvalidOptionError
        If a moment of ``committed`` is missing or cannot be compared with the column, or a model has no row.

    Examples
    --------
    >>> battles = pd.DataFrame({"model_a": ["x", "x"], "model_b": ["y", "y"], "date": ["2025-01-01", "2025-03-01"]})
    >>> len(fresh_battles(battles, {"x": "2025-02-01"}))
    1
    """
    battles = data_frame(battles)
    stale = np.zeros(len(battles), dtype=bool)
    for model, moment in committed.items():
        stale |= _stale(battles, model, moment, date)
    return battles[~stale]


def selected_score(
    battles: Battles,
    *,
    model: str,
    variants: int,
    committed: Any,  # a timestamp, ISO 8601 text or a number, as the column of moments has them
    date: str = "date",
    cluster: str | None = "voter",
    confidence: float = 0.95,
) -> SelectedScore:
    """Score the best of several variants from fresh votes, with the pooled score and its bias beside it.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b, winner, ``date`` and optionally count, weight and voter.
    model : str
        The variant that was chosen by its votes before ``committed``.
    variants : int
        Variants among which it was chosen, itself included.
    committed : timestamp
        When its publication was committed to; votes from then on are fresh.
    date : str, default "date"
        Column of moments.
    cluster : str or None, default "voter"
        Column of those whose votes may depend on each other. None, or no voter column: every vote is independent.
    confidence : float, default 0.95
        Coverage of each interval.

    Returns
    -------
    SelectedScore

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the data convention or a moment is missing.
    InvalidOptionError
        If an option is out of its range, or ``model`` has no row.
    NoFiniteMaximumError
        If the fresh votes do not give the model a finite rating.

    Notes
    -----
    All figures, the votes too, are among the models that wins and ties of the fresh votes connect with this one
    in both directions, and ratings are relative to their mean; intervals are those of `leaderboard`. The bias of
    the pooled score is E[max of n standard normals] * se * sqrt(votes before / all votes), with se the pooled
    score's standard error: the share of old votes times the standard error that the old votes had alone.

    References
    ----------
    [SN25] Singh, Nan et al. The Leaderboard Illusion. 2025. arXiv:2504.20879
    """
    largest = expected_maximum(variants)
    battles = data_frame(battles)
    column = cluster_column(battles, cluster)
    fresh, every = (
        Comparisons.from_battles(table, cluster=column)
        for table in (fresh_battles(battles, {model: committed}, date=date), battles)
    )
    group = _rateable_with(fresh, model)
    rating, lower, upper, votes_fresh = _score(fresh.restrict(group), model, confidence)
    pooled, pooled_lower, pooled_upper, votes = _score(every.restrict(group), model, confidence)
    error = (pooled_upper - pooled_lower) / 2 / two_sided_quantile(confidence)
    return SelectedScore(
        model=model,
        variants=variants,
        rating=rating,
        lower=lower,
        upper=upper,
        pooled_rating=pooled,
        pooled_lower=pooled_lower,
        pooled_upper=pooled_upper,
        pooled_bias=float(largest * error * np.sqrt((votes - votes_fresh) / votes)),
        votes_before=votes - votes_fresh,
        votes_fresh=votes_fresh,
    )


def _stale(battles: pd.DataFrame, model: str, moment: Any, date: str) -> BoolArray:
    if date not in battles.columns:
        raise InvalidComparisonsError(
            f"The table of battles lacks the column {date!r}: name the one with moments."
        )
    on_model = ((battles["model_a"] == model) | (battles["model_b"] == model)).to_numpy(dtype=bool)
    if not on_model.any():
        raise InvalidOptionError(f"No battle has the model {model!r}: check the name.")
    moments = battles[date][on_model]
    try:
        missing = bool(pd.isna(pd.Timestamp(moment) if isinstance(moment, str) else moment))
        if not (pd.api.types.is_numeric_dtype(moments) or pd.api.types.is_datetime64_any_dtype(moments)):
            moments = pd.to_datetime(moments, errors="coerce", format="ISO8601", utc=True)
            moment = pd.to_datetime(moment, utc=True)
        earlier = (moments < moment).to_numpy(dtype=bool)
    except (TypeError, ValueError) as error:
        raise InvalidOptionError(
            f"The commitment {moment!r} of {model!r} cannot be compared with the column {date!r}: "
            "give both as the same kind, with or without a time zone."
        ) from error
    if missing:
        raise InvalidOptionError(
            f"The commitment {moment!r} of {model!r} is no moment: say when its publication was committed to."
        )
    if moments.isna().any():
        row = int(np.flatnonzero(on_model)[int(np.argmax(moments.isna()))])
        raise InvalidComparisonsError(
            f"Row {row} of the battles: {date} is {battles[date].iloc[row]!r}. Fill in when the vote was cast."
        )
    stale = np.zeros(len(battles), dtype=bool)
    stale[np.flatnonzero(on_model)[earlier]] = True
    return stale


def _rateable_with(comparisons: Comparisons, model: str) -> Sequence[ModelId]:
    """Return the models on one scale with this one."""
    for group in comparisons.strongly_connected():
        if model in group and len(group) > 1:
            return group
    raise NoFiniteMaximumError(
        f"{model!r} has no finite rating from these {comparisons.votes} votes: it never lost, never won, or never "
        "met the others. Collect more fresh votes."
    )


def _score(rated: Comparisons, model: str, confidence: float) -> tuple[float, float, float, int]:
    """Return the model's rating, the bounds of its interval, and its number of votes."""
    clusters = rated.clusters
    fit = fit_bradley_terry(rated)
    covariance = half_win_covariance(
        fit, rated, cluster=clusters.column if clusters is not None and clusters.size > 1 else None
    )
    place = rated.models.index(model)
    lower, upper = rating_intervals(fit, covariance, confidence=confidence)
    rating = rating_from_strength(fit.strengths)
    votes = int(rated.votes_by_model()[place])
    return float(rating[place]), float(lower[place]), float(upper[place]), votes
