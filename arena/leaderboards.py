"""Counted votes → ratings → an immutable snapshot; and reading the newest.

A board is a pure function of a set of votes. Three boards come from this arena's own votes and never mix:
`overall` (people on listed models), `demo` (people on the demo models) and `simulated` (simulated voters);
every imported collection is a board of its own.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import ColumnElement, Executable, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

import ratings
from arena import __version__
from arena.db import Database
from arena.errors import LeaderboardNotFound, SnapshotNotFound
from arena.tables import Battle, Board, ImportedVote, Leaderboard, Model, Snapshot, Vote

PRELIMINARY_VOTES = 100
SCHEMA_PATH = "/feed/v1/schema/leaderboard.json"
COLUMNS = ["model_a", "model_b", "winner", "voter", "count"]
ROWS_AT_ONCE = 2000

Cell = tuple[str, str, str, int, int]


@dataclass(frozen=True, kw_only=True)
class BoardKind:
    """What a board is made of, in words for its page and its feed file."""

    name: str
    title: str
    kind: str
    about: str
    origin: str | None = None
    license: str | None = None


OWN_BOARDS = (
    BoardKind(name="overall", title="Overall", kind="people", about="Votes of people on the listed models."),
    BoardKind(
        name="demo",
        title="Demo models",
        kind="demo",
        about="Votes of people on the demo models that come with the program. For practice; no real model is here.",
    ),
    BoardKind(
        name="simulated",
        title="Simulated voters",
        kind="simulated",
        about="Votes of simulated voters, not of people. They show what a filled board looks like.",
    ),
)
# A vote is on one board: the one that its reason not to count leads to, or on the overall one.
BOARD_OF_REASON: Mapping[str | None, str] = {
    None: "overall",
    "demo_models": "demo",
    "simulated_voter": "simulated",
}
OWN_NAMES = frozenset(board.name for board in OWN_BOARDS)


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """The votes of one board, counted by voter, pair and winner, with a digest that no relabelling changes."""

    board: BoardKind
    cells: pd.DataFrame
    digest: str


@dataclass(frozen=True, kw_only=True)
class Marks:
    """All that boards are made from, seen at the price of a glance: while it stays the same, so do they."""

    last_vote_id: int
    last_imported_id: int
    votes: tuple[Any, ...]
    imported: tuple[Any, ...]
    boards: tuple[tuple[Any, ...], ...]
    models: tuple[tuple[Any, ...], ...]


class Fitter:
    """Fits the boards of a database, and counts no vote again while nothing changed since its last fit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fitted: tuple[Marks, str] | None = None

    async def fit(self) -> str | None:
        """Store every board as the newest snapshot and return its id; None when it already was the newest."""
        async with self._database.readings() as session:
            marks, newest = await _marks(session), await _newest_id(session)
            # Another process may have fitted other votes meanwhile: ours must still be the newest.
            if newest is not None and self._fitted == (marks, newest):
                return None
            ballots = await count_votes(session, marks.last_vote_id, marks.last_imported_id)
            models = {model.name: model for model in await session.scalars(select(Model))}
        snapshot_id = await asyncio.to_thread(snapshot_digest, ballots, models)
        changed = await _publish(self._database, snapshot_id, marks, ballots, models)
        self._fitted = (marks, snapshot_id)
        return snapshot_id if changed else None


async def fit(database: Database) -> str | None:
    """Compute every board and store them as one snapshot; None when nothing changed since the last."""
    return await Fitter(database).fit()


async def _marks(session: AsyncSession) -> Marks:
    votes = await session.execute(
        select(
            *_identities(Vote.id),
            # Both, because of two withdrawals the later one may be committed first.
            func.count(Vote.withdrawn_at),
            func.max(Vote.withdrawn_at),
        )
    )
    imported = await session.execute(select(*_identities(ImportedVote.id)))
    boards = await session.execute(
        select(Board.name, Board.title, Board.origin, Board.license).order_by(Board.name)
    )
    models = await session.execute(select(Model.name, Model.organization, Model.license).order_by(Model.name))
    last_vote, *other_votes = votes.one()
    last_imported, *other_imported = imported.one()
    return Marks(
        last_vote_id=last_vote,
        last_imported_id=last_imported,
        votes=tuple(other_votes),
        imported=tuple(other_imported),
        boards=tuple(map(tuple, boards)),
        models=tuple(map(tuple, models)),
    )


def _identities(column: InstrumentedAttribute[int]) -> tuple[ColumnElement[Any], ...]:
    """The highest id, how many there are, and a sum that tells which: rows go, and may be committed late."""
    return func.coalesce(func.max(column), 0), func.count(), func.sum(func.hashint8extended(column, 0))


async def _publish(
    database: Database,
    snapshot_id: str,
    marks: Marks,
    ballots: Sequence[Ballot],
    models: Mapping[str, Model],
) -> bool:
    """Make this snapshot the newest one, computing it unless it is stored; whether another one was newest."""
    async with database.sessions.begin() as session:
        if await session.get(Snapshot, snapshot_id):
            return await _make_newest(session, snapshot_id, marks)
    generated_at = datetime.now(UTC)
    payloads = await asyncio.to_thread(_payloads, ballots, models, snapshot_id, generated_at)
    async with database.sessions.begin() as session:
        row = insert(Snapshot).values(
            id=snapshot_id,
            code_version=__version__,
            last_vote_id=marks.last_vote_id,
            last_imported_id=marks.last_imported_id,
            created_at=generated_at,
        )
        if await session.scalar(row.on_conflict_do_nothing().returning(Snapshot.id)) is None:
            return await _make_newest(session, snapshot_id, marks)
        rows = [
            {
                "snapshot_id": snapshot_id,
                "name": ballot.board.name,
                "payload": payload,
                "votes_digest": ballot.digest,
            }
            for ballot, payload in zip(ballots, payloads, strict=True)
        ]
        await session.execute(insert(Leaderboard), rows)
    return True


async def _make_newest(session: AsyncSession, snapshot_id: str, marks: Marks) -> bool:
    """Bring back a stored snapshot, as when votes that came after it were erased; whether it was not the newest.

    Its marks become today's: the same digest may by now stand for other votes that say the same.
    """
    row = update(Snapshot).where(Snapshot.id == snapshot_id)
    row = row.values(last_vote_id=marks.last_vote_id, last_imported_id=marks.last_imported_id)
    changed = await _newest_id(session) != snapshot_id
    await session.execute(row.values(sequence=text("DEFAULT")) if changed else row)
    return changed


async def count_votes(session: AsyncSession, last_vote_id: int, last_imported_id: int) -> list[Ballot]:
    """Every board's votes, counted in SQL."""
    ballots = [await _ballot(session, board, _own_votes(board.name, last_vote_id)) for board in OWN_BOARDS]
    for imported in await session.scalars(select(Board).order_by(Board.name)):
        board = BoardKind(
            name=imported.name,
            title=imported.title,
            kind="imported",
            about="Imported votes, kept apart from the votes of this arena.",
            origin=imported.origin,
            license=imported.license,
        )
        ballots.append(await _ballot(session, board, _imported_votes(imported.id, last_imported_id)))
    return ballots


def _own_votes(name: str, last_vote_id: int) -> Executable:
    model_a, model_b = aliased(Model), aliased(Model)
    query = (
        select(model_a.name, model_b.name, Vote.winner, Vote.voter_id, func.count())
        .join(Battle, Battle.id == Vote.battle_id)
        .join(model_a, model_a.id == Battle.model_a_id)
        .join(model_b, model_b.id == Battle.model_b_id)
        .where(Vote.id <= last_vote_id)
        .group_by(model_a.name, model_b.name, Vote.winner, Vote.voter_id)
    )
    reason = next(reason for reason, board in BOARD_OF_REASON.items() if board == name)
    return query.where(Vote.reason.is_not_distinct_from(reason))


def _imported_votes(board_id: int, last_imported_id: int) -> Executable:
    cell = (ImportedVote.model_a, ImportedVote.model_b, ImportedVote.winner, ImportedVote.voter)
    return (
        select(*cell, func.count())
        .where(ImportedVote.board_id == board_id, ImportedVote.id <= last_imported_id)
        .group_by(*cell, literal(1))
    )


async def _ballot(session: AsyncSession, board: BoardKind, query: Executable) -> Ballot:
    rows: list[tuple[Any, ...]] = []
    # In small parts, so that requests are answered between them.
    async for part in (await session.stream(query)).partitions(ROWS_AT_ONCE):
        rows.extend(map(tuple, part))
    return await asyncio.to_thread(_counted, board, rows)


def _counted(board: BoardKind, rows: Sequence[tuple[Any, ...]]) -> Ballot:
    cells = canonical_cells(rows)
    digest = hashlib.sha256(orjson.dumps(cells)).hexdigest()
    return Ballot(board=board, cells=pd.DataFrame(cells, columns=COLUMNS), digest=digest)


def canonical_cells(rows: Sequence[tuple[Any, ...]]) -> list[Cell]:
    """Cells in one order with voters numbered by what they voted: who they are leaves no trace in it.

    Votes without a voter stand for a voter each, who is then independent of all others.
    """
    said = sorted({(a, b, winner, 1 if voter is None else count) for a, b, winner, voter, count in rows})
    # Places in this order stand for what was said: they sort as it does, and much faster.
    place = {votes: number for number, votes in enumerate(said)}
    by_voter: dict[Any, list[int]] = {}
    alone: list[list[int]] = []
    for a, b, winner, voter, count in rows:
        if voter is None:
            alone.extend([[place[a, b, winner, 1]]] * count)
        else:
            by_voter.setdefault(voter, []).append(place[a, b, winner, count])
    voters = sorted([*map(sorted, by_voter.values()), *alone])
    cells = ((number, said[spoken]) for number, places in enumerate(voters) for spoken in places)
    return [(a, b, winner, number, count) for number, (a, b, winner, count) in cells]


def snapshot_digest(ballots: Sequence[Ballot], models: Mapping[str, Model]) -> str:
    """The id of a snapshot: what was counted, by which code, and what is said about the boards and models."""
    method = ratings.leaderboard(pd.DataFrame(columns=COLUMNS)).method
    rated = {
        name for ballot in ballots for side in ("model_a", "model_b") for name in ballot.cells[side].unique()
    }
    parts = {
        "code_version": __version__,
        "method": dict(method),
        "boards": {ballot.board.name: [ballot.digest, asdict(ballot.board)] for ballot in ballots},
        "models": {
            name: [models[name].organization, models[name].license] for name in rated if name in models
        },
    }
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _payloads(
    ballots: Sequence[Ballot], models: Mapping[str, Model], snapshot_id: str, generated_at: datetime
) -> list[str]:
    return [_payload(ballot, models, snapshot_id, generated_at) for ballot in ballots]


def _payload(ballot: Ballot, models: Mapping[str, Model], snapshot_id: str, generated_at: datetime) -> str:
    """The feed file of one board, byte for byte as it will be served."""
    board = ratings.leaderboard(ballot.cells)
    rows = board.table.astype(object).where(board.table.notna(), None).to_dict(orient="records")
    return orjson.dumps(
        {
            "$schema": SCHEMA_PATH,
            "snapshot": snapshot_id,
            "generated_at": generated_at,
            "category": ballot.board.name,
            "title": ballot.board.title,
            "kind": ballot.board.kind,
            "about": ballot.board.about,
            "origin": ballot.board.origin,
            "license": ballot.board.license,
            "votes": board.votes,
            "method": dict(board.method),
            "entries": [_entry(row, models.get(row["model"])) for row in rows],
            "unrated": dict(board.unrated),
        },
        option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY,
    ).decode()


def _entry(row: Mapping[Any, Any], model: Model | None) -> dict[str, Any]:
    return {
        "model": row["model"],
        "organization": model.organization if model else None,
        "license": model.license if model else None,
        "rating": _rounded(row["rating"], 2),
        "lower": _rounded(row["lower"], 2),
        "upper": _rounded(row["upper"], 2),
        "rank_lower": row["rank_lower"],
        "rank_upper": row["rank_upper"],
        "votes": row["battles"],
        "battles": row["battles"],
        "win_rate": _rounded(row["win_rate"], 4),
        "preliminary": row["battles"] < PRELIMINARY_VOTES or row["rating"] is None,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    """To the digits shown: the rest differs between processors and says nothing."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)


async def newest_snapshot(session: AsyncSession) -> Snapshot:
    """Raises `SnapshotNotFound` before the first fit."""
    snapshot = await session.scalar(select(Snapshot).order_by(Snapshot.sequence.desc()).limit(1))
    if snapshot is None:
        raise SnapshotNotFound("No leaderboard has been computed yet. Come back in a minute.")
    return snapshot


async def _newest_id(session: AsyncSession) -> str | None:
    return await session.scalar(select(Snapshot.id).order_by(Snapshot.sequence.desc()).limit(1))


async def board_names(session: AsyncSession, snapshot_id: str) -> list[str]:
    """The boards of a snapshot, our own first."""
    names = await session.scalars(select(Leaderboard.name).where(Leaderboard.snapshot_id == snapshot_id))
    order = [board.name for board in OWN_BOARDS]
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


async def read_board(session: AsyncSession, name: str, snapshot_id: str | None = None) -> str:
    """The bytes of one board, of the newest snapshot or of a named one."""
    if snapshot_id is None:
        snapshot_id = (await newest_snapshot(session)).id
    elif await session.get(Snapshot, snapshot_id) is None:
        raise SnapshotNotFound(f"There is no snapshot {snapshot_id!r}.")
    payload = await session.scalar(
        select(Leaderboard.payload).where(Leaderboard.snapshot_id == snapshot_id, Leaderboard.name == name)
    )
    if payload is None:
        known = ", ".join(await board_names(session, snapshot_id))
        raise LeaderboardNotFound(f"There is no leaderboard {name!r}. There are: {known}.")
    return payload


async def verify(session: AsyncSession, snapshot_id: str) -> list[str]:
    """Count the votes of a snapshot again; returns the boards whose votes are no longer the same."""
    snapshot = await session.get(Snapshot, snapshot_id)
    if snapshot is None:
        raise SnapshotNotFound(f"There is no snapshot {snapshot_id!r}.")
    stored = await session.execute(
        select(Leaderboard.name, Leaderboard.votes_digest).where(Leaderboard.snapshot_id == snapshot_id)
    )
    ballots = await count_votes(session, snapshot.last_vote_id, snapshot.last_imported_id)
    now = {ballot.board.name: ballot.digest for ballot in ballots}
    return sorted(name for name, digest in stored if now.get(name) != digest)
