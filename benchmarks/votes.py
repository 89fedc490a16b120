"""Votes acknowledged in a second: over HTTP, by the domain function alone, and by pgbench with the same statement.

All three store votes durably on the same server, from the same number of clients at once, each on battles of
its own that were answered beforehand.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import psutil
import psycopg
import uvloop

from arena.db import Database, upgrade
from arena.postgres import EmbeddedPostgres
from arena.voters import COOKIE, Signer
from arena.votes import CAST, cast_vote
from benchmarks.answered_battles import CLIENTS, Block, list_models, prepare, voter_of
from benchmarks.comparison import Comparison, Findings, Remark
from benchmarks.pgbench import Load, find_pgbench, rate_of_pgbench, rate_of_psycopg
from benchmarks.processes import arena_process, cpu_seconds, free_port, open_directory

SECRET = "a secret of the benchmark, long enough to be one"
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to cast votes: casting a block of them, whose CPU time counts, and how many each client casts."""

    cast: Callable[[Block], Awaitable[None | float]]
    cpu: Callable[[], float]
    each: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One round of one arm."""

    votes_per_second: float
    cpu_milliseconds_per_vote: float


def measure(rounds: int) -> Findings:
    """Votes over HTTP and by `votes.cast_vote`, each beside pgbench."""
    with open_directory() as directory, EmbeddedPostgres(directory / "home") as server:
        upgrade(server.url("arena"))
        with psycopg.connect(server.conninfo("arena"), autocommit=True) as connection:
            _must_be_durable(connection)
            list_models(connection)
            readings = uvloop.run(_measure(directory, server, connection, rounds))
    if find_pgbench():
        return Findings(comparisons=_compared(readings, "pgbench, same statement"))
    remark = "there is no pgbench here; psycopg in threads took its place, which is slower and flatters us."
    remarks = [Remark(benchmark="votes", text=remark)]
    return Findings(comparisons=_compared(readings, "psycopg threads, same statement"), remarks=remarks)


def _must_be_durable(connection: psycopg.Connection) -> None:
    for setting in DURABLE:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        if row != ("on",):
            raise RuntimeError(f"{setting} is {row}: this benchmark is about durable votes")


async def _measure(
    directory: Path, server: EmbeddedPostgres, connection: psycopg.Connection, rounds: int
) -> Mapping[str, Sequence[Reading]]:
    readings: dict[str, list[Reading]] = {}
    async with _arms(directory, server) as arms:
        names = list(arms)
        for number in range(rounds + 1):
            for position in range(len(names)):
                name = names[(position + number) % len(names)]
                block = Block(name=f"{name:.4}{number:02}", each=arms[name].each)
                prepare(connection, block)
                reading = await _round(arms[name], block)
                if number:  # round 0 opens connections and prepares statements
                    readings.setdefault(name, []).append(reading)
    return readings


@asynccontextmanager
async def _arms(directory: Path, server: EmbeddedPostgres) -> AsyncIterator[Mapping[str, Arm]]:
    database = Database(server.url("arena"), pool_size=CLIENTS)
    postgres = psutil.Process(server.pid())
    async with _program(directory, server) as (url, program):
        yield {
            "http": Arm(cast=partial(_over_http, url), cpu=partial(cpu_seconds, program), each=60),
            "call": Arm(cast=partial(_by_function, database), cpu=time.process_time, each=120),
            "peer": Arm(
                cast=partial(_by_peer, server, database), cpu=partial(cpu_seconds, postgres), each=400
            ),
        }
    await database.close()


@asynccontextmanager
async def _program(directory: Path, server: EmbeddedPostgres) -> AsyncIterator[tuple[str, psutil.Process]]:
    port = free_port()
    settings = {
        "DATABASE_URL": server.url("arena"),
        "HOME": str(directory / "home"),
        "SECRET_KEY": SECRET,
        "DISCOVER": "false",
        "DEMO": "false",
        "LOG_LEVEL": "warning",
    }
    url = f"http://127.0.0.1:{port}"
    process = arena_process(
        ("serve", f"--port={port}"), settings=settings, directory=directory, ready_url=f"{url}/livez"
    )
    async with process as program:
        yield url, program


async def _round(arm: Arm, block: Block) -> Reading:
    votes = CLIENTS * block.each
    cpu, began = arm.cpu(), time.perf_counter()
    rate = await arm.cast(block)
    seconds = time.perf_counter() - began
    return Reading(
        votes_per_second=rate or votes / seconds,
        cpu_milliseconds_per_vote=(arm.cpu() - cpu) * 1000 / votes,
    )


async def _over_http(url: str, block: Block) -> None:
    signer = Signer(SECRET)
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def voter(client: int) -> None:
            headers = {"Cookie": f"{COOKIE}={signer.cookie(voter_of(client))}"}
            for number in range(block.each):
                path = f"{url}/api/v1/battles/{block.battle(client, number)}/vote"
                async with session.post(path, json={"winner": "model_a"}, headers=headers) as answer:
                    if answer.status != 201:
                        raise RuntimeError(f"a vote was answered {answer.status}: {await answer.text()}")
                    await answer.read()

        await _all_clients(voter)


async def _by_function(database: Database, block: Block) -> None:
    signer = Signer(SECRET)

    async def voter(client: int) -> None:
        for number in range(block.each):
            battle = block.battle(client, number)
            async with database.statement() as connection:
                await cast_vote(
                    connection, signer, battle_id=battle, voter_id=voter_of(client), winner="model_a"
                )

    await _all_clients(voter)


async def _all_clients(voter: Callable[[int], Awaitable[None]]) -> None:
    await asyncio.gather(*map(voter, range(CLIENTS)))


async def _by_peer(server: EmbeddedPostgres, database: Database, block: Block) -> float:
    load = Load(
        statement=str(CAST.compile(database.engine.sync_engine)),
        expressions={
            "battle": block.battle_in_sql(),
            "voter": voter_of_client_in_sql(),
            "winner": "'model_a'",
            "reasons": "'[]'",
            "receipt": "'0123456789abcdef01234567'",
        },
        clients=CLIENTS,
        each=block.each,
    )
    program, conninfo = find_pgbench(), server.conninfo("arena")
    if program is None:
        return await asyncio.to_thread(rate_of_psycopg, conninfo, load)
    return await asyncio.to_thread(rate_of_pgbench, program, conninfo, load)


def voter_of_client_in_sql() -> str:
    return "CAST(lpad(CAST(:client_id AS text), 32, '0') AS uuid)"


def _compared(readings: Mapping[str, Sequence[Reading]], peer_name: str) -> list[Comparison]:
    def row(arm: str, what: str, unit: str, figure: Callable[[Reading], float], peer: str) -> Comparison:
        return Comparison(
            benchmark="votes",
            what=what,
            unit=unit,
            ours=tuple(map(figure, readings[arm])),
            peer=tuple(map(figure, readings["peer"])),
            peer_name=peer,
        )

    def rate(reading: Reading) -> float:
        return reading.votes_per_second

    def cpu(reading: Reading) -> float:
        return reading.cpu_milliseconds_per_vote

    return [
        row("http", "votes acknowledged over HTTP", "1/s", rate, peer_name),
        row("call", "votes stored by votes.cast_vote", "1/s", rate, peer_name),
        row("http", "CPU of the program for a vote", "ms", cpu, "the server's CPU under that load"),
        row("call", "CPU of votes.cast_vote for a vote", "ms", cpu, "the server's CPU under that load"),
    ]
