"""Votes imported in a second, from a file to the table with all its checks, beside a plain COPY of the same rows."""

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import orjson
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv

from arena.dataset.bulk import Target, import_votes
from arena.db import Database, upgrade
from arena.postgres import EmbeddedPostgres
from benchmarks.comparison import Comparison, Findings, Remark
from benchmarks.processes import open_directory

VOTES = 1_000_000
MODELS = 200
PART = 250_000
READ = 1 << 20
COLUMNS = ("board_id", "file_digest", "line", "model_a", "model_b", "winner", "voter")


def measure(rounds: int, votes: int = VOTES) -> Findings:
    """Both into the same table on the same server, in turns; ours in a process whose memory is that of nothing else."""
    with open_directory() as directory, EmbeddedPostgres(directory / "home") as server:
        upgrade(server.url("arena"))
        file, rows = directory / "votes.csv", directory / "rows.csv"
        _write(file, rows, votes)
        ours, peer, memory = [], [], []
        for number in range(rounds):
            for arm in ("ours", "peer") if number % 2 else ("peer", "ours"):
                _empty(server.conninfo("arena"))
                if arm == "peer":
                    peer.append(votes / _copy(server.conninfo("arena"), rows))
                else:
                    seconds, mebibytes = _in_process(server.url("arena"), file)
                    ours.append(votes / seconds)
                    memory.append(mebibytes)
                _must_hold(server.conninfo("arena"), votes)
    rates = Comparison(
        benchmark="imports",
        what=f"votes imported, of {votes:,}",
        unit="1/s",
        ours=tuple(ours),
        peer=tuple(peer),
        peer_name="COPY FROM of the rows as they are stored",
    )
    said = f"peak memory of an import of {votes:,} votes: {median(memory):.0f} MiB."
    return Findings(comparisons=[rates], remarks=[Remark(benchmark="imports", text=said)])


def _write(file: Path, rows: Path, votes: int) -> None:
    """The votes as a researcher would have them, and as they are stored."""
    random = np.random.default_rng(1)
    names = np.array([f"maker-{number % 30}/model-{number}-instruct" for number in range(MODELS)])
    labels = np.array(["model_a", "model_b", "tie", "both_bad"])
    with file.open("wb") as simple, rows.open("wb") as stored:
        for start in range(0, votes, PART):
            size = min(PART, votes - start)
            a = random.integers(0, MODELS, size)
            b = (a + random.integers(1, MODELS, size)) % MODELS
            voters = np.char.add("voter-", random.integers(0, votes // 5 + 1, size).astype(str))
            columns = (names[a], names[b], labels[random.integers(0, 4, size)], voters)
            table = pa.table(dict(zip(COLUMNS[3:], columns, strict=True)))
            csv.write_csv(table, simple, csv.WriteOptions(include_header=start == 0, quoting_style="none"))
            lines = pa.array(np.arange(start + 2, start + 2 + size))
            fixed = {"board_id": pa.repeat(1, size), "file_digest": pa.repeat("0" * 64, size), "line": lines}
            both = pa.table({**fixed, **{name: table[name] for name in table.column_names}})
            csv.write_csv(both, stored, csv.WriteOptions(include_header=False, quoting_style="none"))


def _empty(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("TRUNCATE board, imported_vote RESTART IDENTITY")
        connection.execute("CHECKPOINT")


def _copy(conninfo: str, rows: Path) -> float:
    with psycopg.connect(conninfo) as connection, rows.open("rb") as file:
        connection.execute("INSERT INTO board (name, title) VALUES ('peer', 'peer')")
        began = time.perf_counter()
        into = f"COPY imported_vote ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
        with connection.cursor() as cursor, cursor.copy(into) as copy:
            while part := file.read(READ):
                copy.write(part)
        connection.commit()
        return time.perf_counter() - began


def _must_hold(conninfo: str, votes: int) -> None:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT count(*) FROM imported_vote").fetchone()
    if row != (votes,):
        raise RuntimeError(f"{row} votes are stored of {votes}")


def _in_process(url: str, file: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.imports", url, str(file)]
    seconds, mebibytes = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return seconds, mebibytes


async def _timed(url: str, file: Path) -> tuple[float, float]:
    database = Database(url, pool_size=2)
    began = time.perf_counter()
    await import_votes(database, file, Target(name="ours"))
    seconds = time.perf_counter() - began
    await database.close()
    return seconds, _peak_mebibytes()


def _peak_mebibytes() -> float:
    """Of this program alone: what getrusage tells begins with the memory of the process that started it."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None, "Linux tells the peak of a process"
    return int(peak[1]) / 2**10


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(_timed(sys.argv[1], Path(sys.argv[2])))))
