"""The whole program as its operator runs it: separate processes, which can be killed and started again."""

import asyncio
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from arena.postgres import EmbeddedPostgres
from tests.integration.planted import catalog_entry, write_catalog

START_SECONDS = 60


def enterable_directory() -> Path:
    """A new directory that the account of a database server may enter, unlike those that pytest makes."""
    path = Path(tempfile.mkdtemp(prefix="arena-faults-"))
    path.chmod(0o755)
    return path


def free_port() -> int:
    """A port outside the range of outgoing connections: one of those could take it while its program is dead."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("found no free port between 20000 and 30000")


@dataclass
class Program:
    """One process of `python -m arena`, on a port that stays its own over restarts."""

    arguments: Sequence[str]
    ready_path: str
    environment: dict[str, str]
    home: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _log(self) -> Path:
        return self.home / f"{self.arguments[0]}-{self.port}.log"

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "arena", *self.arguments, "--port", str(self.port),
                env=os.environ | self.environment, cwd=self.home, stdout=log, stderr=log,
            )  # fmt: skip
        async with (
            asyncio.timeout(START_SECONDS),
            httpx2.AsyncClient(trust_env=False, verify=False) as client,
        ):
            while not await self._is_ready(client):
                assert self.process.returncode is None, self._log.read_text()[-2000:]
                await asyncio.sleep(0.05)

    async def _is_ready(self, client: httpx2.AsyncClient) -> bool:
        try:
            return (await client.get(self.url + self.ready_path)).status_code == 200
        except httpx2.TransportError:
            return False

    async def kill(self) -> None:
        """As a power cut would."""
        await self.end(signal.SIGKILL)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return await self.process.wait()

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.returncode is None


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A web process with its own embedded Postgres, and the model servers it asks."""

    home: Path
    web: Program
    endpoints: Sequence[Program]

    @property
    def database_url(self) -> str:
        return EmbeddedPostgres(self.home).url("arena")

    def kill_database(self) -> None:
        pid = EmbeddedPostgres(self.home).pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.web.url, timeout=30, trust_env=False, verify=False)


# Each endpoint serves two of the models, so that one that is killed takes down some battles and not all.
MODELS = (
    {"cicada": "demo-scholar", "heron": "demo-telegraph"},
    {"finch": "demo-tinker", "magpie": "demo-lister"},
    {"tern": "demo-tabula", "wren": "demo-parrot"},
)


@asynccontextmanager
async def installation(*, servers: int, **settings: object) -> AsyncIterator[Installation]:
    """Up to three model servers and the arena, in a directory of its own; gone afterwards, whatever happened."""
    home = enterable_directory()
    given = {
        "home": home, "catalog": home / "catalog.toml", "discover": False, "demo": False,
        "interrupted_after_seconds": 2, "checkpoint_seconds": 0.2, "release_characters": 256,
        "release_interval_milliseconds": 10, "battles_per_hour": 10_000, "address_battles_per_hour": 100_000,
        "log_level": "warning", **settings,
    }  # fmt: skip
    environment = {f"ARENA_{name.upper()}": str(value) for name, value in given.items()}
    web = Program(("serve",), "/readyz", environment, home)
    endpoints = [
        Program(("demo-server", "--speed", "1"), "/health", environment, home) for _ in range(servers)
    ]
    write_catalog(home / "catalog.toml", _entries(endpoints))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, home)
        stack.push_async_callback(_end_all, [web, *endpoints], home)
        await asyncio.gather(*(program.start() for program in [*endpoints, web]))
        yield Installation(home=home, web=web, endpoints=endpoints)


def _entries(endpoints: Sequence[Program]) -> list[str]:
    return [
        catalog_entry(name, f"{endpoint.url}/v1") + f'served_model = "{served}"'
        for endpoint, models in zip(endpoints, MODELS, strict=False)
        for name, served in models.items()
    ]


async def _end_all(programs: Sequence[Program], home: Path) -> None:
    await asyncio.gather(*(program.end(signal.SIGTERM) for program in programs if program.runs))
    # The last to leave stops the database; a web process that was killed did not leave.
    server = EmbeddedPostgres(home)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.stop)
