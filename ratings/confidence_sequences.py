"""Claims that stay true however often the board is refreshed."""

from numbers import Real

import numpy as np

from ratings.arrays import BoolArray, FloatArray, IntArray
from ratings.comparisons import Comparisons
from ratings.errors import InvalidOptionError
from ratings.rank_sets import RankSets, Rated, difference_errors, ranks_from_claims
from ratings.scale import RATING_PER_STRENGTH, rating_from_strength


def anytime_multiplier(
    votes: FloatArray | IntArray, *, planned_votes: float, alpha: float, tuned_alpha: float | None = None
) -> FloatArray:
    """Compute how many standard errors an estimate may be off at any time at all.

    Parameters
    ----------
    votes : float64 or int64, any shape
        t: votes behind each estimate so far.
    planned_votes : float
        t*: votes at which the bound shall be narrowest; chosen before the data and kept.
    alpha : float
        Probability with which the bound may ever be left, between 0 and 0.5.
    tuned_alpha : float, optional
        The alpha for which t* is the best place; ``alpha`` by default.

    Returns
    -------
    float64, same shape
        Infinite at 0 votes; 3.04 at its narrowest for alpha = 0.05, where a single look needs 1.96.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range.

    Notes
    -----
    The boundary of the asymptotic confidence sequence [WAKR24], times the standard error s_t:

        s_t sqrt( 2 (t r + 1) / (t r) log( sqrt(t r + 1) / alpha ) ),   r = (-2 log a + log(1 - 2 log a)) / t*

    with a = ``tuned_alpha``. Only t / t* enters, so t may be counted in votes, in voters or in any other unit in
    which the information grows evenly.

    References
    ----------
    [WAKR24] Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas. Time-uniform Central Limit Theory and Asymptotic
             Confidence Sequences. Annals of Statistics 52, 2024. arXiv:2103.06476

    Examples
    --------
    >>> anytime_multiplier(np.array([300, 3000, 30_000]), planned_votes=3000, alpha=0.05).round(2).tolist()
    [3.86, 3.04, 3.24]
    """
    tuned = alpha if tuned_alpha is None else tuned_alpha
    _check_alpha(alpha)
    if not isinstance(planned_votes, Real) or not 0 < planned_votes < np.inf:
        raise InvalidOptionError(
            f"planned_votes is {planned_votes!r}: it is a finite number of votes above 0."
        )
    votes = np.asarray(votes, dtype=np.float64)
    if not (np.isfinite(votes) & (votes >= 0)).all():
        raise InvalidOptionError("votes holds a number that is negative or not finite: they are counts.")
    intrinsic = votes * ((-2 * np.log(tuned) + np.log1p(-2 * np.log(tuned))) / planned_votes)
    multiplier = np.full(votes.shape, np.inf)
    some = intrinsic > 0
    grown = intrinsic[some] + 1
    multiplier[some] = np.sqrt(2 * grown / intrinsic[some] * (np.log(grown) / 2 - np.log(alpha)))
    return multiplier


def effective_voters(comparisons: Comparisons) -> FloatArray:
    """Count the voters on each model, as many as if all had voted equally often.

    Parameters
    ----------
    comparisons : Comparisons
        Kept apart by voter where voters are known; otherwise every vote counts as a voter.

    Returns
    -------
    float64, shape (n_models,)
        Kish's sum(n_u) ** 2 / sum(n_u ** 2), n_u the votes of voter u on the model; 0 without votes.

    Notes
    -----
    The clock for the functions below. Counted in votes, a board on which one voter cast a quarter of all
    would look well advanced; the normal distribution is far away there, and false claims come from such boards.

    Examples
    --------
    >>> import pandas as pd
    >>> battles = pd.DataFrame(
    ...     {
    ...         "model_a": ["x"] * 6,
    ...         "model_b": ["y"] * 6,
    ...         "winner": ["tie"] * 6,
    ...         "voter": ["u", "u", "u", "u", "v", "w"],
    ...     }
    ... )
    >>> effective_voters(Comparisons.from_battles(battles, cluster="voter")).tolist()
    [2.0, 2.0]
    """
    votes, squares = comparisons.sizes_of_clusters
    effective: FloatArray = np.divide(votes**2, squares, out=np.zeros_like(votes), where=squares > 0)
    return effective


def anytime_half_widths(
    covariance: FloatArray,
    votes: FloatArray | IntArray,
    *,
    planned_votes: float,
    alpha: float = 0.05,
    planned_models: int | None = None,
) -> FloatArray:
    """Compute half-widths for the differences of all ratings that hold together and at any time.

    Parameters
    ----------
    covariance : float64, shape (n_models, n_models)
        Of the strengths, as from `sandwich`, for the votes so far; clustered by voter where voters are known.
    votes : float64 or int64, shape (n_models,)
        Votes on each model so far: `effective_voters` where voters are known, else
        ``Comparisons.votes_by_model()``.
    planned_votes : float
        t*: votes on one model, in the same unit, at which the bounds shall be narrowest; chosen before the data
        and kept.
    alpha : float, default 0.05
        Probability with which any difference ever leaves its bound, between 0 and 0.5.
    planned_models : int, optional
        Most models that the board will ever hold; those of the covariance by default.

    Returns
    -------
    float64, shape (n_models, n_models)
        Rating points; infinite on the diagonal and where nothing is known.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range or a shape does not match.

    Notes
    -----
    Each of the n (n - 1) / 2 pairs gets an equal share of ``alpha`` (Bonferroni), n = ``planned_models``: raise it
    beforehand for a board that will grow, because shares that have been spent cannot be divided again.

    The clock t of a pair is the smaller of its two models' votes. It has to start when the later of the two
    arrives, and then to grow in proportion to the information on their difference, 1 / var(s_i - s_j); as long as
    the traffic keeps its proportions, votes and voters do so alike. Where a model's share of the traffic changes,
    t runs ahead or behind. That matters little: at 3 or 10 times t*, the bound is 1 or 4 % wider than at t*.

    Asymptotic means that looks at few voters, or at one voter among few, rest on a normal distribution that is not
    there yet. The multiplier is largest there if t is counted by `effective_voters`: over twice as large at a
    hundredth of t* as at t*.
    """
    _check_alpha(alpha)
    errors = difference_errors(covariance, len(votes))
    pairs = _pairs(len(votes), planned_models)
    multiplier = anytime_multiplier(
        _clock(votes, len(covariance)), planned_votes=planned_votes, alpha=alpha / pairs
    )
    return RATING_PER_STRENGTH * errors * multiplier


def anytime_rating_intervals(
    fit: Rated,
    covariance: FloatArray,
    votes: FloatArray | IntArray,
    *,
    planned_votes: float,
    alpha: float = 0.05,
    planned_models: int | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Compute intervals for the ratings that hold together and at any time.

    Parameters
    ----------
    fit : BradleyTerryFit or any other with ``models`` and ``strengths``
    covariance, votes, planned_votes, alpha, planned_models
        As in `anytime_half_widths`; the clock of a model is its own votes, and each model gets an equal share of
        ``alpha``.

    Returns
    -------
    lower, upper : float64, shape (n_models,)
        Rating points, against the mean of the models on the board; infinite where nothing is known.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range or a shape does not match.
    """
    _check_alpha(alpha)
    errors = difference_errors(covariance, len(fit.strengths))
    models = len(votes) if planned_models is None else planned_models
    _pairs(len(votes), models)
    known = np.isfinite(errors).any(axis=1)
    error = np.sqrt(np.where(known, np.diag(covariance), np.inf))
    multiplier = anytime_multiplier(votes, planned_votes=planned_votes, alpha=alpha / models)
    half_width = RATING_PER_STRENGTH * error * multiplier
    rating = rating_from_strength(fit.strengths)
    return rating - half_width, rating + half_width


def anytime_rank_sets(
    fit: Rated,
    covariance: FloatArray,
    votes: FloatArray | IntArray,
    *,
    planned_votes: float,
    alpha: float = 0.05,
    planned_models: int | None = None,
) -> RankSets:
    """Find the pairs whose order is certain on a board that may be looked at after every vote.

    Parameters
    ----------
    fit : BradleyTerryFit or any other with ``models`` and ``strengths``
    covariance, votes, planned_votes, alpha, planned_models
        As in `anytime_half_widths`.

    Returns
    -------
    RankSets
        All its claims, and those of all earlier and later boards, hold together with probability 1 - alpha.

    Raises
    ------
    InvalidOptionError
        If a number is out of its range or a shape does not match.

    Notes
    -----
    Holm's steps [Holm79] on confidence sequences: of k undecided pairs, each is tested at alpha / k. At the first
    false claim of all time, every pair decided before was truly different, so k was no smaller than the number of
    truly equal pairs, and one of these left its own sequence at alpha over their number: that has
    probability alpha at most.

    References
    ----------
    [Holm79] Holm. A Simple Sequentially Rejective Multiple Test Procedure. 1979. Scandinavian Journal of
             Statistics 6. jstor:4615733

    Examples
    --------
    >>> import pandas as pd
    >>> from ratings import Comparisons, fit_bradley_terry, sandwich
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "x"], "model_b": ["y", "y"], "winner": ["model_a", "model_b"], "count": [590, 410]}
    ... )
    >>> comparisons = Comparisons.from_battles(battles)
    >>> fit = fit_bradley_terry(comparisons)
    >>> covariance, votes = sandwich(fit, comparisons), comparisons.votes_by_model()
    >>> anytime_rank_sets(fit, covariance, votes, planned_votes=1000).rank_upper.tolist()
    [1, 2]
    """
    _check_alpha(alpha)
    errors = difference_errors(covariance, len(fit.strengths))
    pairs = _pairs(len(votes), planned_models)
    distance = np.abs(fit.strengths[:, np.newaxis] - fit.strengths) / errors
    decided, clock = np.zeros(errors.shape, dtype=bool), _clock(votes, len(covariance))
    while left := pairs - int(decided.sum()) // 2:
        multiplier = anytime_multiplier(
            clock, planned_votes=planned_votes, alpha=alpha / left, tuned_alpha=alpha / pairs
        )
        if not (more := ~decided & (distance > multiplier)).any():
            break
        decided |= more
    return ranks_from_claims(fit, decided, alpha)


def anytime_strictly_better(
    fit: Rated,
    covariance: FloatArray,
    votes: FloatArray | IntArray,
    *,
    planned_votes: float,
    alpha: float = 0.05,
    planned_models: int | None = None,
) -> BoolArray:
    """Return ``strictly_better`` of `anytime_rank_sets`, shape (n_models, n_models)."""
    return anytime_rank_sets(
        fit, covariance, votes, planned_votes=planned_votes, alpha=alpha, planned_models=planned_models
    ).strictly_better


def _clock(votes: FloatArray | IntArray, models: int) -> FloatArray:
    each = np.asarray(votes, dtype=np.float64)
    if each.shape != (models,):
        raise InvalidOptionError(
            f"votes has shape {each.shape}: it has one number for each of {models} models."
        )
    return np.minimum(each[:, np.newaxis], each)


def _pairs(models: int, planned_models: int | None) -> int:
    planned = models if planned_models is None else planned_models
    if planned < max(models, 2):
        raise InvalidOptionError(
            f"planned_models is {planned} on a board of {models} models: "
            "it is the most that the board will ever hold, 2 or more."
        )
    return planned * (planned - 1) // 2


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 0.5:
        raise InvalidOptionError(f"alpha is {alpha!r}: it is an error rate between 0 and 0.5, such as 0.05.")
