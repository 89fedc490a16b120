from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from ratings import RATING_PER_STRENGTH, Comparisons, EmptyComparisonsError, InvalidOptionError
from ratings.bradley_terry import fit_bradley_terry
from ratings.intervals import sandwich
from ratings.planning import difference_plan, separation_plan, votes_to_separate
from tests.unit.ratings.tables import battles, random_battles


def power_of(votes: int, *, difference: float, tie_rate: float, models: int, rounds: int) -> float:
    """Simulate boards and count how often the interval of the first two models' difference is above zero."""
    rng = np.random.default_rng(20)
    strength = difference / RATING_PER_STRENGTH
    strengths = np.array([strength / 2, -strength / 2, *np.zeros(models - 2)])
    first, second = np.triu_indices(models, 1)
    expected = special.expit(strengths[first] - strengths[second])
    shares = np.column_stack(
        [expected - tie_rate / 2, 1 - expected - tie_rate / 2, np.full_like(expected, tie_rate)]
    )
    names = [f"m{n}" for n in range(models)]
    separated = 0
    for _ in range(rounds):
        drawn = rng.multinomial(rng.multinomial(votes, np.full(len(first), 1 / len(first))), shares)
        table = pd.DataFrame(
            {
                "model_a": np.repeat(np.array(names)[first], 3),
                "model_b": np.repeat(np.array(names)[second], 3),
                "winner": np.tile(["model_a", "model_b", "tie"], len(first)),
                "count": drawn.ravel(),
            }
        )
        comparisons = Comparisons.from_battles(table)
        fit = fit_bradley_terry(comparisons)
        covariance = sandwich(fit, comparisons)
        error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        separated += bool(fit.strengths[0] - fit.strengths[1] > 1.959964 * error)
    return separated / rounds


@pytest.mark.parametrize(
    ("difference", "tie_rate", "models", "power"),
    [(60.0, 0.35, 2, 0.8), (100.0, 0.0, 2, 0.9), (60.0, 0.3, 6, 0.8)],
)
def test_the_planned_votes_have_the_planned_power(
    difference: float, tie_rate: float, models: int, power: float
) -> None:
    votes = votes_to_separate(difference, tie_rate=tie_rate, models=models, power=power)
    rounds = 250
    reached = power_of(votes, difference=difference, tie_rate=tie_rate, models=models, rounds=rounds)
    assert reached == pytest.approx(power, abs=4 * np.sqrt(power * (1 - power) / rounds))


def test_without_ties_it_is_the_textbook_number() -> None:
    """Lachin's n = (z + z')^2 var / effect^2, the effect in log-odds by the delta method."""
    p = 1 / (1 + 10 ** (-50 / 400))
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    expected = z**2 / (p * (1 - p) * np.log(p / (1 - p)) ** 2)
    assert votes_to_separate(50, tie_rate=0) == int(np.ceil(expected))
    assert votes_to_separate(-50, tie_rate=0, design_effect=2) == int(np.ceil(2 * expected))


def test_more_claims_and_more_power_take_more_votes() -> None:
    plain = votes_to_separate(15)
    assert votes_to_separate(15, claims=10) > plain
    assert votes_to_separate(15, power=0.95) > plain
    assert votes_to_separate(15, confidence=0.99) > plain
    assert votes_to_separate(15, tie_rate=0.1) > plain


def test_a_plan_from_a_file_agrees_with_the_formula() -> None:
    table = battles(*[("x", "y", label) for label in ("model_a", "model_b", "tie")], count=[550, 350, 100])
    plan = separation_plan(Comparisons.from_battles(table), pairs=[("y", "x")]).iloc[0]
    assert (plan.better, plan.worse) == ("x", "y")
    assert plan.difference == pytest.approx(400 * np.log10(0.6 / 0.4))
    assert plan.tie_rate == pytest.approx(0.1)
    assert plan.design_effect == 1
    assert plan.votes_needed == votes_to_separate(plan.difference, tie_rate=0.1)
    assert plan.separated
    assert plan.direct_votes_needed == 0


def test_the_needed_votes_make_the_interval_as_narrow_as_planned() -> None:
    table = random_battles(60, models=5, rows=300).drop(columns="voter")
    comparisons = Comparisons.from_battles(table)
    plan = separation_plan(comparisons, pairs=[("m0", "m1"), ("m2", "m3")], confidence=0.9, power=0.9)
    target = plan.difference / (stats.norm.ppf(1 - 0.1 / 4) + stats.norm.ppf(0.9))
    factor = plan.votes_needed.astype(float) / comparisons.votes
    assert (plan.standard_error / np.sqrt(factor)).tolist() == pytest.approx(target.tolist(), rel=0.01)
    row = plan.iloc[0]
    a, b, more = row.better, row.worse, int(row.direct_votes_needed)
    share = special.expit(row.difference / RATING_PER_STRENGTH)
    labels = [(a, b, label) for label in ("model_a", "model_b", "tie")]
    wins = [share - row.tie_rate / 2, 1 - share - row.tie_rate / 2, row.tie_rate]
    added = battles(*labels, count=np.round(np.array(wins) * more).astype(int))
    after = Comparisons.from_battles(pd.concat([table.assign(count=1), added]))
    fit = fit_bradley_terry(after)
    covariance = sandwich(fit, after)
    i, j = fit.models.index(a), fit.models.index(b)
    error = RATING_PER_STRENGTH * np.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
    assert error == pytest.approx(target[0], rel=0.1)


def test_voters_who_repeat_themselves_take_more_votes() -> None:
    table = pd.concat([random_battles(61, rows=150).assign(voter=np.arange(150))] * 4)
    alone = separation_plan(Comparisons.from_battles(table), top=2)
    by_voter = separation_plan(Comparisons.from_battles(table, cluster="voter"), top=2)
    assert by_voter.design_effect.tolist() == pytest.approx([4, 4], rel=0.05)
    assert (by_voter.votes_needed / alone.votes_needed).astype(float).tolist() == pytest.approx(
        [4, 4], rel=0.05
    )


def test_the_top_of_the_board_in_order() -> None:
    comparisons = Comparisons.from_battles(random_battles(62))
    fit = fit_bradley_terry(comparisons)
    order = [fit.models[place] for place in np.argsort(-fit.strengths)]
    plan = separation_plan(comparisons, top=3)
    assert plan.better.tolist() == order[:3]
    assert plan.worse.tolist() == order[1:4]
    assert (plan.difference > 0).all()


def test_equal_models_are_never_told_apart() -> None:
    table = battles(("x", "y", "model_a"), ("y", "x", "model_a"))
    plan = separation_plan(Comparisons.from_battles(table), pairs=[("x", "y")]).iloc[0]
    assert pd.isna(plan.votes_needed)
    assert pd.isna(plan.direct_votes_needed)
    assert not plan.separated


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"difference": 0}, "difference is 0"),
        ({"difference": float("nan")}, "difference is nan"),
        ({"tie_rate": 1.0}, "tie_rate is 1.0: at a difference of 10 points it lies between 0 and 0.9712"),
        ({"models": 1}, "models is 1"),
        ({"design_effect": 0}, "design_effect is 0"),
        ({"confidence": 95}, "confidence is 95"),
        ({"power": 0.1}, "power is 0.1"),
        ({"claims": 0}, "claims is 0"),
        ({"claims": 10**18}, "claims is 1000000000000000000"),
        ({"claims": 10**400}, "claims is 1000000000000000000"),
        ({"claims": float("nan")}, "claims is nan"),
        ({"models": 10**400}, "models is 1000000000000000000"),
        ({"design_effect": 1e308}, "A difference of 10 points takes more than 1e.15 votes"),
        ({"difference": 1e-5}, "A difference of 1e-05 points takes more than 1e.15 votes"),
        ({"difference": 1e-200}, "A difference of 1e-200 points takes more than 1e.15 votes"),
        ({"difference": 5e-324}, "A difference of 4.94066e-324 points takes more than 1e.15 votes"),
        ({"difference": -1e5, "tie_rate": 0}, "A difference of -100000 points takes more than 1e.15 votes"),
    ],
)
def test_refuses_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        votes_to_separate(**{"difference": 10.0, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give pairs of models, or top"),
        ({"pairs": [("m0", "m0")]}, "'m0' cannot be told from itself"),
        ({"pairs": [("m0", "best")]}, "'best' has no rating on these votes; rated are 'm0'"),
        ({"top": 6}, "top is 6: of 6 rated models the best 1 to 5"),
        ({"top": 1, "confidence": 1}, "confidence is 1"),
    ],
)
def test_refuses_plans_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        separation_plan(Comparisons.from_battles(random_battles(63)), **options)


def test_needs_two_rated_models() -> None:
    with pytest.raises(EmptyComparisonsError, match="can be rated .'x': never lost; 'y': never won"):
        separation_plan(Comparisons.from_battles(battles(("x", "y", "model_a"))), pairs=[("x", "y")])


def test_a_difference_on_the_board_as_it_is() -> None:
    """On a balanced board of equal models the plan is the formula for a balanced board."""
    names = [f"m{n}" for n in range(5)]
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    rows = [(a, b, label) for a, b in pairs for label in ("model_a", "model_b", "tie")]
    table = battles(*rows, count=[30, 30, 40] * len(pairs))
    plan = difference_plan(Comparisons.from_battles(table), 10)
    assert (plan.models, plan.votes, plan.tie_rate, plan.design_effect) == (5, 1000, 0.4, pytest.approx(1))
    assert plan.direct_votes_needed == votes_to_separate(10, tie_rate=0.4)
    assert plan.votes_needed == pytest.approx(votes_to_separate(10, tie_rate=0.4, models=5), rel=0.01)


def test_two_models_take_no_fewer_votes_in_all_than_on_the_pair() -> None:
    table = battles(*[("x", "y", label) for label in ("model_a", "model_b", "tie")], count=[52, 48, 10])
    plan = difference_plan(Comparisons.from_battles(table), 200)
    assert plan.votes_needed >= plan.direct_votes_needed


def test_a_difference_with_voters_who_repeat_themselves() -> None:
    table = pd.concat([random_battles(64, rows=150).assign(voter=np.arange(150))] * 3)
    alone = difference_plan(Comparisons.from_battles(table), 15)
    by_voter = difference_plan(Comparisons.from_battles(table, cluster="voter"), 15)
    assert by_voter.design_effect == pytest.approx(3, rel=0.05)
    assert by_voter.votes_needed == pytest.approx(3 * alone.votes_needed, rel=0.05)
    assert by_voter.direct_votes_needed == pytest.approx(3 * alone.direct_votes_needed, rel=0.05)


def test_models_named_by_numbers_stay_numbers() -> None:
    table = random_battles(65)
    table = table.assign(model_a=table.model_a.str[1:].astype(int), model_b=table.model_b.str[1:].astype(int))
    plan = separation_plan(Comparisons.from_battles(table), pairs=[(3, 4)])
    assert {plan.better[0], plan.worse[0]} == {3, 4}
