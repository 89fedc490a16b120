"""What an address asks of a board: filters and the order; every part of it is a plain query parameter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from arena.nearest import nearest_names
from arena.web.board_rows import BoardRows, Row
from arena.web.boards import Entry

LONGEST = 100
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "weights": ("open", "closed", "unknown"),
    "size": ("small", "medium", "large", "unknown"),
    "status": ("active", "retired"),
    "preliminary": ("hide", "only"),
}
BOARD_ORDER: Final = "-rating"
Key = Callable[[Row], Any]


def _by_rank(entry: Entry | None) -> tuple[float, float, float]:
    if entry is None or entry.rank_lower is None or entry.rank_upper is None:
        return float("inf"), 0, 0
    return entry.rank_lower, entry.rank_upper, -_last_if_none(entry.rating)


def _last_if_none(value: float | None) -> float:
    return -float("inf") if value is None else value


SORTS: Final[Mapping[str, Key]] = {
    "rank": lambda row: _by_rank(row.entry),
    "model": lambda row: row.entry.model.casefold(),
    "rating": lambda row: _last_if_none(row.entry.rating),
    "style": lambda row: _last_if_none(row.style.rating if row.style else None),
    "votes": lambda row: row.entry.votes,
    "organization": lambda row: (row.entry.organization or "\U0010ffff").casefold(),
    "license": lambda row: (row.entry.license or "\U0010ffff").casefold(),
}
WEIGHTS: Final = {True: "open", False: "closed", None: "unknown"}
LARGEST_SMALL, LARGEST_MEDIUM = 10.0, 70.0  # billions of parameters
DESCENDING_FIRST = frozenset({"rating", "style", "votes"})


@dataclass(frozen=True, kw_only=True)
class BoardQuery:
    """The filters and the order, as far as they make sense; an empty text is no filter."""

    q: str = ""
    organization: str = ""
    license: str = ""
    weights: str = ""
    size: str = ""
    status: str = ""
    preliminary: str = ""
    sort: str = (
        ""  # a key of `SORTS` or a category of the board's columns; `-` before it turns the order round
    )

    @property
    def filters(self) -> dict[str, str]:
        """The filters in use."""
        return {name: value for name, value in self.parameters().items() if name != "sort"}

    @property
    def order(self) -> str:
        """The order in use; that of the board where none is asked for."""
        return self.sort or BOARD_ORDER

    def parameters(self, **changes: str) -> dict[str, str]:
        """The address's parameters, with some changed."""
        return {name: value for name, value in vars(replace(self, **changes)).items() if value}

    def link(self, **changes: str) -> str:
        """The query of a link; `?` alone leads to the board without any."""
        return f"?{urlencode(self.parameters(**changes))}"

    def sort_link(self, column: str) -> str:
        """Sort by a column, or turn its order round."""
        descending = "-" if column in DESCENDING_FIRST else ""
        first = f"{descending}{column}"
        turned = self.order == first
        return self.link(sort=column if turned and descending else f"-{column}" if turned else first)

    def aria_sort(self, column: str) -> str | None:
        """What `aria-sort` says of a column."""
        if self.order.removeprefix("-") != column:
            return None
        return "descending" if self.order.startswith("-") else "ascending"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The rows that a query leaves, in its order, and what was wrong with it."""

    query: BoardQuery
    rows: Sequence[Row]
    notes: Sequence[str]


def select_rows(board: BoardRows, query: BoardQuery) -> Selection:
    """Filter and sort; a value that means nothing is left out and named, with the nearest that do."""
    query, notes = _understood(board, query)
    rows = [row for row in board.rows if _passes(row, query)]
    return Selection(query=query, rows=_sorted(board, rows, query.order), notes=notes)


def _understood(board: BoardRows, query: BoardQuery) -> tuple[BoardQuery, list[str]]:
    notes, changes = [], {}
    known = {
        **CHOICES,
        "organization": board.organizations,
        "license": board.licenses,
        "sort": (*SORTS, *board.category_names),
    }
    for name, values in known.items():
        value = getattr(query, name)
        if value and value.removeprefix("-" if name == "sort" else "") not in values:
            notes.append(_note(name, value, values))
            changes[name] = ""
    if len(query.q) > LONGEST:
        changes["q"] = query.q[:LONGEST]
        notes.append(f"The search was cut to {LONGEST} characters.")
    return replace(query, **changes), notes


def _note(name: str, value: str, known: Sequence[str]) -> str:
    if name in CHOICES:
        told = f"it is {' or '.join(known)}"
    elif near := nearest_names(value, known):
        told = f"the nearest are {', '.join(near)}"
    else:
        told = (
            f"there are {', '.join(known[:8])}{' and others' if len(known) > 8 else ''}"
            if known
            else "none is known"
        )
    return f"{name} = “{value[:LONGEST]}” means nothing here: {told}. The board is shown without it."


def _passes(row: Row, query: BoardQuery) -> bool:
    entry = row.entry
    return (
        query.q.casefold().strip() in entry.model.casefold()
        and query.organization in ("", entry.organization)
        and query.license in ("", entry.license)
        and query.status in ("", entry.status)
        and query.weights in ("", WEIGHTS[entry.open_weights])
        and query.size in ("", size_of(entry.parameters_billions))
        and (not query.preliminary or entry.preliminary is (query.preliminary == "only"))
    )


def size_of(parameters_billions: float | None) -> str:
    """The class of size that a filter asks for."""
    if parameters_billions is None:
        return "unknown"
    if parameters_billions <= LARGEST_SMALL:
        return "small"
    return "medium" if parameters_billions <= LARGEST_MEDIUM else "large"


def _sorted(board: BoardRows, rows: Iterable[Row], order: str) -> list[Row]:
    column = order.removeprefix("-")
    if column in board.category_names:
        place = board.category_names.index(column)
        return sorted(rows, key=lambda row: _by_rank(row.categories[place]), reverse=order.startswith("-"))
    return sorted(rows, key=SORTS[column], reverse=order.startswith("-"))
