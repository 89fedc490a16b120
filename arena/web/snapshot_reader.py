"""The newest snapshot and its files, remembered: what a snapshot says never changes, only which one is the newest."""

import asyncio
import gzip
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from arena.db import Database, is_outage
from arena.errors import LeaderboardNotFound
from arena.snapshots import (
    BOARDS,
    JSON,
    ROBUSTNESS,
    STYLE,
    board_names,
    failing_since,
    file_names,
    find_snapshot,
    newest_snapshot,
    read_compressed,
)
from arena.web.remembered_bytes import RememberedBytes

REMEMBERED_BYTES = 128 * 2**20
REMEMBERED_CONTENTS = 256
REMEMBERED_DATES = 4096


@dataclass(frozen=True, kw_only=True)
class Newest:
    """Which snapshot is the newest, and the boards in it: our own populations first."""

    id: str
    sequence: int  # grows also when an older snapshot becomes the newest again
    generated_at: datetime
    boards: tuple[str, ...]
    failing_since: datetime | None = None  # since when a newer one cannot be computed
    styled: tuple[str, ...] = ()  # those of them that also stand with style control
    robust: tuple[str, ...] = ()  # those of which it is known what would change them


class SnapshotReader:
    """Reads files of snapshots; asks the database for the newest at most once in `seconds`."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._newest: Newest | None = None
        self._looked_at = -float("inf")
        self._files = RememberedBytes(REMEMBERED_BYTES)
        # By what makes them, so that what is made of an archive does not push out what pages are made of.
        self._parsed: defaultdict[str, OrderedDict[tuple[str, str], Any]] = defaultdict(OrderedDict)
        self._made_at: OrderedDict[str, datetime] = OrderedDict()
        self._looking = asyncio.Lock()
        self._ahead: asyncio.Task[None] | None = None
        self._outage: tuple[float, Exception | None] = (-float("inf"), None)

    async def newest(self) -> Newest:
        """Raises `SnapshotNotFound` before the first fit."""
        if self._newest is not None and monotonic() - self._looked_at < self._seconds:
            return self._newest
        asked_at = monotonic()
        async with self._looking:
            failed_at, outage = self._outage
            if outage is not None and failed_at >= asked_at:
                raise outage.with_traceback(None)
            if self._newest is None or monotonic() - self._looked_at >= self._seconds:
                self._newest = await self._look_now()
        return self._newest

    def fresh(self) -> Newest | None:
        """The newest as far as it is known without a look; looks ahead, so that busy readers need not wait for one."""
        age = monotonic() - self._looked_at
        if age >= self._seconds:
            return None
        if age > self._seconds / 2 and (self._ahead is None or self._ahead.done()):
            self._ahead = asyncio.create_task(self._look_ahead())
        return self._newest

    async def _look_ahead(self) -> None:
        async with self._looking:
            with suppress(Exception):  # the next look, for which somebody waits, tells what is wrong
                self._newest = await self._look_now()

    async def _look_now(self) -> Newest:
        began = monotonic()  # what is published during the look may be missed by it
        try:
            found = await self._look(self._newest)
        except Exception as error:
            if is_outage(error):  # all who wait for this look are told at once, not after a look each
                self._outage = monotonic(), error
            raise
        self._looked_at = began
        return found

    async def _look(self, known: Newest | None) -> Newest:
        async with self._database.sessions() as session:
            snapshot = await newest_snapshot(session)
            failing = await failing_since(session)
            if known is not None and (known.sequence, known.failing_since) == (snapshot.sequence, failing):
                return known
            names = await board_names(session, snapshot.id)
            files = set(await file_names(session, snapshot.id))
        return Newest(
            id=snapshot.id,
            sequence=snapshot.sequence,
            generated_at=snapshot.created_at,
            failing_since=failing,
            boards=tuple(names),
            styled=tuple(name for name in names if f"{BOARDS}{name}{STYLE}{JSON}" in files),
            robust=tuple(name for name in names if f"{ROBUSTNESS}{name}{JSON}" in files),
        )

    async def made_at(self, snapshot_id: str) -> datetime:
        """When a snapshot was computed; raises `SnapshotNotFound`."""
        if (made := self._made_at.get(snapshot_id)) is None:
            async with self._database.sessions() as session:
                made = (await find_snapshot(session, snapshot_id)).created_at
            self._made_at[snapshot_id] = made
            while len(self._made_at) > REMEMBERED_DATES:
                self._made_at.popitem(last=False)
        return made

    async def compressed(self, name: str, snapshot_id: str | None = None) -> bytes:
        """A file's gzip bytes; raises `SnapshotNotFound` or `LeaderboardNotFound`."""
        key = snapshot_id or (await self.newest()).id, name
        if (body := self._files.get(key)) is None:
            async with self._database.sessions() as session:
                body = await read_compressed(session, name, key[0])
            self._files.keep(key, body)
        return body

    async def parsed(self, name: str, parse: Callable[[bytes], Any], snapshot_id: str | None = None) -> Any:
        """What a page makes of a file, made once."""
        key = snapshot_id or (await self.newest()).id, name
        known = self._parsed[parse.__qualname__]
        if key not in known:
            body = await self.compressed(name, key[0])
            # The pairs of two hundred models take a tenth of a second.
            self._remember(parse, key, await asyncio.to_thread(lambda: parse(gzip.decompress(body))))
        known.move_to_end(key)
        return known[key]

    async def parsed_if_there(
        self, name: str, parse: Callable[[bytes], Any], snapshot_id: str | None = None
    ) -> Any:
        """The same, or None where the snapshot has no such file; that is remembered, too."""
        snapshot_id = snapshot_id or (await self.newest()).id
        try:
            return await self.parsed(name, parse, snapshot_id)
        except LeaderboardNotFound:
            self._remember(parse, (snapshot_id, name), None)
            return None

    def _remember(self, parse: Callable[[bytes], Any], key: tuple[str, str], content: Any) -> None:
        known = self._parsed[parse.__qualname__]
        known[key] = content
        # A page may show every board twice, with and without style control, and an older snapshot beside the newest.
        boards = len(self._newest.boards) if self._newest else 0
        while len(known) > max(REMEMBERED_CONTENTS, 4 * boards):
            known.popitem(last=False)
