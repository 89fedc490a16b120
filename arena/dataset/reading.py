"""Votes → parts: read in ranges that fit in memory while the one before is shaped, checked and kept."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

import psycopg
import pyarrow as pa  # type: ignore[import-untyped]

from arena.dataset.checks import faults_of
from arena.dataset.parts import Part, Parts
from arena.dataset.rows import Rows as Raw
from arena.dataset.shaping import Rows, Shaper

# Several are in memory at once. Smaller ones take longer: the automata that look for personal data are made
# anew for each.
READ_BYTES: Final = 16 * 2**20
PART_BYTES: Final = 28 * 2**20
FIRST_VOTES, MOST_VOTES = 200, 20_000

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
            for part, rows in _gathered(_shaped(raw, shaper, after, last), after, last, horizon):
                faults = faults_of(rows)
                if kept is not None:
                    kept.result()
                # The disk takes its time: the next votes are read and shaped meanwhile.
                kept = lane.submit(parts.write, part, rows, faults)
                del rows
                advance(part.last / last_vote_id)
        if kept is not None:
            kept.result()


def _shaped(raw: Sequence[Raw], shaper: Shaper, after: int, last: int) -> Iterator[tuple[int, Rows]]:
    """The rows of consecutive votes, and the last of these."""
    for found in _ranges(raw, after, last):
        yield found.last, shaper.shaped(found.battles, found.turns)


def _gathered(
    rows: Iterator[tuple[int, Rows]], after: int, last: int, horizon: int
) -> Iterator[tuple[Part, Rows]]:
    """Parts of rows that come in smaller portions: what reads all parts at once takes time for each."""
    waiting: list[Rows] = []
    for reached, portion in rows:
        waiting.append(portion)
        del portion
        if reached == last or sum(each.bytes for each in waiting) >= PART_BYTES:
            together, waiting = Rows.together(waiting), []
            yield Part(after=after, last=reached, horizon=horizon), together
            del together
            after = reached


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
