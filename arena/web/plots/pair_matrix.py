"""Win rates of all pairs as a matrix of colours: rows beat columns, models in board order."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from arena.web.plots.axes import centered, write_tick
from arena.web.plots.figure import Column, Figure, Layout, Plot, Table, draw_figure
from arena.web.plots.labels import shorten, text_width
from arena.web.plots.scales import format_number, format_percent
from arena.web.plots.svg import Element

# Distances from one half between the colours: five to each side and one around the middle.
EDGES: Final = (0.05, 0.1, 0.2, 0.3, 0.4)
COLOURS: Final = range(-len(EDGES), len(EDGES) + 1)
LARGEST_CELL: Final = 40.0
SMALLEST_NUMBER: Final = 18.0  # the side of a cell that still takes a number
SINGLE: Final = (
    25  # up to so many models each cell is an element with a tooltip, and each pair stands in the table
)
LABEL_STEPS: Final = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The record of two models that met: the share that `model_a` won."""

    model_a: str
    model_b: str
    win_rate: float
    votes: int


@dataclass(frozen=True, kw_only=True)
class PairMatrixPlot(Plot):
    """What `draw_pair_matrix` draws: models in board order, each pair once, pairs without votes left out."""

    models: Sequence[str]
    pairs: Sequence[Pair]


Cells = dict[tuple[int, int], Pair]


def draw_pair_matrix(plot: PairMatrixPlot) -> Figure:
    """Draw the matrix; raises ValueError for a pair of an unknown model or a win rate outside 0 to 1."""
    cells = _cells(plot)
    runs = _runs(len(plot.models), cells) if len(plot.models) > SINGLE else {}
    return draw_figure(
        plot,
        draw=lambda parent, layout: _draw(parent, layout, plot, cells, runs),
        description=_describe(plot),
        table=_table(plot, cells),
        empty=not cells,
    )


def colour_of(win_rate: float) -> int:
    """From -5, loses nearly always, over 0, about even, to 5; mirrored exactly for the other side."""
    distance = round(win_rate - 0.5, 9)
    colour = bisect_right(EDGES, abs(distance))
    return colour if distance > 0 else -colour


def _cells(plot: PairMatrixPlot) -> Cells:
    """Every voted pair from both sides, by row and column."""
    place = {model: index for index, model in enumerate(plot.models)}
    cells: Cells = {}
    for pair in plot.pairs:
        if unknown := {pair.model_a, pair.model_b} - place.keys():
            raise ValueError(
                f"the pair of {pair.model_a} and {pair.model_b}: {min(unknown)} is not in the matrix"
            )
        if not 0 <= pair.win_rate <= 1:
            raise ValueError(
                f"{pair.model_a} against {pair.model_b} has the win rate {pair.win_rate}; it lies from 0 to 1"
            )
        if pair.votes == 0:
            continue
        a, b = place[pair.model_a], place[pair.model_b]
        cells[a, b] = pair
        cells[b, a] = Pair(
            model_a=pair.model_b, model_b=pair.model_a, win_rate=1 - pair.win_rate, votes=pair.votes
        )
    return cells


def _draw(
    parent: Element, layout: Layout, plot: PairMatrixPlot, cells: Cells, runs: Mapping[str, str]
) -> float:
    names = [f"{place} {name}" for place, name in enumerate(plot.models, start=1)]
    widest = max(text_width(name, layout.size) for name in names)
    beside_cells = layout.width - 10 - LARGEST_CELL * len(names)
    room = min(widest, max((0.3 if layout.wide else 0.4) * layout.width, beside_cells))
    left = room + 10
    side = min((layout.width - left) / len(names), LARGEST_CELL)
    top, extent = layout.small + 12, side * len(names)
    unvoted = _unvoted(parent, plot, layout)
    parent.add("rect", x=left, y=top, width=extent, height=extent, **unvoted)
    _draw_names(parent, layout, names, room, left, top, side)
    grid = parent.add("g", transform=f"translate({left:.2f} {top:.2f})")
    if runs:
        _draw_runs(grid, runs, side)
    else:
        _draw_single_cells(grid, layout, len(names), cells, side)
    return _draw_scale(parent, layout, top + extent + 30, unvoted)


def _unvoted(parent: Element, plot: PairMatrixPlot, layout: Layout) -> dict[str, str]:
    """How cells without votes look: hatched, or blank where cells are too small for hatching."""
    if len(plot.models) > SINGLE:
        return {"class_": "plot-blank"}
    name = f"{plot.id}-{layout.name}-hatch"
    pattern = parent.add("defs").add(
        "pattern",
        id=name,
        width=5.0,
        height=5.0,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    pattern.add("rect", width=5.0, height=5.0, class_="plot-blank")
    pattern.line(0.0, 0.0, 0.0, 5.0, "plot-hatch")
    return {"fill": f"url(#{name})"}


def _draw_names(
    parent: Element, layout: Layout, names: list[str], room: float, left: float, top: float, side: float
) -> None:
    """Place and name before the rows, the place alone above the columns, as many as there is room for."""
    for place in _labelled(len(names), side, 1.15 * layout.size):
        y = top + (place - 0.5) * side
        name = shorten(names[place - 1], room, layout.size)
        parent.write(left - 8, centered(y, layout.size), name, class_="plot-name plot-end")
        parent.line(left - 5, y, left - 1, y, "plot-axis")
    for place in _labelled(len(names), side, text_width(str(len(names)), layout.small) + 6):
        x = left + (place - 0.5) * side
        write_tick(parent, layout, x, top - 7, str(place))
        parent.line(x, top - 4, x, top - 1, "plot-axis")


def _labelled(count: int, side: float, room: float) -> Iterator[int]:
    """The first place and round ones after it, far enough apart."""
    step = next((step for step in LABEL_STEPS if step * side >= room), LABEL_STEPS[-1])
    return (place for place in range(1, count + 1) if place % step == 0 or (place == 1 and step != 2))


def _draw_single_cells(grid: Element, layout: Layout, count: int, cells: Cells, side: float) -> None:
    size = min(layout.size - 1, 0.52 * side)
    for row in range(count):
        grid.add("rect", x=row * side, y=row * side, width=side, height=side, class_="plot-diagonal")
    for (row, column), pair in sorted(cells.items(), key=lambda item: item[0]):
        x, y = column * side, row * side
        colour = _class_of(colour_of(pair.win_rate))
        group = grid.add("g", class_=f"plot-cell {colour}")
        group.add("title", _tooltip(pair))
        group.add("rect", x=x + 0.5, y=y + 0.5, width=side - 1, height=side - 1)
        if side >= SMALLEST_NUMBER:
            number = format_number(100 * pair.win_rate)
            group.write(x + side / 2, centered(y + side / 2, size), number, font_size=size)


def _draw_runs(grid: Element, runs: Mapping[str, str], side: float) -> None:
    """One path a colour, in units of cells."""
    scaled = grid.add("g", class_="plot-runs", transform=f"scale({side:.4f}) translate(0 0.5)")
    for class_, data in runs.items():
        scaled.add("path", d=data, class_=class_)


def _runs(count: int, cells: Cells) -> dict[str, str]:
    """The strokes of each class: neighbours of one colour in a row are one stroke."""
    strokes = {"plot-diagonal": "".join(f"M{place} {place}h1" for place in range(count))}
    classes = {place: _class_of(colour_of(pair.win_rate)) for place, pair in cells.items()}
    for row in range(count):
        column = 0
        for class_, run in groupby(classes.get((row, it)) for it in range(count)):
            length = len(list(run))
            if class_ is not None:
                strokes[class_] = strokes.get(class_, "") + f"M{column} {row}h{length}"
            column += length
    return strokes


def _draw_scale(parent: Element, layout: Layout, y: float, unvoted: dict[str, str]) -> float:
    """What the colours mean: a strip with the shares between them, and how pairs without votes look."""
    height = 12.0
    box = 32.0 if layout.wide else 24.0
    parent.write(0.0, y, "How often the row beats the column, in %", class_="plot-head")
    top = y + 10
    for index, colour in enumerate(COLOURS):
        group = parent.add("g", class_=f"plot-cell {_class_of(colour)}")
        group.add("rect", x=index * box, y=top, width=box - 1, height=height)
    shares = sorted(0.5 + sign * edge for edge in EDGES for sign in (-1, 1))
    for index, share in enumerate(shares, start=1):
        parent.write(
            index * box, top + height + 14, format_number(100 * share), class_="plot-tick plot-middle"
        )
    x, y = (len(COLOURS) * box + 16, top) if layout.wide else (0.0, top + height + 26)
    parent.add("rect", x=x, y=y, width=box - 1, height=height, **unvoted)
    parent.add("rect", x=x, y=y, width=box - 1, height=height, class_="plot-outline")
    parent.write(x + box + 6, centered(y + height / 2, layout.small), "no votes", class_="plot-tick")
    return y + height + (22 if layout.wide else 4)


def _class_of(colour: int) -> str:
    """The class of a colour: `plot-even`, `plot-win-1` to `-5`, `plot-loss-1` to `-5`."""
    if colour == 0:
        return "plot-even"
    return f"plot-win-{colour}" if colour > 0 else f"plot-loss-{-colour}"


def _tooltip(pair: Pair) -> str:
    share, votes = format_percent(pair.win_rate, 1), format_number(pair.votes, grouped=True)
    return (
        f"{pair.model_a} wins {share} of {votes} {'vote' if pair.votes == 1 else 'votes'} with {pair.model_b}"
    )


def _describe(plot: PairMatrixPlot) -> str:
    voted = [pair for pair in plot.pairs if pair.votes]
    if not voted:
        return ""
    possible = len(plot.models) * (len(plot.models) - 1) // 2
    clearest = max(voted, key=lambda pair: abs(pair.win_rate - 0.5))
    return (
        f"{len(plot.models)} models in board order; {format_number(len(voted), grouped=True)} of "
        f"{format_number(possible, grouped=True)} pairs have votes. The most uneven: {_tooltip(clearest)}."
    )


def _table(plot: PairMatrixPlot, cells: Cells) -> Table:
    """Each voted pair once, of the models highest on the board."""
    shown = min(len(plot.models), SINGLE)
    pairs = [cells[a, b] for a in range(shown) for b in range(a + 1, shown) if (a, b) in cells]
    note = (
        f"The pairs of the first {shown} models; the feed has all pairs." if shown < len(plot.models) else ""
    )
    return Table(
        columns=(
            Column(label="Model", number=False),
            Column(label="Against", number=False),
            Column(label="Win rate"),
            Column(label="Votes"),
        ),
        rows=tuple(
            (it.model_a, it.model_b, format_percent(it.win_rate, 1), format_number(it.votes, grouped=True))
            for it in pairs
        ),
        note=note,
    )
