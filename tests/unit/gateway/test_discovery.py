from __future__ import annotations

from aiohttp import web

from arena.gateway.discovery import DiscoveredServer, discover
from tests.unit.gateway.conftest import StartServer
from tests.unit.gateway.test_openai_chat import server_that


def port_of(url: str) -> int:
    return int(url.removesuffix("/v1").rsplit(":", 1)[1])


async def test_a_running_server_is_found(start_server: StartServer) -> None:
    server = await start_server()
    found = await discover([port_of(server.url)])
    assert found == [DiscoveredServer(url=server.url, kind="OpenAI-compatible", models=("alpha",))]
    assert await discover([port_of(server.url)], skip={port_of(server.url)}) == []


async def test_the_owner_of_the_models_tells_the_kind() -> None:
    for owner, kind in (
        ("vllm", "vLLM"),
        ("library", "Ollama"),
        ("llamacpp", "llama.cpp"),
        (7, "OpenAI-compatible"),
    ):

        async def models(request: web.Request, owner: object = owner) -> web.StreamResponse:
            return web.json_response({"data": [{"id": "a", "owned_by": owner}, {"id": 5}, "odd"]})

        async with server_that(models) as url:
            (found,) = await discover([port_of(url)])
        assert (found.kind, found.models) == (kind, ("a",))


async def test_anything_odd_is_ignored(unused_tcp_port: int) -> None:
    async def arena(request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": [{"id": "a"}]}, headers={"Arena-Server": "0.1"})

    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    async def empty(request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": []})

    async def refusing(request: web.Request) -> web.StreamResponse:
        raise web.HTTPUnauthorized

    for handler in (arena, page, empty, refusing):
        async with server_that(handler) as url:
            assert await discover([port_of(url)]) == []
    assert await discover([unused_tcp_port]) == []
