"""Plots read back from their markup."""

from collections.abc import Iterator
from xml.etree import ElementTree

from arena.web.plots.figure import Figure

WIDE, COMPACT = 0, 1


def picture(figure: Figure, which: int = WIDE) -> ElementTree.Element:
    """One of the two pictures; a picture that is not well-formed raises."""
    return list(ElementTree.fromstring(f"<both>{figure.pictures}</both>"))[which]


def of_class(root: ElementTree.Element, *classes: str) -> list[ElementTree.Element]:
    """The elements that have all the classes, in the order drawn."""
    return [it for it in root.iter() if set(classes) <= set(it.get("class", "").split())]


def rows(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """The rows of a plot by the first words of their tooltips."""
    return {row.findtext("title", "").split(":")[0]: row for row in of_class(root, "plot-row")}


def number(element: ElementTree.Element, name: str) -> float:
    """A coordinate of an element."""
    return float(element.get(name, "0"))


def points(data: str) -> list[list[tuple[float, float]]]:
    """The points of each piece of a path of straight lines."""
    pieces = data.rstrip("Z").split("M")[1:]
    return [
        [(float(x), float(y)) for x, y in (point.split() for point in piece.split("L"))] for piece in pieces
    ]


def texts(root: ElementTree.Element) -> Iterator[str]:
    """Everything written in a picture."""
    return ("".join(it.itertext()) for it in root.iter("text"))
