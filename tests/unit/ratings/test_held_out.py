from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from scipy import optimize, special

from ratings.arrays import FloatArray
from ratings.bradley_terry import fit_bradley_terry
from ratings.comparisons import Comparisons
from ratings.errors import InvalidComparisonsError, InvalidOptionError
from ratings.held_out import _half_outcomes, held_out_log_loss
from ratings.placed_votes import place_votes_canonically
from ratings.tie_likelihoods import likelihood_of
from ratings.ties import fit_ties
from tests.unit.ratings.tables import battles, mirrored, random_battles


def pairs_of(size: int) -> Comparisons:
    rows = [(f"m{a:02}", f"m{b:02}", "tie") for a in range(size) for b in range(a + 1, size)]
    return Comparisons.from_battles(battles(*rows))


def half_win_tie(p: float, factor: float) -> float:
    """Search the share of ties that is ``factor`` times wins times losses, with p expected."""
    found = optimize.brentq(
        lambda t: t - factor * (p - t / 2) * (1 - p - t / 2), 0, 2 * min(p, 1 - p), xtol=1e-15
    )
    return float(found)


def drawn(rng: np.random.Generator, source: str, votes: int) -> Comparisons:
    """Draw votes between 12 models from one of the models that are compared."""
    comparisons = pairs_of(12)
    strengths = rng.normal(0.3, 1.5, size=12)
    first, second = strengths[comparisons.first], strengths[comparisons.second]
    if source == "half":
        win = special.expit(first - second)
        tie = np.array([half_win_tie(p, 8.0) for p in win])
        shares = np.stack([win - tie / 2, 1 - win - tie / 2, tie])
    else:
        shares = np.exp(likelihood_of(source).log_probabilities(first, second, 1.2))
    if len(shares) == 3:
        shares = np.stack([shares[0], shares[1], 0.6 * shares[2], 0.4 * shares[2]])
    counts = rng.multinomial(votes, shares.T)
    weights = counts.astype(np.float64)
    return replace(comparisons, counts=counts, weights=weights, squared_weights=weights)


@pytest.mark.parametrize("source", ["half", "rao-kupper", "davidson", "grounded"])
@pytest.mark.parametrize("outcomes", [3, 4])
def test_the_true_model_wins(source: str, outcomes: Any) -> None:
    rng = np.random.default_rng(1)
    table = held_out_log_loss(drawn(rng, source, 50_000), rng=rng, outcomes=outcomes)
    assert table.model[0] == source
    assert (table.difference[1:] > 2 * table.difference_error[1:]).all()
    assert table.log_loss.is_monotonic_increasing


def test_equals_a_loop_over_votes_and_voters() -> None:
    battles = random_battles(4, rows=300, voters=12).assign(weight=np.resize([1.0, 0.5], 300))
    table = held_out_log_loss(battles, models=["grounded", "davidson"], rng=np.random.default_rng(6), folds=4)

    voters_in_order = place_votes_canonically(battles, cluster="voter").identities.to_pylist()
    folds = dict(zip(voters_in_order, np.random.default_rng(6).permutation(12) % 4, strict=True))
    battles["fold"] = battles.voter.map(folds)
    losses: dict[str, list[float]] = {"grounded": [], "davidson": []}
    weights: list[float] = []
    voters: list[int] = []
    for fold in range(4):
        inside = battles[battles.fold == fold]
        weights += inside.weight.tolist()
        voters += inside.voter.tolist()
        for model in ("grounded", "davidson"):
            training = Comparisons.from_battles(battles[battles.fold != fold])
            fit = fit_ties(training, model=model, ridge=0.1)
            for row in inside.itertuples():
                outcome = fit.probabilities(str(row.model_a), str(row.model_b))
                outcome["tie"] += outcome.get("both_bad", 0.0)
                losses[model].append(-np.log(outcome["tie" if row.winner == "both_bad" else str(row.winner)]))
    expected = pd.DataFrame(losses).assign(weight=weights, voter=voters)
    total = expected.weight.sum()
    for row in table.itertuples():
        loss = expected[str(row.model)]
        mean = (expected.weight * loss).sum() / total
        sums = (expected.weight * (loss - mean)).groupby(expected.voter).sum()
        assert row.log_loss == pytest.approx(mean, rel=1e-9)
        assert row.standard_error == pytest.approx(np.sqrt(12 / 11 * (sums**2).sum()) / total, rel=1e-9)
    gap = expected[table.model[1]] - expected[table.model[0]]
    mean = (expected.weight * gap).sum() / total
    sums = (expected.weight * (gap - mean)).groupby(expected.voter).sum()
    assert table.difference[1] == pytest.approx(mean, rel=1e-7)
    assert table.difference_error[1] == pytest.approx(np.sqrt(12 / 11 * (sums**2).sum()) / total, rel=1e-7)


@pytest.mark.parametrize("log_factor", [-25.0, 0.4, 25.0])
def test_half_win_ties_solve_their_equation(log_factor: float) -> None:
    difference = np.array([-3.0, -0.2, 0.0, 1.0, 4.0])
    win, loss, tie = np.exp(_half_outcomes(difference, log_factor))
    np.testing.assert_allclose(win + tie / 2, special.expit(difference), rtol=1e-12)
    np.testing.assert_allclose(win + loss + tie, 1, rtol=1e-12)
    for p, found in zip(special.expit(difference), tie, strict=True):
        assert found == pytest.approx(half_win_tie(p, np.exp(log_factor)), rel=1e-6)


def test_half_wins_get_the_share_of_ties_of_greatest_likelihood() -> None:
    """With two models its three outcomes are free, so its loss is the entropy of the votes."""
    rows = [("x", "y", winner) for winner in ("model_a", "model_b", "tie", "both_bad")]
    votes = Comparisons.from_battles(battles(*rows, count=[500_000, 200_000, 200_000, 100_000]))
    shares: FloatArray = np.array([0.5, 0.2, 0.3])
    found = held_out_log_loss(votes, models=["half"], rng=np.random.default_rng(2))
    assert found.log_loss[0] == pytest.approx(-(shares * np.log(shares)).sum(), abs=2e-5)
    spread = np.sqrt((shares * np.log(shares) ** 2).sum() - found.log_loss[0] ** 2)
    assert found.standard_error[0] == pytest.approx(spread / 1000, rel=1e-3)
    assert fit_bradley_terry(votes).strengths[0] * 2 == pytest.approx(np.log(0.65 / 0.35), abs=1e-12)


def test_unequal_weights_widen_standard_errors_whether_or_not_voters_are_known() -> None:
    table = random_battles(12, rows=3000).assign(weight=np.resize([0.1, 4.0, 1.0, 0.1, 0.1], 3000))
    errors = [
        held_out_log_loss(votes, models=["davidson"], rng=np.random.default_rng(7)).standard_error[0]
        for votes in (table.assign(voter=np.arange(3000)), table.drop(columns="voter"))
    ]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


def test_order_and_sides_of_votes_do_not_matter() -> None:
    table = random_battles(5)
    changed = mirrored(table.sample(frac=1, random_state=3))
    found = [held_out_log_loss(votes, rng=np.random.default_rng(7)) for votes in (table, changed)]
    pd.testing.assert_frame_equal(found[0], found[1], rtol=1e-12)
    counted = [
        held_out_log_loss(Comparisons.from_battles(votes), rng=np.random.default_rng(7))
        for votes in (table, changed)
    ]
    pd.testing.assert_frame_equal(counted[0], counted[1], rtol=1e-15)


def test_arrow_tables() -> None:
    table = random_battles(5)
    found = held_out_log_loss(pa.Table.from_pandas(table), rng=np.random.default_rng(7))
    pd.testing.assert_frame_equal(found, held_out_log_loss(table, rng=np.random.default_rng(7)))


def test_dependent_votes_have_larger_standard_errors() -> None:
    rng = np.random.default_rng(8)
    table = random_battles(8, rows=200, voters=100)
    table = pd.concat([table] * 9).assign(voter=np.tile(np.arange(200), 9))
    clustered = held_out_log_loss(table, models=["davidson"], rng=rng)
    independent = held_out_log_loss(table, models=["davidson"], rng=rng, cluster=None)
    assert clustered.standard_error[0] == pytest.approx(3 * independent.standard_error[0], rel=0.15)


def test_votes_without_weight_do_not_count() -> None:
    table = random_battles(9)
    more = pd.concat([table, random_battles(10).assign(weight=0.0)]).fillna({"weight": 1.0})
    found = [held_out_log_loss(votes, rng=np.random.default_rng(7)) for votes in (table, more)]
    pd.testing.assert_frame_equal(found[0], found[1], rtol=1e-12)


def test_bad_arguments_are_refused() -> None:
    table = random_battles(11)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"models": ["elo"]}, "models is"),
        ({"models": []}, "models is"),
        ({"folds": 1}, "folds is 1"),
        ({"outcomes": 2}, "outcomes is 2"),
        ({"ridge": 0.0}, "ridge is 0.0"),
    ]
    for options, message in refused:
        with pytest.raises(InvalidOptionError, match=message):
            held_out_log_loss(table, rng=np.random.default_rng(0), **options)
    with pytest.raises(InvalidComparisonsError, match="10 distinct values of 'voter' for 11 folds"):
        held_out_log_loss(table, rng=np.random.default_rng(0), folds=11)
    with pytest.raises(InvalidComparisonsError, match="2 votes for 5 folds"):
        held_out_log_loss(table.head(2), rng=np.random.default_rng(0), cluster=None)
