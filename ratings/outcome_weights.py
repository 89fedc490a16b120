"""The votes of a model with ties, added up by pair and outcome."""

from dataclasses import dataclass
from functools import cached_property

from ratings.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class OutcomeWeights:
    """Weights of the votes of each pair, and the sums that every Newton step needs.

    Attributes
    ----------
    by_outcome : float64, shape (n_outcomes, n_pairs)
    """

    by_outcome: FloatArray

    @cached_property
    def decided(self) -> FloatArray:
        """Weight of the votes with a winner, shape (n_pairs,)."""
        decided: FloatArray = self.by_outcome[0] + self.by_outcome[1]
        return decided

    @cached_property
    def total(self) -> FloatArray:
        """Weight of wins, losses and ties, shape (n_pairs,)."""
        total: FloatArray = self.decided + self.by_outcome[2]
        return total

    @cached_property
    def points(self) -> FloatArray:
        """Wins and half the ties of the first model, and of the second, shape (2, n_pairs)."""
        points: FloatArray = self.by_outcome[:2] + self.by_outcome[2] / 2
        return points

    @cached_property
    def lead(self) -> FloatArray:
        """Half of what the first model won more often than the second, shape (n_pairs,)."""
        lead: FloatArray = (self.by_outcome[0] - self.by_outcome[1]) / 2
        return lead
