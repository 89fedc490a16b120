"""Read a table of battles into integer codes, with errors that name the row."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrays import CodeArray, FloatArray, IntArray, ModelId, SmallCodeArray
from ratings.columns import (
    Battles,
    CodedColumn,
    code_columns,
    code_identities,
    first_row,
    numbers,
    raise_types,
    reject,
    require_columns,
)

WINNERS = ("model_a", "model_b", "tie", "both_bad")
"""The winner labels; a label's place here is its code."""

MOST_VOTES = 2**53
"""Up to here every number of votes is exact in double precision."""

LARGEST_WEIGHT = 1e100
"""Beyond this, and below its inverse, sums of squares leave the range of double precision."""

_BLOCK = 1 << 17

_Codes = TypeVar("_Codes", CodeArray, SmallCodeArray)


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedBattles:
    """A table of battles as codes, one entry per row, in the order of the rows.

    Attributes
    ----------
    models : tuple
        Names in sorted order, length n_models.
    side_a, side_b : int32, shape (n_rows,)
        Indices into ``models``.
    winner : int8, shape (n_rows,)
        Indices into `WINNERS`.
    count : int64, shape (n_rows,)
        Number of identical votes that the row stands for; 0 where the weight is 0.
    weight : float64, shape (n_rows,)
        Weight of each of these votes in the likelihood.
    cluster : int32, shape (n_rows,), or None
        Whose vote it is, when asked for: indices into ``identities``.
    identities : Arrow array, length n_clusters, or None
        The distinct identities in sorted order.
    is_unit : bool
        Every row is one vote of weight 1; ``count`` and ``weight`` then take no memory.
    """

    models: tuple[ModelId, ...]
    side_a: CodeArray
    side_b: CodeArray
    winner: SmallCodeArray
    count: IntArray
    weight: FloatArray
    cluster: CodeArray | None
    identities: pa.Array | None = None
    is_unit: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of pickles what would take memory there alone."""
        return vars(self) | ({"count": None, "weight": None} if self.is_unit else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["is_unit"]:
            state |= dict(zip(("count", "weight"), unit_weights(len(state["winner"])), strict=True))
        vars(self).update(state)


def unit_weights(rows: int) -> tuple[IntArray, FloatArray]:
    """Count and weight of rows that are one vote each, in the memory of one row."""
    return np.broadcast_to(np.int64(1), rows), np.broadcast_to(np.float64(1), rows)


def encode_battles(battles: Battles, *, cluster: str | None = None) -> EncodedBattles:
    """Check a table of battles and turn its labels into codes.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch; n_rows rows
        Columns as stated in the data convention of ``ratings/README.md``.
    cluster : str, optional
        Column that says whose vote a row is.

    Returns
    -------
    EncodedBattles

    Raises
    ------
    InvalidComparisonsError
        If a column is missing or occurs twice, or a row has an unknown winner label, a missing value, a model
        against itself, a negative or fractional count, or a negative or infinite weight. The first such row is
        named, counted from 0. Also if models, or voters, are not of one type that has an order.

    Notes
    -----
    Columns of strings are coded in slices on all processors. Floating-point identities are read as the whole
    numbers that they stand for.
    """
    require_columns(
        battles,
        ["model_a", "model_b", "winner", *([cluster] if cluster else [])],
        optional=["count", "weight"],
    )
    if isinstance(battles, pa.RecordBatch):
        battles = pa.Table.from_batches([battles])
    with ThreadPoolExecutor(1) as other:
        # Hashing and sorting identities takes as long as all other columns together.
        identified = other.submit(code_identities, battles, cluster) if cluster else None
        column_a, column_b, winners = code_columns(battles, ["model_a", "model_b", "winner"])
    models, side_a, side_b = _encode_models(battles, column_a, column_b)
    winner = _encode_winners(battles, winners)
    count, weight = _counts(battles), _weights(battles)
    codes, identities = identified.result() if identified else (None, None)
    return EncodedBattles(
        models=models,
        side_a=side_a,
        side_b=side_b,
        winner=winner,
        count=_votes(count, weight, len(battles)),
        weight=np.broadcast_to(np.float64(1), len(battles)) if weight is None else weight,
        cluster=codes,
        identities=identities,
        is_unit=count is None and weight is None,
    )


def _encode_models(
    battles: Battles, column_a: CodedColumn, column_b: CodedColumn
) -> tuple[tuple[ModelId, ...], CodeArray, CodeArray]:
    names_a, names_b = _model_names(battles, column_a), _model_names(battles, column_b)
    models = _sorted_models(battles, (column_a, names_a), (column_b, names_b))
    index = {name: code for code, name in enumerate(models)}
    side_a, side_b = (
        column.codes
        if tuple(names) == models[: len(names)]
        else _recoded(column.codes, np.array([index[name] for name in names], dtype=np.int32), column.codes)
        for column, names in ((column_a, names_a), (column_b, names_b))
    )
    row = first_row(side_a == side_b)
    if row is not None:
        reject(
            battles,
            row,
            f"{models[side_a[row]]!r} is compared with itself",
            "Drop rows with one model twice.",
        )
    return models, side_a, side_b


def _model_names(battles: Battles, column: CodedColumn) -> list[ModelId]:
    _require_present(battles, column)
    names = [name.item() if isinstance(name, np.generic) else name for name in column.values]
    for code, name in enumerate(names):
        if name == "":
            row = int(np.argmax(column.codes == code))
            reject(battles, row, f"{column.name} is ''", "A model needs a name.")
        if isinstance(name, float):
            row = int(np.argmax(column.codes == code))
            if not name.is_integer():
                reject(battles, row, f"{column.name} is {name!r}", "Identities are strings or whole numbers.")
            names[code] = int(name)
    return names


def _sorted_models(battles: Battles, *columns: tuple[CodedColumn, list[ModelId]]) -> tuple[ModelId, ...]:
    kinds: dict[type, tuple[int, ModelId]] = {}
    for column, names in columns:
        for code, name in enumerate(names):
            if type(name) not in kinds:
                kinds[type(name)] = int(np.argmax(column.codes == code)), name
    try:
        if len(kinds) > 1:
            raise TypeError
        return tuple(sorted({name for _, names in columns for name in names}))
    except TypeError:
        raise_types(battles, "model_a and model_b", list(kinds.values())[:2])


def _encode_winners(battles: Battles, column: CodedColumn) -> SmallCodeArray:
    _require_present(battles, column)
    for code, label in enumerate(column.values):
        if label not in WINNERS:
            row = int(np.argmax(column.codes == code))
            accepted = ", ".join(map(repr, WINNERS))
            reject(battles, row, f"unknown winner label {label!r}", f"Map it to one of {accepted}.")
    places = np.array([WINNERS.index(label) for label in column.values], dtype=np.int8)
    return _recoded(column.codes, places, np.empty(len(column.codes), dtype=np.int8))


def _recoded(codes: CodeArray, places: _Codes, out: _Codes) -> _Codes:
    """Replace each code by its place, block by block, so that nothing of the length of the table is copied."""
    for start in range(0, len(codes), _BLOCK):
        rows = slice(start, start + _BLOCK)
        # Codes are within range, and clipping spares NumPy the check and a copy.
        np.take(places, codes[rows], out=out[rows], mode="clip")
    return out


def _require_present(battles: Battles, column: CodedColumn) -> None:
    row = first_row(column.codes < 0)
    if row is not None:
        reject(battles, row, f"{column.name} is missing", "Fill it in or drop the row.")


def _counts(battles: Battles) -> FloatArray | None:
    counts = numbers(battles, "count")
    if counts is None:
        return None
    row = first_row(counts != np.floor(counts))
    if row is not None:
        reject(battles, row, f"count is {counts[row]}", "A count is a whole number of identical votes.")
    row = first_row(np.cumsum(counts) > MOST_VOTES)
    if row is not None:
        reject(battles, row, f"the counts up to here exceed {MOST_VOTES}", "Scale them down.")
    return counts


def _weights(battles: Battles) -> FloatArray | None:
    weights = numbers(battles, "weight")
    if weights is None:
        return None
    row = first_row((weights > LARGEST_WEIGHT) | ((weights > 0) & (weights < 1 / LARGEST_WEIGHT)))
    if row is not None:
        limits = f"{1 / LARGEST_WEIGHT:.0e} to {LARGEST_WEIGHT:.0e}"
        reject(battles, row, f"weight is {weights[row]}", f"Scale the weights to {limits}, or to 0.")
    return weights


def _votes(count: FloatArray | None, weight: FloatArray | None, rows: int) -> IntArray:
    if count is None and weight is None:
        return np.broadcast_to(np.int64(1), rows)
    votes = np.ones(rows, dtype=np.int64) if count is None else count.astype(np.int64)
    return votes if weight is None else np.where(weight > 0, votes, 0)
