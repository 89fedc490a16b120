"""What it costs an attacker to move a model some places."""

from dataclasses import dataclass, replace

import numpy as np

from ratings.arrays import ModelId
from ratings.bradley_terry import fit_bradley_terry
from ratings.changes import with_all_pairs
from ratings.comparisons import Comparisons
from ratings.errors import InvalidOptionError, name_some
from ratings.influence import votes_to_flip
from ratings.linear_algebra import single_threaded_blas

_MOST_VOTES = 2**40
_LEVEL = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class CostToMoveRank:
    """The price of an attack on one model's rank.

    Attributes
    ----------
    model : str
    rank, new_rank : int
        Before and after the attack, 1 for the best. A model on the same rating counts as not passed.
    votes : int
        Votes on the model, won (or lost) against all others equally often.
    interactions : int
        Battles that the attacker must be shown to cast them.
    accounts : int
        Accounts that cast them, ``cap`` votes each.
    cost : float
        accounts * account_cost + interactions * interaction_cost + detector_cost.
    accounts_choosing_pairs : int
        Accounts of an attacker who may choose the pairs, to pass the model that holds ``new_rank``: the fewest
        added votes of `votes_to_flip`, ``cap`` each.
    """

    model: ModelId
    rank: int
    new_rank: int
    votes: int
    interactions: int
    accounts: int
    cost: float
    accounts_choosing_pairs: int


def cost_to_move_rank(
    comparisons: Comparisons,
    model: ModelId,
    places: int = 1,
    *,
    cap: int = 20,
    accuracy: float = 0.95,
    account_cost: float = 0.0,
    interaction_cost: float = 0.0,
    detector_cost: float = 0.0,
) -> CostToMoveRank:
    """Compute how many votes and accounts move a model by so many places.

    Parameters
    ----------
    comparisons : Comparisons
        Votes with a finite maximum.
    model : str
        The target.
    places : int, default 1
        Places to gain; below 0, to lose.
    cap : int, default 20
        Votes that one account can cast before it is stopped.
    accuracy : float, default 0.95
        Probability that the attacker recognises the target in a battle.
    account_cost, interaction_cost, detector_cost : float, default 0
        Price of an account, of being shown a battle, and of the classifier that recognises the target.

    Returns
    -------
    CostToMoveRank

    Raises
    ------
    NoFiniteMaximumError
        If these votes do not rate all models.
    InvalidOptionError
        If the model is unknown, the board has no such place, or a number is out of its range.

    Notes
    -----
    Assumed: battles are drawn uniformly over pairs, so that the target takes part in 2 of n_models; the attacker
    abstains where it is not recognised, takes no other model for it, and makes it win each vote; so its k votes
    fall on every opponent k / (n_models - 1) times. All of them count at full weight and honest votes stand
    still. ``votes`` is then the smallest k after which a refit gives the rank, interactions are
    k n_models / (2 accuracy), accounts k / cap, rounded up, and the cost is that of [Huang25a]. What a detector
    would remove, and what an attacker without these limits saves, is not in it: ``accounts_choosing_pairs`` is
    the price of someone who picks each pair for its influence.

    References
    ----------
    [Huang25a] Huang et al. Exploring and Mitigating Adversarial Manipulation of Voting-Based Leaderboards.
               arXiv:2501.07493

    Examples
    --------
    >>> import pandas as pd
    >>> battles = pd.DataFrame(
    ...     {"model_a": ["x", "y"], "model_b": ["y", "x"], "winner": ["model_a"] * 2, "count": [30, 20]}
    ... )
    >>> cost = cost_to_move_rank(Comparisons.from_battles(battles), "y", cap=4, account_cost=0.5)
    >>> cost.votes, cost.accounts, cost.cost
    (11, 3, 1.5)
    """
    _check(cap, accuracy, account_cost, interaction_cost, detector_cost)
    with single_threaded_blas():
        attack = _Attack(comparisons, model, up=places > 0)
        goal = attack.rank(0) - places
        size = len(comparisons.models)
        if places == 0 or not 1 <= goal <= size:
            raise InvalidOptionError(
                f"places is {places!r}: {model!r} stands at {attack.rank(0)} of {size} and can gain "
                f"{attack.rank(0) - 1} or lose {size - attack.rank(0)}."
            )
        votes = attack.fewest(goal)
        return CostToMoveRank(
            model=model,
            rank=attack.rank(0),
            new_rank=attack.rank(votes),
            votes=votes,
            interactions=(interactions := int(np.ceil(votes * size / (2 * accuracy)))),
            accounts=(accounts := -(-votes // cap)),
            cost=accounts * account_cost + interactions * interaction_cost + detector_cost,
            accounts_choosing_pairs=-(-attack.fewest_choosing_pairs(goal) // cap),
        )


class _Attack:
    """Votes on one model, spread evenly over its opponents."""

    def __init__(self, comparisons: Comparisons, model: ModelId, *, up: bool) -> None:
        if model not in comparisons.models:
            raise InvalidOptionError(
                f"{model!r} is not among {name_some(comparisons.models)}: check the name."
            )
        self._honest, self._board, self._up = comparisons, with_all_pairs(comparisons), up
        self._target = comparisons.models.index(model)
        first, second = self._board.first == self._target, self._board.second == self._target
        self._votes = np.zeros_like(self._board.weights)
        self._votes[:, 0 if up else 1] = first
        self._votes[:, 1 if up else 0] = second
        self._votes /= len(comparisons.models) - 1
        order = np.argsort(-fit_bradley_terry(comparisons).strengths, kind="stable")
        self._others = order[order != self._target]

    def rank(self, votes: int) -> int:
        weights = self._board.weights + votes * self._votes
        strengths = fit_bradley_terry(replace(self._board, weights=weights)).strengths
        others = np.delete(strengths, self._target) - strengths[self._target]
        # Level is not passed.
        return 1 + int((others > (-_LEVEL if self._up else _LEVEL)).sum())

    def fewest(self, goal: int) -> int:
        low, high = 0, 1
        while not self._reaches(high, goal):
            low, high = high, 2 * high
            if high > _MOST_VOTES:
                raise InvalidOptionError(f"No number of votes gives rank {goal}: models above it are tied.")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._reaches(middle, goal) else (middle, high)
        return high

    def fewest_choosing_pairs(self, goal: int) -> int:
        # The last model to pass, or to be passed by: some of the others may be exactly level with the target.
        place = self._others[goal - 1 if self._up else goal - 2]
        target, other = self._honest.models[self._target], self._honest.models[place]
        better, worse = (other, target) if self._up else (target, other)
        return votes_to_flip(self._honest, better, worse).adds.votes

    def _reaches(self, votes: int, goal: int) -> bool:
        rank = self.rank(votes)
        return rank <= goal if self._up else rank >= goal


def _check(cap: int, accuracy: float, *costs: float) -> None:
    if cap < 1:
        raise InvalidOptionError(f"cap is {cap!r}: an account casts 1 vote or more.")
    if not 0 < accuracy <= 1:
        raise InvalidOptionError(f"accuracy is {accuracy!r}: it lies above 0 and up to 1.")
    for cost in costs:
        if not (np.isfinite(cost) and cost >= 0):
            raise InvalidOptionError(f"A cost is {cost!r}: it is finite, 0 or more.")
