"""Battles between two real vLLM servers, through the whole program as voters use it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import monotonic

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from arena import snapshots
from arena.db import Database
from arena.tables import Response, Turn
from arena.web.markdown import render_markdown
from tests.integration.conftest import StartArena
from tests.integration.serving import (
    Serving,
    answered_battle,
    events,
    start_battle,
    text_of,
    vote,
    wait_until_settled,
)
from tests.vllm.battles import LONG_TOKENS, SIDES, Listed, greedy, read_past, side_of, texts, write_catalog
from tests.vllm.conftest import FIGURE
from tests.vllm.make_environment import ALPHA, BETA, CannedModel
from tests.vllm.servers import Server, becomes_true, running_requests

Servers = tuple[Server, Server]
Record = Callable[[str, object], None]
REPLIES = sorted([ALPHA.reply, BETA.reply])


@pytest.fixture
async def arena(vllm_servers: Servers, start_arena: StartArena, tmp_path: Path) -> Serving:
    """The program with both canned models in its catalog."""
    listed = [Listed(servers=[server]) for server in vllm_servers]
    return await start_arena(**greedy(write_catalog(tmp_path / "catalog.toml", *listed)))


@pytest.mark.parametrize("prompt", ["Which editor is best?", "¿Qué tal? 日本語でも 😀", "word " * 1000])
async def test_both_texts_arrive_exactly(arena: Serving, session: AsyncSession, prompt: str) -> None:
    async with arena.client() as voter:
        battle = await start_battle(voter, prompt)
        seen = [event async for event in events(voter, battle["id"])]
        settled = await wait_until_settled(voter, battle["id"])
    assert settled["state"] == "answered"
    assert sorted(texts(settled).values()) == REPLIES
    assert {side: text_of(seen, side) for side in SIDES} == texts(settled)
    assert [event["event"] for event in seen if event["event"] != "delta"][-1] == "turn_end"
    for response in await session.scalars(select(Response)):
        assert (response.finish_reason, response.attempts) == ("stop", 1)
        assert 0 < (response.first_token_milliseconds or 0) <= (response.total_milliseconds or 0)
        assert (response.completion_tokens or 0) > 10


async def test_markdown_and_emoji_arrive_as_on_the_page(arena: Serving) -> None:
    blocks: dict[str, dict[int, str]] = {side: {} for side in SIDES}
    async with arena.client() as voter:
        battle = await start_battle(voter)
        async for event in events(voter, battle["id"], format="html"):
            if event["event"] == "block":
                blocks[event["data"]["side"]][event["data"]["index"]] = event["data"]["html"]
        settled = await wait_until_settled(voter, battle["id"])
    html = "".join(blocks[side_of(settled, BETA)].values())
    assert html == render_markdown(BETA.reply)
    assert "<strong>it depends</strong> ☕" in html
    assert html.count("<li") == 2


async def test_second_turn_brings_each_model_its_own_history(arena: Serving, session: AsyncSession) -> None:
    async with arena.client() as voter:
        first = await answered_battle(voter, "Which editor is best?")
        again = await voter.post(f"/api/v1/battles/{first['id']}/turns", json={"prompt": "Are you sure?"})
        assert again.status_code == 201, again.text
        second = await wait_until_settled(voter, first["id"])
    assert texts(second, 0) == texts(second, 1) == texts(first)
    for side in SIDES:
        query = select(Response.prompt_tokens).join(Turn).where(Response.side == side).order_by(Turn.index)
        before, after = [tokens or 0 for tokens in await session.scalars(query)]
        assert after > before + len(texts(first)[side].split()), "the engine read the first turn too"


async def test_stop_mid_answer_frees_both_engines(
    vllm_servers: Servers, start_arena: StartArena, tmp_path: Path
) -> None:
    listed = [Listed(servers=[server], min_tokens=LONG_TOKENS) for server in vllm_servers]
    arena = await start_arena(**greedy(write_catalog(tmp_path / "catalog.toml", *listed)))
    async with arena.client() as voter:
        battle = await start_battle(voter)
        seen = await read_past(voter, battle["id"], 120)
        assert [running_requests(server) for server in vllm_servers] == [1, 1]
        stopped = (await voter.post(f"/api/v1/battles/{battle['id']}/stop")).json()
        assert await becomes_true(lambda: not any(running_requests(server) for server in vllm_servers), 2)
        assert (stopped["state"], stopped["turns"][0]["state"]) == ("answered", "stopped")
        lengths = {len(text) for text in texts(stopped).values()}
        assert len(lengths) == 1, "both sides end at the same character"
        assert 120 < lengths.pop() < LONG_TOKENS
        assert all(text.startswith(text_of(seen, side)) for side, text in texts(stopped).items())
        cast = (await vote(voter, battle["id"])).json()
    assert (cast["counted"], cast["early"]) == (True, True)


async def test_battle_between_two_real_servers_voted_and_on_the_board(
    arena: Serving, database: Database, session: AsyncSession, record_property: Record
) -> None:
    """The whole way once: prompt, two streams, vote, names, board; four voters, one of them for beta."""
    played = [await _play(arena, liked) for liked in (ALPHA, ALPHA, BETA, ALPHA)]
    snapshot = await snapshots.fit(database)
    async with arena.client() as reader:
        board = (await reader.get("/feed/v1/leaderboards/overall.json")).json()
        page = (await reader.get("/leaderboard")).text
    assert (board["snapshot"], board["votes"]) == (snapshot, 4)
    winner, loser = board["entries"]
    assert (winner["model"], loser["model"]) == (ALPHA.served_name, BETA.served_name)
    assert winner["rating"] - loser["rating"] == pytest.approx(190.85, abs=0.02)  # 3 of 4: 400 log10(3)
    assert page.index(ALPHA.served_name) < page.index(BETA.served_name)
    record_property(FIGURE, await _figures(session, played))


async def _figures(session: AsyncSession, played: Sequence[tuple[float, float]]) -> str:
    first_seen, complete = (median(seconds) * 1000 for seconds in zip(*played, strict=True))
    tokens = (await session.scalars(select(Response.first_token_milliseconds))).all()
    return (
        f"a battle between two real vLLM servers, medians of {len(played)}: first token from an engine after "
        f"{median(value for value in tokens if value):.0f} ms, first text seen by the voter after "
        f"{first_seen:.0f} ms, both answers complete after {complete:.0f} ms"
    )


async def _play(arena: Serving, liked: CannedModel) -> tuple[float, float]:
    """One voter's battle, with a vote for this model; the seconds to the first text and to the end."""
    async with arena.client() as voter:
        began_at = monotonic()
        battle = await start_battle(voter)
        first_at, ended_at = await _time_of_first_text_and_end(voter, battle["id"])
        settled = await wait_until_settled(voter, battle["id"])
        assert "models" not in settled
        side = side_of(settled, liked)
        cast = await vote(voter, battle["id"], f"model_{side}")
    assert cast.status_code == 201, cast.text
    assert cast.json()["counted"]
    revealed = {side: model["name"] for side, model in cast.json()["models"].items()}
    other = "b" if side == "a" else "a"
    rival = BETA if liked is ALPHA else ALPHA
    assert revealed == {side: liked.served_name, other: rival.served_name}
    return first_at - began_at, ended_at - began_at


async def _time_of_first_text_and_end(voter: httpx2.AsyncClient, battle_id: str) -> tuple[float, float]:
    first_at = None
    async for event in events(voter, battle_id):
        if event["event"] == "delta":
            first_at = first_at or monotonic()
    assert first_at is not None
    return first_at, monotonic()
