"""Battles that nobody finishes: turns whose process died, and failed battles left alone."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from arena.tables import Battle, Response, Turn


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
    if not found:
        return 0
    turns, battles = zip(*found, strict=True)
    over = {"state": "interrupted", "finished_at": func.clock_timestamp()}
    await session.execute(update(Turn).where(Turn.id.in_(turns), Turn.state == "answering").values(over))
    running = update(Response).where(Response.turn_id.in_(turns), Response.state == "answering")
    await session.execute(running.values(state="interrupted"))
    waiting = update(Battle).where(Battle.id.in_(battles), Battle.state == "answering")
    await session.execute(waiting.values(state="interrupted", updated_at=func.clock_timestamp()))
    return len(found)


async def expire_failed(session: AsyncSession, older_than_minutes: float) -> int:
    """A failed battle that nobody came back to is void; returns how many."""
    cutoff = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, older_than_minutes * 60)
    reason = func.coalesce(Battle.not_counted_reason, "void")
    stale = update(Battle).where(Battle.state == "failed", Battle.updated_at < cutoff)
    stale = stale.values(state="void", void_reason="side_failed", not_counted_reason=reason).returning(
        Battle.id
    )
    return len((await session.execute(stale)).all())
