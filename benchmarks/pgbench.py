"""Postgres without us: pgbench, or a loop of psycopg threads where there is no pgbench, running one statement."""

import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from arena.postgres_programs import find_programs

# What SQLAlchemy renders for a parameter of the psycopg dialect.
_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, kw_only=True)
class Load:
    """A statement, the SQL that stands for each of its parameters, and who repeats it how often.

    The expressions may use `:n`, the number of the repetition, and `:client_id`, both counted from 0.
    """

    statement: str
    expressions: Mapping[str, str]
    clients: int
    each: int

    def sql(self) -> str:
        return _PARAMETER.sub(lambda parameter: self.expressions[parameter[1]], self.statement)


def find_pgbench() -> Path | None:
    """The one beside the server's programs, else the one on the path."""
    beside = find_programs().directory / "pgbench"
    if beside.exists():
        return beside
    found = shutil.which("pgbench")
    return Path(found) if found else None


def rate_of_pgbench(program: Path, conninfo: str, load: Load) -> float:
    """Transactions a second, connecting not counted; prepared statements, as psycopg uses them too."""
    with TemporaryDirectory(prefix="arena-pgbench-") as directory:
        script = Path(directory) / "vote.sql"
        script.write_text(f"\\set n :n + 1\n{load.sql()};\n")
        done = subprocess.run(
            [program, "--no-vacuum", "--protocol=prepared", f"--file={script}", "--define=n=-1", "--jobs=2",
             f"--client={load.clients}", f"--transactions={load.each}", conninfo],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if done.returncode or rate is None:
        raise RuntimeError(f"pgbench failed: {done.stderr[-1000:] or done.stdout[-1000:]}")
    return float(rate[1])


def rate_of_psycopg(conninfo: str, load: Load) -> float:
    """The same from threads of this process: slower than pgbench, so a ratio against it flatters us."""
    statement = load.sql().replace(":n", "%(n)s").replace(":client_id", "%(client)s")
    with ThreadPoolExecutor(load.clients) as threads:
        connections = [psycopg.connect(conninfo, autocommit=True) for _ in range(load.clients)]

        def repeat(client: int) -> None:
            for number in range(load.each):
                connections[client].execute(statement, {"n": number, "client": client})

        began = time.perf_counter()
        list(threads.map(repeat, range(load.clients)))
        seconds = time.perf_counter() - began
        for connection in connections:
            connection.close()
    return load.clients * load.each / seconds
