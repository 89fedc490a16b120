import numpy as np
import pytest

from ratings import RATING_PER_STRENGTH, Comparisons, fit_bradley_terry, sandwich, simulate
from ratings.jackknife import jackknife_sandwich
from ratings.rank_sets import never_narrower
from ratings.style_comparison import compare_style
from ratings.style_control import fit_style_control
from tests.unit.ratings.styled import FEATURES, styled_battles


def test_shows_both_ratings_and_the_change() -> None:
    table = styled_battles(41)
    shown = compare_style(table, features=FEATURES, cluster="voter")
    plain = fit_bradley_terry(Comparisons.from_battles(table))
    styled = fit_style_control(table, features=FEATURES, cluster="voter")
    rows = shown.set_index("model").loc[list(styled.models)]

    np.testing.assert_allclose(rows.rating, 1000 + RATING_PER_STRENGTH * plain.strengths)
    np.testing.assert_allclose(rows.style_rating, 1000 + RATING_PER_STRENGTH * styled.strengths)
    np.testing.assert_allclose(rows.rating_change, rows.style_rating - rows.rating)
    assert shown.style_rating.is_monotonic_decreasing
    assert shown.style_rank.tolist() == [1, 2, 3, 4, 5, 6]
    assert sorted(shown["rank"]) == [1, 2, 3, 4, 5, 6]
    assert (rows.rank_change == rows["rank"] - rows.style_rank).all()
    half = RATING_PER_STRENGTH * 1.959964 * np.sqrt(np.diag(styled.strength_covariance()))
    np.testing.assert_allclose(rows.style_upper - rows.style_rating, half, rtol=1e-6)


def test_plain_intervals_are_those_of_the_leaderboard_method() -> None:
    table = styled_battles(42)
    comparisons = Comparisons.from_battles(table, cluster="voter")
    fit = fit_bradley_terry(comparisons)
    clustered = jackknife_sandwich(fit, comparisons, cluster="voter")
    variance = np.diag(never_narrower(clustered, sandwich(fit, comparisons)))
    shown = compare_style(table, features=FEATURES, cluster="voter").set_index("model").loc[list(fit.models)]
    half = RATING_PER_STRENGTH * 1.959964 * np.sqrt(variance)
    np.testing.assert_allclose((shown.upper - shown.lower) / 2, half, rtol=1e-6)


def test_a_model_that_only_looks_good_falls() -> None:
    rng = np.random.default_rng(43)
    strengths = {"plain": 0.05, "showy": 0.0, "other": -0.05}
    table = simulate.simulate_battles(rng, strengths=strengths, battles=30_000, style={"bold": 0.0})
    for side in "ab":
        table[f"bold_{side}"] = rng.poisson(np.where(table[f"model_{side}"] == "showy", 9, 3))
    z = (table.bold_a - table.bold_b) / (table.bold_a + table.bold_b).clip(1)
    logit = table.model_a.map(strengths) - table.model_b.map(strengths) + 0.6 * z / z.std()
    table["winner"] = np.where(rng.random(len(table)) < 1 / (1 + np.exp(-logit)), "model_a", "model_b")

    shown = compare_style(table, features=["bold"]).set_index("model")
    assert shown.loc["showy", "rank"] == 1
    assert shown.loc["showy", "rank_change"] < 0
    assert shown.loc["showy", "rating_change"] < -30
    truth = 1000 + RATING_PER_STRENGTH * np.array([0.05, 0.0, -0.05])
    found = shown.loc[["plain", "showy", "other"]]
    assert ((found.style_lower < truth) & (truth < found.style_upper)).all()
    assert found.style_rating["plain"] == pytest.approx(truth[0], abs=8)
