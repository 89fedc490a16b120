"""T9: verdicts of a judge sharpen human votes and never mislead, however biased the judge."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import special

from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.intervals import sandwich
from ratings.judges import JudgedFit, fit_with_judge
from ratings.propensities import uniform_pair_projection
from ratings.scale import RATING_PER_STRENGTH
from tests.statistics.findings import UNSEEN, Finding, Report

FloatArray = npt.NDArray[np.float64]

MODELS, VOTES, VERDICTS = 20, 4_000, 40_000
HUMAN_TIE, JUDGE_TIE = 0.55, 0.1
SPREAD, BIAS, POSITION_BIAS = 0.4, 0.3, 0.3
VENDOR = np.array([3, 8])
PLANTED = 100 / RATING_PER_STRENGTH
SHARED = {0.66: 0.295, 0.71: 0.425, 0.77: 0.578, 0.83: 0.72}
LABELS = np.array(["model_a", "model_b", "tie"], dtype=object)
NAMES = np.array([f"m{number:02}" for number in range(MODELS)], dtype=object)
QUANTILE = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, kw_only=True)
class World:
    """Battles whose difference in quality, as people see it, the judge sees in part."""

    strengths: FloatArray
    judge_bias: FloatArray
    shared: float
    traffic: FloatArray

    def target(self) -> FloatArray:
        """What human votes alone estimate, from the true probabilities."""
        difference = self.strengths[:, np.newaxis] - self.strengths
        tie_half = special.expit(difference - HUMAN_TIE) + special.expit(difference + HUMAN_TIE)
        return uniform_pair_projection(tie_half / 2)

    def draw(self, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Draw the table of votes with verdicts, and that of verdicts only."""
        human = self._battles(rng, VOTES, np.full(MODELS, 1 / MODELS))
        unlabelled = self._battles(rng, VERDICTS, self.traffic)
        return human, unlabelled.drop(columns="winner")

    def _battles(self, rng: np.random.Generator, size: int, traffic: FloatArray) -> pd.DataFrame:
        a = rng.choice(MODELS, size, p=traffic)
        b = (a + rng.integers(1, MODELS, size)) % MODELS
        seen, own = rng.logistic(size=size), rng.logistic(size=size)
        quality = self.strengths[a] - self.strengths[b]
        verdict = quality + self.judge_bias[a] - self.judge_bias[b] + POSITION_BIAS
        verdict += self.shared * seen + np.sqrt(1 - self.shared**2) * own
        codes = (_label(quality + seen, HUMAN_TIE), _label(verdict, JUDGE_TIE))
        counts = np.bincount(((a * MODELS + b) * 3 + codes[0]) * 3 + codes[1])
        cell = np.flatnonzero(counts)
        return pd.DataFrame(
            {
                "model_a": NAMES[cell // 9 // MODELS],
                "model_b": NAMES[cell // 9 % MODELS],
                "winner": LABELS[cell // 3 % 3],
                "judge": LABELS[cell % 3],
                "count": counts[cell],
            }
        )


def _label(latent: FloatArray, tie: float) -> npt.NDArray[np.int64]:
    return np.where(latent > tie, 0, np.where(latent < -tie, 1, 2)).astype(np.int64)


@dataclass
class Tally:
    """Squared errors and hits of one estimator, added up over replicates."""

    squared_error: float = 0.0
    hits: int = 0
    size: int = 0

    def add(self, error: FloatArray, covariance: FloatArray) -> None:
        self.squared_error += float(np.square(error).sum())
        self.hits += int((np.abs(error) <= QUANTILE * np.sqrt(np.diag(covariance))).sum())
        self.size += len(error)

    @property
    def coverage(self) -> float:
        return self.hits / self.size


def _judge_alone(human: pd.DataFrame, unlabelled: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    verdicts = pd.concat([human.assign(winner=human.judge), unlabelled.assign(winner=unlabelled.judge)])
    comparisons = Comparisons.from_battles(verdicts.reset_index(drop=True))
    fit = fit_bradley_terry(comparisons)
    return fit.strengths, sandwich(fit, comparisons)


def _measure(
    world: World, replicates: int, rng: np.random.Generator
) -> tuple[dict[str, Tally], list[JudgedFit]]:
    target = world.target()
    tallies = {name: Tally() for name in ("human", "tuned", "published", "full", "judge")}
    fits = []
    for _ in range(replicates):
        human, unlabelled = world.draw(rng)
        fit = fit_with_judge(human, unlabelled)
        published = fit_with_judge(human, unlabelled, match_pairs=False)
        full = fit_with_judge(human, unlabelled, match_pairs=False, tuning=1.0)
        alone, covariance = _judge_alone(human, unlabelled)
        tallies["human"].add(fit.human.strengths - target, fit.human_covariance)
        tallies["tuned"].add(fit.strengths - target, fit.covariance)
        tallies["published"].add(published.strengths - target, published.covariance)
        tallies["full"].add(full.strengths - target, full.covariance)
        tallies["judge"].add(alone - target, covariance)
        fits.append(fit)
    return tallies, fits


def _world(shared: float, *, planted: float = 0.0, vendor_traffic: float = 1.0) -> World:
    rng = np.random.default_rng(9)
    strengths, bias = (_spread(rng.normal(size=MODELS), size) for size in (SPREAD, BIAS))
    traffic = np.ones(MODELS)
    bias[VENDOR] += planted
    traffic[VENDOR] *= vendor_traffic
    return World(strengths=strengths, judge_bias=bias, shared=shared, traffic=traffic / traffic.sum())


def _spread(values: FloatArray, size: float) -> FloatArray:
    """Give the values mean zero and exactly this standard deviation."""
    return size * (values - values.mean()) / values.std()


def _moves(seed: int, replicates: int, vendor_traffic: float) -> FloatArray:
    """Points by which the planted bias moves the vendor: matched, published formula, judge alone."""
    moved = []
    for replicate in range(replicates):
        scores = []
        for planted in (0.0, PLANTED):
            rng = np.random.default_rng([seed, replicate])
            world = _world(SHARED[0.83], planted=planted, vendor_traffic=vendor_traffic)
            human, unlabelled = world.draw(rng)
            fits = [fit_with_judge(human, unlabelled, match_pairs=match).strengths for match in (True, False)]
            scores.append(np.array([*fits, _judge_alone(human, unlabelled)[0]])[:, VENDOR])
        moved.append(RATING_PER_STRENGTH * (scores[1] - scores[0]))
    return np.mean(moved, axis=(0, 2))


def run(replicates: int, seed: int, *, slack: float = 0.0) -> Report:
    """Measure coverage and gain at four agreements, and how far a bias planted for one vendor moves it."""
    findings = []
    for agreement, shared in SHARED.items():
        tallies, fits = _measure(
            _world(shared), replicates, np.random.default_rng([seed, int(100 * agreement)])
        )
        found = float(np.mean([fit.decisive_agreement for fit in fits]))
        findings += _findings(agreement, found, tallies, fits, slack)
    moved, skewed = (_moves(seed, max(replicates // 4, 5), traffic) for traffic in (1.0, 3.0))
    findings += [
        Finding(
            claim=f"A judge's bias of 100 points for one vendor moves the vendor's score, {where}",
            measured=f"by {move[0]:+.1f} points (published formula {move[1]:+.1f}, "
            f"judge alone {move[2]:+.1f})",
            bound="at most 5 points",
            holds=bool(abs(move[0]) <= 5),
        )
        for where, move in (
            ("the same pairs in both tables", moved),
            ("the vendor three times as frequent among the verdicts", skewed),
        )
    ]
    return Report(
        test="T9",
        title="A judge beside the votes",
        world=f"{MODELS} models (sd 69 points), {VOTES} votes (25 % ties), {VERDICTS} further verdicts of a judge "
        "with a taste of its own for each model (sd 52 points) and for side a (52 points), that rarely ties; "
        f"{replicates} replicates for each agreement of judge and people on battles without ties. Gain: mean "
        "squared error of the human-only scores over that of the scores with the judge.",
        findings=findings,
    )


def _findings(
    agreement: float, found: float, tallies: dict[str, Tally], fits: list[JudgedFit], slack: float
) -> list[Finding]:
    error = {name: tally.squared_error for name, tally in tallies.items()}
    gain = error["human"] / error["tuned"]
    published = error["human"] / error["published"]
    least = {0.66: 0.99, 0.83: 1.3}.get(agreement, 0.99)
    coverage = [tallies[name].coverage for name in ("tuned", "published", "human", "judge")]
    return [
        Finding(
            claim=f"Agreement {agreement:.2f} (measured {found:.3f}): coverage of the 95 % intervals",
            measured=f"{coverage[0]:.3f} (published formula {coverage[1]:.3f}, people alone {coverage[2]:.3f}, "
            f"judge alone {coverage[3]:.3f})",
            bound="0.93 to 0.97",
            holds=0.93 - slack <= coverage[0] <= 0.97 + slack and abs(found - agreement) <= 0.01,
        ),
        Finding(
            claim=f"Agreement {agreement:.2f}: gain in effective votes",
            measured=f"{gain:.2f} (stated by the fits {np.mean([fit.overall_gain for fit in fits]):.2f}; published "
            f"formula {published:.2f}, with tuning 1 {error['human'] / error['full']:.2f}, judge alone "
            f"{error['human'] / error['judge']:.2f})",
            bound=f"at least {least:.2f}",
            holds=bool(gain >= least - slack),
        ),
    ]


def test_a_judge_beside_the_votes_in_a_few_replicates() -> None:
    run(5, seed=9, slack=0.1).check()


@pytest.mark.statistics
def test_a_judge_beside_the_votes() -> None:
    report = run(400, seed=UNSEEN)
    report.save()
    report.check()
