"""Bad input gets the right refusal, in words, and nothing is stored."""

import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from arena.tables import Battle, RateBucket, Turn, Vote, Voter
from arena.voters import COOKIE
from tests.integration.conftest import StartArena
from tests.integration.serving import Serving, answered_battle, start_battle

PROBLEM = "application/problem+json"
BAD_BODIES: dict[str, tuple[Any, int, str]] = {
    "empty": ({"prompt": ""}, 422, "prompt-empty"),
    "blank": ({"prompt": " \n\t\u2003 "}, 422, "prompt-empty"),
    "too long": ({"prompt": "x" * 12_001}, 422, "prompt-too-long"),
    "NUL": ({"prompt": "a\0b"}, 422, "prompt-unreadable"),
    "wrong type": ({"prompt": 7}, 422, "invalid-input"),
    "list": ({"prompt": ["hello"]}, 422, "invalid-input"),
    "missing": ({}, 422, "invalid-input"),
    "unknown field": ({"prompt": "hello", "model_a": "gpt"}, 422, "invalid-input"),
    "wrong consent": ({"prompt": "hello", "publish": "perhaps"}, 422, "invalid-input"),
    "not an object": (["hello"], 422, "invalid-input"),
}


async def nothing_stored(session: AsyncSession) -> bool:
    tables = (Battle, Turn, Vote, Voter, RateBucket)
    return not any([await session.scalar(select(func.count()).select_from(table)) for table in tables])


@pytest.mark.parametrize("case", BAD_BODIES)
async def test_bad_prompt_is_refused(case: str, voter: httpx2.AsyncClient, session: AsyncSession) -> None:
    body, status, slug = BAD_BODIES[case]
    answer = await voter.post("/api/v1/battles", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem["type"].endswith(f"#{slug}")
    assert problem["detail"]
    assert problem["instance"] == answer.headers["x-request-id"]
    assert COOKIE not in answer.cookies
    assert await nothing_stored(session)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"prompt": "half a pair \\ud800 of surrogates"}', 422),
        (b'{"prompt": "not UTF-8 \xff\xfe"}', 400),
        (b'{"prompt": ', 400),
        (b"", 422),
        (b"prompt=hello", 400),
    ],
)
async def test_broken_json_is_refused(
    content: bytes, status: int, voter: httpx2.AsyncClient, session: AsyncSession
) -> None:
    answer = await voter.post(
        "/api/v1/battles", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    assert await nothing_stored(session)


@pytest.mark.parametrize(
    "request_of",
    [{"json": ["a prompt"]}, {"content": b'{"prompt": "a"}', "headers": {"Content-Type": "text/plain"}}],
    ids=["a list", "no JSON by its header"],
)
async def test_what_is_no_json_object_is_told(request_of: dict[str, Any], voter: httpx2.AsyncClient) -> None:
    answer = await voter.post("/api/v1/battles", **request_of)
    assert answer.status_code == 422
    assert (
        answer.json()["detail"] == "The body must be a JSON object, sent with Content-Type: application/json."
    )


async def test_ten_megabytes_are_refused_unread(voter: httpx2.AsyncClient, session: AsyncSession) -> None:
    answer = await voter.post("/api/v1/battles", json={"prompt": "x" * 10_000_000})
    assert answer.status_code == 413
    assert "262,144 bytes" in answer.json()["detail"]

    async def pieces() -> Any:
        yield b'{"prompt": "'
        for _ in range(40):
            yield b"x" * 10_000
        yield b'"}'

    answer = await voter.post(
        "/api/v1/battles", content=pieces(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert await nothing_stored(session)


async def test_long_prompt_at_the_limit_is_accepted(voter: httpx2.AsyncClient) -> None:
    await start_battle(voter, "😀" * 12_000)


@pytest.mark.parametrize("battle_id", ["x", "%00", "../../etc/passwd", "A" * 22, "a" * 5000, "é" * 22, "%ff"])
async def test_unknown_battle_is_not_found(battle_id: str, voter: httpx2.AsyncClient) -> None:
    await start_battle(voter)
    for method, path in (
        ("GET", ""),
        ("GET", "/events"),
        ("POST", "/stop"),
        ("POST", "/retry"),
        ("POST", "/skip"),
    ):
        answer = await voter.request(method, f"/api/v1/battles/{battle_id}{path}")
        assert answer.status_code in (404, 405), (method, path, answer.text)
    for path, body in (("/vote", {"winner": "tie"}), ("/turns", {"prompt": "hello"})):
        answer = await voter.post(f"/api/v1/battles/{battle_id}{path}", json=body)
        assert answer.status_code in (404, 405)


@pytest.mark.parametrize(
    "body",
    [
        {"winner": "left"},
        {"winner": None},
        {},
        {"winner": "tie", "reasons": ["because"]},
        {"winner": "tie", "reasons": "clear"},
        {"winner": "tie", "weight": 100},
    ],
)
async def test_bad_vote_is_refused(body: object, voter: httpx2.AsyncClient, session: AsyncSession) -> None:
    battle = await answered_battle(voter)
    answer = await voter.post(f"/api/v1/battles/{battle['id']}/vote", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/")
    assert "Value error" not in answer.text
    assert '"models"' not in answer.text
    assert (await session.scalars(select(Vote))).all() == []


async def test_forged_or_expired_cookie(arena: Serving, voter: httpx2.AsyncClient) -> None:
    battle = await answered_battle(voter)
    for forged in (
        "nonsense",
        "ImE0YTY0N2FlMjkwNTQxMGQ4OGI2ZDUzMTY2ZTdlNWVlIg.awMruA.INeBJwkNxjjki7Ipj0j6i2JQqQ8",
    ):
        async with arena.client(cookies={COOKIE: forged}) as stranger:
            answer = await stranger.get(f"/api/v1/battles/{battle['id']}")
            assert answer.status_code == 401
            assert answer.json()["type"].endswith("#cookie-invalid")
            assert "start a battle" in answer.json()["detail"]
            assert (await stranger.get("/api/v1/me/votes")).status_code == 401
            assert (await stranger.delete("/api/v1/me")).status_code == 401
            await start_battle(stranger)  # a new cookie comes with a new battle


async def test_other_sites_cannot_act(voter: httpx2.AsyncClient, arena: Serving) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        answer = await voter.post("/api/v1/battles", json={"prompt": "hello"}, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("#cross-origin")
    answer = await voter.post("/api/v1/battles", json={"prompt": "hello"}, headers={"Origin": arena.url})
    assert answer.status_code == 201


async def test_rate_limit_says_when_to_come_back(start_arena: StartArena) -> None:
    arena = await start_arena(battles_per_hour=2)
    async with arena.client() as voter:
        for _ in range(2):
            await start_battle(voter)
        answer = await voter.post("/api/v1/battles", json={"prompt": "hello"})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) == answer.json()["retry_after_seconds"] == 1800


async def test_addresses_come_from_trusted_proxies_only(start_arena: StartArena) -> None:
    """A stranger cannot make up addresses; behind the operator's proxy each visitor has their own."""
    open_arena = await start_arena(address_battles_per_hour=3)
    statuses = await _from_addresses(open_arena, 5)
    assert statuses == [201, 201, 201, 429, 429]
    behind_proxy = await start_arena(address_battles_per_hour=3, trusted_proxies="127.0.0.0/8")
    assert await _from_addresses(behind_proxy, 5) == [201] * 5


async def _from_addresses(arena: Serving, count: int) -> list[int]:
    statuses = []
    for number in range(count):
        async with arena.client(headers={"X-Forwarded-For": f"6.6.6.6, 203.0.113.{number}"}) as voter:
            statuses.append((await voter.post("/api/v1/battles", json={"prompt": "hello"})).status_code)
    return statuses


async def test_openapi_describes_the_interfaces(voter: httpx2.AsyncClient) -> None:
    description = json.loads((await voter.get("/openapi.json")).content)
    assert description["openapi"].startswith("3.1")
    assert {
        "/api/v1/battles",
        "/api/v1/battles/{battle_id}/vote",
        "/feed/v1/leaderboards/{name}.json",
    } <= set(description["paths"])
