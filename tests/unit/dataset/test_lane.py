"""Work in a lane: in its order, few pieces ahead, and nothing done after a failure."""

import time
from threading import Event

import pytest

from arena.dataset.lane import Lane


def test_work_is_done_in_its_order_and_before_the_lane_is_left() -> None:
    done: list[int] = []
    with Lane() as lane:
        for number in range(100):
            lane.submit(done.append, number)
    assert done == [*range(100)]


def test_who_makes_more_than_may_wait_waits() -> None:
    made: list[int] = []
    ahead: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.001)
        ahead.append(len(made) - number)

    with Lane(behind=2) as lane:
        for number in range(50):
            lane.submit(work, number)
            made.append(number)
    assert max(ahead) <= 2


@pytest.mark.parametrize("more", [0, 20])
def test_what_fails_is_raised_while_more_is_made_or_at_the_end(more: int) -> None:
    done: list[int] = []

    def make() -> None:
        with Lane() as lane:
            lane.submit(_fail)
            for number in range(more):
                lane.submit(done.append, number)

    with pytest.raises(OSError, match="disk is full"):
        make()
    assert len(done) < 20


def test_what_waits_is_dropped_when_its_maker_fails() -> None:
    started = Event()
    done: list[int] = []

    def first() -> None:
        started.set()
        time.sleep(0.5)
        done.append(1)

    def make() -> None:
        with Lane() as lane:
            lane.submit(first)
            lane.submit(done.append, 2)
            started.wait(10)
            raise KeyError

    with pytest.raises(KeyError):
        make()
    assert done == [1]


def test_nothing_is_done_behind_what_fails_at_the_end() -> None:
    done: list[int] = []

    def fail_slowly() -> None:
        time.sleep(0.5)
        raise OSError("disk is full")

    def make() -> None:
        with Lane(behind=10) as lane:
            lane.submit(fail_slowly)
            for number in range(5):
                lane.submit(lambda number=number: (time.sleep(0.2), done.append(number)))

    with pytest.raises(OSError, match="disk is full"):
        make()
    assert len(done) <= 1  # one may have begun before the failure was seen


def _fail() -> None:
    raise OSError("disk is full")
