"""What the pages about boards ask for: every board of the newest snapshot, and since when it is stale."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends

from arena.errors import SnapshotNotFound
from arena.web.boards import BoardPage, newest_boards
from arena.web.deps import Snapshots


async def _boards(snapshots: Snapshots) -> list[BoardPage]:
    return await newest_boards(snapshots)


async def _stale_since(snapshots: Snapshots) -> datetime | None:
    try:
        return (await snapshots.newest()).failing_since
    except SnapshotNotFound:
        return None


Boards = Annotated[list[BoardPage], Depends(_boards)]
StaleSince = Annotated[datetime | None, Depends(_stale_since)]  # since when a newer one cannot be computed
