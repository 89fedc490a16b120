"""Votes encoded once for many boards of some of them: codes instead of labels, features of both sides together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrays import BoolArray, CodeArray, FloatArray, IntArray, ModelId, sorted_together
from ratings.columns import Battles, has_column
from ratings.comparisons import Comparisons
from ratings.encoding import EncodedBattles, encode_battles
from ratings.errors import InvalidOptionError, name_some
from ratings.feature_columns import (
    SMALLEST,
    Definition,
    FeatureColumns,
    NumberArray,
    compare_sides,
    feature_columns,
)
from ratings.style_kernels import compare_rows, is_worth_compiling

VOTER = "voter"

_SOME = 1 << 12
_NARROWEST, _COMPILED = np.uint16, (np.dtype(np.uint16), np.dtype(np.uint32))


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedVotes:
    """What a board is made of, for `leaderboard` instead of a table: choosing some votes reads no label again.

    Attributes
    ----------
    battles : EncodedBattles
        Clustered by the column voter, where there is one.
    features : tuple of str
    styles : numbers, shape (n_all, 2 * n_features)
        <feature>_a and <feature>_b of each feature, of all votes that were ever encoded together. Whole numbers below
        65,536 take half of what their differences would; others up to twice that.
    row : int32 or int64, shape (n_all,)
        The row of the table that each of these was.
    places : int64, shape (n_rows,), or None for all in their order
        Which of these belong to the rows of ``battles``.
    """

    by_row: ClassVar[bool] = True

    battles: EncodedBattles
    features: tuple[str, ...]
    styles: NumberArray
    row: IntArray | CodeArray
    places: IntArray | None = None

    def __len__(self) -> int:
        return len(self.battles.winner)

    @cached_property
    def comparisons(self) -> Comparisons:
        """The votes counted, kept apart by voter where voters are known."""
        return Comparisons.from_encoded(self.battles, cluster=None if self.battles.cluster is None else VOTER)

    @cached_property
    def voters(self) -> IntArray:
        """The number of rows of each voter, shape (n_voters,); none where voters are unknown."""
        return np.bincount(
            np.zeros(0, dtype=np.int64) if self.battles.cluster is None else self.battles.cluster
        )

    def clustered(self, cluster: str | None) -> EncodedBattles:
        """Take the codes, with clusters only if they are asked for."""
        if cluster not in (None, VOTER) or (cluster and self.battles.cluster is None):
            raise InvalidOptionError(f"Encoded votes do not keep {cluster!r} apart: pass a table of battles.")
        return self.battles if cluster else replace(self.battles, cluster=None, identities=None)

    def selected(self, rows: BoolArray) -> "EncodedVotes":
        """Take some of the votes; what models and voters no longer occur are forgotten.

        What was counted of these votes stays with them, so that it is not in memory longer than they are.
        """
        if rows.all():
            return replace(self)
        places = np.flatnonzero(rows)
        return EncodedVotes(
            battles=_selected(self.battles, places),
            features=self.features,
            styles=self.styles,
            row=self.row,
            places=places if self.places is None else self.places[places],
        )

    def between(self, models: Sequence[ModelId]) -> "EncodedVotes":
        """Take the votes between two of these models."""
        wanted = set(models)
        chosen = np.array([name in wanted for name in self.battles.models], dtype=bool)
        if chosen.all():
            return self
        return self.selected(chosen[self.battles.side_a] & chosen[self.battles.side_b])

    def weighted(self, weight: FloatArray) -> "EncodedVotes":
        """Give each vote a weight, above 0 and finite; shape (n_rows,)."""
        return replace(self, battles=replace(self.battles, weight=weight, is_unit=False))

    def differs(self, feature: str) -> bool:
        """Whether both answers to some vote differ in this feature."""
        number = 2 * self.features.index(feature)
        of_a, of_b = self.styles[:, number], self.styles[:, number + 1]
        places = np.arange(len(self)) if self.places is None else self.places
        # Mostly some of the first votes differ.
        return any((of_a[some] != of_b[some]).any() for some in (places[:_SOME], places[_SOME:]))

    def fill_contrasts(
        self,
        features: Sequence[str],
        rows: slice | IntArray | CodeArray,
        definition: Definition,
        out: FloatArray,
    ) -> None:
        """Write how both answers of some rows compare; shape (n_features, n_rows)."""
        if unknown := [feature for feature in features if feature not in self.features]:
            raise InvalidOptionError(
                f"Encoded votes lack {name_some(unknown)}: name every feature when they are encoded."
            )
        columns = np.array([2 * self.features.index(feature) for feature in features], dtype=np.int64)
        chosen = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        places = chosen.astype(np.int64, copy=False) if self.places is None else self.places[chosen]
        if self.styles.dtype in _COMPILED and is_worth_compiling(len(self)):
            compare_rows(self.styles, columns, places, definition == "published", SMALLEST, out)
            return
        styles = self.styles[places]
        for column, contrast in zip(columns, out, strict=True):
            compare_sides(styles[:, column], styles[:, column + 1], definition, contrast, compiled=False)


def encode_votes(battles: Battles, *, features: Sequence[str] = ()) -> EncodedVotes:
    """Check a table of votes and encode it.

    Parameters
    ----------
    battles : DataFrame, Arrow Table or RecordBatch; n_rows rows
        Columns as for `leaderboard`; the column voter may be absent.
    features : sequence of str, default none
        Style features, of which <feature>_a and <feature>_b are there.

    Returns
    -------
    EncodedVotes
        In an order that makes fits fast, which ``row`` tells.

    Raises
    ------
    InvalidComparisonsError
        If the table breaks the data convention; the row is named.
    """
    encoded = encode_battles(battles, cluster=VOTER if has_column(battles, VOTER) else None)
    row = _by_pair(encoded)
    styles = _side_by_side(feature_columns(battles, features))
    if len(row) < 2**31:
        row = row.astype(np.int32)
    return EncodedVotes(
        battles=_selected(encoded, row), features=tuple(features), styles=styles[row], row=row
    )


def _side_by_side(columns: FeatureColumns) -> NumberArray:
    """The features of each row beside each other: who looks a row up touches one place in memory."""
    columns.check()
    sides = [side for both in columns.values for side in both]
    kinds = [np.min_scalar_type(int(side.max(initial=0))) for side in sides if side.dtype.kind in "iu"]
    whole = len(kinds) == len(sides)
    kind = np.result_type(_NARROWEST, *kinds) if whole else np.dtype(np.float64)
    found = np.empty((len(columns.battles), len(sides)), dtype=kind)
    for number, side in enumerate(sides):
        found[:, number] = side
    return found


def _by_pair(battles: EncodedBattles) -> IntArray:
    """Order the votes by the pair of models: whoever follows any order by pairs finds what he needs close by."""
    one, other = np.minimum(battles.side_a, battles.side_b), np.maximum(battles.side_a, battles.side_b)
    row = np.arange(len(one), dtype=np.int64)
    together = sorted_together([one, other, row])
    return np.lexsort((other, one)) if together is None else together[2]


def _selected(battles: EncodedBattles, places: IntArray | CodeArray) -> EncodedBattles:
    side_a, side_b = battles.side_a[places], battles.side_b[places]
    size = len(battles.models)
    present = np.bincount(side_a, minlength=size) + np.bincount(side_b, minlength=size) > 0
    if not present.all():
        number = _numbers(present)
        side_a, side_b = number[side_a], number[side_b]
    cluster, identities = battles.cluster, battles.identities
    if cluster is not None and identities is not None:
        cluster = cluster[places]
        voted = np.zeros(len(identities), dtype=bool)
        voted[cluster] = True
        cluster, identities = _numbers(voted)[cluster], identities.filter(pa.array(voted))
    return EncodedBattles(
        models=tuple(name for name, kept in zip(battles.models, present, strict=True) if kept),
        side_a=side_a,
        side_b=side_b,
        winner=battles.winner[places],
        count=np.broadcast_to(np.int64(1), len(places)) if battles.is_unit else battles.count[places],
        weight=np.broadcast_to(np.float64(1), len(places)) if battles.is_unit else battles.weight[places],
        cluster=cluster,
        identities=identities,
        is_unit=battles.is_unit,
    )


def _numbers(present: BoolArray) -> CodeArray:
    """Number what is present, in its order."""
    numbers: CodeArray = np.cumsum(present, dtype=np.int32) - np.int32(1)
    return numbers
