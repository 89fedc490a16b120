"""All boards of an arena at once: names and labels are read once, and one pass counts the cells of every board."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from ratings import BradleyTerryFit, Comparisons, fit_bradley_terry, sandwich
from ratings.encoding import WINNERS, encode_battles

Board = tuple[BradleyTerryFit, np.ndarray]


def all_boards(battles: pd.DataFrame, *, column: str, tags: Sequence[str]) -> list[Board]:
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


def _comparisons(battles: pd.DataFrame, column: str, tags: Sequence[str]) -> Iterator[Comparisons]:
    encoded = encode_battles(battles[["model_a", "model_b", "winner"]])
    size = len(encoded.models)
    cell = (encoded.side_a * np.int32(size) + encoded.side_b) * np.int32(len(WINNERS)) + encoded.winner
    width = size * size * len(WINNERS)
    group = pa.array(battles[column]).dictionary_encode()
    if isinstance(group, pa.ChunkedArray):
        group = group.unify_dictionaries().combine_chunks()
    groups = len(group.dictionary)
    keys = group.indices.to_numpy() * np.int32(width) + cell
    by_group = np.bincount(keys, minlength=groups * width).reshape(groups, width)
    for counts in (by_group.sum(axis=0), *by_group):
        yield _from_cells(encoded.models, counts)
    for tag in tags:
        yield _from_cells(encoded.models, np.bincount(cell[battles[tag].to_numpy()], minlength=width))


def _from_cells(models: Sequence[object], counts: np.ndarray) -> Comparisons:
    table = counts.reshape(-1, len(WINNERS))
    pair = np.flatnonzero(table.any(axis=1))
    first, second = np.divmod(pair, len(models))
    return Comparisons.from_counts(models, first, second, table[pair])
