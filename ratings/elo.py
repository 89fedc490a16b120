"""Online Elo, for comparison: ratings that move with every vote."""

import numpy as np
import pandas as pd

from ratings.comparisons import OUTCOMES
from ratings.encoding import encode_battles
from ratings.errors import InvalidOptionError
from ratings.scale import RATING_CENTRE


def online_elo(battles: pd.DataFrame, *, k: float = 4.0) -> pd.Series:
    """Compute Elo ratings, one vote after the other in the order of the rows.

    Each vote moves k * weight * (outcome - expected) points from the second to the first side, where
    expected = 1 / (1 + 10 ** ((r_b - r_a) / 400)).

    Parameters
    ----------
    battles : DataFrame
        As for `leaderboard`; a row with a count is that many votes in a row.
    k : float, default 4
        Rating points at stake in one vote.

    Returns
    -------
    Series of float64, length n_models
        Rating by model, highest first, equal ratings by name. All models start at 1000, which stays the mean.

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention; the row is named.
    InvalidOptionError
        If ``k`` is not positive and finite.

    Notes
    -----
    Unlike Bradley-Terry the result depends on the order of the votes, and forgets old ones.

    References
    ----------
    [Elo78] Elo. The Rating of Chessplayers, Past and Present. 1978. ISBN 0-668-04721-6

    Examples
    --------
    >>> battles = pd.DataFrame({"model_a": ["x", "y"], "model_b": ["y", "z"], "winner": ["model_a", "tie"]})
    >>> online_elo(battles).round(3).to_dict()
    {'x': 1002.0, 'z': 999.988, 'y': 998.012}
    """
    if not (np.isfinite(k) and k > 0):
        raise InvalidOptionError(f"k is {k!r}: it is a positive number of rating points.")
    encoded = encode_battles(battles)
    votes = np.repeat(np.arange(len(battles)), encoded.count)
    stakes = k * encoded.weight[votes]
    steps = zip(
        encoded.side_a[votes].tolist(),
        encoded.side_b[votes].tolist(),
        (stakes * OUTCOMES[encoded.winner[votes]]).tolist(),
        stakes.tolist(),
        strict=True,
    )
    # A plain loop over Python numbers: every vote starts where the one before it ended.
    ratings = [RATING_CENTRE] * len(encoded.models)
    for a, b, won, stake in steps:
        change = won - stake / (1 + 10 ** ((ratings[b] - ratings[a]) / 400))
        ratings[a] += change
        ratings[b] -= change
    series = pd.Series(ratings, index=pd.Index(encoded.models, name="model"), name="rating", dtype=np.float64)
    return series.sort_values(ascending=False, kind="stable")
