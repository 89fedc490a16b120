"""Fits held against exact answers: a referee in extended precision, which shares no code with `ratings`."""

import itertools
import json
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.ratings import referee
from benchmarks.ratings.synthetic_votes import write_votes
from benchmarks.ratings.votes import WINNERS, Counts, Votes
from ratings import (
    RATING_PER_STRENGTH,
    Comparisons,
    DisconnectedComparisonsError,
    SeparableComparisonsError,
    fit_bradley_terry,
    leaderboard,
    rating_intervals,
    sandwich,
)
from tests.unit.ratings.tables import STIGLER_JOURNALS, stigler

POINTS = 1e-6
"""The largest distance from the exact rating that is allowed, in rating points."""

LABELS = {"left": "model_a", "right": "model_b", "tie": "tie"}


def counts_of(battles: pd.DataFrame) -> Counts:
    """Count by pandas alone, apart from `Comparisons`."""
    weight = battles["count"] if "count" in battles else pd.Series(1, index=battles.index)
    models = sorted(set(battles.model_a) | set(battles.model_b))
    place = {name: number for number, name in enumerate(models)}
    a, b = battles.model_a.map(place), battles.model_b.map(place)
    label = battles.winner.map({name: code for code, name in enumerate(WINNERS)})
    swapped = label.map({0: 1, 1: 0, 2: 2, 3: 3})
    cells = pd.DataFrame(
        {
            "first": np.minimum(a, b),
            "second": np.maximum(a, b),
            "label": label.where(a < b, swapped),
            "n": weight,
        }
    )
    table = cells.pivot_table(
        index=["first", "second"], columns="label", values="n", aggfunc="sum", fill_value=0
    )
    table = table.reindex(columns=range(len(WINNERS)), fill_value=0)
    pairs = table.index.to_frame()
    return Counts(
        models=tuple(models),
        first=pairs["first"].to_numpy(np.int64),
        second=pairs["second"].to_numpy(np.int64),
        outcomes=table.to_numpy(np.int64),
    )


def expand(counts: Counts) -> pd.DataFrame:
    """Turn counts into one row for each pair and winner that occurred."""
    pair, winner = np.nonzero(counts.outcomes)
    names = np.array(counts.models, dtype=object)
    columns = {
        "model_a": names[counts.first[pair]],
        "model_b": names[counts.second[pair]],
        "winner": np.array(WINNERS, dtype=object)[winner],
        "count": counts.outcomes[pair, winner],
    }
    return pd.DataFrame(columns)


def assert_exact(battles: pd.DataFrame) -> None:
    """Ratings and half-widths of intervals, each to `POINTS`."""
    exact = referee.bradley_terry(counts_of(battles))
    comparisons = Comparisons.from_battles(battles)
    fit = fit_bradley_terry(comparisons)
    lower, upper = rating_intervals(fit, sandwich(fit, comparisons))
    ratings = RATING_PER_STRENGTH * fit.strengths
    np.testing.assert_allclose(ratings, [exact.ratings[name] for name in fit.models], rtol=0, atol=POINTS)
    half_widths = [exact.half_widths[name] for name in fit.models]
    np.testing.assert_allclose((upper - lower) / 2, half_widths, rtol=1e-9)


@pytest.fixture(scope="module")
def arena(real_data: Path) -> pd.DataFrame:
    """1,670,250 votes of the public Chatbot Arena up to August 2024, counted per pair and winner."""
    data = json.loads((real_data / "chatbot-arena-2024-08" / "counts.json").read_text())
    pairs, outcomes = np.array(data["X"]), np.array(data["Y"])
    return expand(
        Counts(models=tuple(data["models"]), first=pairs[:, 0], second=pairs[:, 1], outcomes=outcomes)
    )


@pytest.fixture(scope="module")
def published(real_data: Path) -> pd.Series:
    """The ratings that the Chatbot Arena published on 2024-08-13."""
    table = pd.read_csv(real_data / "chatbot-arena-2024-08" / "published_ratings.csv")
    return table.set_index("model").rating


def llmfao(real_data: Path, file: str) -> pd.DataFrame:
    """Votes of the crowd, or verdicts of a judge, on 59 models (Ustalov and llmonitor, CC BY 4.0)."""
    table = pd.read_csv(real_data / "llmfao" / file)
    return pd.DataFrame({"model_a": table.left, "model_b": table.right, "winner": table.winner.map(LABELS)})


def test_the_referee_solves_the_likelihood_equations_in_sixty_digits() -> None:
    counts = counts_of(stigler())
    won = counts.outcomes @ [1.0, 0.0, 0.5, 0.5]
    lost = counts.outcomes.sum(axis=1) - won
    strengths = referee.strengths_of(counts.first, counts.second, won, lost, len(counts.models))
    with localcontext() as context:
        context.prec = 60
        gradient = [Decimal(0)] * len(counts.models)
        exact = [
            Decimal(np.format_float_positional(value, unique=False, precision=25)) for value in strengths
        ]
        for i, j, wins, losses in zip(counts.first, counts.second, won, lost, strict=True):
            p = 1 / (1 + (exact[j] - exact[i]).exp())
            surplus = Decimal(wins) * (1 - p) - Decimal(losses) * p
            gradient[i] += surplus
            gradient[j] -= surplus
    assert max(abs(entry) for entry in gradient) < Decimal("1e-11")  # of 5,814 citations


def test_the_textbook_example_of_citations_among_journals() -> None:
    # Stigler 1994, as fitted in Agresti's Categorical Data Analysis: Biometrika is held at 0.
    fit = fit_bradley_terry(Comparisons.from_battles(stigler()))
    strengths = dict(zip(fit.models, fit.strengths, strict=True))
    found = [strengths[name] - strengths["Biometrika"] for name in STIGLER_JOURNALS]
    np.testing.assert_allclose(found, [0.0, -2.94907, -0.47957, 0.26895], atol=5e-6)
    assert_exact(stigler())


@pytest.mark.parametrize(("votes", "models"), [(2_000, 5), (100_000, 25), (100_000, 250)])
def test_synthetic_boards(tmp_path: Path, votes: int, models: int) -> None:
    path = tmp_path / "votes.arrow"
    write_votes(path, votes=votes, models=models, seed=5)
    assert_exact(Votes(path).battles)


@pytest.mark.parametrize(
    "file", ["crowd-comparisons.csv", "gpt3-crowd-comparisons.csv", "gpt4-crowd-comparisons.csv"]
)
def test_real_votes_and_verdicts(real_data: Path, file: str) -> None:
    battles = llmfao(real_data, file)
    comparisons = Comparisons.from_battles(battles)
    rateable = comparisons.strongly_connected()[0]
    kept = battles[battles.model_a.isin(rateable) & battles.model_b.isin(rateable)]
    assert len(rateable) >= 57
    assert_exact(kept)


def test_the_real_arena(arena: pd.DataFrame) -> None:
    assert_exact(arena)


def test_the_published_order_of_the_arena(arena: pd.DataFrame, published: pd.Series) -> None:
    ratings = leaderboard(arena).table.set_index("model").rating[published.index]
    swapped = [
        published[i] - published[j]
        for i, j in itertools.permutations(published.index, 2)
        if published[i] > published[j] and ratings[i] < ratings[j]
    ]
    # Of 8,001 pairs. The counts reach a day further than the published ratings, which move by up to 2.7 points.
    assert len(swapped) <= 4
    assert max(swapped) < 0.7
    top = published.sort_values(ascending=False).index[:11]
    assert ratings.sort_values(ascending=False).index[:11].tolist() == top.tolist()


def with_a_new_model(votes: int) -> Counts:
    """Ten million votes on 100 models, and so many on a new one against ten of them."""
    rng = np.random.default_rng(2)
    size = 100
    first, second = np.triu_indices(size, 1)
    strengths = rng.normal(0, 0.8, size)
    p = 1 / (1 + np.exp(strengths[second] - strengths[first]))
    chances = 0.7 * np.stack([p, 1 - p], axis=1) @ SPLIT
    outcomes = rng.multinomial(10_000_000 // len(first), chances)
    opponents = np.arange(0, size, 10)
    fresh = rng.multinomial(votes // len(opponents), [0.3, 0.45, 0.15, 0.1], len(opponents))
    return Counts(
        models=tuple(f"model-{number:03}" for number in range(size + 1)),
        first=np.concatenate([first, opponents]),
        second=np.concatenate([second, np.full(len(opponents), size)]),
        outcomes=np.concatenate([outcomes, fresh]),
    )


SPLIT = np.array([[1, 0, 3 / 14, 3 / 14], [0, 1, 3 / 14, 3 / 14]])
"""From the chances of a decision to those of the four winners: 30 in 100 votes are ties."""


@pytest.mark.parametrize("votes", [50, 200, 1000])
def test_a_rare_model_on_a_board_of_ten_million_votes(votes: int) -> None:
    counts = with_a_new_model(votes)
    battles = expand(counts)
    assert_exact(battles)
    board = leaderboard(battles).table.set_index("model")
    exact = referee.bradley_terry(counts)
    row = board.loc["model-100"]
    assert (row.upper - row.lower) / 2 == pytest.approx(exact.half_widths["model-100"], rel=0.02)
    # The interval is as wide as the new model's own votes make it, not as the ten million would.
    alone = 1.96 * RATING_PER_STRENGTH * np.sqrt(votes * 0.17) / (votes * 0.22)
    assert (row.upper - row.lower) / 2 == pytest.approx(alone, rel=0.35)


def test_an_undefeated_model_is_named_and_rates_nobody_else_differently(arena: pd.DataFrame) -> None:
    opponents = arena.model_a.unique()[:4]
    wins = pd.DataFrame({"model_a": "undefeated", "model_b": opponents, "winner": "model_a", "count": 10})
    battles = pd.concat([arena, wins], ignore_index=True)
    with pytest.raises(SeparableComparisonsError, match="never lose or tie against the others: 'undefeated'"):
        fit_bradley_terry(Comparisons.from_battles(battles))
    board = leaderboard(battles)
    assert dict(board.unrated) == {"undefeated": "never lost"}
    before = leaderboard(arena).table.set_index("model").rating
    pd.testing.assert_series_equal(board.table.set_index("model").rating.dropna(), before)


def test_two_islands_are_named_and_never_share_a_scale(real_data: Path) -> None:
    crowd = llmfao(real_data, "crowd-comparisons.csv")
    other = crowd.assign(model_a="other " + crowd.model_a, model_b="other " + crowd.model_b).head(4000)
    battles = pd.concat([crowd, other], ignore_index=True)
    with pytest.raises(DisconnectedComparisonsError, match="2 groups that never met"):
        fit_bradley_terry(Comparisons.from_battles(battles))
    board = leaderboard(battles)
    rated = board.table.dropna(subset="rating")
    assert not rated.model.str.startswith("other ").any()
    assert set(board.unrated) == set(other.model_a) | set(other.model_b)
