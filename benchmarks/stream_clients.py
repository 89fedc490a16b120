"""The voters' side of a stream: through the program, or from the endpoint itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from itertools import count
from time import perf_counter

import aiohttp
import orjson

NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 60


@dataclass
class Reception:
    """What has arrived on all streams of a run, and who comes next."""

    characters: int = 0
    refusals: int = 0
    first_token_seconds: list[float] = field(default_factory=list)
    voters: Iterator[int] = field(default_factory=count)

    def next_address(self) -> str:
        """The network address that the next voter says to come from."""
        return str(IPv4Address("10.0.0.1") + next(self.voters))


async def call_endpoint(
    endpoint: str, models: Sequence[str], prompt: str, session: aiohttp.ClientSession, reception: Reception
) -> None:
    """Ask each of the models directly, all at once."""
    await asyncio.gather(*(_call(endpoint, model, prompt, session, reception) for model in models))


async def _call(
    endpoint: str, model: str, prompt: str, session: aiohttp.ClientSession, reception: Reception
) -> None:
    messages = [{"role": "user", "content": prompt}]
    body = {"model": model, "messages": messages, "max_tokens": 2048, "stream": True}
    asked = perf_counter()
    seen = False
    async with session.post(f"{endpoint}/chat/completions", json=body, timeout=NO_TIMEOUT) as answer:
        await _must_be(200, answer)
        async for event in _events(answer):
            data = event.removeprefix(b"data: ")
            if data == b"[DONE]":
                return
            if text := orjson.loads(data)["choices"][0]["delta"].get("content"):
                if not seen:
                    seen = True
                    reception.first_token_seconds.append(perf_counter() - asked)
                reception.characters += len(text)


async def follow_battle(
    arena: str, prompt: str, session: aiohttp.ClientSession, reception: Reception
) -> None:
    """Start a battle as a voter of one's own and follow its events to the end."""
    asked = perf_counter()
    battles = f"{arena}/api/v1/battles"
    headers = {"X-Forwarded-For": reception.next_address()}
    start = partial(session.post, battles, json={"prompt": prompt}, headers=headers, timeout=NO_TIMEOUT)
    async with _insisting(start, 201, reception) as answer:
        battle = (await answer.json())["id"]
        cookie = answer.cookies["arena_voter"].OutputString(attrs=[])
    follow = partial(
        session.get, f"{battles}/{battle}/events", headers={"Cookie": cookie}, timeout=NO_TIMEOUT
    )
    async with _insisting(follow, 200, reception) as answer:
        await _read_battle(answer, asked, reception)


async def _read_battle(answer: aiohttp.ClientResponse, asked: float, reception: Reception) -> None:
    seen: set[str] = set()
    async for event in _events(answer):
        if event.startswith(b"event: delta"):
            delta = orjson.loads(event[event.index(b"data: ") + 6 :])
            if delta["side"] not in seen:
                seen.add(delta["side"])
                reception.first_token_seconds.append(perf_counter() - asked)
            reception.characters += len(delta["text"])
        elif event.startswith(b"event: error"):
            raise RuntimeError(f"a side failed: {event.decode()}")


@asynccontextmanager
async def _insisting(
    request: Callable[[], AbstractAsyncContextManager[aiohttp.ClientResponse]],
    status: int,
    reception: Reception,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send the request again for as long as the answer is 503, as a patient voter would; every refusal counts."""
    gives_up_at = perf_counter() + PATIENCE_SECONDS
    while True:
        async with request() as answer:
            if answer.status != 503 or perf_counter() > gives_up_at:
                await _must_be(status, answer)
                yield answer
                return
        reception.refusals += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def _must_be(status: int, answer: aiohttp.ClientResponse) -> None:
    if answer.status != status:
        raise RuntimeError(f"{answer.method} {answer.url} answered {answer.status}: {await answer.text()}")


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    while chunk := await answer.content.readany():
        *events, rest = (rest + chunk).split(b"\n\n")
        for event in events:
            yield event
