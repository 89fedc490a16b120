"""A voter's own board: the arithmetic of shrinkage, and which votes it counts."""

from datetime import UTC, datetime
from math import log, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ratings
from arena.own_board import SPREAD_POINTS, VOTES_LEAST, drawn_towards, own_boards
from arena.tables import Winner
from arena.votes import CastVote, RevealedModel


def revealed(name: str, **changes: Any) -> RevealedModel:
    facts: dict[str, Any] = {
        "organization": "Birds",
        "license": "MIT",
        "link": None,
        "description": "",
        "open_weights": True,
        "demo": False,
        "private_test": False,
    }
    return RevealedModel(name=name, **facts | changes)


def cast(a: str, b: str, winner: Winner, reason: str | None = None, **changes: Any) -> CastVote:
    return CastVote(
        battle_id="b",
        winner=winner,
        reasons=(),
        counted=reason is None,
        reason=reason,
        early=False,
        receipt="r",
        created_at=datetime.now(UTC),
        model_a=revealed(a, **changes),
        model_b=revealed(b),
    )


def test_three_wins_and_a_loss_by_hand() -> None:
    """At deviations ±d: 3 - 4 expected(2d) = d / spread². With 2d = ln 2 expected is 2/3, so spread² = 3 d."""
    d = log(2) / 2
    first, second = np.zeros(4, dtype=np.int64), np.ones(4, dtype=np.int64)
    strengths, deviations = drawn_towards(
        np.zeros(2), first, second, np.array([1.0, 1.0, 1.0, 0.0]), spread=sqrt(3 * d)
    )
    assert strengths == pytest.approx([d, -d], abs=1e-9)
    # The inverse of [[p + i, -i], [-i, p + i]] with p = 1 / spread² and i = 4 · 2/9 has (p + i) / (p² + 2 p i).
    p, i = 1 / (3 * d), 8 / 9
    assert deviations == pytest.approx([sqrt((p + i) / (p**2 + 2 * p * i))] * 2)


def test_models_without_votes_stay_where_everybody_sees_them() -> None:
    prior = np.array([0.8, 0.1, -0.9])
    strengths, deviations = drawn_towards(prior, np.array([1]), np.array([2]), np.array([0.0]), spread=0.6)
    assert strengths[0] == 0.8
    assert deviations[0] == pytest.approx(0.6)
    assert strengths[1] < 0.1
    assert strengths.sum() == pytest.approx(prior.sum())
    assert max(deviations[1:]) < 0.6


def test_many_votes_outweigh_the_prior() -> None:
    """With ever more votes it becomes the plain fit of them."""
    outcomes = np.array([1.0] * 30 + [0.0] * 10 + [1.0] * 20 + [0.0] * 20 + [1.0] * 25 + [0.0] * 15)
    first, second = np.repeat([0, 1, 0], 40), np.repeat([1, 2, 2], 40)
    votes = pd.DataFrame(
        {
            "model_a": np.array(["x", "y", "z"])[first],
            "model_b": np.array(["x", "y", "z"])[second],
            "winner": np.where(outcomes == 1, "model_a", "model_b"),
        }
    )
    plain = ratings.fit_bradley_terry(ratings.Comparisons.from_battles(votes))
    assert plain.models == ("x", "y", "z")
    strengths, _ = drawn_towards(np.zeros(3), first, second, outcomes, spread=1e4)
    assert strengths - strengths.mean() == pytest.approx(plain.strengths, abs=1e-6)


def test_a_hundred_wins_do_not_run_away() -> None:
    """Votes without a maximum of their own have one with the prior, also far from it."""
    first, second = np.zeros(100, dtype=np.int64), np.ones(100, dtype=np.int64)
    prior = np.array([-6.0, 6.0])
    strengths, _ = drawn_towards(prior, first, second, np.ones(100), spread=3.0)
    assert np.isfinite(strengths).all()
    assert strengths[0] > strengths[1]


def test_board_counts_valid_verdicts_on_public_models_alone() -> None:
    votes = [
        cast("heron", "wren", "model_a"),
        cast("wren", "heron", "both_bad"),
        cast("heron", "wren", "model_b", "withdrawn"),
        cast("heron", "wren", "model_b", "identity_revealed"),
        cast("codename-7", "wren", "model_a", "private_test", private_test=True),
        cast("codename-7", "wren", "model_a", private_test=True),
        cast("demo-salad", "demo-tea", "tie", "demo_models"),
    ]
    overall, demo = own_boards(votes, {"overall": {"heron": 980.0, "wren": 1040.0, "robin": 990.0}})
    assert (overall.population.name, demo.population.name) == ("overall", "demo")
    assert overall.votes == 2
    assert overall.is_too_early
    assert {entry.model for entry in overall.entries} == {"heron", "wren"}, "private tests are not named"
    heron = next(entry for entry in overall.entries if entry.model == "heron")
    assert (heron.wins, heron.losses, heron.ties, heron.votes) == (1, 0, 1, 2)
    assert 980 < heron.rating < 980 + SPREAD_POINTS
    assert heron.place == 2, "wren is still above it, and robin, not judged, below"
    assert overall.models == 3
    assert not demo.entries[0].is_rated
    assert [entry.rating for entry in demo.entries] == [1000, 1000]


def test_too_early_ends_at_the_stated_number() -> None:
    votes = [cast("heron", "wren", "model_a")] * VOTES_LEAST
    assert own_boards(votes[1:], {})[0].is_too_early
    assert not own_boards(votes, {})[0].is_too_early
