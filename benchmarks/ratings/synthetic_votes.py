"""Votes with the shape of a real arena's, and known truth.

Models come and go by a calendar, and new ones are drawn five times as often, so that about half of the pairs
ever meet. A third of the votes are ties. Few voters cast many votes. Longer and more formatted answers win more
often. E[win + tie / 2] is exactly the logistic function of the true logit, so half-win Bradley-Terry with style
control is consistent.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import special

from benchmarks.ratings.votes import FEATURES, LANGUAGES, TAGS, WINNERS

EPOCHS = 40
FRESH_EPOCHS = 3
FRESH_WEIGHT = 5.0
EFFECTS = (0.25, 0.03, 0.06, 0.04)  # natural log-odds per standard deviation of each feature
TIE_RATE = 0.52
TAG_SHARES = (0.5, 0.35, 0.25, 0.2, 0.15, 0.1, 0.05)


def write_votes(path: Path, *, votes: int, models: int, seed: int) -> None:
    """Draw votes and write them as an Arrow file with dictionary columns."""
    rng = np.random.default_rng([seed, votes, models])
    release, strengths = _release(rng, models)
    a, b = _pairs(rng, release, votes)
    style = _style(rng, models, a, b)
    p = special.expit(strengths[a] - strengths[b] + _style_logit(style))
    winner = _winners(rng, p, strengths[a] + strengths[b])
    names = pa.array([f"organization-{n % 17:02}/model-{n:03}-instruct" for n in range(models)])
    columns = {
        "model_a": _dictionary(a, names),
        "model_b": _dictionary(b, names),
        "winner": _dictionary(winner, pa.array(WINNERS)),
        "voter": _voters(rng, votes),
        "language": _dictionary(_languages(rng, votes), pa.array(LANGUAGES)),
        **{tag: pa.array(rng.random(votes) < share) for tag, share in zip(TAGS, TAG_SHARES, strict=True)},
        **{f"{name}_{side}": pa.array(style[name][side]) for name in FEATURES for side in "ab"},
    }
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)


def _dictionary(codes: np.ndarray, values: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), values)


def _release(rng: np.random.Generator, models: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last epoch of each model, and its strength: later models are better."""
    first = np.where(rng.random(models) < 0.3, 0, rng.integers(0, EPOCHS - 4, models))
    last = first + rng.integers(5, 16, models)
    last[first == 0] += rng.integers(0, EPOCHS // 2, int((first == 0).sum()))
    strengths = 1.6 * first / EPOCHS + rng.normal(0, 0.6, models)
    return np.stack([first, last]), strengths - strengths.mean()


def _pairs(rng: np.random.Generator, release: np.ndarray, votes: int) -> tuple[np.ndarray, np.ndarray]:
    first, last = release
    sides = []
    for epoch, size in enumerate(np.diff(np.linspace(0, votes, EPOCHS + 1).astype(int))):
        weight = ((first <= epoch) & (epoch <= last)) * np.where(
            epoch - first < FRESH_EPOCHS, FRESH_WEIGHT, 1.0
        )
        if (weight > 0).sum() < 2:
            weight = np.ones(len(first))
        a = rng.choice(len(first), size, p=weight / weight.sum())
        b = a.copy()
        while (same := np.flatnonzero(a == b)).size:
            b[same] = rng.choice(len(first), same.size, p=weight / weight.sum())
        sides.append((a, b))
    return np.concatenate([a for a, _ in sides]), np.concatenate([b for _, b in sides])


def _style(
    rng: np.random.Generator, models: int, a: np.ndarray, b: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Counts of both answers: each model has habits of its own."""
    style = {}
    for name, usual in zip(FEATURES, (350.0, 1.5, 6.0, 5.0), strict=True):
        habit = usual * np.exp(rng.normal(0, 0.4, models))
        sides = {}
        for side, model in (("a", a), ("b", b)):
            mean = habit[model] * np.exp(rng.normal(0, 0.5, len(model)))
            sides[side] = rng.poisson(mean).astype(np.int32)
        style[name] = sides
    return style


def _style_logit(style: dict[str, dict[str, np.ndarray]]) -> np.ndarray:
    logit = 0.0
    for effect, name in zip(EFFECTS, FEATURES, strict=True):
        a, b = (style[name][side].astype(np.float64) for side in "ab")
        difference = (a - b) / (a + b + 1)
        logit = logit + effect * (difference - difference.mean()) / difference.std()
    return np.asarray(logit)


def _winners(rng: np.random.Generator, p: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Win, loss, tie or both bad, with P(win) + P(tie or both bad) / 2 = p; weak pairs are both bad more often."""
    undecided = 2 * TIE_RATE * np.minimum(p, 1 - p)
    draw = rng.random(len(p))
    bad = rng.random(len(p)) < special.expit(-level)
    winner = np.where(draw < p - undecided / 2, 0, np.where(draw < 1 - undecided, 1, 2))
    return np.where((winner == 2) & bad, 3, winner)


def _voters(rng: np.random.Generator, votes: int) -> pa.DictionaryArray:
    number = max(votes // 4, 10)
    activity = 1 / (np.arange(number) + 3.0)
    voter = np.searchsorted(np.cumsum(activity / activity.sum()), rng.random(votes)).clip(max=number - 1)
    return _dictionary(voter, pa.array([f"voter-{n:07}" for n in range(number)]))


def _languages(rng: np.random.Generator, votes: int) -> np.ndarray:
    share = 0.6 ** np.arange(len(LANGUAGES))
    return rng.choice(len(LANGUAGES), votes, p=share / share.sum())
