"""Votes that count and votes that do not, day by day, the latter by their reason on a scale of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from arena.web.plots.axes import DATE_AXIS_HEIGHT, draw_value_rows
from arena.web.plots.columns import Columns
from arena.web.plots.figure import SERIES, Column, Figure, Key, Layout, Plot, Table, draw_figure
from arena.web.plots.labels import text_width
from arena.web.plots.scales import (
    LinearScale,
    format_day,
    format_number,
    format_percent,
    round_domain,
    round_ticks,
)
from arena.web.plots.svg import Element, path

OTHERS: Final = "Other reasons"
TABLE_DAYS: Final = 92


@dataclass(frozen=True, kw_only=True)
class VoteDay:
    """The votes of a day: how many count, and how many do not for each reason, in words."""

    day: date
    counted: int
    not_counted: Mapping[str, int] = field(default_factory=dict)
    alarm: bool = False  # the share that does not count has jumped

    @property
    def left_out(self) -> int:
        """All votes that do not count."""
        return sum(self.not_counted.values())

    @property
    def share_left_out(self) -> float | None:
        """The share of the day's votes that does not count; none on a day without votes."""
        votes = self.counted + self.left_out
        return self.left_out / votes if votes else None


@dataclass(frozen=True, kw_only=True)
class VoteDaysPlot(Plot):
    """What `draw_stacked_days` draws: days without votes may be left out."""

    days: Sequence[VoteDay]


def draw_stacked_days(plot: VoteDaysPlot) -> Figure:
    """Draw counted votes above, and not counted ones below stacked by reason, the most frequent reason first."""
    days = sorted(plot.days, key=lambda it: it.day)
    reasons = _reasons(days)
    shown = reasons if len(reasons) <= SERIES else [*reasons[: SERIES - 1], OTHERS]
    return draw_figure(
        plot,
        draw=lambda parent, layout: _draw(parent, layout, days, shown),
        description=_describe(days, reasons),
        table=_table(days, reasons),
        legend=_legend(days, shown),
        empty=not any(it.counted or it.left_out for it in days),
    )


def _reasons(days: list[VoteDay]) -> list[str]:
    totals: dict[str, int] = {}
    for it in days:
        for reason, votes in it.not_counted.items():
            totals[reason] = totals.get(reason, 0) + votes
    return sorted(
        (reason for reason in totals if totals[reason]), key=lambda reason: (-totals[reason], reason)
    )


def _stack(it: VoteDay, shown: list[str]) -> list[int]:
    """The day's votes for each reason shown; those for reasons without a colour under the last."""
    stack = [it.not_counted.get(reason, 0) for reason in shown]
    if shown and shown[-1] == OTHERS:
        stack[-1] = it.left_out - sum(stack[:-1])
    return stack


def _draw(parent: Element, layout: Layout, days: list[VoteDay], shown: list[str]) -> float:
    upper = (30.0, 196.0 if layout.wide else 166.0)
    lower = (upper[1] + 44, upper[1] + (164 if layout.wide else 144))
    most = max(it.counted for it in days), max(it.left_out for it in days)
    panels = [_axis(votes, top, foot) for votes, (top, foot) in zip(most, (upper, lower), strict=True)]
    widest = max(text_width(_count(tick), layout.small) for _, ticks in panels for tick in ticks)
    columns = Columns(layout=layout, first=days[0].day, last=days[-1].day, days=1, left=widest + 10)
    for name, (y, ticks) in zip(("Counted votes", "Not counted, by reason"), panels, strict=True):
        parent.write(0.0, y.end - 17, name, class_="plot-head")
        draw_value_rows(parent, y, ticks, layout, left=columns.left, right=columns.right, write=_count)
    bars = parent.add("g", class_="plot-columns")
    for it in days:
        group = bars.add("g", class_="plot-row")
        group.add("title", _tooltip(it))
        x = columns.start(it.day)
        group.add("rect", x=x, y=upper[0], width=columns.step, height=lower[1] - upper[0], class_="plot-hit")
        _draw_day(group, columns, panels[0][0], panels[1][0], it, shown)
    for y, _ in panels:
        parent.line(columns.left, y(0), columns.right, y(0), "plot-zero")
    columns.draw_dates(parent, y=lower[1])
    return lower[1] + DATE_AXIS_HEIGHT


def _axis(most: int, top: float, foot: float) -> tuple[LinearScale, list[float]]:
    _, high, step = round_domain(0.0, max(most, 1), 4, smallest=1.0)
    return LinearScale(low=0.0, high=high, start=foot, end=top), round_ticks(0.0, high, step)


def _draw_day(
    group: Element, columns: Columns, upper: LinearScale, lower: LinearScale, it: VoteDay, shown: list[str]
) -> None:
    columns.draw_bar(group, it.day, upper(0), upper(it.counted), "plot-counted")
    below = 0
    for index, votes in enumerate(_stack(it, shown), start=1):
        columns.draw_bar(group, it.day, lower(below), lower(below + votes), f"plot-area plot-series-{index}")
        below += votes
    if it.alarm:
        x, y = columns.start(it.day) + columns.thickness / 2, lower(below) - 3
        group.add("path", d=path([(x - 4, y - 7), (x + 4, y - 7), (x, y)], closed=True), class_="plot-alarm")


def _legend(days: list[VoteDay], shown: list[str]) -> tuple[Key, ...]:
    keys = [Key(text="Counted", class_="plot-counted")]
    keys += [Key(text=it, class_=f"plot-area plot-series-{place}") for place, it in enumerate(shown, start=1)]
    if any(it.alarm for it in days):
        keys += [Key(text="Alarm: the share not counted jumped", class_="plot-alarm", shape="triangle")]
    return tuple(keys)


def _describe(days: list[VoteDay], reasons: list[str]) -> str:
    if not days:
        return ""
    counted, left_out = sum(it.counted for it in days), sum(it.left_out for it in days)
    told = (
        f"{_count(counted)} votes counted and {_count(left_out)} not counted from {format_day(days[0].day)} to "
        f"{format_day(days[-1].day)}."
    )
    return told + (f" The most frequent reason: {reasons[0]}." if reasons else "")


def _tooltip(it: VoteDay) -> str:
    told = f"{format_day(it.day)}: {_count(it.counted)} counted, {_count(it.left_out)} not counted"
    told += f" ({format_percent(it.share_left_out, 1)})" if it.share_left_out is not None else ""
    reasons = [f"{reason} {_count(votes)}" for reason, votes in it.not_counted.items() if votes]
    return "; ".join([told + (", alarm" if it.alarm else ""), *reasons])


def _table(days: list[VoteDay], reasons: list[str]) -> Table:
    heads = ["Counted", "Not counted", "Share not counted", *reasons]
    newest = days[: -TABLE_DAYS - 1 : -1]
    return Table(
        columns=(Column(label="Day", number=False), *(Column(label=head) for head in heads)),
        rows=tuple(_row(it, reasons) for it in newest),
        note=f"The newest {TABLE_DAYS} days; the feed has all." if len(newest) < len(days) else "",
    )


def _row(it: VoteDay, reasons: list[str]) -> tuple[str, ...]:
    share = "–" if it.share_left_out is None else format_percent(it.share_left_out, 1)
    counts = (_count(it.not_counted.get(reason, 0)) for reason in reasons)
    day = f"{format_day(it.day)} (alarm)" if it.alarm else format_day(it.day)
    return day, _count(it.counted), _count(it.left_out), share, *counts


def _count(votes: float) -> str:
    return format_number(votes, grouped=True)
