"""An interval on a board is drawn whole, or with an arrow where it goes on: a cut end would pass for a limit."""

from typing import Any

import orjson
import pytest
from fastapi import Request

from arena.settings import Settings
from arena.web.board_query import BoardQuery
from arena.web.boards import Interval, parse_board
from arena.web.rendering import render_page
from tests.unit.test_board_page_cost import board_file, page_of


def file_with(lower: float, upper: float) -> bytes:
    """A board of one settled model, 900 to 1100, and a preliminary one of rating 1000."""
    file: dict[str, Any] = orjson.loads(board_file("overall", "Overall"))
    settled, preliminary = file["entries"][:2]
    settled |= {"rating": 1000, "lower": 900, "upper": 1100, "preliminary": False}
    preliminary |= {"rating": 1000, "lower": lower, "upper": upper, "preliminary": True}
    return orjson.dumps(file | {"entries": [settled, preliminary]})


def drawn(lower: float, upper: float) -> Interval:
    interval = parse_board(file_with(lower, upper)).entries[1].interval
    assert interval is not None
    return interval


def test_the_scale_makes_room_for_a_preliminary_model() -> None:
    whole = Interval(start=0.0, width=100.0, rating=50.0, goes_on_below=False, goes_on_above=False)
    assert drawn(850, 1150) == whole


@pytest.mark.parametrize(
    ("lower", "upper", "below", "above"),
    [(849, 1050, True, False), (950, 1151, False, True), (0, 3000, True, True)],
)
def test_an_interval_that_would_squeeze_the_others_goes_on(
    lower: float, upper: float, below: bool, above: bool
) -> None:
    interval = drawn(lower, upper)
    assert (interval.goes_on_below, interval.goes_on_above) == (below, above)
    assert 15 < interval.rating < 85, "the rating is not at the cut"


@pytest.mark.parametrize(("lower", "upper", "arrows"), [(860, 1050, 0), (700, 1050, 1), (0, 3000, 2)])
def test_the_page_draws_an_arrow_at_each_cut_end(lower: float, upper: float, arrows: int) -> None:
    board = parse_board(file_with(lower, upper))
    scope = {"type": "http", "method": "GET", "path": "/leaderboard", "query_string": b"", "headers": []}
    request = Request(scope | {"server": ("arena.example", 80), "scheme": "http"})
    request.state.settings = Settings(secret_key="k" * 32)
    page = page_of([board], board, BoardQuery())
    html = bytes(render_page(request, "leaderboard.html", page).body).decode()
    assert html.count('<path class="range"') == arrows
