"""Lines over time break where there is no snapshot, and their labels stand apart."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from arena.web.plots.convergence import ConvergencePlot, Spread, draw_convergence
from arena.web.plots.history import TABLE_DAYS, HistoryPlot, ModelHistory, draw_history
from arena.web.plots.timelines import Line, Point, Timeline
from tests.unit.plots.drawn import COMPACT, WIDE, number, of_class, picture, points
from tests.unit.plots.examples import history_plot

DAYS = [date(2024, 9, 1) + timedelta(days=it) for it in range(10)]


def rising(days: list[date], start: float = 1000) -> list[Point]:
    return [
        Point(day=day, value=start + place, lower=start + place - 5, upper=start + place + 5)
        for place, day in enumerate(days)
    ]


def plot(*models: ModelHistory, days: list[date] = DAYS) -> HistoryPlot:
    return HistoryPlot(id="history", title="History", days=days, models=models)


def pieces(line: list[Point], days: list[date]) -> list[list[date]]:
    timeline = Timeline(days=days, lines=[])
    return [[it.day for it in piece] for piece in timeline.pieces(Line(name="heron", points=line))]


def test_an_unbroken_line_is_one_piece() -> None:
    assert pieces(rising(DAYS), DAYS) == [DAYS]


def test_a_line_breaks_where_the_model_has_no_value() -> None:
    assert pieces(rising(DAYS[:4] + DAYS[5:]), DAYS) == [DAYS[:4], DAYS[5:]]


def test_all_lines_break_where_days_without_a_snapshot_are_many() -> None:
    """Three times the usual step is bridged, more is not; weekly snapshots are no gaps."""
    assert pieces(rising(DAYS[:4] + DAYS[6:]), DAYS[:4] + DAYS[6:]) == [DAYS[:4] + DAYS[6:]]
    assert pieces(rising(DAYS[:4] + DAYS[7:]), DAYS[:4] + DAYS[7:]) == [DAYS[:4], DAYS[7:]]
    weekly = [DAYS[0] + timedelta(weeks=it) for it in range(5)]
    assert pieces(rising(weekly), weekly) == [weekly]


def test_points_may_come_in_any_order() -> None:
    assert pieces(rising(DAYS)[::-1], DAYS) == [DAYS]


def test_a_day_that_is_not_of_the_plot_is_refused() -> None:
    with pytest.raises(ValueError, match="heron has a value on 2024-09-10, which is not among the days"):
        draw_history(plot(ModelHistory(model="heron", points=rising(DAYS)), days=DAYS[:-1]))


@pytest.mark.parametrize("which", [WIDE, COMPACT])
def test_lines_and_bands_pass_through_their_values(which: int) -> None:
    models = [ModelHistory(model="heron", points=rising(DAYS), highlighted=True)]
    drawn = picture(draw_history(plot(*models)), which)
    line = points(of_class(drawn, "plot-stroke")[0].get("d", ""))[0]
    band = points(of_class(drawn, "plot-band")[0].get("d", ""))[0]
    assert len(line) == 10
    step, pixels = line[1][0] - line[0][0], line[0][1] - line[1][1]
    assert step > 0
    assert pixels > 0
    for place, (x, y) in enumerate(line):
        assert (x, y) == pytest.approx((line[0][0] + place * step, line[0][1] - place * pixels), abs=0.1)
        assert band[place] == pytest.approx((x, y - 5 * pixels), abs=0.1)
        assert band[-1 - place] == pytest.approx((x, y + 5 * pixels), abs=0.1)


def test_broken_lines_are_drawn_in_pieces_and_single_days_as_dots() -> None:
    points_ = rising(DAYS[:4] + DAYS[5:6] + DAYS[7:])
    drawn = picture(draw_history(plot(ModelHistory(model="heron", points=points_, highlighted=True))))
    lines = points(of_class(drawn, "plot-stroke")[0].get("d", ""))
    assert [len(piece) for piece in lines] == [4, 3]
    assert len(of_class(of_class(drawn, "plot-line")[0], "plot-point")) == 1
    assert len(of_class(drawn, "plot-band")) == 2
    assert len(of_class(drawn, "plot-band-day")) == 1


def test_a_single_day_stands_beside_its_label() -> None:
    models = [ModelHistory(model="heron", points=rising(DAYS[:1]), highlighted=True)]
    drawn = picture(draw_history(plot(*models, days=DAYS[:1])))
    (interval,) = of_class(drawn, "plot-band-day")
    axis, dot = of_class(drawn, "plot-axis")[0], of_class(drawn, "plot-point")[-1]
    assert number(interval, "x1") == number(axis, "x2") == number(dot, "cx")
    assert number(interval, "y1") < number(dot, "cy") < number(interval, "y2")
    assert of_class(drawn, "plot-ended") == []


@pytest.mark.parametrize("which", [WIDE, COMPACT])
def test_labels_of_lines_that_end_together_stand_apart(which: int) -> None:
    models = [
        ModelHistory(model=f"m{it}", points=rising(DAYS, 1000 + it), highlighted=True) for it in range(8)
    ]
    drawn = picture(draw_history(plot(*models)), which)
    labels = of_class(drawn, "plot-end-label")
    heights = sorted(number(it, "y") for it in labels)
    size = number(drawn, "font-size")
    assert len(labels) == 8
    assert all(later - earlier >= size for earlier, later in pairwise(heights))
    assert of_class(drawn, "plot-thread")


def test_only_highlighted_models_have_colour_band_and_label() -> None:
    models = [
        ModelHistory(model="heron", points=rising(DAYS), highlighted=True),
        ModelHistory(model="wren", points=rising(DAYS, 900)),
    ]
    figure = draw_history(plot(*models))
    drawn = picture(figure)
    assert ["".join(it.itertext()) for it in of_class(drawn, "plot-end-label")] == ["heron 1009"]
    assert len(of_class(drawn, "plot-background")) == 1
    assert len(of_class(drawn, "plot-band")) == 1
    assert [key.text for key in figure.legend] == ["Band: 95% interval", "Other models"]


def test_more_colours_than_readers_tell_apart_are_refused() -> None:
    models = [ModelHistory(model=f"m{it}", points=rising(DAYS), highlighted=True) for it in range(9)]
    with pytest.raises(ValueError, match="9 models are highlighted; readers tell at most 8 colours apart"):
        draw_history(plot(*models))


def test_the_table_of_a_history_is_newest_first_with_gaps() -> None:
    models = [ModelHistory(model="heron", points=rising(DAYS[:9]), highlighted=True)]
    rows = draw_history(plot(*models)).table.rows
    assert rows[:2] == (("10\xa0Sep\xa02024", "–"), ("9\xa0Sep\xa02024", "1008 (1003 to 1013)"))
    assert len(rows) == 10


def test_the_table_of_a_long_history_is_thinned_and_says_so() -> None:
    table = draw_history(history_plot(240)).table
    assert len(table.rows) <= TABLE_DAYS
    assert table.note.startswith("One of every 4 days with a snapshot, from the newest back.")


def test_a_line_in_the_background_keeps_its_end_when_thinned() -> None:
    days = [date(2020, 1, 1) + timedelta(days=it) for it in range(1500)]
    models = [ModelHistory(model="wren", points=rising(days))]
    drawn = picture(draw_history(plot(*models, days=days)))
    line = points(of_class(drawn, "plot-stroke")[0].get("d", ""))[0]
    axis = of_class(drawn, "plot-axis")[0]
    assert len(line) < 200
    assert (line[0][0], line[-1][0]) == (number(axis, "x1"), number(axis, "x2"))


def test_convergence_starts_at_zero() -> None:
    spreads = [
        Spread(name="First to second", points=[Point(day=day, value=20 - it) for it, day in enumerate(DAYS)]),
        Spread(name="Median interval", points=[Point(day=DAYS[3], value=12.34)]),
    ]
    figure = draw_convergence(ConvergencePlot(id="spread", title="Spread", spreads=spreads))
    drawn = picture(figure)
    assert "0" in [it.text for it in of_class(drawn, "plot-tick")]
    assert figure.table.rows[6] == ("4\xa0Sep\xa02024", "17.0", "12.3")
    assert drawn.findtext("desc") == (
        "First to second: 20.0 points on 1\xa0Sep\xa02024, 11.0 on 10\xa0Sep\xa02024. "
        "Median interval: 12.3 points on 4\xa0Sep\xa02024, 12.3 on 4\xa0Sep\xa02024."
    )


def test_nothing_to_draw_is_said() -> None:
    assert draw_history(plot(days=[])).pictures == ""
    spread = draw_convergence(ConvergencePlot(id="spread", title="Spread", spreads=[]))
    assert (spread.pictures, "more than preliminary" in spread.nothing) == ("", True)
