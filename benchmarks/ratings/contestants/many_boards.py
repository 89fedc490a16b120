"""All boards of an arena at once: names and labels are read once, and one pass counts the cells of every board."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa

from ratings import BradleyTerryFit, Comparisons, fit_bradley_terry, sandwich
from ratings.encoding import WINNERS, encode_battles

Battles = pd.DataFrame | pa.Table
Board = tuple[BradleyTerryFit, np.ndarray]


def all_boards(battles: Battles, *, column: str, tags: Sequence[str]) -> list[Board]:
    """Fit the board of all votes, of every value of a column, and of every tag, with sandwich covariances.

    Each is a fit of the largest group of its models that can be rated, started from the board of all votes.
    """
    boards: list[Board] = []
    start: dict[object, float] = {}
    for comparisons in _comparisons(battles, column, tags):
        rateable = comparisons.strongly_connected()[0]
        rated = comparisons if len(rateable) == len(comparisons.models) else comparisons.restrict(rateable)
        guess = np.array([start[name] for name in rated.models]) if start else None
        fit = fit_bradley_terry(rated, start=guess)
        start = start or dict(zip(fit.models, fit.strengths.tolist(), strict=True))
        boards.append((fit, sandwich(fit, rated)))
    return boards


def _comparisons(battles: Battles, column: str, tags: Sequence[str]) -> Iterator[Comparisons]:
    groups = ThreadPoolExecutor(1).submit(_groups, battles, column)
    encoded = encode_battles(_select(battles, ["model_a", "model_b", "winner"]))
    size = len(encoded.models)
    cell = (encoded.side_a * np.int32(size) + encoded.side_b) * np.int32(len(WINNERS)) + encoded.winner
    width = size * size * len(WINNERS)
    group, number = groups.result()
    by_group = np.bincount(group * np.int32(width) + cell, minlength=number * width).reshape(number, width)
    overall = by_group.sum(axis=0)
    used = np.flatnonzero(overall)
    by_tag = np.zeros((len(tags), width), dtype=np.int64)
    by_tag[:, used] = _count_tags(battles, tags, used, cell, width)
    for counts in (overall, *by_group, *by_tag):
        yield _from_cells(encoded.models, counts)


def _groups(battles: Battles, column: str) -> tuple[np.ndarray, int]:
    values = battles[column]
    codes = pa.array(values) if isinstance(values, pd.Series) else values
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.unify_dictionaries().combine_chunks()
    if not isinstance(codes, pa.DictionaryArray):
        codes = codes.dictionary_encode()
    return codes.indices.to_numpy(), len(codes.dictionary)


def _count_tags(
    battles: Battles, tags: Sequence[str], used: np.ndarray, cell: np.ndarray, width: int
) -> np.ndarray:
    """Count the votes with each tag in each cell that occurs, by way of the sets of tags that occur."""
    place = np.zeros(width, dtype=np.int32)
    place[used] = np.arange(len(used))
    sets = np.zeros(len(cell), dtype=np.uint8)
    for number, tag in enumerate(tags):
        sets |= np.asarray(battles[tag]).view(np.uint8) << np.uint8(number)
    numbers = sets.astype(np.int32)
    numbers *= len(used)
    numbers += np.take(place, cell, mode="clip")
    counts = np.bincount(numbers, minlength=len(used) << len(tags))
    member = np.arange(1 << len(tags)) >> np.arange(len(tags))[:, np.newaxis] & 1
    # Whole numbers far below 2 ** 53, so the floating-point product is exact.
    found: np.ndarray = member.astype(np.float64) @ counts.reshape(-1, len(used)).astype(np.float64)
    return found.astype(np.int64)


def _select(battles: Battles, names: list[str]) -> Battles:
    return battles[names] if isinstance(battles, pd.DataFrame) else battles.select(names)


def _from_cells(models: Sequence[object], counts: np.ndarray) -> Comparisons:
    cube = counts.reshape(len(models), len(models), len(WINNERS))
    # From the side of either model: what it won, the other lost.
    cube = cube + cube.transpose(1, 0, 2)[:, :, [1, 0, 2, 3]]
    first, second = np.nonzero(np.triu(cube.any(axis=2), 1))
    return Comparisons.from_counts(models, first, second, cube[first, second])
