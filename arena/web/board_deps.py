"""What the pages about boards ask for: every board of the newest snapshot."""

from typing import Annotated

from fastapi import Depends

from arena.web.boards import BoardPage, newest_boards
from arena.web.deps import Snapshots


async def _boards(snapshots: Snapshots) -> list[BoardPage]:
    return await newest_boards(snapshots)


Boards = Annotated[list[BoardPage], Depends(_boards)]
