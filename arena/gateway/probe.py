"""Ask a model server whether it is well."""

from __future__ import annotations

import asyncio
from enum import Enum

import aiohttp

from arena.gateway.errors import EndpointUnreachable
from arena.gateway.openai_chat import Endpoint, request_headers


class Verdict(Enum):
    WELL = "well"
    SILENT = "silent"
    DEAD_ENGINE = "dead engine"


async def probe(
    session: aiohttp.ClientSession, endpoint: Endpoint, timeout_seconds: float, *, thorough: bool
) -> Verdict:
    """Read `/health` of the server; when thorough, one that has no such page is asked for its models."""
    try:
        async with asyncio.timeout(timeout_seconds):
            status = await _status(session, endpoint, health_address(endpoint.url))
            if status == 503:
                return Verdict.DEAD_ENGINE
            if status == 200 or not thorough:
                return Verdict.WELL
            status = await _status(session, endpoint, endpoint.address("models"))
    except (aiohttp.ClientError, OSError, EndpointUnreachable):
        return Verdict.SILENT
    return Verdict.WELL if status == 200 else Verdict.SILENT


def health_address(url: str) -> str:
    """vLLM keeps `/health` beside `/v1`, not below it, wherever a proxy may have mounted the two."""
    return url.rstrip("/").removesuffix("/v1") + "/health"


async def _status(session: aiohttp.ClientSession, endpoint: Endpoint, address: str) -> int:
    async with session.get(address, headers=request_headers(endpoint), allow_redirects=False) as response:
        return response.status
