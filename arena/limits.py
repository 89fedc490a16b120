"""Rate limits kept in Postgres, so that every web process sees the same bucket."""

from dataclasses import dataclass
from math import ceil

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from arena.errors import RateLimited
from arena.settings import Settings
from arena.voters import Visitor


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many prompts an hour for one key, all at once or spread."""

    key: str
    per_hour: int


# One statement: refill by the time that passed and take one, or return no row when there is none to take.
REFILLED = (
    "LEAST(:per_hour, bucket.tokens + :per_hour"
    " * extract(epoch FROM clock_timestamp() - bucket.updated_at) / 3600)"
)
TAKE = text(
    f"""
    INSERT INTO rate_bucket AS bucket (key, tokens) VALUES (:key, CAST(:per_hour AS float) - 1)
    ON CONFLICT (key) DO UPDATE SET tokens = {REFILLED} - 1, updated_at = clock_timestamp()
    WHERE {REFILLED} >= 1
    RETURNING tokens
    """
)


def limits_of(visitor: Visitor, settings: Settings) -> tuple[Limit, ...]:
    """A voter's own limit and that of the place they come from; in one order, so that locks never cross."""
    if visitor.unlimited:
        return ()
    return (
        Limit(key=f"address:{visitor.address_hash}", per_hour=settings.address_battles_per_hour),
        Limit(key=f"voter:{visitor.voter_id.hex}", per_hour=settings.battles_per_hour),
    )


async def take(session: AsyncSession, limits: tuple[Limit, ...]) -> None:
    """Take one token of each bucket, or raise `RateLimited` with the seconds to wait."""
    for limit in limits:
        left = await session.scalar(TAKE, {"key": limit.key, "per_hour": limit.per_hour})
        if left is None:
            wait = ceil(3600 / limit.per_hour)
            raise RateLimited(
                f"Too many prompts in a short time. Try again in {wait} s.", retry_after_seconds=wait
            )


async def sweep(session: AsyncSession) -> None:
    """Forget buckets that are full again."""
    await session.execute(
        text("DELETE FROM rate_bucket WHERE updated_at < clock_timestamp() - interval '1 hour'")
    )
