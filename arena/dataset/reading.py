"""Votes → parts: read in ranges that fit in memory while the ones before are shaped, checked and kept."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

import psycopg
import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.checks import Fault, faults_of
from arena.dataset.parts import Part, Parts
from arena.dataset.rows import Rows as Raw
from arena.dataset.shaping import Rows, Shaper

READ_BYTES: Final = 8 * 2**20
PART_BYTES: Final = 24 * 2**20
BUCKET_BYTES: Final = 24 * 2**20
FIRST_VOTES, MOST_VOTES = 200, 20_000
SHAPED_AT_ONCE: Final = 2

# Changed since: withdrawn, tagged anew, erased.
CHANGED: Final = """SELECT vote_id FROM ballot WHERE written_in >= %(horizon)s AND vote_id <= %(last)s
    UNION SELECT vote_id FROM removed_ballot WHERE written_in >= %(horizon)s AND vote_id <= %(last)s"""


@dataclass(frozen=True, kw_only=True)
class Range:
    """The rows of some votes, as read."""

    after: int
    last: int
    battles: pa.Table
    turns: pa.Table


def buckets_for(connection: psycopg.Connection[Any]) -> int:
    """So many that the rows of one fit in memory; text may be stored at half its size."""
    (stored,) = connection.execute(
        "SELECT pg_table_size('turn') + pg_table_size('response') + pg_table_size('battle')"
    ).fetchone() or (0,)
    return max(1, 2 * stored // BUCKET_BYTES)


def drop_changed(connection: psycopg.Connection[Any], parts: Parts, last_vote_id: int) -> None:
    """Forget parts of an earlier run whose votes are not what they were then."""
    finished = parts.finished()
    if not finished:
        return
    # One look for all: what an older part saw is as old at least.
    horizon = min(part.horizon for part in finished)
    marks = {"horizon": horizon, "last": last_vote_id}
    changed = sorted(vote_id for (vote_id,) in connection.execute(CHANGED, marks))
    for part in finished:
        if bisect_right(changed, part.after) < bisect_right(changed, part.last):
            parts.drop(part)


def read_parts(
    raw: Sequence[Raw],
    shaper: Shaper,
    parts: Parts,
    *,
    last_vote_id: int,
    horizon: int,
    advance: Callable[[float], None],
) -> None:
    """Read every vote up to the last one that no finished part holds; by so many readers, all of one moment."""
    with ThreadPoolExecutor(1) as lane:
        kept: Future[None] | None = None
        for after, last in [*parts.missing(last_vote_id)]:
            for part, rows, faults in _parts(raw, shaper, after, last, horizon):
                if kept is not None:
                    kept.result()
                # The disk takes its time: the next votes are read and shaped meanwhile.
                kept = lane.submit(parts.write, part, rows, faults)
                advance(part.last / last_vote_id)
        if kept is not None:
            kept.result()


def _parts(
    raw: Sequence[Raw], shaper: Shaper, after: int, last: int, horizon: int
) -> Iterator[tuple[Part, list[Rows], list[Fault]]]:
    """Parts of consecutive votes, each as large as it may be."""
    rows: list[Rows] = []
    faults: list[Fault] = []
    begun = after
    for read_until, shaped, unfit in _in_turn(raw, shaper, after, last):
        rows.append(shaped)
        faults += unfit
        if sum(each.turns.nbytes + each.battles.nbytes for each in rows) >= PART_BYTES or read_until == last:
            yield Part(after=begun, last=read_until, horizon=horizon), rows, faults
            rows, faults, begun = [], [], read_until


def _in_turn(
    raw: Sequence[Raw], shaper: Shaper, after: int, last: int
) -> Iterator[tuple[int, Rows, list[Fault]]]:
    """Consecutive votes as rows of a release, with their faults: shaped side by side, while more are read."""

    def shaped(found: Range) -> tuple[int, Rows, list[Fault]]:
        rows = shaper.shaped(found.battles, found.turns)
        return found.last, rows, faults_of(rows)

    waiting: deque[Future[tuple[int, Rows, list[Fault]]]] = deque()
    with ThreadPoolExecutor(SHAPED_AT_ONCE) as workers:
        for found in _ranges(raw, after, last):
            waiting.append(workers.submit(shaped, found))
            if len(waiting) > SHAPED_AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _ranges(raw: Sequence[Raw], after: int, last: int) -> Iterator[Range]:
    """The rows of consecutive votes, so many at a time as fit; each reader reads ahead while the caller works."""
    idle: SimpleQueue[Raw] = SimpleQueue()
    for each in raw:
        idle.put(each)
    ahead: deque[Future[Range]] = deque()
    with ThreadPoolExecutor(len(raw)) as readers:
        size = FIRST_VOTES
        while ahead or after < last:
            while len(ahead) < len(raw) and after < last:
                until = min(after + size, last)
                ahead.append(readers.submit(_read, idle, after, until))
                after = until
            found = ahead.popleft().result()
            size = _next_size(found)
            yield found


def _read(idle: SimpleQueue[Raw], after: int, last: int) -> Range:
    raw = idle.get()
    try:
        battles = raw.battles(after, last)
        return Range(after=after, last=last, battles=battles, turns=raw.turns(battles))
    finally:
        idle.put(raw)


def _next_size(found: Range) -> int:
    """Votes to read next, from the bytes of the last ones."""
    size = found.last - found.after
    read = found.turns.nbytes + found.battles.nbytes
    fitting: int = size * READ_BYTES // max(read, 1)
    return max(1, min(fitting, 2 * size, MOST_VOTES))
