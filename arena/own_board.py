"""A voter's own board: one person's few votes, drawn towards everybody's ratings as far as they are few."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from arena.populations import POPULATION_OF_REASON, Population
from arena.tables import Winner
from arena.votes import CastVote
from ratings import RATING_CENTRE, RATING_PER_STRENGTH
from ratings.arrays import FloatArray, IntArray

SPREAD_POINTS: Final = 100.0
"""Standard deviation, in rating points, of a person's view of a model around everybody's: assumed, not measured."""

VOTES_LEAST: Final = 10
CONFIDENCE: Final = 0.95
_OUTCOMES: Final[Mapping[Winner, float]] = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}
_STEPS_MOST: Final = 100


@dataclass(frozen=True, kw_only=True)
class OwnEntry:
    """One model that the voter has judged; `both_bad` is among the ties, as on every board."""

    model: str
    rating: float
    lower: float
    upper: float
    place: int  # by the voter's own ratings, among all models of the general board and those judged
    wins: int
    losses: int
    ties: int
    is_rated: bool  # whether the general board rates it; else its own rating starts from the board's mean

    @property
    def votes(self) -> int:
        """So many of the voter's votes are on this model."""
        return self.wins + self.losses + self.ties


@dataclass(frozen=True, kw_only=True)
class OwnBoard:
    """The own ratings of one voter in one population, best first."""

    population: Population
    votes: int
    models: int  # that places are counted among
    entries: Sequence[OwnEntry]

    @property
    def is_too_early(self) -> bool:
        """Whether the votes are too few to show an order."""
        return self.votes < VOTES_LEAST


def own_boards(votes: Sequence[CastVote], general: Mapping[str, Mapping[str, float]]) -> list[OwnBoard]:
    """The voter's board of each population with votes; `general` holds the ratings of each population's board."""
    found = []
    for reason, population in POPULATION_OF_REASON.items():
        valid = [cast for cast in votes if cast.reason == reason and not _is_private(cast)]
        if valid:
            found.append(_own_board(population, valid, general.get(population.name, {})))
    return found


def _is_private(cast: CastVote) -> bool:
    return cast.model_a.private_test or cast.model_b.private_test


def _own_board(population: Population, votes: Sequence[CastVote], general: Mapping[str, float]) -> OwnBoard:
    judged = {model.name for cast in votes for model in (cast.model_a, cast.model_b)}
    names = sorted(judged | general.keys())
    place = {name: number for number, name in enumerate(names)}
    prior = np.array([general.get(name, RATING_CENTRE) for name in names])
    first = np.array([place[cast.model_a.name] for cast in votes])
    second = np.array([place[cast.model_b.name] for cast in votes])
    outcomes = np.array([_OUTCOMES[cast.winner] for cast in votes])
    strengths, deviations = drawn_towards(
        prior / RATING_PER_STRENGTH, first, second, outcomes, spread=SPREAD_POINTS / RATING_PER_STRENGTH
    )
    rating = strengths * RATING_PER_STRENGTH
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviations * RATING_PER_STRENGTH
    records = _records(votes)
    entries = [
        OwnEntry(
            model=name,
            rating=float(rating[place[name]]),
            lower=float(rating[place[name]] - reach[place[name]]),
            upper=float(rating[place[name]] + reach[place[name]]),
            place=1 + int((rating > rating[place[name]]).sum()),
            wins=records[name, 1.0],
            losses=records[name, 0.0],
            ties=records[name, 0.5],
            is_rated=name in general,
        )
        for name in judged
    ]
    entries.sort(key=lambda entry: (-entry.rating, entry.model))
    return OwnBoard(population=population, votes=len(votes), models=len(names), entries=entries)


def _records(votes: Sequence[CastVote]) -> Counter[tuple[str, float]]:
    """How often each model came to each outcome."""
    records: Counter[tuple[str, float]] = Counter()
    for cast in votes:
        outcome = _OUTCOMES[cast.winner]
        records[cast.model_a.name, outcome] += 1
        records[cast.model_b.name, 1 - outcome] += 1
    return records


def drawn_towards(
    prior: FloatArray, first: IntArray, second: IntArray, outcomes: FloatArray, *, spread: float
) -> tuple[FloatArray, FloatArray]:
    """Fit Bradley-Terry to a few votes, with strengths drawn towards those of a larger board.

    Parameters
    ----------
    prior : float64, shape (n_models,)
        Strengths of the larger board (log-odds), the mean of a normal prior.
    first, second : int64, shape (n_votes,)
        The models of each vote.
    outcomes : float64, shape (n_votes,)
        1 where the first won, 0 where the second won, 1/2 for a tie.
    spread : float
        Standard deviation of the prior (log-odds), above 0.

    Returns
    -------
    strengths : float64, shape (n_models,)
        The most likely strengths: those of the larger board plus deviations, which sum to 0.
    deviations : float64, shape (n_models,)
        Standard deviations of the normal approximation to the posterior.

    Notes
    -----
    Maximises sum of log likelihood - sum of deviation^2 / (2 spread^2), which is strictly concave, by Newton's method
    with halved steps. Models without votes keep the strength and the spread of the prior. See F. Caron and A. Doucet,
    "Efficient Bayesian Inference for Generalized Bradley-Terry Models", 2012.
    """
    deviation = np.zeros(len(prior))
    value, gradient, curvature = _posterior(deviation, prior, first, second, outcomes, spread)
    for _ in range(_STEPS_MOST):
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < 1e-16:
            break
        while (found := _posterior(deviation + step, prior, first, second, outcomes, spread))[
            0
        ] < value - 1e-12:
            step = step / 2
        deviation, (value, gradient, curvature) = deviation + step, found
    return prior + deviation, np.sqrt(np.diag(np.linalg.inv(curvature)))


def _posterior(
    deviation: FloatArray,
    prior: FloatArray,
    first: IntArray,
    second: IntArray,
    outcomes: FloatArray,
    spread: float,
) -> tuple[float, FloatArray, FloatArray]:
    """The logarithm of the posterior, its gradient and its negative second derivatives."""
    strengths = prior + deviation
    difference = strengths[first] - strengths[second]
    expected = 1 / (1 + np.exp(-difference))
    likelihood = outcomes * difference - np.logaddexp(0, difference)
    gradient = -deviation / spread**2
    np.add.at(gradient, first, outcomes - expected)
    np.add.at(gradient, second, expected - outcomes)
    curvature = np.eye(len(prior)) / spread**2
    information = expected * (1 - expected)
    for one, other, sign in (
        (first, first, 1),
        (second, second, 1),
        (first, second, -1),
        (second, first, -1),
    ):
        np.add.at(curvature, (one, other), sign * information)
    value = float(likelihood.sum() - (deviation**2).sum() / (2 * spread**2))
    return value, gradient, curvature
