"""The way from board to board: populations first, then the categories of the chosen one, its languages, its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from arena.categories import CATEGORIES
from arena.errors import LeaderboardNotFound
from arena.language_names import LANGUAGE_NAMES
from arena.nearest import nearest_or_first
from arena.web.boards import BoardPage

TASKS: Final = tuple(category.name for category in CATEGORIES)
LANGUAGES: Final = frozenset(name.lower().replace(" ", "-") for name in LANGUAGE_NAMES.values())


@dataclass(frozen=True, kw_only=True)
class BoardGroup:
    """Boards that belong together, under one heading."""

    title: str
    boards: Sequence[BoardPage]


@dataclass(frozen=True, kw_only=True)
class Navigation:
    """All boards around the one that is shown."""

    current: BoardPage
    main: BoardPage  # of the same population
    populations: Sequence[BoardPage]
    groups: Sequence[BoardGroup]  # of the same population; empty ones are left out

    @property
    def siblings(self) -> list[BoardPage]:
        """The main board of the population, then its categories."""
        return [self.main, *(board for group in self.groups for board in group.boards)]


def category_of(board: BoardPage) -> str | None:
    """The category that a board counts, by the name it has in every population; None for all votes."""
    if board.is_main:
        return None
    return board.name if board.kind == "people" else board.name.removeprefix(f"{board.population}-")


def navigate(boards: Sequence[BoardPage], current: BoardPage) -> Navigation:
    """Order the boards of a snapshot around one of them."""
    mains = [board for board in boards if board.is_main]
    groups: dict[str, list[BoardPage]] = {"Categories": [], "Languages": [], "Own categories": []}
    for board in boards:
        if board.population == current.population and not board.is_main:
            groups[_group_of(board)].append(board)
    groups["Categories"].sort(key=lambda board: TASKS.index(category_of(board) or ""))
    groups["Languages"].sort(key=lambda board: -board.votes)
    return Navigation(
        current=current,
        main=next((board for board in mains if board.name == current.population), current),
        populations=mains,
        groups=[BoardGroup(title=title, boards=found) for title, found in groups.items() if found],
    )


def _group_of(board: BoardPage) -> str:
    category = category_of(board)
    if category in TASKS:
        return "Categories"
    return "Languages" if category in LANGUAGES else "Own categories"


def find_board(boards: Sequence[BoardPage], name: str) -> BoardPage:
    """The board of this name; raises `LeaderboardNotFound` with the nearest names."""
    for board in boards:
        if board.name == name:
            return board
    names = [board.name for board in boards]
    raise LeaderboardNotFound(f"There is no leaderboard {name!r}. {nearest_or_first(name, names)}")
