"""The fewest votes that reverse two models, by trying every set of votes; shares no code with ratings."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ratings import Comparisons

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OUTCOME = np.array([1.0, 0.0, 0.5])
LABELS = ("model_a", "model_b", "tie")
_BATCH = 20_000


class SmallBoard:
    """Votes on every pair of a few models: counts of wins of the first, of the second, and ties."""

    def __init__(self, counts: npt.ArrayLike, models: int) -> None:
        self.counts = np.asarray(counts, dtype=np.int64)
        self.models = models
        self.first, self.second = np.triu_indices(models, k=1)

    @staticmethod
    def draw(rng: np.random.Generator, *, models: int, votes: int, spread: float = 0.8) -> "SmallBoard":
        board = SmallBoard(np.zeros((models * (models - 1) // 2, 3)), models)
        strength = rng.normal(0, spread, models)
        pairs = rng.choice(len(board.first), votes, p=rng.dirichlet(np.full(len(board.first), 1.5)))
        win = 1 / (1 + np.exp(strength[board.second] - strength[board.first]))
        for pair in pairs:
            tie = 0.6 * min(win[pair], 1 - win[pair])
            board.counts[pair, rng.choice(3, p=[win[pair] - tie / 2, 1 - win[pair] - tie / 2, tie])] += 1
        return board

    def comparisons(self) -> Comparisons:
        names = [f"m{number}" for number in range(self.models)]
        pair, winner = np.nonzero(self.counts)
        return Comparisons.from_battles(
            pd.DataFrame(
                {
                    "model_a": [names[place] for place in self.first[pair]],
                    "model_b": [names[place] for place in self.second[pair]],
                    "winner": [LABELS[place] for place in winner],
                    "count": self.counts[pair, winner],
                }
            )
        )

    def gaps(self, total: Floats, score: Floats, better: int, worse: int) -> Floats:
        """Strength of better less that of worse for many versions of the board, shape (n_boards,).

        Fits the models that are connected with both in both directions; NaN where those two are not.
        """
        reach = np.zeros((len(total), self.models, self.models), dtype=bool)
        reach[:, np.arange(self.models), np.arange(self.models)] = True
        reach[:, self.first, self.second] |= score > 1e-9
        reach[:, self.second, self.first] |= total - score > 1e-9
        for _ in range(self.models):
            reach = np.einsum("bij,bjk->bik", reach, reach)
        both = (reach & reach.transpose(0, 2, 1))[:, better]
        gap = np.full(len(total), np.nan)
        rated = both[:, worse]
        total, score, both = total[rated], score[rated], both[rated]
        inside = both[:, self.first] & both[:, self.second]
        gap[rated] = self._fit(np.where(inside, total, 0), np.where(inside, score, 0), ~both, better, worse)
        return gap

    def _fit(
        self, total: Floats, score: Floats, outside: npt.NDArray[np.bool_], better: int, worse: int
    ) -> Floats:
        strength = np.zeros((len(total), self.models))
        for _ in range(100):
            p = 1 / (1 + np.exp(strength[:, self.second] - strength[:, self.first]))
            surplus, curvature = score - total * p, total * p * (1 - p)
            slope = np.zeros_like(strength)
            hessian = np.full((len(total), self.models, self.models), 1 / self.models)
            hessian[:, np.arange(self.models), np.arange(self.models)] += outside
            for pair, (i, j) in enumerate(zip(self.first, self.second, strict=True)):
                slope[:, i] += surplus[:, pair]
                slope[:, j] -= surplus[:, pair]
                for row, column, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
                    hessian[:, row, column] += sign * curvature[:, pair]
            step = np.linalg.solve(hessian, slope[:, :, np.newaxis])[:, :, 0]
            length = np.maximum(np.abs(step).max(axis=1, initial=0), 1e-300)
            strength += step * (np.log1p(length) / length)[:, np.newaxis]
            if length.max(initial=0) < 1e-11:
                return strength[:, better] - strength[:, worse]
        raise AssertionError("the exhaustive search did not converge")

    def fewest(
        self,
        change: Literal["drop", "flip", "add"],
        better: int,
        worse: int,
        *,
        most: int,
        sets: int = 100_000,
    ) -> int | None:
        """The size of the smallest set that reverses the two, or None: none of up to ``most`` votes.

        Raises OverflowError where there are more than so many sets of one size.
        """
        limit, total, score = self._kinds(change, most)
        for size in range(1, most + 1):
            chosen = _vectors(np.minimum(limit, size), size, sets)
            for part in np.array_split(chosen, len(chosen) // _BATCH + 1):
                gap = self.gaps(
                    self.counts.sum(axis=1) + part @ total,
                    self.counts @ OUTCOME + part @ score,
                    better,
                    worse,
                )
                if (gap < -1e-9).any():
                    return size
        return None

    def _kinds(self, change: Literal["drop", "flip", "add"], most: int) -> tuple[Ints, Floats, Floats]:
        """How many votes of each kind can be changed, and what one does to total and score of each pair."""
        kinds: list[tuple[int, Floats, Floats]] = []
        for pair, unit in enumerate(np.eye(len(self.first))):
            for winner, outcome in enumerate(OUTCOME):
                count = int(self.counts[pair, winner])
                if change == "drop":
                    kinds.append((count, -unit, -outcome * unit))
                if change == "flip":
                    kinds += [
                        (count, 0 * unit, (new - outcome) * unit) for new in (0.0, 1.0) if new != outcome
                    ]
                if change == "add" and outcome != 0.5:
                    kinds.append((most, unit, outcome * unit))
        limit, total, score = zip(*[kind for kind in kinds if kind[0] > 0], strict=True)
        return np.array(limit), np.array(total), np.array(score)


def _vectors(limit: Ints, size: int, sets: int) -> Ints:
    """All ways to choose so many votes, shape (n_sets, n_kinds)."""
    vectors = np.zeros((1, 0), dtype=np.int64)
    for kind, most in enumerate(limit):
        left = size - vectors.sum(axis=1)
        rest = int(limit[kind + 1 :].sum())
        parts = []
        for votes in range(int(most) + 1):
            possible = (left >= votes) & (left - votes <= rest)
            parts.append(np.column_stack([vectors[possible], np.full(possible.sum(), votes)]))
        vectors = np.concatenate(parts)
        if len(vectors) > sets:
            raise OverflowError(f"more than {sets} sets of {size} votes")
    return vectors
