"""Ratings of several models over the dated snapshots, a few in colour before the rest of the field."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from arena.web.plots.figure import SERIES, Column, Figure, Key, Plot, Table, draw_figure
from arena.web.plots.scales import format_day, format_number
from arena.web.plots.timelines import Line, Point, Timeline, draw_timeline

TABLE_DAYS: Final = 60


@dataclass(frozen=True, kw_only=True)
class ModelHistory:
    """A model's ratings; at most eight models of a plot can be highlighted."""

    model: str
    points: Sequence[Point]
    highlighted: bool = False


@dataclass(frozen=True, kw_only=True)
class HistoryPlot(Plot):
    """What `draw_history` draws: `days` are all that have a snapshot, so that a line can break where it has none."""

    days: Sequence[date]
    models: Sequence[ModelHistory]
    confidence: float = 0.95


def draw_history(plot: HistoryPlot) -> Figure:
    """Draw ratings over time; raises ValueError for more than eight highlighted models."""
    highlighted = [model for model in plot.models if model.highlighted]
    if len(highlighted) > SERIES:
        raise ValueError(
            f"{len(highlighted)} models are highlighted; readers tell at most {SERIES} colours apart"
        )
    colours = {model.model: f"plot-series-{index}" for index, model in enumerate(highlighted, start=1)}
    lines = [Line(name=it.model, points=it.points, class_=colours.get(it.model)) for it in plot.models]
    timeline = Timeline(days=plot.days, lines=lines)
    return draw_figure(
        plot,
        draw=lambda parent, layout: draw_timeline(parent, layout, timeline),
        description=_describe(plot, highlighted),
        table=_table(plot, highlighted),
        legend=_legend(plot, highlighted),
        empty=not any(line.points for line in lines),
        nothing="There is no dated snapshot with ratings yet.",
    )


def _legend(plot: HistoryPlot, highlighted: list[ModelHistory]) -> tuple[Key, ...]:
    keys = []
    if any(point.lower is not None for model in highlighted for point in model.points):
        keys += [Key(text=f"Band: {100 * plot.confidence:.0f}% interval", class_="plot-band plot-series-1")]
    if len(highlighted) < len(plot.models):
        keys += [Key(text="Other models", class_="plot-background", shape="line")]
    return tuple(keys)


def _describe(plot: HistoryPlot, highlighted: list[ModelHistory]) -> str:
    if not plot.days:
        return ""
    told = [
        f"Ratings of {len(plot.models)} models from {format_day(min(plot.days))} to {format_day(max(plot.days))}."
    ]
    for model in highlighted:
        if points := sorted(model.points, key=lambda point: point.day):
            told += [
                f"{model.model}: from {format_number(points[0].value)} to {format_number(points[-1].value)}."
            ]
    return " ".join(told)


def _table(plot: HistoryPlot, highlighted: list[ModelHistory]) -> Table:
    """The highlighted models on the newest day and evenly back from it."""
    days = sorted(set(plot.days), reverse=True)
    step = max(1, -(-len(days) // TABLE_DAYS))
    values = [{point.day: point for point in model.points} for model in highlighted]
    return Table(
        columns=(Column(label="Day", number=False), *(Column(label=model.model) for model in highlighted)),
        rows=tuple((format_day(day), *(_cell(points.get(day)) for points in values)) for day in days[::step]),
        note=_note(plot, highlighted, step),
    )


def _note(plot: HistoryPlot, highlighted: list[ModelHistory], step: int) -> str:
    told = []
    if step > 1:
        told += [f"One of every {step} days with a snapshot, from the newest back."]
    if len(highlighted) < len(plot.models):
        told += ["The models in colour; the feed has the others."]
    return " ".join(told)


def _cell(point: Point | None) -> str:
    if point is None:
        return "–"
    if point.lower is None or point.upper is None:
        return format_number(point.value)
    return f"{format_number(point.value)} ({format_number(point.lower)} to {format_number(point.upper)})"
