"""A board says what style control holds equal and what it could not, and marks ranks that say something."""

import re

import orjson
import pytest
from fastapi import Request

from arena.settings import Settings
from arena.web.board_query import BoardQuery
from arena.web.boards import parse_board
from arena.web.pages_boards import LeaderboardPage
from arena.web.rendering import render_page
from ratings.board_files import STYLE_FEATURES
from tests.unit.test_board_page_cost import board_file, page_of

HELD = (*STYLE_FEATURES, "side_bias")


def text_of(page: LeaderboardPage) -> str:
    """The page as it is sent, with single spaces."""
    scope = {"type": "http", "method": "GET", "path": "/leaderboard", "query_string": b"", "headers": []}
    request = Request(scope | {"server": ("arena.example", 80), "scheme": "http"})
    request.state.settings = Settings(secret_key="k" * 32)
    return " ".join(bytes(render_page(request, "leaderboard.html", page).body).decode().split())


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (HELD, None),
        (HELD[1:], "what it does: tokens."),
        (HELD[:-2], "what it does: emoji, side bias."),
        ((), "tokens"),
    ],
)
def test_what_style_control_left_out_is_named(held: tuple[str, ...], said: str | None) -> None:
    effects = [{"name": name, "coefficient": 0.1, "lower": 0.05, "upper": 0.15} for name in held]
    styled = orjson.loads(board_file("overall", "Overall")) | {"style_control": True, "coefficients": effects}
    page = page_of(
        [parse_board(board_file("overall", "Overall"))], parse_board(orjson.dumps(styled)), BoardQuery()
    )
    text = text_of(page)
    assert ("Not held equal" in text) == (said is not None)
    assert said is None or said in text.partition("Not held equal")[2].partition("</p>")[0]


def test_a_rank_is_marked_where_it_says_more_than_all_ranks() -> None:
    overall, code, maths = (
        orjson.loads(board_file(name, name.title())) for name in ("overall", "code", "math")
    )
    for entry in code["entries"][:2]:
        entry |= {"rank_lower": 1, "rank_upper": 2}
    for entry in code["entries"][2:]:
        entry |= {"rating": None, "rank_lower": None, "rank_upper": None}
    boards = [parse_board(orjson.dumps(file)) for file in (overall, code, maths)]
    page = page_of(boards, parse_board(board_file("overall", "Overall")), BoardQuery())
    assert [board.name for board in page.table.columns] == ["code", "math"]
    html = text_of(page)
    marked = re.findall(r'<td class="category wide first">([^<]*)</td>', html)
    assert marked == [str(entry.ranks) for entry in boards[2].entries if entry.rank_lower == 1]
    assert "a model may be first and is among the first 50 for certain" in html
