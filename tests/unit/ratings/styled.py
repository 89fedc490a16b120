"""Styled battles, and a slow, dense style-controlled fit to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from ratings.arrays import FloatArray
from tests.unit.ratings.tables import random_battles

OUTCOME = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}
FEATURES = ("tokens", "lists")


def styled_battles(seed: int, *, rows: int = 300, models: int = 6, counted: bool = False) -> pd.DataFrame:
    """Draw any battles and any style; with ``counted`` also counts and weights, some of them 0."""
    rng = np.random.default_rng(seed)
    table = random_battles(seed, rows=rows, models=models)
    for side in "ab":
        length = table[f"model_{side}"].str[1:].astype(int)
        table[f"tokens_{side}"] = rng.integers(1, 60, rows) + 5 * length
        table[f"lists_{side}"] = rng.poisson(0.7, rows).astype(float)
    if counted:
        table["count"] = rng.integers(0, 4, rows)
        table["weight"] = rng.choice([0.0, 0.3, 1.0, 2.0], rows)
    return table


@dataclass(frozen=True, kw_only=True)
class DenseFit:
    """One design row per row of the table, and Newton by SciPy."""

    parameters: FloatArray
    loss: float
    inverse_hessian: FloatArray
    independent: FloatArray
    clustered: FloatArray


def design(
    table: pd.DataFrame, features: Sequence[str], *, side_bias: bool = False, published: bool = False
) -> FloatArray:
    """Columns: +1 and -1 for the models, standardised features, and the side."""
    models = sorted({*table.model_a, *table.model_b})
    votes = table.get("count", pd.Series(np.ones(len(table)))) * (table.get("weight", 1.0) > 0)
    columns = [np.subtract(table.model_a == model, table.model_b == model, dtype=float) for model in models]
    for feature in features:
        a, b = table[f"{feature}_a"].to_numpy(float), table[f"{feature}_b"].to_numpy(float)
        if published:
            z = (a - b) / (a + b + 1)
            z = z - np.average(z, weights=votes)
        else:
            z = np.array([(x - y) / (x + y) if x + y else 0.0 for x, y in zip(a, b, strict=True)])
        columns.append(z / np.sqrt(np.average(z**2, weights=votes)))
    if side_bias:
        columns.append(np.ones(len(table)))
    return np.column_stack(columns)


def dense_fit(
    table: pd.DataFrame,
    features: Sequence[str] = FEATURES,
    *,
    side_bias: bool = False,
    published: bool = False,
    ridge: float = 0.0,
    style_ridge: float = 0.0,
) -> DenseFit:
    x = design(table, features, side_bias=side_bias, published=published)
    models = len({*table.model_a, *table.model_b})
    y = np.array([OUTCOME[label] for label in table.winner])
    count = np.asarray(table.get("count", np.ones(len(table))), dtype=float)
    weight = np.asarray(table.get("weight", np.ones(len(table))), dtype=float)
    penalty = np.repeat([ridge, style_ridge], [models, x.shape[1] - models])
    free = np.diag(np.r_[np.ones(models), np.zeros(x.shape[1] - models)] / models)
    free[:models, :models] = 1 / models

    def gradient(beta: FloatArray) -> FloatArray:
        return np.asarray(
            x.T @ (count * weight * (special.expit(x @ beta) - y)) + penalty * beta + free @ beta
        )

    def hessian(beta: FloatArray) -> FloatArray:
        p = special.expit(x @ beta)
        return np.asarray((x.T * (count * weight * p * (1 - p))) @ x + np.diag(penalty) + free)

    beta = optimize.root(gradient, np.zeros(x.shape[1]), jac=hessian, tol=1e-13).x
    for _ in range(3):
        beta = beta - np.linalg.solve(hessian(beta), gradient(beta))
    d, residual = x @ beta, y - special.expit(x @ beta)
    inverse = np.linalg.pinv(hessian(beta) - free, rcond=1e-12)
    if ridge:
        inverse[:models, :models] -= inverse[:models, :models].mean()
    scores = x * (weight * residual)[:, None]
    by_voter = np.array(
        [
            (scores * count[:, None])[(table.voter == voter) & (count * weight > 0)].sum(axis=0)
            for voter in sorted(set(table.voter[count * weight > 0]))
        ]
    )
    return DenseFit(
        parameters=beta,
        loss=float((count * weight * (np.logaddexp(0, d) - y * d)).sum() + (penalty * beta**2).sum() / 2),
        inverse_hessian=inverse,
        independent=inverse @ (scores.T * count) @ scores @ inverse,
        clustered=inverse @ by_voter.T @ by_voter @ inverse * len(by_voter) / (len(by_voter) - 1),
    )
