"""What every plot gives to a page: a caption, a picture in two widths, a legend, and the same numbers as a table."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

from arena.web.plots.svg import Element, coordinate

IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9-]*")
SERIES: Final = 8  # as many colours as readers tell apart


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A width to draw for, in pixels; the page shows the layout that fits and hides the other."""

    name: Literal["wide", "compact"]
    width: float
    size: float  # of the font

    @property
    def wide(self) -> bool:
        """Whether there is room for columns beside the picture."""
        return self.name == "wide"

    @property
    def small(self) -> float:
        """The font size of ticks and notes; `plots.css` sets the same."""
        return 0.86 * self.size


LAYOUTS: Final = (
    Layout(name="wide", width=760, size=13.5),
    Layout(name="compact", width=304, size=12.5),
)


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What the data of every plot have: an id for the page (a to z, 0 to 9 and hyphens), a title, a sentence."""

    id: str
    title: str
    about: str = ""

    def __post_init__(self) -> None:
        if not IDENTIFIER.fullmatch(self.id):
            raise ValueError(f"{self.id!r} cannot be the id of a plot: use a to z, 0 to 9 and hyphens")


@dataclass(frozen=True, kw_only=True)
class Key:
    """One line of a legend: the class of its swatch, its shape, and what it means."""

    text: str
    class_: str
    shape: Literal["square", "dot", "diamond", "line", "whisker", "triangle"] = "square"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table; numbers are set flush right."""

    label: str
    number: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """The numbers of a plot; the first cell of a row is its head."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What `_plot_figure.html` shows; without data there is no picture, and `nothing` says so."""

    id: str
    title: str
    about: str
    legend: tuple[Key, ...]
    pictures: Markup
    table: Table
    nothing: str


def draw_figure(
    plot: Plot,
    *,
    draw: Callable[[Element, Layout], float],
    description: str,
    table: Table,
    legend: tuple[Key, ...] = (),
    empty: bool = False,
    nothing: str = "There are no votes to draw yet.",
) -> Figure:
    """Draw a plot in both widths; `draw` fills the picture and returns its height."""
    pictures = (
        Markup("") if empty else Markup("").join(_picture(plot, it, draw, description) for it in LAYOUTS)
    )
    return Figure(
        id=plot.id,
        title=plot.title,
        about=plot.about,
        legend=() if empty else legend,
        pictures=pictures,
        table=table,
        nothing=nothing,
    )


def _picture(
    plot: Plot, layout: Layout, draw: Callable[[Element, Layout], float], description: str
) -> Markup:
    head = f"{plot.id}-{layout.name}"
    body = Element.root("g")
    height = draw(body, layout)
    root = Element.root(
        "svg",
        class_=f"plot-picture plot-{layout.name}",
        viewBox=f"0 0 {coordinate(layout.width)} {coordinate(height)}",
        width=layout.width,
        height=height,
        font_size=layout.size,
        role="img",
        aria_labelledby=f"{head}-title {head}-desc",
        focusable="false",
    )
    root.add("title", plot.title, id=f"{head}-title")
    root.add("desc", description, id=f"{head}-desc")
    root.append(body)
    return root.markup()
