from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.history import Every, history
from ratings.leaderboard import leaderboard
from tests.unit.ratings.tables import battles, mirrored, random_battles


def dated_battles(seed: int, *, rows: int = 400, days: int = 40) -> pd.DataFrame:
    table = random_battles(seed, rows=rows)
    start = pd.Timestamp("2026-01-01 10:30")
    hours = np.random.default_rng(seed).integers(24 * days, size=rows)
    return table.assign(date=start + pd.to_timedelta(hours, unit="h"))


def boards_one_by_one(table: pd.DataFrame, ends: list[pd.Timestamp], days: int | None = None) -> pd.DataFrame:
    """Compute each date's board by itself, from all of its rows."""
    boards = []
    for end in ends:
        counted = table.date.dt.normalize() <= end
        if days is not None:
            counted &= table.date.dt.normalize() > end - pd.Timedelta(days=days)
        board = leaderboard(table[counted]).table.dropna(subset="rating")
        boards.append(board.assign(date=end, votes=board.battles))
    columns = ["date", "model", "rating", "lower", "upper", "votes"]
    return pd.concat(boards, ignore_index=True)[columns]


@pytest.mark.parametrize(("every", "offset"), [("day", "D"), ("week", "W-SUN"), ("month", "ME")])
@pytest.mark.parametrize("weighted", [False, True])
def test_each_board_is_the_leaderboard_of_its_votes(every: Every, offset: str, weighted: bool) -> None:
    table = dated_battles(1)
    if weighted:
        table = table.assign(weight=np.resize([0.3, 1.0, 0.0, 2.0], 400), count=np.resize([1, 2, 0], 400))
    found = history(table, every=every)
    ends = pd.date_range("2026-01-01", found.date.max(), freq=offset, unit="s")
    ends = ends[ends.isin(found.date)]
    expected = boards_one_by_one(table, list(ends))
    assert len(found) > 8
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=2e-6, rtol=0)


def test_a_window_forgets_older_votes() -> None:
    table = dated_battles(2)
    found = history(table, window=2)
    expected = boards_one_by_one(table, list(found.date.unique()), days=14)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=2e-6, rtol=0)
    assert found.votes.sum() < history(table).votes.sum()


def test_only_the_largest_rateable_group_is_rated() -> None:
    rows = [
        ("x", "y", "model_a"),
        ("y", "x", "model_a"),
        ("p", "q", "tie"),
        ("q", "x", "tie"),
        ("top", "x", "model_a"),
    ]
    dates = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    found = history(battles(*rows, date=dates), every="day")
    days = {int(day): set(models) for day, models in found.model.groupby(found.date.dt.day)}
    # On the first day y has not won yet. On the third, two groups of two are equally large: the older has more votes.
    assert days == {2: {"x", "y"}, 3: {"x", "y"}, 4: {"p", "q", "x", "y"}, 5: {"p", "q", "x", "y"}}
    last = found[found.date == "2026-03-05"].set_index("model")
    assert last.votes.to_dict() == {"x": 4, "y": 2, "p": 1, "q": 2}


def test_days_without_votes_have_no_board() -> None:
    rows = [("x", "y", "model_a"), ("y", "x", "model_a"), ("x", "y", "model_a")]
    found = history(battles(*rows, date=["2026-03-01", "2026-03-01", "2026-03-09"]), every="day")
    assert found.date.dt.day.unique().tolist() == [1, 9]


def test_an_anchor_stays_at_1000() -> None:
    table = dated_battles(3)
    free, anchored = history(table), history(table, anchor="m3")
    assert (anchored[anchored.model == "m3"].rating == 1000).all()
    np.testing.assert_allclose(anchored.upper - anchored.lower, free.upper - free.lower, atol=3e-6)
    shift = (anchored.rating - free.rating).groupby(free.date)
    assert (shift.max() - shift.min() < 3e-6).all()
    late = battles(
        ("x", "y", "tie"),
        ("z", "x", "tie"),
        ("z", "y", "tie"),
        date=["2026-01-01", "2026-02-01", "2026-03-01"],
    )
    assert history(late, every="month", anchor="z").date.dt.month.unique().tolist() == [2, 3]


def test_order_of_rows_and_sides_do_not_matter() -> None:
    table = dated_battles(4).assign(weight=np.resize([0.1, 0.7, 1.3], 400))
    changed = mirrored(table.sample(frac=1, random_state=1))
    for window in (None, 3):
        pd.testing.assert_frame_equal(
            history(table, window=window), history(changed, window=window), rtol=1e-15
        )


def test_dates_may_be_strings_or_have_a_zone() -> None:
    table = dated_battles(5)
    expected = history(table)
    as_text = history(table.assign(date=table.date.dt.strftime("%Y-%m-%dT%H:%M:%SZ")))
    pd.testing.assert_frame_equal(as_text, expected)
    in_tokyo = table.assign(when=table.date.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")).drop(
        columns="date"
    )
    pd.testing.assert_frame_equal(history(in_tokyo, date="when"), expected)
    as_dates = history(table.assign(date=list(table.date.dt.date)))
    pd.testing.assert_frame_equal(as_dates, expected)


def test_arrow_tables_and_numbered_models() -> None:
    table = dated_battles(7)
    expected = history(table)
    pd.testing.assert_frame_equal(history(pa.Table.from_pandas(table)), expected)
    numbered = table.assign(**{side: table[side].str[1:].astype(int) for side in ("model_a", "model_b")})
    found = history(numbered, anchor=3)
    assert found.model.dtype == np.int64
    anchored = history(table, anchor="m3").assign(model=lambda board: board.model.str[1:].astype(int))
    pd.testing.assert_frame_equal(found, anchored)


def test_without_variance_bounds_are_null() -> None:
    found = history(battles(("x", "y", "tie"), date=["2026-01-01"]))
    assert found.rating.tolist() == [1000.0, 1000.0]
    assert found.lower.isna().all()
    assert found.upper.isna().all()


def test_no_votes_give_no_rows() -> None:
    found = history(battles(date=[]).astype("str"))
    assert found.columns.tolist() == ["date", "model", "rating", "lower", "upper", "votes"]
    assert len(found) == 0


@pytest.mark.parametrize(
    ("date", "message"),
    [
        (["2026-01-01", None], "Row 1 of the battles: date is"),
        (["2026-01-01", "soon"], "Row 1 of the battles: date is 'soon'"),
        ([1.7e9, 1.7e9], "'date' holds numbers"),
    ],
)
def test_bad_dates_are_named(date: list[Any], message: str) -> None:
    table = battles(("x", "y", "tie"), ("x", "y", "tie"), date=date)
    with pytest.raises(InvalidComparisonsError, match=message):
        history(table)


def test_bad_arguments_are_refused() -> None:
    table = dated_battles(6)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"every": "year"}, "every is 'year'"),
        ({"window": 0}, "window is 0"),
        ({"confidence": 95}, "confidence is 95"),
        ({"anchor": "nobody"}, "anchor is 'nobody'"),
    ]
    for options, message in refused:
        with pytest.raises(InvalidOptionError, match=message):
            history(table, **options)
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'day'"):
        history(table, date="day")
