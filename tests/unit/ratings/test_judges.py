from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, special

from ratings.arrays import FloatArray
from ratings.bradley_terry import fit_bradley_terry
from ratings.columns import Battles
from ratings.comparisons import OUTCOMES, Comparisons
from ratings.encoding import WINNERS
from ratings.errors import InvalidComparisonsError, InvalidOptionError, NoFiniteMaximumError
from ratings.intervals import sandwich
from ratings.judge_audit import audit_judge
from ratings.judges import JudgedFit, fit_with_judge
from ratings.rank_sets import never_narrower
from tests.unit.ratings.tables import battles, mirrored

SIDES = {"model_a": "model_b", "model_b": "model_a"}


def judged_battles(seed: int, rows: int, *, models: int = 5, voters: int = 12) -> pd.DataFrame:
    """Draw votes and verdicts that agree more often than not; the judge likes the first model and side a."""
    rng = np.random.default_rng(seed)
    strengths = np.linspace(0.6, -0.6, models)
    a = rng.integers(models, size=rows)
    b = (a + rng.integers(1, models, size=rows)) % models
    shared = rng.logistic(size=rows)
    quality = strengths[a] - strengths[b]
    seen = quality + 0.3 + (a == 0) - (b == 0) + 0.8 * shared + 0.6 * rng.logistic(size=rows)
    labels = np.array(WINNERS, dtype=object)
    both_bad = rng.random(rows) < 0.5
    codes = [np.select([x > 0.4, x < -0.4], [0, 1], 2 + both_bad) for x in (quality + shared, seen)]
    return pd.DataFrame(
        {
            "model_a": [f"m{number}" for number in a],
            "model_b": [f"m{number}" for number in b],
            "winner": labels[codes[0]],
            "judge": labels[codes[1]],
            "voter": rng.integers(voters, size=rows),
        }
    )


def split(seed: int, votes: int = 300, verdicts: int = 2000) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = judged_battles(seed, votes + verdicts)
    return table.iloc[:votes], table.iloc[votes:].drop(columns="winner").reset_index(drop=True)


class Rows:
    """One row per vote: a second, obvious implementation with a dense design matrix."""

    def __init__(self, table: pd.DataFrame, models: list[str]) -> None:
        index = {name: place for place, name in enumerate(models)}
        a, b = table.model_a.map(index).to_numpy(), table.model_b.map(index).to_numpy()
        self.x = np.zeros((len(table), len(models)))
        self.x[np.arange(len(table)), a] = 1
        self.x[np.arange(len(table)), b] = -1
        self.pair = np.minimum(a, b) * len(models) + np.maximum(a, b)
        self.swapped = a > b
        self.f = self.outcome(table, "judge")
        self.y = self.outcome(table, "winner") if "winner" in table else self.f
        self.weight = table.weight.to_numpy() if "weight" in table else np.ones(len(table))
        self.voter = table.voter.to_numpy()

    def outcome(self, table: pd.DataFrame, column: str) -> FloatArray:
        return table[column].map(dict(zip(WINNERS, OUTCOMES, strict=True))).to_numpy(dtype=float)

    def mean(self, rows: FloatArray) -> FloatArray:
        return (self.weight[:, np.newaxis] * rows).sum(axis=0) / self.weight.sum()

    def gradients(self, expected: FloatArray, outcome: FloatArray) -> FloatArray:
        return (expected - outcome)[:, np.newaxis] * self.x

    def covariance_of_mean(self, rows: FloatArray, *, clustered: bool) -> FloatArray:
        deviation = self.weight[:, np.newaxis] * (rows - self.mean(rows))
        scale = 1.0
        if clustered:
            groups = np.unique(self.voter)
            deviation = np.array([deviation[self.voter == group].sum(axis=0) for group in groups])
            scale = len(groups) / (len(groups) - 1)
        return scale * deviation.T @ deviation / self.weight.sum() ** 2


def reference(
    human: pd.DataFrame, unlabelled: pd.DataFrame, tuning: float, *, match: bool, clustered: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Strengths and covariance by SciPy's root finder and one row per vote."""
    models = sorted({*human.model_a, *human.model_b})
    h, u = Rows(human, models), Rows(unlabelled, models)
    scale, bessel, mean = pair_statistics(h, u)
    matched = scale[u.pair] if match else np.ones(len(u.pair))
    known = (scale > 0)[h.pair] if match else np.ones(len(h.pair), dtype=bool)

    def verdicts(rows: Rows, centre: FloatArray) -> FloatArray:
        first = np.where(rows.swapped, 1 - rows.f, rows.f)
        sign = np.where(rows.swapped, -1.0, 1.0)
        return ((centre - first) * sign)[:, np.newaxis] * rows.x

    def total(free: FloatArray) -> FloatArray:
        s = np.append(free, -free.sum())
        votes = h.gradients(special.expit(h.x @ s), h.y)
        checked = h.gradients(special.expit(h.x @ s), h.f) * known[:, np.newaxis]
        more = u.gradients(special.expit(u.x @ s), u.f) * matched[:, np.newaxis]
        return (h.mean(votes) + tuning * (u.mean(more) - h.mean(checked)))[:-1]

    found = optimize.root(total, np.zeros(len(models) - 1), tol=1e-13, options={"xtol": 1e-14})
    s = np.append(found.x, -found.x.sum())
    expected_h, expected_u = special.expit(h.x @ s), special.expit(u.x @ s)
    votes = h.gradients(expected_h, h.y)
    if match:
        checked = verdicts(h, mean[h.pair]) * known[:, np.newaxis]
        more = verdicts(u, mean[u.pair]) * (matched * bessel[u.pair])[:, np.newaxis]
    else:
        checked, more = h.gradients(expected_h, h.f), u.gradients(expected_u, u.f)
    meat = h.covariance_of_mean(votes - tuning * checked, clustered=clustered)
    meat += tuning**2 * u.covariance_of_mean(more, clustered=clustered)
    curved_h = h.weight * expected_h * (1 - expected_h) / h.weight.sum()
    curved_u = u.weight * expected_u * (1 - expected_u) / u.weight.sum()
    curvature = h.x.T @ (curved_h[:, np.newaxis] * h.x)
    if not match:
        curvature = (1 - tuning) * curvature + tuning * u.x.T @ (curved_u[:, np.newaxis] * u.x)
    bread = np.linalg.pinv(curvature, rcond=1e-9, hermitian=True)
    return s, bread @ meat @ bread


def pair_statistics(h: Rows, u: Rows) -> tuple[FloatArray, FloatArray, FloatArray]:
    size = int(max(h.pair.max(), u.pair.max())) + 1
    first = np.where(u.swapped, 1 - u.f, u.f)
    counts = np.bincount(u.pair, minlength=size)
    weight = np.bincount(u.pair, u.weight, size)
    known = counts >= 2
    mean = np.where(known, np.bincount(u.pair, u.weight * first, size) / np.where(known, weight, 1), 0)
    share = np.bincount(h.pair, h.weight, size) / h.weight.sum()
    scale = np.where(known, share / np.where(known, weight / u.weight.sum(), 1), 0)
    bessel = np.sqrt(np.where(known, counts / np.where(known, counts - 1, 1), 0))
    return scale, bessel, mean


@pytest.mark.parametrize("match", [True, False])
@pytest.mark.parametrize("tuning", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("clustered", [True, False])
def test_strengths_and_covariance_are_those_of_one_row_per_vote(
    match: bool, tuning: float, clustered: bool
) -> None:
    human, unlabelled = split(1)
    cluster = "voter" if clustered else None
    fit = fit_with_judge(human, unlabelled, match_pairs=match, tuning=tuning, cluster=cluster)
    strengths, covariance = reference(human, unlabelled, tuning, match=match, clustered=clustered)
    if clustered:
        independent = reference(human, unlabelled, tuning, match=match)[1]
        covariance = never_narrower(covariance, independent)
    assert_allclose(fit.strengths, strengths, atol=1e-10)
    assert_allclose(fit.covariance, covariance, rtol=1e-7, atol=1e-12)
    assert fit.cluster == cluster


@pytest.mark.parametrize("match", [True, False])
def test_weights_count_as_in_one_row_per_vote(match: bool) -> None:
    human, unlabelled = split(2)
    rng = np.random.default_rng(2)
    human = human.assign(weight=rng.choice([0.5, 1.0, 3.0], len(human)))
    unlabelled = unlabelled.assign(weight=rng.choice([0.25, 2.0], len(unlabelled)))
    fit = fit_with_judge(human, unlabelled, match_pairs=match, tuning=0.6, cluster=None)
    strengths, covariance = reference(human, unlabelled, 0.6, match=match)
    assert_allclose(fit.strengths, strengths, atol=1e-10)
    assert_allclose(fit.covariance, covariance, rtol=1e-7, atol=1e-12)


def test_pairs_with_one_verdict_or_none_go_uncorrected() -> None:
    human, unlabelled = split(3)
    on_pair = unlabelled.model_a.isin(["m1", "m2"]) & unlabelled.model_b.isin(["m1", "m2"])
    single = pd.concat([unlabelled[~on_pair], unlabelled[on_pair].iloc[:1]], ignore_index=True)
    none = unlabelled[~on_pair].reset_index(drop=True)
    fits = [fit_with_judge(human, table, tuning=0.5, cluster=None) for table in (single, none)]
    strengths, covariance = reference(human, none, 0.5, match=True)
    for fit in fits:
        assert_allclose(fit.strengths, strengths, atol=1e-10)
    assert_allclose(fits[1].covariance, covariance, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("match", [True, False])
def test_the_tuning_has_the_least_total_variance(match: bool) -> None:
    human, unlabelled = split(4, votes=1000, verdicts=5000)
    fit = fit_with_judge(human, unlabelled, match_pairs=match, cluster=None)
    at_votes = fit.human.strengths

    def variance(tuning: float) -> float:
        models = list(fit.models)
        h, u = Rows(human, models), Rows(unlabelled, models)
        scale, bessel, mean = pair_statistics(h, u)
        expected = special.expit(h.x @ at_votes)
        if match:
            centre = np.where(h.swapped, 1 - mean[h.pair], mean[h.pair])
            more_centre = np.where(u.swapped, 1 - mean[u.pair], mean[u.pair])
            factor = (scale * bessel)[u.pair]
        else:
            centre, more_centre, factor = expected, special.expit(u.x @ at_votes), np.ones(len(u.pair))
        checked = h.gradients(expected, h.y) - tuning * h.gradients(centre, h.f)
        more = u.gradients(more_centre, u.f) * factor[:, np.newaxis]
        meat = h.covariance_of_mean(checked, clustered=False)
        meat = meat + tuning**2 * u.covariance_of_mean(more, clustered=False)
        curved = expected * (1 - expected) / len(expected)
        bread = np.linalg.pinv(h.x.T @ (curved[:, np.newaxis] * h.x), rcond=1e-9, hermitian=True)
        return float(np.trace(bread @ meat @ bread))

    best = optimize.minimize_scalar(variance, bounds=(0, 1), method="bounded", options={"xatol": 1e-9})
    assert fit.tuning == pytest.approx(best.x, abs=1e-6)
    assert 0.3 < fit.tuning < 0.9
    assert fit.overall_gain > 1.2


def test_without_a_judge_the_covariance_is_the_ordinary_sandwich() -> None:
    human, unlabelled = split(5)
    for cluster in ("voter", None):
        fit = fit_with_judge(human, unlabelled, tuning=0.0, cluster=cluster)
        comparisons = Comparisons.from_battles(human, cluster=cluster)
        plain = fit_bradley_terry(comparisons)
        assert_allclose(fit.strengths, plain.strengths, atol=1e-12)
        assert_allclose(fit.human.strengths, plain.strengths, atol=1e-12)
        expected = sandwich(plain, comparisons)
        if cluster:
            expected = never_narrower(sandwich(plain, comparisons, cluster=cluster), expected)
        assert_allclose(fit.human_covariance, expected, rtol=1e-9, atol=1e-15)
        assert_allclose(fit.covariance, expected, rtol=1e-9, atol=1e-15)
        assert_allclose(fit.gain, 1, rtol=1e-9)


def test_a_model_that_one_voter_judged_is_not_certain_beside_its_opponents() -> None:
    human, unlabelled = split(19, votes=900)
    alone = (human.model_a == "m4") | (human.model_b == "m4")
    human = human[~alone | human.model_a.eq("m3") | human.model_b.eq("m3")]
    human = human.assign(voter=np.where(alone.reindex(human.index), -1, human.index))
    widths = []
    for cluster in ("voter", None):
        covariance = fit_with_judge(human, unlabelled, cluster=cluster).covariance
        widths.append(covariance[3, 3] + covariance[4, 4] - 2 * covariance[3, 4])
    assert widths[0] >= 0.999 * widths[1]


def test_a_judge_that_tosses_coins_gets_next_to_no_weight_and_a_contrary_one_none() -> None:
    human, unlabelled = split(6, votes=2000, verdicts=8000)
    rng = np.random.default_rng(6)
    labels = np.array(WINNERS, dtype=object)
    tossing = fit_with_judge(
        human.assign(judge=rng.choice(labels, len(human))),
        unlabelled.assign(judge=rng.choice(labels, len(unlabelled))),
    )
    assert tossing.tuning < 0.05
    assert tossing.overall_gain == pytest.approx(1, abs=0.01)
    contrary = [table.assign(judge=table.judge.replace(SIDES)) for table in (human, unlabelled)]
    assert fit_with_judge(*contrary).tuning == 0.0


def test_a_judge_that_always_agrees_makes_its_verdicts_as_good_as_votes() -> None:
    table = judged_battles(7, 6000)
    table["judge"] = table.winner
    human, unlabelled = table.iloc[:1000], table.iloc[1000:].drop(columns="winner")
    fit = fit_with_judge(human, unlabelled, match_pairs=False, cluster=None)
    everything = fit_bradley_terry(Comparisons.from_battles(table))
    assert fit.tuning == pytest.approx(5 / 6, abs=0.02)
    assert fit.overall_gain == pytest.approx(6, rel=0.1)
    assert_allclose(fit.strengths, everything.strengths, atol=0.01)
    assert fit.agreement == fit.decisive_agreement == 1.0


def test_the_judge_of_other_pairs_does_not_move_matched_scores() -> None:
    human, unlabelled = split(8, votes=20_000, verdicts=40_000)
    first = (unlabelled.model_a == "m0") | (unlabelled.model_b == "m0")
    skewed = pd.concat([unlabelled, *[unlabelled[first]] * 9], ignore_index=True)
    moved = []
    for match in (True, False):
        fits = [fit_with_judge(human, table, match_pairs=match, tuning=0.6) for table in (unlabelled, skewed)]
        moved.append(float(np.abs(fits[1].strengths - fits[0].strengths).max()))
    assert moved[0] < 1e-10
    assert moved[1] > 0.05


def test_order_sides_and_counts_leave_every_byte_as_it_is() -> None:
    human, unlabelled = split(9)
    wanted = fit_with_judge(human, unlabelled)
    shuffled = [table.sample(frac=1, random_state=3) for table in (human, unlabelled)]
    swapped = []
    for table in (human, unlabelled):
        other = table.assign(judge=table.judge.replace(SIDES))
        other = mirrored(other.assign(winner=other.get("winner", "tie")))
        swapped.append(other if "winner" in table else other.drop(columns="winner"))
    counted = []
    for table in (human, unlabelled):
        counted.append(
            table.groupby(list(table.columns), as_index=False).size().rename(columns={"size": "count"})
        )
    for tables in (shuffled, swapped, counted):
        fit = fit_with_judge(*tables)
        assert fit.strengths.tobytes() == wanted.strengths.tobytes()
        assert fit.covariance.tobytes() == wanted.covariance.tobytes()
        assert fit.tuning == wanted.tuning


def test_weighted_rows_in_any_order_leave_every_byte_as_it_is() -> None:
    human, unlabelled = split(10)
    rng = np.random.default_rng(1)
    tables = [table.assign(weight=rng.random(len(table))) for table in (human, unlabelled)]
    wanted = fit_with_judge(*tables)
    fit = fit_with_judge(*[table.sample(frac=1, random_state=5) for table in tables])
    assert fit.strengths.tobytes() == wanted.strengths.tobytes()
    assert fit.covariance.tobytes() == wanted.covariance.tobytes()


@pytest.mark.parametrize("arrow", [pa.Table.from_pandas, pa.RecordBatch.from_pandas])
def test_arrow_tables_give_the_same_bytes(arrow: Callable[[pd.DataFrame], Battles]) -> None:
    human, unlabelled = split(24)
    fits = [fit_with_judge(human, unlabelled), fit_with_judge(arrow(human), arrow(unlabelled))]
    assert fits[0].strengths.tobytes() == fits[1].strengths.tobytes()
    assert fits[0].covariance.tobytes() == fits[1].covariance.tobytes()
    pd.testing.assert_frame_equal(audit_judge(human).table, audit_judge(arrow(human)).table, check_exact=True)
    with pytest.raises(InvalidComparisonsError, match="The battles are a list"):
        fit_with_judge([human], unlabelled)  # type: ignore[arg-type]


def test_models_may_be_named_by_numbers() -> None:
    human, unlabelled = split(17)
    numbered = [
        table.assign(**{side: table[side].str[1:].astype(int) for side in ("model_a", "model_b")})
        for table in (human, unlabelled)
    ]
    fit = fit_with_judge(*numbered)
    assert fit.models == (0, 1, 2, 3, 4)
    assert fit.strengths.tobytes() == fit_with_judge(human, unlabelled).strengths.tobytes()
    assert sorted(fit.table().model) == sorted(audit_judge(numbered[0]).table.model) == [0, 1, 2, 3, 4]


def test_the_table_lists_both_scores_and_what_was_gained() -> None:
    human, unlabelled = split(11)
    fit = fit_with_judge(human, unlabelled)
    independent = fit_with_judge(human, unlabelled, tuning=fit.tuning, cluster=None)
    for found in (fit, independent):
        assert_allclose(found.standard_errors**2, np.diag(found.covariance), rtol=1e-9)
    assert (fit.standard_errors >= independent.standard_errors - 1e-9).all()
    table = fit.table(confidence=0.9)
    assert table.rating.is_monotonic_decreasing
    by_name = table.set_index("model").loc[list(fit.models)]
    half = 400 / np.log(10) * 1.6448536 * fit.standard_errors
    assert_allclose(by_name.rating, 1000 + 400 / np.log(10) * fit.strengths)
    assert_allclose(by_name.upper - by_name.rating, half, rtol=1e-6)
    assert_allclose(by_name.human_upper - by_name.human_lower, 2 * half * np.sqrt(fit.gain), rtol=1e-6)
    assert_allclose(by_name.effective_votes, fit.gain * by_name.votes)
    sides = pd.concat([human.model_a, human.model_b]).value_counts()
    assert by_name.votes.to_dict() == sides.to_dict()
    assert fit.verdicts == len(unlabelled)
    with pytest.raises(InvalidOptionError, match="confidence is 95"):
        fit.table(confidence=95)


def test_agreement_counts_equal_outcomes() -> None:
    rows = [("x", "y", "model_a"), ("y", "x", "model_b"), ("x", "y", "tie"), ("x", "y", "model_b")]
    human = battles(*rows, judge=["model_a", "model_a", "both_bad", "tie"])
    fit = fit_with_judge(human, human.drop(columns="winner"), tuning=0.0)
    assert fit.agreement == 0.5
    assert fit.decisive_agreement == 0.5
    ties = battles(("x", "y", "tie"), ("y", "x", "tie"), judge=["model_a", "tie"])
    assert np.isnan(fit_with_judge(ties, ties.drop(columns="winner")).decisive_agreement)


def test_a_board_of_verdicts_alone_is_refused() -> None:
    human, unlabelled = split(12)
    with pytest.raises(InvalidComparisonsError, match="no human votes"):
        fit_with_judge(human.iloc[:0], unlabelled)
    with pytest.raises(InvalidComparisonsError, match="no human votes"):
        fit_with_judge(human.assign(count=0), unlabelled)
    stranger = pd.concat([unlabelled, pd.DataFrame([{**unlabelled.iloc[0], "model_a": "new"}])])
    with pytest.raises(InvalidComparisonsError, match="Only the judge saw 'new'"):
        fit_with_judge(human, stranger)


def test_no_verdicts_at_all_leave_the_human_scores() -> None:
    human, unlabelled = split(13)
    fit = fit_with_judge(human, unlabelled.iloc[:0])
    assert fit.tuning == 0.0
    assert_allclose(fit.strengths, fit.human.strengths, atol=1e-12)


def test_a_misspelt_cluster_column_is_named() -> None:
    human, unlabelled = split(11)
    for rate in (fit_with_judge, lambda *tables, **options: audit_judge(tables[0], **options)):
        with pytest.raises(InvalidComparisonsError, match="lacks the column 'votr'"):
            rate(human, unlabelled, cluster="votr")
        assert rate(human.drop(columns="voter"), unlabelled.drop(columns="voter"))
    assert fit_with_judge(human, unlabelled.drop(columns="voter")).cluster == "voter"


def test_bad_tables_are_named() -> None:
    human, unlabelled = split(14)
    spoilt = human.copy()
    spoilt.loc[3, "judge"] = "Model A"
    with pytest.raises(InvalidComparisonsError, match=r"Row 3.*'Model A' in 'judge' is unknown"):
        fit_with_judge(spoilt, unlabelled)
    spoilt.loc[3, "judge"] = None
    with pytest.raises(InvalidComparisonsError, match="Row 3"):
        fit_with_judge(spoilt, unlabelled)
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'judge'"):
        fit_with_judge(human.drop(columns="judge"), unlabelled)
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'winner'"):
        fit_with_judge(human.drop(columns="winner"), unlabelled)
    for tuning in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidOptionError, match="tuning is"):
            fit_with_judge(human, unlabelled, tuning=tuning)


def test_votes_that_determine_nothing_are_refused() -> None:
    rows = [("x", "y", "model_a"), ("x", "y", "model_a")]
    human = battles(*rows, judge=["model_a", "model_b"])
    with pytest.raises(NoFiniteMaximumError, match="never lose or tie"):
        fit_with_judge(human, human.drop(columns="winner"))


def test_a_correction_that_outweighs_the_votes_is_refused() -> None:
    rows = [("x", "y", "model_a")] * 9 + [("x", "y", "model_b")]
    human = battles(*rows, judge=["model_b"] * 10)
    unlabelled = battles(*[("x", "y", "model_a")] * 50).rename(columns={"winner": "judge"})
    with pytest.raises(NoFiniteMaximumError, match="outweighs the few human votes"):
        fit_with_judge(human, unlabelled, tuning=1.0)


def test_the_audit_compares_two_fits_of_the_same_battles() -> None:
    human, _ = split(15, votes=1500)
    audit = audit_judge(human, cluster=None)
    votes = fit_bradley_terry(Comparisons.from_battles(human))
    verdicts = fit_bradley_terry(Comparisons.from_battles(human.assign(winner=human.judge)))
    models = list(votes.models)
    points = 400 / np.log(10)
    table = audit.table.set_index("model").loc[models]
    assert audit.table.difference.is_monotonic_decreasing
    assert audit.table.model[0] == "m0"
    assert_allclose(table.difference, points * (verdicts.strengths - votes.strengths), atol=1e-8)
    assert_allclose(table.judge_rating - table.human_rating, table.difference, atol=1e-8)
    rows = Rows(human, models)
    influence = np.zeros((len(human), len(models)))
    for sign, fit, outcome in ((1, verdicts, rows.f), (-1, votes, rows.y)):
        expected = special.expit(rows.x @ fit.strengths)
        curvature = rows.x.T @ ((expected * (1 - expected))[:, np.newaxis] * rows.x)
        bread = np.linalg.pinv(curvature, rcond=1e-9, hermitian=True)
        influence -= sign * rows.gradients(expected, outcome) @ bread
    error = points * np.sqrt(np.square(influence).sum(axis=0))
    assert_allclose(table.upper - table.difference, 1.959964 * error, rtol=1e-5)
    assert_allclose(table.difference - table.lower, 1.959964 * error, rtol=1e-5)


def test_the_audit_is_never_surer_than_independent_battles_allow() -> None:
    human, _ = split(18, votes=900)
    one_voter = (human.model_a == "m4") | (human.model_b == "m4")
    widths = {}
    for cluster in ("voter", None):
        table = audit_judge(human.assign(voter=np.where(one_voter, -1, human.index)), cluster=cluster).table
        widths[cluster] = (table.upper - table.lower).set_axis(table.model)
    assert (widths["voter"] >= widths[None] - 1e-9).all()


def test_the_audit_sees_which_side_a_judge_prefers() -> None:
    human, _ = split(16, votes=3000)
    audit = audit_judge(human)
    value = dict(zip(WINNERS, OUTCOMES, strict=True))
    difference = human.judge.map(value) - human.winner.map(value)
    assert audit.side_difference == pytest.approx(difference.mean())
    half = 1.959964 * difference.std(ddof=0) / np.sqrt(len(human))
    independent = audit_judge(human, cluster=None)
    assert independent.side_upper - audit.side_difference == pytest.approx(half, rel=1e-5)
    sums = (difference - difference.mean()).groupby(human.voter).sum()
    half = 1.959964 * np.sqrt(12 / 11 * (sums**2).sum()) / len(human)
    assert audit.side_upper - audit.side_difference == pytest.approx(
        max(half, independent.side_upper - audit.side_difference), rel=1e-5
    )
    # The same verdicts nine times over are no more evidence.
    copies = pd.concat([human.assign(voter=human.index)] * 9)
    half = audit_judge(copies).side_upper - audit.side_difference
    assert half == pytest.approx(independent.side_upper - independent.side_difference, rel=1e-3)
    assert audit.side_lower > 0
    with pytest.raises(InvalidOptionError, match="confidence is 0"):
        audit_judge(human, confidence=0)


def test_real_judges_are_far_from_real_people(real_data: Path) -> None:
    """Crowd votes of LLMFAO with GPT-4's and GPT-3.5's verdicts on the same pairs of answers."""
    fits, audits = {}, {}
    for judge in ("gpt4", "gpt3"):
        table = llmfao(real_data, judge)
        audits[judge] = audit_judge(table, cluster="battle")
        voted = np.random.default_rng(0).random(len(table)) < 0.4
        fits[judge] = fit_with_judge(table[voted], table[~voted].drop(columns="winner"), cluster="battle")
    assert audits["gpt4"].table.difference.abs().max() > 400
    assert audits["gpt3"].side_lower > 0.1
    assert all(_is_harmless(fit) for fit in fits.values())


def _is_harmless(fit: JudgedFit) -> bool:
    return fit.tuning < 0.1 and 0.99 < fit.overall_gain < 1.05 and fit.agreement < 0.5


def llmfao(folder: Path, judge: str) -> pd.DataFrame:
    keys = ["prompt", "model_x", "model_y"]
    votes = pd.read_csv(folder / "llmfao" / "crowd-comparisons.csv")
    verdicts = pd.read_csv(folder / "llmfao" / f"{judge}-crowd-comparisons.csv")
    both = votes.merge(verdicts[[*keys, "winner"]], on=keys, suffixes=("", "_judge"), validate="many_to_one")
    labels = {"left": "model_a", "right": "model_b", "tie": "tie"}
    return pd.DataFrame(
        {
            "model_a": both.model_x.astype(str),
            "model_b": both.model_y.astype(str),
            "winner": both.winner.map(labels),
            "judge": both.winner_judge.map(labels),
            "battle": both.id,
        }
    )
