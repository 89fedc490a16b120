"""Ballots: the votes of every population as boards count them, kept as columns in memory.

A refresh reads only what changed: every ballot remembers the transaction that wrote it, and ballots of transactions
that were still running at the last look are looked at again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pyarrow import csv
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from arena.populations import POPULATION_OF_REASON, Population, imported
from arena.tables import Board, Model
from ratings.board_files import STYLE_COLUMNS, STYLE_FEATURES
from ratings.vote_digest import canonical_votes

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
        written = await own_ballots(session, since)
        removed = await session.scalars(text(f"SELECT vote_id FROM removed_ballot WHERE {since}"))
        gone = pa.array([*removed], pa.int64())
        if len(gone) or written.num_rows:
            await asyncio.to_thread(self._replace, written, gone)
        self.horizon = horizon

    def _replace(self, written: pa.Table, gone: pa.Array) -> None:
        out = pa.chunked_array([*written["vote_id"].chunks, gone], pa.int64())
        kept = self.rows.filter(pc.invert(pc.is_in(self.rows["vote_id"], value_set=out)))
        rows = pa.concat_tables([kept, written]).unify_dictionaries().sort_by("vote_id")
        if not rows.equals(self.rows):
            self.rows, self.changes = rows.combine_chunks(), self.changes + 1

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


async def own_ballots(session: AsyncSession, condition: str) -> pa.Table:
    """The tagged ballots that a condition of ours selects."""
    style = ", ".join(
        f"style_{side}[{place}]" for place in range(1, len(STYLE_FEATURES) + 1) for side in "ab"
    )
    return await copy_rows(
        session,
        f"""SELECT vote_id, voter, model_a_id, model_b_id, winner, coalesce(reason, ''), array_to_string(tags, ' '),
            coalesce(('x' || left(prompt_digest, 16))::bit(64)::bigint, vote_id), {style}
        FROM ballot WHERE rules IS NOT NULL AND {condition}""",
        _OWN_SCHEMA,
    )


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
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None, "a session's connection is open"
    written = BytesIO()
    async with driver.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
        async for part in copy:
            written.write(part)
    if not written.tell():
        return schema.empty_table()
    return await asyncio.to_thread(_parsed, written.getbuffer(), schema)


def _parsed(rows: memoryview, schema: pa.Schema) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(pa.py_buffer(rows)),
        read_options=csv.ReadOptions(column_names=schema.names),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    ).cast(schema)


def own_votes(rows: pa.Table, models: Mapping[int, str]) -> list[Votes]:
    """Split our own ballots by population and put each in canonical order."""
    found = []
    for reason, population in POPULATION_OF_REASON.items():
        chosen = rows.filter(pc.equal(pc.fill_null(rows["reason"].cast(pa.string()), ""), reason or ""))
        frequent = over_frequent(chosen["prompt"].to_numpy(), chosen["vote_id"].to_numpy())
        columns = {
            "model_a": _named(chosen["model_a"], models),
            "model_b": _named(chosen["model_b"], models),
            "winner": chosen["winner"],
            "voter": chosen["voter"],
            "tags": pc.fill_null(chosen["tags"].cast(pa.string()), "").dictionary_encode(),
            "over_frequent": pa.array(frequent),
            **{name: chosen[name] for name in STYLE_COLUMNS},
        }
        found.append(_canonical(population, pa.table(columns)))
    return found


def _named(numbers: pa.ChunkedArray, models: Mapping[int, str]) -> pa.Array:
    """Models by name: their numbers are this database's own."""
    known = np.array(sorted(models), dtype=np.int64)
    place = np.searchsorted(known, numbers.to_numpy())
    return pa.DictionaryArray.from_arrays(
        place.astype(np.int32), pa.array([models[number] for number in known.tolist()], pa.string())
    )


def over_frequent(prompts: npt.NDArray[np.int64], votes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which votes are on a prompt asked so often that its earlier votes must stand for it.

    Of prompts above the 99.9th percentile of all prompts' counts, at least 25, only that many votes stay: samples
    shown on a page and testers' greetings would otherwise outweigh what people really ask.
    """
    if not len(prompts):
        return np.zeros(0, dtype=bool)
    order = np.lexsort((votes, prompts))
    borders = np.flatnonzero(np.diff(prompts[order]) != 0) + 1
    counts = np.diff(borders, prepend=0, append=len(prompts))
    limit = max(FREQUENT_LEAST, int(np.quantile(counts, FREQUENT_QUANTILE, method="lower")))
    place = np.arange(len(prompts)) - np.repeat(np.cumsum(counts) - counts, counts)
    frequent = np.zeros(len(prompts), dtype=bool)
    frequent[order] = place >= limit
    return frequent


def _canonical(population: Population, rows: pa.Table) -> Votes:
    canonical = canonical_votes(rows)
    ordered = rows.drop_columns(["voter"]).take(canonical.order)
    return Votes(
        population=population,
        table=ordered.append_column("voter", pa.array(canonical.voters)).combine_chunks(),
        digest=canonical.digest,
    )
