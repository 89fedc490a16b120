"""Answers of the feed from memory: the same as the routes give, on every kind of connection, and never too old."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from arena import snapshots
from arena.db import Database
from arena.tables import Snapshot
from arena.web.feed_fast import FeedProtocol
from arena.web.feed_held import Answer
from tests.integration.conftest import StartArena
from tests.integration.serving import Serving
from tests.integration.test_boards import VOTES, import_text

PATH = "/feed/v1/leaderboards/imported.json"
MORE = "".join(f"y,z,tie,{number}\n" for number in range(9))


@pytest.fixture
async def arena(start_arena: StartArena, database: Database, tmp_path: Path) -> Serving:
    """An arena with an imported board, whose newest snapshot stays known for long."""
    await import_text(database, tmp_path, VOTES)
    await snapshots.fit(database)
    return await start_arena(feed_seconds=600)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Answer]]:
    """What the protocol answered by itself."""
    answers: list[Answer] = []
    write = FeedProtocol._write

    def noted(protocol: FeedProtocol, answer: Answer) -> None:
        answers.append(answer)
        write(protocol, answer)

    monkeypatch.setattr(FeedProtocol, "_write", noted)
    return answers


class Wire:
    """A connection on which bytes are sent as they are written here."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *requests: bytes) -> None:
        self.writer.write(b"".join(requests))
        await self.writer.drain()

    async def answer(self, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(10):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
            length = 0 if head else int(headers.get("content-length", 0))
            return int(lines[0].split()[1]), headers, await self.reader.readexactly(length)


@asynccontextmanager
async def connected(arena: Serving) -> AsyncIterator[Wire]:
    host, port = arena.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    yield Wire(reader, writer)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def request(path: str = PATH, method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: here"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("path", [PATH, PATH.replace("json", "csv"), "/feed/v1/pairs/imported.json"])
async def test_memory_says_what_the_route_said(
    arena: Serving, written: list[Answer], path: str, accepted: str
) -> None:
    async with connected(arena) as wire:
        asked = request(path, Accept_Encoding=accepted)
        await wire.send(asked)
        status, headers, body = await wire.answer()
        assert (status, written) == (200, []), "the first answer is the route's"
        for turn in range(3):  # found by address, then known by its bytes
            await wire.send(asked)
            again = await wire.answer()
            assert len(written) == turn + 1
            assert (again[0], again[2]) == (200, body)
            assert again[1].pop("x-request-id") != headers["x-request-id"]
            same = {name: value for name, value in headers.items() if name not in ("x-request-id", "date")}
            assert {name: value for name, value in again[1].items() if name != "date"} == same
        await wire.send(request(path, "HEAD", Accept_Encoding=accepted))
        assert (await wire.answer(head=True))[1]["content-length"] == str(len(body))
        for condition in (
            {"If_None_Match": headers["etag"]},
            {"If_Modified_Since": headers["last-modified"]},
        ):
            await wire.send(request(path, Accept_Encoding=accepted, **condition) * 2)
            for _ in range(2):
                status, said, body = await wire.answer()
                assert (status, body) == (304, b"")
                assert said["etag"] == headers["etag"]
                assert "content-length" not in said
                assert "content-security-policy" in said
        assert len(written) == 3 + 1 + 4


async def test_many_requests_at_once_are_answered_in_their_order(
    arena: Serving, written: list[Answer]
) -> None:
    paths = [PATH, "/livez", PATH, PATH, "/feed/v1/index.json", PATH, "/livez"]
    async with connected(arena) as wire:
        for _ in range(2):
            await wire.send(*map(request, paths))
            kinds = [(await wire.answer())[2][:60] for _ in paths]
            assert [b"leaderboard.json" in kind for kind in kinds] == [path == PATH for path in paths]
        held = len(written)
        assert held
        await wire.send(request()[:20])
        await asyncio.sleep(0.1)
        await wire.send(request()[20:], request())
        assert [(await wire.answer())[0] for _ in range(2)] == [200, 200]
        assert len(written) == held + 2


async def test_unusual_requests_go_the_long_way(arena: Serving, written: list[Answer]) -> None:
    async with arena.client() as program:
        await program.get(PATH)
        await program.get(PATH)
    assert len(written) == 1
    for asked in (
        request(version="1.0"),
        request(Connection="close"),
        request(PATH + "?x=1"),
        request(PATH.replace("imported", "%69mported")),
        request(Content_Length="2") + b"{}",
        request("/feed/v1/leaderboards/none.json"),
        request(method="POST"),
    ):
        async with connected(arena) as wire:
            await wire.send(asked)
            status, headers, _ = await wire.answer()
            assert status == (404 if b"none" in asked else 405 if asked.startswith(b"POST") else 200)
            assert headers["x-request-id"]
    assert len(written) == 1


async def test_every_answer_is_measured_once(arena: Serving, written: list[Answer]) -> None:
    def measured(status: int) -> float:
        labels = {"method": "GET", "status": str(status)}
        return REGISTRY.get_sample_value("arena_request_seconds_count", labels) or 0

    async with arena.client() as program:
        etag = (await program.get(PATH)).headers["etag"]
        before = measured(200), measured(304)
        for _ in range(3):
            await program.get(PATH)
            await program.get(PATH, headers={"If-None-Match": etag})
    assert (measured(200), measured(304)) == (before[0] + 3, before[1] + 3)
    assert len(written) == 6


async def test_older_snapshot_is_served_no_longer_than_the_setting(
    start_arena: StartArena, database: Database, tmp_path: Path, written: list[Answer]
) -> None:
    await import_text(database, tmp_path, VOTES)
    first = await snapshots.fit(database)
    arena = await start_arena(feed_seconds=0.5)
    published = float("inf")
    served: list[tuple[float, str]] = []

    async def poll() -> None:
        async with connected(arena) as wire:
            while time.monotonic() < published + 2:
                asked_at = time.monotonic()
                await wire.send(request())
                served.append((asked_at, (await wire.answer())[1]["etag"].strip('"')))

    polling = asyncio.create_task(poll())
    await asyncio.sleep(1.5)
    await import_text(database, tmp_path, VOTES + MORE, "more.csv")
    second = await snapshots.fit(database)
    published = time.monotonic()
    await polling
    assert {snapshot for _, snapshot in served} == {first, second}
    assert max(at for at, snapshot in served if snapshot == first) < published + 0.5
    assert len(written) > len(served) / 2, "and nearly all came from memory"


async def test_day_that_is_over_keeps_its_board(
    start_arena: StartArena, database: Database, tmp_path: Path, session: AsyncSession
) -> None:
    """An erased vote can bring an old snapshot back; what stands under an old date must not change for that."""
    ids = []
    for number in range(2):
        await import_text(database, tmp_path, VOTES + MORE * number, f"{number}.csv")
        ids.append(await snapshots.fit(database))
        moment = datetime.now(UTC) - timedelta(days=2) + timedelta(seconds=number)
        await session.execute(update(Snapshot).where(Snapshot.id == ids[-1]).values(created_at=moment))
        await session.commit()
    arena = await start_arena()
    path = f"/feed/v1/history/imported/{moment.date().isoformat()}.json"
    async with arena.client() as program:
        assert (await program.get(path)).json()["snapshot"] == ids[1]
        back = snapshots.text("DEFAULT")
        await session.execute(update(Snapshot).where(Snapshot.id == ids[0]).values(sequence=back))
        await session.commit()
        assert (await program.get("/feed/v1/index.json")).json()["snapshot"] == ids[0]
        again = await program.get(path)
    assert again.json()["snapshot"] == ids[1]
    assert "immutable" in again.headers["cache-control"]
