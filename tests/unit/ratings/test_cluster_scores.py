"""Machine code and array operations add up the same over clusters, which is what the definition gives."""

import numpy as np
import pandas as pd
import pytest

import ratings.clusters
from ratings import cluster_scores
from ratings.cluster_scores import sum_outer_products
from ratings.comparisons import Comparisons
from tests.unit.ratings.tables import random_battles

MODELS, CLUSTERS = 30, 400


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
    first, second = np.triu_indices(MODELS, k=1)
    pair = np.searchsorted(first * MODELS + second, a * MODELS + b)
    total = sum_outer_products(cluster, pair, values, first, second, MODELS)
    np.testing.assert_array_equal(total, total.T)
    np.testing.assert_allclose(total, scores.T @ scores, atol=1e-10)


def test_no_number_makes_sums_that_are_none(monkeypatch: pytest.MonkeyPatch, is_compiled: bool) -> None:
    """As where a system was nearly singular: the others' sums stay."""
    monkeypatch.setattr(cluster_scores, "is_worth_compiling", lambda rows: is_compiled)
    cluster, pair = np.repeat([0, 1], 50), np.tile([0, 1], 50)
    values = np.where(cluster == 0, np.nan, 1.0)
    assert np.isnan(sum_outer_products(cluster, pair, values, np.array([0, 1]), np.array([1, 2]), 3)).all()


def test_sizes_of_clusters_follow_the_definition(monkeypatch: pytest.MonkeyPatch, is_compiled: bool) -> None:
    monkeypatch.setattr(ratings.clusters, "is_worth_compiling", lambda rows: is_compiled)
    table = random_battles(3, models=6, rows=400)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    both = [table[["voter", side]].set_axis(["voter", "model"], axis=1) for side in ("model_a", "model_b")]
    sizes = pd.concat(both).groupby("model").voter.value_counts()
    total, squares = comparisons.sizes_of_clusters
    np.testing.assert_array_equal(total, sizes.groupby("model").sum().loc[list(comparisons.models)])
    np.testing.assert_array_equal(squares, (sizes**2).groupby("model").sum().loc[list(comparisons.models)])
