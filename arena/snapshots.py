"""Snapshots: fit all boards, keep them as one immutable folder of files, read it, and recompute it."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
from sqlalchemy import Date, Select, cast, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from arena.ballots import (
    BallotBox,
    Votes,
    imported_votes,
)
from arena.board_worker import BoardWorker
from arena.boards import BoardFile
from arena.code_version import code_version
from arena.db import Database
from arena.errors import LeaderboardNotFound, SnapshotNotFound
from arena.leaderboards import compute, digest_of, inputs_of, packed, snapshot_inputs
from arena.logs import get_log
from arena.memory import return_freed_memory
from arena.nearest import LONGEST_NAME, nearest_or_first
from arena.operator_categories import OperatorCategories
from arena.populations import OWN_POPULATIONS
from arena.tables import Board, FitFailure, ImportedVote, Model, Snapshot, SnapshotFile, Vote
from arena.taggers import RuleTagger, Tagger, tag_votes
from ratings.threads import in_order, thread_count

log = get_log("arena.snapshots")
KEPT_HOURS = 24
ALL_KEPT_HOURS = 1
TAGGING_SECONDS = 10.0
BOARDS, ROBUSTNESS, STYLE, JSON = "leaderboards/", "robustness/", ".style", ".json"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All that a snapshot is made of, as it was at one moment."""

    votes: Sequence[Votes]
    models: Sequence[Model]
    visible: str
    last_vote_id: int
    last_imported_id: int


class Fitter:
    """Fits the boards of a database; reads and counts again only what changed since its last fit."""

    def __init__(
        self,
        database: Database,
        operators: OperatorCategories | None = None,
        tagger: Tagger | None = None,
    ) -> None:
        self._database = database
        self._operators = operators or OperatorCategories()
        self._tagger = tagger or RuleTagger(self._operators.rules)
        self._box = BallotBox()
        self._worker = BoardWorker()
        self._imported: dict[str, tuple[tuple[Any, ...], Votes]] = {}
        self._own: tuple[Any, list[Votes]] = (None, [])
        self._files: dict[str, tuple[str, list[BoardFile]]] = {}
        self._fitted: tuple[dict[str, Any], int, str] | None = None
        self._has_old_tags = True

    def close(self) -> None:
        """End what it started."""
        self._worker.close()

    async def fit(self) -> str | None:
        """Store every board as the newest snapshot and return its id; None when it already was the newest."""
        await self._tag()
        async with self._database.readings() as session:
            reading = await self._read(session)
            newest = await _newest_id(session)
        inputs = await asyncio.to_thread(
            snapshot_inputs, reading.votes, reading.models, self._operators.categories, self._tagger.version
        )
        # Another process may have fitted other votes meanwhile: ours must still be the newest.
        if newest is not None and self._fitted == (inputs, self._box.changes, newest):
            return None
        snapshot_id = digest_of(inputs)
        changed = await self._publish(snapshot_id, inputs, reading)
        self._fitted = (inputs, self._box.changes, snapshot_id)
        return snapshot_id if changed else None

    async def _tag(self) -> None:
        """Tag what is new, then what other rules tagged, for so long at a time: boards must not wait for a million."""
        ends_at = monotonic() + TAGGING_SECONDS
        while monotonic() < ends_at:
            if await tag_votes(self._database, self._tagger):
                continue
            if not self._has_old_tags:
                return
            self._has_old_tags = bool(await tag_votes(self._database, self._tagger, again=True))

    async def _read(self, session: AsyncSession) -> Reading:
        last_vote_id, last_imported_id, visible = await _marks(session)
        models = (await session.scalars(select(Model).order_by(Model.name))).all()
        await self._box.refresh(session)
        state = self._box.changes, len(models)
        if self._own[0] != state:
            numbers = {model.id: model.name for model in models}
            self._own = None, []  # the old votes need not lie beside the new ones
            self._own = state, await asyncio.to_thread(self._box.votes, numbers)
        return Reading(
            votes=[*self._own[1], *await self._read_imported(session, last_imported_id)],
            models=models,
            visible=visible,
            last_vote_id=last_vote_id,
            last_imported_id=last_imported_id,
        )

    async def _read_imported(self, session: AsyncSession, last_imported_id: int) -> list[Votes]:
        found = []
        own = {category.name for category in self._operators.categories}
        for board in await session.scalars(select(Board).order_by(Board.name)):
            if board.name in own:  # a category that was added after the import: both would be one file
                log.error("imported_board_left_out", board=board.name, because="a category has its name")
                continue
            state = board.id, board.changes, board.title, board.origin, board.license
            if self._imported.get(board.name, (None,))[0] != state:
                try:
                    votes = await imported_votes(session, board, last_imported_id)
                except pa.ArrowInvalid as error:
                    # One board whose votes cannot be read must not stop all others.
                    log.error("imported_board_left_out", board=board.name, because=str(error))
                    continue
                self._imported[board.name] = state, votes
            found.append(self._imported[board.name][1])
        return found

    async def _publish(self, snapshot_id: str, inputs: dict[str, Any], reading: Reading) -> bool:
        """Make this snapshot the newest one, computing it unless it is stored; whether another one was newest."""
        async with self._database.sessions.begin() as session:
            if await session.get(Snapshot, snapshot_id):
                return await _make_newest(session, snapshot_id, reading)
        generated_at = datetime.now(UTC)
        files = await asyncio.to_thread(self._compute, reading.votes, inputs)
        bodies, digest = await asyncio.gather(
            asyncio.to_thread(_packed, files, snapshot_id, generated_at),
            asyncio.to_thread(results_digest, files),
        )
        async with self._database.sessions.begin() as session:
            row = insert(Snapshot).values(
                id=snapshot_id,
                code_version=code_version(),
                inputs=inputs,
                results_digest=digest,
                visible=reading.visible,
                last_vote_id=reading.last_vote_id,
                last_imported_id=reading.last_imported_id,
                created_at=generated_at,
            )
            if await session.scalar(row.on_conflict_do_nothing().returning(Snapshot.id)) is None:
                return await _make_newest(session, snapshot_id, reading)
            rows = [{"snapshot_id": snapshot_id, "name": name, "body": body} for name, body in bodies]
            await session.execute(insert(SnapshotFile), rows)
            await _prune(session)
        return True

    def _compute(self, votes: Sequence[Votes], inputs: Mapping[str, Any]) -> list[BoardFile]:
        """The files of every population; of one whose votes and facts are as before, those of the last time."""
        known, self._files = self._files, {}
        return_freed_memory()  # of reading: boards of millions of votes need all there is
        for each in votes:
            name, depends_on = each.population.name, digest_of(inputs_of(each, inputs))
            if name in known and known[name][0] == depends_on:
                self._files[name] = known[name]
            else:
                self._files[name] = depends_on, compute([each], inputs, self._worker)
        return_freed_memory()
        return [file for _, files in self._files.values() for file in files]


async def fit(
    database: Database, operators: OperatorCategories | None = None, tagger: Tagger | None = None
) -> str | None:
    """Compute every board and store them as one snapshot; None when nothing changed since the last."""
    with closing(Fitter(database, operators, tagger)) as fitter:
        return await fitter.fit()


def _packed(files: Sequence[BoardFile], snapshot_id: str, generated_at: datetime) -> list[tuple[str, bytes]]:
    dated = generated_at.isoformat().replace("+00:00", "Z")

    def pack(file: BoardFile) -> tuple[str, bytes]:
        return file.name, packed(file, snapshot_id, dated)

    return list(in_order(pack, files, thread_count(None)))


def results_digest(files: Sequence[BoardFile]) -> str:
    """What a recomputation must come to: every file but for when, and for whom, it was written.

    That of what all files say by their names, written bit by bit: to hold all of it takes half a gibibyte.
    """
    digest = sha256()
    for number, file in enumerate(sorted(files, key=lambda file: file.name)):
        digest.update(b"," if number else b"{")
        digest.update(orjson.dumps(file.name) + b":")
        digest.update(file.by_name)
    digest.update(b"}" if files else b"{}")
    return digest.hexdigest()


async def _marks(session: AsyncSession) -> tuple[int, int, str]:
    marks = select(
        func.coalesce(select(func.max(Vote.id)).scalar_subquery(), 0),
        func.coalesce(select(func.max(ImportedVote.id)).scalar_subquery(), 0),
        text("pg_current_snapshot()::text"),
    )
    last_vote_id, last_imported_id, visible = (await session.execute(marks)).one()
    return last_vote_id, last_imported_id, visible


async def _make_newest(session: AsyncSession, snapshot_id: str, reading: Reading) -> bool:
    """Bring back a stored snapshot, as when votes that came after it were erased; whether it was not the newest.

    Its marks become today's: the same digest may by now stand for other votes that say the same.
    """
    row = update(Snapshot).where(Snapshot.id == snapshot_id)
    row = row.values(
        visible=reading.visible,
        last_vote_id=reading.last_vote_id,
        last_imported_id=reading.last_imported_id,
    )
    changed = await _newest_id(session) != snapshot_id
    await session.execute(row.values(sequence=text("DEFAULT")) if changed else row)
    return changed


async def _prune(session: AsyncSession) -> None:
    """Keep every snapshot for an hour, the last of each hour for a day, and the last of each day for good."""
    now = datetime.now(UTC)
    hour = func.date_trunc("hour", Snapshot.created_at)
    newest_first = func.row_number().over(partition_by=hour, order_by=Snapshot.sequence.desc())
    ranked = select(Snapshot.id, Snapshot.created_at, newest_first.label("place")).subquery()
    of_hours = select(ranked.c.id).where(
        ranked.c.place == 1, ranked.c.created_at > now - timedelta(hours=KEPT_HOURS)
    )
    days = last_of_each_day().subquery()
    kept = of_hours.union(select(days.c.id), select(_newest().subquery().c.id))
    young = now - timedelta(hours=ALL_KEPT_HOURS)
    await session.execute(delete(Snapshot).where(Snapshot.created_at < young, Snapshot.id.not_in(kept)))


def _newest() -> Select[str]:
    return select(Snapshot.id).order_by(Snapshot.sequence.desc()).limit(1)


def last_of_each_day() -> Select[tuple[str, date]]:
    """Id and UTC day of the last snapshot that was computed on each day."""
    day = cast(func.timezone("UTC", Snapshot.created_at), Date)
    # Not by sequence, which grows again when an old snapshot becomes the newest: a day that is over must not change.
    newest_first = func.row_number().over(
        partition_by=day, order_by=(Snapshot.created_at.desc(), Snapshot.sequence.desc())
    )
    ranked = select(Snapshot.id, day.label("day"), newest_first.label("place")).subquery()
    return select(ranked.c.id, ranked.c.day).where(ranked.c.place == 1)


async def note_failure(session: AsyncSession, error: BaseException) -> None:
    """Remember that a fit failed; since when is the moment of the first failure."""
    said = {"error": f"{type(error).__name__}: {error}"[:500]}
    row = insert(FitFailure).values(id=1, **said)
    await session.execute(row.on_conflict_do_update(index_elements=[FitFailure.id], set_=said))


async def clear_failure(session: AsyncSession) -> None:
    """A fit worked again."""
    await session.execute(delete(FitFailure))


async def failing_since(session: AsyncSession) -> datetime | None:
    """Since when computing the boards fails; None while it works."""
    return await session.scalar(select(FitFailure.failing_since))


async def newest_snapshot(session: AsyncSession) -> Snapshot:
    """Raises `SnapshotNotFound` before the first fit."""
    snapshot = await session.scalar(select(Snapshot).order_by(Snapshot.sequence.desc()).limit(1))
    if snapshot is None:
        raise SnapshotNotFound("No leaderboard has been computed yet. Come back in a minute.")
    return snapshot


async def find_snapshot(session: AsyncSession, snapshot_id: str) -> Snapshot:
    """One snapshot; raises `SnapshotNotFound`."""
    snapshot = await session.get(Snapshot, snapshot_id)
    if snapshot is None:
        raise SnapshotNotFound(
            f"There is no snapshot {snapshot_id!r}. The last one of each day is kept for good, the last of each hour"
            f" for a day, every one for an hour."
        )
    return snapshot


def board_file(name: str, *, style_control: bool = False) -> str:
    """How a snapshot calls a leaderboard; raises `LeaderboardNotFound` for a name that would be another file's."""
    if "." in name or "\0" in name:  # Postgres takes no NUL
        raise LeaderboardNotFound(
            f"There is no leaderboard {name[:LONGEST_NAME]!r}: names have letters, digits and hyphens. "
            "Style control is asked for apart (style_control=true)."
        )
    return f"{BOARDS}{name}{STYLE if style_control else ''}{JSON}"


async def read_of_snapshots(
    session: AsyncSession, name: str, snapshot_ids: Sequence[str]
) -> dict[str, bytes]:
    """One file of several snapshots by their ids; those without it are left out."""
    query = select(SnapshotFile.snapshot_id, SnapshotFile.body).where(
        SnapshotFile.name == name, SnapshotFile.snapshot_id.in_(snapshot_ids)
    )
    return {snapshot_id: gzip.decompress(body) for snapshot_id, body in await session.execute(query)}


async def snapshots_with(session: AsyncSession, name: str, snapshot_ids: Sequence[str]) -> set[str]:
    """Which of these snapshots have a file."""
    query = select(SnapshotFile.snapshot_id).where(
        SnapshotFile.name == name, SnapshotFile.snapshot_id.in_(snapshot_ids)
    )
    return {*await session.scalars(query)}


async def _newest_id(session: AsyncSession) -> str | None:
    return await session.scalar(_newest())


async def file_names(session: AsyncSession, snapshot_id: str) -> list[str]:
    """The files of a snapshot, by name."""
    query = select(SnapshotFile.name).where(SnapshotFile.snapshot_id == snapshot_id)
    return sorted(await session.scalars(query))


async def board_names(session: AsyncSession, snapshot_id: str) -> list[str]:
    """The boards of a snapshot: our own populations first, then by name."""
    files = await file_names(session, snapshot_id)
    names = [
        name.removeprefix(BOARDS).removesuffix(JSON)
        for name in files
        if name.startswith(BOARDS) and not name.endswith(STYLE + JSON)
    ]
    order = [population.name for population in OWN_POPULATIONS]
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


async def read_compressed(session: AsyncSession, name: str, snapshot_id: str | None = None) -> bytes:
    """One file as it is stored, of the newest snapshot or of a named one.

    Raises `SnapshotNotFound`, or `LeaderboardNotFound` with the nearest names.
    """
    if snapshot_id is None:
        snapshot_id = (await newest_snapshot(session)).id
    body = await session.scalar(
        select(SnapshotFile.body).where(SnapshotFile.snapshot_id == snapshot_id, SnapshotFile.name == name)
    )
    if body is None:
        await find_snapshot(session, snapshot_id)
        raise LeaderboardNotFound(await _nearest(session, name, snapshot_id))
    return body


async def _nearest(session: AsyncSession, name: str, snapshot_id: str) -> str:
    asked = name.rpartition("/")[2].removesuffix(JSON)[:LONGEST_NAME]
    names = await board_names(session, snapshot_id)
    if asked.endswith(STYLE) and (plain := asked.removesuffix(STYLE)) in names:
        return f"The leaderboard {plain!r} has no style control: too few votes, or none that tell style from models."
    if name.startswith(ROBUSTNESS):
        files = await file_names(session, snapshot_id)
        names = [file[len(ROBUSTNESS) : -len(JSON)] for file in files if file.startswith(ROBUSTNESS)]
    what = "robustness of a leaderboard" if name.startswith(ROBUSTNESS) else "leaderboard"
    return f"There is no {what} {asked.removesuffix(STYLE)!r}. {nearest_or_first(asked.removesuffix(STYLE), names)}"


async def read_file(session: AsyncSession, name: str, snapshot_id: str | None = None) -> bytes:
    """One file of the newest snapshot, or of a named one; raises as `read_compressed`."""
    return gzip.decompress(await read_compressed(session, name, snapshot_id))
