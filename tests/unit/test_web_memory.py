"""What the web processes remember stays within its limits, whoever asks at once and for whatever names."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from arena.changes import Said
from arena.db import Database
from arena.history import Day
from arena.web import board_history, change_reader, day_reader, snapshot_reader
from arena.web.board_history import BoardHistory
from arena.web.change_reader import ChangeReader
from arena.web.day_reader import DayReader
from arena.web.snapshot_reader import SnapshotReader
from tests.unit.test_board_page_cost import board_file


class Sessions:
    """Stands for a database whose reads the test puts in."""

    @asynccontextmanager
    async def sessions(self) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        yield


DATABASE = cast(Database, Sessions())
FIRST = date(2026, 1, 1)
DAYS = tuple(
    Day(
        date=FIRST + timedelta(days=number),
        snapshot=f"{number:064d}",
        generated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for number in range(4)
)


class Reads:
    """A file for some names; which snapshots were asked for."""

    def __init__(self, body: bytes, *names: str) -> None:
        self.body, self.names = body, names
        self.asked: list[tuple[str, str]] = []

    async def of_snapshots(self, session: Any, name: str, ids: Sequence[str]) -> dict[str, bytes]:
        self.asked += [(name, snapshot_id) for snapshot_id in ids]
        await asyncio.sleep(0)
        return {snapshot_id: self.body for snapshot_id in ids} if name in self.names else {}

    async def compressed(self, session: Any, name: str, snapshot_id: str) -> bytes:
        self.asked.append((name, snapshot_id))
        await asyncio.sleep(0)
        return self.body


def same(body: bytes) -> bytes:
    return body


async def test_invented_names_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(b"")
    monkeypatch.setattr(day_reader, "read_of_snapshots", reads.of_snapshots)
    monkeypatch.setattr(day_reader, "REMEMBERED_BYTES", 10_000)
    reader = DayReader(DATABASE)
    for number in range(20):
        assert await reader.of_days(f"{number}", same, DAYS) == []
    await reader.of_days("19", same, DAYS)
    assert len(reads.asked) == 80, "what is absent is remembered"
    await reader.of_days("0", same, DAYS)
    assert len(reads.asked) == 84, "but not for ever"


async def test_file_read_twice_at_once_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(b"x" * 1000, "board")
    monkeypatch.setattr(day_reader, "read_of_snapshots", reads.of_snapshots)
    monkeypatch.setattr(day_reader, "REMEMBERED_BYTES", 10_000)
    monkeypatch.setattr(snapshot_reader, "read_compressed", reads.compressed)
    monkeypatch.setattr(snapshot_reader, "REMEMBERED_BYTES", 10_000)
    days, snapshots = DayReader(DATABASE), SnapshotReader(DATABASE, 0)
    await asyncio.gather(*(days.of_days("board", same, DAYS[:1]) for _ in range(20)))
    await asyncio.gather(*(snapshots.compressed("board", "1") for _ in range(20)))
    await snapshots.compressed("other", "1")
    await days.of_days("board", same, DAYS)
    asked = len(reads.asked)
    await days.of_days("board", same, DAYS)
    await snapshots.compressed("board", "1")
    assert len(reads.asked) == asked


async def test_what_pages_show_stays_while_others_read_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(gzip.compress(b"{}"))
    monkeypatch.setattr(snapshot_reader, "read_compressed", reads.compressed)
    monkeypatch.setattr(snapshot_reader, "REMEMBERED_CONTENTS", 3)
    reader = SnapshotReader(DATABASE, 0)
    parsed: list[str] = []

    def page(body: bytes) -> int:
        parsed.append("page")
        return 7

    for number in range(9):
        assert await reader.parsed("shown", page, "1") == 7
        await reader.parsed(f"archive {number}", same, f"{number}")
        await reader.parsed(f"other {number % 2}", page, "1")
    assert len(parsed) == 3, "what was used last stays, whatever else is made of other files"


async def test_board_that_must_make_room_while_others_are_read_is_still_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = Reads(board_file("board", "Board"), "leaderboards/board.json")
    monkeypatch.setattr(board_history, "read_of_snapshots", reads.of_snapshots)
    monkeypatch.setattr(board_history, "REMEMBERED_BOARDS", 2)
    history = BoardHistory(DATABASE, DayReader(DATABASE))
    first, both = ({day.date: day.snapshot for day in DAYS[:number]} for number in (1, 2))
    await history.boards("board", first)
    _, found = await asyncio.gather(history.boards("absent", both), history.boards("board", both))
    assert [each.day for each in found] == list(both)


async def test_changes_that_must_make_room_are_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_reader, "read_said", said)
    monkeypatch.setattr(change_reader, "REMEMBERED", 1)
    reader = ChangeReader(DATABASE)
    await reader.of_days(DAYS[1:2], DAYS)
    _, found = await asyncio.gather(reader.of_days(DAYS[3:], DAYS), reader.of_days(DAYS[1:3], DAYS))
    assert [each["date"] for each in found] == [DAYS[2].date, DAYS[1].date]


async def test_changes_of_a_newer_snapshot_of_a_day_replace_those_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(change_reader, "read_said", said)
    reader = ChangeReader(DATABASE)
    for number in range(5):
        today = replace(DAYS[1], snapshot=f"{number}")
        (told,) = await reader.of_days([today], [DAYS[0], today])
        assert told["snapshot"] == today.snapshot
    assert len(reader._found) == 1


async def test_all_who_wait_for_a_database_that_hangs_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = []

    async def hang(session: object) -> None:
        looks.append(session)
        await asyncio.sleep(0.05)
        raise PoolTimeout("no connection")

    monkeypatch.setattr(snapshot_reader, "newest_snapshot", hang)
    reader = SnapshotReader(DATABASE, 1)
    told = await asyncio.gather(*(reader.newest() for _ in range(20)), return_exceptions=True)
    assert {type(error) for error in told} == {PoolTimeout}
    assert len(looks) == 1
    with pytest.raises(PoolTimeout):
        await reader.newest()
    assert len(looks) == 2, "who comes later looks again"


async def said(session: Any, days: Sequence[Day]) -> dict[str, Said]:
    """Every snapshot made by a version of its own, which is a change."""
    await asyncio.sleep(0)
    return {day.snapshot: Said(boards={}, method={}, code_version=day.snapshot) for day in days}
