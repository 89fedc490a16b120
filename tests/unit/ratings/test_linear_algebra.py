import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy import linalg
from threadpoolctl import ThreadpoolController

from ratings.linear_algebra import mean_zero_inverse, sandwich_product, single_threaded_blas

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
    for threads in ("1", "2", "4"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        run = subprocess.run([sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        digests.add(run.stdout)
    assert len(digests) == 1


def blas_threads() -> set[int]:
    return {
        library["num_threads"] for library in ThreadpoolController().info() if library["user_api"] == "blas"
    }


def test_blas_is_limited_until_the_last_user_leaves() -> None:
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        entered, leave = threading.Event(), threading.Event()

        def stay() -> None:
            with single_threaded_blas():
                entered.set()
                leave.wait(10)

        other = threading.Thread(target=stay)
        with single_threaded_blas():
            with single_threaded_blas():
                assert blas_threads() == {1}
            assert blas_threads() == {1}
            other.start()
            assert entered.wait(10)
        assert blas_threads() == {1}
        leave.set()
        other.join()
        assert blas_threads() == {2}


def test_the_limit_ends_with_an_error() -> None:
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        with pytest.raises(KeyError), single_threaded_blas():
            raise KeyError
        assert blas_threads() == {2}


def test_says_when_a_matrix_has_no_inverse() -> None:
    with pytest.raises(linalg.LinAlgError, match="not positive definite"):
        mean_zero_inverse(-laplacian(35, 4))
