"""Linear algebra on the mean-zero subspace, with the same bytes at any BLAS thread count.

A threaded BLAS adds in an order that depends on the number of threads. What is published is therefore computed
inside `single_threaded_blas`; matrices of a few hundred models gain little from more threads.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import threadpoolctl  # type: ignore[import-untyped]
from scipy import linalg

from ratings.arrays import FloatArray


class _BlasLimit:
    """Holds BLAS at one thread from the first user's arrival to the last one's departure."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[int, int] = {}
        self._former: dict[int, Any] = {}

    def enter(self) -> None:
        with self._lock:
            scope = _scope()
            if scope not in self._users:
                _take_control()
                self._former[scope] = _controller().limit(limits=1, user_api="blas")
            self._users[scope] = self._users.get(scope, 0) + 1

    def leave(self) -> None:
        with self._lock:
            scope = _scope()
            self._users[scope] -= 1
            if self._users[scope] == 0:
                del self._users[scope]
                _take_control()
                self._former.pop(scope).restore_original_limits()
                _take_control()


_LIMIT = _BlasLimit()


@functools.cache
def _controller() -> Any:
    return threadpoolctl.ThreadpoolController()


@functools.cache
def _is_per_thread() -> bool:
    layers = [getattr(library, "threading_layer", "") for library in _controller().lib_controllers]
    return "openmp" in layers


def _scope() -> int:
    """Return what a limit holds for: an OpenMP build keeps one for each thread, other builds one in all."""
    return threading.get_ident() if _is_per_thread() else 0


def _take_control() -> None:
    """Let this thread set the limit: threadpoolctl 3.8 ignores all threads but the one that set it first."""
    clear = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if clear:
        clear(force=True)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Let BLAS and LAPACK run on one thread inside this block, so that sums do not depend on their number.

    Blocks may be nested and may overlap in several threads: the former number of threads returns when the
    last block ends. The limit holds for the whole process, other users of BLAS included. Entering and leaving
    costs some microseconds.

    Examples
    --------
    >>> with single_threaded_blas():
    ...     product = np.eye(2) @ np.ones((2, 2))
    """
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()


def fill_constant_direction(hessian: FloatArray) -> FloatArray:
    """Add a multiple of the all-ones matrix, so that a singular Laplacian becomes positive definite.

    Parameters
    ----------
    hessian : float64, shape (n_models, n_models)
        Symmetric, with the all-ones vector as an eigenvector.

    Returns
    -------
    float64, shape (n_models, n_models)
        Acts as ``hessian`` on vectors that sum to zero, and as its mean diagonal on constant vectors.
    """
    return hessian + float(np.trace(hessian)) / len(hessian) ** 2


def mean_zero_inverse(hessian: FloatArray) -> FloatArray:
    """Invert a Hessian on the vectors that sum to zero (its pseudo-inverse when it is a Laplacian).

    Parameters
    ----------
    hessian : float64, shape (n_models, n_models)
        Symmetric, positive definite on mean-zero vectors, with the all-ones vector as an eigenvector.

    Returns
    -------
    float64, shape (n_models, n_models)
        Symmetric; rows sum to zero.

    Raises
    ------
    scipy.linalg.LinAlgError
        If the Hessian is not positive definite in double precision.

    Notes
    -----
    Cholesky factor and LAPACK's inverse from it, on one thread. O(n_models ** 3).
    """
    with single_threaded_blas():
        factor, failed = linalg.lapack.dpotrf(fill_constant_direction(hessian), lower=True)
        if failed:
            raise linalg.LinAlgError(f"leading minor {failed} of the Hessian is not positive definite")
        inverse, _ = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    # Above the diagonal are zeros.
    symmetric: FloatArray = inverse + inverse.T
    np.fill_diagonal(symmetric, np.diag(inverse))
    return symmetric - float(symmetric.mean())


def sandwich_product(bread: FloatArray, meat: FloatArray) -> FloatArray:
    """Multiply bread, meat and bread, all symmetric of shape (n_models, n_models)."""
    with single_threaded_blas():
        product = bread @ meat @ bread
    symmetric: FloatArray = (product + product.T) / 2
    return symmetric
