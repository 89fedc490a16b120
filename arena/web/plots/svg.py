"""SVG as a tree of elements: escaped by the library, coordinates of two decimals, same input, same bytes."""

import math
import re
from collections.abc import Iterable
from typing import Final, Self
from xml.etree import ElementTree

from markupsafe import Markup

# What XML 1.0 cannot hold, not even escaped.
UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def coordinate(value: float) -> str:
    """A coordinate with at most two decimals and nothing needless."""
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be drawn: a coordinate must be a finite number")
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def writable(text: str) -> str:
    """Text as XML can hold it."""
    return UNWRITABLE.sub(REPLACEMENT, text)


def path(points: Iterable[tuple[float, float]], *, closed: bool = False) -> str:
    """Straight lines from point to point, as the data of a path."""
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points) + ("Z" if closed else "")


class Element:
    """An SVG element that takes its children one after the other."""

    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element

    @classmethod
    def root(cls, name: str, **attributes: str | float | None) -> Self:
        """An element without parent."""
        return cls(ElementTree.Element(name, _written(attributes)))

    def add(self, name: str, text: str | None = None, **attributes: str | float | None) -> "Element":
        """Append a child and return it; `class_` stands for class, underscores for hyphens."""
        child = ElementTree.SubElement(self._element, name, _written(attributes))
        if text is not None:
            child.text = writable(text)
        return Element(child)

    def append(self, child: "Element") -> None:
        """Append an element that was made before."""
        self._element.append(child._element)

    def write(self, x: float, y: float, text: str, **attributes: str | float | None) -> "Element":
        """Append a line of text whose baseline begins, ends or has its middle at a point."""
        return self.add("text", text, x=x, y=y, **attributes)

    def line(self, x1: float, y1: float, x2: float, y2: float, class_: str) -> "Element":
        """Append a straight line."""
        return self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)

    def markup(self) -> Markup:
        """The element and all that is in it, ready for a page."""
        return Markup(ElementTree.tostring(self._element, encoding="unicode"))


def _written(attributes: dict[str, str | float | None]) -> dict[str, str]:
    """Attributes in the order they were given, which the tree keeps."""
    return {
        name.rstrip("_").replace("_", "-"): writable(value) if isinstance(value, str) else coordinate(value)
        for name, value in attributes.items()
        if value is not None
    }
