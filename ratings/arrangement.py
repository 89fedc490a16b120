"""Votes of a large population in the order of their voters: for a board of some of them nothing has to be sorted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrangement_kernels import (
    add_cells,
    face_pairs,
    gather_contrasts,
)
from ratings.arrays import CodeArray, FloatArray, IntArray, SmallCodeArray
from ratings.clusters import ClusterCells
from ratings.encoding import EncodedBattles
from ratings.errors import InvalidOptionError, name_some


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrangement:
    """Some votes of a population whose votes stand voter by voter, and those of a voter on one pair together.

    What is added up by voter follows them; sums by pair are few enough to stay in a processor's cache wherever the next
    vote belongs. Machine code does both: NumPy would take longer than sorting.

    Attributes
    ----------
    features : tuple of str
    contrasts : float64, shape (n_all, n_features)
        How both answers compare (the symmetric definition of `fit_style_control`), from side a, of all votes of the
        population.
    places : int32, shape (n_rows,)
        Which of these belong to these votes, ascending.
    """

    features: tuple[str, ...]
    contrasts: FloatArray
    places: CodeArray

    def selected(self, rows: IntArray) -> "Arrangement":
        """Take some of the votes, in ascending order."""
        return replace(self, places=self.places[rows])

    def differs(self, feature: str, rows: slice) -> bool:
        """Whether both answers to one of these votes differ in a feature."""
        return bool(self.contrasts[self.places[rows], self.features.index(feature)].any())

    def fill(self, features: Sequence[str], rows: slice, sign: SmallCodeArray, out: FloatArray) -> None:
        """Write how both answers of some votes compare, from the side of their pair's first model.

        Parameters
        ----------
        features : sequence of str
        rows : slice
        sign : int8, shape (n_chosen,)
            Of `FacedVotes`.
        out : float64, shape (n_features,) or one more, n_chosen
            Its last row, if there is one for it, takes the signs.

        Raises
        ------
        InvalidOptionError
            If a feature is not there.
        """
        if unknown := [feature for feature in features if feature not in self.features]:
            raise InvalidOptionError(
                f"Encoded votes lack {name_some(unknown)}: name every feature when they are encoded."
            )
        columns = np.array([self.features.index(feature) for feature in features], dtype=np.int64)
        gather_contrasts(self.contrasts, columns, self.places[rows], sign, out)


@dataclass(frozen=True, kw_only=True, eq=False)
class FacedVotes:
    """Votes from the side of their pair's first model.

    Attributes
    ----------
    pair : int32, shape (n_rows,)
    sign : int8, shape (n_rows,)
        -1 where the first model stood on side b, else 1.
    outcome : int8, shape (n_rows,)
        1 where it won, -1 where it lost, else 0.
    """

    pair: CodeArray
    sign: SmallCodeArray
    outcome: SmallCodeArray

    @staticmethod
    def of(
        battles: EncodedBattles, models: Sequence[object], first: IntArray, second: IntArray
    ) -> "FacedVotes":
        """Face votes on pairs of models; raises `InvalidOptionError` if a pair of theirs is missing."""
        size = len(battles.models)
        code = {name: place for place, name in enumerate(battles.models)}
        place = np.array([code.get(name, size) for name in models], dtype=np.int64)
        one, other = place[first], place[second]
        pair_of = np.full((size + 1, size + 1), -1, dtype=np.int32)
        pair_of[one, other] = pair_of[other, one] = np.arange(len(first), dtype=np.int32)
        side_of = np.ones((size + 1, size + 1), dtype=np.int8)
        side_of[other, one] = -1
        rows = len(battles.winner)
        pair = np.empty(rows, dtype=np.int32)
        sign, outcome = np.empty((2, rows), dtype=np.int8)
        least = face_pairs(
            battles.side_a,
            battles.side_b,
            battles.winner,
            size + 1,
            pair_of.ravel(),
            side_of.ravel(),
            pair,
            sign,
            outcome,
        )
        if least < 0:
            raise InvalidOptionError("The comparisons lack a pair of these battles: make them of all votes.")
        return FacedVotes(pair=pair, sign=sign, outcome=outcome)

    def cells(self, voter: CodeArray, identities: pa.Array, column: str) -> ClusterCells:
        """Add up the votes of each voter on each pair."""
        size = len(voter)
        cluster, pair = np.empty((2, size), dtype=np.int64)
        weight, score = np.empty((2, size))
        cells = add_cells(voter, self.pair, self.outcome, cluster, pair, weight, score)
        return ClusterCells(
            column=column,
            cluster=cluster[:cells],
            pair=pair[:cells],
            weight=weight[:cells],
            score=score[:cells],
            identities=identities,
            is_kept_in_order=True,
        )
