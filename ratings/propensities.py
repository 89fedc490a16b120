"""Weights that take the sampler's taste for pairs out of the scores: the uniform-pair estimand."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ratings.arrays import FloatArray
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.clusters import all_cells
from ratings.columns import Battles
from ratings.comparisons import Comparisons
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.estimates import half_win_covariance


@dataclass(frozen=True, kw_only=True, eq=False)
class PropensityWeights:
    """Inverse-propensity weights, and what the floor did to them.

    Attributes
    ----------
    weights : float64, shape (n_rows,)
        For the column ``weight`` of the battles; over the votes they sum to the number of votes.
    floor : float
        The smallest probability that was divided by; to be published with the scores.
    floored : int
        Votes whose pair was drawn with a smaller probability than ``floor``. Above 0 the scores still lean a
        little towards the traffic on these pairs.
    effective_votes : float
        Kish's sum(w) ** 2 / sum(w ** 2): so many equally weighted votes would tell as much.
    """

    weights: FloatArray
    floor: float
    floored: int
    effective_votes: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PairWeights:
    """One weight for all votes of a pair.

    Attributes
    ----------
    weights : float64, shape (n_pairs,)
        In the order of the pairs of the comparisons; times the votes' own weights they sum to the number of votes.
    floor : float
        Pairs with fewer votes than this count less than the others.
    floored : int
        The number of such pairs.
    effective_votes : float
        Kish's sum(w) ** 2 / sum(w ** 2) over the votes.
    """

    weights: FloatArray
    floor: float
    floored: int
    effective_votes: float


@dataclass(frozen=True, kw_only=True, eq=False)
class UniformPairFit:
    """Scores as if every pair of models had met equally often.

    Attributes
    ----------
    fit : BradleyTerryFit
        Of the weighted votes.
    covariance : float64, shape (n_models, n_models)
        Of ``fit.strengths``, as `leaderboard` computes it: clustered where asked for, and then never narrower.
    pairs : PairWeights
        The weights, their floor and the effective number of votes.
    widening : float64, shape (n_models,)
        Standard error of each strength relative to the unweighted fit of the same votes.
    met : float
        Share of all pairs of these models that have votes, from 0 to 1; pairs that never met have no weight.
    """

    fit: BradleyTerryFit
    covariance: FloatArray
    pairs: PairWeights
    widening: FloatArray
    met: float


def inverse_propensity_weights(
    propensity: npt.ArrayLike, *, floor: float, count: npt.ArrayLike | None = None
) -> PropensityWeights:
    """Weigh each vote by 1 / P, with P the probability with which the sampler chose its pair.

    Parameters
    ----------
    propensity : float64, shape (n_rows,)
        Logged probability of the unordered pair in its battle, above 0 and at most 1.
    floor : float
        Smaller probabilities are raised to this, which bounds the largest weight; above 0 and at most 1.
    count : int64, shape (n_rows,), optional
        Identical votes that each row stands for; 1 without.

    Returns
    -------
    PropensityWeights

    Raises
    ------
    InvalidComparisonsError
        If a propensity is missing, 0 or less, or above 1; the row is named, counted from 0.
    InvalidOptionError
        If ``floor`` is not a probability above 0, or ``count`` is of another length or below 0.

    Notes
    -----
    Bradley-Terry on votes weighted by 1 / P estimates the projection under uniform pairs, whatever the policy,
    even where strengths are not transitive and where the policy changed on the way [HT52] [CZ24]. The common
    factor of the weights changes neither the scores nor their sandwich.

    References
    ----------
    [HT52] Horvitz, Thompson. A Generalization of Sampling Without Replacement. 1952.
           doi:10.1080/01621459.1952.10483446
    [CZ24] Chiang, Zheng et al. Chatbot Arena. 2024. arXiv:2403.04132

    Examples
    --------
    >>> weighted = inverse_propensity_weights([0.5, 0.25, 0.25], floor=0.1)
    >>> weighted.weights.round(2).tolist()
    [0.6, 1.2, 1.2]
    """
    _check_floor(floor, "a probability, above 0 and at most 1", 1.0)
    chances = np.asarray(propensity, dtype=np.float64)
    votes = _votes(count, chances.shape)
    wrong = ~((chances > 0) & (chances <= 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InvalidComparisonsError(
            f"Row {row}: propensity is {chances[row]}. It is the probability with which the sampler chose this "
            "pair, above 0 and at most 1; drop battles without one."
        )
    weights, effective = _normalised(1 / np.maximum(chances, floor), votes, votes, votes)
    floored = int(votes[chances < floor].sum())
    return PropensityWeights(weights=weights, floor=floor, floored=floored, effective_votes=effective)


def uniform_pair_weights(comparisons: Comparisons, *, floor: float) -> PairWeights:
    """Weigh the votes of each pair by 1 / max(votes of the pair, floor), over their mean weight.

    Parameters
    ----------
    comparisons : Comparisons
    floor : float
        In votes, above 0. Up to 1, all pairs that met count the same; with 50 these are arena-rank's weights,
        up to a common factor.

    Returns
    -------
    PairWeights

    Raises
    ------
    InvalidOptionError
        If ``floor`` is not a finite number above 0.

    Notes
    -----
    Needs no logged propensities, and has a little less variance than they do. A low floor gives a pair with a
    single vote as much say as one with thousands; a high one lets the traffic back into the scores.
    """
    _check_floor(floor, "a finite number of votes above 0", np.inf)
    votes = comparisons.counts.sum(axis=1).astype(np.float64)
    total = comparisons.weights.sum(axis=1)
    mean = np.divide(total, votes, out=np.ones_like(votes), where=votes > 0)
    squares = comparisons.squared_weights.sum(axis=1)
    weights, effective = _normalised(1 / np.maximum(votes, floor) / mean, votes, total, squares)
    floored = int((votes < floor).sum())
    return PairWeights(weights=weights, floor=floor, floored=floored, effective_votes=effective)


def reweight_pairs(comparisons: Comparisons, weights: FloatArray) -> Comparisons:
    """Multiply the weight of every vote by its pair's.

    Parameters
    ----------
    comparisons : Comparisons
    weights : float64, shape (n_pairs,)
        Finite, 0 or more.

    Returns
    -------
    Comparisons
        With the same counts, and its clusters reweighted too.

    Raises
    ------
    InvalidOptionError
        If there is not one such weight per pair.
    """
    if weights.shape != comparisons.first.shape or not (np.isfinite(weights) & (weights >= 0)).all():
        raise InvalidOptionError(
            f"weights has shape {weights.shape}: give one finite weight, 0 or more, for each of the "
            f"{len(comparisons.first)} pairs."
        )
    clusters = all_cells(comparisons.clusters)
    if clusters is not None:
        of_cell = weights[clusters.pair]
        clusters = replace(clusters, weight=clusters.weight * of_cell, score=clusters.score * of_cell)
    return replace(
        comparisons,
        weights=comparisons.weights * weights[:, np.newaxis],
        squared_weights=comparisons.squared_weights * np.square(weights)[:, np.newaxis],
        clusters=clusters,
    )


def fit_uniform_pairs(battles: Battles, *, floor: float, cluster: str | None = None) -> UniformPairFit:
    """Rate models as if every pair had met equally often.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b, winner and optionally count and weight.
    floor : float
        In votes: pairs with fewer count less; see `uniform_pair_weights`.
    cluster : str, optional
        Column of those whose votes may depend on each other.

    Returns
    -------
    UniformPairFit

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the data convention.
    InvalidOptionError
        If ``floor`` is not a finite number above 0, or fewer than two clusters voted.
    NoFiniteMaximumError
        If the votes do not determine finite strengths.

    Examples
    --------
    >>> import pandas as pd
    >>> battles = pd.DataFrame(
    ...     {
    ...         "model_a": ["x", "y", "x", "y", "z", "x"],
    ...         "model_b": ["y", "x", "z", "z", "y", "z"],
    ...         "winner": ["model_a", "model_a", "model_a", "model_a", "model_a", "model_b"],
    ...         "count": [600, 400, 3, 2, 1, 2],
    ...     }
    ... )
    >>> rated = fit_uniform_pairs(battles, floor=1)
    >>> rated.fit.strengths.round(2).tolist()
    [0.27, 0.09, -0.37]
    """
    named = Comparisons.from_battles(battles, cluster=cluster)
    order = named.canonical_order()
    comparisons = named.reordered(order)
    weighted = reweight_pairs(comparisons, uniform_pair_weights(comparisons, floor=floor).weights)
    fit = fit_bradley_terry(weighted)
    covariance = half_win_covariance(fit, weighted, cluster=cluster)
    plain = half_win_covariance(fit_bradley_terry(comparisons), comparisons, cluster=cluster)
    models, by_name = len(named.models), np.argsort(order)
    return UniformPairFit(
        fit=fit.reordered(by_name),
        covariance=covariance[np.ix_(by_name, by_name)],
        pairs=uniform_pair_weights(named, floor=floor),
        widening=_ratio_of_errors(covariance, plain)[by_name],
        met=int((named.counts.sum(axis=1) > 0).sum()) / (models * (models - 1) / 2),
    )


def uniform_pair_projection(probability: FloatArray) -> FloatArray:
    """Compute the strengths that Bradley-Terry tends to when every pair meets equally often.

    What the weighted fits of this module estimate, also where no strengths fit the probabilities exactly.

    Parameters
    ----------
    probability : float64, shape (n_models, n_models)
        Expected outcome of each pair from the side of the row's model, between 0 and 1; opposite entries sum
        to 1, the diagonal is not read.

    Returns
    -------
    float64, shape (n_models,)
        Natural log-odds, mean zero.

    Raises
    ------
    InvalidOptionError
        If an entry is not between 0 and 1 or opposite ones do not sum to 1.

    Examples
    --------
    >>> cyclic = np.array([[0.5, 0.8, 0.4], [0.2, 0.5, 0.7], [0.6, 0.3, 0.5]])
    >>> uniform_pair_projection(cyclic).round(3).tolist()
    [0.27, -0.135, -0.135]
    """
    first, second = np.triu_indices(len(probability), 1)
    won, lost = probability[first, second], probability[second, first]
    if not ((won > 0) & (won < 1) & (np.abs(won + lost - 1) < 1e-9)).all():
        raise InvalidOptionError(
            "probability lies between 0 and 1 for each pair, and opposite entries sum to 1."
        )
    weights = np.stack([won, lost, np.zeros_like(won), np.zeros_like(won)], axis=1)
    digits = len(str(len(probability)))
    comparisons = Comparisons(
        models=tuple(f"{number:0{digits}}" for number in range(len(probability))),
        first=first.astype(np.int64),
        second=second.astype(np.int64),
        counts=np.ceil(weights).astype(np.int64),
        weights=weights,
        squared_weights=weights,
    )
    return fit_bradley_terry(comparisons).strengths


def _ratio_of_errors(covariance: FloatArray, reference: FloatArray) -> FloatArray:
    """Return the ratios of standard errors, NaN where the reference shows no variance."""
    variance, base = np.diag(covariance), np.diag(reference)
    unknown = np.full(len(base), np.nan)
    ratio: FloatArray = np.divide(variance, base, out=unknown, where=base > 0)
    return np.sqrt(np.maximum(ratio, 0))


def _check_floor(floor: float, meaning: str, largest: float) -> None:
    if not (np.isfinite(floor) and 0 < floor <= largest):
        raise InvalidOptionError(f"floor is {floor!r}: it is {meaning}.")


def _votes(count: npt.ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    if len(shape) != 1:
        raise InvalidOptionError(f"propensity has shape {shape}: give one number per row of the battles.")
    if count is None:
        return np.ones(shape)
    votes = np.asarray(count, dtype=np.float64)
    if votes.shape != shape or not (np.isfinite(votes) & (votes >= 0)).all():
        raise InvalidOptionError(
            f"count has shape {votes.shape}: give one number of votes, 0 or more, for each of {shape[0]} rows."
        )
    return votes


def _normalised(
    weights: FloatArray, votes: FloatArray, own: FloatArray, squares: FloatArray
) -> tuple[FloatArray, float]:
    """Scale the weights, with the votes' own, to sum to the votes; return them with Kish's effective number.

    ``own`` and ``squares`` sum the votes' own weights and their squares.
    """
    # Correctly rounded sums do not depend on the order of the rows.
    total = math.fsum(weights * own)
    if not total > 0:
        return weights, 0.0
    return weights * (math.fsum(votes) / total), total**2 / math.fsum(np.square(weights) * squares)
