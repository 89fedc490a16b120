"""Exports of a release as tests make them, in this process or in one that kills itself on the way.

`python -m tests.integration.releasing URL DIRECTORY NAME WHERE COUNT` is killed at the call with this number; with
`memory` in place of where, it writes the data files and tells the most bytes that Arrow held.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from arena import privacy
from arena.dataset import export as exporting
from arena.dataset import folders, parts, reading, splitting, writing
from arena.dataset.export import Options, export_release
from arena.db import Database
from arena.records import Variant
from arena.settings import Settings
from arena.taggers import RuleTagger

SECRET = "a secret of the tests, long enough to be one"


async def export(
    database: Database, directory: Path, name: str = "2026-11", variant: Variant = "open", **options: Any
) -> dict[str, Any]:
    """Export a release with the settings of the tests; returns its manifest."""
    least_group = options.pop("least_group", 2)
    settings = Settings(secret_key=SECRET, home=directory.parent, release_least_group=least_group)
    return await export_release(
        database, settings, RuleTagger(), privacy, directory, name, variant, Options(**options)
    )


def files_of(directory: Path) -> dict[str, bytes]:
    """Every file of a folder, by path."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


PLACES = {
    "a part is written": (splitting, "_write"),
    "a part is done": (parts, "_to_disk"),
    "the files are written": (writing, "_write"),
    "the files are put in place": (folders, "_put"),
}


@contextmanager
def small_parts() -> Iterator[None]:
    """Several parts for a few votes, whose rows are split again before they are in order."""
    with (
        patch.multiple(reading, READ_BYTES=80_000, PART_BYTES=120_000, FIRST_VOTES=20),
        patch.object(splitting, "FITTING_BYTES", 40_000),
    ):
        yield


def _killing(where: str, count: int) -> AbstractContextManager[Any]:
    calls = 0
    owner, function = PLACES[where]
    whole = getattr(owner, function)

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*arguments)

    return patch.object(owner, function, counted)


def _measured(*arguments: Any, **options: Any) -> Any:
    sys.stdout.write(f"{pa.default_memory_pool().max_memory()}\n")
    raise SystemExit


def _measuring() -> ExitStack:
    """Ranges that are small beside the whole, but not so small that it takes long."""
    stack = ExitStack()
    stack.enter_context(patch.object(writing, "GROUP_ROWS", dict.fromkeys(writing.GROUP_ROWS, 64)))
    stack.enter_context(patch.object(exporting, "finish", _measured))
    return stack


async def _export(url: str, directory: str, name: str, where: str, count: str) -> None:
    with small_parts(), _measuring() if where == "memory" else _killing(where, int(count)):
        await export(Database(url, pool_size=2), Path(directory), name)


if __name__ == "__main__":
    asyncio.run(_export(*sys.argv[1:]))
