"""The exact answers, computed apart from `ratings` and from the peers: plain Newton, refined in extended precision.

Nothing here is fast or general. All models must be connected by wins in both directions.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from benchmarks.ratings.votes import FEATURES, Counts, Votes

POINTS = 400 / np.log(10)
Z = NormalDist().inv_cdf(0.975)
BLOCK_ROWS = 1 << 16
OUTCOMES = np.array([1.0, 0.0, 0.5, 0.5])


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Rating points with mean zero, and half-widths of 95 % sandwich intervals, by model."""

    ratings: dict[str, float]
    half_widths: dict[str, float]


def bradley_terry(counts: Counts) -> Exact:
    """Half-win Bradley-Terry from counts, and its sandwich covariance for independent votes."""
    size = len(counts.models)
    total = counts.outcomes.sum(axis=1)
    won = counts.outcomes @ OUTCOMES
    strengths = strengths_of(counts.first, counts.second, won, total - won, size)
    logit = strengths[counts.first] - strengths[counts.second]
    p = _logistic(logit.astype(np.float64))
    hessian = _laplacian(counts, total * p * (1 - p), size)
    meat = _laplacian(counts, (counts.outcomes * (OUTCOMES - p[:, None]) ** 2).sum(axis=1), size)
    bread = np.linalg.pinv(hessian, hermitian=True)
    deviations = np.sqrt(np.diag(bread @ meat @ bread))
    return Exact(
        ratings=dict(zip(counts.models, (POINTS * strengths).astype(float).tolist(), strict=True)),
        half_widths=dict(zip(counts.models, (Z * POINTS * deviations).tolist(), strict=True)),
    )


def strengths_of(
    first: np.ndarray, second: np.ndarray, won: np.ndarray, lost: np.ndarray, size: int
) -> np.ndarray:
    """Maximum-likelihood strengths, mean zero, in extended precision.

    Newton's matrix is double, but the gradient it is applied to is extended, so that the error of the result is that
    of the gradient: far below 1e-12.
    """
    strengths = np.zeros(size, dtype=np.longdouble)
    won, lost = won.astype(np.longdouble), lost.astype(np.longdouble)
    length = np.inf
    for _ in range(200):
        close = length < 1e-9  # one step from here squares the error, down to that of the gradient
        logit = strengths[first] - strengths[second]
        p = 1 / (1 + np.exp(-logit))
        surplus = won * (1 - p) - lost * p
        gradient = np.zeros(size, dtype=np.longdouble)
        np.add.at(gradient, first, surplus)
        np.add.at(gradient, second, -surplus)
        curvature = ((won + lost) * p * (1 - p)).astype(np.float64)
        matrix = np.full((size, size), curvature.mean())
        np.add.at(matrix, (first, first), curvature)
        np.add.at(matrix, (second, second), curvature)
        np.add.at(matrix, (first, second), -curvature)
        np.add.at(matrix, (second, first), -curvature)
        step = np.linalg.solve(matrix, gradient.astype(np.float64))
        length = float(np.abs(step).max())
        strengths += step / max(1.0, length)  # no model moves by more than 1 at a time
        strengths -= strengths.mean()
        if close:
            return strengths
    raise RuntimeError(f"the referee's last step was {length:.2g}")


def style_controlled(votes: Votes) -> tuple[Exact, dict[str, float]]:
    """Bradley-Terry with standardised style differences and no penalty: ratings, and coefficients by feature."""
    models, a, b, winner = votes.codes
    y = OUTCOMES[winner]
    shares = votes.style_shares
    z = np.column_stack([shares[name] for name in FEATURES])
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    size = len(models)
    parameters = np.zeros(size + z.shape[1])
    for _ in range(50):
        gradient, hessian, _ = _style_sums(parameters, a, b, y, z, size)
        hessian[:size, :size] += hessian[0, 0] / size
        step = np.linalg.solve(hessian, gradient)
        parameters += step
        if np.abs(step).max() < 1e-13:
            break
    _, hessian, meat = _style_sums(parameters, a, b, y, z, size)
    bread = np.linalg.pinv(hessian, hermitian=True)
    deviations = np.sqrt(np.diag(bread @ meat @ bread))[:size]
    strengths = parameters[:size] - parameters[:size].mean()
    exact = Exact(
        ratings=dict(zip(models, (POINTS * strengths).tolist(), strict=True)),
        half_widths=dict(zip(models, (Z * POINTS * deviations).tolist(), strict=True)),
    )
    return exact, dict(zip(FEATURES, parameters[size:].tolist(), strict=True))


def _style_sums(
    parameters: np.ndarray, a: np.ndarray, b: np.ndarray, y: np.ndarray, z: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradient of the log-likelihood, its negative Hessian, and the sum of the votes' squared scores."""
    gradient = np.zeros(len(parameters))
    hessian = np.zeros((len(parameters), len(parameters)))
    meat = np.zeros_like(hessian)
    for start in range(0, len(a), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        left, right, features = a[rows], b[rows], z[rows]
        p = _logistic(parameters[left] - parameters[right] + features @ parameters[size:])
        surplus = y[rows] - p
        gradient[:size] += np.bincount(left, surplus, size) - np.bincount(right, surplus, size)
        gradient[size:] += features.T @ surplus
        for matrix, weight in ((hessian, p * (1 - p)), (meat, surplus**2)):
            _add_block(matrix, left, right, features, weight, size)
    return gradient, hessian, meat


def _add_block(
    matrix: np.ndarray, a: np.ndarray, b: np.ndarray, z: np.ndarray, weight: np.ndarray, size: int
) -> None:
    pairs = np.bincount(a * size + b, weight, size * size).reshape(size, size)
    matrix[:size, :size] += np.diag(pairs.sum(axis=0) + pairs.sum(axis=1)) - pairs - pairs.T
    weighted = z * weight[:, None]
    for number in range(z.shape[1]):
        column = np.bincount(a, weighted[:, number], size) - np.bincount(b, weighted[:, number], size)
        matrix[:size, size + number] += column
        matrix[size + number, :size] += column
    matrix[size:, size:] += z.T @ weighted


def _laplacian(counts: Counts, values: np.ndarray, size: int) -> np.ndarray:
    matrix = np.zeros((size, size))
    np.add.at(matrix, (counts.first, counts.first), values)
    np.add.at(matrix, (counts.second, counts.second), values)
    np.add.at(matrix, (counts.first, counts.second), -values)
    np.add.at(matrix, (counts.second, counts.first), -values)
    return matrix


def _logistic(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
