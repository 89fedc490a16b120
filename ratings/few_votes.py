"""The variance of models with so few votes that these may agree by chance."""

from typing import Final

import numpy as np

from ratings.arrays import FloatArray, IntArray
from ratings.intervals import difference_variance

FEW_VOTES: Final = 30
"""Votes on a model from which on the spread of its own outcomes says enough."""


def widened_for_few_votes(
    covariance: FloatArray, independent: FloatArray, inverse_hessian: FloatArray, votes: IntArray
) -> FloatArray:
    """Give models with few votes at least the variance that the spread of all outcomes lets expect.

    Parameters
    ----------
    covariance : float64, shape (n, n)
        What to widen; strengths come first.
    independent, inverse_hessian : float64, shape (n, n)
        Of the same fit: the covariance for independent votes, as from `sandwich`, and the inverse of its Hessian.
    votes : int64, shape (n_models,)
        On each model.

    Returns
    -------
    float64, shape (n, n)
        ``covariance`` and a diagonal of numbers that are 0 or more, 0 from `FEW_VOTES` votes on.

    Notes
    -----
    A robust covariance takes the spread of a model's outcomes from its own votes. One that has tied once, as the fit
    then expects of it, has none, and looked as sure as its opponent. The inverse Hessian H+ is the covariance of wins
    and losses without ties; what all votes show is a share of that, the dispersion of quasi-likelihood. It is taken
    from the variances of differences, which no model but their two has a part in, with weights n_i**2 n_j**2, so that
    models with few votes hardly matter.

    References
    ----------
    [Wedderburn74] Wedderburn. Quasi-likelihood functions, generalized linear models, and the Gauss-Newton method.
        1974. doi:10.1093/biomet/61.3.439
    """
    if (votes >= FEW_VOTES).all():
        return covariance
    size = len(votes)
    weight = np.square(np.outer(votes, votes).astype(np.float64))
    seen, expected = (difference_variance(matrix[:size, :size]) for matrix in (independent, inverse_hessian))
    # Sorted, so that the names of the models do not change the last bits.
    dispersion = np.sort(weight * seen, axis=None).sum() / np.sort(weight * expected, axis=None).sum()
    least = dispersion * np.diag(inverse_hessian)[:size]
    lacking = np.where(votes < FEW_VOTES, np.maximum(least - np.diag(covariance)[:size], 0), 0)
    widened = covariance.copy()
    widened[np.arange(size), np.arange(size)] += lacking
    return widened
