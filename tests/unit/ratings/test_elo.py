from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratings import InvalidOptionError
from ratings.elo import online_elo, order_sensitivity
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


def test_refuses_more_votes_than_can_be_walked() -> None:
    with pytest.raises(InvalidOptionError, match="walks through every single one"):
        online_elo(battles(("x", "y", "tie"), count=[10**12]))


def test_a_stake_beyond_any_sense_overflows_nothing() -> None:
    assert np.isfinite(online_elo(random_battles(53), k=1e9)).all()


@pytest.mark.usefixtures("numba")
def test_machine_code_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    table = random_battles(54, models=9, rows=60_000).assign(weight=0.7, count=1)
    machine = online_elo(table, k=7.3)
    monkeypatch.setenv("RATINGS_COMPILE", "0")
    assert online_elo(table, k=7.3).equals(machine)


def test_order_sensitivity_is_the_spread_over_shuffled_tables() -> None:
    table = random_battles(55, rows=60)
    spread = order_sensitivity(table, permutations=400, rng=np.random.default_rng(1), k=32).set_index("model")
    rng = np.random.default_rng(2)
    shuffled = [online_elo(table.iloc[rng.permutation(60)], k=32).sort_index() for _ in range(400)]
    played = pd.concat(shuffled, axis=1)
    expected = played.mean(axis=1)
    error = played.std(axis=1) / 20
    assert ((spread["mean"].sort_index() - expected).abs() < 5 * error).all()
    assert (spread.sd.sort_index() / played.std(axis=1)).between(0.8, 1.25).all()
    assert (spread.lowest < spread["mean"]).all()
    assert (spread.highest > spread["mean"]).all()
    assert (spread.best_rank <= spread.worst_rank).all()
    assert spread.best_rank.min() == 1
    assert spread.worst_rank.max() == 6


def test_order_sensitivity_knows_votes_not_rows() -> None:
    table = random_battles(56, rows=80)
    spread = order_sensitivity(table, permutations=5, rng=np.random.default_rng(1))
    for same in (table[::-1].reset_index(drop=True), mirrored(table)):
        pd.testing.assert_frame_equal(
            order_sensitivity(same, permutations=5, rng=np.random.default_rng(1)), spread, check_exact=True
        )


def test_a_single_vote_has_no_order() -> None:
    spread = order_sensitivity(battles(("x", "y", "model_a")), permutations=3, rng=np.random.default_rng(1))
    assert spread.sd.tolist() == [0, 0]
    assert spread["mean"].tolist() == [1002, 998]
    assert spread.best_rank.tolist() == [1, 2]


def test_a_larger_stake_spreads_more() -> None:
    table = random_battles(57)
    spread = order_sensitivity(table, permutations=50, rng=np.random.default_rng(1), k=[1, 16, 64])
    assert spread.k.tolist() == [1] * 6 + [16] * 6 + [64] * 6
    assert spread.groupby("k").sd.mean().is_monotonic_increasing


@pytest.mark.parametrize(
    ("permutations", "k"), [(1, 4.0), (5, [4.0, -1.0]), (5, float("inf")), (5, []), (5, None), (5, ["x"])]
)
def test_order_sensitivity_refuses_bad_options(permutations: int, k: Any) -> None:
    with pytest.raises(InvalidOptionError, match="permutations is 1|k is"):
        order_sensitivity(
            battles(("x", "y", "tie")), permutations=permutations, rng=np.random.default_rng(), k=k
        )


def test_order_sensitivity_knows_counts_and_weights() -> None:
    rows = [("x", "y", "model_a"), ("y", "z", "tie"), ("y", "x", "model_b"), ("x", "y", "model_a")]
    apart = battles(*rows, weight=[1.0, 1.0, 1.0, 0.5])
    counted = battles(rows[0], rows[1], rows[3], count=[2, 1, 1], weight=[1.0, 1.0, 0.5])
    pd.testing.assert_frame_equal(
        *(
            order_sensitivity(table, permutations=9, rng=np.random.default_rng(3), k=32)
            for table in (apart, counted)
        ),
        check_exact=True,
    )
