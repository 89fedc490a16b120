"""Check votes that come already counted."""

from collections.abc import Sequence
from typing import NoReturn, cast

import numpy as np
import numpy.typing as npt

from ratings.arrays import BoolArray, FloatArray, IntArray, ModelId
from ratings.columns import Battles
from ratings.encoding import MOST_VOTES, WINNERS
from ratings.errors import InvalidComparisonsError, InvalidOptionError


def require_counted(comparisons: object) -> None:
    """Raise `InvalidOptionError` for a table of battles, which has to be counted first."""
    if isinstance(comparisons, Battles):
        raise InvalidOptionError(
            f"comparisons is a {type(comparisons).__name__}: pass Comparisons.from_battles(battles)."
        )


def sorted_names(models: Sequence[ModelId]) -> tuple[tuple[ModelId, ...], IntArray]:
    """Return different names of one type in sorted order, and the place there of each."""
    try:
        ordered = sorted(models)
    except TypeError as error:
        raise InvalidComparisonsError(
            f"The models are not of one type that has an order ({error}): turn them into strings."
        ) from error
    index = {name: place for place, name in enumerate(ordered)}
    if len(index) < len(ordered):
        twice = next(one for one, other in zip(ordered, ordered[1:], strict=False) if one == other)
        raise InvalidComparisonsError(f"The model {twice!r} is named twice: name each model once.")
    if "" in index:
        raise InvalidComparisonsError("A model is named '': a model needs a name.")
    return tuple(ordered), np.array([index[name] for name in models], dtype=np.int64)


def checked_counts(
    models: Sequence[ModelId], first: npt.ArrayLike, second: npt.ArrayLike, counts: npt.ArrayLike
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the indices and counts of the rows that hold votes, or raise an error that names a row."""
    one, other = _indices("first", first, models), _indices("second", second, models)
    table = np.asarray(counts)
    if table.size == 0 and len(one) == 0:
        table = np.zeros((0, len(WINNERS)), dtype=np.int64)
    if len(one) != len(other) or table.shape != (len(one), len(WINNERS)):
        raise InvalidComparisonsError(
            f"first, second and counts have shapes {one.shape}, {other.shape} and {table.shape}: "
            f"they need (n,), (n,) and (n, {len(WINNERS)})."
        )
    if len(one) and (one == other).any():
        row = int(np.argmax(one == other))
        _reject(row, f"{models[one[row]]!r} is compared with itself", "Drop such rows.")
    votes = _whole_counts(table)
    kept = votes.any(axis=1)
    return one[kept], other[kept], votes[kept]


def _indices(name: str, values: npt.ArrayLike, models: Sequence[ModelId]) -> IntArray:
    indices = np.asarray(values)
    if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
        raise InvalidComparisonsError(
            f"{name} has shape {indices.shape} and type {indices.dtype}: it is a row of integer indices into models."
        )
    wrong = (indices < 0) | (indices >= len(models))
    if wrong.any():
        row = int(np.argmax(wrong))
        _reject(row, f"{name} is {indices[row]}", f"There are {len(models)} models, counted from 0.")
    return indices.astype(np.int64)


def _whole_counts(table: npt.NDArray[np.generic]) -> IntArray:
    if table.dtype.kind not in "iuf":
        raise InvalidComparisonsError(f"counts has type {table.dtype}: counts are whole numbers.")
    values = cast(FloatArray, table.astype(np.float64))
    wrong: BoolArray = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
    if wrong.any():
        row, place = np.argwhere(wrong)[0].tolist()
        _reject(
            row,
            f"the count of {WINNERS[place]} is {table[row, place]}",
            "A count is a whole number, 0 or more.",
        )
    if values.sum() > MOST_VOTES:
        raise InvalidComparisonsError(f"There are more than {MOST_VOTES} votes: scale the counts down.")
    return table.astype(np.int64)


def _reject(row: int, finding: str, advice: str) -> NoReturn:
    raise InvalidComparisonsError(f"Row {row} of the counts: {finding}. {advice}")
