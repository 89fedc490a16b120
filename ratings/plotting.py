"""Plots of a leaderboard, with matplotlib if it is installed."""

import importlib
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.text_tables import shorten, shorten_all

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
_LONGEST_NAMES = (44, 36, 30, 24, 18, 12)
_WIDEST_NAME_INCHES = 3.3
_LONGEST_TITLE = 84
_CAPTION_LINE = 135
_INCH_PER_CAPTION_LINE = 0.14
_MISSING_GLYPH = "missing from font"
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
) -> tuple[str, ...]:
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

    Returns
    -------
    tuple of str
        What the plot could not show: one note where the font lacks letters, drawn as boxes.

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
    notes: list[str] = []
    with matplotlib.rc_context({**defaults, **_FIXED}), _missing_letters(notes):
        figure = _draw(rated, title, caption)
        metadata = {"Date": None} if suffix == ".svg" else {"Software": None}
        figure.savefig(path, format=suffix[1:], dpi=_DPI, metadata=metadata, transparent=True)
    return tuple(notes)


@contextmanager
def _missing_letters(notes: list[str]) -> Iterator[None]:
    """Make one note of all warnings that the font lacks a letter."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", message=f".*{_MISSING_GLYPH}")
        yield
    missing = {str(warning.message) for warning in caught if _MISSING_GLYPH in str(warning.message)}
    if missing:
        notes.append(f"The plot shows boxes for {len(missing)} letters that its font DejaVu Sans lacks.")
    for warning in caught:
        if _MISSING_GLYPH not in str(warning.message):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


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
    canvas_module = importlib.import_module("matplotlib.backends.backend_agg")
    lines = textwrap.wrap(caption, _CAPTION_LINE)
    axis_above = len(rated) > _ROWS_THAT_NEED_AN_AXIS_ABOVE
    top = _TOP_INCHES_WITH_AXIS if axis_above else _TOP_INCHES
    bottom = _BOTTOM_INCHES + _INCH_PER_CAPTION_LINE * max(len(lines) - 1, 0)
    height = top + bottom + _INCH_PER_ROW * len(rated)
    figure = figure_module.Figure(figsize=(_WIDTH_INCHES, height), dpi=_DPI)
    renderer = canvas_module.FigureCanvasAgg(figure).get_renderer()
    axes = figure.add_subplot()
    left, right = _limits(rated)
    rows = np.arange(len(rated))
    _draw_intervals(axes, rated, rows, left, right)
    axes.plot(rated.rating, rows, "o", markersize=4.2, color=_DOT, markeredgewidth=0, zorder=3)
    axes.set_xlim(left, right)
    axes.set_ylim(len(rated) - 0.4, -0.6)
    axes.tick_params(length=0, colors=_INK)
    axes.tick_params(axis="x", bottom=True, labeltop=axis_above)
    axes.grid(axis="x", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row in rows[4::5]:
        axes.axhline(row + 0.5, color=_FAINT, linewidth=0.4, zorder=0)
    names = _write_names(axes, rated, rows, renderer)
    numbers = _write_numbers(axes, rated, rows, renderer)
    _write_margins(figure, height, shorten(title, _LONGEST_TITLE), "\n".join(lines))
    figure.subplots_adjust(
        left=(names + 0.15) / _WIDTH_INCHES,
        right=1 - max(numbers + 0.12, 1.12) / _WIDTH_INCHES,
        bottom=bottom / height,
        top=1 - top / height,
    )
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


def _write_names(axes: Any, rated: pd.DataFrame, rows: Any, renderer: Any) -> float:
    """Label the rows, with as much of the names as there is room for; return the widest, in inches."""
    widest = 0.0
    for longest in _LONGEST_NAMES:
        shown = shorten_all([str(name) for name in rated.model], longest)
        # matplotlib takes what stands between two dollar signs for a formula.
        axes.set_yticks(rows, [name.replace("$", r"\$") for name in shown])
        widest = _widest(axes.get_yticklabels(), renderer)
        if widest <= _WIDEST_NAME_INCHES:
            break
    return widest


def _widest(texts: Sequence[Any], renderer: Any) -> float:
    return max(float(text.get_window_extent(renderer).width) for text in texts) / _DPI


def _write_numbers(axes: Any, rated: pd.DataFrame, rows: Any, renderer: Any) -> float:
    """Write rating and half width behind each row; return the widest, in inches."""
    texts = []
    for row, (rating, lower, upper) in enumerate(_triples(rated)):
        width = f" ± {(upper - lower) / 2:.1f}" if np.isfinite(upper - lower) else ""
        texts.append(
            axes.annotate(
                f"{rating:.1f}{width}",
                (1.01, rows[row]),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=7.5,
                color=_INK,
                annotation_clip=False,
            )
        )
    return _widest(texts, renderer)


def _triples(rated: pd.DataFrame) -> Sequence[tuple[float, float, float]]:
    return list(rated[["rating", "lower", "upper"]].astype(np.float64).itertuples(index=False, name=None))


def _write_margins(figure: Any, height: float, title: str, caption: str) -> None:
    if title:
        title = title.replace("$", r"\$")
        figure.text(0.012, 1 - 0.22 / height, title, fontsize=10.5, color=_INK, weight="bold", va="center")
    if caption:
        caption = caption.replace("$", r"\$")
        figure.text(0.012, 0.07 / height, caption, fontsize=7.5, color=_INK, va="bottom")
