"""Ranks that the intervals allow."""

import numpy as np

from ratings.arrays import FloatArray, IntArray


def ranks_from_intervals(lower: FloatArray, upper: FloatArray) -> tuple[IntArray, IntArray]:
    """Compute the best and the worst rank that each model's interval allows.

    The best is 1 plus the number of models whose lower bound exceeds my upper bound; the worst is n_models less
    the number of models whose upper bound is below my lower bound.

    Parameters
    ----------
    lower, upper : float64, shape (n_models,)
        Bounds in any unit, lower <= upper; infinite where nothing is known.

    Returns
    -------
    rank_lower, rank_upper : int64, shape (n_models,)
        1 is the best rank.

    Notes
    -----
    Each interval holds at its own confidence, so these ranks are not simultaneously valid.

    Examples
    --------
    >>> best, worst = ranks_from_intervals(np.array([30.0, 12.0, 10.0]), np.array([40.0, 20.0, 15.0]))
    >>> best.tolist(), worst.tolist()
    ([1, 2, 2], [1, 3, 3])
    """
    size = len(lower)
    strictly_above = size - np.searchsorted(np.sort(lower), upper, side="right")
    strictly_below = np.searchsorted(np.sort(upper), lower, side="left")
    return 1 + strictly_above, size - strictly_below
