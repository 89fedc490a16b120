"""A board of two hundred models, thirty boards around it, costs a page little of a processor."""

import re
from time import process_time
from typing import Any

import orjson
from fastapi import Request

from arena.categories import CATEGORIES
from arena.language_names import LANGUAGE_NAMES
from arena.settings import Settings
from arena.web.board_navigation import navigate
from arena.web.board_query import BoardQuery, select_rows
from arena.web.board_rows import BoardRows, category_columns, summarise
from arena.web.boards import BoardPage, parse_board
from arena.web.pages_boards import LeaderboardPage
from arena.web.rendering import render_page

MODELS = 200
MOST_MILLISECONDS = 50
LANGUAGES = [name.lower().replace(" ", "-") for name in list(LANGUAGE_NAMES.values())[:19]]


def board_file(name: str, title: str, turned: int = 0) -> bytes:
    """A feed file of two hundred models."""
    entries = [
        {
            "model": f"maker-{number % 23}/model-{number:03d}-instruct",
            "organization": f"Maker {number % 23}",
            "license": ("Apache-2.0", "MIT", "proprietary")[number % 3],
            "open_weights": number % 3 != 2,
            "parameters_billions": number if number % 3 != 2 else None,
            "status": "active" if number % 7 else "retired",
            "rating": 1300.25 - 3 * place,
            "lower": 1290.5 - 3 * place,
            "upper": 1310.75 - 3 * place,
            "rank_lower": max(place - 4, 1),
            "rank_upper": min(place + 4, MODELS),
            "votes": 30_000 - 90 * number,
            "win_rate": 0.5,
            "preliminary": number % 11 == 0,
        }
        for place, number in enumerate(((n + turned) % MODELS for n in range(MODELS)), start=1)
    ]
    file: dict[str, Any] = {
        "category": name,
        "title": title,
        "kind": "people",
        "population": "overall",
        "about": "Votes of people.",
        "origin": None,
        "license": None,
        "votes": 3_000_000,
        "snapshot": "0" * 64,
        "generated_at": "2026-11-26T12:00:00Z",
        "method": {"name": "bradley-terry", "version": "2", "parameters": {"confidence": 0.95}},
        "entries": entries,
        "unrated": {},
    }
    return orjson.dumps(file)


def page_of(boards: list[BoardPage], styled: BoardPage, query: BoardQuery) -> LeaderboardPage:
    """What the route puts together once the files are parsed."""
    navigation = navigate(boards, boards[0])
    table = BoardRows(boards[0], styled, category_columns(navigation))
    return LeaderboardPage(
        board=boards[0],
        navigation=navigation,
        table=table,
        selection=select_rows(table, query),
        summary=summarise(boards[0]),
        swap=None,
        changed=None,
        instead_of=None,
        dated=None,
        stale_since=None,
    )


def test_a_board_of_two_hundred_models_is_cheap() -> None:
    names = [("overall", "Overall"), *((it.name, it.title) for it in CATEGORIES)]
    names += [(name, name.title()) for name in LANGUAGES]
    boards = [parse_board(board_file(name, title, place)) for place, (name, title) in enumerate(names)]
    styled = parse_board(board_file("overall", "Overall", 3))
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/leaderboard", "query_string": b""}
    request = Request(scope | {"headers": [], "server": ("arena.example", 80), "scheme": "http"})
    request.state.settings = Settings(secret_key="k" * 32)
    costs = []
    for _ in range(6):
        before = process_time()
        answer = render_page(request, "leaderboard.html", page_of(boards, styled, BoardQuery(sort="-votes")))
        costs.append(1000 * (process_time() - before))
    rows = re.findall(rb'<td class="number rank">', bytes(answer.body))
    assert (len(boards), len(rows)) == (30, MODELS)
    assert min(costs) < MOST_MILLISECONDS, costs
