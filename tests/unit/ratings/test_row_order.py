"""Rows in an order that what they hold decides."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from ratings.arrays import BoolArray, FloatArray
from ratings.hashing import Hashes, hash_rows
from ratings.row_order import RowOrder

ROWS, PAIRS = 400_000, 300


def ordered(
    pair: np.ndarray,
    content: FloatArray,
    kept: BoolArray | None = None,
    threads: int = 1,
    hash_of: Callable[[Sequence[FloatArray]], Hashes] = hash_rows,
) -> tuple[np.ndarray, np.ndarray]:
    order = RowOrder(len(pair), PAIRS)
    order.enter(0, pair.astype(np.int32), hash_of([content]))
    outcome = np.zeros(len(pair), dtype=np.int8)
    order.sort(kept, lambda some: [content[some], outcome[some]], threads=threads)
    borders = order.borders(1 << 16)
    parts = [order.rows(low, high) for low, high in pairwise(borders)]
    pairs, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pairs, rows


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, FloatArray]:
    random = np.random.default_rng(20_261_127)
    # So few different contents that many rows hold the same as another.
    return random.integers(0, PAIRS, ROWS), random.integers(0, 5_000, ROWS).astype(np.float64)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_row_once_by_pair_and_content(table: tuple[np.ndarray, FloatArray], threads: int) -> None:
    pair, content = table
    pairs, rows = ordered(pair, content, threads=threads)
    assert (np.sort(rows) == np.arange(ROWS)).all()
    assert (pairs == pair[rows]).all()
    assert (np.diff(pairs) >= 0).all()
    shuffled = np.random.default_rng(1).permutation(ROWS)
    _, other = ordered(pair[shuffled], content[shuffled], threads=1)
    assert (content[shuffled][other] == content[rows]).all()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("least", [0, 1_000])
def test_content_decides_where_hashes_agree(
    table: tuple[np.ndarray, FloatArray], least: float, threads: int
) -> None:
    pair, content = table
    kept = content >= least
    pairs, rows = ordered(pair, content, kept, threads, lambda columns: np.zeros(ROWS, dtype=np.uint64))
    expected = np.flatnonzero(kept)
    expected = expected[np.lexsort([content[expected], pair[expected]])]
    assert (pairs == pair[expected]).all()
    assert (content[rows] == content[expected]).all()
    assert (np.sort(rows) == np.flatnonzero(kept)).all()
