"""The supervisor behind `arena model-server`, with a real vLLM to look after."""

import asyncio
from pathlib import Path

import psutil
import pytest

from arena.gateway.vllm import VllmServer
from tests.vllm.make_environment import ALPHA, ENVIRONMENT
from tests.vllm.servers import SERVE_ENVIRONMENT, SERVE_OPTIONS, kill_engine_below

START_SECONDS = 180


class Register:
    """Notes when the server comes and goes."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()

    async def came(self, url: str, served_model: str) -> None:
        await self.events.put(("came", url, served_model))

    async def went(self, url: str) -> None:
        await self.events.put(("went", url))

    async def next(self, seconds: float) -> tuple[str, ...]:
        return await asyncio.wait_for(self.events.get(), seconds)


@pytest.fixture
def vllm_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVE_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("vllm_settings")
async def test_server_is_restarted_when_its_engine_dies_and_stopped_when_cancelled() -> None:
    register = Register()
    server = VllmServer(
        str(ALPHA.folder),
        served_model=ALPHA.served_name,
        options=SERVE_OPTIONS,
        executable=(str(Path(ENVIRONMENT, "bin", "vllm")),),
        on_healthy=register.came,
        on_gone=register.went,
    )
    watching = asyncio.create_task(server.run())
    try:
        assert await register.next(START_SECONDS) == ("came", server.url, ALPHA.served_name)
        assert server.process_id
        kill_engine_below(server.process_id)
        assert await register.next(20) == ("went", server.url)
        assert await register.next(START_SECONDS) == ("came", server.url, ALPHA.served_name)
        assert server.restarts == 1
        last_process = server.process_id
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert await register.next(1) == ("went", server.url)
    assert not psutil.pid_exists(last_process)
