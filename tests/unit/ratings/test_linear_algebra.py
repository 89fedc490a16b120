import os
import subprocess
import sys

import numpy as np

from ratings.linear_algebra import mean_zero_inverse, sandwich_product

DIGEST = """
import hashlib
import numpy as np
from ratings import Comparisons, fit_bradley_terry, sandwich, simulate
rng = np.random.default_rng(30)
strengths = simulate.simulate_strengths(rng, models=150)
battles = simulate.simulate_battles(rng, strengths=strengths, battles=60_000, voters=50)
comparisons = Comparisons.from_battles(battles, cluster="voter")
fit = fit_bradley_terry(comparisons)
covariance = sandwich(fit, comparisons, cluster="voter")
print(hashlib.sha256(fit.strengths.tobytes() + covariance.tobytes()).hexdigest())
"""


def laplacian(seed: int, size: int) -> np.ndarray:
    weights = np.triu(np.random.default_rng(seed).uniform(0.1, 5, (size, size)), 1)
    weights += weights.T
    return np.diag(weights.sum(axis=1)) - weights


def test_inverts_a_laplacian_like_the_pseudo_inverse() -> None:
    matrix = laplacian(31, 20)
    np.testing.assert_allclose(mean_zero_inverse(matrix), np.linalg.pinv(matrix), atol=1e-13)


def test_leaves_out_the_constant_direction_of_a_ridge() -> None:
    matrix = laplacian(32, 12) + 3 * np.eye(12)
    centre = np.eye(12) - 1 / 12
    np.testing.assert_allclose(mean_zero_inverse(matrix), centre @ np.linalg.inv(matrix) @ centre, atol=1e-13)


def test_sandwich_product_is_the_matrix_product() -> None:
    bread, meat = laplacian(33, 9), laplacian(34, 9)
    np.testing.assert_allclose(sandwich_product(bread, meat), bread @ meat @ bread, rtol=1e-12)


def test_the_number_of_threads_does_not_change_a_byte() -> None:
    digests = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        run = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        digests.add(run.stdout)
    assert len(digests) == 1
