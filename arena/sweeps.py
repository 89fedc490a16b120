"""Battles that nobody finishes: turns whose process died, and failed battles left alone."""

from datetime import UTC, datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from arena.battles import judge_identity
from arena.tables import Battle, Turn


async def database_is_up_since(session: AsyncSession, seconds: float) -> bool:
    """Whether the database has been there for so long without a break."""
    up = func.clock_timestamp() - func.pg_postmaster_start_time()
    return bool(await session.scalar(select(func.extract("epoch", up) >= seconds)))


async def declare_interrupted(session: AsyncSession, older_than_seconds: float) -> int:
    """Find turns whose process died, and say so; returns how many."""
    cutoff = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, older_than_seconds)
    silent = (
        select(Turn.id, Turn.battle_id)
        .join(Battle)
        .where(Turn.state == "answering", Turn.heartbeat_at < cutoff)
    )
    # Battles first, as in `finish_turn`, and not those that are just being finished after all.
    found = (await session.execute(silent.with_for_update(of=Battle, skip_locked=True))).all()
    for turn_id, battle_id in found:
        await _interrupt(session, turn_id, battle_id)
    return len(found)


async def _interrupt(session: AsyncSession, turn_id: int, battle_id: str) -> None:
    """End a turn where its voter saw it end, both sides alike."""
    battle = await session.get_one(Battle, battle_id)
    turn = await session.get_one(Turn, turn_id, options=[selectinload(Turn.responses)])
    for response in turn.responses:
        if response.state == "answering":
            response.state, response.text = "interrupted", response.text[: response.released_characters]
    turn.state, turn.finished_at = "interrupted", datetime.now(UTC)
    await judge_identity(session, battle, turn)
    if battle.state == "answering":
        battle.state, battle.updated_at = "interrupted", datetime.now(UTC)


async def expire_failed(session: AsyncSession, older_than_minutes: float) -> int:
    """A failed battle that nobody came back to is void; returns how many."""
    cutoff = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, older_than_minutes * 60)
    # As in `_spoiled` of the battles.
    kept = Battle.not_counted_reason != "private_test"
    reason = case((kept, Battle.not_counted_reason), else_="void")
    stale = update(Battle).where(Battle.state == "failed", Battle.updated_at < cutoff)
    stale = stale.values(state="void", void_reason="side_failed", not_counted_reason=reason).returning(
        Battle.id
    )
    return len((await session.execute(stale)).all())
