"""Tables for a terminal: aligned columns that fit its width."""

import os.path
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

GAP = "  "
_SHORTEST_NAME = 12
_ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: its heading, how a value is written, and on which side it is aligned."""

    heading: str
    write: Callable[[Any], str] = str
    left: bool = False


def format_table(table: pd.DataFrame, columns: dict[str, Column], *, width: int, flexible: str = "") -> str:
    """Write a table with one line a row.

    Parameters
    ----------
    table : DataFrame
    columns : dict of str to Column
        By column of ``table``, in the order to show. A missing value is written as "-".
    width : int
        Characters that a line may have.
    flexible : str
        The column whose texts are cut where a line would be too long; different ones stay different.

    Returns
    -------
    str
        Without blanks at the ends of lines.
    """
    cells = {
        name: [column.heading, *(_write(value, column) for value in table[name])]
        for name, column in columns.items()
    }
    widths = {name: max(map(len, texts)) for name, texts in cells.items()}
    excess = sum(widths.values()) + len(GAP) * (len(widths) - 1) - width
    if flexible and excess > 0:
        widths[flexible] = max(widths[flexible] - excess, min(_SHORTEST_NAME, widths[flexible]))
        cells[flexible] = shorten_all(cells[flexible], widths[flexible])
        widths[flexible] = max(map(len, cells[flexible]))
    lines = zip(
        *(
            [text.ljust(widths[name]) if columns[name].left else text.rjust(widths[name]) for text in texts]
            for name, texts in cells.items()
        ),
        strict=True,
    )
    return "\n".join(GAP.join(line).rstrip() for line in lines)


def shorten(text: str, width: int) -> str:
    """Cut the middle out of a text that is too long: the ends of model names tell versions apart."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return text[: width - 1 - end] + "…" + text[len(text) - end :]


def shorten_all(texts: Iterable[str], width: int) -> list[str]:
    """Cut texts that are too long, and different ones so that they stay different."""
    wanted = list(texts)
    shown = {text: shorten(text, width) for text in wanted}
    for _ in range(_ROUNDS):
        for group in _alike(shown):
            shown.update(_cut_before_difference(group, width))
    # Nothing short tells a hundred and a hundred and one equal letters apart.
    for group in _alike(shown):
        shown.update({text: text for text in group})
    return [shown[text] for text in wanted]


def _alike(shown: dict[str, str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for text, cut in shown.items():
        groups.setdefault(cut, []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def _cut_before_difference(group: Sequence[str], width: int) -> dict[str, str]:
    """Show texts from where they begin to differ, or their ends where that is in them."""
    start = len(os.path.commonprefix(group))
    room = width - 1
    return {
        text: "…" + (text[-room:] if len(text) - start <= room else text[start : start + room - 1] + "…")
        for text in group
    }


def decimals(places: int, *, signed: bool = False) -> Callable[[Any], str]:
    """Write a number with so many places after the point, and its sign if wanted."""
    pattern = f"{{:{'+' if signed else ''}.{places}f}}"
    return lambda value: pattern.format(value)


def whole(value: Any) -> str:
    """Write a whole number with thousands separated."""
    return f"{int(value):,}"


def wrap(words: Sequence[str], *, width: int, indent: str = "  ") -> str:
    """Write a list of names over as many lines as it takes."""
    lines = [indent]
    for number, word in enumerate(words):
        word += "," if number < len(words) - 1 else ""
        if len(lines[-1]) + len(word) > width and lines[-1] != indent:
            lines.append(indent)
        lines[-1] += word + " "
    return "\n".join(line.rstrip() for line in lines)


def _write(value: Any, column: Column) -> str:
    return "-" if pd.isna(value) else column.write(value)
