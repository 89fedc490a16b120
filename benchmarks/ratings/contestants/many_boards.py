"""All boards of an arena at once: names and labels are read once, and one pass counts the cells of every board."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa

from ratings import BradleyTerryFit, Comparisons, fit_bradley_terry, sandwich
from ratings.arrays import ModelId
from ratings.columns import code_columns
from ratings.encoding import WINNERS, encode_battles
from ratings.threads import in_order, thread_count

Battles = pd.DataFrame | pa.Table
Board = tuple[BradleyTerryFit, np.ndarray]

_EXACT_BITS = 53
"""Bits of the whole numbers that are exact in double precision."""


def all_boards(battles: Battles, *, column: str, tags: Sequence[str]) -> list[Board]:
    """Fit the board of all votes, of every value of a column, and of every tag, with sandwich covariances.

    Each is a fit of the largest group of its models that can be rated, started from the board of all votes.
    """
    models, (overall, *others) = _counts(battles, column, tags)
    first = _board(models, overall, None)
    start = dict(zip(first[0].models, first[0].strengths.tolist(), strict=True))
    return [first, *in_order(lambda counts: _board(models, counts, start), others, thread_count(None))]


def _board(models: Sequence[ModelId], counts: np.ndarray, start: Mapping[ModelId, float] | None) -> Board:
    comparisons = _from_cells(models, counts)
    rateable = comparisons.strongly_connected()[0]
    rated = comparisons if len(rateable) == len(comparisons.models) else comparisons.restrict(rateable)
    guess = np.array([start[name] for name in rated.models]) if start else None
    fit = fit_bradley_terry(rated, start=guess)
    return fit, sandwich(fit, rated)


def _counts(
    battles: Battles, column: str, tags: Sequence[str]
) -> tuple[tuple[ModelId, ...], list[np.ndarray]]:
    """The models, and the votes of every board in each cell: of all, of every value of a column, of every tag."""
    groups = ThreadPoolExecutor(1).submit(_groups, battles, column)
    encoded = encode_battles(_select(battles, ["model_a", "model_b", "winner"]))
    size = len(encoded.models)
    cell = (encoded.side_a * np.int32(size) + encoded.side_b) * np.int32(len(WINNERS)) + encoded.winner
    width = size * size * len(WINNERS)
    group, number = groups.result()
    by_group = np.bincount(group * np.int32(width) + cell, minlength=number * width).reshape(number, width)
    overall = by_group.sum(axis=0)
    by_tag = _count_tags(battles, tags, cell, overall)
    return encoded.models, [overall, *by_group, *by_tag]


def _groups(battles: Battles, column: str) -> tuple[np.ndarray, int]:
    (values,) = code_columns(battles, [column])
    return values.codes, len(values.values)


def _count_tags(battles: Battles, tags: Sequence[str], cell: np.ndarray, overall: np.ndarray) -> np.ndarray:
    """Count the votes with each tag in each cell, several tags in the digits of one number."""
    digit = int(overall.max(initial=0)).bit_length()
    together = min(max(_EXACT_BITS // max(digit, 1), 1), 8)
    by_tag = np.empty((len(tags), len(overall)), dtype=np.int64)
    for low in range(0, len(tags), together):
        some = tags[low : low + together]
        sets = np.zeros(len(cell), dtype=np.uint8)
        for number, tag in enumerate(some):
            sets |= np.asarray(battles[tag]).view(np.uint8) << np.uint8(number)
        member = np.arange(1 << len(some)) >> np.arange(len(some))[:, np.newaxis] & 1
        digits = np.arange(len(some)) * digit
        numbers = (member.T << digits).sum(axis=1).astype(np.float64)
        sums = np.bincount(cell, np.take(numbers, sets), minlength=len(overall)).astype(np.int64)
        by_tag[low : low + len(some)] = sums >> digits[:, np.newaxis] & ((1 << digit) - 1)
    return by_tag


def _select(battles: Battles, names: list[str]) -> Battles:
    return battles[names] if isinstance(battles, pd.DataFrame) else battles.select(names)


def _from_cells(models: Sequence[ModelId], counts: np.ndarray) -> Comparisons:
    cube = counts.reshape(len(models), len(models), len(WINNERS))
    # From the side of either model: what it won, the other lost.
    cube = cube + cube.transpose(1, 0, 2)[:, :, [1, 0, 2, 3]]
    first, second = np.nonzero(np.triu(cube.any(axis=2), 1))
    return Comparisons.from_counts(models, first, second, cube[first, second])
