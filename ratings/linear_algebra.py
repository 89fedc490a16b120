"""Linear algebra on the mean-zero subspace, with the same bytes at any BLAS thread count.

A threaded BLAS adds in an order that depends on the number of threads. What is published goes through the two
functions below, which use only elementwise steps and NumPy's own loops.
"""

import numpy as np

from ratings.arrays import FloatArray


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

    Notes
    -----
    Gauss-Jordan elimination without pivoting, which is stable for positive definite matrices. O(n_models ** 3).
    """
    inverse = fill_constant_direction(hessian)
    update = np.empty_like(inverse)
    for pivot in range(len(inverse)):
        scale = inverse[pivot, pivot]
        column = inverse[:, pivot].copy()
        row = inverse[pivot] / scale
        np.multiply(column[:, np.newaxis], row, out=update)
        inverse -= update
        inverse[pivot] = row
        inverse[:, pivot] = -column / scale
        inverse[pivot, pivot] = 1 / scale
    symmetric: FloatArray = (inverse + inverse.T) / 2
    return symmetric - float(symmetric.mean())


def sandwich_product(bread: FloatArray, meat: FloatArray) -> FloatArray:
    """Multiply bread, meat and bread, all symmetric of shape (n_models, n_models)."""
    half = np.einsum("ij,jk->ik", bread, meat, optimize=False)
    product = np.einsum("ij,jk->ik", half, bread, optimize=False)
    symmetric: FloatArray = (product + product.T) / 2
    return symmetric
