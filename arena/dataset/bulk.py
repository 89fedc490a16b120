"""Votes from outside on a board of their own: by COPY, block by block, so that a cut off import goes on."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from sqlalchemy import BigInteger, any_, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from arena.dataset.blocks import VotesFile, naming
from arena.dataset.copying import copy_into
from arena.dataset.layouts import VoteColumns, recognise_votes, votes_of
from arena.dataset.rejects import Reject, RejectsFile, rejects_beside
from arena.dataset.votes_files import open_votes
from arena.db import Database
from arena.errors import DatasetInvalid
from arena.tables import Board, ImportedVote


@dataclass(frozen=True, kw_only=True)
class Target:
    """The board that votes go to, and what is said of them."""

    name: str
    origin: str | None = None
    license: str | None = None


@dataclass(kw_only=True)
class Imported:
    """What became of a file."""

    layout: str
    row_is: str
    new: int = 0
    votes: int = 0
    rejected: int = 0
    withdrawn: int = 0  # taken off the board, where an earlier import had put them
    corrected: list[str] = field(default_factory=list)  # what is said of the board now, and was before
    first_rejects: list[Reject] = field(default_factory=list)


async def import_votes(
    database: Database,
    votes: Path | VotesFile,
    target: Target,
    *,
    rejects: Path | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Imported:
    """Put the votes of a file on a board, and its other rows into a file of rejects.

    Blocks are committed in the order of the lines. So the last line of the file that is on the board says how far
    an earlier import came: a second one goes on from there, or finds nothing left to do. Raises `DatasetInvalid`
    when the file cannot be read to its end or holds no vote at all; then the board is as it was before.
    """
    file = votes if isinstance(votes, VotesFile) else await asyncio.to_thread(open_votes, votes)
    rejects = rejects or rejects_beside(file.path)
    if rejects.exists() and rejects.samefile(file.path):
        raise DatasetInvalid(
            f"{rejects} holds the votes, and would be written over. Give another name with --rejects."
        )
    if not file.columns:
        raise DatasetInvalid(f"{file.path} is empty. Give a file with a vote on each line.")
    with naming(file.path):
        columns = recognise_votes(file.columns)
    imported = Imported(layout=columns.described(), row_is=file.row_is)
    async with database.locked("import") as ours:
        if not ours:
            raise DatasetInvalid("Another import is running. Wait until it is done.")
        stored = _Stored(
            database, target, await asyncio.to_thread(file.digest), alone=file.withdrawn is not None
        )
        await stored.find()
        if file.withdrawn is not None:
            imported.withdrawn = await stored.withdraw(await asyncio.to_thread(file.withdrawn))
        with RejectsFile(rejects) as rejected:
            try:
                await _store_blocks(stored, _votes(file, columns, rejected, on_progress), imported)
            except DatasetInvalid:
                await stored.remove()
                raise
            imported.rejected, imported.first_rejects = rejected.count, rejected.first
    imported.new, imported.corrected = stored.new, stored.corrected
    if not imported.votes and not imported.withdrawn:
        raise DatasetInvalid(_why_none(file, rejected))
    return imported


def _why_none(file: VotesFile, rejected: RejectsFile) -> str:
    if rejected.count:
        said = f"{file.path} holds no usable vote. First problem: {_said(file, rejected.first[0])}".rstrip(
            "."
        )
        return f"{said}. All rows with their reasons: {rejected.path}."
    if file.withdrawn is None:
        return f"{file.path} holds no usable vote: nothing follows the names of its columns."
    return (
        "None of the votes of this release counts on its overall board, which is what --board takes. Without --board, "
        "an arena that has no battles yet restores the whole release."
    )


def _said(file: VotesFile, reject: Reject) -> str:
    return f"{file.row_is} {reject.line}: {reject.why}"


def _votes(
    file: VotesFile, columns: VoteColumns, rejected: RejectsFile, on_progress: Callable[[float], None]
) -> Iterator[pa.Table]:
    for block in file.blocks(columns.needed(), on_progress):
        votes, rejects = votes_of(block, columns)
        rejected.write(rejects)
        yield votes


async def _store_blocks(stored: "_Stored", blocks: Iterator[pa.Table], imported: Imported) -> None:
    """Read the next block while the database stores this one."""
    reading = asyncio.create_task(asyncio.to_thread(next, blocks, None))
    try:
        while (votes := await reading) is not None:
            reading = asyncio.create_task(asyncio.to_thread(next, blocks, None))
            imported.votes += votes.num_rows
            if votes.num_rows:
                await stored.add(votes)
    finally:
        await asyncio.gather(reading, return_exceptions=True)


class _Stored:
    """What of one file is on its board."""

    def __init__(self, database: Database, target: Target, digest: str, *, alone: bool) -> None:
        self.database, self.target, self.digest, self._alone = database, target, digest, alone
        self.new = 0
        self.corrected: list[str] = []
        self._board: int | None = None
        self._last_line = 0

    async def find(self) -> None:
        """Find out how far an earlier import of the file came, and whether it may come to what else is there."""
        async with self.database.sessions() as session:
            board = await session.scalar(select(Board).where(Board.name == self.target.name))
            if board is not None:
                last = select(func.max(ImportedVote.line)).where(*self._of_this_file(board.id))
                self._last_line = max(board.files.get(self.digest, 0), await session.scalar(last) or 0)
                if await self._is_shared(session, board):
                    if self._alone and not self._last_line:
                        raise DatasetInvalid(
                            f"The board {board.name!r} has votes of another file. A release may hold the same votes "
                            "again, so it goes on a board of its own: give another name with --board."
                        )
                    _must_agree(self.target, board)
                self.corrected = [
                    f"{what} {said!r} (before: {repr(known) if known else 'not said'})"
                    for what, said, known in _disagreements(self.target, board)
                ]

    async def withdraw(self, lines: Sequence[int]) -> int:
        """Take these votes of the file off the board; returns how many of them were on it."""
        if not self._last_line or not lines:
            return 0
        async with self.database.sessions.begin() as session:
            board = await session.scalar(select(Board.id).where(Board.name == self.target.name))
            assert board is not None, "an earlier import made it"
            gone = ImportedVote.line == any_(cast(list(lines), ARRAY(BigInteger)))
            taken = delete(ImportedVote).where(*self._of_this_file(board), gone).returning(ImportedVote.line)
            found = len((await session.scalars(taken)).all())
            if found:
                await _count_again(session, board)
                await self._came_to(session, board, self._last_line)
            return found

    async def _is_shared(self, session: AsyncSession, board: Board) -> bool:
        # The least and the greatest come from the index, however many votes there are.
        digest = ImportedVote.file_digest
        ends = select(func.min(digest), func.max(digest)).where(ImportedVote.board_id == board.id)
        return bool({*(await session.execute(ends)).one()} - {self.digest, None})

    async def add(self, votes: pa.Table) -> None:
        """Store a block, but for what is there already."""
        async with self.database.sessions.begin() as session:
            if self._board is None:
                self._board = await _board(session, self.target)
            rows = votes.filter(pc.greater(votes["line"], self._last_line)) if self._last_line else votes
            if rows.num_rows:
                await copy_into(session, ImportedVote.__tablename__, self._rows(rows))
                grown = update(Board).where(Board.id == self._board)
                await session.execute(
                    grown.values(votes=Board.votes + rows.num_rows, changes=Board.changes + 1)
                )
                await self._came_to(session, self._board, pc.max(rows["line"]).as_py())
        self.new += rows.num_rows

    def _rows(self, votes: pa.Table) -> pa.Table:
        fixed = {"board_id": pa.scalar(self._board), "file_digest": pa.scalar(self.digest)}
        columns = {name: pa.repeat(value, len(votes)) for name, value in fixed.items()}
        return pa.table({**columns, **{name: votes[name] for name in votes.column_names}})

    async def remove(self) -> None:
        """Take away what this import stored, and nothing of an earlier one; the board if nothing is left on it."""
        if self._board is None:
            return
        async with self.database.sessions.begin() as session:
            stored = *self._of_this_file(self._board), ImportedVote.line > self._last_line
            await session.execute(delete(ImportedVote).where(*stored))
            await _count_again(session, self._board)
            await self._came_to(session, self._board, self._last_line)

    async def _came_to(self, session: AsyncSession, board: int, line: int) -> None:
        files = Board.files.op("||")(func.jsonb_build_object(self.digest, line))
        await session.execute(update(Board).where(Board.id == board).values(files=files))

    def _of_this_file(self, board: int) -> tuple[Any, ...]:
        return ImportedVote.board_id == board, ImportedVote.file_digest == self.digest


async def _count_again(session: AsyncSession, board: int) -> None:
    """After votes were taken off a board; one without any goes, too."""
    votes = select(func.count()).where(ImportedVote.board_id == board).scalar_subquery()
    left = update(Board).where(Board.id == board).values(votes=votes, changes=Board.changes + 1)
    if not await session.scalar(left.returning(Board.votes)):
        await session.execute(delete(Board).where(Board.id == board))


def _must_agree(target: Target, board: Board) -> None:
    """What is said of a board holds for all of its votes."""
    for what, said, known in _disagreements(target, board):
        raise DatasetInvalid(
            f"The board {board.name!r} has votes of another file, of the {what} {known or 'unknown'!r}, not "
            f"{said!r}. Put these on a board of their own: give another name with --board."
        )


def _disagreements(target: Target, board: Board) -> Iterator[tuple[str, str, str | None]]:
    """What is said now of a board that was said otherwise: what it is, as it is said, and as it was."""
    for fact, what in (("origin", "origin"), ("license", "licence")):
        said, known = getattr(target, fact), getattr(board, fact)
        if said is not None and said != known:
            yield what, said, known


async def _board(session: AsyncSession, target: Target) -> int:
    """The board's number; what is said of its votes changes where something is said now."""
    said = {"origin": target.origin, "license": target.license}
    row = insert(Board).values(name=target.name, title=target.name, **said)
    changes = {key: value for key, value in said.items() if value is not None} or {"name": target.name}
    found: int | None = await session.scalar(
        row.on_conflict_do_update(index_elements=[Board.name], set_=changes).returning(Board.id)
    )
    assert found is not None, "an upsert returns its row"
    return found
