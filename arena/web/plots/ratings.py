"""The board as a picture: a dot for each rating, a whisker for its interval, the ranks beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from arena.web.plots.figure import Column, Figure, Key, Layout, Plot, Table, draw_figure
from arena.web.plots.rows import NumberColumn, Rows
from arena.web.plots.scales import LinearScale, format_number, format_percent
from arena.web.plots.svg import Element, path

DOT = 3.75
DIAMOND = 4.5
SHORTEST = 40.0  # rating points that the scale spans at least
DASH = "–"


@dataclass(frozen=True, kw_only=True)
class RatedModel:
    """A model's line on a board; without a rating it stands in the table alone."""

    model: str
    rating: float | None
    lower: float | None = None
    upper: float | None = None
    rank_lower: int | None = None
    rank_upper: int | None = None
    preliminary: bool = False
    controlled: float | None = None  # the rating with style control

    @property
    def ranks(self) -> str:
        """`1`, `2–4`, or a dash."""
        if self.rank_lower is None or self.rank_upper is None:
            return DASH
        return DASH.join(map(str, sorted({self.rank_lower, self.rank_upper})))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends, if the votes give them."""
        return None if self.lower is None or self.upper is None else (self.lower, self.upper)

    @property
    def change(self) -> int | None:
        """By how much style control moves the rating, from one whole number that the table shows to the other."""
        if self.controlled is None or self.rating is None:
            return None
        return round(self.controlled) - round(self.rating)


@dataclass(frozen=True, kw_only=True)
class RatingsPlot(Plot):
    """What `draw_ratings` draws: models in board order."""

    models: Sequence[RatedModel]
    confidence: float = 0.95


def draw_ratings(plot: RatingsPlot) -> Figure:
    """Draw the ratings of a board, with a second mark where there is a rating with style control."""
    rated = [model for model in plot.models if model.rating is not None]
    return draw_figure(
        plot,
        draw=lambda parent, layout: _draw(parent, layout, rated),
        description=_describe(rated, plot.confidence),
        table=_table(plot),
        legend=_legend(rated, plot.confidence),
        empty=not rated,
        nothing="No model is rated yet.",
    )


def _draw(parent: Element, layout: Layout, models: list[RatedModel]) -> float:
    rows = Rows(layout, [model.model for model in models], _columns(models))
    scale = _scale(rows, models)
    rows.draw_frame(parent, scale)
    for row, model in enumerate(models):
        _draw_mark(rows.draw_row(parent, row, _tooltip(model)), scale, rows.middle(row), model)
    return rows.height


def _columns(models: list[RatedModel]) -> list[NumberColumn]:
    return [
        NumberColumn(head="Rating", cells=[_whole(model.rating) for model in models]),
        NumberColumn(head="Rank", cells=[model.ranks for model in models], class_="plot-strong"),
    ]


def _scale(rows: Rows, models: list[RatedModel]) -> LinearScale:
    """From the lowest to the highest end; intervals of preliminary models may leave, so as not to squeeze the rest."""
    settled = [model for model in models if not model.preliminary] or models
    values = [it for model in models for it in (model.rating, model.controlled) if it is not None]
    values += [end for model in settled for end in model.interval or ()]
    low, high = min(values), max(values)
    room = max(0.02 * (high - low), (SHORTEST - (high - low)) / 2)
    return rows.scale(low - room, high + room)


def _draw_mark(group: Element, scale: LinearScale, y: float, model: RatedModel) -> None:
    if model.rating is None:
        return
    if model.interval:
        _draw_whisker(group, scale, y, model.interval)
    x = scale(model.rating)
    if model.controlled is not None:
        end = scale(model.controlled)
        group.line(x, y, end, y, "plot-change")
        corners = [(end - DIAMOND, y), (end, y - DIAMOND), (end + DIAMOND, y), (end, y + DIAMOND)]
        group.add("path", d=path(corners, closed=True), class_="plot-controlled")
    group.add("circle", cx=x, cy=y, r=DOT, class_="plot-dot plot-hollow" if model.preliminary else "plot-dot")


def _draw_whisker(group: Element, scale: LinearScale, y: float, interval: tuple[float, float]) -> None:
    """A line from end to end; an end outside the scale is cut there and becomes an arrowhead."""
    inside = [min(max(end, scale.low), scale.high) for end in interval]
    group.line(scale(inside[0]), y, scale(inside[1]), y, "plot-whisker")
    for end, shown, back in zip(interval, inside, (6.0, -6.0), strict=True):
        x = scale(shown)
        if end == shown:
            group.line(x, y - 3.5, x, y + 3.5, "plot-whisker")
        else:
            group.add("path", d=path([(x + back, y - 4), (x, y), (x + back, y + 4)]), class_="plot-whisker")


def _legend(models: list[RatedModel], confidence: float) -> tuple[Key, ...]:
    keys = [Key(text="Rating", class_="plot-dot", shape="dot")]
    if any(model.interval for model in models):
        keys += [Key(text=f"{format_percent(confidence)} interval", class_="plot-whisker", shape="whisker")]
    if any(model.preliminary for model in models):
        keys += [Key(text="Preliminary: too few votes to rely on", class_="plot-hollow", shape="dot")]
    if any(model.controlled is not None for model in models):
        keys += [Key(text="With style control", class_="plot-controlled", shape="diamond")]
    return tuple(keys)


def _describe(models: list[RatedModel], confidence: float) -> str:
    if not models:
        return ""
    first, last = models[0], models[-1]
    told = "1 model" if len(models) == 1 else f"{len(models)} models in board order"
    interval = f", {format_percent(confidence)} interval {_ends(first)}" if first.interval else ""
    ends = f" Last: {last.model}, rating {_whole(last.rating)}." if len(models) > 1 else ""
    return f"{told}. First: {first.model}, rating {_whole(first.rating)}{interval}.{ends} The table gives them all."


def _tooltip(model: RatedModel) -> str:
    told = f"{model.model}: {_whole(model.rating)}"
    told += f" ({_ends(model)})" if model.interval else ""
    told += f", rank {model.ranks}" if model.ranks != DASH else ""
    told += f", {_whole(model.controlled)} with style control" if model.controlled is not None else ""
    return told + (", preliminary" if model.preliminary else "")


def _table(plot: RatingsPlot) -> Table:
    controlled = any(model.controlled is not None for model in plot.models)
    heads = ["Rating", f"{format_percent(plot.confidence)} interval", "Rank"]
    heads += ["With style control", "Change"] if controlled else []
    columns = (Column(label="Model", number=False), *(Column(label=head) for head in heads))
    rows = tuple(_row(model)[: len(columns)] for model in plot.models)
    note = "Preliminary: too few votes to rely on." if any(model.preliminary for model in plot.models) else ""
    return Table(columns=columns, rows=rows, note=note)


def _row(model: RatedModel) -> tuple[str, ...]:
    name = f"{model.model} (preliminary)" if model.preliminary else model.model
    return (
        name,
        _whole(model.rating),
        _ends(model),
        model.ranks,
        _whole(model.controlled),
        _signed(model.change),
    )


def _whole(value: float | None) -> str:
    return DASH if value is None else format_number(value)


def _signed(value: float | None) -> str:
    if value is None:
        return DASH
    written = format_number(value)
    return f"+{written}" if value > 0 and written != "0" else written


def _ends(model: RatedModel) -> str:
    if model.interval is None:
        return DASH
    lower, upper = map(format_number, model.interval)
    return f"{lower} to {upper}"
