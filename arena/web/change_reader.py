"""What changed from one day to the next, worked out once for every two snapshots."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from arena.changes import Said, changes_between, has_changes, in_words
from arena.db import Database
from arena.history import Day, read_said

REMEMBERED = 2000
READ_AT_ONCE = 10


class ChangeReader:
    """Compares the snapshots of days that follow each other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._found: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    async def of_days(self, days: Sequence[Day], known: Sequence[Day]) -> list[dict[str, Any]]:
        """What changed on each of these days since the one before, newest first, where anything did."""
        before = dict(zip(known[1:], known, strict=False))
        pairs = [(before[day], day) for day in days if day in before]
        missing = [pair for pair in pairs if _key(pair) not in self._found]
        for start in range(0, len(missing), READ_AT_ONCE):
            await self._compare(missing[start : start + READ_AT_ONCE])
        found = [self._found[_key(pair)] for pair in reversed(pairs)]
        while len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
        return [each for each in found if has_changes(each)]

    async def _compare(self, pairs: Sequence[tuple[Day, Day]]) -> None:
        involved = {day.snapshot: day for pair in pairs for day in pair}
        async with self._database.sessions() as session:
            said = await read_said(session, list(involved.values()))
        for pair in pairs:
            self._found[_key(pair)] = await asyncio.to_thread(_told, *pair, said)


def _key(pair: tuple[Day, Day]) -> tuple[str, str]:
    return pair[0].snapshot, pair[1].snapshot


def _told(before: Day, after: Day, said: Mapping[str, Said]) -> dict[str, Any]:
    changes = changes_between(said[before.snapshot], said[after.snapshot])
    titles = {name: board["title"] for name, board in said[after.snapshot].boards.items()}
    return {
        "date": after.date,
        "since": before.date,
        "snapshot": after.snapshot,
        "snapshot_before": before.snapshot,
        "generated_at": after.generated_at,
        **changes,
        "summary": in_words(changes, titles),
    }
