"""Upright bars by week and by day are as high as their votes."""

from datetime import date, timedelta

import pytest

from arena.web.plots.stacked_days import OTHERS, VoteDay, VoteDaysPlot, draw_stacked_days
from arena.web.plots.win_loss_by_week import Week, WinLossPlot, draw_win_loss_by_week
from tests.unit.plots.drawn import COMPACT, WIDE, number, of_class, picture, rows

MONDAY = date(2024, 9, 2)
WEEKS = [
    Week(start=MONDAY + timedelta(weeks=3), wins=10, losses=40, ties=0),
    Week(start=MONDAY, wins=100, losses=60, ties=20),
]
DAYS = [
    VoteDay(day=MONDAY, counted=1000, not_counted={"Too fast": 30, "Named": 10}),
    VoteDay(
        day=MONDAY + timedelta(days=2), counted=500, not_counted={"Too fast": 0, "Named": 80}, alarm=True
    ),
]


def span(group: object, *classes: str) -> tuple[float, float]:
    """Top and bottom of the one bar with these classes."""
    (bar,) = of_class(group, *classes)  # type: ignore[arg-type]
    return number(bar, "y"), number(bar, "y") + number(bar, "height")


@pytest.mark.parametrize("which", [WIDE, COMPACT])
def test_wins_stand_on_the_line_losses_hang_from_it(which: int) -> None:
    drawn = picture(draw_win_loss_by_week(WinLossPlot(id="weeks", title="Weeks", weeks=WEEKS)), which)
    zero = number(of_class(drawn, "plot-zero")[0], "y1")
    first, later = of_class(drawn, "plot-row")
    top, bottom = span(first, "plot-wins")
    pixels = (bottom - top) / 100
    assert bottom == pytest.approx(zero, abs=0.02)
    assert span(first, "plot-losses") == pytest.approx((zero, zero + 60 * pixels), abs=0.1)
    above, below = of_class(first, "plot-ties")
    assert number(above, "y") == pytest.approx(top - 10 * pixels, abs=0.1)
    assert number(below, "y") + number(below, "height") == pytest.approx(zero + 70 * pixels, abs=0.1)
    assert span(later, "plot-wins")[0] == pytest.approx(zero - 10 * pixels, abs=0.1)
    assert of_class(later, "plot-ties") == []


def test_weeks_without_votes_leave_room() -> None:
    drawn = picture(draw_win_loss_by_week(WinLossPlot(id="weeks", title="Weeks", weeks=WEEKS)))
    first, later = (number(it, "x") for it in of_class(drawn, "plot-wins"))
    width = number(of_class(drawn, "plot-hit")[0], "width")
    assert later - first == pytest.approx(3 * width, abs=0.02)


def test_the_table_of_weeks_is_newest_first() -> None:
    figure = draw_win_loss_by_week(WinLossPlot(id="weeks", title="Weeks", weeks=WEEKS))
    assert figure.table.rows == (
        ("23\xa0Sep\xa02024", "10", "40", "0", "50"),
        ("2\xa0Sep\xa02024", "100", "60", "20", "180"),
    )
    assert picture(figure).findtext("desc") == (
        "110 wins, 100 losses and 20 ties in the weeks from 2\xa0Sep\xa02024 to 23\xa0Sep\xa02024."
    )


@pytest.mark.parametrize("which", [WIDE, COMPACT])
def test_reasons_are_stacked_on_a_scale_of_their_own(which: int) -> None:
    drawn = rows(picture(draw_stacked_days(VoteDaysPlot(id="days", title="Days", days=DAYS)), which))
    first, later = drawn["2\xa0Sep\xa02024"], drawn["4\xa0Sep\xa02024"]
    top, bottom = span(first, "plot-counted")
    assert span(later, "plot-counted") == pytest.approx(((top + bottom) / 2, bottom), abs=0.1)
    named = span(first, "plot-series-1")
    pixels = (named[1] - named[0]) / 10
    assert span(first, "plot-series-2") == pytest.approx((named[0] - 30 * pixels, named[0]), abs=0.1)
    assert span(later, "plot-series-1") == pytest.approx((named[1] - 80 * pixels, named[1]), abs=0.1)
    assert of_class(later, "plot-series-2") == []


def test_alarms_are_marked_in_picture_table_and_legend() -> None:
    figure = draw_stacked_days(VoteDaysPlot(id="days", title="Days", days=DAYS))
    assert [len(of_class(row, "plot-alarm")) for row in rows(picture(figure)).values()] == [0, 1]
    assert [key.text for key in figure.legend] == [
        "Counted", "Named", "Too fast", "Alarm: the share not counted jumped"
    ]  # fmt: skip
    assert figure.table.rows == (
        ("4\xa0Sep\xa02024 (alarm)", "500", "80", "13.8%", "80", "0"),
        ("2\xa0Sep\xa02024", "1,000", "40", "3.8%", "10", "30"),
    )


def test_more_reasons_than_colours_share_the_last() -> None:
    reasons = {f"Reason {it}": 100 - it for it in range(12)}
    figure = draw_stacked_days(
        VoteDaysPlot(id="days", title="Days", days=[VoteDay(day=MONDAY, counted=50, not_counted=reasons)])
    )
    row = of_class(picture(figure), "plot-row")[0]
    heights = [number(of_class(row, f"plot-series-{it}")[0], "height") for it in range(1, 9)]
    assert heights[-1] / heights[0] == pytest.approx(sum(100 - it for it in range(7, 12)) / 100, rel=0.01)
    assert [key.text for key in figure.legend][-1] == OTHERS
    assert len(figure.table.columns) == 4 + 12


@pytest.mark.parametrize("days", [[], [VoteDay(day=MONDAY, counted=0)]])
def test_days_without_votes_say_so(days: list[VoteDay]) -> None:
    assert draw_stacked_days(VoteDaysPlot(id="days", title="Days", days=days)).pictures == ""
    assert draw_win_loss_by_week(WinLossPlot(id="weeks", title="Weeks", weeks=[])).pictures == ""
