"""The familiar rating scale: 400 points for odds of ten to one, centred at 1000."""

import math

from ratings.arrays import FloatArray

RATING_CENTRE = 1000.0
RATING_PER_STRENGTH = 400 / math.log(10)


def rating_from_strength(strengths: FloatArray) -> FloatArray:
    """Turn strengths (natural log-odds, mean zero) into rating points, same shape."""
    return RATING_CENTRE + RATING_PER_STRENGTH * strengths
