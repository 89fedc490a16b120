"""A badge never shows a rating without its interval, and stands alone."""

from xml.etree import ElementTree

import pytest

from arena.web.plots.badge import Badge, badge_fields, draw_badge
from arena.web.plots.labels import text_width
from tests.unit.plots.examples import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"
RATED = Badge(model="heron", rating=1287.3, lower=1275.2, upper=1299.4, rank_lower=1, rank_upper=3)


@pytest.mark.parametrize(
    ("badge", "message"),
    [
        (RATED, "1287 ±12 | rank 1–3"),
        (Badge(model="m", rating=1287, lower=1270, upper=1301), "1287 +14 −17"),
        (Badge(model="m", rating=1287, lower=1100, upper=1473, preliminary=True), "1287 ±187 | preliminary"),
        (Badge(model="m", rating=900, rank_lower=4, rank_upper=4), "900 (interval unknown) | rank 4"),
        (Badge(model="m", rating=None), "not rated yet"),
    ],
)
def test_messages_carry_the_interval(badge: Badge, message: str) -> None:
    assert badge.message == message
    assert message in draw_badge(badge)
    assert badge_fields(badge)["message"] == message


def test_a_badge_is_a_document_with_a_name_and_its_own_colours() -> None:
    root = ElementTree.fromstring(draw_badge(RATED))
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert (
        root.get("aria-label") == root.findtext(f"{SVG}title") == "heron, arena rating: 1287 ±12 | rank 1–3"
    )
    fills = [it.get("fill", "") for it in root.iter() if it.get("fill")]
    assert all(fill.startswith("#") for fill in fills)
    assert not any(it.get("style") or it.get("class") for it in root.iter())


def test_texts_fit_into_their_fields() -> None:
    root = ElementTree.fromstring(draw_badge(RATED))
    fields = [it for it in root.iter(f"{SVG}rect") if it.get("fill")]
    for field, text in zip(fields, root.iter(f"{SVG}text"), strict=True):
        start, width = float(field.get("x", "0")), float(field.get("width", "0"))
        assert float(text.get("x", "0")) == pytest.approx(start + width / 2, abs=0.01)
        assert text_width(text.text or "", 11) + 10 <= width


def test_a_badge_of_few_votes_is_grey() -> None:
    colours = {badge_fields(it)["color"] for it in (Badge(model="m", rating=None), RATED)}
    assert colours == {"59606b", "0e5a6b"}


def test_the_fields_are_those_that_badge_servers_read() -> None:
    assert badge_fields(RATED) == {
        "schemaVersion": 1,
        "label": "arena rating",
        "message": "1287 ±12 | rank 1–3",
        "color": "0e5a6b",
    }


def test_names_and_labels_are_escaped() -> None:
    badge = draw_badge(Badge(model=HOSTILE, rating=None, label=HOSTILE))
    assert "<script" not in badge
    ElementTree.fromstring(badge)
