"""The voters' side of a stream: through the program, or from the endpoint itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import aiohttp
import orjson

NO_TIMEOUT = aiohttp.ClientTimeout(total=None)


@dataclass
class Reception:
    """What has arrived on all streams of a round."""

    streams: int
    characters: int = 0
    first_token_seconds: list[float] = field(default_factory=list)
    all_began: asyncio.Event = field(default_factory=asyncio.Event)

    def began(self, seconds: float) -> None:
        self.first_token_seconds.append(seconds)
        if len(self.first_token_seconds) == self.streams:
            self.all_began.set()


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
                    reception.began(perf_counter() - asked)
                reception.characters += len(text)


async def follow_battle(
    arena: str, prompt: str, session: aiohttp.ClientSession, reception: Reception
) -> None:
    """Start a battle as a voter of one's own and follow its events to the end."""
    asked = perf_counter()
    async with session.post(f"{arena}/api/v1/battles", json={"prompt": prompt}, timeout=NO_TIMEOUT) as answer:
        await _must_be(201, answer)
        battle = (await answer.json())["id"]
        cookie = answer.cookies["arena_voter"].OutputString(attrs=[])
    seen: set[str] = set()
    events = session.get(
        f"{arena}/api/v1/battles/{battle}/events", headers={"Cookie": cookie}, timeout=NO_TIMEOUT
    )
    async with events as answer:
        await _must_be(200, answer)
        async for event in _events(answer):
            if event.startswith(b"event: delta"):
                delta = orjson.loads(event[event.index(b"data: ") + 6 :])
                if delta["side"] not in seen:
                    seen.add(delta["side"])
                    reception.began(perf_counter() - asked)
                reception.characters += len(delta["text"])
            elif event.startswith(b"event: error"):
                raise RuntimeError(f"a side failed: {event.decode()}")


async def _must_be(status: int, answer: aiohttp.ClientResponse) -> None:
    if answer.status != status:
        raise RuntimeError(f"{answer.method} {answer.url} answered {answer.status}: {await answer.text()}")


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    while chunk := await answer.content.readany():
        *events, rest = (rest + chunk).split(b"\n\n")
        for event in events:
            yield event
