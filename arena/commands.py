"""What the commands share: the terminal, the database, and computing the leaderboards now.

What takes long to load is imported where it is used, as in `cli.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from arena.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from arena.db import Database
    from arena.taggers import Tagger
    from arena.tagging import OperatorRule


class FitElsewhere(ValueError):
    """Another process is computing the leaderboards, and sees what was written meanwhile at its next look."""


console = Console()
Result = TypeVar("Result")


def counted(number: int, noun: str) -> str:
    """A number and what it counts, in the singular for one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def with_database(work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Find the database, bring its schema up to date, and do one piece of work with it."""
    from arena.db import Database, database_of, upgrade
    from arena.logs import configure_logs

    settings = Settings()
    configure_logs(settings)

    async def run(url: str) -> Result:
        database = Database(url, pool_size=2)
        try:
            return await work(database)
        finally:
            await database.close()

    with database_of(settings) as location:
        upgrade(location.url)
        return asyncio.run(run(location.url))


def in_transaction(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """One transaction around a domain function."""

    async def run(database: Database) -> Result:
        async with database.sessions.begin() as session:
            return await work(session)

    return with_database(run)


@asynccontextmanager
async def tagger_for(
    database: Database, settings: Settings, rules: Sequence[OperatorRule]
) -> AsyncIterator[Tagger]:
    """What tags battles, as the settings say; what talks to model servers is loaded only where a model does it."""
    from arena.taggers import RuleTagger, tagger_of

    if not settings.tagger_model:
        yield RuleTagger(rules)
        return
    from arena import jobs

    async with jobs.pool_of(database, settings) as pool:
        yield tagger_of(settings, pool, rules)


async def fit_all(database: Database) -> str | None:
    """Compute all leaderboards, with the operator's categories, unless another process does so right now."""
    from arena import snapshots
    from arena.operator_categories import read_operator_categories

    settings = Settings()
    operators = read_operator_categories(settings.categories_file)
    async with database.locked("fit") as ours, tagger_for(database, settings, operators.rules) as tagger:
        if not ours:
            raise FitElsewhere(
                "Another process is computing the leaderboards right now. Look again in a moment."
            )
        return await snapshots.fit(database, operators, tagger)


async def fit_what_is_new(database: Database) -> None:
    """Compute all leaderboards after votes came in; a process that is at it already takes them with its next look."""
    try:
        await fit_all(database)
    except FitElsewhere:
        console.print("The arena computes the leaderboards itself in a moment.")
