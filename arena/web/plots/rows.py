"""Plots with one row a model or category: a name, a mark on a common scale, and columns of aligned numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from arena.web.plots.axes import centered, write_tick
from arena.web.plots.figure import Layout
from arena.web.plots.labels import shorten, text_width
from arena.web.plots.scales import LinearScale, decimals_of, format_number, round_step, round_ticks
from arena.web.plots.svg import Element, path

GUTTER = 18.0
MARGIN = 6.0  # room for half a mark at the ends of the scale
TICK_DISTANCE = 52.0  # at least so many pixels from value to value
UPRIGHT = 10.0  # half the height of a line through one row
MANY = 60  # from here on rows stand closer


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """Numbers beside the rows, flush right under their head."""

    head: str
    cells: Sequence[str]
    class_: str = ""

    def width(self, layout: Layout) -> float:
        """As wide as the widest cell or the head."""
        cells = max((text_width(cell, layout.size) for cell in self.cells), default=0.0)
        return max(cells, text_width(self.head, layout.small))


@dataclass(frozen=True)
class Rows:
    """Where everything in the rows of a plot goes; on a narrow page the mark stands under the name."""

    layout: Layout
    names: Sequence[str]
    columns: Sequence[NumberColumn]

    @property
    def step(self) -> float:
        """From one row to the next."""
        if not self.layout.wide:
            return 44.0
        return 22.0 if len(self.names) > MANY else 26.0

    @property
    def top(self) -> float:
        """Where the first row begins, under the heads of the columns and the values of the scale."""
        return 26.0 if self.layout.wide else 42.0

    @property
    def bottom(self) -> float:
        """Where the last row ends."""
        return self.top + self.step * len(self.names)

    @property
    def height(self) -> float:
        """Of the whole picture, with the values of the scale once more at the foot."""
        return self.bottom + 24.0

    @cached_property
    def column_ends(self) -> tuple[float, ...]:
        """The right edge of every column."""
        ends, x = [], self.layout.width
        for column in reversed(self.columns):
            ends.append(x)
            x -= column.width(self.layout) + GUTTER
        return tuple(reversed(ends))

    @cached_property
    def columns_start(self) -> float:
        """Where the columns begin."""
        if not self.columns:
            return self.layout.width
        return self.column_ends[0] - self.columns[0].width(self.layout)

    @cached_property
    def name_width(self) -> float:
        """The room for names, in which the longer ones are cut."""
        if not self.layout.wide:
            return self.columns_start - GUTTER
        widest = max((text_width(name, self.layout.size) for name in self.names), default=0.0)
        return min(widest, 0.34 * self.layout.width)

    @property
    def left(self) -> float:
        """Where the scale begins."""
        return MARGIN + (self.name_width + GUTTER if self.layout.wide else 0.0)

    @property
    def right(self) -> float:
        """Where the scale ends."""
        return (self.columns_start - 2 * GUTTER if self.layout.wide else self.layout.width) - MARGIN

    def scale(self, low: float, high: float) -> LinearScale:
        """The common scale of all rows."""
        return LinearScale(low=low, high=high, start=self.left, end=self.right)

    def middle(self, row: int) -> float:
        """The height of a row's mark."""
        return self.top + self.step * row + (self.step / 2 if self.layout.wide else 31.0)

    def baseline(self, row: int) -> float:
        """The baseline of a row's name and numbers."""
        middle = self.middle(row) if self.layout.wide else self.top + self.step * row + 13.0
        return centered(middle, self.layout.size)

    def draw_row(self, parent: Element, row: int, tooltip: str) -> Element:
        """The row without its mark, which goes into the group that is returned."""
        group = parent.add("g", class_="plot-row")
        group.add("title", tooltip)
        top = self.top + self.step * row
        group.add("rect", x=0.0, y=top, width=self.layout.width, height=self.step, class_="plot-hit")
        group.line(
            self.left - MARGIN, self.middle(row), self.right + MARGIN, self.middle(row), "plot-hairline"
        )
        name = shorten(self.names[row], self.name_width, self.layout.size)
        group.write(0.0, self.baseline(row), name, class_="plot-name")
        for column, end in zip(self.columns, self.column_ends, strict=True):
            group.write(
                end, self.baseline(row), column.cells[row], class_=f"plot-end {column.class_}".rstrip()
            )
        return group

    def draw_frame(
        self,
        parent: Element,
        scale: LinearScale,
        *,
        ticks: Sequence[float] | None = None,
        suffix: str = "",
    ) -> None:
        """The heads of the columns, and hairlines at round values with the values above and below."""
        for column, end in zip(self.columns, self.column_ends, strict=True):
            parent.write(end, 14.0, column.head, class_="plot-head plot-end")
        step = round_step(scale.high - scale.low, max(2, int((self.right - self.left) // TICK_DISTANCE)))
        decimals = 0 if ticks else decimals_of(step)
        for tick in ticks or round_ticks(scale.low, scale.high, step):
            self.draw_upright(parent, scale(tick), "plot-grid")
            for baseline in (self.top - 12, self.bottom + 18):
                write_tick(parent, self.layout, scale(tick), baseline, format_number(tick, decimals) + suffix)

    def draw_upright(self, parent: Element, x: float, class_: str) -> None:
        """A line through all rows; where names stand over the marks it spares them."""
        if self.layout.wide:
            parent.line(x, self.top - 4, x, self.bottom + 4, class_)
            return
        middles = (self.middle(row) for row in range(len(self.names)))
        pieces = (path([(x, middle - UPRIGHT), (x, middle + UPRIGHT)]) for middle in middles)
        parent.add("path", d="".join(pieces), class_=class_)
