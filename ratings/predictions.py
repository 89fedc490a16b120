"""What a fit foresees: outcomes between any two models, win rates against the field, and how well they came true."""

from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy import special

from ratings.arrays import FloatArray, IntArray, group_sums
from ratings.bradley_terry import BradleyTerryFit
from ratings.comparisons import OUTCOMES, Comparisons
from ratings.confidence import two_sided_quantile
from ratings.errors import InvalidOptionError, name_some
from ratings.linear_algebra import single_threaded_blas
from ratings.tie_existence import without_both_bad
from ratings.tie_likelihoods import likelihood_of
from ratings.ties import TiesFit

Fit: TypeAlias = BradleyTerryFit | TiesFit

_UNSEEN = 1e-20
"""A variance of a win rate below this means that the votes show none."""


def expected_outcomes(fit: Fit, *, outcome: str | None = None) -> pd.DataFrame:
    """Compute what is expected of a vote between any two models.

    Parameters
    ----------
    fit : BradleyTerryFit or TiesFit
    outcome : str, optional
        None: the expected outcome of the row's model, a win 1, a tie or both_bad one half. Of a `TiesFit` also
        one of ``fit.outcomes``: its probability, with the row's model on side a.

    Returns
    -------
    DataFrame, n_models rows and columns
        Probabilities; one half, or what the model says of two equal ones, on the diagonal.

    Raises
    ------
    InvalidOptionError
        If the fit does not tell that outcome apart.

    Examples
    --------
    >>> from ratings.bradley_terry import fit_bradley_terry
    >>> votes = pd.DataFrame({"model_a": ["x"] * 2, "model_b": ["y"] * 2, "winner": ["model_a", "model_b"]})
    >>> fit = fit_bradley_terry(Comparisons.from_battles(votes.assign(count=[3, 1])))
    >>> expected_outcomes(fit).loc["x", "y"].round(6)
    np.float64(0.75)
    """
    known = fit.outcomes if isinstance(fit, TiesFit) else ()
    if outcome is not None and outcome not in known:
        raise InvalidOptionError(
            f"outcome is {outcome!r}: this fit tells apart {', '.join(map(repr, known)) or 'none'}; "
            "pass None for the expected outcome."
        )
    first, second = _all_pairs(len(fit.models))
    probabilities = _probabilities(fit, fit.strengths[first], fit.strengths[second])
    if outcome is None:
        values = (OUTCOMES[: len(probabilities), np.newaxis] * probabilities).sum(axis=0)
    else:
        values = probabilities[known.index(outcome)]
    names = pd.Index(fit.models)
    return pd.DataFrame(values.reshape(len(names), len(names)), index=names, columns=names)


def win_rates_against_field(fit: Fit, covariance: FloatArray, *, confidence: float = 0.95) -> pd.DataFrame:
    """Compute the expected outcome of each model against all others alike, with an interval.

    W_i is the mean over j of the expected outcome of i against j, ties and both_bad as half.

    Parameters
    ----------
    fit : BradleyTerryFit or TiesFit
    covariance : float64, shape (n_models, n_models), or (n_models + 1, n_models + 1) of a TiesFit
        Of the strengths as from `sandwich`; of strengths and tie parameter, as ``fit.covariance``.
    confidence : float, default 0.95
        Coverage of each single interval.

    Returns
    -------
    DataFrame, n_models rows
        Columns model, win_rate, lower, upper; highest first, equal ones by name. Bounds are null where the votes
        show no variance.

    Raises
    ------
    InvalidOptionError
        If the covariance has another shape, or ``confidence`` is not between 0 and 1.

    Notes
    -----
    Delta method on the log-odds of W: logit(W) +- z * sqrt(g' V g) / (W (1 - W)) with g the gradient of W, turned
    back. So the bounds stay between 0 and 1.
    """
    quantile = two_sided_quantile(confidence)
    size = len(fit.models)
    parameters = size + isinstance(fit, TiesFit)
    if covariance.shape != (parameters, parameters):
        raise InvalidOptionError(
            f"covariance has shape {covariance.shape}: this fit has {parameters} parameters. "
            "Pass sandwich(fit, comparisons), or the covariance of a fit with ties."
        )
    rate, slopes = _win_rates(fit)
    with single_threaded_blas():
        variance = ((slopes @ covariance) * slopes).sum(axis=1)
    unseen = np.where(variance > _UNSEEN, 0.0, np.nan)
    width = quantile * np.sqrt(np.maximum(variance, 0)) / (rate * (1 - rate)) + unseen
    table = pd.DataFrame(
        {
            "model": pd.Series(fit.models),
            "win_rate": rate,
            "lower": special.expit(special.logit(rate) - width),
            "upper": special.expit(special.logit(rate) + width),
        }
    )
    order = ["win_rate", "model"]
    return table.sort_values(order, ascending=[False, True], kind="stable").reset_index(drop=True)


def calibration(fit: Fit, comparisons: Comparisons, *, bins: int = 10) -> pd.DataFrame:
    """Compare what was foretold with what came, in bins of pairs with similar probabilities.

    Parameters
    ----------
    fit : BradleyTerryFit or TiesFit
    comparisons : Comparisons
        The votes that were fitted, or better others, between models of the fit. Each counts once, whatever its weight.
    bins : int, default 10
        Bins for each outcome; a bin holds whole pairs, and about the same number of votes as the others.

    Returns
    -------
    DataFrame, one row an outcome and bin
        outcome; votes in the bin; predicted and observed, means over these votes; difference, observed less
        predicted; standard_error of the difference, for independent votes. The outcomes are "expected" of a
        `BradleyTerryFit`: the expected outcome of the favourite, ties as half. Of a `TiesFit`: "favourite",
        "underdog", "tie" and, if it tells this apart, "both_bad".

    Raises
    ------
    InvalidOptionError
        If there are models that the fit lacks, or ``bins`` is not 1 or more.
    """
    if bins < 1:
        raise InvalidOptionError(f"bins is {bins!r}: it is a whole number, 1 or more.")
    unknown = [name for name in comparisons.models if name not in set(fit.models)]
    if unknown:
        raise InvalidOptionError(
            f"The fit has no {name_some(unknown)}: restrict the comparisons to its models."
        )
    if isinstance(fit, TiesFit) and fit.both_bad == "exclude":
        comparisons = without_both_bad(comparisons)
    observed, predicted, squares = _by_outcome(fit, comparisons)
    votes = comparisons.counts.sum(axis=1).astype(np.float64)
    names = ("favourite", "underdog", "tie", "both_bad") if isinstance(fit, TiesFit) else ("expected",)
    tables = [
        _binned(name, votes, came, foretold, spread, bins)
        for name, came, foretold, spread in zip(names, observed, predicted, squares, strict=False)
    ]
    return pd.concat(tables, ignore_index=True)


def _all_pairs(size: int) -> tuple[IntArray, IntArray]:
    every = np.arange(size)
    return np.repeat(every, size), np.tile(every, size)


def _probabilities(fit: Fit, first: FloatArray, second: FloatArray) -> FloatArray:
    """Compute the probability of each outcome; of Bradley-Terry as if nothing tied, shape (n_outcomes, n_pairs)."""
    if isinstance(fit, TiesFit):
        return np.exp(likelihood_of(fit.model).log_probabilities(first, second, fit.tie_parameter))
    return np.stack([special.expit(first - second), special.expit(second - first)])


def _win_rates(fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Compute each model's win rate against the field, and its gradient, shape (n_models, n_parameters)."""
    size = len(fit.models)
    first, second = _all_pairs(size)
    one, other = fit.strengths[first], fit.strengths[second]
    probabilities = _probabilities(fit, one, other)
    worth = OUTCOMES[: len(probabilities), np.newaxis] * probabilities
    if isinstance(fit, TiesFit):
        scores = likelihood_of(fit.model).scores(one, other, fit.tie_parameter)
        slopes = (worth[:, np.newaxis] * scores).sum(axis=0).reshape(-1, size, size)
        by_first, by_tie = slopes[0], slopes[-1]
        by_second = slopes[1] if fit.objective.likelihood.absolute else -by_first
    else:
        by_first = np.prod(probabilities, axis=0).reshape(size, size)
        by_second, by_tie = -by_first, np.zeros_like(by_first)
    others = ~np.eye(size, dtype=np.bool_) / (size - 1)
    rate = (worth.sum(axis=0).reshape(size, size) * others).sum(axis=1)
    slopes = by_second * others + np.diag((by_first * others).sum(axis=1))
    if isinstance(fit, TiesFit):
        slopes = np.column_stack([slopes, (by_tie * others).sum(axis=1)])
    return rate, slopes


def _by_outcome(fit: Fit, comparisons: Comparisons) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum each pair's votes by outcome from the favourite's side: observed, predicted, and squared surprise."""
    place = pd.Index(fit.models).get_indexer(pd.Index(comparisons.models))
    first = fit.strengths[place[comparisons.first]]
    second = fit.strengths[place[comparisons.second]]
    swapped = second > first
    probabilities = _probabilities(fit, np.maximum(first, second), np.minimum(first, second))
    won, lost, tied, bad = comparisons.counts.T.astype(np.float64)
    won, lost = np.where(swapped, lost, won), np.where(swapped, won, lost)
    votes = won + lost + tied + bad
    if not isinstance(fit, TiesFit):
        expected = probabilities[:1]
        counts = np.stack([won, lost, tied + bad])[np.newaxis]
        worth = OUTCOMES[:3, np.newaxis]
    else:
        expected = probabilities
        kinds = [won, lost, tied, bad] if len(probabilities) == 4 else [won, lost, tied + bad]
        counts = np.stack([np.stack([kind, votes - kind]) for kind in kinds])
        worth = np.array([[1.0], [0.0]])
    observed = (counts * worth).sum(axis=1)
    squares = (counts * np.square(worth - expected[:, np.newaxis])).sum(axis=1)
    return observed, votes * expected, squares


def _binned(
    name: str, votes: FloatArray, observed: FloatArray, predicted: FloatArray, squares: FloatArray, bins: int
) -> pd.DataFrame:
    seen = votes > 0
    votes, observed, predicted, squares = votes[seen], observed[seen], predicted[seen], squares[seen]
    order = np.argsort(predicted / votes, kind="stable")
    middle = np.empty(len(votes))
    middle[order] = np.cumsum(votes[order]) - votes[order] / 2
    place = np.minimum((middle / max(votes.sum(), 1.0) * bins).astype(np.int64), bins - 1)
    total, came, foretold, spread = (
        group_sums(place, values, bins) for values in (votes, observed, predicted, squares)
    )
    filled = total > 0
    total, came, foretold, spread = total[filled], came[filled], foretold[filled], spread[filled]
    return pd.DataFrame(
        {
            "outcome": name,
            "votes": total.astype(np.int64),
            "predicted": foretold / total,
            "observed": came / total,
            "difference": (came - foretold) / total,
            "standard_error": np.sqrt(spread) / total,
        }
    )
