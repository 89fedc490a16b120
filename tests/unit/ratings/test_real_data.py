"""Real votes against published ratings; the data stays outside the repository."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratings import RATING_PER_STRENGTH, WINNERS, Comparisons, fit_bradley_terry, leaderboard, online_elo


def data_file(name: str) -> Path:
    beside_the_project = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("ARENA_TEST_DATA", beside_the_project)) / name
    if not path.exists():
        message = f"{path} is absent: point ARENA_TEST_DATA at the folder of real data"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return path


@pytest.fixture(scope="module")
def chatbot_arena() -> pd.DataFrame:
    """1,670,250 votes of the public Chatbot Arena up to August 2024, counted per pair and winner."""
    data = json.loads(data_file("chatbot-arena-2024-08/counts.json").read_text())
    models = np.array(data["models"], dtype=object)
    pairs = np.repeat(np.array(data["X"]), len(WINNERS), axis=0)
    return pd.DataFrame(
        {
            "model_a": models[pairs[:, 0]],
            "model_b": models[pairs[:, 1]],
            "winner": list(WINNERS) * len(data["X"]),
            "count": np.array(data["Y"]).ravel(),
        }
    )


@pytest.fixture(scope="module")
def llmfao() -> pd.DataFrame:
    """8,931 crowd votes on 59 models (Ustalov and llmonitor, CC BY 4.0)."""
    table = pd.read_csv(data_file("llmfao/crowd-comparisons.csv"))
    return pd.DataFrame(
        {
            "model_a": table["left"],
            "model_b": table["right"],
            "winner": table.winner.map({"left": "model_a", "right": "model_b", "tie": "tie"}),
            "voter": table.worker,
        }
    )


def golden(algorithm: str) -> pd.Series:
    """Return the scores that evalica publishes for the crowd votes."""
    scores = pd.read_csv(data_file("llmfao/evalica-golden.csv"))
    return scores[scores.algorithm == algorithm].set_index("item").score


def test_reproduces_the_published_arena_ratings(chatbot_arena: pd.DataFrame) -> None:
    published = (
        pd.read_csv(data_file("chatbot-arena-2024-08/published_ratings.csv")).set_index("model").rating
    )
    ratings = leaderboard(chatbot_arena).table.set_index("model").rating
    anchored = ratings - ratings["mixtral-8x7b-instruct-v0.1"] + 1114
    difference = (anchored - published).dropna().abs()
    assert len(difference) == 127
    # The published solver stops early: 2.63 is its distance from the maximum, at one rare model.
    assert difference.max() < 2.65
    assert difference.median() < 0.07


def test_arena_ratings_are_at_the_maximum(chatbot_arena: pd.DataFrame) -> None:
    fit = fit_bradley_terry(Comparisons.from_battles(chatbot_arena))
    # 1e-9 votes of 1,670,250 are left over.
    assert fit.gradient_norm < 1e-9
    assert fit.iterations <= 12


def test_arena_intervals_and_ranks(chatbot_arena: pd.DataFrame) -> None:
    board = leaderboard(chatbot_arena)
    assert board.votes == 1_670_250
    half_width = ((board.table.upper - board.table.lower) / 2).head(3).round(1)
    assert half_width.tolist() == [4.7, 4.0, 2.2]
    single = leaderboard(chatbot_arena, ranks="intervals").table
    assert single["rank_lower"].head(10).tolist() == [1, 2, 3, 4, 4, 5, 6, 6, 7, 7]
    # What holds together is less than what the single intervals claim, at every model.
    assert (board.table["rank_lower"] <= single["rank_lower"]).all()
    assert (board.table["rank_upper"] >= single["rank_upper"]).all()
    assert board.table["rank_lower"].head(10).tolist() == [1, 2, 3, 4, 4, 4, 5, 5, 7, 7]
    assert board.table["rank_upper"].head(10).tolist() == [1, 2, 3, 6, 8, 8, 11, 14, 13, 13]


def test_bradley_terry_equals_evalica_on_crowd_votes(llmfao: pd.DataFrame) -> None:
    published = golden("bradley_terry")
    fit = fit_bradley_terry(Comparisons.from_battles(llmfao))
    # The published scores are exp(strength), divided by their sum.
    scores = np.exp(fit.strengths) / np.exp(fit.strengths).sum()
    np.testing.assert_allclose(scores, published[list(fit.models)], rtol=1e-9)
    order = leaderboard(llmfao).table.model.tolist()
    assert order == published.sort_values(ascending=False).index.tolist()


def test_elo_equals_evalica_on_crowd_votes(llmfao: pd.DataFrame) -> None:
    published = golden("elo")
    ratings = online_elo(llmfao, k=4.0)
    np.testing.assert_allclose(ratings, published[ratings.index], rtol=1e-9)


def test_crowd_workers_vote_dependently(llmfao: pd.DataFrame) -> None:
    clustered, independent = leaderboard(llmfao).table, leaderboard(llmfao, cluster=None).table
    pd.testing.assert_series_equal(clustered.rating, independent.rating)
    ratio = (clustered.upper - clustered.lower) / (independent.upper - independent.lower)
    assert 1.0 < ratio.median() < 1.3
    assert ratio.max() > 2
    assert (clustered.rating - 1000).abs().max() < 2 * RATING_PER_STRENGTH
