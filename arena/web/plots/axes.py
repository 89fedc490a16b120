"""Axes: hairlines at round values, labels in small grey letters, dates along the foot."""

from collections.abc import Callable, Sequence

from arena.web.plots.figure import Layout
from arena.web.plots.labels import text_width
from arena.web.plots.scales import DateScale, LinearScale
from arena.web.plots.svg import Element

DATE_AXIS_HEIGHT = 40.0
TICK = 4.0


def centered(y: float, size: float) -> float:
    """The baseline of text whose small letters and digits have their middle at a height."""
    return y + 0.35 * size


def write_tick(
    parent: Element, layout: Layout, x: float, baseline: float, text: str, class_: str = ""
) -> None:
    """A small label in the middle under or over a tick, shifted where it would leave the picture."""
    half = text_width(text, layout.small) / 2
    x = min(max(x, half), layout.width - half)
    parent.write(x, baseline, text, class_=f"plot-tick plot-middle{class_}")


def draw_value_rows(
    parent: Element,
    scale: LinearScale,
    ticks: Sequence[float],
    layout: Layout,
    *,
    left: float,
    right: float,
    write: Callable[[float], str],
) -> None:
    """Horizontal hairlines from left to right, with the values before them."""
    for tick in ticks:
        y = scale(tick)
        parent.line(left, y, right, y, "plot-grid")
        parent.write(left - 8, centered(y, layout.small), write(tick), class_="plot-tick plot-end")


def draw_dates(parent: Element, scale: DateScale, layout: Layout, *, y: float) -> None:
    """A line along the foot with round dates under it, and the year where it changes."""
    parent.line(scale.start, y, scale.end, y, "plot-axis")
    for tick in scale.ticks(lambda label: text_width(label, layout.small)):
        x = scale(tick.day)
        parent.line(x, y, x, y + TICK, "plot-axis")
        write_tick(parent, layout, x, y + TICK + 13, tick.label)
        if tick.year and tick.year != tick.label:
            write_tick(parent, layout, x, y + TICK + 28, tick.year, " plot-year")
