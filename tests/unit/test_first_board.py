"""Which board is opened first: the front page names the one that the leaderboard page shows."""

from dataclasses import dataclass

import pytest

from arena.web.boards import first_shown


@dataclass
class Board:
    """What the choice looks at."""

    name: str
    entries: int
    has_ratings: bool = False


@pytest.mark.parametrize(
    ("boards", "first"),
    [
        ((Board("overall", 2), Board("simulated", 5, has_ratings=True)), "overall"),
        ((Board("overall", 0), Board("demo", 2), Board("simulated", 5, has_ratings=True)), "simulated"),
        ((Board("overall", 0), Board("demo", 2)), "overall"),
    ],
)
def test_first_board_is_the_overall_one_or_the_first_with_ratings(boards: list[Board], first: str) -> None:
    shown = first_shown(boards)  # type: ignore[arg-type]
    assert shown is not None
    assert shown.name == first


def test_without_boards_none_is_first() -> None:
    assert first_shown([]) is None
