"""Votes encoded once for many boards of some of them: codes instead of labels, styles already compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from ratings.arrays import BoolArray, CodeArray, FloatArray, IntArray, ModelId, sorted_together
from ratings.columns import Battles, has_column
from ratings.comparisons import Comparisons
from ratings.encoding import EncodedBattles, encode_battles
from ratings.errors import InvalidOptionError
from ratings.feature_columns import Definition, feature_columns

VOTER = "voter"

_SOME = 1 << 12


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedVotes:
    """What a board is made of, for `leaderboard` instead of a table: choosing some votes reads no label again.

    Attributes
    ----------
    battles : EncodedBattles
        Clustered by the column voter, where there is one.
    contrasts : mapping of feature to float64, shape (n_all,)
        The normalised difference of both answers from side a, of all votes that were ever encoded together.
    row : int64, shape (n_all,)
        The row of the table that each of these was.
    places : int64, shape (n_rows,), or None for all in their order
        Which of these belong to the rows of ``battles``.
    """

    battles: EncodedBattles
    contrasts: Mapping[str, FloatArray]
    row: IntArray
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
        """Take some of the votes; what models and voters no longer occur are forgotten."""
        if rows.all():
            return self
        places = np.flatnonzero(rows)
        return EncodedVotes(
            battles=_selected(self.battles, places),
            contrasts=self.contrasts,
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
        contrast = self.contrasts[feature]
        places = np.arange(len(self)) if self.places is None else self.places
        # Mostly some of the first votes differ.
        return any(contrast[some].any() for some in (places[:_SOME], places[_SOME:]))

    def fill_contrast(self, feature: str, rows: slice, definition: Definition, out: FloatArray) -> None:
        """Write how both answers of some rows compare."""
        if definition != "symmetric":
            raise InvalidOptionError("Encoded votes hold symmetric differences: pass a table of battles.")
        contrast = self.contrasts[feature]
        if self.places is None:
            out[:] = contrast[rows]
        else:
            np.take(contrast, self.places[rows], out=out, mode="clip")


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
    columns = feature_columns(battles, features)
    contrasts = {}
    for name in features:
        contrast = np.empty(len(row))
        columns.fill_contrast(name, slice(0, len(row)), "symmetric", contrast)
        contrasts[name] = contrast[row]
    return EncodedVotes(battles=_selected(encoded, row), contrasts=contrasts, row=row)


def _by_pair(battles: EncodedBattles) -> IntArray:
    """Order the votes by the pair of models: whoever follows any order by pairs finds what he needs close by."""
    one, other = np.minimum(battles.side_a, battles.side_b), np.maximum(battles.side_a, battles.side_b)
    row = np.arange(len(one), dtype=np.int64)
    together = sorted_together([one, other, row])
    return np.lexsort((other, one)) if together is None else together[2]


def _selected(battles: EncodedBattles, places: IntArray) -> EncodedBattles:
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
