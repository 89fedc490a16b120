"""Restore a release: an arena without battles takes the battles, votes and boards of one as its own."""

import asyncio
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from arena.dataset.blocks import digest_of
from arena.dataset.copying import copy_into
from arena.dataset.release_votes import checked_manifest, withdrawn_battles
from arena.dataset.releases import FACTS
from arena.dataset.restored_rows import Restorer, VoteNumbers
from arena.dataset.votes_files import board_name
from arena.db import Database
from arena.errors import DatasetInvalid, ReleaseInvalid, Unavailable
from arena.records import ModelVersion, Release
from arena.tables import Battle, Board, ImportedVote, Model, Vote
from ratings.arrays import IntArray
from ratings.release.manifest import rows_in
from ratings.release.schema import MANIFEST, board_votes_file
from ratings.release.tables import TableReader, table_files

BATTLES_AT_ONCE: Final = 2_048
PATIENCE_SECONDS: Final = 10
_FILES: Final = {
    "battle": "data/battles.parquet",
    "turn": "data/turns.parquet",
    "response": "data/turns.parquet",
    "vote": "data/votes.parquet",
    "restored_tags": "data/votes.parquet",
}
_STAGED: Final = (
    "CREATE TEMPORARY TABLE restored_voter (pseudonym text, kind text, id uuid) ON COMMIT DROP",
    """CREATE TEMPORARY TABLE restored_tags (vote_id bigint, tags text[], style_a integer[], style_b integer[],
        prompt_digest text, rules text) ON COMMIT DROP""",
)
_VOTERS: Final = """INSERT INTO voter (id, pseudonym, kind)
    SELECT id, pseudonym, min(kind) FROM restored_voter GROUP BY id, pseudonym ORDER BY pseudonym"""
_BALLOTS: Final = """INSERT INTO ballot (vote_id, voter, model_a_id, model_b_id, winner, reason, cast_on, tags, style_a,
        style_b, prompt_digest, rules)
    SELECT vote.id, voter.number, battle.model_a_id, battle.model_b_id, vote.winner, vote.reason,
        (vote.created_at AT TIME ZONE 'UTC')::date, tags, style_a, style_b, prompt_digest, rules
    FROM restored_tags JOIN vote ON vote.id = vote_id JOIN battle ON battle.id = vote.battle_id
    JOIN voter ON voter.id = vote.voter_id ORDER BY vote.id"""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What an arena took from a release."""

    release: str
    votes: int
    left_out: int
    boards: tuple[str, ...]


async def restore(
    database: Database,
    directory: Path,
    rules: str,
    *,
    categories: Collection[str] = (),
    withdrawn: Path | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Restored:
    """Take everything of a release, in one transaction: cut off at any moment, nothing of it is there.

    `rules` is the version of the tagger that would otherwise tag these battles anew, `categories` are the names of the
    operator's own; `withdrawn` lists battles that were withdrawn after the release. Raises `ReleaseInvalid`.
    """
    manifest = await asyncio.to_thread(checked_manifest, directory)
    _must_name_boards(directory, manifest, categories)
    gone = withdrawn_battles(directory, withdrawn)
    async with database.locked("import") as ours:
        if not ours:
            raise Unavailable("Another import is running. Restore again when it is done.")
        async with database.sessions.begin() as session:
            await _must_be_empty(session, directory, manifest)
            restoring = _Restoring(session, directory, manifest, gone, rules, on_progress)
            return await restoring.run()


def _must_name_boards(directory: Path, manifest: Mapping[str, Any], categories: Collection[str]) -> None:
    """A board that another arena calls like one of this program's would be shown as that one."""
    for name in _imported_boards(manifest):
        try:
            possible = board_name(name, categories) == name
        except DatasetInvalid:
            possible = False
        if not possible:
            raise ReleaseInvalid(
                f"{directory} brings a board {name!r}, which is no name for an imported board: small letters, digits "
                "and hyphens, and none of the arena's own leaderboards. Nothing was imported; put its votes on a "
                "board of their own with --board NAME."
            )


def _imported_boards(manifest: Mapping[str, Any]) -> list[str]:
    populations = manifest["populations"]
    return [name for name in sorted(populations) if populations[name]["kind"] == "imported"]


async def _must_be_empty(session: AsyncSession, directory: Path, manifest: Mapping[str, Any]) -> None:
    """Battles must neither be there nor begin while this lasts."""
    await session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'"))
    try:
        await session.execute(text("LOCK TABLE battle, vote IN SHARE ROW EXCLUSIVE MODE"))
    except OperationalError as error:
        raise Unavailable("Battles are being written just now. Restore again when they are over.") from error
    if await session.scalar(select(Battle.id).limit(1)) is not None:
        raise ReleaseInvalid(
            f"This arena has battles of its own, and {directory} can be restored only where there are none. "
            "Put its votes on a board of their own with --board NAME."
        )
    if await session.get(Release, manifest["name"]) is not None:
        raise ReleaseInvalid(f"This arena has a release {manifest['name']!r} already.")
    boards = select(Board.name).where(Board.name.in_(manifest["populations"])).order_by(Board.name)
    if taken := (await session.scalars(boards)).all():
        raise ReleaseInvalid(f"This arena has a board {taken[0]!r} already, and {directory} brings one.")


class _Restoring:
    """One restore, within one transaction."""

    def __init__(
        self,
        session: AsyncSession,
        directory: Path,
        manifest: dict[str, Any],
        withdrawn: Sequence[str],
        rules: str,
        on_progress: Callable[[float], None],
    ) -> None:
        self._session, self._directory, self._manifest = session, directory, manifest
        self._withdrawn, self._rules, self._on_progress = withdrawn, rules, on_progress
        self._left_out = pa.array(sorted(withdrawn), pa.string())

    async def run(self) -> Restored:
        with _naming(self._directory / "data/models.parquet"):
            told = await self._models()
        numbers = {said["model"]: int(number) for number, said in told.items()}
        restorer = Restorer(models=numbers, variant=self._manifest["variant"], rules=self._rules)
        for statement in _STAGED:
            await self._session.execute(text(statement))
        # Ballots are known already, tags and all; the trigger would make them one by one, without.
        await self._session.execute(text("ALTER TABLE vote DISABLE TRIGGER add_ballot"))
        with _naming(self._directory / "data"):
            await self._battles(restorer, await self._voters(restorer))
        await self._session.execute(text(_BALLOTS))
        await self._session.execute(text("ALTER TABLE vote ENABLE TRIGGER add_ballot"))
        with _naming(self._directory / "boards"):
            boards = await self._boards()
        with _naming(self._directory / MANIFEST):
            await self._release(told)
        await self._session.execute(
            text("ANALYZE voter, battle, turn, response, vote, ballot, imported_vote")
        )
        votes = await self._session.scalar(select(func.count()).select_from(Vote)) or 0
        left_out = rows_in(self._manifest, "data/votes.parquet") - votes
        return Restored(release=self._manifest["name"], votes=votes, left_out=left_out, boards=boards)

    async def _models(self) -> dict[str, Any]:
        """List the models that are not listed here; what the release says of each, by its number here."""
        rows = self._table("data/models.parquet").to_pylist()
        listed = select(Model.name).where(Model.name.in_([row["model"] for row in rows]))
        known = {*await self._session.scalars(listed)}
        told = {}
        for row in rows:
            if row["model"] not in known:
                model = _model(row)
                self._session.add(model)
                await self._session.flush()
                self._session.add_all(_version(model.id, version) for version in row["versions"])
            number = await self._session.scalar(select(Model.id).where(Model.name == row["model"]))
            told[str(number)] = _told(row)
        return told

    async def _voters(self, restorer: Restorer) -> VoteNumbers:
        """Store who voted; returns how their votes will be numbered."""
        total = usual = 0
        for votes in self._batches("data/votes.parquet", ["battle_id", "voter", "reason", "over_frequent"]):
            kept = self._kept(votes)
            total += len(kept)
            usual += pc.sum(pc.invert(kept["over_frequent"])).as_py() or 0
            await copy_into(self._session, "restored_voter", restorer.voters(kept))
        await self._session.execute(text(_VOTERS))
        return VoteNumbers(await self._reserve("vote", total), usual)

    async def _battles(self, restorer: Restorer, numbers: VoteNumbers) -> None:
        """Battles with their votes and turns, which stand in the same order in their files."""
        total = rows_in(self._manifest, "data/battles.parquet")
        turn = await self._reserve("turn", rows_in(self._manifest, "data/turns.parquet"))
        turns = _Turns(self._batches("data/turns.parquet"))
        pairs = zip(self._batches("data/battles.parquet"), self._batches("data/votes.parquet"), strict=True)
        done = 0
        for battles, votes in pairs:
            if not battles["battle_id"].equals(votes["battle_id"]):
                raise ReleaseInvalid(f"{self._directory}: votes do not stand in the order of battles.")
            done += len(battles)
            said = self._kept(turns.until(battles["battle_id"][-1]))
            kept = self._kept(votes)
            await self._store(restorer, self._kept(battles), kept, said, numbers.of(kept), turn)
            turn += len(said)
            self._on_progress(done / total)

    async def _store(
        self,
        restorer: Restorer,
        battles: pa.Table,
        votes: pa.Table,
        turns: pa.Table,
        numbers: IntArray,
        turn: int,
    ) -> None:
        rows = {
            "battle": restorer.battles(battles, votes),
            "turn": restorer.turns(turns, turn, battles, votes),
            "response": pa.concat_tables([restorer.responses(turns, turn, side) for side in "ab"]),
            "vote": restorer.votes(votes, numbers),
            "restored_tags": restorer.tags(votes, numbers),
        }
        for table, added in rows.items():
            with _naming(self._directory / _FILES[table]):
                await copy_into(self._session, table, added)

    async def _reserve(self, table: str, rows: int) -> int:
        """The first of so many numbers in a row."""
        sequence = f"pg_get_serial_sequence('{table}', 'id')"
        first = await self._session.scalar(text(f"SELECT nextval({sequence})"))
        assert first is not None, "a sequence has a next value"
        await self._session.execute(text(f"SELECT setval({sequence}, {first + rows})"))
        return int(first)

    async def _boards(self) -> tuple[str, ...]:
        populations = self._manifest["populations"]
        names = _imported_boards(self._manifest)
        for name in names:
            said = {fact: populations[name][fact] for fact in ("title", "origin", "license")}
            board = Board(name=name, **said)
            self._session.add(board)
            await self._session.flush()
            file = self._directory / board_votes_file(name)
            board.votes = await self._board_votes(board.id, file)
        return tuple(names)

    async def _board_votes(self, board: int, file: Path) -> int:
        """As a file of its own, whose rows keep the names that they came with."""
        digest = await asyncio.to_thread(digest_of, table_files(file))
        rows = 0
        for votes in self._batches(str(file.relative_to(self._directory))):
            fixed = {"board_id": pa.scalar(board), "file_digest": pa.scalar(digest)}
            columns = {name: pa.repeat(value, len(votes)) for name, value in fixed.items()}
            lines = np.arange(rows + 1, rows + 1 + len(votes))
            same = {name: votes[name] for name in ("model_a", "model_b", "winner", "voter")}
            added = pa.table({**columns, "line": lines, **same, "released_as": votes["battle_id"]})
            await copy_into(self._session, "imported_vote", added)
            rows += len(votes)
        return rows

    async def _release(self, told: Mapping[str, Any]) -> None:
        withheld = self._table("data/withheld.parquet").to_pylist()
        last = [select(func.coalesce(func.max(table.id), 0)) for table in (Vote, ImportedVote)]
        votes, imported = [await self._session.scalar(query) or 0 for query in last]
        said = {name: self._manifest[name] for name in ("name", "variant")}
        row = insert(Release).values(
            **said, state="imported", last_vote_id=votes, last_imported_id=imported, models=told,
            manifest=self._manifest, withheld=withheld, withdrawn=list(self._withdrawn),
        )  # fmt: skip
        await self._session.execute(row)

    def _kept(self, rows: pa.Table) -> pa.Table:
        """Without the battles that were withdrawn since."""
        if not len(self._left_out):
            return rows
        return rows.filter(pc.invert(pc.is_in(rows["battle_id"], value_set=self._left_out)))

    def _batches(self, name: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        for batch in TableReader(self._directory / name).batches(BATTLES_AT_ONCE, columns):
            rows = pa.Table.from_batches([batch])
            _require_storable(self._directory / name, rows)
            yield rows

    def _table(self, name: str) -> pa.Table:
        rows = TableReader(self._directory / name).read()
        _require_storable(self._directory / name, rows)
        return rows


class _Turns:
    """The turns of a release, read on as far as the battles are."""

    def __init__(self, batches: Iterator[pa.Table]) -> None:
        self._batches = batches
        self._waiting: pa.Table | None = next(batches, None)

    def until(self, battle_id: pa.Scalar) -> pa.Table:
        """The next turns, of battles up to this one."""
        assert self._waiting is not None, "a release has a turn of each battle"
        parts = [self._waiting]
        while not len(parts[-1]) or pc.less_equal(parts[-1]["battle_id"][-1], battle_id).as_py():
            following = next(self._batches, None)
            if following is None:
                break
            parts.append(following)
        rows = pa.concat_tables(parts)
        within = pc.sum(pc.less_equal(rows["battle_id"], battle_id)).as_py() or 0
        self._waiting = rows.slice(within)
        return rows.slice(0, within).combine_chunks()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in whatever neither the checks found nor the database takes."""
    try:
        yield
    except (pa.ArrowException, psycopg.DataError, DataError, IntegrityError, KeyError, ValueError) as error:
        said = str(getattr(error, "orig", error)).partition("\n")[0].rstrip(".")
        raise ReleaseInvalid(f"{path} cannot be restored: {said}. Nothing was imported.") from error


def _require_storable(path: Path, rows: pa.Table) -> None:
    """Postgres stores every text but one with the sign U+0000."""
    for name in rows.column_names:
        if _holds_nul(rows[name]):
            row = next(row for row in range(len(rows)) if _holds_nul(rows[name].slice(row, 1)))
            raise ReleaseInvalid(
                f"{path}: {name} of {rows[0][row]} holds the sign U+0000. Nothing was imported."
            )


def _holds_nul(values: pa.Array | pa.ChunkedArray) -> bool:
    if isinstance(values, pa.ChunkedArray):
        return any(map(_holds_nul, values.chunks))
    if pa.types.is_list(values.type):
        return _holds_nul(values.flatten())
    if pa.types.is_struct(values.type):
        return any(map(_holds_nul, values.flatten()))
    return pa.types.is_string(values.type) and bool(pc.any(pc.match_substring(values, "\0")).as_py())


def _model(row: Mapping[str, Any]) -> Model:
    facts = {fact: row[fact] for fact in FACTS}
    standing = {"status": row["status"], "retired_reason": row["retired_reason"]}
    moments = {"listed_at": _moment(row["listed_on"]), "retired_at": _moment(row["retired_on"])}
    return Model(name=row["model"], **facts, **standing, **moments)


def _version(model: int, row: Mapping[str, Any]) -> ModelVersion:
    facts = ("organization", "license", "open_weights", "aliases", "endpoints", "reason")
    return ModelVersion(
        model_id=model,
        served_as=row["name"],
        **{fact: row[fact] for fact in facts},
        decoding=json.loads(row["decoding"]),
        first_served_at=_moment(row["first_day"]),
        last_served_at=_moment(row["last_day"]),
    )


def _moment(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """As `releases` keeps what a release says of a model; battles know the period that they were in."""
    versions = [
        {**version, "decoding": json.loads(version["decoding"]), **_days(version, "first_day", "last_day")}
        for version in row["versions"]
    ]
    return {**row, **_days(row, "listed_on", "retired_on"), "versions": versions, "served_from": []}


def _days(row: Mapping[str, Any], *names: str) -> dict[str, str | None]:
    return {name: row[name] and row[name].isoformat() for name in names}
