"""How a judge differs from people on the same battles."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ratings.arrays import FloatArray
from ratings.bradley_terry import fit_bradley_terry
from ratings.columns import Battles
from ratings.confidence import two_sided_quantile
from ratings.jackknife import few_clusters_factor
from ratings.judge_cells import judged_votes
from ratings.linear_algebra import sandwich_product
from ratings.rank_sets import never_narrower
from ratings.scale import RATING_PER_STRENGTH, rating_from_strength


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgeAudit:
    """How a judge differs from people on the same battles.

    Attributes
    ----------
    table : DataFrame, n_models rows
        Columns model, human_rating, judge_rating, difference (judge minus human), lower, upper: rating points,
        the largest difference first. Each interval holds at its own confidence.
    side_difference, side_lower, side_upper : float
        What side a gets from the judge more than from people: mean outcome, from -1 to 1, with its interval.
    agreement, decisive_agreement : float
        As in `JudgedFit`.
    """

    table: pd.DataFrame
    side_difference: float
    side_lower: float
    side_upper: float
    agreement: float
    decisive_agreement: float


def audit_judge(
    human: Battles, *, judge: str = "judge", cluster: str | None = "voter", confidence: float = 0.95
) -> JudgeAudit:
    """Compare a judge with people on the same battles: whom it favours, and which side.

    Parameters
    ----------
    human : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b, winner (the vote), ``judge`` (the verdict), optionally count, weight, voter.
    judge : str, default "judge"
        Column of the judge's labels.
    cluster : str or None, default "voter"
        Column of those whose votes may depend on each other. None, or no voter column: every battle is independent.
    confidence : float, default 0.95
        Coverage of each single interval.

    Returns
    -------
    JudgeAudit

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the data convention or there are no votes.
    InvalidOptionError
        If ``confidence`` is not between 0 and 1.
    NoFiniteMaximumError
        If the votes or the verdicts do not determine finite strengths.

    Notes
    -----
    Both fits see the same battles, so the covariance of the difference of ratings takes the correlation of vote
    and verdict into account. Clustered, it is never narrower and honest about few clusters, as in `JudgedFit`. The
    side's difference is the mean over battles, whatever they weigh.

    Examples
    --------
    >>> human = pd.DataFrame({"model_a": ["x"] * 4, "model_b": ["y"] * 4, "count": [30, 10, 5, 15]})
    >>> human["winner"] = ["model_a", "model_a", "model_b", "model_b"]
    >>> human["judge"] = ["model_a", "model_b", "model_a", "model_b"]
    >>> audit_judge(human).table.difference.round(1).tolist()
    [31.0, -31.0]
    """
    quantile = two_sided_quantile(confidence)
    voted, _ = judged_votes(human, None, judge=judge, cluster=cluster)
    fits = [fit_bradley_terry(voted.comparisons(voted.weight, score)) for score in voted.score]
    expected = np.array([voted.pairs.expected(fit.strengths) for fit in fits])
    breads = [voted.total * fit.inverse_hessian for fit in fits]
    scale = np.ones_like(expected)
    covariances = [
        _difference_covariance(breads, voted.gradient_covariance(expected, scale, clustered=clustered))
        for clustered in ((True, False) if voted.clusters else (False,))
    ]
    covariance = covariances[-1]
    if voted.clusters:
        factor = few_clusters_factor(voted.clusters.size)
        covariance = never_narrower(factor * covariances[0], covariance)
    difference = RATING_PER_STRENGTH * (fits[1].strengths - fits[0].strengths)
    half_width = quantile * RATING_PER_STRENGTH * np.sqrt(np.maximum(np.diag(covariance), 0))
    table = pd.DataFrame(
        {
            "model": list(voted.pairs.models),
            "human_rating": rating_from_strength(fits[0].strengths),
            "judge_rating": rating_from_strength(fits[1].strengths),
            "difference": difference,
            "lower": difference - half_width,
            "upper": difference + half_width,
        }
    )
    side, side_error = voted.side_difference()
    return JudgeAudit(
        table=table.sort_values(["difference", "model"], ascending=[False, True], ignore_index=True),
        side_difference=side,
        side_lower=side - quantile * side_error,
        side_upper=side + quantile * side_error,
        agreement=voted.agreement,
        decisive_agreement=voted.decisive_agreement,
    )


def _difference_covariance(breads: list[FloatArray], covariance: FloatArray) -> FloatArray:
    """Return the covariance of the strengths by the judge less those by people."""
    half = np.einsum("ij,jk->ik", breads[1], covariance[1, 0], optimize=False)
    cross = np.einsum("ij,jk->ik", half, breads[0], optimize=False)
    own = [sandwich_product(bread, covariance[k, k]) for k, bread in enumerate(breads)]
    total: FloatArray = own[0] + own[1] - cross - cross.T
    return total
