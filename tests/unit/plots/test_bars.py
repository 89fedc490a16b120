"""Bars begin at zero, end at their shares, and show what differs from the reference."""

import pytest

from arena.web.plots.bars import Bar, BarsPlot, draw_bars
from tests.unit.plots.drawn import COMPACT, WIDE, number, of_class, picture, points, rows

BARS = [
    Bar(name="Code", share=0.6, lower=0.55, upper=0.65, votes=1200),
    Bar(name="Math", share=0.48, lower=0.3, upper=0.66, votes=31),
    Bar(name="Poetry", share=1.0, votes=1),
]
PLOT = BarsPlot(id="bars", title="Win rates", bars=BARS)


@pytest.mark.parametrize("which", [WIDE, COMPACT])
def test_bars_and_whiskers_end_at_their_shares(which: int) -> None:
    drawn = rows(picture(draw_bars(PLOT), which))
    whole = of_class(drawn["Poetry"], "plot-bar")[0]
    start, width = number(whole, "x"), number(whole, "width")
    for bar in BARS[:2]:
        rect = of_class(drawn[bar.name], "plot-bar")[0]
        assert (number(rect, "x"), number(rect, "width")) == pytest.approx(
            (start, bar.share * width), abs=0.02
        )
        line = of_class(drawn[bar.name], "plot-whisker")[0]
        ends = [start + end * width for end in (bar.lower, bar.upper)]
        assert [number(line, "x1"), number(line, "x2")] == pytest.approx(ends, abs=0.02)


def test_the_reference_stands_in_the_middle_and_spares_the_names() -> None:
    wide, compact = (picture(draw_bars(PLOT), which) for which in (WIDE, COMPACT))
    whole = of_class(rows(wide)["Poetry"], "plot-bar")[0]
    reference = of_class(wide, "plot-reference")[0]
    assert number(reference, "x1") == pytest.approx(number(whole, "x") + number(whole, "width") / 2, abs=0.02)
    pieces = points(of_class(compact, "plot-reference")[0].get("d", ""))
    names = [number(it, "y") for it in of_class(compact, "plot-name")]
    assert len(pieces) == len(names) == 3
    assert all(top > baseline for ((_, top), _), baseline in zip(pieces, names, strict=True))


def test_only_a_bar_whose_interval_leaves_the_reference_out_has_full_colour() -> None:
    drawn = rows(picture(draw_bars(PLOT)))
    assert {name: bool(of_class(row, "plot-undecided")) for name, row in drawn.items()} == {
        "Code": False,
        "Math": True,
        "Poetry": True,
    }


def test_the_table_holds_the_same_numbers() -> None:
    assert draw_bars(PLOT).table.rows == (
        ("Code", "60.0%", "55.0% to 65.0%", "1,200"),
        ("Math", "48.0%", "30.0% to 66.0%", "31"),
        ("Poetry", "100.0%", "–", "1"),
    )


def test_the_description_sums_up() -> None:
    assert picture(draw_bars(PLOT)).findtext("desc") == (
        "Win rate from 48% (Math) to 100% (Poetry). 1 of 3 intervals leave 50% out."
    )


def test_intervals_are_cut_at_the_ends_of_the_scale() -> None:
    bars = [Bar(name="Code", share=1.0, lower=0.9, upper=1.04, votes=9)]
    drawn = picture(draw_bars(BarsPlot(id="bars", title="Win rates", bars=bars)))
    bar = of_class(drawn, "plot-bar")[0]
    line = of_class(drawn, "plot-whisker")[0]
    assert number(line, "x2") == pytest.approx(number(bar, "x") + number(bar, "width"), abs=0.02)


@pytest.mark.parametrize("share", [-0.1, 1.1, 55.0, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="the share of Code is .*; a share lies from 0 to 1"):
        draw_bars(BarsPlot(id="bars", title="Win rates", bars=[Bar(name="Code", share=share, votes=9)]))
