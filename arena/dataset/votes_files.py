"""Votes from outside: which board they go to, and which reader opens their file."""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from arena.dataset.blocks import COMPRESSIONS, VotesFile, naming
from arena.dataset.csv_votes import open_csv
from arena.dataset.json_votes import open_json
from arena.dataset.parquet_votes import open_parquet
from arena.errors import DatasetInvalid
from arena.operator_categories import TAKEN, TAKEN_BEGINNINGS

BOARD_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_OPENERS: Mapping[str, Callable[[Path], VotesFile]] = {
    ".csv": open_csv,
    ".tsv": open_csv,
    ".json": open_json,
    ".jsonl": open_json,
    ".ndjson": open_json,
    ".parquet": open_parquet,
}


def board_name(given: str, categories: Collection[str] = ()) -> str:
    """A name that can stand in an address; raises `DatasetInvalid` for one that cannot or is one of ours.

    `categories` are the names of the operator's own.
    """
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    if not BOARD_NAME.fullmatch(name):
        raise DatasetInvalid(f"{given!r} gives no board name. Give one of letters and digits with --board.")
    if name in TAKEN or name in categories or name.startswith(TAKEN_BEGINNINGS):
        raise DatasetInvalid(f"{name!r} is the arena's own leaderboard. Give another name with --board.")
    return name


def plain_name(path: Path) -> str:
    """The file's name without the endings that say what it is."""
    return _endings(path)[0]


def open_votes(path: Path) -> VotesFile:
    """Find out what a file is and which columns it has; raises `DatasetInvalid`."""
    _, ending, compression = _endings(path)
    if ending not in _OPENERS or (compression and ending == ".parquet"):
        raise DatasetInvalid(
            f"{path} does not end in {', '.join(_OPENERS)} (text formats also with {' or '.join(COMPRESSIONS)} "
            "behind). Rename or convert it."
        )
    if path.is_file() and not path.stat().st_size:
        raise DatasetInvalid(f"{path} is empty. Give a file with a vote on each line.")
    with naming(path):
        return _OPENERS[ending](path)


def _endings(path: Path) -> tuple[str, str, str]:
    """Name, format and compression."""
    compression = path.suffix.lower() if path.suffix.lower() in COMPRESSIONS else ""
    rest = Path(path.name[: len(path.name) - len(compression)])
    return rest.stem, rest.suffix.lower(), compression
