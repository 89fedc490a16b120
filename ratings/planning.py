"""How many votes it takes to tell models apart, planned from a difference or from the votes so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy import special

from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.confidence import check_confidence, two_sided_quantile
from ratings.errors import EmptyComparisonsError, InvalidOptionError, name_some
from ratings.intervals import sandwich
from ratings.scale import RATING_PER_STRENGTH
from ratings.unrated import unrated_reasons

_NORMAL = NormalDist()
_NEVER = 1e15


def votes_to_separate(
    difference: float,
    *,
    tie_rate: float = 0.35,
    models: int = 2,
    design_effect: float = 1.0,
    confidence: float = 0.95,
    power: float = 0.8,
    claims: int = 1,
) -> int:
    """Plan the votes after which the interval of a difference excludes zero with the given power.

    With d the difference in natural log-odds, p = 1 / (1 + exp(-d)) and t the share of ties (half wins), one
    vote's outcome has variance p (1 - p) - t / 4, and

        votes = (models - 1) * design_effect * (z_confidence + z_power) ** 2
                * (p (1 - p) - t / 4) / (p (1 - p) d) ** 2

    Parameters
    ----------
    difference : float
        Between the two models, rating points; not 0.
    tie_rate : float, default 0.35
        Share of votes that are ties or both bad.
    models : int, default 2
        Models among which all pairs are equally frequent: 2 plans votes on the pair itself, more a whole board
        of which the pair is a part.
    design_effect : float, default 1
        Factor on the variance because votes of one voter depend on each other; see `separation_plan`.
    confidence : float, default 0.95
        Of the two-sided interval of the difference.
    power : float, default 0.8
        Probability that the interval then lies on the right side of zero.
    claims : int, default 1
        Differences that shall all hold together at this confidence (Bonferroni).

    Returns
    -------
    int
        Votes in all.

    Raises
    ------
    InvalidOptionError
        If an argument is out of its range, more than 1e15 votes are needed, or the tie rate leaves no room for
        this difference: ties are at most 2 min(p, 1 - p) of the votes.

    Notes
    -----
    On a balanced board of equally strong models var(s_i - s_j) is (models - 1) times that of as many votes on
    the pair alone: votes on the others help to place both. Between unequal models p (1 - p) is smaller and the
    true number larger; `separation_plan` starts from the real board.

    References
    ----------
    [Lachin81] Lachin. Introduction to Sample Size Determination and Power Analysis for Clinical Trials. 1981.
               doi:10.1016/0197-2456(81)90001-5
    [Kish65] Kish. Survey Sampling. 1965 (design effect).

    Examples
    --------
    >>> votes_to_separate(20), votes_to_separate(10), votes_to_separate(10, models=100)
    (1542, 6161, 609917)
    """
    if not (math.isfinite(difference) and difference != 0):
        raise InvalidOptionError(f"difference is {difference!r}: it is a number of rating points, and not 0.")
    if not 2 <= models < _NEVER:
        raise InvalidOptionError(f"models is {models!r}: from two to {_NEVER:g} are told apart.")
    if not 0 < design_effect < math.inf:
        raise InvalidOptionError(f"design_effect is {design_effect!r}: a positive factor on the variance.")
    strength = abs(difference) / RATING_PER_STRENGTH
    _check_tie_rate(tie_rate, strength)
    shift = _shift(confidence, power, claims)
    with np.errstate(all="ignore"):
        spread = _spread_per_vote(np.array(strength), np.array(tie_rate))
        votes = float((models - 1) * design_effect * spread * np.square(np.divide(shift, strength)))
    if not votes < _NEVER:
        raise InvalidOptionError(
            f"A difference of {difference:g} points takes more than {_NEVER:g} votes: plan for another one."
        )
    return math.ceil(votes)


@dataclass(frozen=True, kw_only=True)
class DifferencePlan:
    """What it takes to see a difference on a board as it is.

    Attributes
    ----------
    difference : float
        Between two models, rating points.
    tie_rate, design_effect : float
        Of the board: the share of ties, and the variance by voters over that of independent votes.
    models, votes : int
        Rated models, and the votes on them so far.
    votes_needed : int
        Votes in all with today's traffic after which the median pair is told; at least direct_votes_needed.
    direct_votes_needed : int
        Votes on the pair alone, from nothing.
    """

    difference: float
    tie_rate: float
    design_effect: float
    models: int
    votes: int
    votes_needed: int
    direct_votes_needed: int


def difference_plan(
    comparisons: Comparisons,
    difference: float,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
    claims: int = 1,
) -> DifferencePlan:
    """Plan how many votes tell two models of a given difference apart, on a board like the present one.

    Parameters
    ----------
    comparisons : Comparisons
        Kept apart by voter, the voters' dependence is part of the plan.
    difference, confidence, power, claims
        As of `votes_to_separate`.

    Returns
    -------
    DifferencePlan

    Raises
    ------
    InvalidOptionError
        As `votes_to_separate`.
    EmptyComparisonsError
        If fewer than two models can be rated.

    Notes
    -----
    The median over all pairs of models of var(s_i - s_j) * votes says what one vote of today's traffic is
    worth, to the votes_needed = that * (shift / difference) ** 2. The design effect is the ratio of the mean
    variances of a difference, clustered over independent, and at least 1.

    Examples
    --------
    >>> votes = {"model_a": ["x"] * 3, "model_b": ["y"] * 3, "count": [60, 40, 20]}
    >>> battles = pd.DataFrame(votes).assign(winner=["model_a", "model_b", "tie"])
    >>> difference_plan(Comparisons.from_battles(battles), 20).direct_votes_needed
    1980
    """
    rated = _rated(comparisons)
    fit = fit_bradley_terry(rated)
    independent, variance = _covariances(fit, rated)
    first, second = np.triu_indices(len(fit.models), 1)
    by_pair = _difference_variance(variance, first, second)
    alone = float(_difference_variance(independent, first, second).mean())
    effect = float(by_pair.mean()) / alone if alone > 0 else 1.0
    ties = float(rated.counts[:, 2:].sum() / rated.votes)
    strength = abs(difference) / RATING_PER_STRENGTH
    direct = votes_to_separate(
        difference,
        tie_rate=min(ties, 0.999 * float(_most_ties(np.array(strength)))),
        design_effect=max(effect, 1.0),
        confidence=confidence,
        power=power,
        claims=claims,
    )
    shift = _shift(confidence, power, claims)
    needed = rated.votes * float(np.median(by_pair)) * (shift / strength) ** 2
    return DifferencePlan(
        difference=abs(difference),
        tie_rate=ties,
        design_effect=max(effect, 1.0),
        models=len(fit.models),
        votes=rated.votes,
        votes_needed=max(math.ceil(needed - 1e-9), direct),
        direct_votes_needed=direct,
    )


def separation_plan(
    comparisons: Comparisons,
    *,
    pairs: Sequence[tuple[ModelId, ModelId]] = (),
    top: int | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
) -> pd.DataFrame:
    """Plan from the votes so far how many tell given models apart, or order the top of the board.

    Takes the fitted differences for the true ones, and today's traffic, ties and voters for tomorrow's.

    Parameters
    ----------
    comparisons : Comparisons
        Kept apart by voter, the voters' dependence is part of the plan.
    pairs : sequence of pairs of models
        Which models to tell apart.
    top : int, optional
        Instead of ``pairs``: each of the best ``top`` models from the next one below it, all claims together.
    confidence : float, default 0.95
        That all claims of the table hold together (Bonferroni).
    power : float, default 0.8
        Probability of each single claim to be made by then.

    Returns
    -------
    DataFrame, one row for each pair
        better, worse (by the fit), difference, standard_error (rating points), separated (the interval excludes
        zero already), design_effect (variance by voters over that of independent votes, at least 1), tie_rate
        (of the votes on the pair; of all votes where the pair has none), votes (so far, in all), votes_needed
        (in all, with today's traffic), direct_votes_needed (further votes if all are on this pair). The last
        two are missing where the fitted difference is zero.

    Raises
    ------
    InvalidOptionError
        If a name is not among the rated models, a pair holds one model twice, ``top`` does not lie below the
        number of rated models, or ``confidence`` or ``power`` is out of range.
    EmptyComparisonsError
        If fewer than two models can be rated.

    Notes
    -----
    The variance of a difference falls as 1 / votes at fixed traffic, so votes_needed = votes *
    ((z_confidence + z_power) * standard_error / difference) ** 2. A vote on the pair itself adds the
    information 1 / (design_effect * v), v = (p (1 - p) - t / 4) / (p (1 - p)) ** 2, whatever is known already
    (Sherman-Morrison). The fitted difference of an unseparated pair is itself uncertain, and so is the plan: for a
    decision, ask `votes_to_separate` for the smallest difference that matters.

    Examples
    --------
    >>> votes = {"model_a": ["x"] * 4, "model_b": ["y"] * 4, "count": [60, 40, 10, 10]}
    >>> battles = pd.DataFrame(votes).assign(winner=["model_a", "model_b", "tie", "both_bad"])
    >>> plan = separation_plan(Comparisons.from_battles(battles), pairs=[("x", "y")])
    >>> plan[["better", "votes", "votes_needed", "direct_votes_needed"]].values.tolist()
    [['x', 120, 237, 117]]
    """
    rated = _rated(comparisons)
    fit = fit_bradley_terry(rated)
    wanted = _adjacent(fit, top) if top is not None else list(pairs)
    index = {name: place for place, name in enumerate(fit.models)}
    _check_pairs(wanted, index)
    first, second = (np.array([index[pair[side]] for pair in wanted], dtype=np.int64) for side in (0, 1))
    swapped = fit.strengths[first] < fit.strengths[second]
    better, worse = np.where(swapped, second, first), np.where(swapped, first, second)
    independent, variance = (
        _difference_variance(covariance, better, worse) for covariance in _covariances(fit, rated)
    )
    variance = np.maximum(variance, independent)
    strength = fit.strengths[better] - fit.strengths[worse]
    effect = np.divide(variance, independent, out=np.ones_like(variance), where=independent > 0)
    ties = _tie_rates(rated, better, worse)
    shift = _shift(confidence, power, len(wanted))
    target = np.square(strength / shift)
    per_vote = _spread_per_vote(strength, np.minimum(ties, _most_ties(strength))) * effect
    direct = np.divide(per_vote, target, out=np.full_like(target, np.inf), where=target > 0)
    needed = np.divide(rated.votes * variance, target, out=np.full_like(target, np.inf), where=target > 0)
    known = np.divide(per_vote, variance, out=np.zeros_like(variance), where=variance > 0)
    error = np.sqrt(variance)
    return pd.DataFrame(
        {
            "better": [fit.models[place] for place in better],
            "worse": [fit.models[place] for place in worse],
            "difference": RATING_PER_STRENGTH * strength,
            "standard_error": RATING_PER_STRENGTH * error,
            "separated": strength > two_sided_quantile(confidence, claims=len(wanted)) * error,
            "design_effect": effect,
            "tie_rate": ties,
            "votes": rated.votes,
            "votes_needed": _whole(needed),
            "direct_votes_needed": _whole(np.maximum(direct - known, 0)),
        }
    )


def _rated(comparisons: Comparisons) -> Comparisons:
    groups = comparisons.strongly_connected()
    if not groups or len(groups[0]) < 2:
        raise EmptyComparisonsError(comparisons.models, reasons=unrated_reasons(comparisons, ()))
    return comparisons.restrict(groups[0])


def _covariances(fit: BradleyTerryFit, rated: Comparisons) -> tuple[FloatArray, FloatArray]:
    """Return the covariance for independent votes, and the one by voter where voters are known."""
    independent = sandwich(fit, rated)
    if rated.clusters is None or rated.clusters.size < 2:
        return independent, independent
    return independent, sandwich(fit, rated, cluster=rated.clusters.column)


def _adjacent(fit: BradleyTerryFit, top: int) -> list[tuple[ModelId, ModelId]]:
    if not 1 <= top < len(fit.models):
        raise InvalidOptionError(
            f"top is {top!r}: of {len(fit.models)} rated models the best 1 to {len(fit.models) - 1} "
            "can be told from the next one."
        )
    order = np.argsort(-fit.strengths, kind="stable")[: top + 1]
    names = [fit.models[place] for place in order]
    return list(zip(names, names[1:], strict=False))


def _check_pairs(pairs: Sequence[tuple[ModelId, ModelId]], index: dict[ModelId, int]) -> None:
    if not pairs:
        raise InvalidOptionError("Nothing to tell apart: give pairs of models, or top.")
    for pair in pairs:
        unknown = sorted(set(pair).difference(index))
        if unknown:
            raise InvalidOptionError(
                f"{name_some(unknown)} has no rating on these votes; rated are {name_some(sorted(index))}. "
                "Check the name, or see why in the leaderboard."
            )
        if pair[0] == pair[1]:
            raise InvalidOptionError(f"{pair[0]!r} cannot be told from itself: name two models.")


def _difference_variance(covariance: FloatArray, first: IntArray, second: IntArray) -> FloatArray:
    diagonal = np.diag(covariance)
    variance: FloatArray = diagonal[first] + diagonal[second] - 2 * covariance[first, second]
    return np.maximum(variance, 0)


def _tie_rates(comparisons: Comparisons, first: IntArray, second: IntArray) -> FloatArray:
    """Return the share of ties of each pair; the share of all votes for pairs that never met."""
    votes, ties = comparisons.counts.sum(axis=1), comparisons.counts[:, 2:].sum(axis=1)
    overall = ties.sum() / votes.sum()
    met = {
        (a, b): t / v
        for a, b, t, v in zip(comparisons.first, comparisons.second, ties, votes, strict=True)
        if v > 0
    }
    return np.array(
        [met.get((min(a, b), max(a, b)), overall) for a, b in zip(first, second, strict=True)],
        dtype=np.float64,
    )


def _spread_per_vote(strength: FloatArray, tie_rate: FloatArray) -> FloatArray:
    """Return the variance that one vote leaves in the strength difference of its pair."""
    information = special.expit(strength) * special.expit(-strength)
    spread: FloatArray = (information - tie_rate / 4) / information**2
    return spread


def _most_ties(strength: FloatArray) -> FloatArray:
    """Return the share of ties at which the worse model never wins."""
    share: FloatArray = 2 * special.expit(-strength)
    return share


def _check_tie_rate(tie_rate: float, strength: float) -> None:
    most = float(_most_ties(np.array(strength)))
    if not 0 <= tie_rate < most:
        raise InvalidOptionError(
            f"tie_rate is {tie_rate!r}: at a difference of {strength * RATING_PER_STRENGTH:.4g} points it lies "
            f"between 0 and {most:.4g}, as the worse model cannot win less than never."
        )


def _shift(confidence: float, power: float, claims: int) -> float:
    if not 0.5 <= power < 1:
        raise InvalidOptionError(f"power is {power!r}: it is at least 0.5 and below 1, such as 0.8.")
    if not 1 <= claims < _NEVER:
        raise InvalidOptionError(f"claims is {claims!r}: it is a number of differences, 1 to {_NEVER:g}.")
    check_confidence(confidence, least=0.5)
    return two_sided_quantile(confidence, claims=claims) + _NORMAL.inv_cdf(power)


def _whole(votes: FloatArray) -> pd.Series:
    """Round up to whole votes; missing where no number of votes is enough."""
    known = np.where(votes < _NEVER, votes, np.nan)
    return pd.Series(np.ceil(known - 1e-9)).astype("Int64")
