"""`arena serve`: the address, the database, the greeting, the simulated voters, and the server itself."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from rich.console import Console

from arena import __version__, simulate
from arena.app import prepare_catalog, server_options
from arena.catalog import read_catalog
from arena.db import Database, database_of, upgrade
from arena.logs import configure_logs
from arena.operator_categories import read_operator_categories
from arena.settings import Settings

console = Console()


def serve_until_stopped() -> None:
    """Serve as the settings in the environment say, which worker processes read as this one does."""
    settings = Settings()
    configure_logs(settings)
    _must_be_free(settings)
    _must_be_readable(settings)
    signal.signal(signal.SIGTERM, _end_in_order)
    with database_of(settings) as location:
        upgrade(location.url)
        demo = asyncio.run(_offers_demo_models(settings, location.url))
        _greet(settings)
        with _simulated_voters(settings, location.url, demo=demo):
            uvicorn.run(
                "arena.app:create_app",
                factory=True,
                host=settings.host,
                port=settings.port,
                workers=settings.workers,
                **server_options(settings),
            )


def _must_be_free(settings: Settings) -> None:
    """Say so before anything is started; uvicorn would only find out at the end."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise ValueError(
                f"Cannot listen on {where}: {error.strerror}. Choose another with --port, or in ARENA_PORT."
            ) from error


def _must_be_readable(settings: Settings) -> None:
    """Say what is wrong with the operator's files before anything is started; raises an `ArenaError`."""
    if settings.catalog is not None:
        read_catalog(settings.catalog)
    read_operator_categories(settings.categories_file)


def _end_in_order(number: int, frame: object) -> None:
    """uvicorn sends the signal again once it has stopped: that would end us with the embedded Postgres running."""
    raise SystemExit(128 + number)


def _greet(settings: Settings) -> None:
    where = f"http://{'localhost' if settings.host in ('0.0.0.0', '127.0.0.1') else settings.host}:{settings.port}"
    console.print(f"[bold]{settings.title}[/] {__version__} is starting on [link={where}]{where}[/link]")
    console.print("Stop with Ctrl-C. Add your own models with a catalog file: see docs/operators.md.")


@contextmanager
def _simulated_voters(settings: Settings, url: str, *, demo: bool) -> Iterator[None]:
    """Let simulated voters fill their board in a process of their own, as far as it is not filled yet."""
    missing = settings.simulated_voters and settings.simulated_voters - asyncio.run(simulate.votes_cast(url))
    if missing <= 0 or not demo:
        yield
        return
    console.print(f"{missing} simulated battles begin now, on a leaderboard of their own.")
    command = [
        sys.executable,
        "-m",
        "arena",
        "simulate",
        "voters",
        "--n",
        str(missing),
        "--base-url",
        settings.own_url,
    ]
    voters = subprocess.Popen(command)
    try:
        yield
    finally:
        voters.terminate()
        voters.wait()


async def _offers_demo_models(settings: Settings, url: str) -> bool:
    """Whether battles will be between demo models; an operator's own are not for simulated voters to busy."""
    database = Database(url, pool_size=1)
    try:
        return (await prepare_catalog(settings, database)).demo
    finally:
        await database.close()
