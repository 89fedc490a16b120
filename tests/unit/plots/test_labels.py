"""Labels stay apart, inside, in order, and as near as can be; long names are cut in the middle."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from arena.web.plots.labels import ELLIPSIS, place_labels, shorten, text_width

WANTED = st.lists(st.floats(0, 400), max_size=12)


@given(WANTED)
def test_labels_stay_apart_inside_and_in_order(wanted: list[float]) -> None:
    placed = place_labels(wanted, gap=18, low=0, high=400)
    assert all(-1e-9 <= position <= 400 + 1e-9 for position in placed)
    assert all(later - earlier >= 18 - 1e-6 for earlier, later in pairwise(sorted(placed)))
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    assert order == sorted(range(len(wanted)), key=lambda index: placed[index])


@given(WANTED)
def test_labels_are_as_near_as_can_be(wanted: list[float]) -> None:
    """Against scipy's isotonic regression, in bounds so wide that they do not bind."""
    placed = place_labels(wanted, gap=18, low=-1e4, high=1e4)
    if wanted:
        rungs = 18 * np.arange(len(wanted))
        best = isotonic_regression(np.sort(wanted) - rungs).x + rungs
        assert sorted(placed) == pytest.approx(best, abs=1e-6)


def test_labels_that_do_not_touch_do_not_move() -> None:
    assert place_labels([300, 20, 100], gap=18, low=0, high=400) == [300, 20, 100]


def test_labels_that_touch_share_the_way() -> None:
    assert place_labels([100, 100, 109], gap=18, low=0, high=400) == [85, 103, 121]
    assert place_labels([398, 399], gap=18, low=0, high=400) == [382, 400]


def test_too_many_labels_stand_closer() -> None:
    assert place_labels([5.0] * 11, gap=18, low=0, high=100) == pytest.approx([10.0 * it for it in range(11)])


@given(st.text(max_size=60), st.floats(30, 300))
def test_a_shortened_text_fits(text: str, width: float) -> None:
    cut = shorten(text, width, 13)
    assert text_width(cut, 13) <= width
    assert cut == text or ELLIPSIS in cut


def test_a_name_that_fits_is_not_cut() -> None:
    assert shorten("heron-large", 200, 13) == "heron-large"


def test_long_names_keep_both_ends() -> None:
    cut = shorten("heron-instruct-with-a-very-long-name-2024-08-06", 150, 13)
    assert cut.startswith("heron-")
    assert cut.endswith("-08-06")
    assert cut.count(ELLIPSIS) == 1


def test_wide_and_invisible_letters_count_as_such() -> None:
    assert text_width("中文", 10) > text_width("ab", 10) > text_width("il", 10)
    assert text_width("e\u0301", 10) == text_width("e", 10)
