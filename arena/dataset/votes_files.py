"""Votes from outside: read a simple file, reject its bad rows with line and reason, keep the good ones."""

import csv
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from arena.errors import DatasetInvalid
from arena.operator_categories import TAKEN, TAKEN_BEGINNINGS
from arena.tables import Board, ImportedVote, Winner
from ratings.published_layouts import WINNER_WORDS, known_columns

COLUMNS = ("model_a", "model_b", "winner", "voter")
BOARD_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
BATCH = 5_000


@dataclass(frozen=True, kw_only=True)
class Reject:
    """A row that was left out, and why."""

    line: int
    why: str


@dataclass(frozen=True, kw_only=True)
class VoteRow:
    """One good row of a votes file."""

    line: int
    model_a: str
    model_b: str
    winner: Winner
    voter: str | None


@dataclass(frozen=True, kw_only=True)
class VotesFile:
    """A votes file as read: its digest, its good rows, and its bad ones."""

    digest: str
    rows: tuple[VoteRow, ...]
    rejects: tuple[Reject, ...]


def board_name(given: str) -> str:
    """A name that can stand in an address; raises `DatasetInvalid` for one that cannot or is one of ours."""
    name = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    if not BOARD_NAME.fullmatch(name):
        raise DatasetInvalid(f"{given!r} gives no board name. Give one of letters and digits with --board.")
    if name in TAKEN or name.startswith(TAKEN_BEGINNINGS):
        raise DatasetInvalid(f"{name!r} is the arena's own leaderboard. Give another name with --board.")
    return name


def read_votes(path: Path) -> VotesFile:
    """Read a CSV (also .tsv) or JSONL file of votes.

    Raises `DatasetInvalid` when the file cannot be read, lacks a column or holds no good row at all; single
    bad rows are returned as rejects.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DatasetInvalid(f"{path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DatasetInvalid(f"{path} is not UTF-8 text (byte {error.start}). Convert it first.") from error
    rows: list[VoteRow] = []
    rejects: list[Reject] = []
    for line, record in _records(path, text):
        if isinstance(record, Reject):
            rejects.append(record)
        elif why := _fault(record):
            rejects.append(Reject(line=line, why=why))
        else:
            rows.append(_row(line, record))
    if not rows:
        first = f" First problem: line {rejects[0].line}: {rejects[0].why}" if rejects else ""
        raise DatasetInvalid(f"{path} holds no usable vote.{first}")
    return VotesFile(digest=hashlib.sha256(content).hexdigest(), rows=tuple(rows), rejects=tuple(rejects))


def _records(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any] | Reject]]:
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        yield from _json_records(text)
        return
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter="\t" if path.suffix == ".tsv" else ",")
    names = _names(reader.fieldnames or ())
    missing = [column for column in ("model_a", "model_b", "winner") if column not in names]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "none"
        raise DatasetInvalid(
            f"{path}: no column {', '.join(missing)}. The first line names the columns; found: {found}."
        )
    for row in reader:
        yield reader.line_num, {column: row.get(name) for column, name in names.items()}


def _json_records(text: str) -> Iterator[tuple[int, dict[str, Any] | Reject]]:
    for line, written in enumerate(text.splitlines(), start=1):
        if not written.strip():
            continue
        try:
            record = json.loads(written)
        except ValueError as error:
            yield line, Reject(line=line, why=f"not JSON: {error}")
            continue
        if not isinstance(record, dict):
            yield line, Reject(line=line, why="not a JSON object")
            continue
        yield line, {column: record.get(name) for column, name in _names(record).items()}


def _names(present: Collection[str]) -> dict[str, str]:
    """Which column of the file is which of ours; a judge is a voter here."""
    known = {"voter": "judge", **known_columns(present)}
    return {column: known[column] for column in COLUMNS if known.get(column) in present}


def _fault(record: Mapping[str, Any]) -> str | None:
    """Why a row is no vote, or None."""
    for column in ("model_a", "model_b"):
        value = record.get(column)
        if not isinstance(value, str) or not value.strip():
            return f"{column} is missing"
        if "\0" in value or len(value) > 200:
            return f"{column} is not a model name"
    if record["model_a"].strip() == record["model_b"].strip():
        return "a model against itself"
    if _winner(record) is None:
        return f"winner is {record.get('winner')!r}; use model_a, model_b, tie or both_bad"
    return None


def _winner(record: Mapping[str, Any]) -> Winner | None:
    return cast(Winner | None, WINNER_WORDS.get(str(record.get("winner", "")).strip().lower()))


def _row(line: int, record: Mapping[str, Any]) -> VoteRow:
    winner = _winner(record)
    assert winner is not None, "a row with an unknown winner is a reject"
    voter = record.get("voter")
    return VoteRow(
        line=line,
        model_a=record["model_a"].strip(),
        model_b=record["model_b"].strip(),
        winner=winner,
        voter=None if voter in (None, "") else str(voter),
    )


async def import_votes(
    session: AsyncSession, file: VotesFile, name: str, *, origin: str | None, license: str | None
) -> int:
    """Put the good rows on a board of their own; returns how many were new.

    File digest and line are unique on a board, so a second import of the same file adds nothing.
    """
    row = insert(Board).values(name=name, title=name, origin=origin, license=license)
    changes = {key: value for key, value in (("origin", origin), ("license", license)) if value is not None}
    row = row.on_conflict_do_update(index_elements=[Board.name], set_=changes or {"name": name})
    board_id = await session.scalar(row.returning(Board.id))
    before = await _count(session, board_id)
    for start in range(0, len(file.rows), BATCH):
        values = [
            {"board_id": board_id, "file_digest": file.digest, **vars(vote)}
            for vote in file.rows[start : start + BATCH]
        ]
        await session.execute(insert(ImportedVote).on_conflict_do_nothing(), values)
    after = await _count(session, board_id)
    await session.execute(update(Board).where(Board.id == board_id).values(votes=after))
    return after - before


async def _count(session: AsyncSession, board_id: int | None) -> int:
    query = select(func.count()).select_from(ImportedVote).where(ImportedVote.board_id == board_id)
    return await session.scalar(query) or 0
