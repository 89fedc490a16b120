"""Where upright bars stand, one a day or a week, and the dates under them."""

from dataclasses import dataclass
from datetime import date

from arena.web.plots.axes import draw_dates
from arena.web.plots.figure import Layout
from arena.web.plots.scales import DateScale
from arena.web.plots.svg import Element

WIDEST = 44.0
THIN = 3.0  # narrower bars touch
RIGHT_MARGIN = 8.0


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Upright bars at equal distances in time, from a left edge on."""

    layout: Layout
    first: date
    last: date
    days: int  # from one bar to the next
    left: float

    @property
    def step(self) -> float:
        """The width of a bar with its gap."""
        count = (self.last - self.first).days // self.days + 1
        return min((self.layout.width - RIGHT_MARGIN - self.left) / count, WIDEST)

    @property
    def right(self) -> float:
        """Where the last bar ends."""
        return self.start(self.last) + self.step

    @property
    def thickness(self) -> float:
        """The width of a bar."""
        return self.step if self.step < THIN else self.step - min(2.0, 0.2 * self.step)

    def start(self, day: date) -> float:
        """Where the bar of a day begins."""
        return self.left + (day - self.first).days / self.days * self.step

    def draw_bar(self, group: Element, day: date, y1: float, y2: float, class_: str) -> None:
        """A bar between two heights; none where they are the same."""
        if y1 != y2:
            top, height = min(y1, y2), abs(y1 - y2)
            group.add(
                "rect",
                x=self.start(day),
                y=top,
                width=self.thickness,
                height=height,
                class_=class_,
            )

    def draw_dates(self, parent: Element, *, y: float) -> None:
        """Round dates under the middle of their bars."""
        half = self.thickness / 2
        scale = DateScale(
            first=self.first, last=self.last, start=self.left + half, end=self.start(self.last) + half
        )
        draw_dates(parent, scale, self.layout, y=y)
