"""Rows of battles prepared for the style-controlled fit: contrasts of features, sorted by pair within stretches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ratings.arrays import FloatArray, IntArray
from ratings.comparisons import Comparisons
from ratings.encoding import EncodedBattles
from ratings.errors import InvalidComparisonsError, InvalidOptionError, name_some
from ratings.linear_algebra import single_threaded_blas
from ratings.threads import in_order

STRETCH = 2**17
"""Rows that are sorted and added up together; counted from the start of a chunk."""

BLOCK = 2**14
"""Rows of one pass of array operations: what they touch fits a processor's cache."""

Definition = Literal["symmetric", "published"]
FeatureValues = tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]

_SIGNED_OUTCOMES = np.array([1, -1, 0, 0], dtype=np.int8)
_SMALLEST = np.finfo(np.float64).tiny
_LARGEST_PAIR_TABLE = 2**24
_LARGEST_VALUE = np.finfo(np.float64).max / 2


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


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleMoments:
    """Unweighted sums over votes from which features are standardised; add those of chunks with ``+``.

    Attributes
    ----------
    votes : float
        Number of votes.
    products : float64, shape (n_columns, n_columns)
        Sum of x x' over votes, x the contrast columns.
    """

    votes: float
    products: FloatArray

    def __add__(self, other: "StyleMoments") -> "StyleMoments":
        return StyleMoments(votes=self.votes + other.votes, products=self.products + other.products)


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleBlock:
    """Rows in the order of their pairs; rows without weight are left out.

    Attributes
    ----------
    pair, start : int64, shape (n_cells,)
        Each pair here, a row of ``Comparisons.first`` and ``second``, and the first of its rows.
    contrast : float64, shape (n_columns, n_rows)
        Features compared, from the side of the first model.
    outcome : int8, shape (n_rows,)
        1 where the first model won, -1 where it lost, else 0.
    weight, count : float64, shape (n_rows,), or None where all are 1
        Total weight of the votes of a row, and their number.
    cluster : int64, shape (n_rows,), or None
    """

    pair: IntArray
    start: IntArray
    contrast: FloatArray
    outcome: npt.NDArray[np.int8]
    weight: FloatArray | None
    count: FloatArray | None
    cluster: IntArray | None

    @property
    def rows(self) -> int:
        """Number of rows, n_rows."""
        return len(self.outcome)

    @property
    def lengths(self) -> IntArray:
        """Rows of each pair, shape (n_cells,)."""
        return np.diff(self.start, append=self.rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleRows:
    """A chunk of battles ready for `style_sums`.

    Attributes
    ----------
    design : StyleDesign
    comparisons : Comparisons
        Models and pairs that the blocks refer to, of all chunks together.
    stretches : tuple of tuples of StyleBlock
    moments : StyleMoments
    clusters : int or None
        Number of clusters over all chunks, where rows name theirs.
    """

    design: StyleDesign
    comparisons: Comparisons
    stretches: tuple[tuple[StyleBlock, ...], ...]
    moments: StyleMoments
    clusters: int | None


def style_rows(
    encoded: EncodedBattles,
    values: Sequence[FeatureValues],
    design: StyleDesign,
    comparisons: Comparisons,
    *,
    clusters: int | None = None,
    threads: int = 1,
) -> StyleRows:
    """Compare the features of both answers, and sort rows by pair within stretches.

    Parameters
    ----------
    encoded : EncodedBattles
        The rows of one chunk.
    values : sequence of (a, b)
        For each feature its values on both sides, shape (n_rows,).
    design : StyleDesign
    comparisons : Comparisons
        Has all models and pairs of the rows; usually made of all chunks.
    clusters : int, optional
        Number of clusters that ``encoded.cluster`` may name.
    threads : int, default 1

    Returns
    -------
    StyleRows

    Raises
    ------
    InvalidComparisonsError
        If a feature value is missing, negative or not finite; row, column and value are named.
    InvalidOptionError
        If a row's pair is not among the comparisons.
    """
    source = _Source(encoded, values, design, comparisons, clusters)
    starts = range(0, len(encoded.winner), STRETCH)
    with single_threaded_blas():
        parts = list(in_order(source.stretch, starts, threads))
    moments = StyleMoments(votes=0.0, products=np.zeros((design.columns, design.columns)))
    for _, part in parts:
        moments += part
    return StyleRows(
        design=design,
        comparisons=comparisons,
        stretches=tuple(blocks for blocks, _ in parts if blocks),
        moments=moments,
        clusters=clusters,
    )


class _Source:
    """Everything needed to prepare any stretch of a chunk."""

    def __init__(
        self,
        encoded: EncodedBattles,
        values: Sequence[FeatureValues],
        design: StyleDesign,
        comparisons: Comparisons,
        clusters: int | None,
    ) -> None:
        self.encoded = encoded
        self.values = values
        self.design = design
        self.keeps_clusters = clusters is not None
        self.weight = _unless_ones(encoded.count * encoded.weight)
        self.count = _unless_ones(encoded.count)
        self.model = _places(encoded.models, comparisons.models)
        self.find_pair = _PairFinder(comparisons)

    def stretch(self, low: int) -> tuple[tuple[StyleBlock, ...], StyleMoments]:
        """Prepare the rows from low to low + STRETCH."""
        rows = slice(low, low + STRETCH)
        a, b = self.model[self.encoded.side_a[rows]], self.model[self.encoded.side_b[rows]]
        side = np.where(a < b, 1.0, -1.0)
        contrast = self._contrast(rows, side)
        outcome = _SIGNED_OUTCOMES[self.encoded.winner[rows]] * side.astype(np.int8)
        pair = self.find_pair(np.minimum(a, b), np.maximum(a, b))
        order = _order_by_pair(pair, None if self.weight is None else self.weight[rows])
        blocks = tuple(
            self._block(rows, pair, contrast, outcome, order[start : start + BLOCK])
            for start in range(0, len(order), BLOCK)
        )
        return blocks, _moments(blocks, self.design.columns)

    def _contrast(self, rows: slice, side: FloatArray) -> FloatArray:
        contrast = np.empty((self.design.columns, len(side)))
        for number, (of_a, of_b) in enumerate(self.values):
            compared = _compare(of_a[rows], of_b[rows], self.design.definition)
            if compared is None:
                raise _wrong_value(self.design.features[number], rows.start, of_a[rows], of_b[rows])
            np.multiply(compared, side, out=contrast[number])
        if self.design.keeps_sides:
            contrast[-1] = side
        return contrast

    def _block(
        self,
        rows: slice,
        pair: IntArray,
        contrast: FloatArray,
        outcome: npt.NDArray[np.int8],
        order: IntArray,
    ) -> StyleBlock:
        sorted_pair = pair[order]
        start = np.flatnonzero(np.diff(sorted_pair, prepend=-1))
        sorted_contrast = np.empty((len(contrast), len(order)))
        for target, source in zip(sorted_contrast, contrast, strict=True):
            np.take(source, order, out=target, mode="clip")
        cluster = self.encoded.cluster
        return StyleBlock(
            pair=sorted_pair[start],
            start=start,
            contrast=sorted_contrast,
            outcome=outcome[order],
            weight=None if self.weight is None else self.weight[rows][order],
            count=None if self.count is None else self.count[rows][order],
            cluster=cluster[rows][order] if self.keeps_clusters and cluster is not None else None,
        )


class _PairFinder:
    """Look up pairs of models among those of the comparisons; -1 where absent."""

    def __init__(self, comparisons: Comparisons) -> None:
        self.size = len(comparisons.models)
        self.keys = comparisons.first * self.size + comparisons.second
        self.table = None
        if self.size**2 <= _LARGEST_PAIR_TABLE:
            self.table = np.full(self.size**2, -1, dtype=np.int32)
            self.table[self.keys] = np.arange(len(self.keys), dtype=np.int32)

    def __call__(self, first: IntArray, second: IntArray) -> npt.NDArray[np.int32]:
        key = first * self.size + second
        if self.table is not None:
            return self.table[key]
        place = np.searchsorted(self.keys, key).astype(np.int32)
        present = self.keys[np.minimum(place, len(self.keys) - 1)] == key
        return np.where(present, place, np.int32(-1))


def _order_by_pair(pair: npt.NDArray[np.int32], weight: FloatArray | None) -> npt.NDArray[np.int32]:
    """Sort rows by pair, stably, leaving out those without weight."""
    kept = None if weight is None else np.flatnonzero(weight > 0).astype(np.int32)
    wanted = pair if kept is None else pair[kept]
    if int(wanted.min(initial=0)) < 0:
        raise InvalidOptionError("The comparisons lack a pair of these battles: make them of all chunks.")
    size = len(wanted)
    # Transposing a sparse matrix of one entry per row is a counting sort, eight times faster than argsort.
    entries = (np.ones(size, dtype=np.int8), wanted, np.arange(size + 1, dtype=np.int32))
    transposed = sparse.csc_array(entries, shape=(int(wanted.max(initial=0)) + 1, size)).tocsr()
    order: npt.NDArray[np.int32] = transposed.indices
    return order if kept is None else kept[order]


def _compare(
    of_a: npt.NDArray[np.generic], of_b: npt.NDArray[np.generic], definition: Definition
) -> FloatArray | None:
    """Compute the normalised difference; None where a value is missing, negative or not finite."""
    a, b = of_a.astype(np.float64, copy=False), of_b.astype(np.float64, copy=False)
    total = a + b
    if not (len(a) == 0 or (min(float(a.min()), float(b.min())) >= 0 and float(total.max()) < np.inf)):
        return None
    if definition == "published":
        total += 1
    else:
        np.maximum(total, _SMALLEST, out=total)
    compared: FloatArray = np.subtract(a, b)
    compared /= total
    return compared


def _wrong_value(
    feature: str, low: int, of_a: npt.NDArray[np.generic], of_b: npt.NDArray[np.generic]
) -> InvalidComparisonsError:
    for name, values in ((f"{feature}_a", of_a), (f"{feature}_b", of_b)):
        numbers = values.astype(np.float64, copy=False)
        wrong = ~((numbers >= 0) & (numbers <= _LARGEST_VALUE))
        if wrong.any():
            row = int(np.argmax(wrong))
            return InvalidComparisonsError(
                f"Row {low + row} of the battles: {name} is {float(numbers[row])!r}. "
                "A feature is a finite number, 0 or more: fill it in or drop the row."
            )
    raise AssertionError("no wrong value")


def _places(names: Sequence[str], among: Sequence[str]) -> IntArray:
    index = {name: place for place, name in enumerate(among)}
    absent = [name for name in names if name not in index]
    if absent:
        raise InvalidOptionError(
            f"The comparisons lack {name_some(absent)}: make them of all chunks of battles."
        )
    return np.array([index[name] for name in names], dtype=np.int64)


def _unless_ones(values: FloatArray | IntArray) -> FloatArray | None:
    return None if (values == 1).all() else values.astype(np.float64)


def _moments(blocks: Sequence[StyleBlock], columns: int) -> StyleMoments:
    votes = 0.0
    products = np.zeros((columns, columns))
    for block in blocks:
        counted = block.contrast if block.count is None else block.contrast * block.count
        votes += block.rows if block.count is None else float(block.count.sum())
        products += counted @ block.contrast.T
    return StyleMoments(votes=votes, products=products)
