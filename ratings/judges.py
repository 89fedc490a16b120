"""People's votes with a judge's verdicts beside them: tuned prediction-powered Bradley-Terry (PPI++)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg

from ratings.arrays import BoolArray, FloatArray, IntArray, ModelId
from ratings.bradley_terry import BradleyTerryFit, fit_bradley_terry, gradient, hessian
from ratings.columns import Battles
from ratings.comparisons import Comparisons
from ratings.confidence import two_sided_quantile
from ratings.errors import InvalidOptionError, NoFiniteMaximumError
from ratings.jackknife import few_clusters_factor
from ratings.judge_cells import JudgedVotes, judged_votes
from ratings.linear_algebra import mean_zero_inverse, sandwich_product
from ratings.rank_sets import never_narrower
from ratings.scale import RATING_PER_STRENGTH, rating_from_strength

_STEPS = 50
_TOLERANCE = 1e-11


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedFit:
    """Strengths from human votes, sharpened by a judge's verdicts, with the human-only fit beside them.

    Attributes
    ----------
    models : tuple
        Sorted names, length n_models.
    strengths : float64, shape (n_models,)
        Natural log-odds, mean zero.
    covariance : float64, shape (n_models, n_models)
        Of ``strengths``, clustered where a table has the column, and then, as `leaderboard` has it, never narrower
        than for independent battles and widened where fewer than six clusters voted.
    standard_errors : float64, shape (n_models,)
        Of ``strengths``.
    tuning : float
        Weight of the judge, from 0 (people alone) to 1.
    gain : float64, shape (n_models,)
        Human-only variance of each strength over the variance here: with this many times the votes,
        people alone would be as sure.
    overall_gain : float
        The same for the sum of the variances.
    votes : int64, shape (n_models,)
        Human votes of each model.
    verdicts : int
        Battles with a verdict only.
    agreement : float
        Share of the human votes in which the judge gave the same outcome; tie and both_bad are the same.
    decisive_agreement : float
        The same among battles in which both chose a winner; NaN without any.
    human : BradleyTerryFit
        Fitted to the human votes alone.
    human_covariance : float64, shape (n_models, n_models)
        Sandwich covariance of ``human.strengths``.
    human_standard_errors : float64, shape (n_models,)
        As ``standard_errors``.
    cluster : str or None
        Column by which variances were clustered.
    """

    models: tuple[ModelId, ...]
    strengths: FloatArray
    covariance: FloatArray
    standard_errors: FloatArray
    tuning: float
    gain: FloatArray
    overall_gain: float
    votes: IntArray
    verdicts: int
    agreement: float
    decisive_agreement: float
    human: BradleyTerryFit
    human_covariance: FloatArray
    human_standard_errors: FloatArray
    cluster: str | None

    def table(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """List the ratings with intervals, with and without the judge.

        Parameters
        ----------
        confidence : float, default 0.95
            Coverage of each single interval.

        Returns
        -------
        DataFrame, n_models rows
            Columns model, rating, lower, upper, human_rating, human_lower, human_upper (rating points), votes,
            gain, effective_votes (gain times votes); best rating first.

        Raises
        ------
        InvalidOptionError
            If ``confidence`` is not between 0 and 1.
        """
        quantile = RATING_PER_STRENGTH * two_sided_quantile(confidence)
        rating, half = rating_from_strength(self.strengths), quantile * self.standard_errors
        human, human_half = rating_from_strength(self.human.strengths), quantile * self.human_standard_errors
        table = pd.DataFrame(
            {
                "model": list(self.models),
                "rating": rating,
                "lower": rating - half,
                "upper": rating + half,
                "human_rating": human,
                "human_lower": human - human_half,
                "human_upper": human + human_half,
                "votes": self.votes,
                "gain": self.gain,
                "effective_votes": self.gain * self.votes,
            }
        )
        return table.sort_values(["rating", "model"], ascending=[False, True], ignore_index=True)


def fit_with_judge(
    human: Battles,
    unlabelled: Battles,
    *,
    judge: str = "judge",
    match_pairs: bool = True,
    tuning: float | None = None,
    cluster: str | None = "voter",
) -> JudgedFit:
    """Rate models from human votes, with a judge's verdicts on these and on many more battles.

    Minimises the mean loss of the votes plus tuning * (mean loss of the verdicts on battles without a vote -
    mean loss of the verdicts on battles with one). The judge's own taste cancels in that difference; what is
    left is its knowledge of the battles that nobody voted on.

    Parameters
    ----------
    human : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b, winner (the vote), ``judge`` (the verdict), optionally count, weight, voter.
    unlabelled : DataFrame, Arrow Table or RecordBatch
        Columns model_a, model_b, ``judge``, optionally count, weight, voter.
    judge : str, default "judge"
        Column of the judge's labels, the same four as of ``winner``.
    match_pairs : bool, default True
        Weigh the unlabelled battles so that each pair has the share that it has among the votes. Then the
        scores mean what human-only scores mean even where the judge saw other pairs, and only within a pair
        need the votes be a random sample. Pairs with fewer than two unlabelled battles go uncorrected. False:
        the published formula, which needs both tables to be random samples of the same battles.
    tuning : float, optional
        Weight of the judge, from 0 to 1; by default the one with the least total variance.
    cluster : str or None, default "voter"
        Column of those whose votes may depend on each other. None, or no voter column among the votes: every battle
        is independent. Where ``unlabelled`` lacks the column, its battles are.

    Returns
    -------
    JudgedFit

    Raises
    ------
    InvalidComparisonsError
        If a row breaks the data convention, there are no human votes, or a model has verdicts only.
    InvalidOptionError
        If ``tuning`` is not between 0 and 1.
    NoFiniteMaximumError
        If the votes alone do not determine finite strengths, or the votes with the verdicts do not.

    Notes
    -----
    Never rates by a judge alone. With V the covariances of mean scores (votes y, verdicts f on the n votes, f'
    on the N verdicts) and H the Hessian of the mean loss, tuning = tr(H+ V_yf H+) / tr(H+ (V_ff + V_f'f') H+),
    clipped to [0, 1], and the covariance of the strengths is H+ V(y - tuning f) H+ + tuning ** 2 H+ V_f'f' H+
    [ADZ23] [BGM24]. Matched pairs post-stratify [FMD24]: the verdict's score is centred at the unlabelled mean
    of its pair. Unvoted battles are rarely a random sample of battles, since people vote when it is easy: let
    a coin choose what the judge sees, or weigh by the modelled probability of a vote. Verdicts on unvoted battles
    count as independent of the votes. Costs one pass over the
    rows, and then nothing that grows with their number.

    References
    ----------
    [ADZ23] Angelopoulos, Duchi, Zrnic. PPI++: Efficient Prediction-Powered Inference. 2023. arXiv:2311.01453
    [BGM24] Boyeau, Angelopoulos et al. AutoEval Done Right. 2024. arXiv:2403.07008
    [FMD24] Fisch et al. Stratified Prediction-Powered Inference. 2024. arXiv:2406.04291

    Examples
    --------
    >>> human = pd.DataFrame({"model_a": ["x"] * 4, "model_b": ["y"] * 4, "count": [30, 10, 5, 15]})
    >>> human["winner"] = ["model_a", "model_a", "model_b", "model_b"]
    >>> human["judge"] = ["model_a", "model_b", "model_a", "model_b"]
    >>> unlabelled = human.drop(columns="winner").assign(count=[600, 200, 100, 200])
    >>> fit = fit_with_judge(human, unlabelled)
    >>> round(fit.tuning, 2), round(fit.overall_gain, 2)
    (0.43, 1.18)
    """
    if tuning is not None and not 0 <= tuning <= 1:
        raise InvalidOptionError(f"tuning is {tuning!r}: it lies between 0 and 1, or is None to be computed.")
    voted, judged = judged_votes(human, unlabelled, judge=judge, cluster=cluster)
    assert judged is not None
    # Without verdicts no pair is corrected, which matching does anyway.
    match_pairs = match_pairs or not judged.counts.any()
    plain = fit_bradley_terry(voted.comparisons(voted.weight, voted.score[0]))
    human_bread = voted.total * plain.inverse_hessian
    corrections = _corrections(voted, judged, plain.strengths, match_pairs)
    if tuning is None:
        tuning = _tuning(human_bread, corrections[0])
    clusters = voted.clusters or judged.clusters
    size = clusters.size if clusters else 0
    human_covariance = _covariance(corrections, 0.0, human_bread, size)
    strengths, bread = _minimise(voted, judged, plain.strengths, tuning, match_pairs)
    corrections = _corrections(voted, judged, strengths, match_pairs)
    covariance = _covariance(corrections, tuning, bread, size)
    human_errors, errors = _deviations(human_covariance), _deviations(covariance)
    pairs = voted.pairs
    by_name = np.array(sorted(range(len(pairs.models)), key=lambda model: pairs.models[model]))
    both = np.ix_(by_name, by_name)
    return JudgedFit(
        models=tuple(pairs.models[model] for model in by_name),
        strengths=strengths[by_name],
        covariance=covariance[both],
        standard_errors=errors[by_name],
        tuning=tuning,
        gain=_ratio(human_errors**2, errors**2)[by_name],
        overall_gain=float(_ratio((human_errors**2).sum(), (errors**2).sum())),
        votes=pairs.ends(voted.counts).astype(np.int64)[by_name],
        verdicts=int(judged.counts.sum()),
        agreement=voted.agreement,
        decisive_agreement=voted.decisive_agreement,
        human=plain.reordered(by_name),
        human_covariance=human_covariance[both],
        human_standard_errors=human_errors[by_name],
        cluster=cluster if clusters else None,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Correction:
    """Covariances of the mean scores: of vote and verdict on the votes, and of the verdicts alone."""

    voted: FloatArray
    judged: FloatArray

    def covariance(self, tuning: float) -> FloatArray:
        """Of the gradient of the objective."""
        cross = self.voted[0, 1] + self.voted[1, 0]
        verdicts = self.voted[1, 1] + self.judged[0, 0]
        total: FloatArray = self.voted[0, 0] - tuning * cross + tuning**2 * verdicts
        return total


def _corrections(
    voted: JudgedVotes, judged: JudgedVotes, strengths: FloatArray, match: bool
) -> list[_Correction]:
    """Estimate the covariances by clusters, where there are any, and then for independent battles."""
    expected = voted.pairs.expected(strengths)
    unit = np.ones_like(expected)
    centre, voted_scale, judged_scale = expected, unit, unit
    if match:
        known = _matched(judged)
        centre = np.where(known, _pair_means(judged), expected)
        voted_scale = known.astype(np.float64)
        judged_scale = _match_scale(voted, judged)
    return [
        _Correction(
            voted=voted.gradient_covariance(
                np.array([expected, centre]), np.array([unit, voted_scale]), clustered=clustered
            ),
            judged=judged.gradient_covariance(
                centre[np.newaxis], judged_scale[np.newaxis], clustered=clustered
            ),
        )
        for clustered in ((True, False) if voted.clusters or judged.clusters else (False,))
    ]


def _covariance(
    corrections: list[_Correction], tuning: float, bread: FloatArray, clusters: int
) -> FloatArray:
    """Return the covariance of the strengths, as on a leaderboard: honest about few clusters, and never narrower."""
    found = [sandwich_product(bread, correction.covariance(tuning)) for correction in corrections]
    return found[0] if len(found) == 1 else never_narrower(few_clusters_factor(clusters) * found[0], found[1])


def _deviations(covariance: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(np.diag(covariance), 0))


def _matched(judged: JudgedVotes) -> BoolArray:
    """Mark the pairs with two or more verdicts, from which their mean and its variance can be told."""
    return (judged.counts >= 2) & (judged.weight > 0)


def _pair_means(judged: JudgedVotes) -> FloatArray:
    unknown = np.zeros(len(judged.weight))
    means: FloatArray = np.divide(judged.score[0], judged.weight, out=unknown, where=judged.weight > 0)
    return means


def _match_scale(voted: JudgedVotes, judged: JudgedVotes) -> FloatArray:
    """Return each verdict's weight for the pair to have its share among the votes, 0 where it cannot."""
    known = _matched(judged)
    share = np.divide(voted.weight, judged.weight, out=np.zeros(len(known)), where=known)
    # n / (n - 1), since the verdicts are centred at their own mean.
    bessel = np.divide(judged.counts, judged.counts - 1, out=np.zeros(len(known)), where=known)
    scale: FloatArray = share * np.sqrt(bessel) * (judged.total / voted.total)
    return scale


def _tuning(bread: FloatArray, correction: _Correction) -> float:
    """Find the weight of least total variance, clipped to [0, 1]."""
    shared = np.trace(sandwich_product(bread, correction.voted[0, 1] + correction.voted[1, 0])) / 2
    spread = np.trace(sandwich_product(bread, correction.voted[1, 1] + correction.judged[0, 0]))
    return float(np.clip(shared / spread, 0, 1)) if spread > 0 else 0.0


def _minimise(
    voted: JudgedVotes, judged: JudgedVotes, start: FloatArray, tuning: float, match: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the strengths and the inverse Hessian of the mean loss, by Newton's method from the human fit."""
    objective = _objective(voted, judged, tuning, match)
    strengths = start
    try:
        for _ in range(_STEPS):
            inverse = mean_zero_inverse(hessian(strengths, objective))
            step = -(inverse * gradient(strengths, objective)).sum(axis=1)
            reach = float(np.abs(step[objective.first] - step[objective.second]).max())
            strengths = strengths + step * (np.log1p(reach) / reach if reach > 0 else 1.0)
            if np.abs(step).max() <= _TOLERANCE:
                return strengths - strengths.mean(), voted.total * mean_zero_inverse(
                    hessian(strengths, objective)
                )
    except linalg.LinAlgError:
        # On the way to infinity the Hessian fades to zero: the same finding as no convergence.
        pass
    raise NoFiniteMaximumError(
        f"With tuning {tuning:.3g} the judge's correction outweighs the few human votes of some model, and no "
        "finite strengths exist: collect more votes, or set a smaller tuning."
    )


def _objective(voted: JudgedVotes, judged: JudgedVotes, tuning: float, match: bool) -> Comparisons:
    """Build the totals and scores of the objective, on the scale of the human votes.

    A score may leave [0, total]; no total is negative, so the objective is convex.
    """
    votes, verdicts = voted.score
    if match:
        rectified = np.where(_matched(judged), voted.weight * _pair_means(judged) - verdicts, 0.0)
        return voted.comparisons(voted.weight, votes + tuning * rectified)
    share = voted.total / judged.total
    total = (1 - tuning) * voted.weight + tuning * share * judged.weight
    return voted.comparisons(total, votes + tuning * (share * judged.score[0] - verdicts))


def _ratio(variance: FloatArray, reference: FloatArray) -> FloatArray:
    unknown = np.full(variance.shape, np.nan)
    ratio: FloatArray = np.divide(variance, reference, out=unknown, where=reference > 0)
    return ratio
