"""Which board is opened first: the front page names the one that the leaderboard page shows."""

from dataclasses import dataclass

import pytest

from arena.web.boards import first_shown


@dataclass
class Board:
    """What the choice looks at."""

    name: str
    votes: int
    has_ratings: bool = False
    is_settled: bool = False
    is_main: bool = True


SETTLED = Board("study", 500, has_ratings=True, is_settled=True)


@pytest.mark.parametrize(
    ("boards", "first"),
    [
        ((Board("overall", 5, True), SETTLED), "overall"),
        ((Board("overall", 1), Board("demo", 6, True), Board("simulated", 240, True)), "simulated"),
        ((Board("overall", 0), Board("demo", 900, True, True), Board("simulated", 2400, True, True)), "demo"),
        ((Board("overall", 0), Board("demo", 900, True), SETTLED), "study"),
        ((Board("overall", 0), Board("code", 9, True, True, is_main=False), Board("demo", 1)), "demo"),
        ((Board("overall", 0), Board("demo", 0)), "overall"),
    ],
)
def test_first_board_is_the_overall_one_or_one_that_is_worth_showing(boards: list[Board], first: str) -> None:
    shown = first_shown(boards)  # type: ignore[arg-type]
    assert shown is not None
    assert shown.name == first


def test_without_boards_none_is_first() -> None:
    assert first_shown([]) is None
