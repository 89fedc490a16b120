"""The real program on a free port, with two scripted models behind it that can be made to fail."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from arena.gateway.demo_server import DemoServer
from tests.browser.scripts import MODELS, NAMES
from tests.conftest import ROOT

PATIENCE_SECONDS = 60
FILLED_SECRET = "a secret of the filled arena, long enough to be one"
SETTINGS = {
    "ARENA_DISCOVER": "false",
    "ARENA_DEMO": "false",
    "ARENA_FIT_SECONDS": "1",
    "ARENA_RELEASE_INTERVAL_MILLISECONDS": "20",
    "ARENA_ANSWER_MAX_TOKENS": "8000",
    "ARENA_BATTLES_PER_HOUR": "100000",
    "ARENA_ADDRESS_BATTLES_PER_HOUR": "100000",
    "ARENA_CONTACT": "arena@example.org",
}
MODEL_ENTRY = """\
[[model]]
name = "{name}"
organization = "Birds"
license = "Apache-2.0"
link = "https://example.org/{name}"
description = "A scripted model."
open_weights = true
[[model.endpoint]]
url = "{url}"
"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the arena listens, and the server of its models."""

    url: str
    models: DemoServer


@contextmanager
def model_server() -> Iterator[tuple[DemoServer, str]]:
    """Serve the scripted models from a thread of their own: the browser's driver owns this one's loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="scripted models")
    thread.start()
    server = DemoServer(MODELS)
    try:
        yield server, asyncio.run_coroutine_threadsafe(server.start(), loop).result(PATIENCE_SECONDS)
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def running_arena() -> Iterator[Stage]:
    """The program as an operator starts it, in a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="arena-browser-"))
    home.chmod(0o755)  # the embedded server's account must be able to enter
    try:
        with model_server() as (models, models_url):
            catalog = home / "catalog.toml"
            catalog.write_text("".join(MODEL_ENTRY.format(name=name, url=models_url) for name in NAMES))
            with _program(home, {"ARENA_CATALOG": str(catalog)}) as url:
                yield Stage(url=url, models=models)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def filled_arena(database_url: str) -> Iterator[str]:
    """The program on a database with some history, which nothing changes."""
    home = Path(tempfile.mkdtemp(prefix="arena-filled-"))
    settings = {"ARENA_DATABASE_URL": database_url, "ARENA_JOBS": "false", "ARENA_DEMO": "true"}
    settings |= {"ARENA_SECRET_KEY": FILLED_SECRET, "ARENA_RELEASE_DESTINATIONS": "site"}
    try:
        with _program(home, settings) as url:
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _program(home: Path, more: dict[str, str]) -> Iterator[str]:
    port = _free_port()
    settings = {"ARENA_HOME": str(home), "ARENA_PORT": str(port), **more}
    others = {name: value for name, value in os.environ.items() if not name.startswith("ARENA_")}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "arena", "serve"],
            cwd=ROOT,
            env=others | SETTINGS | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, home / "log")
            yield url
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the arena did not start:\n{log.read_text()[-3000:]}")
