"""Ballots: the votes of every population as boards count them, kept as columns in memory.

A refresh reads only what changed: every ballot remembers the transaction that wrote it, and ballots of transactions
that were still running at the last look are looked at again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from psycopg import sql
from pyarrow import csv
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from arena.db import conninfo_of
from arena.populations import POPULATION_OF_REASON, Population, imported
from arena.tables import Board, Model
from ratings.arrays import is_ascending
from ratings.board_files import STYLE_COLUMNS, STYLE_FEATURES
from ratings.vote_digest import in_canonical_order

FREQUENT_QUANTILE = 0.999
FREQUENT_LEAST = 25

_NAMES = pa.dictionary(pa.int32(), pa.string())
_OWN_SCHEMA = pa.schema(
    {
        "vote_id": pa.int64(),
        "voter": pa.int64(),
        "model_a": pa.int32(),
        "model_b": pa.int32(),
        "winner": _NAMES,
        "reason": _NAMES,
        "tags": _NAMES,
        "prompt": pa.int64(),
        **dict.fromkeys(STYLE_COLUMNS, pa.int32()),
    }
)
_SEPARATOR = "\x1f"  # in no tag, reason or winner, all of which are made of letters and signs
_TOGETHER = 4096
_PART = 64 * _TOGETHER
_WORTH_TWO = 2 * _PART
_BLOCK_BYTES = 1 << 22
_MOST_PIECES = 256
# What `ballot_line` wrote of each, in its order.
_WRITTEN_SCHEMA = pa.schema(
    {name: _OWN_SCHEMA.field(name).type for name in list(_OWN_SCHEMA.names)[:8]}
    | {f"{feature}_{side}": pa.int32() for side in "ab" for feature in STYLE_FEATURES}
)
_IMPORTED_SCHEMA = pa.schema({"model_a": _NAMES, "model_b": _NAMES, "winner": _NAMES, "voter": _NAMES})


# The oldest transaction that still runs, and the first that has not begun.
MOMENT = """SELECT (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint,
    (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint"""


@dataclass(frozen=True, kw_only=True)
class Votes:
    """The counted votes of one population, in an order and with a digest that depend on what they say alone."""

    population: Population
    table: pa.Table  # model_a, model_b, winner, voter; of our own also tags, over_frequent and style counts
    digest: str

    @property
    def has_tags(self) -> bool:
        """Whether the battles are known, and so can be told apart by category and style."""
        return "tags" in self.table.column_names


class BallotBox:
    """The ballots of this arena, kept up to date by reading only what changed since the last look."""

    def __init__(self) -> None:
        self.changes = 0
        self.rows = _OWN_SCHEMA.empty_table()
        self.horizon = 0

    async def refresh(self, session: AsyncSession) -> None:
        """Read the ballots written or removed since the last look. The session must see one moment."""
        horizon, latest = (await session.execute(text(MOMENT))).one()
        if horizon < self.horizon:  # another database, such as a restored one, counts its transactions anew
            self.rows, self.horizon = _OWN_SCHEMA.empty_table(), 0
        since = f"written_in >= {self.horizon}"
        if self.horizon:  # what lies beyond was restored with the numbers of another server, and is known
            since += f" AND written_in < {latest}"
        written = await own_ballots(session, since, are_few=self.horizon > 0)
        removed = await session.scalars(text(f"SELECT vote_id FROM removed_ballot WHERE {since}"))
        gone = pa.array([*removed], pa.int64())
        if len(gone) or written.num_rows:
            await asyncio.to_thread(self._replace, written, gone)
        self.horizon = horizon

    def _replace(self, written: pa.Table, gone: pa.Array) -> None:
        changed = pa.chunked_array([*written["vote_id"].chunks, gone], pa.int64())
        # What stands before all that changed, which is mostly nearly everything, stays as it is.
        place = int(np.searchsorted(self.rows["vote_id"].to_numpy(), pc.min(changed).as_py()))
        kept = self.rows.slice(place)
        kept = kept.filter(pc.invert(pc.is_in(kept["vote_id"], value_set=changed)))
        after = _by_vote(pa.concat_tables([kept, written]).unify_dictionaries())
        rows = pa.concat_tables([self.rows.slice(0, place), after]).unify_dictionaries()
        if not rows.equals(self.rows):
            # To put all of them in one piece takes longer than all else that a few new ones need.
            in_pieces = rows["vote_id"].num_chunks <= _MOST_PIECES
            self.rows, self.changes = rows if in_pieces else rows.combine_chunks(), self.changes + 1

    def votes(self, models: Mapping[int, str]) -> list[Votes]:
        """The votes of each of our own populations."""
        return own_votes(self.rows, models)


async def ballots_of_snapshot(
    session: AsyncSession, visible: str, last_vote_id: int, models: Mapping[int, str]
) -> list[Votes]:
    """The votes that a snapshot saw and that nobody changed since, as far as they are still there."""
    seen = f"vote_id <= {last_vote_id} AND pg_visible_in_snapshot(written_in::text::xid8, '{visible}'::pg_snapshot)"
    rows = await own_ballots(session, seen)
    return await asyncio.to_thread(own_votes, rows, models)


async def model_names(session: AsyncSession) -> dict[int, str]:
    """Every model's number and name."""
    return {number: name for number, name in await session.execute(select(Model.id, Model.name))}


async def own_ballots(session: AsyncSession, condition: str, *, are_few: bool = False) -> pa.Table:
    """The tagged ballots that a condition of ours selects; ``are_few``: of many."""
    # Of few, Postgres would look for the first one among all, in the order of their numbers.
    number = "vote_id + 0" if are_few else "vote_id"
    ends = text(f"SELECT min({number}), max({number}) FROM ballot WHERE {condition}")
    first, last = (await session.execute(ends)).one()
    if first is None:
        return _OWN_SCHEMA.empty_table()
    starts = iter(range(first, last + 1, _PART))
    parsing: dict[int, asyncio.Task[pa.Table]] = {}

    async def read(connection: psycopg.AsyncConnection[Any]) -> None:
        for start in starts:
            lines = await _lines(connection, condition, start, min(start + _PART - 1, last))
            # In a thread, while the database writes the next ones.
            parsing[start] = asyncio.create_task(asyncio.to_thread(_own_table, lines))

    try:
        async with (
            _readers(session, 2 if last - first > _WORTH_TWO else 1) as readers,
            asyncio.TaskGroup() as tasks,
        ):
            for reader in readers:
                tasks.create_task(read(reader))
        return pa.concat_tables([await parsing[start] for start in sorted(parsing)])
    finally:
        await asyncio.gather(*parsing.values(), return_exceptions=True)


@asynccontextmanager
async def _readers(session: AsyncSession, number: int) -> AsyncIterator[list[psycopg.AsyncConnection[Any]]]:
    """Connections that see what the session sees: the server writes ballots on a core for each."""
    async with AsyncExitStack() as stack:
        found = [await _connection(session)]
        if number > 1:
            moment = await session.scalar(text("SELECT pg_export_snapshot()"))
            address = conninfo_of((await session.connection()).engine.url)
            for _ in range(number - 1):
                connection = await psycopg.AsyncConnection.connect(address)
                await stack.enter_async_context(connection)
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                await connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(moment))
                found.append(connection)
        yield found


async def _lines(
    connection: psycopg.AsyncConnection[Any], condition: str, first: int, last: int
) -> memoryview:
    """Ballots of a range of votes, each as a line."""
    # Thousands of ballots in a message: to fetch each by itself takes longer than all that follows.
    query = f"""SELECT (
            SELECT string_agg(coalesce(line, ballot_line(ballot)), E'\n')
            FROM ballot WHERE vote_id BETWEEN start AND least(start + {_TOGETHER - 1}, {last})
            AND rules IS NOT NULL AND ({condition})
        ) FROM generate_series({first}, {last}, {_TOGETHER}) AS start"""
    written = BytesIO()
    copied = f"COPY ({query}) TO STDOUT (FORMAT binary)"
    async with connection.cursor() as cursor, cursor.copy(copied) as copy:
        async for (lines,) in copy.rows():
            if lines is not None:
                written.write(lines + b"\n")
    return written.getbuffer()


async def imported_votes(session: AsyncSession, board: Board, last_imported_id: int) -> Votes:
    """The votes of one imported board."""
    rows = await copy_rows(
        session,
        f"""SELECT model_a, model_b, winner, voter FROM imported_vote
        WHERE board_id = {board.id} AND id <= {last_imported_id}""",
        _IMPORTED_SCHEMA,
    )
    population = imported(board.name, board.title, board.origin, board.license)
    return await asyncio.to_thread(_canonical, population, rows)


async def copy_rows(session: AsyncSession, query: str, schema: pa.Schema) -> pa.Table:
    """A query's rows as columns, by COPY: without an object for every value of millions of rows."""
    written = BytesIO()
    connection, copied = await _connection(session), f"COPY ({query}) TO STDOUT (FORMAT csv)"
    async with connection.cursor() as cursor, cursor.copy(copied) as copy:
        async for part in copy:
            written.write(part)
    if not written.tell():
        return schema.empty_table()
    return await asyncio.to_thread(_parsed, written.getbuffer(), schema)


async def _connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The driver's own, of a session."""
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None, "a session's connection is open"
    return driver  # type: ignore[no-any-return]


def _own_table(lines: memoryview) -> pa.Table:
    """Ballots as `_OWN_SCHEMA` says, from their lines."""
    if not lines:
        return _OWN_SCHEMA.empty_table()
    rows = csv.read_csv(
        pa.BufferReader(pa.py_buffer(lines)),
        read_options=csv.ReadOptions(column_names=list(_WRITTEN_SCHEMA.names), block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(delimiter=_SEPARATOR, quote_char=False),
        convert_options=csv.ConvertOptions(
            column_types=_WRITTEN_SCHEMA, null_values=[""], strings_can_be_null=True
        ),
    )
    # A vote without a prompt is on one of its own.
    prompts = pc.coalesce(rows["prompt"], rows["vote_id"])
    rows = rows.set_column(rows.column_names.index("prompt"), "prompt", prompts)
    return _by_vote(rows.select(_OWN_SCHEMA.names))  # Postgres gives them as they lie on its pages


def _parsed(rows: memoryview, schema: pa.Schema) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(pa.py_buffer(rows)),
        read_options=csv.ReadOptions(column_names=schema.names, block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    ).cast(schema)


def _by_vote(rows: pa.Table) -> pa.Table:
    numbers = rows["vote_id"]
    # Stretches that are in order are put into each other faster by this sort than by others.
    return rows if _are_ascending(numbers) else rows.take(np.argsort(numbers.to_numpy(), kind="stable"))


def _are_ascending(numbers: pa.ChunkedArray) -> bool:
    pieces = [chunk.to_numpy() for chunk in numbers.chunks if len(chunk)]
    ends = np.array([(piece[0], piece[-1]) for piece in pieces], dtype=np.int64).ravel()
    return all(is_ascending(piece) for piece in (*pieces, ends))


def own_votes(rows: pa.Table, models: Mapping[int, str]) -> list[Votes]:
    """Split our own ballots by population and put each in canonical order."""
    reasons = rows["reason"].unify_dictionaries().combine_chunks()
    known = [*reasons.dictionary.to_pylist(), ""]  # the last for none
    codes = pc.fill_null(reasons.indices, -1).to_numpy(zero_copy_only=False)
    found = []
    for reason, population in POPULATION_OF_REASON.items():
        selected = np.array([name == (reason or "") for name in known])[codes]
        chosen = rows if selected.all() else rows.filter(pa.array(selected))
        frequent = over_frequent(chosen["prompt"].to_numpy(), chosen["vote_id"].to_numpy())
        columns = {
            "model_a": _named(chosen["model_a"], models),
            "model_b": _named(chosen["model_b"], models),
            "winner": chosen["winner"],
            "voter": chosen["voter"],
            "tags": pc.fill_null(chosen["tags"], ""),
            "over_frequent": pa.array(frequent),
            **{name: chosen[name] for name in STYLE_COLUMNS},
        }
        found.append(_canonical(population, pa.table(columns)))
    return found


def _named(numbers: pa.ChunkedArray, models: Mapping[int, str]) -> pa.Array:
    """Models by name: their numbers are this database's own."""
    known = np.array(sorted(models), dtype=np.int64)
    place = np.zeros(int(known.max(initial=0)) + 1, dtype=np.int32)
    place[known] = np.arange(len(known), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        place[numbers.to_numpy()], pa.array([models[number] for number in known.tolist()], pa.string())
    )


def over_frequent(prompts: npt.NDArray[np.int64], votes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which votes are on a prompt asked so often that its earlier votes must stand for it.

    Of prompts above the 99.9th percentile of all prompts' counts, at least 25, only that many votes stay: samples
    shown on a page and testers' greetings would otherwise outweigh what people really ask.
    """
    if not len(prompts):
        return np.zeros(0, dtype=bool)
    ordered = np.sort(prompts)
    borders = np.flatnonzero(np.diff(ordered) != 0) + 1
    counts = np.diff(borders, prepend=0, append=len(prompts))
    limit = max(FREQUENT_LEAST, int(np.quantile(counts, FREQUENT_QUANTILE, method="lower")))
    frequent = np.zeros(len(prompts), dtype=bool)
    over = ordered[np.cumsum(counts)[counts > limit] - 1]
    # Few prompts, or none: only their votes need an order.
    places = np.flatnonzero(np.isin(prompts, over)) if len(over) else np.zeros(0, dtype=np.int64)
    places = places[np.lexsort((votes[places], prompts[places]))]
    many = counts[counts > limit]
    place = np.arange(len(places)) - np.repeat(np.cumsum(many) - many, many)
    frequent[places] = place >= limit
    return frequent


def _canonical(population: Population, rows: pa.Table) -> Votes:
    table, digest = in_canonical_order(rows)
    return Votes(population=population, table=table, digest=digest)
