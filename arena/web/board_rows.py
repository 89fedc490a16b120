"""The rows of a board's table: each model's rating beside the one at equal style and its ranks in other categories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Final

from arena.catalog import UNKNOWN_ORGANIZATION
from arena.web.board_navigation import Navigation, category_of
from arena.web.boards import BoardPage, Entry
from arena.web.pair_records import PairRecords

CATEGORY_COLUMNS: Final = ("hard-prompts", "code", "math", "creative-writing", "instruction-following")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model: its rating with and without style control, and its entries of other boards."""

    entry: Entry
    style: Entry | None
    gained: int | None  # places won or lost when style is held equal
    categories: Sequence[Entry | None]


@dataclass(frozen=True)
class BoardRows:
    """A board's table before anything is filtered."""

    board: BoardPage
    styled: BoardPage | None
    columns: Sequence[BoardPage]  # other boards of the population, whose ranks stand in columns

    @cached_property
    def rows(self) -> list[Row]:
        """In board order."""
        both = self._places_of_both()
        return [
            Row(
                entry=entry,
                style=self.styled.entry_of(entry.model) if self.styled else None,
                gained=both.get(entry.model),
                categories=[column.entry_of(entry.model) for column in self.columns],
            )
            for entry in self.board.entries
        ]

    @property
    def tells_style(self) -> bool:
        """Whether there is a fit that says what style and side alone do to a vote."""
        return self.styled is not None and self.styled.has_ratings and self.styled.coefficients is not None

    def _places_of_both(self) -> Mapping[str, int]:
        """How many places each model gains with style control, among the models rated with and without it."""
        if self.styled is None:
            return {}
        without, with_style = (
            [entry.model for entry in board.entries if entry.rating is not None]
            for board in (self.board, self.styled)
        )
        shared = set(without) & set(with_style)
        places = {
            model: place for place, model in enumerate([model for model in with_style if model in shared])
        }
        return {
            model: place - places[model]
            for place, model in enumerate([model for model in without if model in shared])
        }

    @property
    def category_names(self) -> list[str]:
        """The columns' names in an address, the same for every population."""
        return [category_of(column) or "all" for column in self.columns]

    @property
    def few(self) -> int:
        """How many places count as the top."""
        return max(len(self.board.entries) // 4, 1)

    @cached_property
    def marked_to(self) -> Sequence[int]:
        """For each column the worst rank of a marked range, which begins with 1 and is not that of all rated models."""
        return [min(self.few, column.rated - 1) for column in self.columns]

    @cached_property
    def organizations(self) -> list[str]:
        """Those of the board, by name."""
        return sorted(
            {entry.organization for entry in self.board.entries if entry.organization}, key=str.casefold
        )

    @cached_property
    def licenses(self) -> list[str]:
        """Those of the board, by name."""
        return sorted({entry.license for entry in self.board.entries if entry.license}, key=str.casefold)


def category_columns(navigation: Navigation) -> list[BoardPage]:
    """A handful of categories beside the main board, and the main board beside a category."""
    if not navigation.current.is_main:
        return [navigation.main] if navigation.main is not navigation.current else []
    found = {category_of(board): board for board in navigation.siblings}
    return [found[name] for name in CATEGORY_COLUMNS if name in found]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Who leads, and how sure that is."""

    leaders: Sequence[Entry]  # all that may be first
    rated: int
    half_width: float | None  # of the median model's interval
    own_rank: int  # models whose rank is one number


def summarise(board: BoardPage) -> Summary:
    """The board in a sentence or two."""
    rated = [entry for entry in board.entries if entry.rating is not None]
    widths = [
        e.upper - e.lower for e in rated if e.upper is not None and e.lower is not None and not e.preliminary
    ]
    return Summary(
        leaders=[entry for entry in rated if entry.rank_lower == 1],
        rated=len(rated),
        half_width=median(widths) / 2 if widths else None,
        own_rank=sum(entry.rank_lower == entry.rank_upper for entry in rated if entry.rank_lower is not None),
    )


@dataclass(frozen=True, kw_only=True)
class SameOrganization:
    """How many of a board's votes were on two models of one organisation."""

    votes: int
    certain: bool  # whether the organisation of every model is known


def same_organization(board: BoardPage, records: PairRecords) -> SameOrganization | None:
    """None where no model's organisation is known."""
    organizations = {
        entry.model: None if entry.organization == UNKNOWN_ORGANIZATION else entry.organization
        for entry in board.entries
    }
    if not any(organizations.values()):
        return None
    return SameOrganization(votes=records.votes_within(organizations), certain=all(organizations.values()))
