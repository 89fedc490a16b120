import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from ratings.bradley_terry import fit_bradley_terry
from ratings.columns import Battles
from ratings.comparisons import Comparisons
from ratings.errors import InvalidComparisonsError, InvalidOptionError, NoFiniteMaximumError
from ratings.estimates import half_win_covariance
from ratings.intervals import rating_intervals, sandwich
from ratings.selection import (
    expected_maximum,
    fresh_battles,
    rating_standard_error,
    selected_score,
    selection_bias,
)
from tests.unit.ratings.tables import battles, random_battles


def dated(seed: int, rows: int = 400) -> pd.DataFrame:
    table = random_battles(seed, rows=rows)
    days = np.random.default_rng(seed).integers(100, size=rows)
    return table.assign(date=pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(days, unit="D"))


@pytest.mark.parametrize(
    ("variants", "value"),
    [
        (1, 0),
        (2, 1 / math.sqrt(math.pi)),
        (3, 1.5 / math.sqrt(math.pi)),
        (5, 1.1629644736),
        (10, 1.5387527308),
    ],
)
def test_the_largest_of_few_normals_is_the_known_constant(variants: int, value: float) -> None:
    assert expected_maximum(variants) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("variants", [50, 1000, 10**6])
def test_the_largest_of_many_normals_is_the_mean_of_its_density(variants: int) -> None:
    def moment(x: float) -> float:
        return x * variants * math.exp(stats.norm.logpdf(x) + (variants - 1) * stats.norm.logcdf(x))

    value, _ = integrate.quad(moment, -8, 12, points=[2, 3, 4, 5], epsabs=1e-11, limit=500)
    assert expected_maximum(variants) == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize("variants", [0, -3, 2.5])
def test_a_wrong_number_of_variants_is_refused(variants: float) -> None:
    with pytest.raises(InvalidOptionError, match="variants is"):
        expected_maximum(variants)  # type: ignore[arg-type]


def test_the_published_figures_are_reproduced() -> None:
    assert selection_bias(variants=50, votes=3000, tie_rate=0.26) == pytest.approx(12.3, abs=0.05)
    assert selection_bias(variants=20, votes=130, tie_rate=0.26) == pytest.approx(48, abs=1.1)
    pooled = selection_bias(variants=50, votes=3000, tie_rate=0.26, fresh_votes=2000)
    assert pooled / selection_bias(variants=50, votes=3000, tie_rate=0.26) == pytest.approx(0.6)
    assert selection_bias(variants=1, votes=100, tie_rate=0.0) == pytest.approx(0, abs=1e-9)


def test_the_standard_error_is_that_of_a_fit_against_a_known_field() -> None:
    rows = [("m", "o", label) for label in ("model_a", "model_b", "tie")]
    comparisons = Comparisons.from_battles(battles(*rows, count=[370, 370, 260]))
    fit = fit_bradley_terry(comparisons)
    covariance = sandwich(fit, comparisons)
    difference = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    found = rating_standard_error(votes=1000, tie_rate=0.26)
    assert found == pytest.approx(400 / math.log(10) * math.sqrt(difference))


def test_wrong_options_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match="votes is 0"):
        rating_standard_error(votes=0, tie_rate=0.2)
    with pytest.raises(InvalidOptionError, match=r"tie_rate is 1\.0"):
        rating_standard_error(votes=10, tie_rate=1.0)
    with pytest.raises(InvalidOptionError, match="fresh_votes is -1"):
        selection_bias(variants=2, votes=10, tie_rate=0.1, fresh_votes=-1)


def test_fresh_battles_leave_out_only_the_selected_models_older_votes() -> None:
    table = dated(1)
    moments = {"m1": pd.Timestamp("2025-02-01", tz="UTC"), "m4": pd.Timestamp("2025-03-01", tz="UTC")}
    kept = [
        all(row.date >= moments.get(model, row.date) for model in (row.model_a, row.model_b))
        for row in table.itertuples()
    ]
    pd.testing.assert_frame_equal(fresh_battles(table, moments), table[kept])
    assert 0 < len(table[kept]) < len(table)


def test_moments_may_be_text_or_numbers() -> None:
    table = dated(2)
    moment = pd.Timestamp("2025-02-10", tz="UTC")
    wanted = fresh_battles(table, {"m0": moment}).index
    text = table.assign(date=table.date.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert fresh_battles(text, {"m0": "2025-02-10T00:00:00Z"}).index.equals(wanted)
    text.loc[::3, "date"] = text.date[::3].str.replace("Z", ".250+00:00")
    assert fresh_battles(text, {"m0": "2025-02-10"}).index.equals(wanted)
    seconds = table.assign(at=[stamp.timestamp() for stamp in table.date])
    assert fresh_battles(seconds, {"m0": moment.timestamp()}, date="at").index.equals(wanted)


def test_a_vote_at_the_moment_itself_is_fresh() -> None:
    table = battles(("x", "y", "tie"), ("x", "y", "tie"), date=[1, 2])
    assert len(fresh_battles(table, {"x": 2})) == 1
    assert len(fresh_battles(table, {"x": 1})) == 2


def test_bad_moments_are_named() -> None:
    table = battles(("y", "z", "tie"), ("x", "y", "tie"), date=["2025-01-01", "soon"])
    with pytest.raises(InvalidComparisonsError, match=r"Row 1 .* date is 'soon'"):
        fresh_battles(table, {"x": "2025-01-02"})
    assert len(fresh_battles(table, {"z": "2025-01-02"})) == 1
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'when'"):
        fresh_battles(table, {"x": "2025-01-02"}, date="when")
    with pytest.raises(InvalidOptionError, match="No battle has the model 'w'"):
        fresh_battles(table, {"w": "2025-01-02"})
    with pytest.raises(InvalidOptionError, match="cannot be compared"):
        fresh_battles(dated(3), {"m0": pd.Timestamp("2025-02-01")})
    with pytest.raises(InvalidOptionError, match="cannot be compared"):
        fresh_battles(battles(("x", "y", "tie"), date=["2025-01-01"]), {"x": "never"})


@pytest.mark.parametrize("cluster", ["voter", None])
def test_a_selected_score_is_that_of_a_board_without_its_old_votes(cluster: str | None) -> None:
    table = dated(4, rows=900)
    moment = pd.Timestamp("2025-02-20", tz="UTC")
    score = selected_score(table, model="m2", variants=10, committed=moment, cluster=cluster)
    on_model = (table.model_a == "m2") | (table.model_b == "m2")
    for kept, rating, lower, upper, votes in (
        (~(on_model & (table.date < moment)), score.rating, score.lower, score.upper, score.votes_fresh),
        (
            table.date == table.date,
            score.pooled_rating,
            score.pooled_lower,
            score.pooled_upper,
            score.votes_before + score.votes_fresh,
        ),
    ):
        comparisons = Comparisons.from_battles(table[kept], cluster=cluster)
        fit = fit_bradley_terry(comparisons)
        place = comparisons.models.index("m2")
        bounds = np.array(rating_intervals(fit, half_win_covariance(fit, comparisons, cluster=cluster)))
        assert rating == pytest.approx(1000 + 400 / math.log(10) * fit.strengths[place], abs=1e-9)
        assert_allclose([lower, upper], bounds[:, place])
        assert votes == (on_model & kept).sum()
    error = (score.pooled_upper - score.pooled_lower) / 2 / 1.959963985
    share = score.votes_before / (score.votes_before + score.votes_fresh)
    assert score.pooled_bias == pytest.approx(1.5387527308 * error * math.sqrt(share))


@pytest.mark.parametrize("arrow", [pa.Table.from_pandas, pa.RecordBatch.from_pandas])
def test_arrow_tables_give_the_same_score(arrow: Callable[[pd.DataFrame], Battles]) -> None:
    table = dated(4, rows=900)
    moment = pd.Timestamp("2025-02-20", tz="UTC")
    kept = fresh_battles(arrow(table), {"m2": moment})
    pd.testing.assert_frame_equal(kept, fresh_battles(table, {"m2": moment}), check_dtype=False)
    scores = [
        selected_score(votes, model="m2", variants=10, committed=moment) for votes in (table, arrow(table))
    ]
    assert scores[0] == scores[1]
    with pytest.raises(InvalidComparisonsError, match="The battles are a list"):
        selected_score([table], model="m2", variants=10, committed=moment)  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT, "", "NaT"])
def test_a_missing_commitment_does_not_make_every_vote_fresh(missing: object) -> None:
    for table in (dated(3), dated(3).assign(date=np.arange(400)), dated(3).astype({"date": str})):
        with pytest.raises(InvalidOptionError, match=r"commitment .*'m0'"):
            fresh_battles(table, {"m0": missing})
        with pytest.raises(InvalidOptionError, match=r"commitment .*'m0'"):
            selected_score(table, model="m0", variants=3, committed=missing)


def test_votes_before_and_after_are_counted_on_the_same_models() -> None:
    """z is tied to the others by an old vote of x only, so a fresh board does not rate it."""
    rows = [("x", "z", "tie"), *[("x", "y", winner) for winner in ("model_a", "model_b", "tie")]]
    table = battles(*rows * 2, ("x", "z", "model_a"), date=[1] * 4 + [3] * 5)
    table = table.drop(index=4, axis=0)
    score = selected_score(table, model="x", variants=3, committed=2)
    assert (score.votes_before, score.votes_fresh) == (3, 3)
    both = selected_score(table[table.model_b == "y"], model="x", variants=3, committed=2)
    assert score == both


def test_a_misspelt_cluster_column_is_named() -> None:
    with pytest.raises(InvalidComparisonsError, match="lacks the column 'votr'"):
        selected_score(dated(4), model="m2", variants=3, committed="2025-02-01", cluster="votr")


def test_a_model_without_fresh_votes_is_not_scored() -> None:
    table = dated(5)
    with pytest.raises(NoFiniteMaximumError, match=r"'m3' has no finite rating from these"):
        selected_score(table, model="m3", variants=5, committed=pd.Timestamp("2026-01-01", tz="UTC"))


def test_fresh_votes_that_are_all_wins_give_no_score() -> None:
    rows = [("x", "y", "model_a"), ("x", "y", "model_b"), ("y", "z", "model_a"), ("y", "z", "model_b")]
    table = battles(*rows, ("x", "z", "model_a"), ("x", "y", "model_a"), date=[1, 1, 1, 1, 2, 2])
    with pytest.raises(NoFiniteMaximumError, match="'x' has no finite rating"):
        selected_score(table, model="x", variants=2, committed=2)
