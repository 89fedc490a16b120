"""The confidence of intervals and claims: what may be asked for, and how many standard errors it takes."""

from numbers import Real
from statistics import NormalDist

from ratings.errors import InvalidOptionError

LARGEST_SIMULATED = 0.9999
"""Beyond this, a quantile that is simulated takes more draws than memory and patience hold."""


def check_confidence(confidence: float, *, least: float = 0.0) -> None:
    """Check that a confidence lies between ``least`` and 1, both excluded."""
    if not isinstance(confidence, Real) or not least < confidence < 1:
        raise InvalidOptionError(
            f"confidence is {confidence!r}: it lies above {least:g} and below 1, such as 0.95."
        )


def check_simulated(confidence: float, name: str, otherwise: str) -> None:
    """Check that the draws of a simulation can reach this confidence; the error says what to do otherwise."""
    if confidence > LARGEST_SIMULATED:
        raise InvalidOptionError(
            f"confidence is {confidence!r}, but {name} are simulated and reach {LARGEST_SIMULATED} at most: "
            f"lower it, or {otherwise}."
        )


def two_sided_quantile(confidence: float, *, claims: int = 1) -> float:
    """Compute the standard errors on each side of an interval.

    Parameters
    ----------
    confidence : float
        Of the two-sided interval, between 0 and 1.
    claims : int, default 1
        Intervals that shall all hold together (Bonferroni).

    Returns
    -------
    float
        The normal quantile, 1.96 for 0.95.

    Raises
    ------
    InvalidOptionError
        If ``confidence`` is not between 0 and 1.
    """
    check_confidence(confidence)
    # Of the lower tail, as 1 less a small tail would round to 1.
    return -NormalDist().inv_cdf((1 - confidence) / (2 * claims))
