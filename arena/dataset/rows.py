"""Rows of a release as they are read: the battles and turns of some votes, by COPY, at one moment of the database."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

import orjson
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import csv
from sqlalchemy import make_url

from arena.records import Variant
from ratings.board_files import STYLE_COLUMNS, STYLE_FEATURES

# A few of millions of rows are looked up: never read a whole table for them, whatever the server guesses of it.
WHOLE_TABLES = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")

# What is asked after the reveal goes on while a release is open: only what was over by then is in it, and what was
# just being written at that moment is not.
LATE_SECONDS: Final = 60

FROM_VOTES: Final = """vote
    JOIN battle ON battle.id = vote.battle_id
    JOIN model AS a ON a.id = battle.model_a_id
    JOIN model AS b ON b.id = battle.model_b_id"""
_PRIVATE: Final = " OR ".join(
    f"({side}.private_since IS NOT NULL AND ({side}.private_test OR battle.created_at < {side}.listed_at))"
    for side in "ab"
)
# Why the open variant leaves a battle out; null where it does not.
WHY: Final = f"""CASE
    WHEN vote.reason = 'private_test' OR {_PRIVATE} THEN 'private_test'
    WHEN vote.reason = 'withdrawn' THEN 'withdrawn'
    WHEN NOT battle.publish THEN 'no_consent' END"""

_STYLE = {
    f"{feature}_{side}": f"ballot.style_{side}[{place}]"
    for place, feature in enumerate(STYLE_FEATURES, start=1)
    for side in "ab"
}
assert tuple(_STYLE) == STYLE_COLUMNS
Columns = Mapping[str, tuple[str, pa.DataType]]  # name → SQL, type
BATTLE_COLUMNS: Final[Columns] = {
    "vote_id": ("vote.id", pa.int64()),
    "battle": ("battle.id", pa.string()),
    "released_as": ("battle.released_as", pa.string()),
    "voter_number": ("voter.number", pa.int64()),
    "pseudonym": ("voter.pseudonym", pa.string()),
    "model_a_id": ("battle.model_a_id", pa.int64()),
    "model_b_id": ("battle.model_b_id", pa.int64()),
    "winner": ("vote.winner", pa.string()),
    "counted": ("vote.counted", pa.bool_()),
    "reason": ("vote.reason", pa.string()),
    "reasons": ("vote.reasons", pa.string()),
    "early": ("vote.early", pa.bool_()),
    "cast_at": ("(1e6 * extract(epoch FROM vote.created_at))::bigint", pa.int64()),
    "began_at": ("(1e6 * extract(epoch FROM battle.created_at))::bigint", pa.int64()),
    "week": ("date_trunc('week', battle.created_at)::date", pa.date32()),
    "turns": ("battle.answered_turns", pa.int32()),
    "propensity": ("battle.propensity", pa.float64()),
    "sampling_policy": ("battle.sampling_policy", pa.string()),
    "release_policy": ("battle.release_policy", pa.string()),
    "decoding": ("battle.decoding", pa.string()),
    "void_reason": ("battle.void_reason", pa.string()),
    "version_a": ("battle.released_version_a", pa.int32()),
    "version_b": ("battle.released_version_b", pa.int32()),
    "prompt_digest": ("ballot.prompt_digest", pa.string()),
    "tags": ("to_json(ballot.tags)", pa.string()),
    **{name: (sql, pa.int32()) for name, sql in _STYLE.items()},
}
_SIDES: Columns = {
    "response": ("text", pa.string()),
    "state": ("state", pa.string()),
    "finish_reason": ("finish_reason", pa.string()),
    "language": ("language", pa.string()),
    "prompt_tokens": ("prompt_tokens", pa.int32()),
    "completion_tokens": ("completion_tokens", pa.int32()),
    "first_token_milliseconds": ("first_token_milliseconds", pa.float64()),
    "total_milliseconds": ("total_milliseconds", pa.float64()),
    "attempts": ("attempts", pa.int32()),
    "reveals_identity": ("reveals_identity", pa.string()),
}
TURN_COLUMNS: Final[Columns] = {
    "vote_id": ("vote.id", pa.int64()),
    "index": ("turn.index", pa.int32()),
    "after_reveal": ("turn.after_reveal", pa.bool_()),
    "state": ("turn.state", pa.string()),
    "prompt": ("turn.prompt", pa.string()),
    "prompt_language": ("turn.prompt_language", pa.string()),
    "finished_at": ("(1e6 * extract(epoch FROM turn.finished_at))::bigint", pa.int64()),
    "redacted": ("turn.redacted", pa.string()),
    "moderation": ("turn.moderation", pa.string()),
    **{
        f"{name}_{side}": (f"response_{side}.{column}", kind)
        for name, (column, kind) in _SIDES.items()
        for side in "ab"
    },
}


def conninfo_of(url: str) -> str:
    """The address of the database as the driver takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Rows:
    """Reads rows of one release over one connection, all as they are at one moment."""

    def __init__(self, connection: psycopg.Connection[Any], variant: Variant, opened_at: str) -> None:
        self._connection = connection
        self._open = f"({WHY}) IS NULL" if variant == "open" else "true"
        self._opened_at = opened_at
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        self._set_whole_tables("off")

    def close(self) -> None:
        """Leave the connection to queries of another kind, at the same moment."""
        self._set_whole_tables("on")

    def _set_whole_tables(self, value: str) -> None:
        for option in WHOLE_TABLES:
            self._connection.execute("SELECT set_config(%s, %s, true)", (option, value))

    def battles(self, after: int, last: int) -> pa.Table:
        """A row for each battle that these votes release."""
        return self._copy(
            f"""SELECT {_listed(BATTLE_COLUMNS)} FROM {FROM_VOTES}
            JOIN voter ON voter.id = vote.voter_id
            JOIN ballot ON ballot.vote_id = vote.id
            WHERE {_between(after, last)} AND {self._open}""",
            BATTLE_COLUMNS,
        )

    def turns(self, after: int, last: int) -> pa.Table:
        """A row for each turn of these battles, with nulls for a side that is not there."""
        late = f"timestamptz '{self._opened_at}' - interval '{LATE_SECONDS} seconds'"
        return self._copy(
            f"""SELECT {_listed(TURN_COLUMNS)} FROM {FROM_VOTES}
            JOIN turn ON turn.battle_id = battle.id
            LEFT JOIN response AS response_a ON response_a.turn_id = turn.id AND response_a.side = 'a'
            LEFT JOIN response AS response_b ON response_b.turn_id = turn.id AND response_b.side = 'b'
            WHERE {_between(after, last)} AND {self._open}
            AND (NOT turn.after_reveal OR turn.finished_at < {late} AND turn.state <> 'answering')""",
            TURN_COLUMNS,
        )

    def _copy(self, query: str, columns: Columns) -> pa.Table:
        schema = pa.schema([(name, kind) for name, (_, kind) in columns.items()])
        written = BytesIO()
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy,
        ):
            for row in copy:
                written.write(row)
        return parsed(written.getbuffer(), schema)


def _listed(columns: Columns) -> str:
    return ", ".join(sql for sql, _ in columns.values())


def _between(after: int, last: int) -> str:
    return f"vote.id > {after} AND vote.id <= {last}"


def parsed(rows: memoryview, schema: pa.Schema) -> pa.Table:
    """CSV as COPY writes it, as columns; what is not quoted and empty is null."""
    if not len(rows):
        return schema.empty_table()
    return csv.read_csv(
        pa.BufferReader(pa.py_buffer(rows)),
        read_options=csv.ReadOptions(column_names=schema.names, block_size=len(rows) + 1, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def lists_of(column: pa.ChunkedArray) -> pa.Array:
    """JSON arrays of strings as lists; only what is written differently is looked at."""
    coded = column.combine_chunks().dictionary_encode()
    distinct = pa.array(
        [orjson.loads(value) for value in coded.dictionary.to_pylist()], pa.list_(pa.string())
    )
    return distinct.take(coded.indices)
