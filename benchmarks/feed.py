"""Requests a second of `leaderboards/overall.json`, and of its 304: the program beside nginx with the same bytes.

Both are one process on loopback, asked in turns by the same `wrk`; nginx serves what the feed answered, from disk.
"""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import psycopg
import uvloop

from arena.db import upgrade
from arena.postgres import EmbeddedPostgres
from benchmarks.comparison import Comparison, Findings, Remark
from benchmarks.processes import arena_process, free_port, open_directory
from benchmarks.voted_board import MODELS, write_board

PATH = "/feed/v1/leaderboards/overall.json"
CONNECTIONS, SECONDS, WARM_SECONDS = 32, 4, 1
CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    types {{ application/json json; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        gzip_static on;
        gzip_vary on;
        add_header Access-Control-Allow-Origin *;
        add_header Cache-Control "public, max-age=15, stale-while-revalidate=60";
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is asked for, and how."""

    what: str
    headers: Mapping[str, str]
    unchanged: bool = False


LOADS = (
    Load(what="gzip", headers={"Accept-Encoding": "gzip"}),
    Load(what="not compressed", headers={"Accept-Encoding": "identity"}),
    Load(what="304", headers={"Accept-Encoding": "gzip"}, unchanged=True),
)


def measure(rounds: int) -> Findings:
    """Requests a second of each load, ours and nginx's."""
    missing = [name for name in ("nginx", "wrk") if find(name) is None]
    if missing:
        said = f"not measured: there is no {' and no '.join(missing)} here. On Debian: apt-get install nginx-light wrk."
        return Findings(remarks=[Remark(benchmark="feed", text=said)])
    with open_directory() as directory, EmbeddedPostgres(directory / "home") as server:
        upgrade(server.url("arena"))
        with psycopg.connect(server.conninfo("arena"), autocommit=True) as connection:
            write_board(connection, server.url("arena"))
        return uvloop.run(_measure(directory, server, rounds))


def find(name: str) -> str | None:
    """A program, also where only root has it on the path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


async def _measure(directory: Path, server: EmbeddedPostgres, rounds: int) -> Findings:
    async with _program(directory, server) as ours:
        bodies = {load.what: await _fetch(ours, load) for load in LOADS if not load.unchanged}
        with _nginx(directory / "www", bodies) as peer:
            comparisons = [await _compare(load, ours, peer, rounds) for load in LOADS]
    size = f"{len(bodies['gzip']):,} bytes compressed, {len(bodies['not compressed']):,} not"
    said = (
        f"a board of {MODELS} models, {size}; {CONNECTIONS} connections of one wrk thread, {SECONDS} s each."
    )
    return Findings(comparisons=comparisons, remarks=[Remark(benchmark="feed", text=said)])


@asynccontextmanager
async def _program(directory: Path, server: EmbeddedPostgres) -> AsyncIterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "DATABASE_URL": server.url("arena"),
        "HOME": str(directory / "home"),
        "DISCOVER": "false",
        "DEMO": "false",
        "LOG_LEVEL": "warning",
    }
    process = arena_process(
        ("serve", f"--port={port}"), settings=settings, directory=directory, ready_url=f"{url}/livez"
    )
    async with process:
        yield url


@contextmanager
def _nginx(folder: Path, bodies: Mapping[str, bytes]) -> Iterator[str]:
    target = folder / PATH.removeprefix("/")
    target.parent.mkdir(parents=True)
    target.write_bytes(bodies["not compressed"])
    target.with_name(f"{target.name}.gz").write_bytes(bodies["gzip"])
    for path in [folder, *target.parents, *target.parent.iterdir()]:
        if path.is_relative_to(folder):
            path.chmod(0o755)
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    process = psutil.Popen(
        [find("nginx"), "-c", str(configuration), "-p", str(folder)], stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


async def _fetch(url: str, load: Load) -> bytes:
    """The bytes on the wire, compressed where they are."""
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(url + PATH, headers=load.headers) as answer,
    ):
        answer.raise_for_status()
        return await answer.read()


async def _compare(load: Load, ours: str, peer: str, rounds: int) -> Comparison:
    headers = {url: dict(load.headers) for url in (ours, peer)}
    if load.unchanged:
        for url in headers:
            headers[url]["If-None-Match"] = await _etag(url, load)
    elif await _fetch(ours, load) != await _fetch(peer, load):
        raise RuntimeError(f"{load.what}: nginx and the program do not answer the same bytes")
    rates: dict[str, list[float]] = {ours: [], peer: []}
    for url in rates:
        _rate(url, headers[url], WARM_SECONDS)
    for number in range(rounds):
        for url in (ours, peer) if number % 2 else (peer, ours):
            rates[url].append(_rate(url, headers[url], SECONDS))
    return Comparison(
        benchmark="feed",
        what=f"requests for the overall board, {load.what}",
        unit="1/s",
        ours=tuple(rates[ours]),
        peer=tuple(rates[peer]),
        peer_name="nginx, one worker, same bytes",
    )


async def _etag(url: str, load: Load) -> str:
    """The validator of this server, checked: it must be answered 304."""
    async with aiohttp.ClientSession() as session:
        async with session.get(url + PATH, headers=load.headers) as answer:
            etag = answer.headers["ETag"]
        async with session.get(url + PATH, headers={**load.headers, "If-None-Match": etag}) as answer:
            if answer.status != 304:
                raise RuntimeError(f"{url} answered {answer.status} to its own ETag")
    return etag


def _rate(url: str, headers: Mapping[str, str], seconds: int) -> float:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = [str(find("wrk")), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *given, url + PATH]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"not every request was answered:\n{said}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None:
        raise RuntimeError(f"wrk said no rate:\n{said}")
    return float(found[1])
