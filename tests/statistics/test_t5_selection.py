"""T5: the best of many equal variants gets an honest score from fresh votes, and its pooled one a stated bias."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import special

from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.scale import RATING_CENTRE, RATING_PER_STRENGTH
from ratings.selection import expected_maximum, selected_score, selection_bias
from tests.statistics.findings import UNSEEN, Finding, Report

FloatArray = npt.NDArray[np.float64]

FIELD, FIELD_VOTES, TIE_RATE = 20, 2_000_000, 0.26
VARIANTS, VOTES, FRESH = 50, 3_000, 2_000
LABELS = np.array(["model_a", "model_b", "tie"], dtype=object)
RIVALS = np.array([f"m{number:02}" for number in range(FIELD)], dtype=object)
FIRST, SECOND = np.triu_indices(FIELD, 1)


def _outcomes(rng: np.random.Generator, met: npt.NDArray[np.int64], won: FloatArray) -> npt.NDArray[np.int64]:
    tied = 2 * TIE_RATE * np.minimum(won, 1 - won)
    return rng.multinomial(met, np.stack([won - tied / 2, 1 - won - tied / 2, tied], axis=-1))


def _table(
    a: npt.NDArray[np.object_], b: npt.NDArray[np.object_], outcomes: npt.NDArray[np.int64], date: int
) -> pd.DataFrame:
    pair, label = np.nonzero(outcomes)
    columns = {
        "model_a": a[pair],
        "model_b": b[pair],
        "winner": LABELS[label],
        "count": outcomes[pair, label],
    }
    return pd.DataFrame(columns).assign(date=date)


def _variant_votes(
    rng: np.random.Generator, strengths: FloatArray, variants: int, votes: int
) -> npt.NDArray[np.int64]:
    """Draw each variant's votes against the field; shape (variants, n_field, 3)."""
    met = rng.multinomial(votes, np.full(FIELD, 1 / FIELD), size=variants)
    return _outcomes(rng, met, np.broadcast_to(special.expit(-strengths), met.shape))


def _estimates(outcomes: npt.NDArray[np.int64], strengths: FloatArray) -> FloatArray:
    """Strength of each variant given the field's: Newton's method on one unknown each."""
    met, score = outcomes.sum(axis=2), outcomes @ np.array([1.0, 0.0, 0.5])
    estimate = np.zeros(len(outcomes))
    for _ in range(20):
        expected = special.expit(estimate[:, np.newaxis] - strengths)
        step = (score - met * expected).sum(axis=1) / (met * expected * (1 - expected)).sum(axis=1)
        estimate = estimate + step
    return estimate


def run(replicates: int, seed: int, *, slack: float = 0.0) -> Report:
    """Choose the best of equal variants many times and score it from fresh and from all votes."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(0, 0.4, FIELD)
    strengths -= strengths.mean()
    # The variants are as strong as the field on average, so the mean of the listed models is theirs.
    truth = RATING_CENTRE
    met = rng.multinomial(FIELD_VOTES, np.full(len(FIRST), 1 / len(FIRST)))
    fresh, pooled, stated, hits, pooled_hits = [], [], [], [], []
    chosen = np.full(FIELD, "chosen", dtype=object)
    for _ in range(replicates):
        field = _outcomes(rng, met, special.expit(strengths[FIRST] - strengths[SECOND]))
        tried = _variant_votes(rng, strengths, VARIANTS, VOTES)
        best = int(np.argmax(_estimates(tried, strengths)))
        battles = pd.concat(
            [
                _table(RIVALS[FIRST], RIVALS[SECOND], field, 0),
                _table(chosen, RIVALS, tried[best], 0),
                _table(chosen, RIVALS, _variant_votes(rng, strengths, 1, FRESH)[0], 1),
            ],
            ignore_index=True,
        )
        score = selected_score(battles, model="chosen", variants=VARIANTS, committed=1)
        fresh.append(score.rating - truth)
        pooled.append(score.pooled_rating - truth)
        stated.append(score.pooled_bias)
        hits.append(score.lower <= truth <= score.upper)
        pooled_hits.append(score.pooled_lower <= truth <= score.pooled_upper)
    error = float(np.std(fresh, ddof=1) / np.sqrt(replicates))
    predicted = selection_bias(variants=VARIANTS, votes=VOTES, tie_rate=TIE_RATE)
    equals = np.zeros(FIELD)
    raw = _best_of(rng, equals, variants=VARIANTS, votes=VOTES, replicates=replicates)
    small = _best_of(rng, equals, variants=20, votes=130, replicates=replicates)
    small_predicted = selection_bias(variants=20, votes=130, tie_rate=TIE_RATE)
    return Report(
        test="T5",
        title="The best of many variants",
        world=f"{VARIANTS} equal variants with {VOTES} votes each (26 % ties between equals) against a field of "
        f"{FIELD} models; the best one is published and gets {FRESH} fresh votes; {replicates} replicates.",
        findings=[
            Finding(
                claim="Mean bias of the score from fresh votes only",
                measured=f"{np.mean(fresh):+.2f} points (Monte-Carlo error {error:.2f})",
                bound="at most 1 point",
                holds=bool(abs(np.mean(fresh)) <= 1 + slack),
            ),
            Finding(
                claim="Coverage of its 95 % interval",
                measured=f"{np.mean(hits):.3f}",
                bound="at least 0.94",
                holds=bool(np.mean(hits) >= 0.94 - slack / 50),
            ),
            Finding(
                claim="Bias of the pooled score, as stated beside it",
                measured=f"{np.mean(stated):.1f} points stated, {np.mean(pooled):.1f} found; its interval covers "
                f"{np.mean(pooled_hits):.2f}",
                bound="stated within 1 point",
                holds=bool(abs(np.mean(stated) - np.mean(pooled)) <= 1 + slack),
            ),
            Finding(
                claim=f"Bias of the best of {VARIANTS} against equals before any fresh vote, by the formula",
                measured=f"{predicted:.1f} points computed, {raw:.1f} found",
                bound="12.3 computed, within 1 point",
                holds=bool(round(predicted, 1) == 12.3 and abs(predicted - raw) <= 1 + slack),
            ),
            Finding(
                claim="The same for the best of 20 with 130 votes each",
                measured=f"{small_predicted:.1f} points computed, {small:.1f} found "
                f"(largest of 20 normals {expected_maximum(20):.3f})",
                bound="about 48, computed within 2 points",
                holds=bool(abs(small_predicted - small) <= 2 + 4 * slack),
            ),
        ],
    )


def _best_of(
    rng: np.random.Generator, strengths: FloatArray, *, variants: int, votes: int, replicates: int
) -> float:
    best = [
        _estimates(_variant_votes(rng, strengths, variants, votes), strengths).max()
        for _ in range(replicates)
    ]
    return RATING_PER_STRENGTH * float(np.mean(best))


def test_the_best_of_many_variants_in_a_few_replicates() -> None:
    run(60, seed=5, slack=2.0).check()


@pytest.mark.statistics
def test_the_best_of_many_variants() -> None:
    report = run(4000, seed=UNSEEN)
    report.save()
    report.check()


def test_a_fit_of_all_variants_agrees_with_the_estimates_used_to_choose() -> None:
    rng = np.random.default_rng(6)
    strengths = np.linspace(-0.5, 0.5, FIELD)
    votes = _variant_votes(rng, strengths, 1, VOTES)
    field = _outcomes(rng, np.full(len(FIRST), 10**7), special.expit(strengths[FIRST] - strengths[SECOND]))
    chosen = np.full(FIELD, "chosen", dtype=object)
    table = pd.concat([_table(RIVALS[FIRST], RIVALS[SECOND], field, 0), _table(chosen, RIVALS, votes[0], 0)])
    fit = fit_bradley_terry(Comparisons.from_battles(table.reset_index(drop=True)))
    found = fit.strengths[0] - fit.strengths[1:].mean()
    assert abs(found - _estimates(votes, strengths)[0]) < 1e-3
