"""Find the turn a reader wants to follow: in this process, in another one, or finished and stored."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import selectinload

from arena.battles import load_battle
from arena.db import Database, is_outage
from arena.errors import RateLimited
from arena.logs import get_log
from arena.settings import Settings
from arena.streams import Checkpoint, LiveTurn, Position, Release
from arena.tables import SIDES, Battle, Turn
from arena.turns import Runner

log = get_log("arena.following")
READERS_MAX = 4
RETRY_SECONDS = 5


class Readers:
    """How many follow each battle in this process; everyone of them has its text rendered anew."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @contextmanager
    def one_more(self, battle_id: str) -> Iterator[None]:
        """A place for one reader of a battle; raises `RateLimited` when all are taken."""
        if self._counts[battle_id] >= READERS_MAX:
            raise RateLimited(
                f"This battle is being followed in {READERS_MAX} places already. Close one and reload.",
                retry_after_seconds=RETRY_SECONDS,
            )
        self._counts[battle_id] += 1
        try:
            yield
        finally:
            self._counts[battle_id] -= 1
            if not self._counts[battle_id]:
                del self._counts[battle_id]


@dataclass(frozen=True, kw_only=True)
class Following:
    """A turn, the place to start from, and what keeps it moving when it runs in another process."""

    turn: LiveTurn
    start: Position
    feed: Callable[[], Awaitable[None]] | None = None

    @property
    def has_all(self) -> bool:
        """Whether the reader has everything already."""
        sides = self.turn.sides.items()
        return self.turn.through and all(self.start.of(side) >= len(text.text) for side, text in sides)


async def follow_newest_turn(
    database: Database,
    runner: Runner,
    settings: Settings,
    battle_id: str,
    voter_id: UUID,
    last_event_id: str | None,
) -> Following:
    """The newest turn of a voter's battle as a stream; raises `BattleNotFound`.

    The database session is closed before the stream begins: no connection waits for a model.
    """
    async with database.readings() as session:
        battle = await load_battle(session, battle_id, voter_id)
    stored = battle.turns[-1]
    start = Position.parse(last_event_id, turn=stored.index, attempt=stored.tries)
    if live := runner.live(battle_id):
        return Following(turn=live, start=start)
    every = settings.checkpoint_seconds
    release = Release(policy="raw", interval_seconds=every, characters=1)
    turn = LiveTurn(battle_id, stored.index, release, stored.tries)
    turn.mirror(_checkpoint(battle, stored))
    feed = (lambda: _feed(turn, database, stored.id, every)) if turn.state is None else None
    return Following(turn=turn, start=start, feed=feed)


async def _feed(turn: LiveTurn, database: Database, turn_id: int, every_seconds: float) -> None:
    """Follow the checkpoints of the process that runs the turn, through an outage of the database too.

    A turn that is gone, erased by its voter, and one that cannot be read end here: no reader waits for ever.
    """
    while turn.state is None:
        await asyncio.sleep(every_seconds)
        try:
            turn.mirror(await _read(database, turn_id))
        except Exception as error:
            if not is_outage(error):
                if not isinstance(error, NoResultFound):
                    log.exception("following_broke", battle=turn.battle_id)
                turn.mirror(_cut_short(turn))


def _cut_short(turn: LiveTurn) -> Checkpoint:
    """The end of a turn that nobody can tell us more about: it ends with what its readers have."""
    return Checkpoint(
        state="interrupted",
        texts={side: turn.released_text(side) for side in SIDES},
        released={side: turn.sides[side].released for side in SIDES},
        failed=frozenset(side for side in SIDES if turn.sides[side].failed),
    )


async def _read(database: Database, turn_id: int) -> Checkpoint:
    async with database.readings() as session:
        query = select(Battle, Turn).join(Turn, Turn.battle_id == Battle.id).where(Turn.id == turn_id)
        battle, turn = (await session.execute(query.options(selectinload(Turn.responses)))).one()
        return _checkpoint(battle, turn)


def _checkpoint(battle: Battle, turn: Turn) -> Checkpoint:
    by_side = {response.side: response for response in turn.responses}
    return Checkpoint(
        state=None if turn.state == "answering" else battle.state,
        texts={side: by_side[side].text for side in SIDES},
        released={side: by_side[side].released_characters for side in SIDES},
        failed=frozenset(side for side in SIDES if by_side[side].state == "failed"),
    )
