"""The two columns of each style feature in a table of battles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from ratings.arrays import CodeArray, FloatArray, IntArray
from ratings.columns import Battles, reject, require_columns
from ratings.style_kernels import compare_answers, is_worth_compiling

NumberArray: TypeAlias = npt.NDArray[np.number[Any]]

Definition: TypeAlias = Literal["symmetric", "published"]
"""How a feature of both answers becomes a contrast; see `fit_style_control`."""

SMALLEST = np.finfo(np.float64).tiny
_LARGEST = np.finfo(np.float64).max / 2
_COMPILED = (np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.float64))
"""What columns mostly are; for each the compiler would take some time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureColumns:
    """Features of both answers, not yet checked.

    Attributes
    ----------
    battles : DataFrame, Arrow Table or RecordBatch
        Where they come from, for errors to name rows.
    features : tuple of str
    values : list of (a, b)
        For each feature two arrays of numbers, shape (n_rows,); NaN where there is no number.
    """

    arrangement: ClassVar[None] = None

    battles: Battles
    features: tuple[str, ...]
    values: list[tuple[NumberArray, NumberArray]]

    def check(self) -> None:
        """Raise where a value is missing, negative or not finite."""
        for number, sides in enumerate(self.values):
            if not _are_valid(*sides):
                self._reject(number)

    def fill_contrasts(
        self,
        features: Sequence[str],
        rows: slice | IntArray | CodeArray,
        definition: Definition,
        out: FloatArray,
    ) -> None:
        """Write how both answers of some rows compare, shape (n_features, n_rows); raises as `check` does."""
        compiled = is_worth_compiling(len(self.battles))
        for feature, contrast in zip(features, out, strict=True):
            number = self.features.index(feature)
            of_a, of_b = self.values[number]
            if not compare_sides(of_a[rows], of_b[rows], definition, contrast, compiled=compiled):
                self._reject(number)

    def _reject(self, feature: int) -> NoReturn:
        """Name the first value that is missing, negative or not finite."""
        for side, values in zip("ab", self.values[feature], strict=True):
            numbers = values.astype(np.float64, copy=False)
            wrong = ~((numbers >= 0) & (numbers <= _LARGEST))
            if wrong.any():
                row = int(np.argmax(wrong))
                name = f"{self.features[feature]}_{side}"
                value = _series(self.battles, name).iloc[[row]].tolist()[0]
                reject(
                    self.battles,
                    row,
                    f"{name} is {value!r}",
                    "A feature is a finite number, 0 or more: fill it in or drop the row.",
                )
        raise AssertionError("every value is right")


def feature_columns(battles: Battles, features: Sequence[str]) -> FeatureColumns:
    """Take <feature>_a and <feature>_b of every feature as numbers, without copying where they are.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch; n_rows rows
    features : sequence of str

    Returns
    -------
    FeatureColumns

    Raises
    ------
    InvalidComparisonsError
        If a column is missing or occurs twice.
    """
    require_columns(battles, [f"{feature}_{side}" for feature in features for side in "ab"])
    values = [(_numbers(battles, f"{name}_a"), _numbers(battles, f"{name}_b")) for name in features]
    return FeatureColumns(battles=battles, features=tuple(features), values=values)


def _numbers(battles: Battles, name: str) -> NumberArray:
    series = _series(battles, name)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf":
        return series.to_numpy()
    return pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _series(battles: Battles, name: str) -> "pd.Series[Any]":
    return battles[name] if isinstance(battles, pd.DataFrame) else battles.column(name).to_pandas()


def _are_valid(of_a: NumberArray, of_b: NumberArray) -> bool:
    """Tell whether both sides are finite numbers from 0 on, whose sum is finite, too."""
    if not len(of_a):
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.add(of_a, of_b, dtype=np.float64).max()
    return bool(of_a.min() >= 0 and of_b.min() >= 0 and largest < np.inf)


def compare_sides(
    of_a: NumberArray, of_b: NumberArray, definition: Definition, out: FloatArray, *, compiled: bool
) -> bool:
    """Compute the normalised difference; False where a value is missing, negative or not finite."""
    if compiled and of_a.dtype == of_b.dtype and of_a.dtype in _COMPILED:
        of_a, of_b = np.ascontiguousarray(of_a), np.ascontiguousarray(of_b)
        return compare_answers(of_a, of_b, definition == "published", SMALLEST, out)
    a, b = of_a.astype(np.float64, copy=False), of_b.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        total = a + b
    if not (min(float(a.min()), float(b.min())) >= 0 and float(total.max()) < np.inf):
        return False
    if definition == "published":
        total += 1
    else:
        np.maximum(total, SMALLEST, out=total)
    np.subtract(a, b, out=out)
    out /= total
    return True
