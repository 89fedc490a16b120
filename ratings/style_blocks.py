"""Stretches of rows of a style-controlled fit, and where their contrasts come from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, get_args

import numpy as np

from ratings.arrangement import Arrangement
from ratings.arrays import CodeArray, FloatArray, IntArray, SmallCodeArray
from ratings.errors import InvalidOptionError, name_some
from ratings.feature_columns import Definition


class Contrasts(Protocol):
    """Whatever knows how both answers of each row compare."""

    @property
    def arrangement(self) -> Arrangement | None:
        """What is known of rows that stand in the order of their voters."""
        ...

    def fill_contrasts(
        self,
        features: Sequence[str],
        rows: slice | IntArray | CodeArray,
        definition: Definition,
        out: FloatArray,
    ) -> None:
        """Write the contrasts of some rows, shape (n_features, n_rows)."""
        ...


@dataclass(frozen=True, kw_only=True)
class StyleDesign:
    """What enters the logit beside the strengths.

    Attributes
    ----------
    features : tuple of str
        Each read from the columns <feature>_a and <feature>_b.
    side_bias : bool
        Whether side a has an advantage of its own.
    definition : {"symmetric", "published"}
        How a feature becomes a contrast; see `fit_style_control`.
    """

    features: tuple[str, ...]
    side_bias: bool = False
    definition: Definition = "symmetric"

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the coefficients: the features, then side_bias."""
        return (*self.features, "side_bias") if self.side_bias else self.features

    @property
    def keeps_sides(self) -> bool:
        """Whether a last contrast column says on which side the first model stood."""
        return self.side_bias or self.definition == "published"

    @property
    def columns(self) -> int:
        """Number of contrast columns, n_columns."""
        return len(self.features) + self.keeps_sides


def style_design(
    features: Sequence[str], *, side_bias: bool = False, definition: Definition = "symmetric"
) -> StyleDesign:
    """Check what is asked for.

    Raises
    ------
    InvalidOptionError
        If there is neither a feature nor side_bias, a name is repeated or is "side_bias", or an option is none of
        those allowed.
    """
    if not isinstance(features, Iterable):
        raise InvalidOptionError(f"features is {features!r}: it is a list of features, such as ['tokens'].")
    if side_bias not in (True, False):
        raise InvalidOptionError(f"side_bias is {side_bias!r}: it is True or False.")
    names = (features,) if isinstance(features, str) else tuple(features)
    repeated = sorted({name for name in names if names.count(name) > 1 or name == "side_bias"})
    if repeated:
        raise InvalidOptionError(f"features names {name_some(repeated)} twice or uses a reserved name.")
    if not names and not side_bias:
        raise InvalidOptionError(
            "There is nothing to control: name features, set side_bias=True, or use fit_bradley_terry."
        )
    if definition not in get_args(Definition):
        raise InvalidOptionError(f"definition is {definition!r}: it is 'symmetric' or 'published'.")
    return StyleDesign(features=names, side_bias=side_bias, definition=definition)


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleBlock:
    """Rows in the order of their pairs and contents, or of their voters; rows without weight are left out.

    Attributes
    ----------
    pair : int32, shape (n_cells,) or (n_rows,)
    start : int64, shape (n_cells,), or None
        Each pair here, a row of ``Comparisons.first`` and ``second``, and the first of its rows. None: the pair of each
        row.
    contrast : float64, shape (n_columns, n_rows)
        Features compared, from the side of the first model.
    outcome : int8, shape (n_rows,)
        1 where the first model won, -1 where it lost, else 0.
    weight, count : float64, shape (n_rows,), or None where all are 1
        Total weight of the votes of a row, and their number.
    cluster : int32, shape (n_rows,), or None
    """

    pair: CodeArray
    start: IntArray | None
    contrast: FloatArray
    outcome: SmallCodeArray
    weight: FloatArray | None
    count: FloatArray | None
    cluster: CodeArray | None

    @property
    def rows(self) -> int:
        """Number of rows, n_rows."""
        return len(self.outcome)

    @property
    def starts(self) -> IntArray:
        """The first row of each pair, where rows are sorted by pair."""
        assert self.start is not None, "rows are sorted by pair"
        return self.start

    @property
    def lengths(self) -> IntArray:
        """Rows of each pair, shape (n_cells,)."""
        return np.diff(self.starts, append=self.rows)
