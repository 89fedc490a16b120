"""T4: scores do not depend on which pairs the sampler liked, even where strengths are not transitive."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import special

from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.intervals import sandwich
from ratings.propensities import (
    fit_uniform_pairs,
    inverse_propensity_weights,
    uniform_pair_projection,
)
from ratings.scale import RATING_PER_STRENGTH
from tests.statistics.findings import UNSEEN, Finding, Report

FloatArray = npt.NDArray[np.float64]

MODELS, VOTES, TIE_RATE = 50, 100_000, 0.3
NEW = (np.arange(10, 15), np.arange(30, 35))
FIRST, SECOND = np.triu_indices(MODELS, 1)
FLOOR = 0.1 / len(FIRST)
LABELS = np.array(["model_a", "model_b", "tie"], dtype=object)
NAMES = np.array([f"m{number:02}" for number in range(MODELS)], dtype=object)


@dataclass(frozen=True, kw_only=True)
class World:
    """Intransitive models, and the pair probabilities of two periods with other new models in each."""

    probability: FloatArray
    propensity: FloatArray

    @staticmethod
    def draw(rng: np.random.Generator, *, intransitivity: float) -> "World":
        strengths = -np.sort(-rng.normal(0, 0.75, MODELS))
        residual = np.triu(rng.normal(0, intransitivity, (MODELS, MODELS)), 1)
        policies = []
        for new in NEW:
            weight = np.ones(MODELS)
            weight[:10] = 3
            weight[new] = 5
            pairs = weight[FIRST] * weight[SECOND]
            policies.append(pairs / pairs.sum())
        difference = strengths[:, np.newaxis] - strengths + residual - residual.T
        return World(probability=special.expit(difference), propensity=np.array(policies))

    def target(self) -> FloatArray:
        """Strengths under uniform pairs, in points."""
        return RATING_PER_STRENGTH * uniform_pair_projection(self.probability)

    def served(self) -> FloatArray:
        """What unweighted scores tend to under this traffic, in points."""
        won = self.probability[FIRST, SECOND]
        share = self.propensity.mean(axis=0)
        weights = np.stack([won, 1 - won, 0 * won, 0 * won], axis=1) * share[:, np.newaxis]
        comparisons = Comparisons(
            models=tuple(NAMES),
            first=FIRST.astype(np.int64),
            second=SECOND.astype(np.int64),
            counts=np.ones_like(weights, dtype=np.int64),
            weights=weights,
            squared_weights=weights,
        )
        return RATING_PER_STRENGTH * fit_bradley_terry(comparisons).strengths

    def battles(self, rng: np.random.Generator) -> pd.DataFrame:
        """Draw votes, with the propensity that each period logged."""
        tables = []
        for propensity in self.propensity:
            met = rng.multinomial(VOTES // 2, propensity)
            won = self.probability[FIRST, SECOND]
            tied = 2 * TIE_RATE * np.minimum(won, 1 - won)
            outcomes = rng.multinomial(met, np.stack([won - tied / 2, 1 - won - tied / 2, tied], axis=1))
            pair, label = np.nonzero(outcomes)
            tables.append(
                pd.DataFrame(
                    {
                        "model_a": NAMES[FIRST[pair]],
                        "model_b": NAMES[SECOND[pair]],
                        "winner": LABELS[label],
                        "count": outcomes[pair, label],
                        "propensity": propensity[pair],
                    }
                )
            )
        return pd.concat(tables, ignore_index=True)


def _weighted(battles: pd.DataFrame) -> tuple[BradleyTerryFit, FloatArray, float]:
    weighted = inverse_propensity_weights(battles.propensity, floor=FLOOR, count=battles["count"])
    comparisons = Comparisons.from_battles(battles.assign(weight=weighted.weights))
    fit = fit_bradley_terry(comparisons)
    return fit, sandwich(fit, comparisons), weighted.effective_votes


def run(replicates: int, seed: int, *, slack: float = 0.0) -> Report:
    """Draw one world and many tables of its votes; compare what weighted and plain scores are off by."""
    rng = np.random.default_rng([seed, 0])
    world = World.draw(rng, intransitivity=0.3)
    target = world.target()
    errors: dict[str, list[FloatArray]] = {"propensities": [], "frequencies": [], "floor 50": [], "plain": []}
    hits, widening, effective = [], [], []
    for _ in range(replicates):
        battles = world.battles(rng)
        fit, covariance, votes = _weighted(battles)
        frequencies = fit_uniform_pairs(battles, floor=1)
        floored = fit_uniform_pairs(battles, floor=50)
        comparisons = Comparisons.from_battles(battles)
        plain = fit_bradley_terry(comparisons)
        for name, found in zip(errors, (fit, frequencies.fit, floored.fit, plain), strict=True):
            errors[name].append(RATING_PER_STRENGTH * found.strengths - target)
        width = RATING_PER_STRENGTH * np.sqrt(np.diag(covariance))
        hits.append(np.abs(errors["propensities"][-1]) <= 1.96 * width)
        narrow = RATING_PER_STRENGTH * np.sqrt(np.diag(sandwich(plain, comparisons)))
        widening.append(float(np.mean(width / narrow)))
        effective.append(votes / VOTES)
    coverage = float(np.mean(hits))
    moves = [_moves(World.draw(rng, intransitivity=size)) for size in (0.3, 0.15) for _ in range(10)]
    return Report(
        test="T4",
        title="The estimand does not depend on the traffic",
        world=f"{MODELS} models (sd 130 points) with an antisymmetric residual of sd 0.3 in the log-odds of each "
        f"pair; {VOTES} votes (ties 30 % between equals) in two periods, the ten best models drawn 3 times and five "
        "new ones, others in each period, 5 times as often; pair probabilities logged and floored at a tenth of "
        f"the uniform one; {replicates} replicates.",
        findings=[
            _off(
                "Weighted by logged propensities, scores off the uniform-pair target",
                errors["propensities"],
                slack,
            ),
            _off(
                "Weighted by realised pair frequencies, floor 1 vote, likewise", errors["frequencies"], slack
            ),
            Finding(
                claim="Floor 50 votes (arena-rank's weights), and no weights, likewise",
                measured=f"{_largest(errors['floor 50']):.1f} and {_largest(errors['plain']):.1f} points "
                "for some model",
                bound="for contrast",
                holds=True,
            ),
            Finding(
                claim="Limit of the unweighted scores less the target in ten worlds each, residual 0.30 and 0.15",
                measured=f"up to {max(move for move, _ in moves[:10]):.0f} and "
                f"{max(move for move, _ in moves[10:]):.0f} points, "
                f"{max(ranks for _, ranks in moves[:10])} and {max(ranks for _, ranks in moves[10:])} ranks",
                bound="for contrast",
                holds=True,
            ),
            Finding(
                claim="Coverage of the weighted 95 % intervals for the target",
                measured=f"{coverage:.3f}",
                bound="0.93 to 0.97",
                holds=0.93 - slack / 10 <= coverage <= 0.97 + slack / 10,
            ),
            Finding(
                claim="Price: standard errors with weights over those without; effective share of the votes",
                measured=f"{np.mean(widening):.2f}; {np.mean(effective):.2f}",
                bound="for information",
                holds=True,
            ),
        ],
    )


def _off(claim: str, errors: list[FloatArray], slack: float) -> Finding:
    mean, spread = np.mean(errors, axis=0), np.std(errors, axis=0, ddof=1) / np.sqrt(len(errors))
    worst = int(np.argmax(np.abs(mean) - 2 * spread))
    return Finding(
        claim=claim,
        measured=f"at most {np.abs(mean).max():.2f} points, each mean with a Monte-Carlo error of {spread.mean():.2f}",
        bound="at most 1 point and 2 Monte-Carlo errors",
        holds=bool(abs(mean[worst]) <= 1 + 2 * spread[worst] + slack),
    )


def _largest(errors: list[FloatArray]) -> float:
    return float(np.abs(np.mean(errors, axis=0)).max())


def _moves(world: World) -> tuple[float, int]:
    target, served = world.target(), world.served()
    ranks = np.abs(np.argsort(np.argsort(-served)) - np.argsort(np.argsort(-target)))
    return float(np.abs(served - target).max()), int(ranks.max())


def test_scores_do_not_depend_on_the_traffic_in_a_few_replicates() -> None:
    run(12, seed=4, slack=1.0).check()


@pytest.mark.statistics
def test_scores_do_not_depend_on_the_traffic() -> None:
    report = run(2000, seed=UNSEEN)
    report.save()
    report.check()
