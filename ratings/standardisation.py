"""Features on a common scale: one unit is one standard deviation over the votes."""

from dataclasses import dataclass

import numpy as np

from ratings.arrays import FloatArray
from ratings.errors import InvalidComparisonsError, name_some
from ratings.style_blocks import StyleDesign
from ratings.style_rows import StyleMoments

_SMALLEST_VARIANCE = 1e-24
_ROUNDING = 1e-12
"""A variance below this share of the mean square may be what rounding leaves of nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Standardisation:
    """How contrast columns become standardised features.

    Attributes
    ----------
    mean, scale : float64, shape (n_features,)
        Subtracted from a normalised difference, and what it is divided by.
    matrix : float64, shape (n_coefficients, n_columns)
        Takes the contrast columns of `StyleRows` to what the coefficients multiply.
    """

    mean: FloatArray
    scale: FloatArray
    matrix: FloatArray


def standardise(design: StyleDesign, moments: StyleMoments) -> Standardisation:
    """Find mean and scale of every feature.

    Parameters
    ----------
    design : StyleDesign
    moments : StyleMoments
        Of all chunks together.

    Returns
    -------
    Standardisation
        Of a symmetric design the mean is 0 and the scale the root mean square, so that it does not depend on
        which answer stood on side a; of a published one they are mean and standard deviation.

    Raises
    ------
    InvalidComparisonsError
        If a feature never differs between two answers.
    """
    size = len(design.features)
    mean = np.zeros(size)
    square = variance = moments.squares / moments.votes
    if design.definition == "published":
        mean = moments.totals / moments.votes
        variance = variance - np.square(mean)
    least = _SMALLEST_VARIANCE + _ROUNDING * square
    constant = [name for name, missing in zip(design.features, variance < least, strict=True) if missing]
    if constant:
        raise InvalidComparisonsError(
            f"No battle tells the effect of {name_some(constant)}: the difference between both answers is "
            "always the same. Leave the feature out."
        )
    scale = np.sqrt(variance)
    matrix = np.zeros((len(design.coefficients), design.columns))
    matrix[:size, :size] = np.diag(1 / scale)
    if design.definition == "published":
        matrix[:size, -1] = -mean / scale
    if design.side_bias:
        matrix[-1, -1] = 1
    return Standardisation(mean=mean, scale=scale, matrix=matrix)
