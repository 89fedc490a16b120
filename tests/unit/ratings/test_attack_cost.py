from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratings import Comparisons, InvalidOptionError, fit_bradley_terry, simulate
from ratings.attack_cost import cost_to_move_rank
from ratings.attackers import target_only
from ratings.influence import votes_to_flip


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(51)
    strengths = simulate.simulate_strengths(rng, models=12, spread=0.4)
    return simulate.simulate_battles(rng, strengths=strengths, battles=20_000)


@pytest.fixture(scope="module")
def board(table: pd.DataFrame) -> Comparisons:
    return Comparisons.from_battles(table)


def ranking(comparisons: Comparisons) -> list[str]:
    return [comparisons.models[place] for place in np.argsort(-fit_bradley_terry(comparisons).strengths)]


def with_votes(table: pd.DataFrame, model: str, votes: float, *, wins: bool) -> Comparisons:
    """Add so many votes on the model, spread over all others."""
    others = sorted({*table.model_a} - {model})
    added = pd.DataFrame(
        {
            "model_a": model,
            "model_b": others,
            "winner": "model_a" if wins else "model_b",
            "weight": votes / len(others),
        }
    )
    return Comparisons.from_battles(pd.concat([table.assign(weight=1.0), added]))


@pytest.mark.parametrize("places", [1, 3, -2])
def test_the_votes_reach_the_rank_and_one_fewer_does_not(
    table: pd.DataFrame, board: Comparisons, places: int
) -> None:
    model = ranking(board)[5]
    found = cost_to_move_rank(board, model, places)
    assert (found.rank, found.new_rank) == (6, 6 - places)
    after, before = (
        ranking(with_votes(table, model, votes, wins=places > 0)).index(model) + 1
        for votes in (found.votes, found.votes - 1)
    )
    assert after == 6 - places
    assert before != after


@pytest.mark.parametrize("model", ["m0", "m1", "m2", "m3"])
@pytest.mark.parametrize("places", [1, -1, 2, -2])
def test_models_that_are_exactly_level_can_be_passed(model: str, places: int) -> None:
    """m0 and m1 have the same record and stand before m2 and m3, which have the same record as well."""
    names = [f"m{number}" for number in range(4)]
    counts = [[9, 9, 2, 0], *[[20, 10, 0, 0]] * 4, [6, 6, 3, 0]]
    level = Comparisons.from_counts(names, [0, 0, 0, 1, 1, 2], [1, 2, 3, 2, 3, 3], counts)
    if places == (2 if model < "m2" else -2):
        with pytest.raises(InvalidOptionError, match="places is"):
            cost_to_move_rank(level, model, places)
        return
    found = cost_to_move_rank(level, model, places, cap=1)
    assert abs(found.new_rank - found.rank) >= abs(places)
    if abs(places) == 1:
        # Past the twin, who counts as ahead on the way up and as behind on the way down.
        assert (found.votes, found.accounts_choosing_pairs) == (1, 1)
    else:
        assert found.votes >= found.accounts_choosing_pairs > 1


def test_the_price_adds_up(board: Comparisons) -> None:
    model = ranking(board)[5]
    found = cost_to_move_rank(
        board, model, 2, cap=15, accuracy=0.8, account_cost=2.0, interaction_cost=0.1, detector_cost=440.0
    )
    assert found.interactions == np.ceil(found.votes * 12 / 2 / 0.8)
    assert found.accounts == np.ceil(found.votes / 15)
    assert found.cost == pytest.approx(found.accounts * 2 + found.interactions * 0.1 + 440)
    passed = votes_to_flip(board, ranking(board)[3], model)
    assert found.accounts_choosing_pairs == np.ceil(passed.adds.votes / 15)
    assert found.accounts_choosing_pairs <= found.accounts


def test_a_simulated_attack_of_this_size_gains_the_places(table: pd.DataFrame, board: Comparisons) -> None:
    model = ranking(board)[7]
    found = cost_to_move_rank(board, model, 3, accuracy=1.0)
    rng = np.random.default_rng(52)
    # A fifth more battles than it takes on average, as the opponents come by chance.
    mixed = target_only(rng, table, target=model, interactions=int(found.interactions * 1.2), accuracy=1.0)
    assert ranking(Comparisons.from_battles(mixed)).index(model) + 1 <= found.new_rank


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "q"}, "'q' is not among"),
        ({"places": 0}, "places is 0"),
        ({"places": 12}, "can gain"),
        ({"places": -12}, "or lose"),
        ({"cap": 0}, "cap is 0"),
        ({"accuracy": 0.0}, "accuracy is 0.0"),
        ({"account_cost": -1.0}, "A cost is -1.0"),
    ],
)
def test_refuses_what_makes_no_sense(board: Comparisons, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        cost_to_move_rank(board, **{"model": "model-003", **options})
