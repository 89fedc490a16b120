"""Lines over dates, shared by the history of ratings and the convergence of the field."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from statistics import median_low
from typing import Final

from arena.web.plots.axes import DATE_AXIS_HEIGHT, centered, draw_dates, draw_value_rows
from arena.web.plots.figure import Layout
from arena.web.plots.labels import place_labels, shorten, text_width
from arena.web.plots.scales import (
    DateScale,
    LinearScale,
    decimals_of,
    format_number,
    round_step,
    round_ticks,
)
from arena.web.plots.svg import Element, path

TOP = 12.0
END_DOT = 3.5
LABEL_GAP = 14.0  # from the end of the lines to their labels
CLOSE = 2.0  # pixels that a label may move without a thread
ROUNDING = 0.01
BOLD = 1.15  # how much wider bold letters are
BACKGROUND_SPACING: Final = 6.0  # pixels between the points of a line in the background
GAP_FACTOR: Final = 3


@dataclass(frozen=True, kw_only=True)
class Point:
    """A value on a day, with its interval if there is one."""

    day: date
    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line in colour with a label at its end (`class_` set), or a thin grey one behind."""

    name: str
    points: Sequence[Point]
    class_: str | None = None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Lines on common axes; a line breaks where it has no value on one of the days, or days are far apart."""

    days: Sequence[date]
    lines: Sequence[Line]
    from_zero: bool = False

    def pieces(self, line: Line) -> list[list[Point]]:
        """The unbroken pieces of a line, in the order of time."""
        place = self._place
        pieces: list[list[Point]] = []
        for point in sorted(line.points, key=lambda point: point.day):
            if point.day not in place:
                raise ValueError(
                    f"{line.name} has a value on {point.day}, which is not among the days of the plot"
                )
            last = pieces[-1][-1] if pieces else None
            neighbours = last and place[point.day] - place[last.day] == 1
            if last and neighbours and (point.day - last.day).days <= self.longest_step:
                pieces[-1].append(point)
            else:
                pieces.append([point])
        return pieces

    @cached_property
    def _place(self) -> dict[date, int]:
        return {day: index for index, day in enumerate(sorted(set(self.days)))}

    @cached_property
    def longest_step(self) -> int:
        """The most days between neighbours that a line bridges: three times the usual step."""
        steps = [(later - earlier).days for earlier, later in pairwise(self._place)]
        return GAP_FACTOR * median_low(steps) if steps else 0


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where the lines of a timeline and their labels lie in its picture."""

    layout: Layout
    x: DateScale
    y: LinearScale
    label_width: float

    @property
    def label_size(self) -> float:
        """The font size of the labels."""
        return _label_size(self.layout)


def draw_timeline(parent: Element, layout: Layout, timeline: Timeline) -> float:
    """Draw axes, grey lines, bands, lines in colour, and their labels; returns the height."""
    height = 400.0 if layout.wide else 320.0
    foot = height - DATE_AXIS_HEIGHT
    frame = _draw_axes(parent, layout, timeline, foot)
    for line in timeline.lines:
        if line.class_ is None:
            pieces = [_thinned(piece, frame) for piece in timeline.pieces(line)]
            _draw_line(parent.add("g", class_="plot-background"), line, pieces, frame)
    coloured = [(line, timeline.pieces(line)) for line in timeline.lines if line.class_ and line.points]
    for line, pieces in coloured:
        _draw_bands(parent, line, pieces, frame)
    for line, pieces in coloured:
        _draw_line(parent.add("g", class_=f"plot-line {line.class_}"), line, pieces, frame)
    _draw_labels(parent, [line for line, _ in coloured], frame)
    return height


def _draw_axes(parent: Element, layout: Layout, timeline: Timeline, foot: float) -> Frame:
    low, high = _range(timeline)
    step = round_step(high - low, 6 if layout.wide else 5)
    ticks, decimals = round_ticks(low, high, step), decimals_of(step)
    left = max(text_width(format_number(tick, decimals), layout.small) for tick in ticks) + 10
    label_width = _label_width(layout, timeline)
    right = layout.width - (BOLD * label_width + LABEL_GAP if label_width else 8.0)
    last = max(timeline.days)
    first = min(min(timeline.days), last - timedelta(days=1))  # a single day stands beside the labels
    x = DateScale(first=first, last=last, start=left, end=right)
    y = LinearScale(low=low, high=high, start=foot, end=TOP)
    draw_value_rows(
        parent, y, ticks, layout, left=left, right=right, write=lambda value: format_number(value, decimals)
    )
    draw_dates(parent, x, layout, y=foot)
    return Frame(layout=layout, x=x, y=y, label_width=label_width)


def _range(timeline: Timeline) -> tuple[float, float]:
    """All values and the intervals of the lines that show them, with some room around; from zero if asked for."""
    values = [point.value for line in timeline.lines for point in line.points]
    shown = [point for line in timeline.lines if line.class_ for point in line.points]
    values += [end for point in shown for end in (point.lower, point.upper) if end is not None]
    low, high = min(values), max(values)
    if timeline.from_zero:
        low = min(0.0, low)
        return low, high + (0.05 * (high - low) or 1.0)
    room = 0.04 * (high - low) or 1.0
    return low - room, high + room


def _label_size(layout: Layout) -> float:
    return layout.size if layout.wide else layout.small


def _label_width(layout: Layout, timeline: Timeline) -> float:
    """Room for the longest label, within reason."""
    labels = [line.name + _number(line, layout) for line in timeline.lines if line.class_ and line.points]
    widest = max((text_width(label, _label_size(layout)) for label in labels), default=0.0)
    return min(widest, (0.27 if layout.wide else 0.32) * layout.width)


def _number(line: Line, layout: Layout) -> str:
    """The last value after the name, where there is room."""
    last = max(line.points, key=lambda point: point.day)
    return f" {format_number(last.value)}" if layout.wide else ""


def _thinned(piece: list[Point], frame: Frame) -> list[Point]:
    """The points of a background line that lie far enough apart to be seen as points, and its last."""
    kept, reached = [], -math.inf
    for point in piece[:-1]:
        if (x := frame.x(point.day)) - reached >= BACKGROUND_SPACING:
            kept.append(point)
            reached = x
    return [*kept, piece[-1]]


def _draw_line(group: Element, line: Line, pieces: list[list[Point]], frame: Frame) -> None:
    group.add("title", line.name)
    drawn = [[(frame.x(point.day), frame.y(point.value)) for point in piece] for piece in pieces]
    if lines := "".join(path(piece) for piece in drawn if len(piece) > 1):
        group.add("path", d=lines, class_="plot-stroke")
    for piece in drawn:
        if len(piece) == 1:
            group.add("circle", cx=piece[0][0], cy=piece[0][1], r=2.0, class_="plot-point")


def _draw_bands(parent: Element, line: Line, pieces: list[list[Point]], frame: Frame) -> None:
    """Intervals as an area along each piece, or as an upright line where it is a single day."""
    for piece in pieces:
        ends = [(frame.x(it.day), it.lower, it.upper) for it in piece]
        upper = [(x, frame.y(high)) for x, low, high in ends if low is not None and high is not None]
        lower = [(x, frame.y(low)) for x, low, high in ends if low is not None and high is not None]
        if len(upper) == 1:
            parent.line(*upper[0], *lower[0], f"plot-band-day {line.class_}")
        elif upper:
            outline = path([*upper, *reversed(lower)], closed=True)
            parent.add("path", d=outline, class_=f"plot-band {line.class_}")


def _draw_labels(parent: Element, lines: list[Line], frame: Frame) -> None:
    """Names at the ends of the lines, moved apart where they would overlap, with a thread to the end if so."""
    ends = [max(line.points, key=lambda point: point.day) for line in lines]
    wanted = [frame.y(end.value) for end in ends]
    placed = place_labels(wanted, gap=1.3 * frame.label_size, low=TOP, high=frame.y.start - 8)
    for line, end, label_y in zip(lines, ends, placed, strict=True):
        group = parent.add("g", class_=f"plot-label {line.class_}")
        _draw_thread(group, frame, (frame.x(end.day), frame.y(end.value)), label_y)
        _write_label(group, line, frame, label_y)


def _draw_thread(group: Element, frame: Frame, end: tuple[float, float], label_y: float) -> None:
    """From the end of a line to its label; along the days on which the line has ended it is dotted."""
    x, y = end
    if x < frame.x.end:
        group.line(x, y, frame.x.end, y, "plot-thread plot-ended")
    if x < frame.x.end or abs(label_y - y) > CLOSE:
        group.line(frame.x.end, y, frame.x.end + LABEL_GAP - 3, label_y, "plot-thread")
    group.add("circle", cx=x, cy=y, r=END_DOT, class_="plot-point")


def _write_label(group: Element, line: Line, frame: Frame, y: float) -> None:
    class_ = "plot-end-label" if frame.layout.wide else "plot-end-label plot-small"
    number = _number(line, frame.layout)
    room = frame.label_width - text_width(number, frame.label_size) + ROUNDING
    text = group.write(frame.x.end + LABEL_GAP, centered(y, frame.label_size), "", class_=class_)
    text.add("tspan", shorten(line.name, room, frame.label_size))
    if number:
        text.add("tspan", number, class_="plot-quiet")
