"""Machine code and array operations add up the same products, which is what the definition gives."""

import numpy as np
import pytest

from ratings import cluster_scores
from ratings.cluster_scores import sum_outer_products
from ratings.compiled import can_compile

MODELS, CLUSTERS = 30, 400
KINDS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not can_compile(), reason="Numba is not installed")),
]


@pytest.mark.parametrize("is_compiled", KINDS)
def test_sums_of_products_follow_the_definition(monkeypatch: pytest.MonkeyPatch, is_compiled: bool) -> None:
    monkeypatch.setattr(cluster_scores, "is_worth_compiling", lambda rows: is_compiled)
    rng = np.random.default_rng(1)
    cells = rng.choice([1, 2, 6, 7, 24, 25, 40], CLUSTERS)
    cluster = np.repeat(np.arange(CLUSTERS), cells)
    a = rng.integers(0, MODELS - 1, len(cluster))
    b = a + 1 + rng.integers(0, MODELS - 1 - a)
    values = rng.normal(size=len(cluster))
    scores = np.zeros((CLUSTERS, MODELS))
    np.add.at(scores, (cluster, a), values)
    np.add.at(scores, (cluster, b), -values)
    total = sum_outer_products(cluster, a, b, values, MODELS)
    np.testing.assert_array_equal(total, total.T)
    np.testing.assert_allclose(total, scores.T @ scores, atol=1e-10)
