from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special

from ratings import InvalidOptionError
from ratings.simulate import simulate_battles, simulate_strengths

OUTCOME = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}
PAIR = {"x": 0.5, "y": -0.5}


def simulate(seed: int = 60, **options: Any) -> pd.DataFrame:
    arguments = {"strengths": PAIR, "battles": 40_000, **options}
    return simulate_battles(np.random.default_rng(seed), **arguments)


def outcomes_of_x(table: pd.DataFrame) -> pd.Series:
    outcome = table.winner.map(OUTCOME)
    return outcome.where(table.model_a == "x", 1 - outcome)


def test_the_same_generator_gives_the_same_battles() -> None:
    pd.testing.assert_frame_equal(simulate(), simulate())
    assert not simulate().equals(simulate(61))


@pytest.mark.parametrize("tie_rate", [0.0, 0.35, 1.0])
def test_the_mean_outcome_is_the_logistic_of_the_difference(tie_rate: float) -> None:
    table = simulate(tie_rate=tie_rate)
    # Standard error below 0.0025 for 40,000 votes.
    assert outcomes_of_x(table).mean() == pytest.approx(special.expit(1.0), abs=0.0075)


def test_ties_between_equals_are_as_frequent_as_asked() -> None:
    table = simulate(strengths={"x": 0.0, "y": 0.0}, tie_rate=0.4, both_bad_share=0.25)
    shares = table.winner.value_counts(normalize=True)
    assert shares["tie"] == pytest.approx(0.3, abs=0.01)
    assert shares["both_bad"] == pytest.approx(0.1, abs=0.01)


def test_position_bias_favours_side_a() -> None:
    table = simulate(strengths={"x": 0.0, "y": 0.0}, position_bias=0.5)
    assert table.winner.map(OUTCOME).mean() == pytest.approx(special.expit(0.5), abs=0.0075)


def test_taste_makes_voters_differ() -> None:
    spread = {
        taste: outcomes_of_x(table := simulate(voters=40, taste=taste)).groupby(table.voter).mean().std()
        for taste in (0.0, 1.0)
    }
    assert spread[0.0] < 0.025
    assert spread[1.0] > 0.15


def test_activity_exponent_makes_some_voters_heavy() -> None:
    shares = simulate(voters=100, activity_exponent=1.0).voter.value_counts(normalize=True)
    assert shares["voter-00000"] == pytest.approx(1 / sum(1 / n for n in range(1, 101)), abs=0.01)


def test_pairs_are_uniform_and_never_with_itself() -> None:
    table = simulate(strengths=dict.fromkeys("wxyz", 0.0))
    counts = table.groupby(["model_a", "model_b"]).size()
    assert len(counts) == 12
    assert counts.min() > 0.9 * 40_000 / 12


def test_strengths_have_mean_zero_and_the_asked_spread() -> None:
    strengths = list(simulate_strengths(np.random.default_rng(62), models=2000, spread=0.5).values())
    assert np.mean(strengths) == pytest.approx(0, abs=1e-12)
    assert np.std(strengths) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strengths": {"x": 0.0}}, "strengths names 1 models"),
        ({"tie_rate": 1.5}, "tie_rate is 1.5"),
        ({"both_bad_share": -0.1}, "both_bad_share is -0.1"),
        ({"voters": 0}, "voters is 0"),
    ],
)
def test_refuses_numbers_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        simulate(**options)
