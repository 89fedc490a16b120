"""What the rows of a style-controlled fit add up to, in NumPy or as machine code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ratings.arrays import FloatArray
from ratings.style_blocks import StyleBlock
from ratings.style_kernels import STRIP, add_rows

_PADDING = 8
_NONE, _NO_STARTS = np.empty(0), np.empty(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class StylePoint:
    """The parameters as a row sees them: its logit is difference[pair] + slopes @ contrast.

    Attributes
    ----------
    difference : float64, shape (n_pairs,)
        Strength of the first model less that of the second, natural log-odds.
    slopes : float64, shape (n_columns,)
        Log-odds per unit of each raw contrast column.
    """

    difference: FloatArray
    slopes: FloatArray


@dataclass(kw_only=True, eq=False)
class RowSums:
    """Running sums over rows; add those of other rows with ``include``.

    With p the expected outcome, y the outcome, x the contrast columns and w the weight of a row, the numbers of a row
    are w (p - y); then f and f x with f = w p (1 - p); and, for the sandwich, then f and f x with f = w**2 (p - y)**2
    for each of the row's votes.

    Attributes
    ----------
    by_pair : float64, shape (n_numbers, n_pairs)
        Sums of the numbers, of which there are 2 + n_columns or 3 + 2 n_columns.
    overall : float64, shape (n_numbers, n_columns)
        Sums of w (p - y) x, in the first row; then of f x x', at least in the lower triangles, where f x has its rows.
    loss : float
        Sum of w (log(1 + exp(d)) - y d), d the logit; 0 unless for the sandwich.
    scores : list of float64
        For the sandwich w (p - y) of each row, block by block, where the rows name their clusters.
    """

    by_pair: FloatArray
    overall: FloatArray
    loss: float = 0.0
    scores: list[FloatArray] = field(default_factory=list)

    @classmethod
    def zero(cls, point: StylePoint, *, for_sandwich: bool, by_pair_first: bool = False) -> "RowSums":
        """Return the sums of no rows; ``by_pair_first``: with the numbers of a pair beside each other in memory."""
        columns = len(point.slopes)
        shape = 1 + (1 + for_sandwich) * (1 + columns), len(point.difference)
        by_pair = np.zeros(shape, order="F" if by_pair_first else "C")
        return cls(by_pair=by_pair, overall=np.zeros((shape[0], columns)))

    @property
    def columns(self) -> int:
        """Number of contrast columns, n_columns."""
        return int(self.overall.shape[1])

    @property
    def for_sandwich(self) -> bool:
        """Whether squares are added up, too."""
        return len(self.by_pair) > 2 + self.columns

    def include(self, other: "RowSums") -> None:
        """Add the sums of other rows, whose scores come after these."""
        self.by_pair += other.by_pair
        self.overall += other.overall
        self.loss += other.loss
        self.scores += other.scores

    def products(self, kind: int) -> FloatArray:
        """Return the sums of f x x' for the first f or the second, shape (n_columns, n_columns)."""
        start = 2 + kind * (1 + self.columns)
        lower = np.tril(self.overall[start : start + self.columns])
        return lower + np.tril(lower, -1).T


def add_up(blocks: Sequence[StyleBlock], point: StylePoint, *, for_sandwich: bool, compiled: bool) -> RowSums:
    """Add up the rows of some blocks, in their order.

    Parameters
    ----------
    blocks : sequence of StyleBlock
    point : StylePoint
    for_sandwich : bool
    compiled : bool
        Whether to use machine code, whose sums differ by rounding.

    Returns
    -------
    RowSums
    """
    is_scattered = any(block.start is None for block in blocks)
    sums = RowSums.zero(point, for_sandwich=for_sandwich, by_pair_first=is_scattered)
    if compiled:
        # A little longer than a strip: the same place of all rows would be in the same few lines of the cache.
        strip = np.empty((3 + len(sums.by_pair), STRIP + _PADDING))
        for block in blocks:
            _add_compiled(sums, block, point, strip)
    else:
        room = np.empty((len(point.slopes), max((block.rows for block in blocks), default=0)))
        for block in blocks:
            _add_arrays(sums, block, point, room[:, : block.rows])
    return sums


def _add_compiled(sums: RowSums, block: StyleBlock, point: StylePoint, room: FloatArray) -> None:
    scores = _NONE
    if block.cluster is not None and sums.for_sandwich:
        scores = np.empty(block.rows)
        sums.scores.append(scores)
    sums.loss += add_rows(
        block.pair,
        _NO_STARTS if block.start is None else block.start,
        block.contrast,
        block.outcome,
        _NONE if block.weight is None else block.weight,
        _NONE if block.count is None else block.count,
        point.difference,
        point.slopes,
        sums.by_pair if block.start is not None else sums.by_pair.T,
        sums.overall,
        scores,
        room,
        room[2].view(np.int64),
    )


def _add_arrays(sums: RowSums, block: StyleBlock, point: StylePoint, room: FloatArray) -> None:
    logit = np.repeat(point.difference[block.pair], block.lengths)
    contrast = block.contrast
    logit += point.slopes @ contrast
    decay = np.exp(-np.abs(logit))
    inverse = 1 / (1 + decay)
    if sums.for_sandwich:
        # With s = 2 y - 1, a row's loss is |d| / 2 - s d / 2 - log(inverse).
        losses = (np.abs(logit) - logit * block.outcome) / 2 - np.log(inverse)
        sums.loss += float(losses.sum() if block.weight is None else (losses * block.weight).sum())
    surplus, curvature = _row_terms(block, logit, decay, inverse)
    sums.by_pair[0, block.pair] += np.add.reduceat(surplus, block.starts)
    sums.overall[0] += contrast @ surplus
    _add_factors(sums, 0, block, contrast, curvature, room)
    if sums.for_sandwich:
        square = np.square(surplus)
        if block.count is not None:
            # The votes of a row are independent: count * w**2 (p - y)**2, where the surplus is count * w (p - y).
            square /= block.count
        _add_factors(sums, 1, block, contrast, square, room)
        if block.cluster is not None:
            sums.scores.append(surplus)


def _add_factors(
    sums: RowSums, kind: int, block: StyleBlock, contrast: FloatArray, factor: FloatArray, room: FloatArray
) -> None:
    weighted = np.multiply(contrast, factor, out=room)
    by_pair, overall = (numbers[kind * (1 + sums.columns) + 1 :] for numbers in (sums.by_pair, sums.overall))
    by_pair[0, block.pair] += np.add.reduceat(factor, block.starts)
    by_pair[1 : 1 + sums.columns, block.pair] += np.add.reduceat(weighted, block.starts, axis=1)
    overall[1 : 1 + sums.columns] += weighted @ contrast.T


def _row_terms(
    block: StyleBlock, logit: FloatArray, decay: FloatArray, inverse: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Compute each row's w (p - y) and w p (1 - p), from exp(-|d|) = decay and 1 / (1 + decay) = inverse."""
    # With t = 2 p - 1 and s = 2 y - 1, p - y is (t - s) / 2.
    surplus = 1 - decay
    surplus *= inverse
    np.copysign(surplus, logit, out=surplus)
    surplus -= block.outcome
    surplus *= 0.5
    curvature = decay
    curvature *= inverse
    curvature *= inverse
    if block.weight is not None:
        surplus *= block.weight
        curvature *= block.weight
    return surplus, curvature
