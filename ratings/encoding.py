"""Read a table of battles into integer codes, with errors that name the row."""

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from ratings.arrays import BoolArray, FloatArray, IntArray
from ratings.errors import InvalidComparisonsError

WINNERS = ("model_a", "model_b", "tie", "both_bad")
"""The winner labels; a label's place here is its code."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedBattles:
    """A table of battles as codes, one entry per row, in the order of the rows.

    Attributes
    ----------
    models : tuple of str
        Names in sorted order, length n_models.
    side_a, side_b : int64, shape (n_rows,)
        Indices into ``models``.
    winner : int64, shape (n_rows,)
        Indices into `WINNERS`.
    count : int64, shape (n_rows,)
        Number of identical votes that the row stands for; 0 where the weight is 0.
    weight : float64, shape (n_rows,)
        Weight of each of these votes in the likelihood.
    cluster : int64, shape (n_rows,), or None
        Whose vote it is, when asked for; codes follow the sorted identities.
    """

    models: tuple[str, ...]
    side_a: IntArray
    side_b: IntArray
    winner: IntArray
    count: IntArray
    weight: FloatArray
    cluster: IntArray | None


def encode_battles(battles: pd.DataFrame, *, cluster: str | None = None) -> EncodedBattles:
    """Check a table of battles and turn its labels into codes.

    Parameters
    ----------
    battles : DataFrame, n_rows rows
        Columns as stated in the data convention of ``ratings/README.md``.
    cluster : str, optional
        Column that says whose vote a row is.

    Returns
    -------
    EncodedBattles

    Raises
    ------
    InvalidComparisonsError
        If a column is missing, or a row has an unknown winner label, a missing value, a model against
        itself, a negative or fractional count, or a negative or infinite weight. The first such row is
        named, counted from 0.
    """
    _require_columns(battles, ["model_a", "model_b", "winner", *([cluster] if cluster else [])])
    models, side_a, side_b = _encode_models(battles)
    weight = _weights(battles)
    return EncodedBattles(
        models=models,
        side_a=side_a,
        side_b=side_b,
        winner=_encode_winners(battles),
        count=np.where(weight > 0, _counts(battles), 0),
        weight=weight,
        cluster=_codes(battles, cluster, sort=True)[0] if cluster else None,
    )


def _require_columns(battles: pd.DataFrame, names: list[str]) -> None:
    missing = [name for name in names if name not in battles.columns]
    if missing:
        raise InvalidComparisonsError(
            f"The table of battles lacks the column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(map(repr, battles.columns)) or 'no columns'}. Rename or add the column."
        )


def _encode_models(battles: pd.DataFrame) -> tuple[tuple[str, ...], IntArray, IntArray]:
    codes_a, names_a = _model_codes(battles, "model_a")
    codes_b, names_b = _model_codes(battles, "model_b")
    models = tuple(sorted({*names_a, *names_b}))
    index = {name: code for code, name in enumerate(models)}
    side_a = np.array([index[name] for name in names_a], dtype=np.int64)[codes_a]
    side_b = np.array([index[name] for name in names_b], dtype=np.int64)[codes_b]
    row = _first(side_a == side_b)
    if row is not None:
        _reject(
            battles,
            row,
            f"{models[side_a[row]]!r} is compared with itself",
            "Drop rows with one model twice.",
        )
    return models, side_a, side_b


def _model_codes(battles: pd.DataFrame, column: str) -> tuple[IntArray, list[Any]]:
    codes, names = _codes(battles, column)
    for code, name in enumerate(names):
        if not isinstance(name, str) or not name:
            row = int(np.argmax(codes == code))
            _reject(battles, row, f"{column} is {name!r}", "Models are named by non-empty strings.")
    return codes, names


def _encode_winners(battles: pd.DataFrame) -> IntArray:
    codes, labels = _codes(battles, "winner")
    for code, label in enumerate(labels):
        if label not in WINNERS:
            row = int(np.argmax(codes == code))
            accepted = ", ".join(map(repr, WINNERS))
            _reject(battles, row, f"unknown winner label {label!r}", f"Map it to one of {accepted}.")
    return np.array([WINNERS.index(label) for label in labels], dtype=np.int64)[codes]


def _codes(battles: pd.DataFrame, column: str, *, sort: bool = False) -> tuple[IntArray, list[Any]]:
    codes, values = pd.factorize(battles[column], sort=sort)
    row = _first(codes < 0)
    if row is not None:
        _reject(battles, row, f"{column} is missing", "Fill it in or drop the row.")
    return codes.astype(np.int64, copy=False), list(values)


def _counts(battles: pd.DataFrame) -> IntArray:
    counts = _numbers(battles, "count")
    row = _first(counts != np.floor(counts))
    if row is not None:
        _reject(battles, row, f"count is {counts[row]}", "A count is a whole number of identical votes.")
    return counts.astype(np.int64)


def _weights(battles: pd.DataFrame) -> FloatArray:
    return _numbers(battles, "weight")


def _numbers(battles: pd.DataFrame, column: str) -> FloatArray:
    if column not in battles.columns:
        return np.ones(len(battles))
    numbers = pd.to_numeric(battles[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    row = _first(~(np.isfinite(numbers) & (numbers >= 0)))
    if row is not None:
        value = battles[column].iloc[[row]].tolist()[0]
        _reject(battles, row, f"{column} is {value!r}", f"A {column} is a finite number, 0 or more.")
    return numbers


def _first(wrong: BoolArray) -> int | None:
    return int(np.argmax(wrong)) if wrong.any() else None


def _reject(battles: pd.DataFrame, row: int, finding: str, advice: str) -> NoReturn:
    label = battles.index[row]
    where = f"Row {row}" if label == row else f"Row {row} (index {label!r})"
    raise InvalidComparisonsError(f"{where} of the battles: {finding}. {advice}")
