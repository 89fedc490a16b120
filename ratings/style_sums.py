"""The style-controlled likelihood as sums over rows, which add up from any number of chunks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import add
from typing import Any

import numpy as np
from scipy import sparse

from ratings.arrangement_kernels import add_products
from ratings.arrays import CodeArray, FloatArray, IntArray, count_codes
from ratings.cluster_scores import mirrored, room_for_products, sum_outer_products
from ratings.comparisons import Comparisons
from ratings.hashing import hash_groups, hash_rows
from ratings.linear_algebra import single_threaded_blas
from ratings.row_sums import RowSums, StylePoint, add_up
from ratings.style_blocks import StyleBlock
from ratings.style_rows import StyleRows
from ratings.threads import in_order


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
    pairs : sparse, shape (n_clusters, n_pairs)
        On each pair, from the side of its first model.
    style : float64, shape (n_clusters, n_columns)
        Times the contrast columns.
    rows : int64, shape (n_clusters,)
        Number of rows of each cluster.
    """

    pairs: sparse.csr_array
    style: FloatArray
    rows: IntArray

    def __add__(self, other: "ScoresByCluster") -> "ScoresByCluster":
        return ScoresByCluster(
            pairs=self.pairs + other.pairs, style=self.style + other.style, rows=self.rows + other.rows
        )

    def by_content(self) -> "ScoresByCluster":
        """Order the clusters by their sums, so that what is added up over them does not depend on their names."""
        hashes = hash_rows([*self.style.T, self.rows])
        order = np.argsort(hashes)
        if (np.diff(hashes[order]) == 0).any():
            # Same style, such as none at all: the models decide.
            cluster = np.repeat(np.arange(len(self.rows)), np.diff(self.pairs.indptr))
            columns = [self.pairs.indices.astype(np.int64), self.pairs.data]
            voted = hash_groups(cluster, columns, len(self.rows))
            order = np.argsort(hash_rows([hashes.view(np.int64), voted.view(np.int64)]))
        return ScoresByCluster(pairs=self.pairs[order], style=self.style[order], rows=self.rows[order])

    def products(self, comparisons: Comparisons) -> "ClusterProducts":
        """Add up the products of each cluster's scores with each other."""
        # Of these there is one for each cell, and they fit half the width.
        number = np.arange(len(self.rows), dtype=np.int32)
        models = sum_outer_products(
            np.repeat(number, np.diff(self.pairs.indptr)),
            self.pairs.indices,
            self.pairs.data,
            comparisons.first,
            comparisons.second,
            len(comparisons.models),
        )
        by_pair = self.pairs.T @ self.style
        with single_threaded_blas():
            style = self.style.T @ self.style
        return ClusterProducts(
            clusters=int((self.rows > 0).sum()),
            models=models,
            cross=np.column_stack([comparisons.net_by_model(values) for values in by_pair.T]),
            style=style,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterProducts:
    """Sums over clusters of products of their scores; add those of chunks that share no cluster with ``+``.

    Attributes
    ----------
    clusters : int
        Number of clusters that voted.
    models : float64, shape (n_models, n_models)
        Of the scores on models.
    cross : float64, shape (n_models, n_columns)
        Of the scores on models with those on contrast columns.
    style : float64, shape (n_columns, n_columns)
        Of the scores on contrast columns.
    """

    clusters: int
    models: FloatArray
    cross: FloatArray
    style: FloatArray

    def __add__(self, other: "ClusterProducts") -> "ClusterProducts":
        return ClusterProducts(
            clusters=self.clusters + other.clusters,
            models=self.models + other.models,
            cross=self.cross + other.cross,
            style=self.style + other.style,
        )

    def by_content(self) -> "ClusterProducts":
        """The same: it names no cluster."""
        return self

    def products(self, comparisons: Comparisons) -> "ClusterProducts":
        """The same."""
        return self


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
    by_cluster : ScoresByCluster, ClusterProducts or None
        The scores of each cluster, where rows name theirs, or what is needed of them.
    """

    sums: StyleSums
    loss: float
    pair: FloatArray
    cross: FloatArray
    style: FloatArray
    by_cluster: ScoresByCluster | ClusterProducts | None = None

    def __add__(self, other: "StyleScores") -> "StyleScores":
        return StyleScores(
            sums=self.sums + other.sums,
            loss=self.loss + other.loss,
            pair=self.pair + other.pair,
            cross=self.cross + other.cross,
            style=self.style + other.style,
            by_cluster=None
            if self.by_cluster is None or other.by_cluster is None
            else add(self.by_cluster, other.by_cluster),
        )

    def by_content(self) -> "StyleScores":
        """The same with the clusters in an order that their names have no part in."""
        return replace(self, by_cluster=None if self.by_cluster is None else self.by_cluster.by_content())

    def of_whole_clusters(self, comparisons: Comparisons) -> "StyleScores":
        """The same with what is needed of the clusters alone, all rows of which are here."""
        known = self.by_content().by_cluster
        return replace(self, by_cluster=None if known is None else known.products(comparisons))


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
    return _style_sums(_add_up(rows, point, threads, for_sandwich=False))


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
    totals = _add_up(rows, point, threads, for_sandwich=True)
    columns = totals.columns
    by_cluster = _products_by_cluster if rows.is_arranged else _scores_by_cluster
    return StyleScores(
        sums=_style_sums(totals),
        loss=totals.loss,
        pair=totals.by_pair[2 + columns],
        cross=totals.by_pair[3 + columns :],
        style=totals.products(1),
        by_cluster=None if rows.clusters is None else by_cluster(rows, totals.scores),
    )


def _products_by_cluster(rows: StyleRows, surpluses: Sequence[FloatArray]) -> ClusterProducts:
    """Add up the products of each cluster's scores, block by block: none is parted."""
    comparisons, columns, clusters = rows.comparisons, rows.design.columns, 0
    size = len(comparisons.models)
    models, cross, style = np.zeros((size, size)), np.zeros((size, columns)), np.zeros((columns, columns))
    first, second = comparisons.first.astype(np.int32), comparisons.second.astype(np.int32)
    for block, surplus in zip(_blocks(rows), surpluses, strict=True):
        of_rows = _clusters_of(block), block.pair, first, second, surplus, block.contrast
        clusters += add_products(*of_rows, *room_for_products(size, columns), models, cross, style)
    return ClusterProducts(
        clusters=clusters, models=mirrored(models), cross=cross, style=style + np.tril(style, -1).T
    )


def _add_up(rows: StyleRows, point: StylePoint, threads: int, *, for_sandwich: bool) -> RowSums:
    compiled = rows.is_compiled
    totals = RowSums.zero(point, for_sandwich=for_sandwich, by_pair_first=rows.is_arranged)
    for part in in_order(
        lambda blocks: add_up(blocks, point, for_sandwich=for_sandwich, compiled=compiled),
        rows.tasks,
        threads,
    ):
        totals.include(part)
    return totals


def _style_sums(totals: RowSums) -> StyleSums:
    return StyleSums(
        surplus=totals.by_pair[0],
        style_surplus=totals.overall[0],
        curvature=totals.by_pair[1],
        cross=totals.by_pair[2 : 2 + totals.columns],
        style_curvature=totals.products(0),
    )


def _scores_by_cluster(rows: StyleRows, surpluses: Sequence[FloatArray]) -> ScoresByCluster:
    """Add up the scores of each cluster, in the order of the rows."""
    clusters, pairs, columns = rows.clusters or 0, len(rows.comparisons.first), rows.design.columns
    blocks = _blocks(rows)
    style = np.zeros((columns, clusters))
    for block, surplus in zip(blocks, surpluses, strict=True):
        whose = _clusters_of(block).astype(np.intp)
        for total, contrast in zip(style, block.contrast, strict=True):
            np.add.at(total, whose, contrast * -surplus)
    score = -np.concatenate([np.zeros(0), *surpluses])
    whose = np.concatenate([np.zeros(0, dtype=np.int32), *(_clusters_of(block) for block in blocks)])
    # Rows stand by pair: as the columns of a sparse matrix they need no more than to be turned.
    lengths = np.zeros(pairs, dtype=np.int64)
    for block in blocks:
        lengths[block.pair] += block.lengths
    index: type[np.signedinteger[Any]] = np.int32 if len(score) < 2**31 else np.int64
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(index)
    by_pair = sparse.csr_array(sparse.csc_array((score, whose, ends), shape=(clusters, pairs)))
    by_pair.sum_duplicates()
    return ScoresByCluster(
        pairs=by_pair,
        style=style.T.copy(),
        rows=count_codes(whose, clusters),
    )


def _blocks(rows: StyleRows) -> list[StyleBlock]:
    return [block for blocks in rows.tasks for block in blocks]


def _clusters_of(block: StyleBlock) -> CodeArray:
    assert block.cluster is not None, "the rows name their clusters"
    return block.cluster
