"""One call from a table of battles to a leaderboard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from ratings.arrays import BoolArray, FloatArray, IntArray, ModelId
from ratings.bradley_terry import BradleyTerryFit
from ratings.columns import Battles, cluster_column
from ratings.comparisons import Comparisons
from ratings.confidence import check_confidence, check_simulated
from ratings.confidence_sequences import anytime_rank_sets, effective_voters
from ratings.encoded_votes import VOTER, EncodedVotes
from ratings.errors import InvalidOptionError
from ratings.estimates import BOOTSTRAP_SEED, Estimate, Intervals, Model, Ties, bootstrap_rounds, estimate
from ratings.intervals import rating_intervals
from ratings.jackknife import few_clusters_factor
from ratings.parts import Parts
from ratings.rank_sets import rank_sets
from ratings.ranks import ranks_from_intervals
from ratings.scale import RATING_CENTRE, RATING_PER_STRENGTH, rating_from_strength
from ratings.style_control import StyleControlFit
from ratings.ties import TiesFit
from ratings.unrated import unrated_reasons

METHOD_VERSION = "2"
"""Raised whenever the same votes would give other numbers."""

_FARTHEST_ANCHOR = 1e6
"""Beyond this, rounding would show in the intervals."""

_DECIMALS = 6
"""Rating points are rounded to these, so that the last bits of another processor's exp do not show."""

Ranks: TypeAlias = Literal["simultaneous", "anytime", "intervals"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaderboard:
    """The ratings of one set of battles.

    Attributes
    ----------
    table : DataFrame, n_models rows
        Columns model, rating, lower, upper (rating points), rank_lower, rank_upper (Int64), battles (int64),
        win_rate (share of votes, ties as half). Best rating first, equal ratings by name; models without a
        rating come last by name, with nulls.
    unrated : mapping of model to str
        The models without a rating, and why.
    method : mapping
        Name, version and parameters of the computation.
    votes : int
        Number of votes in the table of battles, with those on unrated models.
    fit : BradleyTerryFit, TiesFit, StyleControlFit or None
        The fit of the rated models; None when fewer than two can be rated.
    covariance : float64, shape (n_rated, n_rated), or None
        Of ``fit.strengths``, in the order of ``fit.models``.
    strictly_better : bool, shape (n_rated, n_rated), or None
        Which model is better than which for certain, by the rule of the ranks; in the order of ``fit.models``. None
        where ranks are those of the intervals.
    coefficients : DataFrame or None
        With style control: name, coefficient, standard_error, lower, upper, mean, scale.
    """

    table: pd.DataFrame
    unrated: Mapping[ModelId, str]
    method: Mapping[str, Any]
    votes: int
    fit: BradleyTerryFit | TiesFit | StyleControlFit | None
    covariance: FloatArray | None
    strictly_better: BoolArray | None
    coefficients: pd.DataFrame | None

    def as_dict(self) -> dict[str, Any]:
        """Return the leaderboard as plain JSON values, with None for null and text for names such as UUIDs."""
        board: dict[str, Any] = {
            "votes": self.votes,
            "method": dict(self.method),
            "entries": [{**row, "model": _plain(row["model"])} for row in records(self.table)],
            "unrated": {_plain(name): reason for name, reason in self.unrated.items()},
        }
        if self.coefficients is not None:
            board["coefficients"] = records(self.coefficients)
        return board


def leaderboard(
    battles: Battles | EncodedVotes | Parts | Comparisons,
    *,
    style: Sequence[str] = (),
    side_bias: bool = False,
    ties: Ties = "half",
    intervals: Intervals = "sandwich",
    ranks: Ranks = "simultaneous",
    cluster: str | None = "voter",
    confidence: float = 0.95,
    anchor: tuple[ModelId, float] | None = None,
    planned_voters: float = 1000,
) -> Leaderboard:
    """Rate the models of a table of battles.

    Fits Bradley-Terry to the largest group of models that wins and ties connect in both directions (equal
    sizes: more votes, then the first name); the other models are listed without a rating, each with its reason.

    Parameters
    ----------
    battles : DataFrame, Arrow Table, RecordBatch, EncodedVotes, Parts or Comparisons
        Columns model_a, model_b, winner and optionally voter, count, weight, and <feature>_a, <feature>_b.
        `EncodedVotes` serve many boards of some of the same votes. `Parts` hold more votes than memory does.
        Comparisons that are kept up to date make a board cost milliseconds, however many votes they count; they
        serve half-win boards, and without clusters models of ties.
    style : sequence of str, default none
        Features whose effect is taken out of the ratings, such as tokens, headers, lists, bold; see
        `fit_style_control`.
    side_bias : bool, default False
        Also take out the advantage of standing on side a.
    ties : {"half", "davidson", "rao-kupper", "grounded"}, default "half"
        half: tie and both_bad count half a win for each side. Otherwise a model of ties, see `fit_ties`.
    intervals : {"sandwich", "bootstrap"}, default "sandwich"
        sandwich: robust normal intervals; clustered by voter, each heavy voter's pull counts as if he were left
        out (`jackknife_sandwich`). bootstrap: percentiles of 1000 boards fitted to resampled votes (or
        voters), with a fixed seed; for half wins without style. Fewer than six voters are never resampled.
    ranks : {"simultaneous", "anytime", "intervals"}, default "simultaneous"
        simultaneous: all orders that the ranks claim hold together with probability ``confidence``, for one look.
        anytime: and for all looks at a board that is refreshed while votes arrive. intervals: what the
        single intervals allow, which claims too much.
    cluster : str or None, default "voter"
        Column of those whose votes may depend on each other. Fewer than six voters widen the intervals to what
        Student's t distribution allows (`few_clusters_factor`). Votes count as independent with None, without a
        voter column, or when a single voter cast all: the board then tells of that voter only.
    confidence : float, default 0.95
        Coverage of each single interval, and of all claims of the ranks together. At most 0.9999 with simultaneous
        ranks or bootstrap intervals, which are simulated.
    anchor : (model, rating), optional
        The model that shall have this rating; without, the mean of the rated models is 1000. The intervals are
        those against that mean, whatever the anchor: it shifts the scale and changes no width.
    planned_voters : float, default 1000
        With anytime ranks: voters of one model, as many as if all had voted equally often, at which the claims
        shall be sharpest (`effective_voters`); votes where voters are unknown. Chosen before the data.

    Returns
    -------
    Leaderboard

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention; the row is named.
    InvalidOptionError
        If an option is unknown or out of its range, or the anchor has no rating.
    NoFiniteMaximumError
        If the model of ties has no finite maximum: no ties at all, for example.
    NotConvergedError
        If the votes are too lopsided for double precision.

    Notes
    -----
    No model is surer beside its opponents than independent votes would make it (`never_narrower`): one whose votes
    all came from one voter would otherwise look certain. Where the votes show no variance at all (a single tie) the
    interval is null and the ranks are all that the other models leave. Ratings are rounded to 6 decimals.
    Everything is computed with models, votes and voters in an order that names have no part in, so other names
    change no byte; those of `EncodedVotes` of a large table, which are in order already, change rounding.

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
    if isinstance(style, str) or not isinstance(style, Iterable):
        example = style if isinstance(style, str) else "tokens"
        raise InvalidOptionError(f"style is {style!r}: it is a list of features, such as [{example!r}].")
    model = Model(ties=ties, intervals=intervals, style=tuple(style), side_bias=side_bias)
    _check(model, ranks, confidence)
    comparisons = _counted(battles, cluster)
    rated = comparisons.restrict(_rateable(comparisons))
    clustered = _clustering(rated) if cluster else None
    if clustered is None:
        rated = replace(rated, clusters=None)
    elif rated.clusters is not None and few_clusters_factor(rated.clusters.size) > 1:
        # Resampling so few shows far too little spread.
        model = replace(model, intervals="sandwich")
    found = None
    if rated.models:
        rated = rated.canonical
        found = estimate(model, battles, rated, cluster=clustered, confidence=confidence)
    limits = _limits(found, rated, ranks, confidence, planned_voters) if found else None
    return Leaderboard(
        table=_table(comparisons, found, limits, _shift(found, anchor)),
        unrated=unrated_reasons(comparisons, rated.models),
        method=_method(model, ranks, clustered, confidence, anchor, planned_voters),
        votes=comparisons.votes,
        fit=found.fit if found else None,
        covariance=found.covariance if found else None,
        strictly_better=limits.strictly_better if limits else None,
        coefficients=found.coefficients if found else None,
    )


def _check(model: Model, ranks: str, confidence: float) -> None:
    if ranks not in get_args(Ranks):
        raise InvalidOptionError(f"ranks is {ranks!r}: it is one of {', '.join(get_args(Ranks))}.")
    check_confidence(confidence, least=0.5)
    if ranks == "simultaneous":
        check_simulated(confidence, "simultaneous ranks", "ask for other ranks")
    if model.intervals == "bootstrap":
        check_simulated(confidence, "bootstrap intervals", "take sandwich intervals")


def _counted(battles: Battles | EncodedVotes | Parts | Comparisons, cluster: str | None) -> Comparisons:
    if isinstance(battles, EncodedVotes):
        if cluster not in (None, VOTER):
            raise InvalidOptionError(f"Encoded votes do not keep {cluster!r} apart: pass a table of battles.")
        return battles.comparisons if cluster else Comparisons.from_encoded(battles.battles)
    if isinstance(battles, Comparisons):
        kept = battles.clusters.column if battles.clusters else None
        if cluster not in (None, kept) and (kept or cluster != "voter"):
            raise InvalidOptionError(
                f"These comparisons keep {kept!r} apart, not {cluster!r}: build them with that."
            )
        return battles
    if isinstance(battles, Parts):
        absent = cluster == "voter" and not battles.have_column("voter")
        return battles.count(cluster=None if absent else cluster)
    return Comparisons.from_battles(battles, cluster=cluster_column(battles, cluster))


def _rateable(comparisons: Comparisons) -> Sequence[ModelId]:
    groups = comparisons.strongly_connected()
    return groups[0] if groups and len(groups[0]) > 1 else ()


def _clustering(comparisons: Comparisons) -> str | None:
    clusters = comparisons.clusters
    return clusters.column if clusters is not None and clusters.size > 1 else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Limits:
    """Bounds of the ratings, NaN where the votes show no variance, and of the ranks."""

    lower: FloatArray
    upper: FloatArray
    rank_lower: IntArray
    rank_upper: IntArray
    strictly_better: BoolArray | None


def _limits(
    found: Estimate, rated: Comparisons, ranks: Ranks, confidence: float, planned_voters: float
) -> _Limits:
    bounds = found.bounds or rating_intervals(found.fit, found.covariance, confidence=confidence)
    lower, upper = (bound.round(_DECIMALS) for bound in bounds)
    seen = lower < upper
    sets = None
    if ranks == "intervals":
        best, worst = ranks_from_intervals(np.where(seen, lower, -np.inf), np.where(seen, upper, np.inf))
    elif ranks == "simultaneous":
        sets = rank_sets(found.fit, found.covariance, alpha=1 - confidence)
    else:
        voters = _by_name(rated, effective_voters(rated), found.fit.models)
        sets = anytime_rank_sets(
            found.fit, found.covariance, voters, planned_votes=planned_voters, alpha=1 - confidence
        )
    if sets is not None:
        best, worst = sets.rank_lower, sets.rank_upper
    return _Limits(
        lower=np.where(seen, lower, np.nan),
        upper=np.where(seen, upper, np.nan),
        rank_lower=best,
        rank_upper=worst,
        strictly_better=sets.strictly_better if sets else None,
    )


def _by_name(rated: Comparisons, values: FloatArray, models: Sequence[ModelId]) -> FloatArray:
    place = {name: index for index, name in enumerate(rated.models)}
    return values[[place[name] for name in models]]


def _shift(found: Estimate | None, anchor: tuple[ModelId, float] | None) -> float:
    """Return how far the scale moves so that the anchor has its rating."""
    if anchor is None:
        return 0.0
    if not isinstance(anchor, tuple | list) or len(anchor) != 2:
        raise InvalidOptionError(f"anchor is {anchor!r}: it is a pair such as ('x', 1000.0).")
    name, rating = anchor
    if found is None or name not in found.fit.models:
        raise InvalidOptionError(f"The anchor {name!r} has no rating: take a model that is rated.")
    if not isinstance(rating, Real) or not abs(rating) <= _FARTHEST_ANCHOR:
        raise InvalidOptionError(
            f"The anchor's rating is {rating!r}: it is a number of points within 1e6 of 0."
        )
    return float(rating - rating_from_strength(found.fit.strengths)[found.fit.models.index(name)])


def _table(
    comparisons: Comparisons, found: Estimate | None, limits: _Limits | None, shift: float
) -> pd.DataFrame:
    """Arrange the models of ``comparisons``, best first, unrated last."""
    size = len(comparisons.models)
    rating, lower, upper = np.full((3, size), np.nan)
    rank_lower, rank_upper = np.zeros((2, size), dtype=np.int64)
    if found and limits:
        place = {name: index for index, name in enumerate(comparisons.models)}
        at = [place[name] for name in found.fit.models]
        rating[at] = (rating_from_strength(found.fit.strengths) + shift).round(_DECIMALS)
        lower[at], upper[at] = (
            (limits.lower + shift).round(_DECIMALS),
            (limits.upper + shift).round(_DECIMALS),
        )
        rank_lower[at], rank_upper[at] = limits.rank_lower, limits.rank_upper
    # Names stand sorted, and a stable sort leaves equal ratings so.
    order = np.argsort(-rating, kind="stable")
    names = pd.Series([comparisons.models[index] for index in order])
    unranked = rank_lower[order] == 0
    return pd.DataFrame(
        {
            "model": names if len(names) else names.astype("str"),
            "rating": rating[order],
            "lower": lower[order],
            "upper": upper[order],
            "rank_lower": _nullable(rank_lower[order], unranked),
            "rank_upper": _nullable(rank_upper[order], unranked),
            "battles": comparisons.votes_by_model()[order],
            "win_rate": comparisons.win_rates()[order],
        }
    )


def _nullable(ranks: IntArray, unranked: BoolArray) -> pd.api.extensions.ExtensionArray:
    return pd.arrays.IntegerArray(ranks, unranked)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as plain values, with None for what is missing."""
    columns = [
        [None if value is pd.NA or value != value else value for value in table[name].tolist()]
        for name in table.columns
    ]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(name: ModelId) -> ModelId:
    return name if isinstance(name, str | int) else str(name)


def _method(
    model: Model,
    ranks: Ranks,
    cluster: str | None,
    confidence: float,
    anchor: tuple[ModelId, float] | None,
    planned_voters: float,
) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "ties": model.ties,
        "style": list(model.style),
        "side_bias": model.side_bias,
        "intervals": model.intervals,
        "ranks": ranks,
        "cluster": cluster,
        "confidence": confidence,
        "anchor": [_plain(anchor[0]), float(anchor[1])] if anchor else None,
        "centre": RATING_CENTRE,
        "points_per_strength": RATING_PER_STRENGTH,
    }
    if model.intervals == "bootstrap":
        parameters |= {"rounds": bootstrap_rounds(confidence), "seed": BOOTSTRAP_SEED}
    if ranks == "anytime":
        parameters["planned_voters"] = planned_voters
    return {"name": "bradley-terry", "version": METHOD_VERSION, "parameters": parameters}
