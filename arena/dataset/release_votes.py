"""A release from elsewhere: whether it is whole, and the votes that its overall board counts, for a board here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.blocks import Block, VotesFile
from arena.dataset.parquet_votes import open_parquet
from arena.errors import ReleaseInvalid
from arena.populations import OVERALL
from ratings.release.checks import WITHDRAWN
from ratings.release.manifest import read_manifest
from ratings.release.populations import VOTES_FILE
from ratings.release.schema import BATTLE_ID
from ratings.release.tables import TableReader, table_files
from ratings.release.verification import examine

# What follows is computed from the votes, and is computed here anew.
_LAST_CHECK: Final = "withdrawn"
_WHICH_LIST: Final = f"Nothing was imported. Give a newer release, or its {WITHDRAWN}."
_WHICH: Final = ("battle_id", "population", "over_frequent")


def checked_manifest(directory: Path) -> dict[str, Any]:
    """What a release says of itself, once it is sure that its files are whole and fit together.

    Raises `ReleaseInvalid`.
    """
    manifest = read_manifest(directory)
    for check in examine(directory):
        if check.findings:
            raise ReleaseInvalid(
                f"{directory}: {check.findings[0]}. Nothing was imported; "
                f"`arena dataset verify {directory}` lists all that is wrong."
            )
        if check.name == _LAST_CHECK:
            break
    return manifest


def withdrawn_battles(directory: Path, since: Path | None) -> list[str]:
    """The battles that a release, or a list of later days, says were withdrawn."""
    lists = [directory / WITHDRAWN, *([since] if since else [])]
    return sorted({battle for each in lists for battle in _battles_of(each)})


def _battles_of(path: Path) -> Iterator[str]:
    """A list of battles, a line each: what else it held would be published, and what it does not name be kept."""
    path = path / WITHDRAWN if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseInvalid(f"{path} cannot be read: {error}. {_WHICH_LIST}") from error
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and not BATTLE_ID.fullmatch(line):
            raise ReleaseInvalid(f"{path}: line {number} is no battle of a release. {_WHICH_LIST}")
        if line:
            yield line


def open_release_votes(directory: Path, withdrawn: Sequence[str]) -> VotesFile:
    """The votes that the overall board of a release counts."""
    votes = open_parquet(*table_files(directory / VOTES_FILE))
    gone = pa.array(withdrawn, pa.string())

    def read(wanted: Sequence[str], on_progress: Callable[[float], None]) -> Iterator[Block]:
        for block in votes.read([*wanted, *_WHICH], on_progress):
            yield _counted(block, gone)

    def rows() -> list[int]:
        found: list[int] = []
        before = 1
        for batch in TableReader(votes.path).batches(columns=["battle_id"]):
            held = pc.is_in(batch["battle_id"], value_set=gone)
            found += pc.add(pc.indices_nonzero(held), before).to_pylist()
            before += batch.num_rows
        return found

    return replace(votes, read=read, withdrawn=rows)


def _counted(block: Block, gone: pa.Array) -> Block:
    columns = block.columns
    counted = pc.and_(
        pc.fill_null(pc.equal(columns["population"], OVERALL.name), False),
        pc.equal(columns["over_frequent"], "false"),
    )
    counted = pc.and_(counted, pc.invert(pc.is_in(columns["battle_id"], value_set=gone)))
    kept = counted.to_numpy().nonzero()[0]
    return Block(
        lines=block.lines[kept],
        columns=columns.take(pa.array(kept)),
        raw=lambda row: block.raw(int(kept[row])),
        unreadable=block.unreadable,
    )
