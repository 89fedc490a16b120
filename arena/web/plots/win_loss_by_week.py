"""A model's votes week by week: wins above the line, losses below it, ties paler at both ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from arena.web.plots.axes import DATE_AXIS_HEIGHT, draw_value_rows
from arena.web.plots.columns import Columns
from arena.web.plots.figure import Column, Figure, Key, Layout, Plot, Table, draw_figure
from arena.web.plots.labels import text_width
from arena.web.plots.scales import LinearScale, format_day, format_number, round_domain, round_ticks
from arena.web.plots.svg import Element

TOP = 12.0


@dataclass(frozen=True, kw_only=True)
class Week:
    """The votes of the week that begins on a day; votes that found both bad are among the ties."""

    start: date
    wins: int
    losses: int
    ties: int

    @property
    def votes(self) -> int:
        """All of them."""
        return self.wins + self.losses + self.ties


@dataclass(frozen=True, kw_only=True)
class WinLossPlot(Plot):
    """What `draw_win_loss_by_week` draws: weeks without votes may be left out."""

    weeks: Sequence[Week]


def draw_win_loss_by_week(plot: WinLossPlot) -> Figure:
    """Draw wins up and losses down; half of the ties continues each, so that the whole column shows the score."""
    weeks = sorted(plot.weeks, key=lambda week: week.start)
    return draw_figure(
        plot,
        draw=lambda parent, layout: _draw(parent, layout, weeks),
        description=_describe(weeks),
        table=_table(weeks),
        legend=(
            Key(text="Wins, up", class_="plot-wins"),
            Key(text="Losses, down", class_="plot-losses"),
            Key(text="Ties, half to each side", class_="plot-ties"),
        ),
        empty=not any(week.votes for week in weeks),
    )


def _draw(parent: Element, layout: Layout, weeks: list[Week]) -> float:
    height = 280.0 if layout.wide else 240.0
    foot = height - DATE_AXIS_HEIGHT
    up = max(week.wins + week.ties / 2 for week in weeks)
    down = max(week.losses + week.ties / 2 for week in weeks)
    low, high, step = round_domain(-down, up, 6, smallest=1.0)
    y = LinearScale(low=low, high=high, start=foot - 4, end=TOP)
    ticks = round_ticks(low, high, step)
    left = max(text_width(_count(abs(tick)), layout.small) for tick in ticks) + 10
    columns = Columns(layout=layout, first=weeks[0].start, last=weeks[-1].start, days=7, left=left)
    draw_value_rows(
        parent, y, ticks, layout, left=left, right=columns.right, write=lambda value: _count(abs(value))
    )
    bars = parent.add("g", class_="plot-columns")
    for week in weeks:
        _draw_week(bars, columns, y, week, (TOP, foot))
    parent.line(left, y(0), columns.right, y(0), "plot-zero")
    columns.draw_dates(parent, y=foot)
    return height


def _draw_week(
    parent: Element, columns: Columns, y: LinearScale, week: Week, extent: tuple[float, float]
) -> None:
    group = parent.add("g", class_="plot-row")
    group.add("title", _tooltip(week))
    x = columns.start(week.start)
    group.add("rect", x=x, y=extent[0], width=columns.step, height=extent[1] - extent[0], class_="plot-hit")
    columns.draw_bar(group, week.start, y(0), y(week.wins), "plot-wins")
    columns.draw_bar(group, week.start, y(0), y(-week.losses), "plot-losses")
    columns.draw_bar(group, week.start, y(week.wins), y(week.wins + week.ties / 2), "plot-ties")
    columns.draw_bar(group, week.start, y(-week.losses), y(-week.losses - week.ties / 2), "plot-ties")


def _describe(weeks: list[Week]) -> str:
    if not weeks:
        return ""
    wins, losses, ties = (sum(getattr(week, name) for week in weeks) for name in ("wins", "losses", "ties"))
    return (
        f"{_count(wins)} wins, {_count(losses)} losses and {_count(ties)} ties in the weeks from "
        f"{format_day(weeks[0].start)} to {format_day(weeks[-1].start)}."
    )


def _tooltip(week: Week) -> str:
    counts = f"{_count(week.wins)} wins, {_count(week.losses)} losses, {_count(week.ties)} ties"
    return f"Week of {format_day(week.start)}: {counts}"


def _table(weeks: list[Week]) -> Table:
    heads = ("Wins", "Losses", "Ties", "Votes")
    return Table(
        columns=(Column(label="Week of", number=False), *(Column(label=head) for head in heads)),
        rows=tuple(
            (format_day(it.start), *map(_count, (it.wins, it.losses, it.ties, it.votes)))
            for it in reversed(weeks)
        ),
    )


def _count(votes: float) -> str:
    return format_number(votes, grouped=True)
