"""Ratings by date: one board at the end of each day, week or month."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, IntArray, ModelId, begins, group_sums
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.columns import Battles, has_column, reject
from ratings.comparisons import OUTCOMES, ClusterCells, Comparisons
from ratings.confidence import check_confidence
from ratings.encoding import WINNERS
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.estimates import half_win_covariance
from ratings.intervals import rating_intervals
from ratings.placed_votes import PlacedVotes, place_votes_canonically
from ratings.scale import RATING_CENTRE, rating_from_strength

Every: TypeAlias = Literal["day", "week", "month"]

_PERIODS: dict[str, str] = {"day": "D", "week": "W-SUN", "month": "M"}
_DECIMALS = 6


def history(
    battles: Battles,
    *,
    date: str = "date",
    every: Every = "week",
    window: int | None = None,
    anchor: ModelId | None = None,
    cluster: str | None = "voter",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Rate the models at the end of each period that has votes.

    Each board is the one that `leaderboard` would give: Bradley-Terry, ties as half wins, on the largest group of
    models that wins and ties connect in both directions, with the wider of the clustered and the independent interval.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b, winner and optionally voter, count, weight; and the date.
    date : str, default "date"
        Column of dates or times: datetimes, or strings in ISO 8601. Times with a zone count in UTC.
    every : "day", "week" or "month", default "week"
        Length of a period; weeks end on Sunday.
    window : int, optional
        Count only the votes of this many last periods, the current one included. None: all votes so far.
    anchor : name of a model, optional
        A model whose rating is 1000 on every date; dates on which it cannot be rated are left out. None: the mean
        of the rated models is 1000, so that ratings sink when stronger models join.
    cluster : str or None, default "voter"
        As of `leaderboard`.
    confidence : float, default 0.95
        Coverage of each single interval.

    Returns
    -------
    DataFrame, one row a date and rated model
        date, the last day of the period (midnight, UTC); model; rating, lower, upper, in rating points; votes, the
        number of votes on the model that count on that date. In order of date, then best rating first. Bounds
        are null where the votes show no variance.

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention, or a date is missing or unreadable; the row is named.
    InvalidOptionError
        If an option is out of its range.
    NotConvergedError
        If the votes are too lopsided for double precision.

    Notes
    -----
    The rows are read once; each board then costs a fit on counts, from the strengths of the board before, however
    many votes they stand for, and with clusters one pass over the (voter, pair) cells. Intervals are of strengths
    against the mean of the rated models, also with an anchor.

    Examples
    --------
    >>> battles = pd.DataFrame(
    ...     {
    ...         "model_a": ["x", "x", "x"],
    ...         "model_b": ["y", "y", "y"],
    ...         "winner": ["model_a", "model_b", "model_a"],
    ...         "date": ["2026-11-02", "2026-11-03", "2026-11-10"],
    ...     }
    ... )
    >>> boards = history(battles)
    >>> boards.date.dt.strftime("%Y-%m-%d").tolist()
    ['2026-11-08', '2026-11-08', '2026-11-15', '2026-11-15']
    >>> boards.votes.tolist()
    [2, 2, 3, 3]
    """
    _check_options(every, window, confidence)
    column = None if cluster == "voter" and not has_column(battles, "voter") else cluster
    period, ends = _periods(battles, date, every)
    placed = place_votes_canonically(battles, cluster=column)
    if anchor is not None and anchor not in placed.comparisons.models:
        raise InvalidOptionError(f"anchor is {anchor!r}, which no vote names: check the name.")
    names = pd.Index(placed.comparisons.models, dtype=None if placed.comparisons.models else "str")
    boards = [_board_table(ends[:0], names[:0], *[np.empty(0)] * 4)]
    earlier = None
    for number, comparisons in _by_period(placed, period[placed.row], window):
        rated = _rateable(comparisons)
        if len(rated.models) > 1 and (anchor is None or anchor in rated.models):
            earlier = fit_bradley_terry(rated, start=_start(earlier, rated))
            bounds = _bounds(earlier, rated, confidence)
            boards.append(_board(comparisons, earlier, bounds, ends[[number]], anchor))
    return pd.concat(boards, ignore_index=True)


def _periods(battles: Battles, date: str, every: Every) -> tuple[IntArray, pd.DatetimeIndex]:
    """Number the period of each row, from 0, and return the last day of each period from first to last."""
    if not has_column(battles, date):
        raise InvalidComparisonsError(
            f"The table of battles lacks the column {date!r}: name the column of dates by date=."
        )
    dates = battles[date] if isinstance(battles, pd.DataFrame) else battles.column(date).to_pandas()
    if pd.api.types.is_numeric_dtype(dates):
        raise InvalidComparisonsError(
            f"The column {date!r} holds numbers: turn them into dates, such as by pandas.to_datetime(…, unit='s')."
        )
    times = pd.to_datetime(dates, utc=True, format="ISO8601", errors="coerce")
    missing = np.flatnonzero(times.isna())
    if len(missing):
        row = int(missing[0])
        reject(
            battles,
            row,
            f"{date} is {dates.tolist()[row]!r}",
            "A date is a datetime or a string in ISO 8601, such as '2026-11-24'.",
        )
    periods = pd.PeriodIndex(times.dt.tz_localize(None), freq=_PERIODS[every])
    numbers = np.asarray(periods.asi8, dtype=np.int64)
    if not len(numbers):
        return numbers, pd.DatetimeIndex([])
    span = pd.period_range(periods.min(), periods.max(), freq=_PERIODS[every])
    return numbers - numbers.min(), span.end_time.normalize()


def _by_period(
    placed: PlacedVotes, period: IntArray, window: int | None
) -> Iterator[tuple[int, Comparisons]]:
    """Yield each period that has votes, with the votes that count at its end."""
    # Where weights differ, rows are sorted in full, so that sums do not depend on the order of the table.
    keys = [placed.weight, placed.outcome, placed.pair, period]
    order = np.lexsort(keys if _is_weighted(placed) else [period])
    borders = np.searchsorted(period[order], np.arange(int(period.max(initial=-1)) + 2))
    cells = _cluster_cells(placed, period)
    sums = _Sums.zeros(placed.comparisons)
    for number in range(len(borders) - 1):
        rows = order[borders[number] : borders[number + 1]]
        if not len(rows):
            continue
        if window is None:
            first = 0
            sums = sums.plus(placed, rows)
        else:
            first = max(number - window + 1, 0)
            rows = order[borders[first] : borders[number + 1]]
            sums = _Sums.zeros(placed.comparisons).plus(placed, rows)
        yield number, sums.comparisons(placed, cells.between(first, number) if cells else None)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sums:
    """Counts, weights and squared weights of each pair and winner, each of shape (n_pairs * 4,)."""

    counts: FloatArray
    weights: FloatArray
    squared_weights: FloatArray

    @staticmethod
    def zeros(comparisons: Comparisons) -> "_Sums":
        nothing = np.zeros(comparisons.counts.size)
        return _Sums(counts=nothing, weights=nothing, squared_weights=nothing)

    def plus(self, placed: PlacedVotes, rows: IntArray) -> "_Sums":
        cell = placed.pair[rows] * len(WINNERS) + placed.outcome[rows]
        count, weight = placed.count[rows], placed.weight[rows]
        size = len(self.counts)
        return _Sums(
            counts=self.counts + group_sums(cell, count, size),
            weights=self.weights + group_sums(cell, count * weight, size),
            squared_weights=self.squared_weights + group_sums(cell, count * weight**2, size),
        )

    def comparisons(self, placed: PlacedVotes, clusters: ClusterCells | None) -> Comparisons:
        shape = placed.comparisons.counts.shape
        return replace(
            placed.comparisons,
            counts=self.counts.astype(np.int64).reshape(shape),
            weights=self.weights.reshape(shape),
            squared_weights=self.squared_weights.reshape(shape),
            clusters=clusters,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _DatedCells:
    """Votes of each cluster on each pair in each period, sorted by cluster, pair and period."""

    cells: ClusterCells
    period: IntArray

    def between(self, first: int, last: int) -> ClusterCells:
        kept = (self.period >= first) & (self.period <= last)
        return replace(
            self.cells,
            cluster=self.cells.cluster[kept],
            pair=self.cells.pair[kept],
            weight=self.cells.weight[kept],
            score=self.cells.score[kept],
        )


def _cluster_cells(placed: PlacedVotes, period: IntArray) -> _DatedCells | None:
    if placed.cluster is None or placed.column is None:
        return None
    pairs, periods = len(placed.comparisons.first), int(period.max(initial=-1)) + 1
    key = (placed.cluster * pairs + placed.pair) * periods + period
    order = np.lexsort([placed.weight, placed.outcome, key] if _is_weighted(placed) else [key])
    new = begins(key[order])
    cell = np.cumsum(new) - 1
    weight = (placed.count * placed.weight)[order]
    cluster, pair, dated = (each[order][new] for each in (placed.cluster, placed.pair, period))
    cells = ClusterCells(
        column=placed.column,
        identities=placed.identities,
        cluster=cluster,
        pair=pair,
        weight=group_sums(cell, weight, len(cluster)),
        score=group_sums(cell, weight * OUTCOMES[placed.outcome[order]], len(cluster)),
    )
    return _DatedCells(cells=cells, period=dated)


def _is_weighted(placed: PlacedVotes) -> bool:
    return bool((placed.weight != placed.weight[:1]).any())


def _rateable(comparisons: Comparisons) -> Comparisons:
    return comparisons.restrict(comparisons.strongly_connected()[0])


def _start(earlier: BradleyTerryFit | None, rated: Comparisons) -> FloatArray | None:
    """Take strengths from the board before, and the mean for models that it lacks."""
    if earlier is None:
        return None
    known = pd.Series(earlier.strengths, index=pd.Index(earlier.models))
    return np.array(known.reindex(pd.Index(rated.models), fill_value=0.0), dtype=np.float64)


def _board(
    comparisons: Comparisons,
    fit: BradleyTerryFit,
    bounds: tuple[FloatArray, FloatArray],
    end: pd.DatetimeIndex,
    anchor: ModelId | None,
) -> pd.DataFrame:
    rating = rating_from_strength(fit.strengths)
    shift = RATING_CENTRE - rating[fit.models.index(anchor)] if anchor is not None else 0.0
    lower, upper = (bound + shift for bound in bounds)
    models = pd.Index(fit.models)
    votes = comparisons.votes_by_model()[pd.Index(comparisons.models).get_indexer(models)]
    table = _board_table(end.repeat(len(models)), models, rating + shift, lower, upper, votes)
    return table.sort_values(["rating", "model"], ascending=[False, True], kind="stable")


def _bounds(fit: BradleyTerryFit, rated: Comparisons, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return the interval that `leaderboard` gives, NaN where the votes show no variance."""
    clusters = rated.clusters
    cluster = clusters.column if clusters is not None and clusters.size > 1 else None
    covariance = half_win_covariance(fit, rated, cluster=cluster)
    lower, upper = rating_intervals(fit, covariance, confidence=confidence)
    unseen = np.where(lower.round(_DECIMALS) == upper.round(_DECIMALS), np.nan, 0.0)
    return lower + unseen, upper + unseen


def _board_table(
    dates: pd.DatetimeIndex,
    models: pd.Index,
    rating: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    votes: FloatArray | IntArray,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": dates,
            "model": models,
            "rating": rating.round(_DECIMALS),
            "lower": lower.round(_DECIMALS),
            "upper": upper.round(_DECIMALS),
            "votes": votes.astype(np.int64),
        }
    )


def _check_options(every: str, window: int | None, confidence: float) -> None:
    if every not in _PERIODS:
        raise InvalidOptionError(f"every is {every!r}: it is one of {', '.join(map(repr, _PERIODS))}.")
    if window is not None and (window != int(window) or window < 1):
        raise InvalidOptionError(f"window is {window!r}: it is a number of periods, 1 or more, or None.")
    check_confidence(confidence)
