"""Parts → the files under `data/`, in the order of `battle_id`, which says nothing of time."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from arena.dataset.parts import Parts
from arena.dataset.shaping import Rows
from arena.dataset.splitting import ALL_IDS, Span
from arena.dataset.whole import FrequentPrompts, folded
from arena.errors import ReleaseInvalid
from ratings.release.parquet import ROW_GROUP_ROWS
from ratings.release.schema import BATTLES, TURNS, VOTES
from ratings.release.tables import TableWriter

SEEN_AT_ONCE: Final = 10
# A group of rows is in memory at once, to write it and to read it: of turns, with their texts, fewer.
GROUP_ROWS: Final = {"battles": ROW_GROUP_ROWS, "turns": ROW_GROUP_ROWS // 8, "votes": ROW_GROUP_ROWS}


@dataclass(kw_only=True)
class Written:
    """What the files hold, in numbers."""

    rows: dict[str, int] = field(default_factory=dict)  # of each file
    votes: Counter[str] = field(default_factory=Counter)  # of each population
    redacted: Counter[str] = field(default_factory=Counter)  # turns, by what was replaced in them
    models: set[str] = field(default_factory=set)

    def add(self, battles: pa.Table, turns: pa.Table) -> None:
        self.votes += _counts(battles["population"])
        self.redacted += _counts(pc.list_flatten(turns["redacted"]))
        for side in "ab":
            self.models |= {*pc.unique(battles[f"model_{side}"]).to_pylist()}


def write_battles(
    parts: Parts,
    folder: Path,
    *,
    beside: Path,
    left_out: frozenset[int],
    languages: frozenset[str] | None,
    frequent: FrequentPrompts,
    advance: Callable[[float], None],
) -> Written:
    """Write battles, turns and votes.

    `beside` is a folder for what is not yet in order, `left_out` are votes whose battles are unfit, `languages` those
    that may be told; None tells all.
    """
    schemas, written = {"battles": BATTLES, "turns": TURNS, "votes": VOTES}, Written()
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                TableWriter(folder / f"{name}.parquet", schema, group_rows=GROUP_ROWS[name])
            )
            for name, schema in schemas.items()
        }
        # Turns are most of it: they are compressed beside everything else.
        lane = stack.enter_context(ThreadPoolExecutor(1))
        for span, rows in _ahead(parts.in_order(beside)):
            battles, turns = (_fit(table, left_out, languages) for table in (rows.battles, rows.turns))
            _must_be_unique(battles["battle_id"])
            turns_written = lane.submit(_write, writers["turns"], turns)
            _write(writers["battles"], battles)
            _write(writers["votes"], battles.append_column("over_frequent", frequent.mark(battles)))
            written.add(battles, turns)
            advance(span.end / ALL_IDS.end)
            turns_written.result()
        written.rows = {f"data/{name}.parquet": writer.rows for name, writer in writers.items()}
    return written


def _write(writer: TableWriter, rows: pa.Table) -> None:
    writer.write(rows.select(writer.schema.names).cast(writer.schema))


def _ahead(rows: Iterator[tuple[Span, Rows]]) -> Iterator[tuple[Span, Rows]]:
    """The same; the next ones are read while these are written."""
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(next, rows, None)
        while (found := ahead.result()) is not None:
            ahead = reader.submit(next, rows, None)
            yield found


def _fit(table: pa.Table, left_out: frozenset[int], languages: frozenset[str] | None) -> pa.Table:
    if left_out:
        table = table.filter(
            pc.invert(pc.is_in(table["vote_id"], value_set=pa.array(sorted(left_out), pa.int64())))
        )
    return table if languages is None else folded(table, languages)


def _must_be_unique(ids: pa.ChunkedArray) -> None:
    """No battle stands twice in a release; equal ids come together."""
    counts = ids.value_counts()
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    if twice:
        raise ReleaseInvalid(f"Battles that are there twice: {', '.join(twice[:SEEN_AT_ONCE])}.")


def _counts(column: pa.ChunkedArray) -> Counter[str]:
    counted = column.drop_null().value_counts()
    return Counter(
        dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    )
