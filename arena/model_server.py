"""`arena model-server`: a supervised vLLM that registers itself while it is healthy."""

import asyncio
import signal
from collections.abc import Sequence

from arena.catalog import deregister_endpoint, register_endpoint
from arena.db import Database
from arena.gateway.vllm import VllmServer
from arena.logs import get_log

log = get_log("arena.model_server")


async def run_model_server(
    database: Database,
    model: str,
    *,
    name: str,
    host: str,
    port: int,
    slots: int,
    executable: str,
    options: Sequence[str],
) -> None:
    """Run until SIGINT or SIGTERM; the endpoint is gone from the catalog before the engine is."""

    async def on_healthy(url: str, served_model: str) -> None:
        async with database.sessions.begin() as session:
            await register_endpoint(session, name, url, served_model, slots)
        log.info("endpoint_registered", model=name, url=url)

    async def on_gone(url: str) -> None:
        async with database.sessions.begin() as session:
            await deregister_endpoint(session, url)
        log.info("endpoint_deregistered", model=name, url=url)

    server = VllmServer(
        model,
        host=host,
        port=port,
        options=options,
        executable=executable,
        on_healthy=on_healthy,
        on_gone=on_gone,
    )
    running = asyncio.create_task(server.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        log.info("model_server_stopped", model=name)
