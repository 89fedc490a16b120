"""Models with few votes: what agrees by chance is not certain."""

import numpy as np
import pandas as pd
import pytest

import ratings
from ratings.few_votes import FEW_VOTES


def _votes(rows: int = 400) -> pd.DataFrame:
    """Four models, voters of their own for each vote, a third of all votes ties."""
    rng = np.random.default_rng(5)
    names = np.array(["ant", "bee", "cat", "dog"])
    a = rng.integers(0, 4, rows)
    b = (a + rng.integers(1, 4, rows)) % 4
    winner = rng.choice(["model_a", "model_b", "tie"], rows)
    return pd.DataFrame(
        {
            "model_a": names[a],
            "model_b": names[b],
            "winner": winner,
            "voter": [f"v{row}" for row in range(rows)],
        }
    )


def _with_ties(count: int) -> pd.DataFrame:
    new = pd.DataFrame(
        {"model_a": "new", "model_b": "bee", "winner": "tie", "voter": [f"w{row}" for row in range(count)]}
    )
    return pd.concat([_votes(), new], ignore_index=True)


def _widths(votes: pd.DataFrame, **options: object) -> pd.Series:
    table = ratings.leaderboard(votes, **options).table.set_index("model")  # type: ignore[arg-type]
    return table.upper - table.lower


@pytest.mark.parametrize("cluster", ["voter", None])
@pytest.mark.parametrize("ties", [1, 2, 5])
def test_a_model_that_only_tied_is_not_the_surest(ties: int, cluster: str | None) -> None:
    widths = _widths(_with_ties(ties), cluster=cluster)
    others = widths.drop("new")
    # Each of the others has some 200 votes.
    assert widths["new"] > 0.6 * others.max() * np.sqrt(200 / ties)


def test_the_width_is_that_of_wins_and_losses_with_as_many_ties_as_elsewhere() -> None:
    mixed = _with_ties(20)
    mixed.loc[mixed.model_a == "new", "winner"] = ["model_a", "model_b", "tie", "tie", "model_a"] * 4
    alike = _with_ties(20)
    assert _widths(alike)["new"] == pytest.approx(_widths(mixed)["new"], rel=0.25)


def test_many_votes_speak_for_themselves() -> None:
    enough = _with_ties(FEW_VOTES)
    fit = ratings.fit_bradley_terry(ratings.Comparisons.from_battles(enough))
    covariance = ratings.sandwich(fit, ratings.Comparisons.from_battles(enough))
    half = 400 / np.log(10) * 1.959964 * np.sqrt(covariance[-1, -1])
    assert _widths(enough, cluster=None)["new"] == pytest.approx(2 * half, rel=1e-4)
