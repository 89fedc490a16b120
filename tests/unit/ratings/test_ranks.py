import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ratings import ranks_from_intervals

BOUNDS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=12)


@given(BOUNDS)
def test_equals_counting_pair_by_pair(bounds: list[list[int]]) -> None:
    lower = np.array([low for low, _ in bounds], dtype=float)
    upper = np.array([high for _, high in bounds], dtype=float)
    best, worst = ranks_from_intervals(lower, upper)
    for i in range(len(bounds)):
        assert best[i] == 1 + sum(lower[j] > upper[i] for j in range(len(bounds)))
        assert worst[i] == len(bounds) - sum(upper[j] < lower[i] for j in range(len(bounds)))


def test_touching_intervals_do_not_separate() -> None:
    best, worst = ranks_from_intervals(np.array([10.0, 5.0]), np.array([12.0, 10.0]))
    assert best.tolist() == [1, 1]
    assert worst.tolist() == [2, 2]


def test_an_unknown_interval_may_hold_any_rank() -> None:
    best, worst = ranks_from_intervals(np.array([-np.inf, 5.0, 1.0]), np.array([np.inf, 6.0, 2.0]))
    assert best.tolist() == [1, 1, 2]
    assert worst.tolist() == [3, 2, 3]
