"""The world of T1, T2 and T10: models in exactly tied triples, voters with tastes and heavy tails."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from ratings import simulate
from ratings.propensities import uniform_pair_projection

FloatArray = npt.NDArray[np.float64]

SPREAD = 417 * np.log(10) / 400
TASTE = 0.6
TIE_RATE = 0.5
"""Between equals; over all pairs of this world it makes 26 to 30 % ties."""

EXPONENT = 2.4


def strengths(models: int) -> dict[str, float]:
    """Strengths of tied triples, evenly spread over 417 rating points."""
    levels = np.repeat(np.linspace(-SPREAD / 2, SPREAD / 2, models // 3), 3)
    return {f"m{number:02}": float(level) for number, level in enumerate(levels)}


def draw(rng: np.random.Generator, models: int, votes: int, *, top_voter_share: float = 0.0) -> pd.DataFrame:
    """Draw battles; zeta-distributed voters vote one after the other."""
    return simulate.simulate_battles(
        rng,
        strengths=strengths(models),
        battles=votes,
        taste=TASTE,
        tie_rate=TIE_RATE,
        votes_per_voter_exponent=EXPONENT,
        top_voter_share=top_voter_share,
    )


def target(models: int) -> FloatArray:
    """The strengths that infinitely many voters would give: tastes pull win probabilities towards one half."""
    level = np.array(list(strengths(models).values()))
    nodes, masses = np.polynomial.hermite_e.hermegauss(80)
    difference = (level[:, np.newaxis] - level)[..., np.newaxis] + nodes * TASTE * np.sqrt(2)
    expected = special.expit(difference) @ masses / masses.sum()
    return uniform_pair_projection((expected + 1 - expected.T) / 2)


def false_claims(strictly_better: npt.NDArray[np.bool_], models: int) -> npt.NDArray[np.bool_]:
    """The claims that put a model above one that is as strong or stronger."""
    level = np.array(list(strengths(models).values()))
    return strictly_better & (level[:, np.newaxis] <= level)
