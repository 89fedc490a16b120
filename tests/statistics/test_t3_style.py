"""T3: style control finds the planted effect of style, and takes it out of the ratings."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import special

from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.style_control import fit_style_control
from tests.statistics.findings import UNSEEN, Finding, Report
from tests.unit.ratings.styled import dense_fit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FEATURES = ("tokens", "headers")
EFFECTS = np.array([0.25, 0.06])
MODELS, RARE_VOTES = 20, 200
VOTERS, ACTIVITY = 600, 0.5
LABELS = ["model_a", "model_b", "tie", "both_bad"]
NAMES = [f"m{number:02}" for number in range(MODELS)]
QUANTILE = NormalDist().inv_cdf(0.975)
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(20)


@dataclass(frozen=True, kw_only=True)
class World:
    """Models with strengths and habits of style; the last model is rare."""

    strengths: FloatArray
    habits: FloatArray
    scale: FloatArray
    tie_rate: float = 0.0
    taste: float = 0.0
    rare_votes: int = 0

    def draw(
        self, rng: np.random.Generator, votes: int
    ) -> tuple[pd.DataFrame, FloatArray, IntArray, IntArray]:
        """Draw who meets and how the answers look: the table without winners, and logits at equal taste."""
        traffic = np.ones(MODELS)
        a = rng.integers(MODELS, size=votes)
        if self.rare_votes:
            traffic[-1] = self.rare_votes / (2 * votes - self.rare_votes) * (MODELS - 1)
            a = rng.choice(MODELS, votes, p=traffic / traffic.sum())
        b = rng.choice(MODELS, votes, p=traffic / traffic.sum())
        same = a == b
        while same.any():
            b[same] = rng.choice(MODELS, int(same.sum()), p=traffic / traffic.sum())
            same = a == b
        table = pd.DataFrame(
            {"model_a": pd.Categorical.from_codes(a, NAMES), "model_b": pd.Categorical.from_codes(b, NAMES)}
        )
        logit = self.strengths[a] - self.strengths[b]
        for number, feature in enumerate(FEATURES):
            of_a, of_b = (np.exp(rng.normal(self.habits[number, model], 0.5)).round() for model in (a, b))
            table[f"{feature}_a"], table[f"{feature}_b"] = of_a, of_b
            z = (of_a - of_b) / np.maximum(of_a + of_b, 1)
            logit = logit + EFFECTS[number] * z / self.scale[number]
        return table, logit, a, b

    def vote(self, rng: np.random.Generator, votes: int) -> pd.DataFrame:
        """Draw a table of votes."""
        table, logit, a, b = self.draw(rng, votes)
        activity = np.arange(1, VOTERS + 1) ** -ACTIVITY
        voter = rng.choice(VOTERS, votes, p=activity / activity.sum())
        liking = rng.normal(0, self.taste, (VOTERS, MODELS))
        win = special.expit(logit + liking[voter, a] - liking[voter, b])
        undecided = 2 * self.tie_rate * np.minimum(win, 1 - win)
        draw = rng.random(votes)
        code = (draw >= win - undecided / 2).astype(np.int8) + (draw >= 1 - undecided)
        return table.assign(winner=pd.Categorical.from_codes(code, LABELS), voter=voter)

    def expected(self, rng: np.random.Generator, votes: int) -> pd.DataFrame:
        """Draw a table where each battle is half won and half lost, in its true proportions."""
        table, logit, _, _ = self.draw(rng, votes)
        spread = np.sqrt(2) * self.taste * NODES
        win = special.expit(logit[:, np.newaxis] + spread) @ NODE_WEIGHTS / NODE_WEIGHTS.sum()
        won = table.assign(winner="model_a", weight=win)
        return pd.concat([won, table.assign(winner="model_b", weight=1 - win)], ignore_index=True)


def make_world(seed: int, **options: float | int) -> World:
    rng = np.random.default_rng(seed)
    strengths = rng.normal(0, 0.6, MODELS)
    habits = np.stack([rng.normal(5.5, 0.5, MODELS), rng.normal(0.5, 0.5, MODELS)])
    start = World(strengths=strengths - strengths.mean(), habits=habits, scale=np.ones(2), **options)
    table = start.draw(rng, 400_000)[0]
    scale = [
        np.sqrt(np.mean(((a - b) / np.maximum(a + b, 1)) ** 2))
        for a, b in ((table[f"{feature}_a"], table[f"{feature}_b"]) for feature in FEATURES)
    ]
    return World(strengths=start.strengths, habits=habits, scale=np.array(scale), **options)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Over replicates: coefficients of length, and shares of the style bias left in the ratings."""

    coefficients: FloatArray
    covered: FloatArray
    left: FloatArray
    mean_penalty_coefficients: FloatArray
    mean_penalty_left: FloatArray


def recover(seed: int, *, replicates: int, votes: int, population: int) -> Recovery:
    """Fit tie-free votes with style control, and with a penalty on the mean of the loss instead."""
    world = make_world(seed)
    rng = np.random.default_rng(seed + 1)
    plain = fit_bradley_terry(Comparisons.from_battles(world.expected(rng, population)))
    bias = plain.strengths - world.strengths
    rows = []
    for _ in range(replicates):
        table = world.vote(rng, votes)
        fit = fit_style_control(table, features=FEATURES)
        # The published package adds reg / 2 * coefficients**2 with reg = 1 to the mean of the loss.
        penalised = fit_style_control(table, features=FEATURES, style_ridge=float(votes))
        shown = fit.coefficient_table().iloc[0]
        rows.append(
            [
                fit.coefficients[0],
                shown.lower <= EFFECTS[0] <= shown.upper,
                (fit.strengths - world.strengths) @ bias / (bias @ bias),
                penalised.coefficients[0],
                (penalised.strengths - world.strengths) @ bias / (bias @ bias),
            ]
        )
    return Recovery(**dict(zip(Recovery.__dataclass_fields__, np.array(rows, dtype=float).T, strict=True)))


def cover(
    seed: int, *, replicates: int, votes: int, taste: float, population: int
) -> tuple[FloatArray, FloatArray]:
    """Count how often 95 % intervals hold the truth: of strengths by model, and of the coefficients."""
    world = make_world(seed, tie_rate=0.35, taste=taste, rare_votes=RARE_VOTES)
    rng = np.random.default_rng(seed + 1)
    truth = fit_style_control(world.expected(rng, population), features=FEATURES)
    inside = np.zeros(MODELS + len(FEATURES))
    for _ in range(replicates):
        fit = fit_style_control(world.vote(rng, votes), features=FEATURES, cluster="voter" if taste else None)
        coefficients = fit.coefficients * truth.standardisation.scale / fit.standardisation.scale
        error = np.concatenate([fit.strengths - truth.strengths, coefficients - truth.coefficients])
        inside += np.abs(error) <= QUANTILE * fit.standard_errors()
    return inside[:MODELS] / replicates, inside[MODELS:] / replicates


def with_ties(seed: int, *, votes: int) -> tuple[float, float]:
    """Cut a latent difference into win, tie and loss: our coefficient, and its distance to a dense solution."""
    world = make_world(seed)
    rng = np.random.default_rng(seed + 1)
    table, logit, _, _ = world.draw(rng, votes)
    latent = logit + rng.logistic(size=votes)
    table["winner"] = np.where(latent > 0.6, "model_a", np.where(latent < -0.6, "model_b", "tie"))
    table["voter"] = np.arange(votes) % 2
    fit = fit_style_control(table, features=FEATURES)
    dense = dense_fit(table.astype({"model_a": "str", "model_b": "str"}), FEATURES)
    ours = np.concatenate([fit.strengths, fit.coefficients])
    return float(fit.coefficients[0]), float(np.abs(ours - dense.parameters).max())


def report(
    seed: int, *, replicates: int, votes: int, coverings: int, population: int, slack: float
) -> Report:
    found = recover(seed, replicates=replicates, votes=votes, population=population)
    worst = float(np.abs(found.coefficients - EFFECTS[0]).max())
    left, noise = found.left.mean(), found.left.std(ddof=1) / np.sqrt(replicates)
    shrunk, distance = with_ties(seed + 10, votes=20_000)
    independent, coefficient = cover(
        seed + 20, replicates=coverings, votes=20_000, taste=0.0, population=population
    )
    clustered, clustered_coefficient = cover(
        seed + 30, replicates=coverings, votes=20_000, taste=0.6, population=population
    )
    rates = {
        "strengths, votes independent": independent[:-1].mean(),
        f"strength of a model with {RARE_VOTES} votes, votes independent": independent[-1],
        "coefficients, votes independent": coefficient.mean(),
        "strengths, voters of taste 0.6": clustered[:-1].mean(),
        f"strength of a model with {RARE_VOTES} votes, voters of taste 0.6": clustered[-1],
        "coefficients, voters of taste 0.6": clustered_coefficient.mean(),
    }
    return Report(
        test="T3",
        title="style control finds the planted effect and takes it out of the ratings",
        world=(
            f"{MODELS} models (strengths of sd 0.6) with habits of length and headers of their own; true effects "
            f"{EFFECTS[0]} and {EFFECTS[1]} log-odds per sd. Recovery: {replicates} replicates of {votes:,} votes "
            f"without ties. Coverage: {coverings} replicates of 20,000 votes, 35 % ties between equals, one model "
            f"with {RARE_VOTES} votes, {VOTERS} voters of unequal activity; with taste, intervals are clustered "
            "by voter and the target is what infinitely many such votes give. Monte-Carlo error of a single "
            "model's coverage: "
            f"{100 * np.sqrt(0.05 * 0.95 / coverings):.1f} points."
        ),
        findings=[
            Finding(
                claim="every estimate of the effect of length is near 0.25",
                measured=f"{found.coefficients.mean():.4f} on average, worst error {worst:.4f}",
                bound="0.25 +- 0.02",
                holds=bool(worst <= 0.02 + slack),
            ),
            Finding(
                claim="share of the planted style bias left in the ratings",
                measured=f"{100 * left:.2f} % (Monte-Carlo error {100 * noise:.2f})",
                bound="within 2 %",
                holds=bool(abs(left) < 0.02 + 5 * slack),
            ),
            Finding(
                claim="the coefficient's 95 % interval holds 0.25",
                measured=f"{100 * found.covered.mean():.1f} % of replicates",
                bound="85 % or more",
                holds=bool(found.covered.mean() >= 0.85 - 10 * slack),
            ),
            Finding(
                claim="contrast: the same with the penalty reg = 1 on the mean of the loss",
                measured=(
                    f"effect {found.mean_penalty_coefficients.mean():.3f}, "
                    f"{100 * found.mean_penalty_left.mean():.0f} % of the bias left"
                ),
                bound="misses both bounds",
                holds=bool(
                    found.mean_penalty_coefficients.max() < 0.23 and found.mean_penalty_left.min() > 0.02
                ),
            ),
            Finding(
                claim="with ties of a latent threshold: distance to an independent unpenalised solution",
                measured=f"{distance:.1e} (effect {shrunk:.3f}: half-win ties shrink the whole scale)",
                bound="1e-9",
                holds=bool(distance <= 1e-9 and shrunk < 0.25),
            ),
            *(
                Finding(
                    claim=f"coverage of 95 % intervals: {name}",
                    measured=f"{100 * rate:.1f} %",
                    bound="93 to 97 %",
                    holds=bool(0.93 - 10 * slack <= rate <= 0.97 + 10 * slack),
                )
                for name, rate in rates.items()
            ),
        ],
    )


def test_style_control_in_short() -> None:
    report(31, replicates=4, votes=100_000, coverings=20, population=50_000, slack=0.01).check()


@pytest.mark.statistics
def test_style_control() -> None:
    found = report(UNSEEN, replicates=40, votes=500_000, coverings=4000, population=1_000_000, slack=0.0)
    found.save()
    found.check()
