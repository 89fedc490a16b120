"""Days and what the boards said on them, remembered: a day that is over does not change."""

import asyncio
from collections.abc import Callable, Sequence

from arena.db import Database
from arena.history import Day, read_days
from arena.snapshots import read_of_snapshots
from arena.web.remembered_bytes import RememberedBytes
from arena.web.snapshot_reader import Newest

REMEMBERED_BYTES = 64 * 2**20
READ_AT_ONCE = 50


class DayReader:
    """Reads the days with a snapshot, and keeps what was made of their files."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: tuple[Newest | None, tuple[Day, ...]] = (None, ())
        self._made = RememberedBytes(REMEMBERED_BYTES)

    async def days(self, newest: Newest) -> tuple[Day, ...]:
        """The days with a snapshot, oldest first, as they are while this snapshot is the newest."""
        if self._days[0] is not newest:
            async with self._database.sessions() as session:
                self._days = newest, await read_days(session)
        return self._days[1]

    async def of_days(
        self, name: str, make: Callable[[bytes], bytes], days: Sequence[Day]
    ) -> list[tuple[Day, bytes]]:
        """What was made of the file of this name on each of the days that have one; nothing made is left out."""
        kind = f"{make.__qualname__} {name}"
        made = {day.snapshot: self._made.get((kind, day.snapshot)) for day in days}
        missing = [snapshot_id for snapshot_id, each in made.items() if each is None]
        for start in range(0, len(missing), READ_AT_ONCE):
            part = missing[start : start + READ_AT_ONCE]
            async with self._database.sessions() as session:
                files = await read_of_snapshots(session, name, part)
            made |= await asyncio.to_thread(_make, make, part, files)
            for snapshot_id in part:
                self._made.keep((kind, snapshot_id), made[snapshot_id] or b"")
        return [(day, each) for day in days if (each := made[day.snapshot])]


def _make(
    make: Callable[[bytes], bytes], snapshot_ids: Sequence[str], files: dict[str, bytes]
) -> dict[str, bytes]:
    """Of a snapshot without the file nothing is made, which is worth knowing too."""
    return {
        snapshot_id: make(files[snapshot_id]) if snapshot_id in files else b"" for snapshot_id in snapshot_ids
    }
