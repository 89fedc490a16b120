"""How the field closes up: gaps between places of the board and the width of intervals over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from arena.web.plots.figure import SERIES, Column, Figure, Plot, Table, draw_figure
from arena.web.plots.scales import format_day, format_number
from arena.web.plots.timelines import Line, Point, Timeline, draw_timeline

TABLE_DAYS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One measure of the field in rating points, such as the gap between the first and the tenth."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, kw_only=True)
class ConvergencePlot(Plot):
    """What `draw_convergence` draws: at most eight measures in the same unit."""

    spreads: Sequence[Spread]


def draw_convergence(plot: ConvergencePlot) -> Figure:
    """Draw measures of the field from zero upwards; raises ValueError for more than eight."""
    if len(plot.spreads) > SERIES:
        raise ValueError(
            f"{len(plot.spreads)} measures are too many; readers tell at most {SERIES} colours apart"
        )
    days = sorted({point.day for spread in plot.spreads for point in spread.points})
    lines = [
        Line(name=spread.name, points=spread.points, class_=f"plot-series-{index}")
        for index, spread in enumerate(plot.spreads, start=1)
    ]
    timeline = Timeline(days=days, lines=lines, from_zero=True)
    values = [{point.day: point.value for point in spread.points} for spread in plot.spreads]
    step = max(1, -(-len(days) // TABLE_DAYS))
    return draw_figure(
        plot,
        draw=lambda parent, layout: draw_timeline(parent, layout, timeline),
        description=" ".join(_describe(spread) for spread in plot.spreads),
        table=Table(
            columns=(
                Column(label="Day", number=False),
                *(Column(label=spread.name) for spread in plot.spreads),
            ),
            rows=tuple((format_day(day), *(_cell(it.get(day)) for it in values)) for day in days[::-step]),
            note=f"One of every {step} days, from the newest back." if step > 1 else "",
        ),
        empty=not days,
        nothing="There is no day yet on which two models had a rating that is more than preliminary.",
    )


def _describe(spread: Spread) -> str:
    points = sorted(spread.points, key=lambda point: point.day)
    if not points:
        return f"{spread.name}: no values."
    first, last = points[0], points[-1]
    return (
        f"{spread.name}: {_cell(first.value)} points on {format_day(first.day)}, "
        f"{_cell(last.value)} on {format_day(last.day)}."
    )


def _cell(value: float | None) -> str:
    return "–" if value is None else format_number(value, 1)
