from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratings import (
    RATING_PER_STRENGTH,
    Comparisons,
    InvalidOptionError,
    SeparableComparisonsError,
    attackers,
    fit_bradley_terry,
    simulate,
)
from tests.unit.ratings.tables import battles

Attack = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def honest() -> pd.DataFrame:
    """The published setting: 50 models, about 3 rating points apart in the middle, and 200,000 honest votes."""
    rng = np.random.default_rng(41)
    strengths = simulate.simulate_strengths(rng, models=50, spread=0.4)
    return simulate.simulate_battles(rng, strengths=strengths, battles=200_000)


@pytest.fixture(scope="module")
def target(honest: pd.DataFrame) -> str:
    """A model in the middle of the board."""
    fit = fit_bradley_terry(Comparisons.from_battles(honest))
    return str(fit.models[np.argsort(-fit.strengths)[25]])


def run(attack: Attack, table: pd.DataFrame, seed: int = 42, **options: Any) -> pd.DataFrame:
    """Return the attacker's votes alone, after checking that the honest ones are as they were."""
    mixed = attack(np.random.default_rng(seed), table, **options)
    pd.testing.assert_frame_equal(mixed[: len(table)].drop(columns="attacker"), table)
    assert not mixed.attacker[: len(table)].any()
    assert mixed.attacker[len(table) :].all()
    return mixed[len(table) :]


def displacement(table: pd.DataFrame, votes: pd.DataFrame, target: str) -> tuple[int, float]:
    """Places and rating points that these votes gain."""
    before, after = (
        fit_bradley_terry(Comparisons.from_battles(part)) for part in (table, pd.concat([table, votes]))
    )
    place = before.models.index(target)
    ranks = [int((fit.strengths > fit.strengths[place]).sum()) for fit in (before, after)]
    gain = RATING_PER_STRENGTH * float(after.strengths[place] - before.strengths[place])
    return ranks[0] - ranks[1], gain


def votes_for(votes: pd.DataFrame, target: str) -> pd.Series:
    a_wins, b_wins = votes.winner == "model_a", votes.winner == "model_b"
    return ((votes.model_a == target) & a_wins) | ((votes.model_b == target) & b_wins)


def involves(votes: pd.DataFrame, target: str) -> pd.Series:
    return (votes.model_a == target) | (votes.model_b == target)


def test_a_sure_target_only_attacker_votes_for_the_target_and_nothing_else(
    honest: pd.DataFrame, target: str
) -> None:
    votes = run(attackers.target_only, honest, target=target, interactions=10_000, accuracy=1.0)
    assert votes_for(votes, target).all()
    # The target takes part in 2 of 50 battles; standard deviation 20.
    assert len(votes) == pytest.approx(400, abs=80)


def test_the_classifier_errs_as_often_as_asked(honest: pd.DataFrame, target: str) -> None:
    votes = run(attackers.target_only, honest, target=target, interactions=10_000, accuracy=0.9)
    present = involves(votes, target)
    # Of 400 battles with the target 90 % are recognised as its own; elsewhere two answers can be mistaken for it.
    assert votes_for(votes, target).sum() == pytest.approx(400 * 0.9 * 0.95, abs=60)
    assert (~present).sum() == pytest.approx(9600 * (1 - 0.9**2), abs=120)


@pytest.mark.parametrize("otherwise", ["random", "tie", "copy"])
def test_what_it_does_where_the_target_is_absent(honest: pd.DataFrame, target: str, otherwise: Any) -> None:
    votes = run(
        attackers.target_only,
        honest,
        target=target,
        interactions=4000,
        accuracy=1.0,
        otherwise=otherwise,
    )
    present = involves(votes, target)
    assert len(votes) == 4000
    assert votes_for(votes[present], target).all()
    rest = votes[~present]
    if otherwise == "tie":
        assert (rest.winner == "tie").all()
    elif otherwise == "random":
        shares = rest.winner.value_counts(normalize=True)
        assert set(shares.index) == {"model_a", "model_b", "tie"}
        assert shares.to_numpy() == pytest.approx(1 / 3, abs=0.03)
    else:
        fit = fit_bradley_terry(Comparisons.from_battles(honest))
        rating = pd.Series(fit.strengths, index=pd.Index(fit.models))
        better = np.where(rest.model_a.map(rating) > rest.model_b.map(rating), "model_a", "model_b")
        assert (rest.winner == better).all()


def test_accounts_are_left_after_their_votes(honest: pd.DataFrame) -> None:
    votes = run(attackers.random_buttons, honest, votes=95, votes_per_account=10)
    assert votes.voter.value_counts().tolist() == [10] * 9 + [5]
    assert not set(votes.voter) & set(honest.voter)


def test_sybils_vote_once_each_and_always_for_the_target(honest: pd.DataFrame, target: str) -> None:
    votes = run(attackers.sybils, honest, target=target, votes=1000)
    assert len(votes) == 1000
    assert votes.voter.is_unique
    assert votes_for(votes, target).all()


def test_random_buttons_and_always_left(honest: pd.DataFrame, target: str) -> None:
    pressed = run(attackers.random_buttons, honest, votes=8000).winner.value_counts(normalize=True)
    assert pressed.to_numpy() == pytest.approx(0.25, abs=0.02)
    left = run(attackers.always_left, honest, votes=8000)
    assert (left.winner == "model_a").all()
    # Neither is for anyone: what they move is noise.
    assert abs(displacement(honest, left, target)[1]) < 5


def test_forced_votes_move_the_target_as_published(honest: pd.DataFrame, target: str) -> None:
    """Published for 240,000 honest votes: 1,000 sybils +9.1 places, +31.0 points; 2,000 +12.5, +56.8."""
    gains = {
        votes: displacement(honest, run(attackers.sybils, honest, target=target, votes=votes), target)
        for votes in (1000, 2000)
    }
    # A sixth fewer honest votes, so a fifth more points.
    assert gains[1000][1] == pytest.approx(31.0 * 1.2, rel=0.15)
    assert gains[2000][1] == pytest.approx(56.8 * 1.2, rel=0.15)
    assert gains[1000][0] >= 7


def test_the_omnipresent_attack_gains_more_places_from_as_many_battles(
    honest: pd.DataFrame, target: str
) -> None:
    """Published for 10,000 interactions: +9.0 places, +14.5 points."""
    gains = np.array(
        [
            [
                displacement(honest, run(attack, honest, seed, target=target, interactions=10_000), target)
                for attack in (attackers.target_only, attackers.omnipresent)
            ]
            for seed in range(2)
        ]
    ).mean(axis=0)
    (target_places, target_points), (places, points) = gains
    assert places > target_places
    assert places == pytest.approx(9, abs=3)
    assert points == pytest.approx(14.5, abs=5)
    assert points > target_points - 3


def test_the_omnipresent_attacker_also_votes_against_the_rival(honest: pd.DataFrame, target: str) -> None:
    votes = run(attackers.omnipresent, honest, target=target, interactions=500, accuracy=1.0)
    assert len(votes) == 500
    assert votes_for(votes, target).equals(involves(votes, target))
    fit = fit_bradley_terry(Comparisons.from_battles(honest))
    rival = fit.models[np.argsort(-fit.strengths)[24]]
    assert not votes_for(votes, rival).any()
    assert involves(votes, rival).sum() > 5


def test_a_leader_under_attack_keeps_down_the_second(honest: pd.DataFrame) -> None:
    fit = fit_bradley_terry(Comparisons.from_battles(honest))
    leader, second = (fit.models[place] for place in np.argsort(-fit.strengths)[:2])
    votes = run(attackers.omnipresent, honest, target=leader, interactions=500, accuracy=1.0)
    assert not votes_for(votes, second).any()


def test_the_same_generator_gives_the_same_attack(honest: pd.DataFrame, target: str) -> None:
    options = {"target": target, "interactions": 1000}
    first, again = (run(attackers.omnipresent, honest, **options) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_counts_and_weights_are_one_for_the_attacker() -> None:
    table = battles(
        ("x", "y", "model_a"), ("y", "x", "model_a"), count=[3, 4], weight=[0.5, 0.5], note=["", ""]
    )
    mixed = attackers.always_left(np.random.default_rng(43), table, votes=4)
    attack = mixed[mixed.attacker]
    assert (attack["count"] == 1).all()
    assert (attack["weight"] == 1).all()
    assert attack["note"].isna().all()
    assert Comparisons.from_battles(mixed).votes == 11


@pytest.mark.parametrize("numbered", [False, True])
def test_one_attack_after_another(numbered: bool) -> None:
    """Both are marked, from accounts of their own, with models and voters named by numbers as well."""
    table = simulate.simulate_battles(
        np.random.default_rng(46), strengths={"1": 0.5, "2": 0.0, "3": 0.2}, battles=300
    )
    target = table.model_a[0]
    if numbered:
        voter = table.voter.str.removeprefix("voter-").astype(np.int64)
        table = table.astype({"model_a": np.int64, "model_b": np.int64}).assign(voter=voter)
        target = int(target)
    once = attackers.sybils(np.random.default_rng(47), table, target=target, votes=30)
    twice = attackers.omnipresent(np.random.default_rng(48), once, target=target, interactions=50)
    third = attackers.always_left(np.random.default_rng(49), twice, votes=10)
    pd.testing.assert_frame_equal(third[: len(twice)], twice)
    assert third.attacker.sum() == 30 + 50 + 10
    assert third.dtypes[table.columns].equals(table.dtypes)
    accounts = third[third.attacker].voter
    assert accounts.value_counts().tolist() == [20, 20, 10, 10] + [1] * 30
    assert not set(accounts) & set(table.voter)
    assert Comparisons.from_battles(third, cluster="voter").votes == 390


def test_no_votes_add_nothing(honest: pd.DataFrame, target: str) -> None:
    assert len(run(attackers.sybils, honest, target=target, votes=0)) == 0
    assert len(run(attackers.omnipresent, honest, target=target, interactions=0)) == 0


@pytest.mark.parametrize(
    ("attack", "options", "message"),
    [
        (attackers.target_only, {"target": "q", "interactions": 1}, "target is 'q'"),
        (attackers.target_only, {"target": "x", "interactions": -1}, "interactions is -1"),
        (attackers.target_only, {"target": "x", "interactions": 1, "accuracy": 1.2}, "accuracy is 1.2"),
        (
            attackers.target_only,
            {"target": "x", "interactions": 1, "otherwise": "skip"},
            "otherwise is 'skip'",
        ),
        (attackers.omnipresent, {"target": "x", "interactions": 1, "refit_every": 0}, "refit_every is 0"),
        (attackers.sybils, {"target": "x", "votes": -1}, "votes is -1"),
        (attackers.always_left, {"votes": 1, "votes_per_account": 0}, "votes_per_account is 0"),
    ],
)
def test_refuses_options_out_of_range(attack: Attack, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        attack(np.random.default_rng(44), battles(("x", "y", "model_a")), **options)


def test_says_why_a_board_cannot_be_copied() -> None:
    undefeated = battles(("x", "y", "model_a"))
    with pytest.raises(SeparableComparisonsError, match="never lose or tie"):
        attackers.target_only(
            np.random.default_rng(45), undefeated, target="x", interactions=1, otherwise="copy"
        )
