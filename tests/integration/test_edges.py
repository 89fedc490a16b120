"""What happens at the edges of the program: lying headers, erased battles, strange addresses, too many readers."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import Request

from arena.settings import Settings
from arena.web.deps import client_address
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import events, start_battle, text_of

LONG = "A sentence of forty characters, exactly. " * 60
FAR_AHEAD = "0-1.999999999.999999999"


async def seen_so_far(voter: httpx2.AsyncClient, battle_id: str, **asked: Any) -> list[dict[str, Any]]:
    """What a reader gets within half a second."""
    seen: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(0.5):
            async for event in events(voter, battle_id, **asked):
                seen.append(event)
    except TimeoutError:
        pass
    return seen


class TestLastEventId:
    @pytest.mark.parametrize("format", ["html", "text"])
    async def test_a_claimed_place_shows_nothing_that_is_not_released(
        self, start_models: StartModels, start_arena: StartArena, catalog: Path, format: str
    ) -> None:
        """One model is done at once, the other is slow, and the frames are too large to be released meanwhile."""
        await start_models(Says("quick", "Done at once."), Says("slow", LONG, 20, 1), speed=1)
        arena = await start_arena(catalog=catalog, release_characters=2000)
        async with arena.client() as voter:
            battle = await start_battle(voter)
            await asyncio.sleep(0.3)
            assert await seen_so_far(voter, battle["id"], last_event_id=FAR_AHEAD, format=format) == []

    async def test_a_claimed_place_does_not_tell_which_model_had_written_more(
        self, start_models: StartModels, start_arena: StartArena, catalog: Path
    ) -> None:
        """What was written and not released when the reader came must not be missing from what it is sent."""
        text = "\n\n".join(f"Paragraph number {number}." for number in range(20))
        await start_models(Says("quick", text), Says("slow", text, 100), speed=1)
        arena = await start_arena(catalog=catalog, release_characters=400)
        async with arena.client() as voter:
            battle = await start_battle(voter)
            await asyncio.sleep(0.3)
            asked: dict[str, Any] = {"last_event_id": FAR_AHEAD, "format": "html"}
            blocks = [e["data"] async for e in events(voter, battle["id"], **asked) if e["event"] == "block"]
        for side in "ab":
            assert {block["index"] for block in blocks if block["side"] == side} == set(range(20))

    async def test_only_the_last_event_of_a_frame_names_the_place(
        self, start_models: StartModels, start_arena: StartArena, catalog: Path
    ) -> None:
        text = "one\n\ntwo\n\nthree\n\n" * 20
        await start_models(Says("one", text), Says("two", text))
        arena = await start_arena(catalog=catalog, release_characters=100)
        async with arena.client() as voter:
            battle = await start_battle(voter)
            seen = [event async for event in events(voter, battle["id"], format="html")]
        places = [event["id"] for event in seen if event["event"] == "block" and "id" in event]
        assert len(places) == len(set(places))
        assert len(places) < sum(event["event"] == "block" for event in seen)
        assert "id" in seen[-1]


async def test_a_reader_elsewhere_learns_that_the_battle_was_erased(
    start_models: StartModels, start_arena: StartArena, catalog: Path
) -> None:
    await start_models(Says("one", LONG, 100), Says("two", LONG, 100), speed=1)
    owner = await start_arena(catalog=catalog)
    other = await start_arena(catalog=catalog)
    async with owner.client() as voter, other.client() as elsewhere:
        battle = await start_battle(voter)
        elsewhere.cookies = voter.cookies
        reading = events(elsewhere, battle["id"])
        seen = [await anext(reading)]
        assert (await voter.delete("/api/v1/me")).status_code in (200, 204)
        async with asyncio.timeout(5):
            seen += [event async for event in reading]
    assert seen[-1]["event"] == "turn_end"
    assert seen[-1]["data"] == {"state": "interrupted"}
    assert len(text_of(seen, "a")) < len(LONG)


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        (["198.51.100.9", "203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
    ],
)
def test_all_lines_of_forwarded_for_are_one_way(lines: list[str], address: str) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    request = Request({"type": "http", "headers": headers, "client": ("10.0.0.1", 1)})
    assert client_address(request, Settings(trusted_proxies=["10.0.0.0/8"])) == address
