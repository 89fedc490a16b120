"""Machine code and array operations add up the same, which is what a plain sum over rows gives."""

from typing import Any

import numpy as np
import pytest
from scipy import special

from ratings.row_sums import RowSums, StylePoint, add_up
from ratings.style_blocks import StyleBlock

PAIRS, COLUMNS = 40, 3


def block(seed: int, rows: int, cells: int, *, weighted: bool = False, clusters: bool = False) -> StyleBlock:
    rng = np.random.default_rng(seed)
    inner = rng.choice(np.arange(1, rows), cells - 1, replace=False)
    return StyleBlock(
        pair=rng.choice(PAIRS, cells, replace=False).astype(np.int32),
        start=np.sort(np.append(inner, 0)).astype(np.int64),
        contrast=rng.uniform(-1, 1, (COLUMNS, rows)),
        outcome=rng.integers(-1, 2, rows).astype(np.int8),
        weight=rng.uniform(0.1, 9, rows) if weighted else None,
        count=rng.integers(1, 5, rows).astype(np.float64) if weighted else None,
        cluster=rng.integers(0, 6, rows).astype(np.int32) if clusters else None,
    )


def point(spread: float = 1.0) -> StylePoint:
    rng = np.random.default_rng(0)
    return StylePoint(difference=spread * rng.normal(size=PAIRS), slopes=spread * rng.normal(size=COLUMNS))


def plain_sums(blocks: list[StyleBlock], at: StylePoint) -> RowSums:
    """Follow the definition with arrays of all pairs and columns for each row."""
    sums = RowSums.zero(at, for_sandwich=True)
    for rows in blocks:
        pair = np.repeat(rows.pair, rows.lengths)
        weight = np.ones(rows.rows) if rows.weight is None else rows.weight
        count = np.ones(rows.rows) if rows.count is None else rows.count
        logit, outcome = at.difference[pair] + at.slopes @ rows.contrast, (1 + rows.outcome) / 2
        score = weight * (special.expit(logit) - outcome)
        factors = weight * special.expit(logit) * special.expit(-logit), score**2 / count
        numbers = [score]
        for factor in factors:
            numbers += [factor, *(factor * rows.contrast)]
        for number, of_rows in enumerate(numbers):
            np.add.at(sums.by_pair[number], pair, of_rows)
            if number not in (1, 2 + COLUMNS):
                sums.overall[number] += rows.contrast @ of_rows
        sums.loss += float((weight * (np.logaddexp(0, logit) - outcome * logit)).sum())
        sums.scores.append(score)
    return sums


@pytest.mark.parametrize("options", [{}, {"weighted": True}, {"clusters": True, "weighted": True}])
@pytest.mark.parametrize(
    ("rows", "cells"), [(1, 1), (9, 9), (512, 1), (513, 2), (1024, 40), (3000, 1), (3000, 30)]
)
def test_sums_are_those_of_their_definition(
    rows: int, cells: int, options: dict[str, Any], is_compiled: bool
) -> None:
    blocks = [block(seed, rows, cells, **options) for seed in range(3)]
    expected = plain_sums(blocks, point())
    sums = add_up(blocks, point(), for_sandwich=True, compiled=is_compiled)
    np.testing.assert_allclose(sums.by_pair, expected.by_pair, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(sums.overall[0], expected.overall[0], rtol=1e-12, atol=1e-11)
    for kind, start in enumerate([2, 3 + COLUMNS]):
        products = expected.overall[start : start + COLUMNS]
        np.testing.assert_allclose(sums.products(kind), products, rtol=1e-12, atol=1e-11)
    assert sums.loss == pytest.approx(expected.loss, rel=1e-13)
    for scores, wanted in zip(sums.scores, expected.scores, strict=False):
        np.testing.assert_allclose(scores, wanted, rtol=1e-12, atol=1e-14)
    assert len(sums.scores) == (3 if options.get("clusters") else 0)

    fewer = add_up(blocks, point(), for_sandwich=False, compiled=is_compiled)
    assert fewer.by_pair.tobytes() == sums.by_pair[: 2 + COLUMNS].tobytes()
    assert (fewer.loss, fewer.scores) == (0, [])


@pytest.mark.parametrize("spread", [0.0, 1e-8, 10.0, 100.0, 900.0])
def test_every_logit_keeps_its_precision(spread: float, is_compiled: bool) -> None:
    rows = block(7, 2000, 30)
    expected = plain_sums([rows], point(spread))
    sums = add_up([rows], point(spread), for_sandwich=True, compiled=is_compiled)
    # Below the smallest normal number nothing is left of a curvature.
    np.testing.assert_allclose(sums.by_pair[1], expected.by_pair[1], rtol=1e-12, atol=1e-300)
    assert sums.loss == pytest.approx(expected.loss, rel=1e-13)
