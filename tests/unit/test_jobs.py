"""Periodic work: what takes long does not fill all the time."""

import asyncio

import pytest

from arena import jobs


@pytest.mark.parametrize(("took", "rest"), [(0.0, 0), (2.0, 0), (10.0, 15), (25.0, 45), (300.0, 55)])
async def test_a_job_that_takes_long_rests_for_longer(
    took: float, rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice its time between two rounds, a minute at most, of which `every` waits five seconds."""
    clock, rests = [0.0], []

    async def job() -> None:
        clock[0] += took

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(jobs, "monotonic", lambda: clock[0])
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await jobs.unhurried(5, job)()
    assert rests == [rest]


async def test_a_job_that_fails_is_tried_again_without_a_rest() -> None:
    async def job() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        await jobs.unhurried(5, job)()
