"""Rows of a release as they are read: the battles and turns of some votes, by COPY, at one moment of the database."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import orjson
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
from psycopg import sql

from arena.dataset.binary_copy import Columns, copy_all
from arena.records import Variant
from ratings.board_files import STYLE_COLUMNS, STYLE_FEATURES

# A few of millions of rows are looked up: never read a whole table for them, whatever the server guesses of it, nor
# start processes that help.
LOOKUPS: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}

READERS: Final = 2  # the server looks rows up on a core for each

# What is asked after the reveal goes on while a release is open: only what was over by then is in it, and what was
# just being written at that moment is not. A turn that failed may be tried again, unless another was asked after it.
LATE_SECONDS: Final = 60
_OVER: Final = """EXISTS (SELECT FROM turn AS later WHERE later.battle_id = turn.battle_id AND later.index >= turn.index
    AND later.state IN ('answered', 'stopped') AND later.finished_at < opening.late)"""

_BATTLES: Final = "vote JOIN battle ON battle.id = vote.battle_id"
FROM_VOTES: Final = f"""{_BATTLES}
    JOIN model AS a ON a.id = battle.model_a_id
    JOIN model AS b ON b.id = battle.model_b_id"""
_PRIVATE: Final = {
    side: f"({side}.private_since IS NOT NULL AND ({side}.private_test OR battle.created_at < {side}.listed_at))"
    for side in "ab"
}
# Why the open variant leaves a battle out; null where it does not.
WHY: Final = f"""CASE
    WHEN vote.reason = 'private_test' OR {" OR ".join(_PRIVATE.values())} THEN 'private_test'
    WHEN vote.reason = 'withdrawn' THEN 'withdrawn'
    WHEN NOT battle.publish THEN 'no_consent' END"""
# That it leaves none out, without looking up both models of every battle: few are private.
_OPEN: Final = " AND ".join(
    [
        "battle.publish AND vote.reason IS DISTINCT FROM 'private_test' AND vote.reason IS DISTINCT FROM 'withdrawn'",
        *(
            f"NOT EXISTS (SELECT FROM model AS {side} WHERE {side}.id = battle.model_{side}_id AND {private})"
            for side, private in _PRIVATE.items()
        ),
    ]
)

_STYLE = {
    f"{feature}_{side}": f"ballot.style_{side}[{place}]"
    for place, feature in enumerate(STYLE_FEATURES, start=1)
    for side in "ab"
}
assert tuple(_STYLE) == STYLE_COLUMNS
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
    "reasons": ("vote.reasons::text", pa.string()),
    "early": ("vote.early", pa.bool_()),
    "cast_at": ("(1e6 * extract(epoch FROM vote.created_at))::bigint", pa.int64()),
    "began_at": ("(1e6 * extract(epoch FROM battle.created_at))::bigint", pa.int64()),
    "week": ("date_trunc('week', battle.created_at)::date", pa.date32()),
    "turns": ("battle.answered_turns", pa.int32()),
    "propensity": ("battle.propensity", pa.float64()),
    "sampling_policy": ("battle.sampling_policy", pa.string()),
    "release_policy": ("battle.release_policy", pa.string()),
    "decoding": ("battle.decoding::text", pa.string()),
    "void_reason": ("battle.void_reason", pa.string()),
    "version_a": ("battle.released_version_a", pa.int32()),
    "version_b": ("battle.released_version_b", pa.int32()),
    "prompt_digest": ("ballot.prompt_digest", pa.string()),
    "tags": ("to_json(ballot.tags)::text", pa.string()),
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
    "redacted": ("turn.redacted::text", pa.string()),
    # What was found while the release was open would change its bytes.
    "moderation": (
        "(CASE WHEN turn.moderated_at IS NULL OR turn.moderated_at < opening.late THEN turn.moderation END)::text",
        pa.string(),
    ),
    **{
        f"{name}_{side}": (f"response_{side}.{column}", kind)
        for name, (column, kind) in _SIDES.items()
        for side in "ab"
    },
}


@contextmanager
def open_connections(conninfo: str) -> Iterator[Sequence[psycopg.Connection[Any]]]:
    """One to count with and `READERS` to read rows with, which all see the database at one and the same moment."""
    with ExitStack() as stack:
        opened = [stack.enter_context(psycopg.connect(conninfo)) for _ in range(1 + READERS)]
        for connection in opened:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        (moment,) = opened[0].execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        for connection in opened[1:]:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(moment))
        yield opened


class Rows:
    """Reads rows of one release over one connection, all as they are at one moment."""

    def __init__(self, connection: psycopg.Connection[Any], variant: Variant, opened_at: str) -> None:
        self._connection = connection
        self._battles = battles_source(variant)
        self._opened_at = opened_at
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        for option, value in LOOKUPS.items():
            connection.execute("SELECT set_config(%s, %s, true)", (option, value))

    def battles(self, after: int, last: int) -> pa.Table:
        """A row for each battle that these votes release."""
        return copy_all(self._connection, BATTLE_COLUMNS, self._battles + _between(after, last))

    def turns(self, battles: pa.Table) -> pa.Table:
        """A row for each turn of these battles, with nulls for a side that is not there."""
        # Which battles are released was asked when they were read: asking again takes a third of the time.
        votes = f"""unnest({self._listed(battles["vote_id"], "bigint")}, {self._listed(battles["battle"], "text")})
            AS vote (id, battle_id)"""
        return copy_all(self._connection, TURN_COLUMNS, turns_source(votes, self._opened_at))

    def _listed(self, values: pa.ChunkedArray, kind: str) -> str:
        """An array of ids, which hold no blanks; one literal for all takes a tenth of the time of one for each."""
        together = " ".join(values.cast(pa.string()).to_pylist())
        return f"string_to_array({sql.Literal(together).as_string(self._connection)}, ' ')::{kind}[]"


def battles_source(variant: Variant) -> str:
    """Where the columns of battles come from."""
    return f"""FROM {_BATTLES} JOIN voter ON voter.id = vote.voter_id JOIN ballot ON ballot.vote_id = vote.id
        WHERE {_released(variant)}"""


def votes_source(variant: Variant) -> str:
    """The votes that are released, for the turns of all of them."""
    return f"(SELECT vote.id, vote.battle_id FROM {_BATTLES} WHERE {_released(variant)}) AS vote"


def turns_source(votes: str, opened_at: str) -> str:
    """Where the columns of turns come from; `votes` are those whose turns they are."""
    return f"""FROM {votes}
        CROSS JOIN (SELECT timestamptz '{opened_at}' - interval '{LATE_SECONDS} seconds' AS late) AS opening
        JOIN turn ON turn.battle_id = vote.battle_id
        LEFT JOIN response AS response_a ON response_a.turn_id = turn.id AND response_a.side = 'a'
        LEFT JOIN response AS response_b ON response_b.turn_id = turn.id AND response_b.side = 'b'
        WHERE NOT turn.after_reveal OR {_OVER}"""


def listed(columns: Columns) -> str:
    """The columns of a SELECT."""
    return ", ".join(sql for sql, _ in columns.values())


def _released(variant: Variant) -> str:
    return _OPEN if variant == "open" else "true"


def _between(after: int, last: int) -> str:
    return f" AND vote.id > {after} AND vote.id <= {last}"


def lists_of(column: pa.ChunkedArray) -> pa.Array:
    """JSON arrays of strings as lists; only what is written differently is looked at."""
    coded = column.combine_chunks().dictionary_encode()
    distinct = pa.array(
        [orjson.loads(value) for value in coded.dictionary.to_pylist()], pa.list_(pa.string())
    )
    return distinct.take(coded.indices)
