"""Rows of battles prepared for the style-controlled fit: contrasts of features, by pair and content or by voter."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby, pairwise
from operator import add, itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from ratings.arrangement import Arrangement, FacedVotes
from ratings.arrays import CodeArray, FloatArray, IntArray, begins
from ratings.comparisons import Comparisons
from ratings.encoding import EncodedBattles
from ratings.errors import InvalidOptionError
from ratings.hashing import Hashes, mix_in
from ratings.linear_algebra import single_threaded_blas
from ratings.pair_finder import PairFinder, places_among
from ratings.row_order import RowOrder
from ratings.style_blocks import Contrasts, StyleBlock, StyleDesign
from ratings.style_kernels import is_worth_compiling, place_rows, turn_and_mix
from ratings.threads import in_order

STRETCH = 2**18
"""Rows that are compared in one thread."""

BLOCK = 2**13
"""Rows of one pass of array operations: what they touch fits a processor's cache."""

TASK = 2**17
"""Rows, at least, that are added up together in one thread; more where there are many pairs to add up by."""

_COMPILED_BLOCK = 2**15
_SIGNED_OUTCOMES = np.array([1, -1, 0, 0], dtype=np.int8)
_ROWS_PER_PAIR = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleMoments:
    """Unweighted sums over votes from which features are standardised; add those of chunks with ``+``.

    Attributes
    ----------
    votes : float
        Number of votes.
    totals, squares : float64, shape (n_features,)
        Sums over votes of a feature's difference, from side a, and of its square.
    """

    votes: float
    totals: FloatArray
    squares: FloatArray

    def __add__(self, other: "StyleMoments") -> "StyleMoments":
        return StyleMoments(
            votes=self.votes + other.votes,
            totals=self.totals + other.totals,
            squares=self.squares + other.squares,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleRows:
    """A chunk of battles ready for `style_sums`.

    Attributes
    ----------
    design : StyleDesign
    comparisons : Comparisons
        Models and pairs that the blocks refer to, of all chunks together.
    tasks : tuple of tuples of StyleBlock
        Blocks that are added up together.
    moments : StyleMoments
    clusters : int or None
        Number of clusters over all chunks, where rows name theirs.
    is_arranged : bool
        Whether they stand in the order of their clusters, as `Arrangement` has them, and not in that of their pairs.
    """

    design: StyleDesign
    comparisons: Comparisons
    tasks: tuple[tuple[StyleBlock, ...], ...]
    moments: StyleMoments
    clusters: int | None
    is_arranged: bool = False

    @property
    def rows(self) -> int:
        """Number of rows, n_rows."""
        return sum(block.rows for blocks in self.tasks for block in blocks)

    @property
    def is_compiled(self) -> bool:
        """Whether machine code adds them up."""
        return self.is_arranged or is_worth_compiling(self.rows)


def style_rows(
    encoded: EncodedBattles,
    features: Contrasts,
    design: StyleDesign,
    comparisons: Comparisons,
    *,
    clusters: int | None = None,
    threads: int = 1,
) -> StyleRows:
    """Compare the features of both answers, and sort rows by pair and what they hold, unless they are arranged.

    Parameters
    ----------
    encoded : EncodedBattles
        The rows of one chunk.
    features : FeatureColumns or EncodedVotes
        Of the same rows.
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
    arrangement = features.arrangement if design.definition == "symmetric" else None
    with single_threaded_blas():
        if arrangement is not None:
            cluster = None if clusters is None else encoded.cluster
            blocks = _arranged_blocks(encoded, arrangement, design, comparisons, cluster, threads)
        else:
            source = _Source(encoded, features, design, comparisons, clusters)
            source.compare(threads)
            blocks = source.blocks(threads)
            del source  # which holds the rows once more
    tasks = _tasks(blocks, len(comparisons.first))
    none = _moments([], design)
    return StyleRows(
        design=design,
        comparisons=comparisons,
        tasks=tasks,
        moments=reduce(add, in_order(lambda task: _moments(task, design), tasks, threads), none),
        clusters=clusters,
        is_arranged=arrangement is not None,
    )


def _arranged_blocks(
    encoded: EncodedBattles,
    arrangement: Arrangement,
    design: StyleDesign,
    comparisons: Comparisons,
    cluster: CodeArray | None,
    threads: int,
) -> list[StyleBlock]:
    """Cut into blocks what is in order already, and no cluster apart."""
    faced = FacedVotes.of(encoded, comparisons.models, comparisons.first, comparisons.second)

    def block(border: tuple[int, int]) -> StyleBlock:
        rows = slice(*border)
        sign = faced.sign[rows]
        contrast = np.empty((design.columns, len(sign)))
        arrangement.fill(design.features, rows, sign, contrast)
        return StyleBlock(
            pair=faced.pair[rows],
            start=None,
            contrast=contrast,
            outcome=faced.outcome[rows],
            weight=None,
            count=None,
            cluster=None if cluster is None else cluster[rows],
        )

    return list(in_order(block, list(pairwise(_borders(len(faced.pair), cluster))), threads))


def _borders(rows: int, cluster: CodeArray | None) -> list[int]:
    """Divide rows about every so many, where a cluster begins."""
    found = [0]
    while (end := found[-1] + _COMPILED_BLOCK) < rows:
        if cluster is not None:
            end = int(np.searchsorted(cluster, cluster[end - 1], side="right"))
        found.append(end)
    return sorted({*found, rows})


class _Source:
    """Everything needed to prepare any stretch of a chunk."""

    def __init__(
        self,
        encoded: EncodedBattles,
        features: Contrasts,
        design: StyleDesign,
        comparisons: Comparisons,
        clusters: int | None,
    ) -> None:
        self.encoded = encoded
        self.features = features
        self.design = design
        self.cluster = None if clusters is None else encoded.cluster
        self.weight = None if encoded.is_unit else encoded.count * encoded.weight
        self.count = None if encoded.is_unit else encoded.count.astype(np.float64)
        self.model = places_among(encoded.models, comparisons.models)
        self.find_pair = PairFinder(comparisons)
        rows = len(encoded.winner)
        self.outcome = np.empty(rows, dtype=np.int8)
        # By row, so that moving a row to its place touches one place in memory.
        self.contrast = np.empty((rows, len(design.features)))
        self.sign = np.empty(rows, dtype=np.int8)
        self.compiled = is_worth_compiling(rows)
        # Machine code needs no room for what is in between, and fewer calls of larger blocks take less time.
        self.step = _COMPILED_BLOCK if self.compiled else BLOCK
        self.order = RowOrder(rows, len(comparisons.first), compiled=self.compiled)

    def compare(self, threads: int) -> None:
        """Look at all rows from the side of their pair's first model."""
        list(in_order(self._compare_stretch, range(0, len(self.outcome), STRETCH), threads))

    def blocks(self, threads: int) -> list[StyleBlock]:
        """Sort the rows by pair and what they hold, and leave out those without weight."""
        kept = None if self.weight is None else self.weight > 0
        self.order.sort(kept, self._content, threads=threads)
        return list(in_order(self._block, list(pairwise(self.order.borders(self.step))), threads))

    def _block(self, border: tuple[int, int]) -> StyleBlock:
        pair, order = self.order.rows(*border)
        start = np.flatnonzero(begins(pair))
        return StyleBlock(
            pair=pair[start],
            start=start,
            contrast=self._contrast_of(order),
            outcome=self.outcome[order],
            weight=None if self.weight is None else self.weight[order],
            count=None if self.count is None else self.count[order],
            cluster=None if self.cluster is None else self.cluster[order],
        )

    def _content(self, rows: IntArray) -> list[npt.NDArray[Any]]:
        """What the hashes of some rows were made of."""
        others = [column[rows] for column in (self.weight, self.count) if column is not None]
        return [*self._contrast_of(rows), *others, self.outcome[rows]]

    def _contrast_of(self, rows: IntArray) -> FloatArray:
        found = np.empty((self.design.columns, len(rows)))
        found[: self.contrast.shape[1]] = np.take(self.contrast, rows, axis=0).T
        if self.design.keeps_sides:
            found[-1] = self.sign[rows]
        return found

    def _compare_stretch(self, low: int) -> None:
        high = min(low + STRETCH, len(self.outcome))
        for start in range(low, high, self.step):
            self._compare_rows(slice(start, min(start + self.step, high)))

    def _compare_rows(self, rows: slice) -> None:
        a, b = self.encoded.side_a[rows], self.encoded.side_b[rows]
        if self.model is not None:
            a, b = self.model[a], self.model[b]
        placed = self._placed(a, b, rows)
        if placed.least_pair < 0:
            self._require_pairs(placed.pair, rows)
        contrast = np.empty((len(self.design.features), len(a)))
        self.features.fill_contrasts(self.design.features, rows, self.design.definition, contrast)
        for column in contrast:
            self._turn_and_mix(column, placed)
        self.contrast[rows] = contrast.T
        self.sign[rows] = placed.sign
        for numbers in (self.weight, self.count):
            if numbers is not None:
                mix_in(placed.hashes, numbers[rows])
        self.order.enter(rows.start, placed.pair, placed.hashes)

    def _placed(self, a: CodeArray, b: CodeArray, rows: slice) -> "_PlacedRows":
        winner, outcome, table = self.encoded.winner[rows], self.outcome[rows], self.find_pair.table
        # Where sides matter, rows that differ by side alone have hashes of their own.
        of_side = 3 if self.design.keeps_sides else 0
        if self.compiled and table is not None:
            pair, sign = np.empty(len(a), dtype=np.int32), np.empty(len(a))
            hashes = np.empty(len(a), dtype=np.uint64)
            size = self.find_pair.size
            least = place_rows(a, b, winner, table, size, of_side, pair, sign, outcome, hashes)
            return _PlacedRows(pair=pair, sign=sign, hashes=hashes, least_pair=least)
        pair = self.find_pair(a, b)
        side = (1 - 2 * (a > b)).astype(np.int8)
        np.multiply(np.take(_SIGNED_OUTCOMES, winner), side, out=outcome)
        hashes = (outcome + of_side * side).astype(np.int64).view(np.uint64)
        return _PlacedRows(pair=pair, sign=side.astype(np.float64), hashes=hashes, least_pair=int(pair.min()))

    def _turn_and_mix(self, column: FloatArray, placed: "_PlacedRows") -> None:
        if self.compiled:
            turn_and_mix(column, column.view(np.uint64), placed.sign, placed.hashes)
            return
        column *= placed.sign
        # -0.0 is 0.0, but hashes differently.
        column += 0.0
        mix_in(placed.hashes, column)

    def _require_pairs(self, pair: CodeArray, rows: slice) -> None:
        if self.weight is None or bool((self.weight[rows][pair < 0] > 0).any()):
            raise InvalidOptionError("The comparisons lack a pair of these battles: make them of all chunks.")


@dataclass(frozen=True, kw_only=True, eq=False)
class _PlacedRows:
    """Rows as seen from their pair's first model, with the beginning of their hashes."""

    pair: CodeArray
    sign: FloatArray
    hashes: Hashes
    least_pair: int


def _tasks(blocks: Sequence[StyleBlock], pairs: int) -> tuple[tuple[StyleBlock, ...], ...]:
    """Group blocks in their order, so that the sums of a task stay small beside its rows."""
    enough = max(TASK, _ROWS_PER_PAIR * pairs)
    ends = np.cumsum([block.rows for block in blocks])
    task = (ends - 1) // enough
    grouped = groupby(zip(task, blocks, strict=True), key=itemgetter(0))
    return tuple(tuple(block for _, block in members) for _, members in grouped)


def _moments(blocks: Sequence[StyleBlock], design: StyleDesign) -> StyleMoments:
    votes = 0.0
    totals, squares = np.zeros(len(design.features)), np.zeros(len(design.features))
    for block in blocks:
        contrast = block.contrast
        features = contrast[: len(design.features)]
        counted = features if block.count is None else features * block.count
        votes += block.rows if block.count is None else float(block.count.sum())
        squares += np.vecdot(counted, features)
        if design.keeps_sides:
            totals += counted @ contrast[-1]
    return StyleMoments(votes=votes, totals=totals, squares=squares)
