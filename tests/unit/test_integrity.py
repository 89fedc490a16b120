"""The alarm on votes that do not count: quiet on quiet days, loud when the share jumps."""

from datetime import date, timedelta

import numpy as np
import pytest

from arena.integrity import BY_DESIGN, DAYS_COMPARED, LEVEL, SPOILED, VOTES_LEAST, Day, find_alarms
from arena.votes import NOT_COUNTED

FIRST = date(2026, 1, 1)


def days(*pairs: tuple[int, int]) -> list[Day]:
    """Days in a row, each of (spoiled, votes)."""
    return [
        Day(
            date=FIRST + timedelta(days=number),
            counted=votes - spoiled,
            reasons={"identity_revealed": spoiled} if spoiled else {},
        )
        for number, (spoiled, votes) in enumerate(pairs)
    ]


QUIET = [(10, 1000), (12, 1000), (8, 1000), (11, 1000)] * (DAYS_COMPARED // 4)


def test_every_reason_is_spoiled_or_by_design() -> None:
    assert {*SPOILED, *BY_DESIGN} == set(NOT_COUNTED)


def test_a_jump_is_found_with_what_it_was_set_against() -> None:
    found = find_alarms(days(*QUIET, (60, 1000), (0, 0)), [])
    assert [alarm.date for alarm in found] == [FIRST + timedelta(days=DAYS_COMPARED)]
    assert (found[0].spoiled, found[0].votes) == (60, 1000)
    assert found[0].votes_before == 1000 * DAYS_COMPARED
    assert found[0].p_value < LEVEL / 2


@pytest.mark.parametrize(
    "last",
    [
        (12, 1000),  # no higher than a day before
        (17, 1000),  # highest of all, but as chance would have it
        (10, VOTES_LEAST - 1),  # too few votes to judge
        (0, 0),
    ],
)
def test_nothing_is_said_without_a_jump(last: tuple[int, int]) -> None:
    assert find_alarms(days(*QUIET, last, (0, 0)), []) == []


def test_a_share_that_varies_from_day_to_day_anyway_raises_nothing() -> None:
    """Far beyond what independent votes would do, but no higher than one of the days before."""
    restless = [(10, 1000), (200, 1000), (5, 1000), (90, 1000)] * (DAYS_COMPARED // 4)
    assert find_alarms(days(*restless, (190, 1000), (0, 0)), []) == []


def test_too_short_a_past_says_nothing() -> None:
    past = [(0, 0)] * (DAYS_COMPARED - 6) + [(10, 1000)] * 6
    assert find_alarms(days(*past, (100, 1000), (0, 0)), []) == []
    past = [(0, 0)] * (DAYS_COMPARED - 7) + [(10, 1000)] * 7
    assert len(find_alarms(days(*past, (100, 1000), (0, 0)), [])) == 1


def test_votes_that_were_never_meant_to_count_are_no_alarm() -> None:
    ordinary = days(*QUIET, (10, 1000), (0, 0))
    ordinary[-2] = Day(
        date=ordinary[-2].date, counted=990, reasons={"simulated_voter": 50_000, "identity_revealed": 10}
    )
    assert find_alarms(ordinary, []) == []


def test_the_running_day_is_heard_before_it_is_over() -> None:
    today = [True] * 30 + [False] * 20
    found = find_alarms(days(*QUIET, (30, 50)), today)
    assert [(alarm.spoiled, alarm.votes) for alarm in found] == [(30, 50)]
    assert find_alarms(days(*QUIET, (30, 49)), today[:49]) == [], "49 votes are too few"


def test_false_alarms_keep_their_level_for_all_looks_together() -> None:
    """Independent votes of one share: the complete day and all looks at the running one, 4,000 days each."""
    rng = np.random.default_rng(11)
    wrong, rounds, share = 0, 4000, 0.03
    for _ in range(rounds):
        past = [(int(spoiled), 400) for spoiled in rng.binomial(400, share, DAYS_COMPARED)]
        today = rng.random(1600) < share
        complete = int(rng.binomial(1600, share)), 1600
        wrong += len(find_alarms(days(*past, complete, (0, 0)), [])) > 0
        wrong += len(find_alarms(days(*past, (int(today.sum()), 1600)), today)) > 0
    # At most LEVEL a day in all; 4,000 days may show so many by chance once in ten thousand runs.
    assert wrong <= LEVEL * rounds + 4 * (LEVEL * rounds) ** 0.5


def test_a_share_three_times_as_high_is_found_nearly_always() -> None:
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(200):
        past = [(int(spoiled), 400) for spoiled in rng.binomial(400, 0.03, DAYS_COMPARED)]
        today = rng.random(1000) < 0.09
        found += len(find_alarms(days(*past, (int(today.sum()), 1000)), today)) > 0
    assert found >= 195
