"""The style-controlled likelihood as sums over rows, which add up from any number of chunks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ratings.arrays import FloatArray, IntArray
from ratings.hashing import hash_groups
from ratings.style_rows import StyleBlock, StyleRows
from ratings.threads import in_order

_ROWS_TOGETHER = 2**21


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


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleSums:
    """Gradient and Hessian of the loss of the votes in some rows; add the sums of chunks with ``+``.

    With p the expected outcome, y the outcome, x the contrast columns and w the weight of a vote.

    Attributes
    ----------
    surplus : float64, shape (n_pairs,)
        Sum of w (p - y).
    style_surplus : float64, shape (n_columns,)
        Sum of w (p - y) x.
    curvature : float64, shape (n_pairs,)
        Sum of w p (1 - p).
    cross : float64, shape (n_columns, n_pairs)
        Sum of w p (1 - p) x.
    style_curvature : float64, shape (n_columns, n_columns)
        Sum of w p (1 - p) x x'.
    """

    surplus: FloatArray
    style_surplus: FloatArray
    curvature: FloatArray
    cross: FloatArray
    style_curvature: FloatArray

    def __add__(self, other: "StyleSums") -> "StyleSums":
        return StyleSums(
            surplus=self.surplus + other.surplus,
            style_surplus=self.style_surplus + other.style_surplus,
            curvature=self.curvature + other.curvature,
            cross=self.cross + other.cross,
            style_curvature=self.style_curvature + other.style_curvature,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoresByCluster:
    """Each cluster's sums of w (y - p) over its votes; add those of chunks with ``+``.

    Attributes
    ----------
    models : sparse, shape (n_clusters, n_models)
        Times +1 at the first model and -1 at the second.
    style : float64, shape (n_clusters, n_columns)
        Times the contrast columns.
    rows : int64, shape (n_clusters,)
        Number of rows of each cluster.
    """

    models: sparse.csr_array
    style: FloatArray
    rows: IntArray

    def __add__(self, other: "ScoresByCluster") -> "ScoresByCluster":
        return ScoresByCluster(
            models=self.models + other.models, style=self.style + other.style, rows=self.rows + other.rows
        )

    def by_content(self) -> "ScoresByCluster":
        """Order the clusters by their sums, so that what is added up over them does not depend on their names."""
        order = np.lexsort(self.style.T)
        alike = (np.diff(self.style[order], axis=0) == 0).all(axis=1)
        if alike.any():
            # Same style, such as none at all: the models decide.
            place = np.repeat(np.arange(len(self.rows)), np.diff(self.models.indptr))
            hashes = hash_groups(
                place, [self.models.indices.astype(np.int64), self.models.data], len(self.rows)
            )
            order = np.lexsort([hashes, *self.style.T])
        return ScoresByCluster(models=self.models[order], style=self.style[order], rows=self.rows[order])


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleScores:
    """Sums for the last point: also the loss, and what fills the sandwich covariance; add with ``+``.

    Attributes
    ----------
    sums : StyleSums
    loss : float
        Sum of w (log(1 + exp(d)) - y d), d the logit.
    pair : float64, shape (n_pairs,)
        Sum over votes of w**2 (p - y)**2.
    cross : float64, shape (n_columns, n_pairs)
        Sum of w**2 (p - y)**2 x.
    style : float64, shape (n_columns, n_columns)
        Sum of w**2 (p - y)**2 x x'.
    by_cluster : ScoresByCluster or None
        The scores of each cluster, where rows name theirs.
    """

    sums: StyleSums
    loss: float
    pair: FloatArray
    cross: FloatArray
    style: FloatArray
    by_cluster: ScoresByCluster | None = None

    def __add__(self, other: "StyleScores") -> "StyleScores":
        return StyleScores(
            sums=self.sums + other.sums,
            loss=self.loss + other.loss,
            pair=self.pair + other.pair,
            cross=self.cross + other.cross,
            style=self.style + other.style,
            by_cluster=None
            if self.by_cluster is None or other.by_cluster is None
            else self.by_cluster + other.by_cluster,
        )


def style_sums(rows: StyleRows, point: StylePoint, *, threads: int = 1) -> StyleSums:
    """Add up gradient and Hessian over rows.

    Parameters
    ----------
    rows : StyleRows
    point : StylePoint
    threads : int, default 1
        The result has the same bytes for any number.

    Returns
    -------
    StyleSums

    Notes
    -----
    Some blocks of rows at a time are added up on their own, and these sums in their order. Splitting the rows
    into other chunks changes only rounding. O(n_rows * n_columns ** 2).
    """
    totals = _Totals(point)
    for part in in_order(lambda blocks: _add_up(blocks, point), rows.tasks, threads):
        totals.include(part)
    return totals.sums()


def style_scores(rows: StyleRows, point: StylePoint, *, threads: int = 1) -> StyleScores:
    """Add up gradient, Hessian, loss and squared scores over rows, by cluster too where the rows name theirs.

    Parameters
    ----------
    rows : StyleRows
    point : StylePoint
        The maximum.
    threads : int, default 1
        The result has the same bytes for any number.

    Returns
    -------
    StyleScores
    """
    totals, squares = _Totals(point), _Totals(point)
    loss = 0.0
    clusters = _ClusterSums(rows) if rows.clusters is not None else None
    for part in in_order(lambda blocks: _add_up_scores(blocks, point), rows.tasks, threads):
        totals.include(part.totals)
        squares.include(part.squares)
        loss += part.loss
        if clusters is not None:
            clusters.include(part)
    return StyleScores(
        sums=totals.sums(),
        loss=loss,
        pair=squares.by_pair[1],
        cross=squares.by_pair[2:],
        style=squares.style,
        by_cluster=None if clusters is None else clusters.scores(),
    )


class _Totals:
    """Running sums of row terms: surplus, curvature, and curvature times contrasts, by pair and over all."""

    def __init__(self, point: StylePoint) -> None:
        columns = len(point.slopes)
        self.by_pair = np.zeros((2 + columns, len(point.difference)))
        self.style_surplus = np.zeros(columns)
        self.style = np.zeros((columns, columns))

    def add_rows(self, block: StyleBlock, surplus: FloatArray | None, curvature: FloatArray) -> None:
        weighted = block.contrast * curvature
        if surplus is not None:
            self.by_pair[0, block.pair] += np.add.reduceat(surplus, block.start)
            self.style_surplus += block.contrast @ surplus
        self.by_pair[1, block.pair] += np.add.reduceat(curvature, block.start)
        self.by_pair[2:, block.pair] += np.add.reduceat(weighted, block.start, axis=1)
        self.style += weighted @ block.contrast.T

    def include(self, other: "_Totals") -> None:
        self.by_pair += other.by_pair
        self.style_surplus += other.style_surplus
        self.style += other.style

    def sums(self) -> StyleSums:
        return StyleSums(
            surplus=self.by_pair[0],
            style_surplus=self.style_surplus,
            curvature=self.by_pair[1],
            cross=self.by_pair[2:],
            style_curvature=self.style,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _ScoreParts:
    blocks: Sequence[StyleBlock]
    totals: _Totals
    squares: _Totals
    loss: float
    surplus: list[FloatArray]


def _add_up(blocks: Sequence[StyleBlock], point: StylePoint) -> _Totals:
    totals = _Totals(point)
    for block in blocks:
        logit = _logits(block, point)
        decay = np.exp(-np.abs(logit))
        inverse = 1 / (1 + decay)
        surplus, curvature = _row_terms(block, logit, decay, inverse)
        totals.add_rows(block, surplus, curvature)
    return totals


def _add_up_scores(blocks: Sequence[StyleBlock], point: StylePoint) -> _ScoreParts:
    totals, squares = _Totals(point), _Totals(point)
    loss = 0.0
    surpluses = []
    for block in blocks:
        logit = _logits(block, point)
        decay = np.exp(-np.abs(logit))
        inverse = 1 / (1 + decay)
        # With s = 2 y - 1, a row's loss is |d| / 2 - s d / 2 - log(inverse).
        losses = (np.abs(logit) - logit * block.outcome) / 2 - np.log(inverse)
        surplus, curvature = _row_terms(block, logit, decay, inverse)
        square = np.square(surplus)
        if block.weight is not None and block.count is not None:
            losses *= block.weight
            # The votes of a row are independent: count * w**2 (p - y)**2, where `surplus` is count * w (p - y).
            square /= block.count
        totals.add_rows(block, surplus, curvature)
        squares.add_rows(block, None, square)
        loss += float(losses.sum())
        surpluses.append(surplus)
    return _ScoreParts(blocks=blocks, totals=totals, squares=squares, loss=loss, surplus=surpluses)


def _logits(block: StyleBlock, point: StylePoint) -> FloatArray:
    logit = np.repeat(point.difference[block.pair], block.lengths)
    logit += point.slopes @ block.contrast
    return logit


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


class _ClusterSums:
    """Running sums of the scores of each cluster; rows wait until there are enough to add them up together."""

    def __init__(self, rows: StyleRows) -> None:
        self.rows = rows
        self.total: ScoresByCluster | None = None
        self.waiting: list[tuple[StyleBlock, FloatArray]] = []

    def include(self, part: _ScoreParts) -> None:
        self.waiting += zip(part.blocks, part.surplus, strict=True)
        if sum(block.rows for block, _ in self.waiting) >= _ROWS_TOGETHER:
            self._add_waiting()

    def scores(self) -> ScoresByCluster:
        if self.waiting or self.total is None:
            self._add_waiting()
        assert self.total is not None
        return self.total

    def _add_waiting(self) -> None:
        added = self._add_up()
        self.total = added if self.total is None else self.total + added
        self.waiting = []

    def _add_up(self) -> ScoresByCluster:
        blocks = [block for block, _ in self.waiting]
        clusters, columns = self.rows.clusters or 0, self.rows.design.columns
        comparisons = self.rows.comparisons
        score = -np.concatenate([np.zeros(0), *(surplus for _, surplus in self.waiting)])
        size = len(score)
        cluster = np.empty(size, dtype=np.int32)
        models = np.empty((size, 2), dtype=np.int32)
        style = np.zeros((clusters, columns))
        start = 0
        for block in blocks:
            here = slice(start, start + block.rows)
            assert block.cluster is not None
            cluster[here] = block.cluster
            models[here, 0] = np.repeat(comparisons.first[block.pair], block.lengths)
            models[here, 1] = np.repeat(comparisons.second[block.pair], block.lengths)
            start = here.stop
        for column in range(columns):
            contrast = np.concatenate([np.zeros(0), *(block.contrast[column] for block in blocks)])
            style[:, column] = np.bincount(cluster, score * contrast, minlength=clusters)
        # A product of sparse matrices, clusters by rows and rows by models, adds up without sorting.
        by_row = sparse.csc_array(
            (score, cluster, np.arange(size + 1, dtype=np.int32)), shape=(clusters, size)
        )
        signs = np.tile([1.0, -1.0], size)
        row_models = sparse.csr_array(
            (signs, models.ravel(), np.arange(0, 2 * size + 1, 2, dtype=np.int32)),
            shape=(size, len(comparisons.models)),
        )
        return ScoresByCluster(
            models=sparse.csr_array(by_row.tocsr() @ row_models),
            style=style,
            rows=np.bincount(cluster, minlength=clusters),
        )
