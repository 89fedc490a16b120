"""Compare the boards of two sets of votes: what moved, and by more than chance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray, IntArray, ModelId
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry
from ratings.columns import Battles, has_column
from ratings.comparisons import Comparisons
from ratings.confidence import check_confidence, two_sided_quantile
from ratings.errors import EmptyComparisonsError, InvalidComparisonsError, name_some
from ratings.intervals import sandwich
from ratings.scale import RATING_CENTRE, RATING_PER_STRENGTH
from ratings.unrated import unrated_reasons


@dataclass(frozen=True, kw_only=True, eq=False)
class BoardComparison:
    """Two boards side by side, on the models that both rate.

    Attributes
    ----------
    table : DataFrame, n_common rows
        Columns model, first, second (ratings, both with mean 1000 over the common models), difference (second
        less first), lower, upper (its interval), moved (the interval that holds for all models together excludes
        zero), first_rank, second_rank (among the common models; 1 plus the number rated higher). Ordered by
        the second board, equal ratings by name.
    only_first, only_second : tuple of model
        Models that only one board rates, by name.
    votes : tuple of int
        Votes between rated models, first and second.
    correlation, rank_correlation : float
        Pearson's of the ratings and Kendall's tau-b; NaN where fewer than two ratings differ.
    confidence : float
        Of each interval, and of all ``moved`` together.
    cluster : tuple of (str or None)
        The column by which votes were clustered in the first and the second.
    """

    table: pd.DataFrame
    only_first: tuple[ModelId, ...]
    only_second: tuple[ModelId, ...]
    votes: tuple[int, int]
    correlation: float
    rank_correlation: float
    confidence: float
    cluster: tuple[str | None, str | None]


def compare_boards(
    first: Battles,
    second: Battles,
    *,
    cluster: str | None = "voter",
    confidence: float = 0.95,
    names: tuple[str, str] = ("the first set", "the second set"),
) -> BoardComparison:
    """Compare the ratings of two independent sets of votes, such as two languages, months or arenas.

    Each set is fitted by itself (Bradley-Terry, ties half) on its largest group of rateable models. Only
    differences of strengths are identified, so both scales are centred on the models that both rate.

    Parameters
    ----------
    first, second : DataFrame or Arrow Table
        As for `leaderboard`.
    cluster : str or None, default "voter"
        Column of those whose votes may depend on each other; None for independent votes. A set without the
        default column, or with one voter, has independent votes.
    confidence : float, default 0.95
        Of each interval of a difference, and of all claims of a move together (Bonferroni).
    names : (str, str)
        What errors call the two sets, such as the names of their files.

    Returns
    -------
    BoardComparison

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the data convention, or fewer than two models are rated by both.
    InvalidOptionError
        If ``confidence`` is not above 0.5 and below 1.
    EmptyComparisonsError
        If one of the sets rates no two models; says which set, and why each model is not rated.

    Notes
    -----
    The variance of a difference is the sum of two sandwich variances (each the wider of clustered and
    independent), which holds when no vote, and hardly a voter, is in both sets. For sets that share votes the
    intervals are too wide if the second contains the first, so that a stated move is safe. A model whose
    votes show no variance (a single tie) has no interval, and no move is claimed.

    Examples
    --------
    >>> votes = {"model_a": ["x"] * 3, "model_b": ["y"] * 3, "winner": ["model_a", "model_b", "tie"]}
    >>> march = pd.DataFrame(votes).assign(count=[60, 30, 10])
    >>> april = pd.DataFrame(votes).assign(count=[30, 60, 10])
    >>> compare_boards(march, april).table[["model", "difference", "moved"]].round(1).values.tolist()
    [['y', 107.5, True], ['x', -107.5, True]]
    """
    check_confidence(confidence, least=0.5)
    boards = [_Board.of(battles, cluster, name) for battles, name in zip((first, second), names, strict=True)]
    rated = [board.fit.models for board in boards]
    common = sorted(set(rated[0]) & set(rated[1]))
    if len(common) < 2:
        raise InvalidComparisonsError(
            f"Both sets rate {name_some(common) if common else 'no model'} in common; a comparison needs two. "
            f"Rated in {names[0]}: {name_some(rated[0])}; in {names[1]}: {name_some(rated[1])}."
        )
    ratings, variances = zip(*(board.centred(common) for board in boards), strict=True)
    return BoardComparison(
        table=_table(common, ratings[0], ratings[1], variances[0] + variances[1], confidence),
        only_first=tuple(sorted(set(rated[0]) - set(common))),
        only_second=tuple(sorted(set(rated[1]) - set(common))),
        votes=(boards[0].votes, boards[1].votes),
        correlation=_correlation(*ratings),
        rank_correlation=_rank_correlation(*ratings),
        confidence=confidence,
        cluster=(boards[0].cluster, boards[1].cluster),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Board:
    fit: BradleyTerryFit
    covariances: list[FloatArray]
    votes: int
    cluster: str | None

    @classmethod
    def of(cls, battles: Battles, cluster: str | None, name: str) -> "_Board":
        column = cluster if cluster != "voter" or has_column(battles, "voter") else None
        comparisons = Comparisons.from_battles(battles, cluster=column)
        groups = comparisons.strongly_connected()
        if not groups or len(groups[0]) < 2:
            reasons = unrated_reasons(comparisons, ())
            raise EmptyComparisonsError(comparisons.models, reasons=reasons, source=name)
        rated = comparisons.restrict(groups[0])
        fit = fit_bradley_terry(rated)
        covariances = [sandwich(fit, rated)]
        clustered = rated.clusters is not None and rated.clusters.size > 1
        if clustered:
            covariances.append(sandwich(fit, rated, cluster=column))
        return cls(fit=fit, covariances=covariances, votes=rated.votes, cluster=column if clustered else None)

    def centred(self, common: list[ModelId]) -> tuple[FloatArray, FloatArray]:
        """Return the ratings of the common models around their mean, and the variances."""
        places = np.array([self.fit.models.index(name) for name in common], dtype=np.int64)
        strengths = self.fit.strengths[places]
        variance = np.max([_centred_variance(covariance, places) for covariance in self.covariances], axis=0)
        unseen = np.diag(self.covariances[0])[places] <= 0
        rating = RATING_CENTRE + RATING_PER_STRENGTH * (strengths - strengths.mean())
        return rating, RATING_PER_STRENGTH**2 * np.where(unseen, np.inf, variance)


def _centred_variance(covariance: FloatArray, places: IntArray) -> FloatArray:
    """Return the variances of the chosen strengths less their mean."""
    chosen = covariance[np.ix_(places, places)]
    variance: FloatArray = np.diag(chosen) - 2 * chosen.mean(axis=1) + chosen.mean()
    return np.maximum(variance, 0)


def _table(
    names: list[ModelId], first: FloatArray, second: FloatArray, variance: FloatArray, confidence: float
) -> pd.DataFrame:
    error = np.sqrt(variance)
    difference = second - first
    each = two_sided_quantile(confidence) * error
    together = two_sided_quantile(confidence, claims=len(names)) * error
    table = pd.DataFrame(
        {
            "model": pd.Series(names),
            "first": first,
            "second": second,
            "difference": difference,
            "lower": np.where(np.isfinite(each), difference - each, np.nan),
            "upper": np.where(np.isfinite(each), difference + each, np.nan),
            "moved": np.abs(difference) > together,
            "first_rank": _ranks(first),
            "second_rank": _ranks(second),
        }
    )
    return table.sort_values(["second_rank", "model"], kind="stable").reset_index(drop=True)


def _correlation(first: FloatArray, second: FloatArray) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _rank_correlation(first: FloatArray, second: FloatArray) -> float:
    """Compute Kendall's tau-b from the signs of all pairs."""
    rows, columns = np.triu_indices(len(first), 1)
    signs = [np.sign(values[rows] - values[columns]) for values in (first.round(6), second.round(6))]
    scale = np.sqrt(np.square(signs[0]).sum() * np.square(signs[1]).sum())
    return float((signs[0] * signs[1]).sum() / scale) if scale > 0 else float("nan")


def _ranks(ratings: FloatArray) -> IntArray:
    """Return 1 plus the number of models rated higher."""
    rounded = ratings.round(6)
    return 1 + len(rounded) - np.searchsorted(np.sort(rounded), rounded, side="right")
