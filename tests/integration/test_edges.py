"""What happens at the edges of the program: lying headers, erased battles, strange addresses, too many readers."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import Request

from arena.settings import Settings
from arena.web.deps import client_address
from tests.integration.conftest import Says, StartArena, StartModels
from tests.integration.serving import Serving, events, start_battle, text_of

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


async def test_a_fifth_reader_of_a_battle_waits_for_a_place(
    start_models: StartModels, start_arena: StartArena, catalog: Path
) -> None:
    await start_models(Says("one", LONG, 100), Says("two", LONG, 100), speed=1)
    arena = await start_arena(catalog=catalog)
    async with arena.client() as voter:
        battle = await start_battle(voter)
        path = f"/api/v1/battles/{battle['id']}/events"
        async with AsyncExitStack() as readers:
            for _ in range(4):
                answer = await readers.enter_async_context(voter.stream("GET", path))
                assert answer.status_code == 200
            refused = await voter.get(path)
            assert refused.status_code == 429
            assert refused.json()["type"].endswith("#rate-limited")
            assert int(refused.headers["retry-after"]) > 0
        for _ in range(100):  # the server learns of a closed connection a little later
            if (again := await _status(voter, path)) != 429:
                break
            await asyncio.sleep(0.05)
        assert again == 200


async def _status(voter: httpx2.AsyncClient, path: str) -> int:
    async with voter.stream("GET", path) as answer:
        return answer.status_code


async def leads_to_an_entry(voter: httpx2.AsyncClient, problem: dict[str, Any]) -> None:
    path, slug = problem["type"].split("#")
    assert f'<div id="{slug}">' in (await voter.get(path)).text


class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "/models/%00",
            "/leaderboards/%00",
            "/feed/v1/snapshots/%00/leaderboards/x.json",
            "/feed/v1/leaderboards/a%00.json",
            "/static/%00",
        ],
    )
    async def test_nothing_has_a_name_with_nul(self, voter: httpx2.AsyncClient, path: str) -> None:
        answer = await voter.get(path)
        assert answer.status_code == 404
        assert answer.headers["x-request-id"]

    async def test_a_wrong_method_is_told_the_right_ones(self, voter: httpx2.AsyncClient) -> None:
        for method, path, allowed in (
            ("PUT", "/api/v1/battles", ["POST"]),
            ("DELETE", f"/api/v1/battles/{'A' * 22}", ["GET"]),
            ("PATCH", "/me/erase", ["GET", "POST"]),
            ("POST", "/feed/v1/index.json", ["GET", "HEAD", "OPTIONS"]),
            ("POST", "/static/arena.css", ["GET", "HEAD"]),
        ):
            answer = await voter.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(allowed)), path
            told = answer.json()
            assert told["detail"] == f"This address does not take {method}. Send {' or '.join(allowed)}."
            await leads_to_an_entry(voter, told)

    async def test_a_broken_form_is_told_so(self, voter: httpx2.AsyncClient) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=a"}
        answer = await voter.post("/preferences", content=b"x", headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (400, "Unreadable body")
        await leads_to_an_entry(voter, answer.json())


class TestFeed:
    @pytest.mark.parametrize("path", ["/feed", "/feed/", "/feed/v1", "/feed/v1/"])
    async def test_its_beginning_leads_to_what_there_is(self, voter: httpx2.AsyncClient, path: str) -> None:
        for method in ("GET", "HEAD"):
            answer = await voter.request(method, path, follow_redirects=False)
            assert answer.is_redirect
            assert answer.headers["location"] == "/feed/v1/index.json"
            assert answer.headers["access-control-allow-origin"] == "*"

    @pytest.mark.parametrize(
        "path", ["index.json", "leaderboards/a.json", "snapshots/a/leaderboards/b.json", "schema/index.json"]
    )
    async def test_scripts_of_other_sites_may_ask_conditionally(
        self, voter: httpx2.AsyncClient, path: str
    ) -> None:
        asked = {"Origin": "https://other.example", "Access-Control-Request-Method": "GET"}
        answer = await voter.options(f"/feed/v1/{path}", headers=asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
        assert answer.headers["access-control-allow-headers"] == "If-None-Match, If-Modified-Since"

    @pytest.mark.parametrize(
        "path", ["leaderboards/none.json", "nothing", "snapshots/%00/leaderboards/x.json"]
    )
    async def test_scripts_of_other_sites_may_read_problems(
        self, voter: httpx2.AsyncClient, path: str
    ) -> None:
        answer = await voter.get(f"/feed/v1/{path}")
        assert answer.status_code == 404
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_what_breaks_is_answered_with_the_headers_of_every_answer(
    arena: Serving, voter: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("arena.web.battles.battle_view", broken)
    battle = await start_battle(voter)
    answer = await voter.get(f"/api/v1/battles/{battle['id']}")
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
