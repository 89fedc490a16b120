"""A release of many battles with conversations, beside a plain COPY of the same rows from the same server.

Tags are there: a battle is tagged once, when its vote is cast, and not for a release.
"""

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final
from unittest.mock import patch

import orjson
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]

from arena import privacy
from arena.dataset import export
from arena.dataset.finish import finish
from arena.dataset.redaction import Privacy
from arena.dataset.rows import (
    BATTLE_COLUMNS,
    TURN_COLUMNS,
    battles_source,
    listed,
    turns_source,
    votes_source,
)
from arena.db import Database, upgrade
from arena.memory import do_without_machine_code, share_freed_memory
from arena.postgres import EmbeddedPostgres
from arena.settings import Settings
from arena.taggers import RuleTagger
from benchmarks.comparison import Comparison, Findings, Remark
from benchmarks.conversations import fill
from benchmarks.processes import open_directory
from ratings.release.manifest import rows_in

BATTLES: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one export took; its views are boards, other layouts, samples and checksums, made from the data files."""

    seconds: float
    views_seconds: float
    mebibytes: float
    battles: int

    @property
    def data_seconds(self) -> float:
        return self.seconds - self.views_seconds


@dataclass(frozen=True)
class Kept:
    """Texts as they are."""

    texts: Any
    kinds: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


class KeepsTexts:
    """In place of what finds personal data: what an export takes without."""

    def redact_column(self, texts: pa.ChunkedArray) -> Kept:
        return Kept(texts)


def measure(rounds: int, *, battles: int = BATTLES) -> Findings:
    """Each round: a plain COPY of the rows to a file and to nobody, an export without redaction and one with it."""
    with open_directory() as directory, EmbeddedPostgres(directory / "home") as server:
        upgrade(server.url("arena"))
        fill(server.conninfo("arena"), battles)
        _copied(server.conninfo("arena"), Path(os.devnull))  # from here on, all find the tables in memory
        copied, dropped, plain, whole = [], [], [], []
        for _ in range(rounds):
            copied.append(_copied(server.conninfo("arena"), directory / "copied"))
            dropped.append(_copied(server.conninfo("arena"), Path(os.devnull)))
            plain.append(_exported(server.url("arena"), directory / "release", "plain"))
            whole.append(_exported(server.url("arena"), directory / "release", "whole"))
    return _findings(copied, dropped, plain, whole)


def _findings(
    copied: list[float], dropped: list[float], plain: list[Figures], whole: list[Figures]
) -> Findings:
    battles = whole[0].battles

    def compared(what: str, exports: list[Figures], peer: list[float], peer_name: str) -> Comparison:
        return Comparison(
            benchmark="export",
            what=what,
            unit="battles/s",
            ours=tuple(battles / each.data_seconds for each in exports),
            peer=tuple(battles / each for each in peer),
            peer_name=peer_name,
        )

    without = median(each.data_seconds for each in plain)
    redaction = median(each.data_seconds for each in whole) - without
    said = (
        f"{battles:,} battles: data files {without:.0f} s, looking for personal data {redaction:.0f} s more, boards and"
        f" other layouts {median(each.views_seconds for each in whole):.0f} s more; at most"
        f" {max(each.mebibytes for each in (*plain, *whole)):.0f} MiB of memory."
    )
    return Findings(
        comparisons=[
            compared("data files of a release", whole, copied, "COPY … TO a file"),
            compared("the same without looking for personal data", plain, copied, "COPY … TO a file"),
            compared("data files of a release", whole, dropped, "COPY … TO, nothing written"),
        ],
        remarks=[Remark(benchmark="export", text=said)],
    )


def _copied(conninfo: str, into: Path) -> float:
    """The seconds of copying the same rows, as fast as the driver takes them."""
    with psycopg.connect(conninfo) as connection, into.open("wb") as file:
        began = time.perf_counter()
        for columns, source in (
            (BATTLE_COLUMNS, battles_source("open")),
            (TURN_COLUMNS, turns_source(votes_source("open"), "now")),
        ):
            query = f"COPY (SELECT {listed(columns)} {source}) TO STDOUT"
            with connection.cursor() as cursor, cursor.copy(query) as copy:
                for some in copy:
                    file.write(some)
        return time.perf_counter() - began


def _exported(url: str, directory: Path, how: str) -> Figures:
    """An export in a process whose memory is that of nothing else, and kept as by `arena dataset`."""
    shutil.rmtree(directory, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.export", url, str(directory), how]
    environment = os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    return Figures(**orjson.loads(done.stdout))


async def _export(url: str, directory: str, how: str) -> Figures:
    database = Database(url, pool_size=2)
    finds: Privacy = privacy if how == "whole" else KeepsTexts()
    settings = Settings(secret_key="of a benchmark, and long enough", home=Path(directory).parent)
    views: list[float] = []

    def finished(*arguments: Any, **options: Any) -> dict[str, Any]:
        began = time.perf_counter()
        manifest = finish(*arguments, **options)
        views.append(time.perf_counter() - began)
        return manifest

    began = time.perf_counter()
    with patch.object(export, "finish", finished):
        manifest = await export.export_release(
            database, settings, RuleTagger(), finds, Path(directory), how, "open", export.Options()
        )
    seconds = time.perf_counter() - began
    await database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    rows = rows_in(manifest, "data/battles.parquet")
    return Figures(seconds=seconds, views_seconds=sum(views), mebibytes=peak, battles=rows)


if __name__ == "__main__":
    share_freed_memory()
    do_without_machine_code()
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(_export(*sys.argv[1:]))))
