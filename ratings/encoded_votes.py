"""Votes encoded once for many boards of some of them: codes instead of labels, features of both sides together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrangement import Arrangement, FacedVotes
from ratings.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    IntArray,
    ModelId,
    begins,
    is_ascending,
    sorted_together,
)
from ratings.columns import Battles, has_column
from ratings.comparisons import Comparisons
from ratings.encoding import EncodedBattles, encode_battles, unit_weights
from ratings.errors import InvalidOptionError, name_some
from ratings.feature_columns import (
    Definition,
    FeatureColumns,
    feature_columns,
)
from ratings.style_kernels import is_worth_compiling
from ratings.threads import in_order, thread_count

VOTER = "voter"

_SOME = 1 << 12
_STRETCH = 1 << 16
_MOST_ARRANGED = 2**12
"""Models, of which tables of all pairs are made for every board."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedVotes:
    """What a board is made of, for `leaderboard` instead of a table: choosing some votes reads no label again.

    Attributes
    ----------
    battles : EncodedBattles
        Clustered by the column voter, where there is one.
    features : tuple of str
    columns : FeatureColumns
        <feature>_a and <feature>_b of each feature, of the table.
    row : int32 or int64, shape (n_all,)
        The row of the table that each vote was, of all votes that were ever encoded together.
    places : int64 or int32, shape (n_rows,), or None for all in their order
        Which of these belong to the rows of ``battles``.
    arrangement : Arrangement or None
        What makes boards of many votes cheap.
    """

    battles: EncodedBattles
    features: tuple[str, ...]
    columns: FeatureColumns
    row: IntArray | CodeArray
    places: IntArray | CodeArray | None = None
    arrangement: Arrangement | None = None

    def __len__(self) -> int:
        return len(self.battles.winner)

    @cached_property
    def comparisons(self) -> Comparisons:
        """The votes counted, kept apart by voter where voters are known."""
        cluster = self.battles.cluster
        if self.arrangement is None or cluster is None:
            return Comparisons.from_encoded(self.battles, cluster=None if cluster is None else VOTER)
        counted = Comparisons.from_encoded(self.battles)
        faced = FacedVotes.of(self.battles, counted.models, counted.first, counted.second)
        return replace(counted, clusters=faced.cells(cluster, self.battles.identities, VOTER))

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
            columns=self.columns,
            row=self.row,
            places=places if self.places is None else self.places[places],
            arrangement=None if self.arrangement is None else self.arrangement.selected(places),
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
        return replace(self, battles=replace(self.battles, weight=weight, is_unit=False), arrangement=None)

    def without_columns(self) -> "EncodedVotes":
        """The same without what only votes that are not arranged need, to be sent to another process.

        Where these are arranged, a style-controlled fit of them with weights is not to be had there.
        """
        if self.arrangement is None:
            return self
        columns = FeatureColumns(battles=pa.table({}), features=(), values=[])
        return replace(self, columns=columns, row=self.row[:0])

    def differs(self, feature: str) -> bool:
        """Whether both answers to some vote differ in this feature."""
        # Mostly some of the first votes differ.
        stretches = slice(_SOME), slice(_SOME, None)
        if self.arrangement is not None:
            return any(self.arrangement.differs(feature, rows) for rows in stretches)
        of_a, of_b = self.columns.values[self.features.index(feature)]
        return any((of_a[rows] != of_b[rows]).any() for rows in map(self._rows, stretches))

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
        self.columns.fill_contrasts(features, self._rows(rows), definition, out)

    def _rows(self, some: slice | IntArray | CodeArray) -> IntArray | CodeArray:
        """Which rows of the table some of the votes were."""
        return self.row[some] if self.places is None else self.row[self.places[some]]


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

    Notes
    -----
    From 200,000 rows on, of one vote each on at most 4096 models, and where Numba is installed, votes stand in the
    order of their voters. Their boards are those of a table of their rows up to rounding, below 1e-9, on which the
    order of the table and names then have an influence: give votes in the order of `canonical_votes` for the same
    bytes.
    """
    encoded = encode_battles(battles, cluster=VOTER if has_column(battles, VOTER) else None)
    columns = feature_columns(battles, features)
    columns.check()
    if _can_be_arranged(encoded):
        return _arranged(encoded, columns)
    row = _by_pair(encoded)
    return EncodedVotes(
        battles=_selected(encoded, row),
        features=columns.features,
        columns=columns,
        row=row.astype(np.int32) if len(row) < 2**31 else row,
    )


def _can_be_arranged(encoded: EncodedBattles) -> bool:
    rows, models = len(encoded.winner), len(encoded.models)
    return encoded.is_unit and models <= _MOST_ARRANGED and rows < 2**31 and is_worth_compiling(rows)


def _arranged(encoded: EncodedBattles, columns: FeatureColumns) -> EncodedVotes:
    """Put votes in the order of their voters, if these are known, and compare their features once for all boards."""
    row = _by_pair(encoded, [] if encoded.cluster is None else [encoded.cluster]).astype(np.int32)
    contrasts = np.empty((len(row), len(columns.features)))

    def compare(start: int) -> None:
        rows = slice(start, start + _STRETCH)
        found = np.empty((len(columns.features), len(row[rows])))
        columns.fill_contrasts(columns.features, row[rows], "symmetric", found)
        contrasts[rows] = found.T

    list(in_order(compare, range(0, len(row), _STRETCH), thread_count(None)))
    return EncodedVotes(
        battles=_selected(encoded, row),
        features=columns.features,
        columns=columns,
        row=row,
        arrangement=Arrangement(
            features=columns.features, contrasts=contrasts, places=np.arange(len(row), dtype=np.int32)
        ),
    )


def _by_pair(battles: EncodedBattles, before: Sequence[CodeArray] = ()) -> IntArray:
    """Order the votes by other columns, then the pair of models: whoever follows pairs finds close by what he needs."""
    one, other = np.minimum(battles.side_a, battles.side_b), np.maximum(battles.side_a, battles.side_b)
    row = np.arange(len(one), dtype=np.int64)
    together = sorted_together([*before, one, other, row])
    return np.lexsort([other, one, *before[::-1]]) if together is None else together[-1]


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
        if is_ascending(cluster):
            new = begins(cluster)
            cluster, identities = _numbers(new), identities.take(pa.array(cluster[new]))
        else:
            voted = np.zeros(len(identities), dtype=bool)
            voted[cluster] = True
            cluster, identities = _numbers(voted)[cluster], identities.filter(pa.array(voted))
    if battles.is_unit:
        count, weight = unit_weights(len(places))
    else:
        count, weight = battles.count[places], battles.weight[places]
    return EncodedBattles(
        models=tuple(name for name, kept in zip(battles.models, present, strict=True) if kept),
        side_a=side_a,
        side_b=side_b,
        winner=battles.winner[places],
        count=count,
        weight=weight,
        cluster=cluster,
        identities=identities,
        is_unit=battles.is_unit,
    )


def _numbers(present: BoolArray) -> CodeArray:
    """Number what is present, in its order."""
    numbers: CodeArray = np.cumsum(present, dtype=np.int32) - np.int32(1)
    return numbers
