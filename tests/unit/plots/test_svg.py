"""Markup is escaped, well-formed whatever the text, and has short coordinates."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.web.plots.svg import Element, coordinate, path
from tests.unit.plots.examples import HOSTILE


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.0, "1"), (12.345, "12.35"), (0.1 + 0.2, "0.3"), (-0.001, "0"), (-2.5, "-2.5"), (100, "100")],
)
def test_coordinates_are_short(value: float, written: str) -> None:
    assert coordinate(value) == written


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_cannot_be_drawn(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be drawn: a coordinate must be a finite number"):
        Element.root("svg").line(0, 0, value, 0, "plot-grid")


def test_paths_are_straight_lines() -> None:
    assert path([(0, 1), (2.255, 3)]) == "M0 1L2.25 3"
    assert path([(0, 0), (1, 0), (1, 1)], closed=True) == "M0 0L1 0L1 1Z"


def test_markup_in_text_stays_text() -> None:
    root = Element.root("svg", aria_label=HOSTILE)
    root.add("title", HOSTILE)
    markup = root.markup()
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    read = ElementTree.fromstring(markup)
    clean = HOSTILE.replace("\x00", "\ufffd").replace("\x0b", "\ufffd")
    assert (read.get("aria-label"), read.findtext("title")) == (clean, clean)


@given(st.text(alphabet=st.characters(), max_size=40))
def test_any_text_gives_well_formed_markup(text: str) -> None:
    root = Element.root("svg")
    root.write(0, 0, text, class_=text)
    ElementTree.fromstring(str(root.markup()).encode("utf-8"))


def test_attributes_keep_their_order_and_spelling() -> None:
    root = Element.root("svg", viewBox="0 0 1 1", class_="plot", font_size=13.5, x=None)
    assert root.markup() == '<svg viewBox="0 0 1 1" class="plot" font-size="13.5" />'
