"""What changed from one day to the next, worked out once for every two days."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date
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
        # By day: a new snapshot of today takes the place of the one before.
        self._found: OrderedDict[date, dict[str, Any]] = OrderedDict()

    async def of_days(self, days: Sequence[Day], known: Sequence[Day]) -> list[dict[str, Any]]:
        """What changed on each of these days since the one before, newest first, where anything did."""
        before = dict(zip(known[1:], known, strict=False))
        pairs = [(before[day], day) for day in days if day in before]
        found = {pair: told for pair in pairs if (told := self._known(pair))}
        missing = [pair for pair in pairs if pair not in found]
        for start in range(0, len(missing), READ_AT_ONCE):
            found |= await self._compare(missing[start : start + READ_AT_ONCE])
        self._found |= {after.date: found[before, after] for before, after in missing}
        while len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
        return [each for pair in reversed(pairs) if has_changes(each := found[pair])]

    def _known(self, pair: tuple[Day, Day]) -> dict[str, Any] | None:
        known = self._found.get(pair[1].date)
        compared = (known["snapshot_before"], known["snapshot"]) if known else None
        return known if compared == (pair[0].snapshot, pair[1].snapshot) else None

    async def _compare(self, pairs: Sequence[tuple[Day, Day]]) -> dict[tuple[Day, Day], dict[str, Any]]:
        involved = {day.snapshot: day for pair in pairs for day in pair}
        async with self._database.sessions() as session:
            said = await read_said(session, list(involved.values()))
        return {pair: await asyncio.to_thread(_told, *pair, said) for pair in pairs}


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
