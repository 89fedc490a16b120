"""Model servers that the command line runs: a supervised vLLM that registers itself, and the demo server."""

import asyncio
import os
import shlex
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from arena.catalog import deregister_endpoint, register_endpoint
from arena.db import Database
from arena.gateway.demo import DEMO_MODELS
from arena.gateway.demo_server import DemoServer
from arena.gateway.demo_wire import ServedModel
from arena.gateway.recordings import load_recordings
from arena.gateway.vllm import VllmServer
from arena.logs import get_log

log = get_log("arena.model_server")


async def run_vllm(
    database: Database,
    model: str,
    *,
    name: str,
    host: str,
    port: int,
    public_url: str | None,
    slots: int,
    executable: str,
    private_tests_max: int,
    options: Sequence[str],
) -> None:
    """Run vLLM until stopped; the endpoint is in the catalog exactly while the engine is healthy."""

    async def on_healthy(url: str, served_model: str) -> None:
        async with database.sessions.begin() as session:
            await register_endpoint(
                session, name, public_url or url, served_model, slots, private_tests_max=private_tests_max
            )
        log.info("endpoint_registered", model=name, url=public_url or url)

    async def on_gone(url: str) -> None:
        async with database.sessions.begin() as session:
            await deregister_endpoint(session, public_url or url)
        log.info("endpoint_deregistered", model=name, url=public_url or url)

    server = VllmServer(
        model,
        on_healthy=on_healthy,
        on_gone=on_gone,
        served_model=name,
        options=options,
        executable=shlex.split(executable),
        host=host,
        port=port or None,
    )
    await until_stopped(server.run())
    log.info("model_server_stopped", model=name)


async def run_demo_server(*, port: int, recordings: Path | None, prompts: Path | None, speed: float) -> None:
    """Serve the demo models, or the recorded answers of a file, until stopped."""
    models: dict[str, ServedModel] = {model.name: model for model in DEMO_MODELS}
    if recordings is not None:
        if prompts is None:
            raise ValueError("--recordings needs --prompts: the file with the prompts of those answers.")
        models = dict(load_recordings(recordings, prompts))
    server = DemoServer(models, speed=speed)
    try:
        url = await server.start(port=port)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ValueError(f"Cannot listen on port {port}: {reason}. Choose another with --port.") from error
    log.info("demo_server_ready", url=url, models=len(models))
    await until_stopped(_for_ever())
    await server.close()


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until the work ends or SIGINT or SIGTERM asks for an orderly end."""
    running = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


async def _for_ever() -> None:
    await asyncio.Event().wait()
