"""The newest snapshot and its files, remembered: what a snapshot says never changes, only which one is the newest."""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from arena.db import Database
from arena.errors import LeaderboardNotFound
from arena.snapshots import board_names, newest_snapshot, read_compressed

REMEMBERED_BYTES = 128 * 2**20
REMEMBERED_CONTENTS = 256


@dataclass(frozen=True, kw_only=True)
class Newest:
    """Which snapshot is the newest, and the boards in it: our own populations first."""

    id: str
    generated_at: datetime
    boards: tuple[str, ...]


class SnapshotReader:
    """Reads files of snapshots; asks the database for the newest at most once in `seconds`."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._newest: Newest | None = None
        self._looked_at = -float("inf")
        self._files: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0
        self._parsed: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._looking = asyncio.Lock()

    async def newest(self) -> Newest:
        """Raises `SnapshotNotFound` before the first fit."""
        if self._newest is not None and monotonic() - self._looked_at < self._seconds:
            return self._newest
        async with self._looking:
            if self._newest is None or monotonic() - self._looked_at >= self._seconds:
                self._newest = await self._look(self._newest)
                self._looked_at = monotonic()
        return self._newest

    async def _look(self, known: Newest | None) -> Newest:
        async with self._database.sessions() as session:
            snapshot = await newest_snapshot(session)
            if known is not None and known.id == snapshot.id:
                return known
            names = await board_names(session, snapshot.id)
        return Newest(id=snapshot.id, generated_at=snapshot.created_at, boards=tuple(names))

    async def compressed(self, name: str, snapshot_id: str | None = None) -> bytes:
        """A file's gzip bytes; raises `SnapshotNotFound` or `LeaderboardNotFound`."""
        key = snapshot_id or (await self.newest()).id, name
        if key in self._files:
            self._files.move_to_end(key)
            return self._files[key]
        async with self._database.sessions() as session:
            body = await read_compressed(session, name, key[0])
        self._files[key] = body
        self._bytes += len(body)
        while self._bytes > REMEMBERED_BYTES:
            self._bytes -= len(self._files.popitem(last=False)[1])
        return body

    async def parsed(self, name: str, parse: Callable[[bytes], Any], snapshot_id: str | None = None) -> Any:
        """What a page makes of a file, made once."""
        key = snapshot_id or (await self.newest()).id, f"{parse.__qualname__} {name}"
        if key not in self._parsed:
            self._remember(key, parse(gzip.decompress(await self.compressed(name, key[0]))))
        return self._parsed[key]

    async def parsed_if_there(
        self, name: str, parse: Callable[[bytes], Any], snapshot_id: str | None = None
    ) -> Any:
        """The same, or None where the snapshot has no such file; that is remembered, too."""
        snapshot_id = snapshot_id or (await self.newest()).id
        try:
            return await self.parsed(name, parse, snapshot_id)
        except LeaderboardNotFound:
            self._remember((snapshot_id, f"{parse.__qualname__} {name}"), None)
            return None

    def _remember(self, key: tuple[str, str], content: Any) -> None:
        self._parsed[key] = content
        while len(self._parsed) > REMEMBERED_CONTENTS:
            self._parsed.popitem(last=False)
