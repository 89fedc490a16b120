"""Programs as processes of their own: start them, wait until they answer, read what CPU time they used."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import psutil

START_SECONDS = 60
STOP_SECONDS = 30


@contextmanager
def open_directory() -> Iterator[Path]:
    """A temporary directory that the account of the embedded Postgres may enter too."""
    with TemporaryDirectory(prefix="arena-benchmarks-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def arena_process(
    arguments: Sequence[str], *, settings: Mapping[str, str], directory: Path, ready_url: str
) -> AsyncIterator[psutil.Process]:
    """Run `arena` with these settings and none of the surrounding ones until the block ends."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARENA_")}
    log = directory / f"{arguments[0]}-{free_port()}.log"
    with log.open("w") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "arena", *arguments],
            env=inherited | {f"ARENA_{name}": value for name, value in settings.items()},
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await until_answering(process, ready_url, log)
        yield process
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()


async def until_answering(process: psutil.Popen, url: str, log: Path) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(START_SECONDS):
        while True:
            if process.poll() is not None:
                raise RuntimeError(_ended_at_start(process, log))
            with suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


def _ended_at_start(process: psutil.Popen, log: Path) -> str:
    return f"{' '.join(process.args)} ended at its start:\n{log.read_text()[-2000:]}"


def cpu_seconds(root: psutil.Process) -> float:
    """CPU time of a process and everything it started, those included that are gone already."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
