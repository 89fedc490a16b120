"""Votes and a judge's verdicts on the same battles, summed per pair of models."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse, special

from ratings.arrays import FloatArray, IntArray, ModelId, group_sums
from ratings.columns import Battles, cluster_column, data_frame
from ratings.comparisons import OUTCOMES, Comparisons
from ratings.encoding import WINNERS, EncodedBattles, encode_battles
from ratings.errors import InvalidComparisonsError, name_some
from ratings.jackknife import few_clusters_factor
from ratings.judge_clusters import ClusterScores, cluster_scores
from ratings.judge_order import JudgedRows, order_by_verdicts

_LABELS = len(WINNERS)
_SIDE = OUTCOMES - OUTCOMES[:, np.newaxis]
"""What side a gets from the label of the column more than from that of the row."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """The models, and the pairs of them that met in any of the tables.

    Attributes
    ----------
    models : tuple
        Names in an order that votes and verdicts decide, length n_models.
    first, second : int64, shape (n_pairs,)
        Indices into ``models``, first < second.
    """

    models: tuple[ModelId, ...]
    first: IntArray
    second: IntArray

    def net(self, values: FloatArray) -> FloatArray:
        """Add each pair's value to its first model and take it from its second, shape (n_models,)."""
        size = len(self.models)
        return group_sums(self.first, values, size) - group_sums(self.second, values, size)

    def ends(self, values: FloatArray | IntArray) -> FloatArray:
        """Add each pair's value to both of its models, shape (n_models,)."""
        size = len(self.models)
        return group_sums(self.first, values, size) + group_sums(self.second, values, size)

    def expected(self, strengths: FloatArray) -> FloatArray:
        """Compute the expected outcome of each pair from the side of its first model, shape (n_pairs,)."""
        return special.expit(strengths[self.first] - strengths[self.second])

    def laplacian(self, values: FloatArray) -> FloatArray:
        """Sum value times x x' over pairs, shape (n_models, n_models)."""
        matrix = np.diag(self.ends(values))
        matrix[self.first, self.second] = -values
        matrix[self.second, self.first] = -values
        return matrix


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedVotes:
    """One table of battles with one or two outcomes each, summed per pair.

    The outcomes are numbers from the side of the pair's first model: of the vote and of the judge's verdict,
    or of the verdict alone. Sums of squares use squared weights.

    Attributes
    ----------
    pairs : Pairs
    counts : int64, shape (n_pairs,)
        Battles.
    weight, squared_weight : float64, shape (n_pairs,)
    score, squared_score : float64, shape (n_outcomes, n_pairs)
        Sums of weight (squared weight) times outcome.
    product : float64, shape (n_outcomes, n_outcomes, n_pairs)
        Sums of squared weight times two outcomes.
    labels : int64, shape (4, 4)
        Battles by the vote's and the verdict's label, from side a; with one outcome they are the same.
    clusters : ClusterScores or None
        The same sums kept apart by voter.
    """

    pairs: Pairs
    counts: IntArray
    weight: FloatArray
    squared_weight: FloatArray
    score: FloatArray
    squared_score: FloatArray
    product: FloatArray
    labels: IntArray
    clusters: ClusterScores | None

    @property
    def total(self) -> float:
        """Weight of all battles."""
        return float(self.weight.sum())

    @property
    def _divisor(self) -> float:
        """The total, or 1 without battles, whose sums are all 0."""
        return self.total or 1.0

    @property
    def agreement(self) -> float:
        """Share of battles in which vote and verdict are the same outcome."""
        same = OUTCOMES[:, np.newaxis] == OUTCOMES
        return float(self.labels[same].sum() / self.labels.sum())

    @property
    def decisive_agreement(self) -> float:
        """The same among battles in which both name a winner; NaN without any."""
        decisive = self.labels[:2, :2]
        return float(np.trace(decisive) / decisive.sum()) if decisive.any() else float("nan")

    def side_difference(self) -> tuple[float, float]:
        """Return what side a gets from verdicts more than from votes, on average, and its standard error."""
        battles = float(self.labels.sum())
        mean = float((self.labels * _SIDE).sum() / battles)
        squares = float((self.labels * np.square(_SIDE - mean)).sum())
        if (clusters := self.clusters) is not None:
            surplus = clusters.side - clusters.battles * mean
            # As in all intervals, never below what independent battles show.
            factor = few_clusters_factor(clusters.size) * clusters.size / (clusters.size - 1)
            squares = max(squares, factor * float(np.square(surplus).sum()))
        return mean, float(np.sqrt(squares)) / battles

    def comparisons(self, total: FloatArray, score: FloatArray) -> Comparisons:
        """Build comparisons with these battles, but a given total weight and score of each pair."""
        nothing, none = np.zeros_like(total), np.zeros_like(self.counts)
        weights = np.stack([score, total - score, nothing, nothing], axis=1)
        return Comparisons(
            models=self.pairs.models,
            first=self.pairs.first,
            second=self.pairs.second,
            counts=np.stack([self.counts, none, none, none], axis=1),
            weights=weights,
            squared_weights=weights,
        )

    def mean_gradients(self, centre: FloatArray, scale: FloatArray) -> FloatArray:
        """Average scale * (centre - outcome) x over the battles, shape (n_outcomes, n_models)."""
        surplus = scale * (self.weight * centre - self.score)
        return np.array([self.pairs.net(row) for row in surplus]) / self._divisor

    def gradient_covariance(self, centre: FloatArray, scale: FloatArray, *, clustered: bool) -> FloatArray:
        """Estimate the covariance of `mean_gradients`, from single battles or from whole clusters.

        Parameters
        ----------
        centre, scale : float64, shape (n_outcomes, n_pairs)
        clustered : bool
            By clusters, where the table has two or more.

        Returns
        -------
        float64, shape (n_outcomes, n_outcomes, n_models, n_models)
        """
        means = self.mean_gradients(centre, scale)
        if clustered and self.clusters is not None:
            return self._clustered(means, centre, scale)
        squares = (
            self.squared_weight * centre[:, np.newaxis] * centre
            - centre[:, np.newaxis] * self.squared_score
            - self.squared_score[:, np.newaxis] * centre
            + self.product
        ) * (scale[:, np.newaxis] * scale)
        sums = np.array(
            [self.pairs.net(row) for row in scale * (self.squared_weight * centre - self.squared_score)]
        )
        raw = np.array([[self.pairs.laplacian(values) for values in row] for row in squares])
        return _centred(raw, sums, means, float(self.squared_weight.sum())) / self._divisor**2

    def _clustered(self, means: FloatArray, centre: FloatArray, scale: FloatArray) -> FloatArray:
        cells = self.clusters
        assert cells is not None
        pair = cells.pair
        surplus = scale[:, pair] * (cells.weight * centre[:, pair] - cells.score)
        gradients = [self._by_cluster(cells, row) for row in surplus]
        weight = group_sums(cells.cluster, cells.weight, int(cells.cluster.max()) + 1)
        raw = _products(gradients)
        sums = np.array([gradient.T @ weight for gradient in gradients])
        voters = cells.size
        return _centred(raw, sums, means, float(weight @ weight)) * (voters / (voters - 1) / self._divisor**2)

    def _by_cluster(self, cells: ClusterScores, surplus: FloatArray) -> sparse.csr_array:
        models = np.concatenate([self.pairs.first[cells.pair], self.pairs.second[cells.pair]])
        entries = (np.concatenate([surplus, -surplus]), (np.tile(cells.cluster, 2), models))
        return sparse.csr_array(entries, shape=(int(cells.cluster.max()) + 1, len(self.pairs.models)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """A table as codes: from side a, and from the side of the pair's first model."""

    models: tuple[ModelId, ...]
    first: IntArray
    second: IntArray
    labels: tuple[IntArray, ...]
    outcomes: FloatArray
    count: FloatArray
    weight: FloatArray
    cluster: IntArray | None


def judged_votes(
    human: Battles, unlabelled: Battles | None, *, judge: str, cluster: str | None
) -> tuple[JudgedVotes, JudgedVotes | None]:
    """Check and sum a table with votes and verdicts, and one with verdicts only, on the same pairs.

    Parameters
    ----------
    human : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b, winner, ``judge`` and optionally count, weight and ``cluster``.
    unlabelled : DataFrame, Arrow Table, RecordBatch or None
        The same without winner.
    judge : str
        Column of the judge's labels.
    cluster : str or None
        Column of those whose votes may depend on each other; in ``unlabelled``, and if it is voter, it may be absent.

    Returns
    -------
    JudgedVotes, JudgedVotes or None

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the convention, there is no human vote, or the second table names other models.
    """
    voted = _rows(data_frame(human), ("winner", judge), cluster_column(human, cluster))
    if not voted.count.sum() > 0:
        raise InvalidComparisonsError(
            "There are no human votes, and a board of a judge's verdicts alone is confidently wrong: "
            "collect votes on battles that the judge labels too."
        )
    judged = None
    if unlabelled is not None:
        verdicts = data_frame(unlabelled)
        judged = _rows(verdicts, (judge,), cluster if cluster in verdicts.columns else None)
    if judged is not None:
        unknown = sorted(set(judged.models).difference(voted.models))
        if unknown:
            raise InvalidComparisonsError(
                f"Only the judge saw {name_some(unknown)}: a model without human votes is not rated. "
                "Drop its battles or collect votes on it."
            )
    tables = [rows for rows in (voted, judged) if rows is not None]
    _, named, places = _pairs(tables, voted.models)
    models = _by_verdicts(tables, named, places)
    tables, pairs, places = _pairs(tables, models)
    sums = [_sums(rows, pairs, place) for rows, place in zip(tables, places, strict=True)]
    return sums[0], sums[1] if judged is not None else None


def _pairs(tables: Sequence[_Rows], models: tuple[ModelId, ...]) -> tuple[list[_Rows], Pairs, list[IntArray]]:
    """Look at rows from the side of the model that comes first here; find all pairs, and those of the rows."""
    turned = [_turned(rows, models) for rows in tables]
    size = len(models)
    keys = [rows.first * size + rows.second for rows in turned]
    codes, found = pd.factorize(np.concatenate(keys), sort=True)
    distinct = np.asarray(found, dtype=np.int64)
    borders = np.cumsum([len(rows) for rows in keys])[:-1]
    pairs = Pairs(models=models, first=distinct // size, second=distinct % size)
    return turned, pairs, np.split(codes.astype(np.int64, copy=False), borders)


def _turned(rows: _Rows, models: tuple[ModelId, ...]) -> _Rows:
    index = {name: place for place, name in enumerate(models)}
    code = np.array([index[name] for name in rows.models], dtype=np.int64)
    one, other = code[rows.first], code[rows.second]
    outcomes = np.where(one > other, 1 - rows.outcomes, rows.outcomes)
    return replace(
        rows, models=models, first=np.minimum(one, other), second=np.maximum(one, other), outcomes=outcomes
    )


def _by_verdicts(tables: Sequence[_Rows], pairs: Pairs, places: Sequence[IntArray]) -> tuple[ModelId, ...]:
    """Name the models in an order that votes and verdicts decide."""
    rows = [
        JudgedRows(pair=place, outcomes=table.outcomes, count=table.count, weight=table.weight)
        for table, place in zip(tables, places, strict=True)
    ]
    voters = _sums(tables[0], pairs, places[0]).clusters
    order = order_by_verdicts(pairs.first, pairs.second, rows, voters, pairs.models)
    return tuple(pairs.models[model] for model in order)


def _rows(table: pd.DataFrame, columns: tuple[str, ...], cluster: str | None) -> _Rows:
    encoded: list[EncodedBattles] = []
    for column in columns:
        if column not in table.columns:
            raise InvalidComparisonsError(
                f"The table of battles lacks the column {column!r}; it has "
                f"{', '.join(map(repr, table.columns)) or 'no columns'}. Rename or add the column."
            )
        if column != "winner":
            _check_labels(table, column)
        encoded.append(encode_battles(table.assign(winner=table[column]), cluster=cluster))
    base = encoded[0]
    side_a, side_b = base.side_a.astype(np.int64), base.side_b.astype(np.int64)
    swapped = side_a > side_b
    values = np.array([OUTCOMES[codes.winner] for codes in encoded]).reshape(len(columns), -1)
    return _Rows(
        models=base.models,
        first=np.minimum(side_a, side_b),
        second=np.maximum(side_a, side_b),
        labels=tuple(codes.winner.astype(np.int64) for codes in encoded),
        outcomes=np.where(swapped, 1 - values, values),
        count=np.asarray(base.count, dtype=np.float64),
        weight=np.asarray(base.weight, dtype=np.float64),
        cluster=None if base.cluster is None else base.cluster.astype(np.int64),
    )


def _check_labels(table: pd.DataFrame, column: str) -> None:
    known = table[column].isin(WINNERS).to_numpy(dtype=bool)
    if not known.all():
        row = int(np.argmin(known))
        accepted = ", ".join(map(repr, WINNERS))
        raise InvalidComparisonsError(
            f"Row {row} of the battles: the judge's label {table[column].iloc[row]!r} in {column!r} is unknown. "
            f"Map it to one of {accepted}, or drop battles that the judge did not label."
        )


def _sums(rows: _Rows, pairs: Pairs, pair: IntArray) -> JudgedVotes:
    size, outcomes = len(pairs.first), len(rows.outcomes)
    order = _canonical_order(rows, pair)
    pair, count, weight = pair[order], rows.count[order], rows.weight[order]
    values = rows.outcomes[:, order]
    once, twice = count * weight, count * weight**2
    side = rows.labels[0][order] * _LABELS + rows.labels[-1][order]
    return JudgedVotes(
        pairs=pairs,
        counts=group_sums(pair, count, size).astype(np.int64),
        weight=group_sums(pair, once, size),
        squared_weight=group_sums(pair, twice, size),
        score=np.array([group_sums(pair, once * value, size) for value in values]),
        squared_score=np.array([group_sums(pair, twice * value, size) for value in values]),
        product=np.array(
            [
                [group_sums(pair, twice * values[i] * values[j], size) for j in range(outcomes)]
                for i in range(outcomes)
            ]
        ),
        labels=group_sums(side, count, _LABELS**2).astype(np.int64).reshape(_LABELS, _LABELS),
        clusters=None
        if rows.cluster is None
        else cluster_scores(rows.cluster[order], pair, once, values, count, _SIDE.ravel()[side]),
    )


def _canonical_order(rows: _Rows, pair: IntArray) -> IntArray:
    """Find the rows that count; where sums are not exact, in an order that does not depend on the table's."""
    if (rows.weight == 1).all():
        return np.flatnonzero(rows.count)
    order = np.lexsort([*rows.outcomes, rows.count, rows.weight, pair]).astype(np.int64)
    return order[rows.count[order] > 0]


def _products(gradients: list[sparse.csr_array]) -> FloatArray:
    """Multiply each transposed matrix with each; opposite products are each other's transposes."""
    size = len(gradients)
    half = {(i, j): (gradients[i].T @ gradients[j]).toarray() for i in range(size) for j in range(i, size)}
    return np.array([[half[i, j] if i <= j else half[j, i].T for j in range(size)] for i in range(size)])


def _centred(raw: FloatArray, sums: FloatArray, means: FloatArray, squares: float) -> FloatArray:
    """Turn sums of products into sums of products of deviations from the means, both outcomes at once."""
    cross = np.einsum("ai,bj->abij", means, sums)
    centred: FloatArray = raw - cross - cross.transpose(1, 0, 3, 2)
    centred += squares * np.einsum("ai,bj->abij", means, means)
    return centred
