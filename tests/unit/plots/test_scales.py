"""Ticks are round, few, and inside; numbers and dates read as prose writes them."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arena.web.plots.scales import (
    TICK_DISTANCE,
    DateScale,
    LinearScale,
    decimals_of,
    format_day,
    format_number,
    format_percent,
    round_domain,
    round_step,
    round_ticks,
)

VALUES = st.floats(-1e5, 1e5)
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


def test_a_linear_scale_maps_ends_and_middle() -> None:
    scale = LinearScale(low=800, high=1200, start=100, end=500)
    assert [scale(value) for value in (800, 1000, 1200)] == [100, 300, 500]


def test_a_scale_of_one_value_maps_to_the_middle() -> None:
    assert LinearScale(low=5, high=5, start=0, end=80)(5) == 40


@pytest.mark.parametrize(
    ("span", "most", "step"),
    [(400, 5, 100), (450, 4, 200), (1, 5, 0.2), (0.07, 7, 0.01), (30, 3, 10), (3000, 3, 1000)],
)
def test_steps_are_the_next_round_number(span: float, most: int, step: float) -> None:
    assert round_step(span, most) == pytest.approx(step)


@pytest.mark.parametrize(("span", "most"), [(0, 5), (-1, 5), (float("nan"), 5), (float("inf"), 5), (1, 0)])
def test_a_step_needs_a_span_and_room(span: float, most: int) -> None:
    with pytest.raises(ValueError, match="ticks need a positive finite span"):
        round_step(span, most)


@given(low=VALUES, span=st.floats(1e-2, 1e6), most=st.integers(2, 12))
def test_ticks_are_inside_and_few_and_round(low: float, span: float, most: int) -> None:
    step = round_step(span, most)
    ticks = round_ticks(low, low + span, step)
    assert len(ticks) <= most + 1
    assert all(low - step * 1e-6 <= tick <= low + span + step * 1e-6 for tick in ticks)
    assert f"{step:.0e}"[0] in "125"
    assert all(abs(tick / step - round(tick / step)) < 1e-5 for tick in ticks)


@given(low=VALUES, span=st.floats(1e-2, 1e6), most=st.integers(2, 12))
def test_a_round_domain_holds_the_range_and_ends_on_ticks(low: float, span: float, most: int) -> None:
    start, end, step = round_domain(low, low + span, most)
    assert start <= low + step * 1e-6
    assert end >= low + span - step * 1e-6
    ticks = round_ticks(start, end, step)
    assert (ticks[0], ticks[-1]) == pytest.approx((start, end))


def test_counts_get_no_ticks_between_whole_numbers() -> None:
    assert round_domain(0, 2, 8, smallest=1.0) == (0, 2, 1)


@pytest.mark.parametrize(("step", "decimals"), [(1000, 0), (1, 0), (0.5, 1), (0.2, 1), (0.01, 2), (20, 0)])
def test_labels_have_the_decimals_of_their_step(step: float, decimals: int) -> None:
    assert decimals_of(step) == decimals


@pytest.mark.parametrize(
    ("value", "decimals", "grouped", "written"),
    [
        (1287.4, 0, False, "1287"),
        (-12.34, 1, False, "−12.3"),
        (-0.04, 1, False, "0.0"),
        (-0.0, 0, False, "0"),
        (1234567, 0, True, "1,234,567"),
        (-1234, 0, True, "−1,234"),
    ],
)
def test_numbers_are_written_as_in_prose(value: float, decimals: int, grouped: bool, written: str) -> None:
    assert format_number(value, decimals, grouped=grouped) == written


def test_shares_and_days_are_written_as_in_prose() -> None:
    assert (format_percent(0.5432, 1), format_percent(1.0)) == ("54.3%", "100%")
    assert format_day(date(2024, 8, 4)) == "4\xa0Aug\xa02024"


def tick_labels(first: date, last: date, length: float) -> list[str]:
    scale = DateScale(first=first, last=last, start=0, end=length)
    return [f"{tick.label} {tick.year or ''}".strip() for tick in scale.ticks(lambda label: 7.0 * len(label))]


def test_days_months_and_years_get_their_own_labels() -> None:
    assert tick_labels(date(2024, 12, 28), date(2025, 1, 3), 400) == [
        "28 Dec 2024", "29 Dec", "30 Dec", "31 Dec", "1 Jan 2025", "2 Jan", "3 Jan"
    ]  # fmt: skip
    assert tick_labels(date(2024, 9, 4), date(2024, 10, 10), 400) == [
        "9 Sep 2024", "16 Sep", "23 Sep", "30 Sep", "7 Oct"
    ]  # fmt: skip
    assert tick_labels(date(2024, 9, 4), date(2025, 4, 20), 300) == [
        "Oct 2024", "Nov", "Dec", "Jan 2025", "Feb", "Mar", "Apr"
    ]  # fmt: skip
    assert tick_labels(date(2016, 3, 1), date(2025, 4, 20), 220) == [
        "2018 2018",
        "2020 2020",
        "2022 2022",
        "2024 2024",
    ]


def test_one_day_has_one_tick_in_the_middle() -> None:
    scale = DateScale(first=date(2024, 9, 4), last=date(2024, 9, 4), start=0, end=100)
    assert scale(date(2024, 9, 4)) == 50
    assert [(tick.label, tick.year) for tick in scale.ticks(len)] == [("4 Sep", "2024")]


@given(first=DAYS, length=st.integers(0, 20_000), pixels=st.floats(20, 2000))
def test_labels_of_dates_never_touch(first: date, length: int, pixels: float) -> None:
    last = first + timedelta(days=length)
    assume(last.year < 2100)
    scale = DateScale(first=first, last=last, start=0, end=pixels)
    ticks = scale.ticks(lambda label: 7.0 * len(label))
    assert ticks
    assert all(first <= tick.day <= last for tick in ticks)
    ends = [
        (scale(tick.day) - 3.5 * len(tick.label), scale(tick.day) + 3.5 * len(tick.label)) for tick in ticks
    ]
    assert all(start - end >= TICK_DISTANCE - 1e-9 for (_, end), (start, _) in pairwise(ends))
