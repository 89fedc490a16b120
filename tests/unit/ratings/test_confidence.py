"""Confidence near 1: exact where a formula gives it, refused where draws cannot reach it."""

from typing import Any

import numpy as np
import pytest
from scipy import special

from ratings import Comparisons, InvalidOptionError, fit_bradley_terry, rank_sets, sandwich
from ratings.confidence import two_sided_quantile
from ratings.intervals import rating_intervals
from ratings.leaderboard import leaderboard
from ratings.planning import votes_to_separate
from tests.unit.ratings.tables import random_battles

NEAREST_TO_ONE = float(np.nextafter(1, 0))


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999999, 1 - 1e-10, NEAREST_TO_ONE])
@pytest.mark.parametrize("claims", [1, 1000])
def test_the_quantile_is_exact_up_to_the_largest_number_below_one(confidence: float, claims: int) -> None:
    expected = -special.ndtri((1 - confidence) / 2 / claims)
    assert two_sided_quantile(confidence, claims=claims) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("ranks", ["intervals", "anytime"])
def test_formulas_take_any_confidence(ranks: Any) -> None:
    board = leaderboard(random_battles(7), ranks=ranks, confidence=NEAREST_TO_ONE)
    usual = leaderboard(random_battles(7), ranks=ranks)
    wider = (board.table.upper - board.table.lower) / (usual.table.upper - usual.table.lower)
    assert wider.to_numpy() == pytest.approx(two_sided_quantile(NEAREST_TO_ONE) / 1.959964, rel=1e-6)
    assert votes_to_separate(10, confidence=NEAREST_TO_ONE) > votes_to_separate(10, confidence=0.9999)


@pytest.mark.parametrize("confidence", [0.99991, 1 - 1e-10, NEAREST_TO_ONE])
def test_what_is_simulated_is_refused_beyond_its_reach(confidence: float) -> None:
    table = random_battles(7)
    with pytest.raises(
        InvalidOptionError,
        match=r"simultaneous ranks are simulated and reach 0\.9999 at most: lower it, or ask for other ranks",
    ):
        leaderboard(table, confidence=confidence)
    with pytest.raises(InvalidOptionError, match=r"bootstrap intervals are.*, or take sandwich intervals"):
        leaderboard(table, confidence=confidence, intervals="bootstrap", ranks="intervals")
    comparisons = Comparisons.from_battles(table)
    fit = fit_bradley_terry(comparisons)
    with pytest.raises(InvalidOptionError, match=r"rank sets are simulated.*, or set draws"):
        rank_sets(fit, sandwich(fit, comparisons), alpha=1 - confidence)


@pytest.mark.parametrize("confidence", [None, "0.95", float("nan")])
def test_what_is_no_confidence_is_refused(confidence: Any) -> None:
    with pytest.raises(InvalidOptionError, match=f"confidence is {confidence!r}"):
        leaderboard(random_battles(7), confidence=confidence)
    comparisons = Comparisons.from_battles(random_battles(7))
    fit = fit_bradley_terry(comparisons)
    with pytest.raises(InvalidOptionError, match=f"confidence is {confidence!r}"):
        rating_intervals(fit, sandwich(fit, comparisons), confidence=confidence)
