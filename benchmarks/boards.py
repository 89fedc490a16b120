"""Every board of a large arena: a full fit from the database, a refresh after new votes, and the memory of both.

Ballots are written straight into their table: the tags of a battle are made once, when its vote is cast, and are no
part of a fit.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from threading import Thread

import numpy as np
import orjson
import psutil
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv

from arena.categories import CATEGORIES
from arena.db import Database, upgrade
from arena.postgres import EmbeddedPostgres
from arena.snapshots import Fitter
from arena.tagging import rules_version
from benchmarks.comparison import Findings, Remark
from benchmarks.processes import open_directory

MODELS = 200
VOTES = 3_000_000
NEW_VOTES = 10_000
WATCHING_SECONDS = 0.02
TOUCHED = 6 * 2**30
"""Bytes: more than a fit and the database's files take together."""
LANGUAGES = (
    "en",
    "zh",
    "ru",
    "de",
    "fr",
    "es",
    "ja",
    "pt",
    "ko",
    "it",
    "vi",
    "tr",
    "pl",
    "ar",
    "uk",
    "nl",
    "cs",
    "id",
    "fa",
    "sv",
)
COLUMNS = (
    "vote_id", "voter", "model_a_id", "model_b_id", "winner", "cast_on", "tags", "style_a", "style_b",
    "prompt_digest", "rules",
)  # fmt: skip
SHARES = {
    "code": 0.2, "math": 0.08, "creative-writing": 0.1, "instruction-following": 0.2, "hard-prompt": 0.2,
    "long-prompt": 0.08, "short-prompt": 0.06, "multi-turn": 0.12, "refusal": 0.04,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a fit took."""

    full_seconds: float
    refresh_seconds: float
    gibibytes: float


def measure(rounds: int) -> Findings:
    """A full fit and a refresh, each by a process of its own whose memory is that of nothing else."""
    with open_directory() as directory, EmbeddedPostgres(directory / "home") as server:
        upgrade(server.url("arena"))
        figures = []
        for _ in range(rounds):
            fill(server.conninfo("arena"), VOTES)
            _touch_memory()
            figures.append(_in_process(server.url("arena"), server.conninfo("arena")))
    said = (
        f"{VOTES:,} votes on {MODELS} models, {len(CATEGORIES) + len(LANGUAGES)} categories with and without style "
        f"control: full fit {_median(figures, 'full_seconds'):.1f} s, refresh after {NEW_VOTES:,} votes "
        f"{_median(figures, 'refresh_seconds'):.1f} s, {_median(figures, 'gibibytes'):.1f} GiB."
    )
    return Findings(remarks=[Remark(benchmark="boards", text=said)])


def _touch_memory() -> None:
    """Have memory lent before a fit needs it: some virtual machines take seconds for each gibibyte at its first use."""
    touched = min(TOUCHED, psutil.virtual_memory().available // 2)
    subprocess.run([sys.executable, "-c", f"bytearray(b'1') * {touched}"], check=True)


def _median(figures: Sequence[Figures], name: str) -> float:
    return float(np.median([getattr(each, name) for each in figures]))


def _in_process(url: str, conninfo: str) -> Figures:
    command = [sys.executable, "-m", "benchmarks.boards", url, conninfo]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return Figures(**orjson.loads(done.stdout))


async def _fit_and_refresh(url: str, conninfo: str) -> Figures:
    memory: list[int] = []
    Thread(target=_watch_memory, args=[memory], daemon=True).start()
    database = Database(url, pool_size=2)
    fitter = Fitter(database)
    full = await _timed(fitter)
    await asyncio.to_thread(fill, conninfo, NEW_VOTES, seed=2, add=True)
    refresh = await _timed(fitter)
    fitter.close()
    await database.close()
    return Figures(full_seconds=full, refresh_seconds=refresh, gibibytes=max(memory) / 2**30)


def _watch_memory(found: list[int]) -> None:
    """Note every few moments what this process and those that it started hold together."""
    this = psutil.Process()
    while True:
        held = 0
        for process in (this, *this.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                held += process.memory_info().rss
        found.append(held)
        time.sleep(WATCHING_SECONDS)


async def _timed(fitter: Fitter) -> float:
    began = time.perf_counter()
    assert await fitter.fit() is not None
    return time.perf_counter() - began


def fill(conninfo: str, votes: int, *, seed: int = 1, add: bool = False) -> None:
    """Write ballots of simulated voters who like some models, and longer answers, better."""
    random = np.random.default_rng(seed)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # Ballots without votes: the rest of the database has no part in a fit.
        connection.execute("SET session_replication_role = replica")
        if not add:
            connection.execute("TRUNCATE ballot, removed_ballot, snapshot, model RESTART IDENTITY CASCADE")
            names = ", ".join(f"('model-{number:03}', 'maker', 'open')" for number in range(MODELS))
            connection.execute(f"INSERT INTO model (name, organization, license) VALUES {names}")
        (first,) = connection.execute("SELECT coalesce(max(vote_id), 0) FROM ballot").fetchone() or (0,)
        into = f"COPY ballot ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
        with connection.cursor() as cursor, cursor.copy(into) as copy:
            for start in range(0, votes, 250_000):
                copy.write(_ballots(random, first + start, min(250_000, votes - start)))
        # Of votes that came over months, Postgres did that long ago.
        connection.execute("ANALYZE ballot" if add else "VACUUM ANALYZE ballot")


def _ballots(random: np.random.Generator, first: int, votes: int) -> bytes:
    strength = np.random.default_rng(0).normal(0, 0.75, MODELS)
    a = random.integers(0, MODELS, votes)
    b = (a + random.integers(1, MODELS, votes)) % MODELS
    tokens = random.lognormal(5.5, 0.7, (2, votes)).astype(int)
    marks = random.poisson([[[1.0]], [[3.0]], [[2.0]], [[0.4]], [[0.5]]], (5, 2, votes))
    longer = (tokens[0] - tokens[1]) / (tokens[0] + tokens[1] + 1)
    wins = random.random(votes) < 1 / (1 + np.exp(strength[b] - strength[a] - 0.8 * longer))
    tied = random.random(votes) < 0.3
    winner = np.where(
        tied, np.where(random.random(votes) < 0.5, "tie", "both_bad"), np.where(wins, "model_a", "model_b")
    )
    voter = np.repeat(np.arange(votes), np.minimum(random.zipf(2.2, votes), 600))[:votes] + 10 * first
    rank = np.minimum(random.zipf(1.7, votes) - 1, len(LANGUAGES) - 1)
    has = {tag: random.random(votes) < share for tag, share in SHARES.items()}
    tags = [
        [tag for tag in has if has[tag][row]] + [f"language:{LANGUAGES[rank[row]]}"] for row in range(votes)
    ]
    styles = [np.column_stack([tokens[side], marks[:, side].T]).tolist() for side in (0, 1)]
    prompts = random.integers(0, 2**62, votes).tolist()
    values = (
        np.arange(first + 1, first + votes + 1),
        voter[random.permutation(votes)],
        a + 1,
        b + 1,
        winner,
        np.full(votes, "2026-01-01"),
        [_braced(sorted(row)) for row in tags],
        *([_braced(map(str, row)) for row in style] for style in styles),
        [f"{prompt:016x}" for prompt in prompts],
        np.full(votes, rules_version(())),
    )
    table = pa.table(dict(zip(COLUMNS, values, strict=True)))
    written = BytesIO()
    csv.write_csv(table, written, csv.WriteOptions(include_header=False))
    return written.getvalue()


def _braced(values: Iterable[str]) -> str:
    return "{" + ",".join(values) + "}"


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(_fit_and_refresh(*sys.argv[1:]))))
