"""Plots of a leaderboard, with matplotlib if it is installed."""

import importlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ratings.errors import InvalidComparisonsError, InvalidOptionError

FORMATS = (".svg", ".png")

# Readable on white and on black, as a page may be either.
_INK = "#7a828c"
_FAINT = "#7a828c40"
_DOT = "#2f81c7"
_BAR = "#2f81c799"
_INCH_PER_ROW = 0.21
_TOP_INCHES = 0.42
_TOP_INCHES_WITH_AXIS = 0.66
_BOTTOM_INCHES = 0.48
_ROWS_THAT_NEED_AN_AXIS_ABOVE = 40
_WIDTH_INCHES = 8.0
_LONGEST_NAME = 44
_DPI = 150
_FIXED: dict[str, Any] = {
    "svg.hashsalt": "ratings",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.unicode_minus": True,
}


def plot_ratings(
    table: pd.DataFrame, path: str | PathLike[str], *, title: str = "", caption: str = ""
) -> None:
    """Draw ratings with their intervals, one row a model, best on top.

    Parameters
    ----------
    table : DataFrame
        ``Leaderboard.table``: columns model, rating, lower, upper; models without a rating are left out. An
        interval that is missing is drawn as a faint line from side to side.
    path : path
        Ends in .svg or .png, which decides the format.
    title, caption : str
        Above and below the plot.

    Raises
    ------
    InvalidOptionError
        If the ending is another one, or matplotlib is not installed (``pip install 'arena-ratings[plot]'``).
    InvalidComparisonsError
        If no model has a rating.

    Notes
    -----
    The background is transparent and the colours suit light and dark pages. The same table gives the same
    bytes with the same version of matplotlib: no date, no random names, no settings of the user.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InvalidOptionError(f"{path} does not end in {' or '.join(FORMATS)}: name the plot so.")
    rated = table[table.rating.notna()]
    if rated.empty:
        raise InvalidComparisonsError("No model has a rating, so there is nothing to plot.")
    matplotlib = _import_matplotlib()
    defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    with matplotlib.rc_context({**defaults, **_FIXED}):
        figure = _draw(rated, title, caption)
        metadata = {"Date": None} if suffix == ".svg" else {"Software": None}
        figure.savefig(path, format=suffix[1:], dpi=_DPI, metadata=metadata, transparent=True)


def _import_matplotlib() -> Any:
    try:
        return importlib.import_module("matplotlib")
    except ImportError as error:
        raise InvalidOptionError(
            "Plots need the package matplotlib: pip install matplotlib, or the extra 'plot' of this package."
        ) from error


def _draw(rated: pd.DataFrame, title: str, caption: str) -> Any:
    # The object interface draws without the global state of pyplot, and on any machine.
    figure_module = importlib.import_module("matplotlib.figure")
    importlib.import_module("matplotlib.backends.backend_agg")
    axis_above = len(rated) > _ROWS_THAT_NEED_AN_AXIS_ABOVE
    top = _TOP_INCHES_WITH_AXIS if axis_above else _TOP_INCHES
    height = top + _BOTTOM_INCHES + _INCH_PER_ROW * len(rated)
    figure = figure_module.Figure(figsize=(_WIDTH_INCHES, height))
    axes = figure.add_subplot()
    left, right = _limits(rated)
    rows = np.arange(len(rated))
    _draw_intervals(axes, rated, rows, left, right)
    axes.plot(rated.rating, rows, "o", markersize=4.2, color=_DOT, markeredgewidth=0, zorder=3)
    axes.set_xlim(left, right)
    axes.set_ylim(len(rated) - 0.4, -0.6)
    axes.set_yticks(rows, [_shorten(str(name)) for name in rated.model])
    axes.tick_params(length=0, colors=_INK)
    axes.tick_params(axis="x", bottom=True, labeltop=axis_above)
    axes.grid(axis="x", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row in rows[4::5]:
        axes.axhline(row + 0.5, color=_FAINT, linewidth=0.4, zorder=0)
    _write_numbers(axes, rated, rows)
    _write_margins(figure, axes, height, title, caption)
    figure.subplots_adjust(right=0.86, bottom=_BOTTOM_INCHES / height, top=1 - top / height)
    return figure


def _limits(rated: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis: all ratings, and no more of wild intervals than twice their spread."""
    rating, lower, upper = rated[["rating", "lower", "upper"]].to_numpy(dtype=np.float64).T
    low, high = rating.min(), rating.max()
    spread = max(high - low, 1.0)
    left = max(np.fmin(lower, rating).min(), low - spread)
    right = min(np.fmax(upper, rating).max(), high + spread)
    margin = 0.02 * max(right - left, 10.0)
    return left - margin, right + margin


def _draw_intervals(axes: Any, rated: pd.DataFrame, rows: Any, left: float, right: float) -> None:
    known = rated.lower.notna().to_numpy() & rated.upper.notna().to_numpy()
    lower, upper = rated.lower.to_numpy(dtype=np.float64), rated.upper.to_numpy(dtype=np.float64)
    axes.hlines(rows[known], lower[known], upper[known], color=_BAR, linewidth=2.2)
    axes.hlines(rows[~known], left, right, color=_FAINT, linewidth=2.2)


def _write_numbers(axes: Any, rated: pd.DataFrame, rows: Any) -> None:
    for row, (rating, lower, upper) in enumerate(_triples(rated)):
        width = f" ± {(upper - lower) / 2:.1f}" if np.isfinite(upper - lower) else ""
        axes.annotate(
            f"{rating:.1f}{width}",
            (1.01, rows[row]),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
            color=_INK,
            annotation_clip=False,
        )


def _triples(rated: pd.DataFrame) -> Sequence[tuple[float, float, float]]:
    return list(rated[["rating", "lower", "upper"]].astype(np.float64).itertuples(index=False, name=None))


def _write_margins(figure: Any, axes: Any, height: float, title: str, caption: str) -> None:
    names = max((len(label.get_text()) for label in axes.get_yticklabels()), default=1)
    left = min(0.10 + 0.072 * names, 3.4) / _WIDTH_INCHES
    figure.subplots_adjust(left=left)
    if title:
        figure.text(0.012, 1 - 0.22 / height, title, fontsize=10.5, color=_INK, weight="bold", va="center")
    if caption:
        figure.text(0.012, 0.14 / height, caption, fontsize=7.5, color=_INK, va="center")


def _shorten(name: str) -> str:
    # matplotlib takes what stands between two dollar signs for a formula.
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return short.replace("$", r"\$")
