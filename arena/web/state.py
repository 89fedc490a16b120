"""What a running process shares between requests, made once by the lifespan."""

from random import Random
from typing import Any, TypedDict

from arena.activity import ModelActivity
from arena.db import Database
from arena.gateway.pool import Pool
from arena.settings import Settings
from arena.topic_boards import TopicBoards
from arena.turns import Runner
from arena.voters import Signer
from arena.web.board_history import BoardHistory
from arena.web.change_reader import ChangeReader
from arena.web.day_reader import DayReader
from arena.web.feed_held import HeldFiles
from arena.web.feed_made import MadeFiles
from arena.web.snapshot_reader import SnapshotReader


class State(TypedDict):
    """Read from `request.state`; nothing of it is a module global."""

    settings: Settings
    database: Database
    pool: Pool
    runner: Runner
    signer: Signer
    snapshots: SnapshotReader
    history: BoardHistory
    activity: ModelActivity
    policy: dict[str, Any]
    held_files: HeldFiles
    made_files: MadeFiles
    days: DayReader
    changes: ChangeReader
    topics: TopicBoards
    random: Random
