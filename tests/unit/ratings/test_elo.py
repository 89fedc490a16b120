import pandas as pd
import pytest

from ratings import InvalidOptionError, online_elo
from tests.unit.ratings.tables import battles, mirrored, random_battles

OUTCOME = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "both_bad": 0.5}


def elo_slowly(table: pd.DataFrame, k: float) -> dict[str, float]:
    """Follow the textbook rule row by row."""
    scores = dict.fromkeys(sorted({*table.model_a, *table.model_b}), 1000.0)
    for a, b, winner in zip(table.model_a, table.model_b, table.winner, strict=True):
        q_a, q_b = 10 ** (scores[a] / 400), 10 ** (scores[b] / 400)
        scores[a] += k * (OUTCOME[winner] - q_a / (q_a + q_b))
        scores[b] += k * ((1 - OUTCOME[winner]) - q_b / (q_a + q_b))
    return scores


@pytest.mark.parametrize("k", [4.0, 32.0])
def test_equals_the_textbook_rule(k: float) -> None:
    table = random_battles(50)
    assert online_elo(table, k=k).to_dict() == pytest.approx(elo_slowly(table, k), abs=1e-9)


def test_highest_first_and_centred() -> None:
    ratings = online_elo(random_battles(51))
    assert ratings.is_monotonic_decreasing
    assert ratings.mean() == pytest.approx(1000)


def test_sides_do_not_matter_but_order_does() -> None:
    table = random_battles(52)
    ratings = online_elo(table).to_dict()
    assert online_elo(mirrored(table)).to_dict() == pytest.approx(ratings, abs=1e-9)
    assert online_elo(table[::-1]).to_dict() != pytest.approx(ratings, abs=1e-3)


def test_count_repeats_and_weight_scales_the_stake() -> None:
    once = ("x", "y", "model_a")
    assert online_elo(battles(once, count=[3])).equals(online_elo(battles(once, once, once)))
    assert online_elo(battles(once, weight=[2.0]), k=4).equals(online_elo(battles(once), k=8))


def test_no_battles_give_no_ratings() -> None:
    assert online_elo(battles()).empty


def test_refuses_a_bad_stake() -> None:
    with pytest.raises(InvalidOptionError, match="k is 0"):
        online_elo(battles(("x", "y", "tie")), k=0)
