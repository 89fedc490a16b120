"""`arena model-server` as an operator runs it: a process of its own, a real vLLM below it, a shared database."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from arena.db import Database
from arena.tables import Endpoint
from tests.integration.conftest import StartArena
from tests.integration.serving import Serving, answered_battle, vote
from tests.vllm.battles import Listed, becomes, becomes_ready, greedy, side_of, texts, write_catalog
from tests.vllm.make_environment import ALPHA, BETA, ENVIRONMENT, REPOSITORY
from tests.vllm.servers import (
    SERVE_ENVIRONMENT,
    SERVE_OPTIONS,
    Server,
    is_alive,
    kill_engine_below,
)

START_SECONDS = 180
NOTICE_SECONDS = 20
STOP_SECONDS = 40
COMMAND = [
    sys.executable, "-m", "arena", "model-server", str(ALPHA.folder), "--name", ALPHA.served_name,
    "--executable", str(ENVIRONMENT / "bin" / "vllm"), "--", *SERVE_OPTIONS,
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ModelServer:
    """The running command."""

    process: subprocess.Popen[bytes]
    log_path: Path

    def family(self) -> list[psutil.Process]:
        """The processes below it; empty once it has gone."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


@pytest.fixture
def model_server(database: Database, tmp_path: Path) -> Iterator[ModelServer]:
    """The command, sharing the database of the program under test."""
    log_path = tmp_path / "model-server.log"
    shared = {"ARENA_DATABASE_URL": database.url, "ARENA_LOG_FORMAT": "json"}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            COMMAND,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | SERVE_ENVIRONMENT | shared,
        )
    server = ModelServer(process=process, log_path=log_path)
    yield server
    for left in filter(is_alive, server.family()):
        left.kill()
    process.kill()
    process.wait()


def registrations(log_path: Path) -> list[str]:
    """What the command says it did to the catalog; vLLM writes to the same log."""
    lines = [line for line in log_path.read_text(errors="replace").splitlines() if line.startswith("{")]
    events = [json.loads(line)["event"] for line in lines]
    return [event for event in events if event.startswith("endpoint_")]


async def becomes_registered(database: Database, registered: bool, limit_seconds: float) -> None:
    """Wait until the catalog lists a model server, or none any more."""

    async def is_registered() -> bool:
        async with database.sessions() as session:
            query = select(Endpoint.id).where(Endpoint.source == "model-server")
            return await session.scalar(query) is not None

    await becomes(is_registered, registered, limit_seconds)


async def assert_alpha_plays(arena: Serving) -> None:
    """The program draws alpha, which answers word for word; the vote counts and tells its name."""
    async with arena.client() as voter:
        battle = await answered_battle(voter)
        assert set(texts(battle).values()) == {ALPHA.reply, BETA.reply}
        cast = (await vote(voter, battle["id"])).json()
    assert cast["counted"]
    assert cast["models"][side_of(battle, ALPHA)]["name"] == ALPHA.served_name


async def test_server_registers_returns_after_a_crash_and_leaves_in_order(
    vllm_servers: tuple[Server, Server],
    model_server: ModelServer,
    start_arena: StartArena,
    database: Database,
    tmp_path: Path,
) -> None:
    _, beta = vllm_servers
    arena = await start_arena(**greedy(write_catalog(tmp_path / "catalog.toml", Listed(servers=[beta]))))
    await becomes_registered(database, True, START_SECONDS)
    await becomes_ready(arena, True, NOTICE_SECONDS)
    await assert_alpha_plays(arena)

    kill_engine_below(model_server.process.pid)
    await becomes_registered(database, False, NOTICE_SECONDS)
    await becomes_ready(arena, False, NOTICE_SECONDS)
    await becomes_registered(database, True, START_SECONDS)
    await becomes_ready(arena, True, NOTICE_SECONDS)
    await assert_alpha_plays(arena)

    family = model_server.family()
    assert any("EngineCore" in member.name() for member in family)
    model_server.process.terminate()
    assert await asyncio.to_thread(model_server.process.wait, STOP_SECONDS) == 0
    await becomes_registered(database, False, 1)
    assert not any(is_alive(member) for member in family)
    assert registrations(model_server.log_path) == ["endpoint_registered", "endpoint_deregistered"] * 2
