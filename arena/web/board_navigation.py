"""The way from board to board: populations first, then the categories of the chosen one, its languages, its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from arena.categories import CATEGORIES
from arena.errors import LeaderboardNotFound
from arena.language_names import LANGUAGE_NAMES
from arena.web.boards import BoardPage

NEAREST = 5
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
    known = ", ".join(nearest_names(name, names) or names[:NEAREST]) or "none yet"
    raise LeaderboardNotFound(f"There is no leaderboard {name!r}. The nearest are: {known}.")


def nearest_names(asked: str, names: Sequence[str]) -> list[str]:
    """The names most like what was asked, whatever the case; those that contain it come first."""
    folded = {name.casefold(): name for name in names}
    wanted = asked.casefold().strip()
    holding = [name for fold, name in folded.items() if wanted and wanted in fold]
    near = [folded[fold] for fold in get_close_matches(wanted[:200], folded, n=NEAREST, cutoff=0.5)]
    return list(dict.fromkeys([*near, *holding]))[:NEAREST]
