"""Running answers as they are saved now and then, so that other processes can follow them and a crash loses little."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from arena.tables import Side

CHECKPOINT_RESPONSES = text(
    """
    UPDATE response SET text = live.text, released_characters = live.released
    FROM unnest(CAST(:turns AS bigint[]), CAST(:sides AS text[]), CAST(:texts AS text[]), CAST(:released AS bigint[]))
        AS live(turn_id, side, text, released)
    WHERE response.turn_id = live.turn_id AND response.side = live.side AND response.state = 'answering'
    """
)
CHECKPOINT_TURNS = text(
    """
    UPDATE turn SET heartbeat_at = clock_timestamp()
    FROM (SELECT DISTINCT * FROM unnest(CAST(:turns AS bigint[]), CAST(:attempts AS bigint[]))) AS live(id, attempt)
    WHERE turn.id = live.id AND turn.tries = live.attempt AND turn.state = 'answering'
    RETURNING turn.id, turn.stop_requested_at IS NOT NULL
    """
)


@dataclass(frozen=True, kw_only=True)
class RunningText:
    """One side of a running turn as it is saved now and then."""

    turn_id: int
    attempt: int
    side: Side
    text: str
    released: int


async def checkpoint(session: AsyncSession, texts: Sequence[RunningText]) -> dict[int, bool]:
    """Save all running answers of this process in two statements.

    Returns the turns that still run, and whether each was asked to stop; a turn that is not among them was
    declared over, or its voter erased it.
    """
    # Turns before responses, as in `finish_turn`: two transactions that lock in one order cannot deadlock.
    values = {"turns": [each.turn_id for each in texts], "attempts": [each.attempt for each in texts]}
    running = {turn: stop for turn, stop in await session.execute(CHECKPOINT_TURNS, values)}
    saved = [each for each in texts if each.turn_id in running]
    if saved:
        await session.execute(
            CHECKPOINT_RESPONSES,
            {
                "turns": [each.turn_id for each in saved],
                "sides": [each.side for each in saved],
                "texts": [each.text for each in saved],
                "released": [each.released for each in saved],
            },
        )
    return running
