"""The votes that model pages show are counted behind the visitors' backs."""

import asyncio
from datetime import UTC, datetime
from typing import cast

import pytest

from arena import activity
from arena.activity import Activity, ModelActivity
from arena.db import Database


class Counts:
    """Stands for the count of all votes: one at a time, each as long as the test lets it run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ModelActivity, "_count", self._count)
        monkeypatch.setattr(activity, "FRESH_SECONDS", 0)
        self.newest, self.begun, self.fails = "1", 0, False
        self.let_run = asyncio.Event()

    async def _count(self) -> Activity:
        self.begun += 1
        await self.let_run.wait()
        if self.fails:
            raise ConnectionError("the database is away")
        return Activity(snapshot=self.newest, generated_at=datetime.now(UTC), votes={}, field_style={})


async def test_first_count_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, votes = Counts(monkeypatch), ModelActivity(cast(Database, None))
    reading = asyncio.gather(*(votes.read("1") for _ in range(5)))
    await asyncio.sleep(0)
    counts.let_run.set()
    assert {it.snapshot for it in await reading} == {"1"}
    assert counts.begun == 1
    await votes.read("1")
    await asyncio.sleep(0)
    assert counts.begun == 1, "the same snapshot is not counted again"


async def test_nobody_waits_while_a_newer_snapshot_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, votes = Counts(monkeypatch), ModelActivity(cast(Database, None))
    counts.let_run.set()
    await votes.read("1")
    counts.let_run.clear()
    counts.newest = "2"
    for _ in range(5):
        async with asyncio.timeout(1):
            assert (await votes.read("2")).snapshot == "1"
        await asyncio.sleep(0)
    assert counts.begun == 2, "one count at a time"
    counts.let_run.set()
    await settle(votes)
    assert (await votes.read("2")).snapshot == "2"


async def test_count_that_fails_leaves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, votes = Counts(monkeypatch), ModelActivity(cast(Database, None))
    counts.let_run.set()
    await votes.read("1")
    counts.newest, counts.fails = "2", True
    await votes.read("2")
    await settle(votes)
    counts.fails = False
    assert (await votes.read("2")).snapshot == "1"
    await settle(votes)
    assert (await votes.read("2")).snapshot == "2"


async def settle(votes: ModelActivity) -> None:
    """Wait for the count in the background."""
    assert votes._anew is not None
    await votes._anew
