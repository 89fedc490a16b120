"""What the voter and the operator are told when a model server or the database fails, and what is kept."""

import asyncio
import logging
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import httpx2
import orjson
import pytest
from aiohttp import web
from sqlalchemy import select, update

from arena import jobs, streams
from arena.db import Database
from arena.gateway.demo_faults import Fault
from arena.gateway.demo_server import DemoServer
from arena.gateway.demo_wire import Completion
from arena.postgres import EmbeddedPostgres
from arena.settings import Settings
from arena.tables import Turn, Vote
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.figures import say
from tests.integration.planted import add_to_catalog, catalog_entry, write_catalog
from tests.integration.players import Ledger, Player
from tests.integration.programs import enterable_directory
from tests.integration.serving import events, start_battle, wait_until_settled

CANARY = "sk-canary-that-must-stay-secret"
PROMPT = "Wherefore does the xylophonist prefer marzipan?"
ANSWER = "Zanzibarine umbrellas " + "rarely fold in the calm of an afternoon, as everybody knows. " * 3
# Fault → what the log calls it, and what it says of the cause. SLOW is in time for nobody here.
CAUSES = {
    Fault.REFUSE_CONNECTION: ("EndpointUnreachable", "disconnected"),
    Fault.HANG_BEFORE_FIRST_TOKEN: ("FirstTokenTimeout", ""),
    Fault.HANG_BETWEEN_TOKENS: ("TokenTimeout", ""),
    Fault.GARBAGE: ("BrokenStream", "not part of an event stream"),
    Fault.HTML_ERROR_PAGE: ("BrokenStream", "text/html"),
    Fault.ENDLESS: ("TotalTimeout", ""),
    Fault.HALF_UTF8: ("BrokenStream", "not JSON"),
    Fault.ERROR_EVENT: ("BrokenStream", "EngineCore"),
    Fault.CUT: ("BrokenStream", "connection broke"),
    Fault.NO_FINISH_REASON: ("BrokenStream", "finish reason"),
    Fault.NAMES_ITSELF_IN_ERROR: ("EndpointRefused", "[key]"),
    Fault.HTTP_500: ("EndpointRefused", "Internal Server Error"),
    Fault.SLOW: ("TotalTimeout", ""),
}
ReadLog = Callable[[], str]
PATIENCE: dict[str, Any] = {
    "first_token_timeout_seconds": 2.0,
    "token_timeout_seconds": 1.5,
    "total_timeout_seconds": 3.0,
    "release_characters": 256,
}


@pytest.fixture
def read_log(capsys: pytest.CaptureFixture[str]) -> Iterator[ReadLog]:
    """What the program and its libraries wrote to standard error since the last look."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield lambda: capsys.readouterr().err
    root.handlers = handlers
    root.setLevel(level)


def log_lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines() if line.startswith("{")]


async def problems_of(voter: httpx2.AsyncClient, battle_id: str) -> list[dict[str, Any]]:
    """What the stream says went wrong."""
    return [event["data"] async for event in events(voter, battle_id) if event["event"] == "error"]


async def test_every_fault_is_one_neutral_problem_and_one_cause_in_the_log(
    start_models: StartModels,
    start_arena: StartArena,
    catalog: Path,
    monkeypatch: pytest.MonkeyPatch,
    read_log: ReadLog,
    subtests: pytest.Subtests,
) -> None:
    """Failed, tried again, void; and no prompt, answer or key in any line, of any library, at any level."""
    monkeypatch.setenv("CANARY_KEY", CANARY)
    server = await start_models(Says("good", ANSWER, 1000), Says("bad", ANSWER * 4, 300), speed=1)
    add_to_catalog(catalog, 'api_key_env = "CANARY_KEY"')
    arena = await start_arena(catalog=catalog, log_level="debug", log_format="json", **PATIENCE)
    written = ""
    async with arena.client() as voter:
        for fault, (error, cause) in CAUSES.items():
            with subtests.test(fault=fault.name):
                server.faults["bad"] = fault
                await _fails_twice(voter)
                lines = read_log()
                written += lines
                failures = [line for line in log_lines(lines) if line["event"] == "answer_failed"]
                assert [(line["model"], line["error"]) for line in failures] == [("bad", error)] * 2
                assert all(cause in line["cause"] for line in failures)
            server.faults.clear()
            await _answer_again(voter)
    assert set(CAUSES) == set(Fault)
    for secret in (CANARY, "xylophonist", "marzipan", "anzibarine", "umbrellas"):
        assert secret not in written


async def _answer_again(voter: httpx2.AsyncClient) -> None:
    """Play until both sides answer, so that no breaker counts failures of one fault towards the next."""
    async with asyncio.timeout(60):
        while True:
            started = await voter.post("/api/v1/battles", json={"prompt": PROMPT})
            if started.status_code == 201:
                battle = await wait_until_settled(voter, started.json()["id"])
                if battle["state"] == "answered":
                    return
            await asyncio.sleep(0.1)


async def _fails_twice(voter: httpx2.AsyncClient) -> None:
    battle = await start_battle(voter, PROMPT)
    problems = await problems_of(voter, battle["id"])
    assert [(problem["status"], problem["title"]) for problem in problems] == [(502, "No answer")]
    assert set(problems[0]) == {"side", "type", "title", "status", "detail", "instance"}
    failed = await wait_until_settled(voter, battle["id"])
    assert (failed["state"], failed["can_retry"], failed["can_vote"]) == ("failed", True, False)
    assert (await voter.post(f"/api/v1/battles/{battle['id']}/retry")).status_code == 200
    assert len(await problems_of(voter, battle["id"])) == 1
    void = await wait_until_settled(voter, battle["id"])
    assert (void["state"], void["can_retry"], "models" in void) == ("void", False, False)


class Quoting(DemoServer):
    """Refuses one model's requests by repeating them, as servers do that check their input, and breaks an event
    of the other in the middle of its words."""

    async def _stream(
        self, request: web.Request, completion: Completion, fault: Fault | None
    ) -> web.StreamResponse:
        if completion.served_name == "repeats":
            said = orjson.loads(await request.read())["messages"]
            return web.json_response({"error": {"message": f"cannot parse {said!r}"}}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(completion.token_chunk(ANSWER)[:-20] + b"\n\n" + ANSWER.encode() + b"\n\n")
        return response


async def test_what_a_server_quotes_is_not_logged(
    start_arena: StartArena, catalog: Path, read_log: ReadLog
) -> None:
    server = Quoting({name: Says(name, ANSWER) for name in ("repeats", "breaks")}, speed=0)
    url = await server.start()
    write_catalog(catalog, [catalog_entry(name, url) for name in server.models])
    arena = await start_arena(catalog=catalog, log_level="debug", log_format="json")
    async with arena.client() as voter:
        battle = await start_battle(voter, PROMPT)
        assert len(await problems_of(voter, battle["id"])) == 2
    await server.close()
    written = read_log()
    causes = {line["cause"] for line in log_lines(written) if line["event"] == "answer_failed"}
    assert len(causes) == 2
    assert any("[prompt]" in cause for cause in causes)
    for secret in ("xylophonist", "marzipan", "anzibarine", "umbrellas"):
        assert secret not in written


async def test_endpoint_that_is_gone_fails_one_battle_and_is_then_not_drawn(
    start_models: StartModels, start_arena: StartArena, catalog: Path
) -> None:
    """Nothing listens there any more: a neutral problem at once, and after some of them no more battles."""
    gone = DemoServer({"gone": Says("gone", ANSWER)}, speed=0)
    gone_url = await gone.start()
    await start_models(Says("there", ANSWER))
    add_to_catalog(catalog, catalog_entry("gone", gone_url))
    arena = await start_arena(catalog=catalog)
    await gone.close()
    async with arena.client() as voter:
        await _fails_twice(voter)
        third = await start_battle(voter, PROMPT)
        assert (await wait_until_settled(voter, third["id"]))["state"] == "failed"
        refused = await voter.post("/api/v1/battles", json={"prompt": PROMPT})
    assert (refused.status_code, refused.json()["title"]) == (503, "No models")
    assert "gone" not in refused.text


async def test_silent_stream_is_kept_alive(
    start_models: StartModels, start_arena: StartArena, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies cut connections on which nothing moves, and a first token may take a minute."""
    monkeypatch.setattr(streams, "KEEPALIVE_SECONDS", 0.1)
    silent = {name: Fault.HANG_BEFORE_FIRST_TOKEN for name in ("one", "two")}
    await start_models(Says("one", ANSWER), Says("two", ANSWER), faults=silent)
    arena = await start_arena(catalog=catalog, first_token_timeout_seconds=2.5)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        asked_at = monotonic()
        async with voter.stream("GET", f"/api/v1/battles/{battle['id']}/events") as answer:
            lines = [line async for line in answer.aiter_lines()]
        waited = monotonic() - asked_at  # on a busy machine longer than the time the model has
    assert lines[0] == ": waiting"
    assert 2 <= lines.count(": waiting") <= waited / streams.KEEPALIVE_SECONDS + 2


@pytest.fixture
async def own_postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A server for one test, to be killed: as durable as that of an installation."""
    home = enterable_directory()
    server = EmbeddedPostgres(home, durable=True)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)
    shutil.rmtree(home)


class Talks(Says):
    """Says much when asked to, otherwise little."""

    def reply(self, messages: object, seed: int | None) -> str:
        return self.text if "at length" in str(messages) else "Briefly: yes."


async def test_database_killed_under_load_loses_no_vote_and_no_answer(
    own_postgres: EmbeddedPostgres,
    start_models: StartModels,
    start_arena: StartArena,
    catalog: Path,
    pytestconfig: pytest.Config,
) -> None:
    """While it is away every request is a 503 that says when to come back; then all goes on by itself."""
    await start_models(Talks("one", ANSWER * 4, 150), Talks("two", ANSWER * 4, 150), speed=1)
    arena = await start_arena(
        catalog=catalog, database_url=own_postgres.url("arena"), release_characters=256, jobs=True
    )
    ledger = Ledger()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(arena.client())
        long = [(await start_battle(client, "Talk at length."))["id"] for _ in range(3)]
        voters = [await stack.enter_async_context(arena.client()) for _ in range(4)]
        players = await stack.enter_async_context(asyncio.TaskGroup())
        stopping = asyncio.Event()
        for number, voter in enumerate(voters):
            players.create_task(_play_until(stopping, Player(voter, ledger, Random(number))))
        await ledger.until(lambda: len(ledger.acknowledged) >= 4)
        away = await _outage(own_postgres, ledger)
        votes_before = len(ledger.acknowledged)
        await ledger.until(lambda: len(ledger.acknowledged) >= votes_before + 6)
        stopping.set()
        owner = Player(client, ledger, Random(0))
        answered = [await owner.settle(battle_id) for battle_id in long]
    say(pytestconfig, outage_seconds=round(away, 2), votes_kept=len(ledger.acknowledged))
    for battle in answered:
        assert battle["state"] == "answered"
        assert {battle["turns"][0]["responses"][side]["text"] for side in "ab"} == {ANSWER * 4}
    assert set(ledger.refused) == {"Database unavailable"}
    assert ledger.disconnects == 0
    assert await votes_in(own_postgres.url("arena")) == ledger.acknowledged


async def _play_until(stopping: asyncio.Event, player: Player) -> None:
    while not stopping.is_set():
        await player.play("Do you agree?")


async def _outage(server: EmbeddedPostgres, ledger: Ledger) -> float:
    """Kill the server, let twenty requests be refused, and bring it back; returns how long it was away."""
    pid = server.pid()
    assert pid is not None
    killed_at = monotonic()
    os.kill(pid, signal.SIGKILL)
    await ledger.until(lambda: ledger.refused.total() >= 20)
    await asyncio.to_thread(server.ensure_running)
    return monotonic() - killed_at


async def test_running_turn_is_not_declared_dead_because_the_database_was(
    own_postgres: EmbeddedPostgres, start_models: StartModels, start_arena: StartArena, catalog: Path
) -> None:
    """Signs of life older than the outage prove nothing; those that are missing after it do."""
    silent = dict.fromkeys(("one", "two"), Fault.HANG_BEFORE_FIRST_TOKEN)
    await start_models(Says("one", ANSWER), Says("two", ANSWER), faults=silent)
    arena = await start_arena(
        catalog=catalog, database_url=own_postgres.url("arena"), checkpoint_seconds=60, shutdown_seconds=0
    )
    async with arena.client() as voter:
        battle = await start_battle(voter)
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.to_thread(own_postgres.start)
        owner = Player(voter, Ledger(), Random(0))
        for patience, state in ((30, "answering"), (0.001, "interrupted")):
            await sweep_with(own_postgres.url("arena"), patience_seconds=patience)
            assert (await owner.read(battle["id"]))["state"] == state


async def sweep_with(url: str, *, patience_seconds: float) -> None:
    database = Database(url, pool_size=2)
    async with database.sessions.begin() as session:
        await session.execute(update(Turn).values(heartbeat_at=Turn.heartbeat_at - timedelta(minutes=1)))
    await jobs.sweep(database, Settings(interrupted_after_seconds=patience_seconds))
    await database.close()


async def votes_in(url: str) -> dict[str, str]:
    """Every stored vote: battle → winner."""
    database = Database(url, pool_size=1)
    async with database.sessions() as session:
        rows = (await session.execute(select(Vote.battle_id, Vote.winner))).all()
    await database.close()
    return {battle_id: winner for battle_id, winner in rows}
