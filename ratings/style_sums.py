"""The style-controlled likelihood as sums over rows, which add up from any number of chunks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ratings.arrays import FloatArray
from ratings.linear_algebra import single_threaded_blas
from ratings.style_rows import StyleBlock, StyleRows
from ratings.threads import in_order


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
class StyleScores:
    """Sums over votes of squared scores: the filling of the sandwich covariance.

    With r = outcome - p, x the contrast columns and w the weight of a vote.

    Attributes
    ----------
    pair : float64, shape (n_pairs,)
        Sum of w**2 r**2.
    cross : float64, shape (n_columns, n_pairs)
        Sum of w**2 r**2 x.
    style : float64, shape (n_columns, n_columns)
        Sum of w**2 r**2 x x'.
    by_cluster : sparse, shape (n_clusters, n_models + n_columns), or None
        Each cluster's sum of w r times (+1 at its first model, -1 at its second, x).
    """

    pair: FloatArray
    cross: FloatArray
    style: FloatArray
    by_cluster: sparse.csr_array | None = None

    def __add__(self, other: "StyleScores") -> "StyleScores":
        together = self.by_cluster is not None and other.by_cluster is not None
        return StyleScores(
            pair=self.pair + other.pair,
            cross=self.cross + other.cross,
            style=self.style + other.style,
            by_cluster=self.by_cluster + other.by_cluster if together else None,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleSums:
    """Loss, gradient and Hessian of the votes in some rows; add the sums of chunks with ``+``.

    With p the expected outcome, y the outcome, x the contrast columns and w the weight of a vote.

    Attributes
    ----------
    loss : float
        Sum of w (log(1 + exp(d)) - y d), d the logit.
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

    loss: float
    surplus: FloatArray
    style_surplus: FloatArray
    curvature: FloatArray
    cross: FloatArray
    style_curvature: FloatArray

    def __add__(self, other: "StyleSums") -> "StyleSums":
        return StyleSums(
            loss=self.loss + other.loss,
            surplus=self.surplus + other.surplus,
            style_surplus=self.style_surplus + other.style_surplus,
            curvature=self.curvature + other.curvature,
            cross=self.cross + other.cross,
            style_curvature=self.style_curvature + other.style_curvature,
        )


def style_sums(rows: StyleRows, point: StylePoint, *, threads: int = 1) -> StyleSums:
    """Add up loss, gradient and Hessian over rows.

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
    Each stretch of rows is added up on its own, and the stretches' sums in their order. Splitting the rows into
    other chunks changes only rounding. O(n_rows * n_columns ** 2).
    """
    total = _no_sums(len(point.difference), len(point.slopes))
    with single_threaded_blas():
        for part in in_order(lambda blocks: _stretch_sums(blocks, point), rows.stretches, threads):
            total += part
    return total


def style_scores(rows: StyleRows, point: StylePoint, *, threads: int = 1) -> StyleScores:
    """Add up squared scores over rows, by cluster too where the rows name clusters.

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
    pairs, columns = len(point.difference), len(point.slopes)
    total = StyleScores(
        pair=np.zeros(pairs), cross=np.zeros((columns, pairs)), style=np.zeros((columns, columns))
    )
    surplus: list[FloatArray] = []
    with single_threaded_blas():
        for part, of_rows in in_order(lambda blocks: _stretch_scores(blocks, point), rows.stretches, threads):
            total += part
            if rows.clusters is not None:
                surplus += of_rows
    if rows.clusters is None:
        return total
    return replace(total, by_cluster=_scores_by_cluster(rows, surplus))


def _no_sums(pairs: int, columns: int) -> StyleSums:
    return StyleSums(
        loss=0.0,
        surplus=np.zeros(pairs),
        style_surplus=np.zeros(columns),
        curvature=np.zeros(pairs),
        cross=np.zeros((columns, pairs)),
        style_curvature=np.zeros((columns, columns)),
    )


def _stretch_sums(blocks: Sequence[StyleBlock], point: StylePoint) -> StyleSums:
    pairs, columns = len(point.difference), len(point.slopes)
    loss = 0.0
    surplus, curvature, cross = np.zeros(pairs), np.zeros(pairs), np.zeros((columns, pairs))
    style_surplus, style_curvature = np.zeros(columns), np.zeros((columns, columns))
    for block in blocks:
        losses, row_surplus, row_curvature = _row_terms(block, point)
        weighted = block.contrast * row_curvature
        loss += float(losses.sum())
        surplus[block.pair] += np.add.reduceat(row_surplus, block.start)
        curvature[block.pair] += np.add.reduceat(row_curvature, block.start)
        cross[:, block.pair] += np.add.reduceat(weighted, block.start, axis=1)
        style_surplus += block.contrast @ row_surplus
        style_curvature += weighted @ block.contrast.T
    return StyleSums(
        loss=loss,
        surplus=surplus,
        style_surplus=style_surplus,
        curvature=curvature,
        cross=cross,
        style_curvature=style_curvature,
    )


def _row_terms(block: StyleBlock, point: StylePoint) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute each row's loss, w (p - y) and w p (1 - p), at full precision for any logit."""
    logit = np.repeat(point.difference[block.pair], block.lengths)
    logit += point.slopes @ block.contrast
    size = np.abs(logit)
    decay = np.exp(-size)
    inverse = 1 / (1 + decay)
    # With t = 2 p - 1 and s = 2 y - 1, p - y is (t - s) / 2, and the loss |d| / 2 - log(inverse) - s d / 2.
    surplus = np.copysign((1 - decay) * inverse, logit)
    surplus -= block.outcome
    surplus *= 0.5
    logit *= block.outcome
    losses = size
    losses -= logit
    losses *= 0.5
    losses -= np.log(inverse)
    curvature = decay
    curvature *= inverse
    curvature *= inverse
    if block.weight is not None:
        for term in (losses, surplus, curvature):
            term *= block.weight
    return losses, surplus, curvature


def _stretch_scores(blocks: Sequence[StyleBlock], point: StylePoint) -> tuple[StyleScores, list[FloatArray]]:
    """Add up squared scores; also return each row's w (p - y)."""
    pairs, columns = len(point.difference), len(point.slopes)
    by_pair, cross, style = np.zeros(pairs), np.zeros((columns, pairs)), np.zeros((columns, columns))
    surplus = []
    for block in blocks:
        _, row_surplus, _ = _row_terms(block, point)
        square = np.square(row_surplus)
        if block.count is not None:
            # The votes of a row are independent: count * w**2 r**2, while `row_surplus` is count * w r.
            square /= block.count
        weighted = block.contrast * square
        by_pair[block.pair] += np.add.reduceat(square, block.start)
        cross[:, block.pair] += np.add.reduceat(weighted, block.start, axis=1)
        style += weighted @ block.contrast.T
        surplus.append(row_surplus)
    return StyleScores(pair=by_pair, cross=cross, style=style), surplus


def _scores_by_cluster(rows: StyleRows, surplus: Sequence[FloatArray]) -> sparse.csr_array:
    blocks = [block for stretch in rows.stretches for block in stretch]
    models, columns = len(rows.comparisons.models), rows.design.columns
    score = -np.concatenate(surplus)
    cluster = np.concatenate([block.cluster for block in blocks if block.cluster is not None])
    pair = np.concatenate([np.repeat(block.pair, block.lengths) for block in blocks])
    contrast = np.concatenate([block.contrast for block in blocks], axis=1)
    first, second = rows.comparisons.first[pair], rows.comparisons.second[pair]
    place = np.concatenate([first, second, np.repeat(np.arange(models, models + columns), len(score))])
    value = np.concatenate([score, -score, (contrast * score).ravel()])
    entries = (value, (np.tile(cluster, 2 + columns), place))
    return sparse.csr_array(sparse.coo_array(entries, shape=(rows.clusters or 0, models + columns)))
