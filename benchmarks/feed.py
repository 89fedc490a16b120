"""Requests a second of `leaderboards/overall.json`, and of its 304: the program beside nginx with the same bytes.

Both are one process on loopback, asked in turns by the same `wrk`; nginx serves what the feed answered, from disk.
"""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import psycopg
import uvloop

from arena.db import upgrade
from arena.postgres import EmbeddedPostgres
from benchmarks.comparison import Comparison, Findings, Remark
from benchmarks.processes import arena_process, cpu_seconds, free_port, open_directory, until_answering
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


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a server listens, and its process."""

    url: str
    process: psutil.Process


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One round of one server."""

    requests_per_second: float
    cpu_microseconds: float  # of the server, for a request


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
        async with _nginx(directory / "www", bodies) as peer:
            comparisons = [row for load in LOADS for row in await _compare(load, ours, peer, rounds)]
    size = f"{len(bodies['gzip']):,} bytes compressed, {len(bodies['not compressed']):,} not"
    said = (
        f"a board of {MODELS} models, {size}; {CONNECTIONS} connections of one wrk thread, {SECONDS} s each."
    )
    return Findings(comparisons=comparisons, remarks=[Remark(benchmark="feed", text=said)])


@asynccontextmanager
async def _program(directory: Path, server: EmbeddedPostgres) -> AsyncIterator[Server]:
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
    async with process as program:
        yield Server(url=url, process=program)


def _prepare(folder: Path, bodies: Mapping[str, bytes], port: int) -> list[str]:
    """Write what nginx serves and how; returns its command line."""
    target = folder / PATH.removeprefix("/")
    target.parent.mkdir(parents=True)
    target.write_bytes(bodies["not compressed"])
    target.with_name(f"{target.name}.gz").write_bytes(bodies["gzip"])
    for path in [folder, *folder.rglob("*")]:  # its worker has an account of its own
        path.chmod(0o755)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    return [str(find("nginx")), "-c", str(configuration), "-p", str(folder)]


@asynccontextmanager
async def _nginx(folder: Path, bodies: Mapping[str, bytes]) -> AsyncIterator[Server]:
    port = free_port()
    process = psutil.Popen(_prepare(folder, bodies, port), stderr=subprocess.DEVNULL)
    server = Server(url=f"http://127.0.0.1:{port}", process=process)
    try:
        await until_answering(process, server.url + PATH, folder / "error.log")
        yield server
    finally:
        process.terminate()
        process.wait(10)


async def _fetch(server: Server, load: Load) -> bytes:
    """The bytes on the wire, compressed where they are."""
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(server.url + PATH, headers=load.headers) as answer,
    ):
        answer.raise_for_status()
        return await answer.read()


async def _compare(load: Load, ours: Server, peer: Server, rounds: int) -> list[Comparison]:
    readings: dict[str, list[Reading]] = {ours.url: [], peer.url: []}
    headers = {url: await _headers(url, load) for url in readings}
    if not load.unchanged and await _fetch(ours, load) != await _fetch(peer, load):
        raise RuntimeError(f"{load.what}: nginx and the program do not answer the same bytes")
    for server in (ours, peer):
        _round(server, headers[server.url], WARM_SECONDS)
    for number in range(rounds):
        for server in (ours, peer) if number % 2 else (peer, ours):
            readings[server.url].append(_round(server, headers[server.url], SECONDS))

    def row(what: str, unit: str, figure: Callable[[Reading], float]) -> Comparison:
        return Comparison(
            benchmark="feed",
            what=f"{what}, {load.what}",
            unit=unit,
            ours=tuple(map(figure, readings[ours.url])),
            peer=tuple(map(figure, readings[peer.url])),
            peer_name="nginx, one worker, same bytes",
        )

    return [
        row("requests for the overall board", "1/s", lambda reading: reading.requests_per_second),
        row("CPU of a request", "µs", lambda reading: reading.cpu_microseconds),
    ]


async def _headers(url: str, load: Load) -> Mapping[str, str]:
    return {**load.headers, "If-None-Match": await _etag(url, load)} if load.unchanged else load.headers


async def _etag(url: str, load: Load) -> str:
    """The validator of this server, checked: it must be answered 304."""
    async with aiohttp.ClientSession() as session:
        async with session.get(url + PATH, headers=load.headers) as answer:
            etag = answer.headers["ETag"]
        async with session.get(url + PATH, headers={**load.headers, "If-None-Match": etag}) as answer:
            if answer.status != 304:
                raise RuntimeError(f"{url} answered {answer.status} to its own ETag")
    return etag


def _round(server: Server, headers: Mapping[str, str], seconds: int) -> Reading:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = [str(find("wrk")), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *given, server.url + PATH]
    cpu = cpu_seconds(server.process)
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    cpu = cpu_seconds(server.process) - cpu
    rate, requests = (
        re.search(pattern, said) for pattern in (r"Requests/sec:\s+([\d.]+)", r"(\d+) requests in")
    )
    if rate is None or requests is None or "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"not every request was answered:\n{said}")
    return Reading(requests_per_second=float(rate[1]), cpu_microseconds=cpu * 1e6 / int(requests[1]))
