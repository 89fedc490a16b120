"""Engines killed in the middle of an answer: what the voter sees, and how the program finds its way back."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.tables import Battle, Endpoint, Response, Turn
from tests.integration.conftest import StartArena
from tests.integration.serving import Serving, start_battle, vote, wait_until_settled
from tests.vllm.battles import (
    LONG_TOKENS,
    Event,
    Listed,
    becomes_ready,
    greedy,
    names_in,
    read_past,
    read_rest,
    side_of,
    texts,
    write_catalog,
)
from tests.vllm.make_environment import ALPHA, BETA
from tests.vllm.servers import Server, kill_engine, restart_server

Servers = tuple[Server, Server]
NOTICE_SECONDS = 15
RECOVERY_SECONDS = 150  # the breaker looks again 5, 10, 20, 40 … seconds after the last look


def assert_one_neutral_problem(told: Sequence[Event], servers: Sequence[Server]) -> None:
    """The voter hears of the failed side once, and nothing that names a model, a server or an engine."""
    problems = [event["data"] for event in told if event["event"] == "error"]
    assert [(problem["title"], problem["status"]) for problem in problems] == [("No answer", 502)]
    assert told[-1]["data"] == {"state": "failed"}
    assert not names_in(told, servers)


async def pair_of(session: AsyncSession, battle_id: str) -> tuple[int, int]:
    query = select(Battle.model_a_id, Battle.model_b_id).where(Battle.id == battle_id)
    model_a_id, model_b_id = (await session.execute(query)).one()
    return model_a_id, model_b_id


async def server_of(session: AsyncSession, battle_id: str, side: str) -> tuple[str, str | None]:
    """The address that gave one side's last answer, and how that ended."""
    query = (
        select(Endpoint.url, Response.finish_reason)
        .join(Turn, Turn.id == Response.turn_id)
        .join(Endpoint, cast(Endpoint.id, Text) == Response.endpoint_id)
        .where(Turn.battle_id == battle_id, Response.side == side)
    )
    url, finish_reason = (await session.execute(query)).one()
    return url, finish_reason


async def breaker_states(arena: Serving) -> dict[str, int]:
    """How many endpoints are in which state, as the operator reads it."""
    async with arena.client() as operator:
        text = (await operator.get("/metrics")).text
    found = re.findall(r'^arena_endpoints\{state="(\w+)"\} (\d+)', text, re.MULTILINE)
    return {state: int(count) for state, count in found if count != "0"}


async def retry(voter: httpx2.AsyncClient, battle_id: str) -> dict[str, Any]:
    answer = await voter.post(f"/api/v1/battles/{battle_id}/retry")
    assert answer.status_code == 200, answer.text
    return await wait_until_settled(voter, battle_id)


async def play_until_one_fails(
    voters: Sequence[httpx2.AsyncClient], doomed: Server
) -> tuple[httpx2.AsyncClient, str, list[Event]]:
    """Kill one engine below two battles in mid-answer; the battle that failed, and what its voter was told."""
    ids = [(await start_battle(voter))["id"] for voter in voters]
    begun = [await read_past(*battle, 120) for battle in zip(voters, ids, strict=True)]
    kill_engine(doomed)
    rest = [await read_rest(*battle) for battle in zip(voters, ids, begun, strict=True)]
    settled = [await wait_until_settled(*battle) for battle in zip(voters, ids, strict=True)]
    assert sorted(battle["state"] for battle in settled) == ["answered", "failed"]
    failed = [battle["state"] for battle in settled].index("failed")
    return voters[failed], ids[failed], begun[failed] + rest[failed]


async def test_retry_goes_to_the_other_server_of_the_same_model(
    vllm_servers: Servers,
    doomed_server: Server,
    start_arena: StartArena,
    tmp_path: Path,
    session: AsyncSession,
) -> None:
    """Two battles fill both servers of alpha; one engine dies; only its battle fails, and its retry moves over."""
    alpha, beta = vllm_servers
    listed = [Listed(servers=[alpha, doomed_server], min_tokens=LONG_TOKENS), Listed(servers=[beta])]
    arena = await start_arena(**greedy(write_catalog(tmp_path / "catalog.toml", *listed)))
    async with arena.client() as one, arena.client() as two:
        voter, battle_id, told = await play_until_one_fails([one, two], doomed_server)
        assert_one_neutral_problem(told, [alpha, beta, doomed_server])

        pair = await pair_of(session, battle_id)
        mended = await retry(voter, battle_id)
        assert mended["state"] == "answered"
        await session.rollback()
        assert await pair_of(session, battle_id) == pair
        side = side_of(mended, ALPHA)
        assert await server_of(session, battle_id, side) == (alpha.url, "length")
        assert BETA.reply in texts(mended).values(), "the good side kept its answer"
        told = (await vote(voter, battle_id, f"model_{side}")).json()
    assert told["counted"]
    assert told["models"][side]["name"] == ALPHA.served_name


async def test_without_another_server_the_battle_is_void_until_the_server_is_back(
    vllm_servers: Servers, doomed_server: Server, start_arena: StartArena, tmp_path: Path
) -> None:
    _, beta = vllm_servers
    listed = [Listed(servers=[doomed_server], min_tokens=LONG_TOKENS), Listed(servers=[beta])]
    arena = await start_arena(**greedy(write_catalog(tmp_path / "catalog.toml", *listed)))
    async with arena.client() as voter:
        battle = await start_battle(voter)
        begun = await read_past(voter, battle["id"], 120)
        kill_engine(doomed_server)
        told = begun + await read_rest(voter, battle["id"], begun)
        assert_one_neutral_problem(told, [doomed_server, beta])
        failed = await wait_until_settled(voter, battle["id"])
        assert (failed["state"], failed["can_retry"]) == ("failed", True)
        assert (await vote(voter, battle["id"])).status_code == 409

        void = await retry(voter, battle["id"])
        assert (void["state"], void["can_retry"], void["can_vote"]) == ("void", False, False)
        assert not names_in(void, [doomed_server, beta])

        async with asyncio.TaskGroup() as meanwhile:
            meanwhile.create_task(asyncio.to_thread(restart_server, doomed_server))
            await becomes_ready(arena, False, NOTICE_SECONDS)
            assert await breaker_states(arena) == {"closed": 1, "open": 1}
            refused = await voter.post("/api/v1/battles", json={"prompt": "Anybody there?"})
            assert (refused.status_code, refused.json()["title"]) == (503, "No models")

        await becomes_ready(arena, True, RECOVERY_SECONDS)
        assert await breaker_states(arena) == {"closed": 1, "half_open": 1}, "a probe found it, not a voter"
        answered = await wait_until_settled(voter, (await start_battle(voter))["id"])
        assert answered["state"] == "answered"
        assert answered["can_vote"]
        assert await breaker_states(arena) == {"closed": 2}
