"""What the program adds between model servers and voters: time to the first token, and CPU time per token.

The endpoint, the program and the embedded Postgres are processes of their own; the voters are this one. The
peer is the same client calling the endpoint itself with as many streams: all that comes on top of it is ours.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
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

MODELS = ("bench-one", "bench-two")
TOKEN = " water"  # one token for the demo server's splitter
TOKENS = 80
PROMPTS = {TOKENS: "How do tides come about?", 1: "How do tides come about, in a word?"}
TOKENS_PER_SECOND = 20
BATTLES = (1, 50, 200)
WARM_UP_BATTLES = 50
POLICIES = ("raw", "paced")
PEER = "endpoint called directly by aiohttp"
PLENTY = 1_000_000

Cpu = Callable[["Run"], float]
Meter = Callable[[], tuple[float, float]]
Play = Callable[[str, aiohttp.ClientSession, Reception], Coroutine[None, None, None]]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to the tokens: what a single battle does, and the CPU time of those who carry it."""

    play: Play
    meter: Meter


@dataclass(frozen=True, kw_only=True)
class Run:
    """So many battles at once, played once; CPU time of the program and of Postgres."""

    first_token_milliseconds: float
    seconds: float
    refusals: int
    cpu_milliseconds: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One round of one arm: the answers in full, and answers of one token to tell what a battle costs without them."""

    battles: int
    full: Run
    short: Run

    def per_battle(self, cpu: Cpu) -> float:
        """Milliseconds for a battle with answers of one token: its start, its end, its connections."""
        return cpu(self.short) / self.battles

    def per_further_tokens(self, cpu: Cpu) -> float:
        """Milliseconds for 1,000 tokens more."""
        tokens = self.battles * len(MODELS) * (TOKENS - 1)
        return (cpu(self.full) - cpu(self.short)) * 1000 / tokens

    def per_tokens(self, cpu: Cpu) -> float:
        """Milliseconds for 1,000 tokens with everything that the battles around them cost."""
        return cpu(self.full) * 1000 / (self.battles * len(MODELS) * TOKENS)


def of_program(run: Run) -> float:
    return run.cpu_milliseconds[0]


def with_postgres(run: Run) -> float:
    return sum(run.cpu_milliseconds)


def measure(rounds: int) -> Findings:
    """Battles at once through the program, and the same streams without it."""
    with open_directory() as directory:
        return asyncio.run(_measure(directory, rounds))


async def _measure(directory: Path, rounds: int) -> Findings:
    readings: dict[tuple[int, str], list[Reading]] = {}
    async with _arms(directory) as arms:
        for policy in POLICIES:
            await _play(arms[policy], WARM_UP_BATTLES, 1)  # database connections, prepared statements
        for number in range(rounds):
            for battles in BATTLES:
                for name in _rotated(list(arms), number):
                    reading = await _round(arms[name], battles)
                    readings.setdefault((battles, name), []).append(reading)
    rows = [
        row
        for battles in BATTLES
        for policy in POLICIES
        for row in _compared(battles, policy, readings[battles, policy], readings[battles, "direct"])
    ]
    return Findings(comparisons=rows)


def _rotated(names: Sequence[str], number: int) -> Sequence[str]:
    """Another order each round, so that nobody always comes after the same neighbour."""
    shift = number % len(names)
    return [*names[shift:], *names[:shift]]


@asynccontextmanager
async def _arms(directory: Path) -> AsyncIterator[Mapping[str, Arm]]:
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(_endpoint(directory))
        catalog = _write_catalog(directory, endpoint)
        server = stack.enter_context(EmbeddedPostgres(directory / "home"))
        arms = {"direct": Arm(play=partial(call_endpoint, endpoint, MODELS), meter=_own_cpu)}
        for policy in POLICIES:
            url, program = await stack.enter_async_context(_program(directory, catalog, server, policy))
            meter = partial(_program_cpu, program, psutil.Process(server.pid()))
            arms[policy] = Arm(play=partial(follow_battle, url), meter=meter)
        yield arms


@asynccontextmanager
async def _endpoint(directory: Path) -> AsyncIterator[str]:
    """A model server whose models answer at a fixed rate."""
    prompts, recordings = directory / "prompts.jsonl", directory / "recordings.jsonl"
    _write_rows(prompts, [{"id": tokens, "text": prompt} for tokens, prompt in PROMPTS.items()])
    common = {"org": "Benchmark", "rate": TOKENS_PER_SECOND}
    answers = [{"prompt": tokens, "result": TOKEN * tokens, **common} for tokens in PROMPTS]
    _write_rows(recordings, [{"name": name, **answer} for name in MODELS for answer in answers])
    port = free_port()
    arguments = ("demo-server", f"--port={port}", f"--recordings={recordings}", f"--prompts={prompts}")
    url = f"http://127.0.0.1:{port}"
    async with arena_process(arguments, settings={}, directory=directory, ready_url=f"{url}/health"):
        yield f"{url}/v1"


def _write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))


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
        "TRUSTED_PROXIES": "127.0.0.1/32",  # each voter comes from an address of their own
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


async def _round(arm: Arm, battles: int) -> Reading:
    short = await _play(arm, battles, 1)
    return Reading(battles=battles, short=short, full=await _play(arm, battles, TOKENS))


async def _play(arm: Arm, battles: int, tokens: int) -> Run:
    reception = Reception()
    # Idle connections are dropped well before the servers do it, or a request meets one that is just being closed.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=1)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        before, began = arm.meter(), time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(battles):
                tasks.create_task(arm.play(PROMPTS[tokens], session, reception))
        seconds, after = time.perf_counter() - began, arm.meter()
    _must_be_whole(reception, battles, tokens)
    return Run(
        first_token_milliseconds=median(reception.first_token_seconds) * 1000,
        seconds=seconds,
        refusals=reception.refusals,
        cpu_milliseconds=((after[0] - before[0]) * 1000, (after[1] - before[1]) * 1000),
    )


def _must_be_whole(reception: Reception, battles: int, tokens: int) -> None:
    expected = battles * len(MODELS) * len((TOKEN * tokens).strip())
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

    rows = [row("time to first token", "ms", lambda reading: reading.full.first_token_milliseconds)]
    if battles == 1:  # the clock of the process table is too coarse for the CPU time of one battle
        return rows
    return [
        *rows,
        row("until the last token", "s", lambda reading: reading.full.seconds),
        row("requests refused with 503", "", lambda reading: reading.full.refusals + reading.short.refusals),
        row("CPU per 1,000 tokens", "ms", lambda reading: reading.per_tokens(of_program)),
        row("same with Postgres", "ms", lambda reading: reading.per_tokens(with_postgres)),
        row("CPU per one-token battle", "ms", lambda reading: reading.per_battle(of_program)),
        row("same with Postgres", "ms", lambda reading: reading.per_battle(with_postgres)),
        row("CPU per further 1,000 tokens", "ms", lambda reading: reading.per_further_tokens(of_program)),
        row("same with Postgres", "ms", lambda reading: reading.per_further_tokens(with_postgres)),
    ]
