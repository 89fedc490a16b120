"""Horizontal bars with intervals, such as win rates by category or language, against a reference line."""

from collections.abc import Sequence
from dataclasses import dataclass

from arena.web.plots.figure import Column, Figure, Key, Layout, Plot, Table, draw_figure
from arena.web.plots.rows import NumberColumn, Rows
from arena.web.plots.scales import LinearScale, format_number, format_percent
from arena.web.plots.svg import Element

THICKNESS = 12.0
TICKS = (0, 25, 50, 75, 100)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A share from 0 to 1 of one category, with its interval and the votes behind it."""

    name: str
    share: float
    votes: int
    lower: float | None = None
    upper: float | None = None

    def differs(self, reference: float) -> bool:
        """Whether the interval leaves the reference out."""
        return self.lower is not None and self.upper is not None and not self.lower <= reference <= self.upper


@dataclass(frozen=True, kw_only=True)
class BarsPlot(Plot):
    """What `draw_bars` draws, in the order given."""

    bars: Sequence[Bar]
    value: str = "Win rate"
    what: str = "Category"
    reference: float = 0.5
    confidence: float = 0.95


def draw_bars(plot: BarsPlot) -> Figure:
    """Draw shares as bars from zero, those that surely differ from the reference in full colour.

    Raises ValueError for a share outside 0 to 1; intervals are cut there.
    """
    for bar in plot.bars:
        if not 0 <= bar.share <= 1:
            raise ValueError(f"the share of {bar.name} is {bar.share}; a share lies from 0 to 1")
    return draw_figure(
        plot,
        draw=lambda parent, layout: _draw(parent, layout, plot),
        description=_describe(plot),
        table=_table(plot),
        legend=_legend(plot),
        empty=not plot.bars,
    )


def _draw(parent: Element, layout: Layout, plot: BarsPlot) -> float:
    shares = NumberColumn(
        head=plot.value,
        cells=[format_percent(bar.share) for bar in plot.bars],
        class_="plot-strong",
    )
    votes = NumberColumn(head="Votes", cells=[_count(bar.votes) for bar in plot.bars], class_="plot-quiet")
    rows = Rows(layout, [bar.name for bar in plot.bars], [shares, votes])
    scale = rows.scale(0.0, 100.0)
    rows.draw_frame(parent, scale, ticks=TICKS, suffix="%")
    for row, bar in enumerate(plot.bars):
        _draw_bar(rows.draw_row(parent, row, _tooltip(bar)), scale, rows.middle(row), bar, plot.reference)
    rows.draw_upright(parent, scale(100 * plot.reference), "plot-reference")
    return rows.height


def _draw_bar(group: Element, scale: LinearScale, y: float, bar: Bar, reference: float) -> None:
    start, end = scale(0.0), scale(100 * bar.share)
    class_ = "plot-bar" if bar.differs(reference) else "plot-bar plot-undecided"
    top = y - THICKNESS / 2
    group.add("rect", x=start, y=top, width=end - start, height=THICKNESS, class_=class_)
    if bar.lower is None or bar.upper is None:
        return
    lower, upper = (scale(100 * min(max(it, 0.0), 1.0)) for it in (bar.lower, bar.upper))
    group.line(lower, y, upper, y, "plot-whisker plot-over")
    for x in (lower, upper):
        group.line(x, y - 3.5, x, y + 3.5, "plot-whisker plot-over")


def _legend(plot: BarsPlot) -> tuple[Key, ...]:
    reference = format_percent(plot.reference)
    keys = []
    if any(bar.differs(plot.reference) for bar in plot.bars):
        keys += [Key(text=f"Differs from {reference}", class_="plot-bar")]
    if any(not bar.differs(plot.reference) for bar in plot.bars):
        keys += [Key(text=f"Not told apart from {reference} yet", class_="plot-undecided")]
    if any(bar.lower is not None for bar in plot.bars):
        keys += [
            Key(text=f"{format_percent(plot.confidence)} interval", class_="plot-whisker", shape="whisker")
        ]
    return tuple(keys)


def _describe(plot: BarsPlot) -> str:
    if not plot.bars:
        return ""
    highest = max(plot.bars, key=lambda bar: bar.share)
    lowest = min(plot.bars, key=lambda bar: bar.share)
    sure = sum(bar.differs(plot.reference) for bar in plot.bars)
    return (
        f"{plot.value} from {format_percent(lowest.share)} ({lowest.name}) to {format_percent(highest.share)} "
        f"({highest.name}). {sure} of {len(plot.bars)} intervals leave {format_percent(plot.reference)} out."
    )


def _tooltip(bar: Bar) -> str:
    return f"{bar.name}: {format_percent(bar.share, 1)} ({_ends(bar)}), {_count(bar.votes)} votes"


def _table(plot: BarsPlot) -> Table:
    heads = (plot.value, f"{format_percent(plot.confidence)} interval", "Votes")
    return Table(
        columns=(Column(label=plot.what, number=False), *(Column(label=head) for head in heads)),
        rows=tuple((it.name, format_percent(it.share, 1), _ends(it), _count(it.votes)) for it in plot.bars),
    )


def _ends(bar: Bar) -> str:
    if bar.lower is None or bar.upper is None:
        return "–"
    return f"{format_percent(bar.lower, 1)} to {format_percent(bar.upper, 1)}"


def _count(votes: int) -> str:
    return format_number(votes, grouped=True)
