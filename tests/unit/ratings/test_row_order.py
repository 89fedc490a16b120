"""Rows in an order that what they hold decides."""

import numpy as np
import pytest

from ratings.arrays import BoolArray, FloatArray
from ratings.hashing import hash_rows
from ratings.row_order import RowOrder

ROWS, PAIRS = 400_000, 300


def ordered(
    pair: np.ndarray, content: FloatArray, kept: BoolArray | None = None, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    order = RowOrder(len(pair), PAIRS)
    order.enter(0, pair.astype(np.int32), hash_rows([content]))
    outcome = np.zeros(len(pair), dtype=np.int8)
    order.sort(kept, outcome, [content], threads=threads)
    borders = order.borders(1 << 16)
    parts = [order.rows(low, high) for low, high in zip(borders, borders[1:], strict=False)]
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


def test_only_rows_kept(table: tuple[np.ndarray, FloatArray]) -> None:
    pair, content = table
    kept = content > 1_000
    _, rows = ordered(pair, content, kept, threads=2)
    assert (np.sort(rows) == np.flatnonzero(kept)).all()
