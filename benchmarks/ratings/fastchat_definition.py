"""What FastChat's `rating_systems.py` computes, written anew: its model, its solver and that solver's settings.

The package on PyPI (0.2.36) is older than that file, and there is no later one. The steps are those of FastChat, so
that their cost is the same: integer codes by pandas, one cell for each distinct row by `numpy.unique`, L-BFGS-B of
SciPy from zeros with at most 100 iterations, a gradient limit of 1e-6 and otherwise its defaults, gradients added up
by `numpy.add.at`, a process pool for the bootstrap, a Python loop for Elo. Both kinds of tie are half a win.
"""

import math
import multiprocessing
import os
from functools import partial

import numpy as np
import pandas as pd
from scipy import optimize, special
from threadpoolctl import threadpool_limits

LOG_10 = math.log(10)
POINTS = 400.0
CENTRE = 1000.0
SIDES = np.array([1.0, -1.0])


def bradley_terry(battles: pd.DataFrame) -> pd.Series:
    """Ratings from a table of strings, highest first."""
    pairs, outcomes, counts, models = _cells(battles)
    strengths = _fit(counts, pairs, outcomes, len(models))
    return pd.Series(POINTS * strengths + CENTRE, index=models).sort_values(ascending=False)


def bootstrap(battles: pd.DataFrame, rounds: int, *, blas_threads: int | None = None) -> pd.DataFrame:
    """Ratings of every model in every resample of the cells.

    FastChat leaves the number of BLAS threads to its processes, which then compete for the cores. With one thread
    each they are two to three times as fast.
    """
    pairs, outcomes, counts, models = _cells(battles)
    draws = np.random.default_rng(0).multinomial(len(battles), counts / counts.sum(), rounds) / len(battles)
    fit = partial(_fit, pairs=pairs, outcomes=outcomes, models=len(models))
    limit = (threadpool_limits, (blas_threads,)) if blas_threads else (None, ())
    with multiprocessing.Pool(os.cpu_count(), *limit) as pool:
        found = np.array(list(pool.imap_unordered(fit, draws)))
    return pd.DataFrame(POINTS * found + CENTRE, columns=models)


def style_controlled(battles: pd.DataFrame, differences: np.ndarray) -> tuple[pd.Series, np.ndarray]:
    """Ratings and coefficients; ridge 0.5 on the sum of the loss, for both."""
    pairs, outcomes, models = _rows(battles)
    features = (differences - differences.mean(axis=0)) / differences.std(axis=0)
    found = optimize.minimize(
        style_loss,
        np.zeros(len(models) + features.shape[1]),
        args=(pairs, outcomes, features, len(models)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 100, "gtol": 1e-6},
    ).x
    ratings = pd.Series(POINTS * found[: len(models)] + CENTRE, index=models)
    return ratings.sort_values(ascending=False), found[len(models) :]


def online_elo(battles: pd.DataFrame, k: float = 4.0) -> pd.Series:
    """Ratings after the last vote."""
    pairs, outcomes, models = _rows(battles)
    ratings = np.full(len(models), CENTRE)
    slope = LOG_10 / POINTS
    for (a, b), outcome in zip(pairs, outcomes, strict=True):
        expected = 1.0 / (1.0 + math.exp(slope * (ratings[b] - ratings[a])))
        change = k * (outcome - expected)
        ratings[a] += change
        ratings[b] -= change
    return pd.Series(ratings, index=models)


def _rows(battles: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, list[str]]:
    codes, models = pd.factorize(pd.concat([battles["model_a"], battles["model_b"]]))
    pairs = np.column_stack(np.split(codes, 2))
    outcomes = np.full(len(battles), 0.5)
    outcomes[battles["winner"] == "model_a"] = 1.0
    outcomes[battles["winner"] == "model_b"] = 0.0
    return pairs, outcomes, models.to_list()


def _cells(battles: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    pairs, outcomes, models = _rows(battles)
    rows = np.empty((len(battles), 3), dtype=np.int32)
    rows[:, :2] = pairs
    rows[:, 2] = 2 * outcomes
    cells, counts = np.unique(rows, axis=0, return_counts=True)
    return cells[:, :2], cells[:, 2] / 2, counts.astype(np.float64), models


def _fit(counts: np.ndarray, pairs: np.ndarray, outcomes: np.ndarray, models: int) -> np.ndarray:
    found = optimize.minimize(
        _loss,
        np.zeros(models),
        args=(pairs, outcomes, counts),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 100, "gtol": 1e-6},
    )
    return np.asarray(found.x)


def _loss(
    strengths: np.ndarray, pairs: np.ndarray, outcomes: np.ndarray, counts: np.ndarray
) -> tuple[float, np.ndarray]:
    sides = strengths[pairs]
    p = special.expit(LOG_10 * (sides[:, 0] - sides[:, 1]))
    loss = -((np.log(p) * outcomes + np.log(1.0 - p) * (1.0 - outcomes)) * counts).sum()
    gradient = np.zeros_like(strengths)
    np.add.at(gradient, pairs, (LOG_10 * (p - outcomes) * counts)[:, None] * SIDES)
    return loss, gradient


def style_loss(
    found: np.ndarray, pairs: np.ndarray, outcomes: np.ndarray, features: np.ndarray, models: int
) -> tuple[float, np.ndarray]:
    """What style control minimises, and its gradient: strengths in powers of ten first, then coefficients."""
    sides = found[:models][pairs]
    p = special.expit(LOG_10 * (sides[:, 0] - sides[:, 1]) + features @ found[models:])
    loss = -(np.log(p) * outcomes + np.log(1.0 - p) * (1.0 - outcomes)).sum() + 0.25 * found @ found
    surplus = p - outcomes
    gradient = 0.5 * found
    np.add.at(gradient[:models], pairs, (LOG_10 * surplus)[:, None] * SIDES)
    gradient[models:] += features.T @ surplus
    return loss, gradient
