from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from arena.gateway.vllm import Patience, ServerDidNotStart, VllmServer
from tests.unit.gateway.conftest import until

FAKE = """
import asyncio, signal, sys
from arena.gateway.demo_server import DemoServer, RecordedModel

def option(name):
    return sys.argv[sys.argv.index(name) + 1]

async def main():
    assert sys.argv[1] == "serve"
    if "--ignore-interrupts" in sys.argv:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    name = option("--served-model-name")
    server = DemoServer({name: RecordedModel(name=name, organization="Tests", answers={})}, speed=0)
    await server.start(option("--host"), int(option("--port")))
    await asyncio.Event().wait()

if "--fail" in sys.argv:
    sys.exit(3)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
"""
QUICK = Patience(
    start_seconds=30,
    watch_seconds=0.1,
    health_seconds=0.3,
    unhealthy_seconds=1,
    interrupt_seconds=0.5,
    terminate_seconds=0.5,
    first_pause_seconds=0.05,
)


class Recorder:
    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []

    async def healthy(self, url: str, served_model: str) -> None:
        self.events.append(("healthy", url, served_model))

    async def gone(self, url: str) -> None:
        self.events.append(("gone", url))


@asynccontextmanager
async def supervised(tmp_path: Path, *options: str) -> AsyncIterator[tuple[VllmServer, Recorder]]:
    fake = tmp_path / "fake_vllm.py"
    fake.write_text(FAKE)
    recorder = Recorder()
    server = VllmServer(
        "org/model",
        served_model="small",
        options=options,
        executable=(sys.executable, str(fake)),
        on_healthy=recorder.healthy,
        on_gone=recorder.gone,
        patience=QUICK,
    )
    task = asyncio.create_task(server.run())
    try:
        yield server, recorder
    finally:
        task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError | ServerDidNotStart)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("options", [(), ("--ignore-interrupts",)])
async def test_start_and_stop(tmp_path: Path, options: tuple[str, ...]) -> None:
    async with supervised(tmp_path, *options) as (server, recorder):
        await until(lambda: bool(recorder.events), seconds=30)
        assert recorder.events == [("healthy", server.url, "small")]
        assert server.url.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession() as session, session.get(f"{server.url}/models") as response:
            assert (await response.json())["data"][0]["id"] == "small"
        process_id = server.process_id
        assert process_id
        assert os.getpgid(process_id) == process_id
    assert recorder.events[-1] == ("gone", server.url)
    assert not is_alive(process_id)


async def test_a_server_that_dies_is_announced_and_started_again(tmp_path: Path) -> None:
    async with supervised(tmp_path) as (server, recorder):
        await until(lambda: len(recorder.events) == 1, seconds=30)
        first = server.process_id
        assert first
        os.kill(first, signal.SIGKILL)
        await until(lambda: len(recorder.events) == 3, seconds=30)
        assert [event[0] for event in recorder.events] == ["healthy", "gone", "healthy"]
        assert server.process_id != first
        assert server.restarts == 1


async def test_a_server_that_hangs_is_replaced(tmp_path: Path) -> None:
    async with supervised(tmp_path) as (server, recorder):
        await until(lambda: len(recorder.events) == 1, seconds=30)
        assert server.process_id
        os.kill(server.process_id, signal.SIGSTOP)
        await until(lambda: len(recorder.events) == 3, seconds=30)
        assert server.restarts == 1


async def test_a_server_that_cannot_start_is_not_tried_for_ever(tmp_path: Path) -> None:
    recorder = Recorder()
    fake = tmp_path / "fake_vllm.py"
    fake.write_text(FAKE)
    for executable, message in (((sys.executable, str(fake)), "healthy"), (("/no/such/vllm",), "not found")):
        server = VllmServer(
            "m",
            options=("--fail",),
            executable=executable,
            on_healthy=recorder.healthy,
            on_gone=recorder.gone,
            patience=QUICK,
        )
        with pytest.raises(ServerDidNotStart, match=message):
            await server.run()
    assert recorder.events == []
