"""Start a vLLM server, watch it, restart it when it dies, and say when it comes and goes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from arena.gateway.probe import health_address

OnHealthy = Callable[[str, str], Awaitable[None]]
OnGone = Callable[[str], Awaitable[None]]


class ServerDidNotStart(Exception):
    """The model server did not become healthy; see its output on the terminal."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for what."""

    start_seconds: float = 600
    watch_seconds: float = 2
    health_seconds: float = 5
    unhealthy_seconds: float = 30
    interrupt_seconds: float = 20
    terminate_seconds: float = 10
    first_pause_seconds: float = 1
    longest_pause_seconds: float = 120


class VllmServer:
    """One `vllm serve` in a process group of its own, reachable from this machine only unless told otherwise."""

    def __init__(
        self,
        model: str,
        *,
        on_healthy: OnHealthy,
        on_gone: OnGone,
        served_model: str | None = None,
        options: Sequence[str] = (),
        executable: Sequence[str] = ("vllm",),
        host: str = "127.0.0.1",
        port: int | None = None,
        patience: Patience = Patience(),
    ) -> None:
        self.served_model = served_model or model
        self.port = port or free_port(host)
        self.url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}/v1"
        self.restarts = 0
        self._command = [
            *executable, "serve", model, "--served-model-name", self.served_model,
            "--host", host, "--port", str(self.port), *options,
        ]  # fmt: skip
        self._on_healthy = on_healthy
        self._on_gone = on_gone
        self._patience = patience
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Keep the server alive until cancelled; then stop it.

        Raises ServerDidNotStart when it does not come up the first time: that is a wrong option, a missing
        model or too little memory, and trying again would not mend it.
        """
        loop = asyncio.get_running_loop()
        pause = self._patience.first_pause_seconds
        async with aiohttp.ClientSession(trust_env=False) as session:
            while True:
                started_at = loop.time()
                came_up = await self._live_once(session)
                if not came_up and self.restarts == 0:
                    raise ServerDidNotStart(f"{' '.join(self._command)} did not become healthy")
                if loop.time() - started_at > self._patience.longest_pause_seconds:
                    pause = self._patience.first_pause_seconds
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._patience.longest_pause_seconds)
                self.restarts += 1

    async def _live_once(self, session: aiohttp.ClientSession) -> bool:
        """Start the server and return when it has died; says whether it ever was healthy."""
        process = await self._start()
        healthy = False
        try:
            healthy = await self._wait_until_healthy(session, process)
            if healthy:
                await self._on_healthy(self.url, self.served_model)
                await self._watch(session, process)
            return healthy
        finally:
            # Shielded: a second Ctrl-C must not leave the server behind on the GPU.
            await asyncio.shield(asyncio.ensure_future(self._end(process, announce=healthy)))

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            self._process = await asyncio.create_subprocess_exec(*self._command, start_new_session=True)
        except FileNotFoundError:
            raise ServerDidNotStart(
                f"the command {self._command[0]!r} was not found; install vLLM or say where it is"
            ) from None
        return self._process

    async def _end(self, process: asyncio.subprocess.Process, *, announce: bool) -> None:
        try:
            if announce:
                await self._on_gone(self.url)
        finally:
            await self._stop(process)

    async def _wait_until_healthy(
        self, session: aiohttp.ClientSession, process: asyncio.subprocess.Process
    ) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.start_seconds):
                while process.returncode is None:
                    if await self._is_healthy(session):
                        return True
                    await asyncio.sleep(min(0.5, self._patience.watch_seconds))
        return False

    async def _watch(self, session: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
        """Return once the process has ended, or its health page has failed for too long."""
        loop = asyncio.get_running_loop()
        well_at = loop.time()
        while process.returncode is None and loop.time() - well_at < self._patience.unhealthy_seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._patience.watch_seconds)
            if await self._is_healthy(session):
                well_at = loop.time()

    async def _is_healthy(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with asyncio.timeout(self._patience.health_seconds):
                async with session.get(health_address(self.url)) as response:
                    return response.status == 200
        except (aiohttp.ClientError, OSError):
            return False

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        for number, seconds in (
            (signal.SIGINT, self._patience.interrupt_seconds),
            (signal.SIGTERM, self._patience.terminate_seconds),
        ):
            if process.returncode is not None:
                break
            _signal_group(process.pid, number)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), seconds)
        # Workers can outlive the process that started them; the group is ours alone.
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        self._process = None


def _signal_group(process_id: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process_id, number)


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])
