"""The familiar rating scale: 400 points for odds of ten to one, centred at 1000."""

import math

from ratings.arrays import FloatArray
from ratings.errors import InvalidOptionError

RATING_CENTRE = 1000.0
RATING_PER_STRENGTH = 400 / math.log(10)


def rating_from_strength(
    strengths: FloatArray, *, anchor: int | None = None, rating: float = RATING_CENTRE
) -> FloatArray:
    """Turn strengths into rating points.

    Parameters
    ----------
    strengths : float64, shape (n_models,)
        Natural log-odds, as from a fit: mean zero.
    anchor : int, optional
        Place of the model that is to have ``rating``, such as ``fit.models.index(name)``. By default a strength
        of zero, the mean of a fit, has it.
    rating : float, default 1000
        Rating points.

    Returns
    -------
    float64, shape (n_models,)
        Rating points.

    Raises
    ------
    InvalidOptionError
        If ``anchor`` is not the place of a model, or ``rating`` is not finite.

    Notes
    -----
    An anchor moves all ratings by one number. Their intervals move with them and keep their width: they say how
    sure a model's distance to the mean of the rated models is. The interval of a distance to the anchor, or to
    any other model, comes from `ratings.intervals.difference_intervals`.

    Examples
    --------
    >>> import numpy as np
    >>> rating_from_strength(np.array([0.5, -0.5]), anchor=1, rating=1114).round(1).tolist()
    [1287.7, 1114.0]
    """
    if not math.isfinite(rating):
        raise InvalidOptionError(f"rating is {rating!r}: it is a finite number of rating points.")
    if anchor is None:
        return rating + RATING_PER_STRENGTH * strengths
    if not 0 <= anchor < len(strengths):
        raise InvalidOptionError(f"anchor is {anchor!r}: it is the place of one of {len(strengths)} models.")
    return rating + RATING_PER_STRENGTH * (strengths - float(strengths[anchor]))
