"""The benchmark's own parts: what it asks of `ratings`, what stands for FastChat, and how goals are judged."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.ratings import fastchat_definition, referee
from benchmarks.ratings.contestants import ours
from benchmarks.ratings.races import FIRST_RUNS, GOAL_SIZE, RACES
from benchmarks.ratings.results import Result
from benchmarks.ratings.synthetic_votes import write_votes
from benchmarks.ratings.votes import FEATURES, Votes


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Votes:
    path = tmp_path_factory.mktemp("votes") / "votes.arrow"
    write_votes(path, votes=20_000, models=6, seed=1)
    return Votes(path)


@pytest.fixture(scope="module")
def exact(votes: Votes) -> dict[str, referee.Exact]:
    return {"plain": referee.bradley_terry(votes.counts), "style": referee.style_controlled(votes)[0]}


def apart(found: dict[str, float], exact: dict[str, float]) -> float:
    """Largest difference with the mean taken out of both."""
    difference = np.array([found[name] - value for name, value in exact.items()])
    return float(np.abs(difference - difference.mean()).max())


@pytest.mark.parametrize("name", sorted({race.ours for race in RACES}))
def test_what_is_asked_of_ratings_is_answered(
    votes: Votes, exact: dict[str, referee.Exact], name: str
) -> None:
    operation = ours.OPERATIONS[name]
    answer = operation.answer(operation.run(operation.prepare(votes)))
    assert answer.ratings.keys() == exact["plain"].ratings.keys()
    if name in ("elo", "davidson") or "bootstraps" in name:
        assert apart(dict(answer.ratings), exact["plain"].ratings) < 300
        return
    truth = exact["style" if name == "style" else "plain"]
    assert apart(dict(answer.ratings), truth.ratings) < 1e-6
    if answer.half_widths and "voter" not in name:
        assert answer.half_widths == pytest.approx(truth.half_widths, rel=1e-6)


def test_the_operations_of_all_races_exist() -> None:
    assert {race.ours for race in (*RACES, *FIRST_RUNS)} <= ours.OPERATIONS.keys()


def test_the_definition_of_fastchat_comes_near_the_exact_answer(
    votes: Votes, exact: dict[str, referee.Exact]
) -> None:
    plain = fastchat_definition.bradley_terry(votes.battles)
    assert apart(plain.to_dict(), exact["plain"].ratings) < 0.05
    styled = votes.style_differences
    ratings, _ = fastchat_definition.style_controlled(styled, styled[list(FEATURES)].to_numpy())
    assert apart(ratings.to_dict(), exact["style"].ratings) < 0.5  # its penalty


def test_goals_are_judged_by_the_median_of_the_rounds_and_only_at_their_size() -> None:
    (race,) = [race for race in RACES if race.what == "one board from kept counts"]
    assert race.goals(*GOAL_SIZE) == (300, 0.010)
    assert race.goals(10_000_000, 100) == (0.0, 0.010)
    assert race.goals(10_000_000, 250) == (0.0, 0.0)
    result = Result(
        what="", votes=1, models=2, unit="s", ours=(1.0, 2.0, 4.0), peer=(10.0, 40.0, 40.0), ratio_at_least=10
    )
    assert result.ratio == 10
    assert result.reached
    assert replace(result, peer=(10.0, 40.0)).ratio == 10
    assert replace(result, peer=(40.0,)).ratio == 20
    assert replace(result, ours=(4.0,)).ratio == 10
