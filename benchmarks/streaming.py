"""What the program adds between model servers and voters: time to the first token, and CPU time per token.

The endpoint, the program and the embedded Postgres are processes of their own; the voters are this one. The
peer is the same client calling the endpoint itself with as many streams: all that comes on top of it is ours.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import aiohttp
import orjson
import psutil

from arena.postgres import EmbeddedPostgres
from benchmarks.comparison import Comparison, Findings
from benchmarks.processes import arena_process, cpu_seconds, free_port, open_directory
from benchmarks.stream_clients import Reception, call_endpoint, follow_battle

PROMPT = "How do tides come about?"
MODELS = ("bench-one", "bench-two")
TOKEN = " water"  # one token for the demo server's splitter
TOKENS = 120
TOKENS_PER_SECOND = 20
BATTLES = (1, 50, 200)
POLICIES = ("raw", "paced")
PEER = "endpoint called directly by aiohttp"
PLENTY = 1_000_000

Meter = Callable[[], tuple[float, float]]
Play = Callable[[aiohttp.ClientSession, Reception], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to the tokens: what a single battle does, and the CPU time of those who carry it."""

    play: Play
    meter: Meter


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One round of one arm."""

    first_token_milliseconds: float
    seconds: float
    start_milliseconds: tuple[float, float]
    token_milliseconds: tuple[float, float]


def measure(rounds: int) -> Findings:
    """Battles at once through the program, and the same streams without it."""
    with open_directory() as directory:
        return asyncio.run(_measure(directory, rounds))


async def _measure(directory: Path, rounds: int) -> Findings:
    readings: dict[tuple[int, str], list[Reading]] = {}
    async with _arms(directory) as arms:
        for policy in POLICIES:
            await _round(arms[policy], 2)  # warm up: connections, prepared statements
        for number in range(rounds):
            for battles in BATTLES:
                for name in _turned(list(arms), number):
                    reading = await _round(arms[name], battles)
                    readings.setdefault((battles, name), []).append(reading)
    rows = [
        row
        for battles in BATTLES
        for policy in POLICIES
        for row in _compared(battles, policy, readings[battles, policy], readings[battles, "direct"])
    ]
    return Findings(comparisons=rows)


def _turned(names: Sequence[str], number: int) -> Sequence[str]:
    """Another order each round, so that nobody always comes after the same neighbour."""
    shift = number % len(names)
    return [*names[shift:], *names[:shift]]


@asynccontextmanager
async def _arms(directory: Path) -> AsyncIterator[Mapping[str, Arm]]:
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(_endpoint(directory))
        catalog = _write_catalog(directory, endpoint)
        server = stack.enter_context(EmbeddedPostgres(directory / "home"))
        arms = {"direct": Arm(play=partial(call_endpoint, endpoint, MODELS, PROMPT), meter=_own_cpu)}
        for policy in POLICIES:
            url, program = await stack.enter_async_context(_program(directory, catalog, server, policy))
            meter = partial(_program_cpu, program, psutil.Process(server.pid()))
            arms[policy] = Arm(play=partial(follow_battle, url, PROMPT), meter=meter)
        yield arms


@asynccontextmanager
async def _endpoint(directory: Path) -> AsyncIterator[str]:
    """A model server whose models answer at a fixed rate."""
    prompts, recordings = directory / "prompts.jsonl", directory / "recordings.jsonl"
    prompts.write_bytes(orjson.dumps({"id": 1, "text": PROMPT}))
    answer = {"org": "Benchmark", "rate": TOKENS_PER_SECOND, "prompt": 1, "result": TOKEN * TOKENS}
    recordings.write_bytes(b"\n".join(orjson.dumps({"name": name, **answer}) for name in MODELS))
    port = free_port()
    arguments = ("demo-server", f"--port={port}", f"--recordings={recordings}", f"--prompts={prompts}")
    url = f"http://127.0.0.1:{port}"
    async with arena_process(arguments, settings={}, directory=directory, ready_url=f"{url}/health"):
        yield f"{url}/v1"


def _write_catalog(directory: Path, endpoint: str) -> Path:
    path = directory / "catalog.toml"
    listed = (
        f'[[model]]\nname = "{name}"\norganization = "Benchmark"\n'
        f'[[model.endpoint]]\nurl = "{endpoint}"\nslots = 1000\n'
        for name in MODELS
    )
    path.write_text("\n".join(listed))
    return path


@asynccontextmanager
async def _program(
    directory: Path, catalog: Path, server: EmbeddedPostgres, policy: str
) -> AsyncIterator[tuple[str, psutil.Process]]:
    port = free_port()
    settings = {
        "DATABASE_URL": server.url("arena"),
        "HOME": str(directory / "home"),
        "CATALOG": str(catalog),
        "RELEASE_POLICY": policy,
        "BATTLES_PER_HOUR": str(PLENTY),
        "ADDRESS_BATTLES_PER_HOUR": str(PLENTY),
        "LOG_LEVEL": "warning",
    }
    url = f"http://127.0.0.1:{port}"
    process = arena_process(
        ("serve", f"--port={port}"), settings=settings, directory=directory, ready_url=f"{url}/readyz"
    )
    async with process as program:
        yield url, program


def _own_cpu() -> tuple[float, float]:
    return time.process_time(), 0.0


def _program_cpu(program: psutil.Process, postgres: psutil.Process) -> tuple[float, float]:
    return cpu_seconds(program), cpu_seconds(postgres)


@dataclass
class _Laps:
    """CPU time at the start, when every stream had its first token, and at the end."""

    meter: Meter
    readings: list[tuple[float, float]] = field(default_factory=list)

    def mark(self) -> None:
        self.readings.append(self.meter())

    def used(self, lap: int, per: float) -> tuple[float, float]:
        """Milliseconds of the program and of Postgres in a lap, for each of so many."""
        before, after = self.readings[lap : lap + 2]
        return (after[0] - before[0]) * 1000 / per, (after[1] - before[1]) * 1000 / per


async def _round(arm: Arm, battles: int) -> Reading:
    reception = Reception(streams=battles * len(MODELS))
    laps = _Laps(arm.meter)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        laps.mark()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(battles):
                tasks.create_task(_as_coroutine(arm.play(session, reception)))
            await reception.all_began.wait()
            laps.mark()
            early = reception.characters
        seconds = time.perf_counter() - began
        laps.mark()
    _must_be_whole(reception)
    tokens = (reception.characters - early) / len(TOKEN)
    return Reading(
        first_token_milliseconds=median(reception.first_token_seconds) * 1000,
        seconds=seconds,
        start_milliseconds=laps.used(0, battles),
        token_milliseconds=laps.used(1, tokens / 1000),
    )


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


def _must_be_whole(reception: Reception) -> None:
    expected = reception.streams * len((TOKEN * TOKENS).strip())
    if reception.characters != expected:
        raise RuntimeError(f"{reception.characters:,} characters arrived instead of {expected:,}")


def _compared(
    battles: int, policy: str, ours: Sequence[Reading], peer: Sequence[Reading]
) -> list[Comparison]:
    def row(what: str, unit: str, figure: Callable[[Reading], float]) -> Comparison:
        return Comparison(
            benchmark="streaming",
            what=f"{policy}, {battles} at once: {what}",
            unit=unit,
            ours=tuple(map(figure, ours)),
            peer=tuple(map(figure, peer)),
            peer_name=PEER,
        )

    rows = [row("time to first token", "ms", lambda reading: reading.first_token_milliseconds)]
    if battles == 1:  # the clock of the process table is too coarse for the CPU time of one battle
        return rows
    return [
        *rows,
        row("until the last token", "s", lambda reading: reading.seconds),
        row("CPU to start a battle", "ms", lambda reading: reading.start_milliseconds[0]),
        row("same with Postgres", "ms", lambda reading: sum(reading.start_milliseconds)),
        row("CPU per 1,000 tokens", "ms", lambda reading: reading.token_milliseconds[0]),
        row("same with Postgres", "ms", lambda reading: sum(reading.token_milliseconds)),
    ]
