"""Find model servers that already run on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp
import orjson

ServerKind = Literal["vLLM", "Ollama", "LM Studio", "llama.cpp", "OpenAI-compatible"]

# The header by which an arena is known: its own API is no model server for it.
ARENA_HEADER = "Arena-Server"
_USUAL_PORTS: Mapping[int, ServerKind] = {
    8000: "vLLM",
    11434: "Ollama",
    1234: "LM Studio",
    8080: "llama.cpp",
}
_OWNERS: Mapping[str, ServerKind] = {
    "vllm": "vLLM",
    "library": "Ollama",
    "organization_owner": "LM Studio",
    "llamacpp": "llama.cpp",
}
_TIMEOUT_SECONDS = 0.5
_LARGEST_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class DiscoveredServer:
    """A server that answered; what kind it is, is a guess."""

    url: str
    kind: ServerKind
    models: tuple[str, ...]


async def discover(
    ports: Sequence[int] = tuple(_USUAL_PORTS), *, skip: Collection[int] = ()
) -> list[DiscoveredServer]:
    """Ask the usual ports of this machine for models; whatever answers oddly is ignored."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        found = await asyncio.gather(*(_ask(session, port) for port in ports if port not in skip))
    return [server for server in found if server]


async def _ask(session: aiohttp.ClientSession, port: int) -> DiscoveredServer | None:
    url = f"http://127.0.0.1:{port}/v1"
    try:
        async with session.get(f"{url}/models", allow_redirects=False) as response:
            if response.status != 200 or ARENA_HEADER in response.headers:
                return None
            body = b""
            while len(body) < _LARGEST_ANSWER_BYTES and (more := await response.content.readany()):
                body += more
            models = model_rows(orjson.loads(body))
    except (aiohttp.ClientError, OSError, ValueError):
        return None
    if not models:
        return None
    return DiscoveredServer(url=url, kind=_kind(port, models), models=tuple(model["id"] for model in models))


def model_rows(answer: Any) -> list[dict[str, Any]]:
    """What a server says of each of its models; none of an answer that is no list of models."""
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str) and row["id"]]


def _kind(port: int, models: Sequence[dict[str, Any]]) -> ServerKind:
    owner = models[0].get("owned_by")
    if isinstance(owner, str) and owner in _OWNERS:
        return _OWNERS[owner]
    return _USUAL_PORTS.get(port, "OpenAI-compatible")
