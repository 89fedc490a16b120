"""What both the JSON routes and the forms do: one transaction around the domain, then the runner."""

import asyncio
from collections.abc import Sequence
from random import Random
from time import monotonic
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from arena.battles import TurnJob, add_turn, is_running, request_stop, retry_turn, skip_battle, start_battle
from arena.catalog import battle_models
from arena.errors import StillAnswering
from arena.limits import limits_of, take
from arena.metrics import BATTLES, VOTES
from arena.tables import Winner
from arena.turns import STOP_PATIENCE_SECONDS
from arena.voters import COOKIE, COOKIE_SECONDS, Visitor
from arena.votes import CastVote, Reason, cast_vote
from arena.web.deps import CurrentDatabase, CurrentPool, CurrentRunner, CurrentSettings, CurrentSigner


class Actions:
    """The verbs of a voter, each committed before it returns."""

    def __init__(
        self,
        request: Request,
        settings: CurrentSettings,
        database: CurrentDatabase,
        pool: CurrentPool,
        runner: CurrentRunner,
        signer: CurrentSigner,
    ) -> None:
        self._random: Random = request.state.random
        self._settings, self._database, self._pool = settings, database, pool
        self._runner, self._signer = runner, signer

    async def start(self, visitor: Visitor, prompt: str, publish: bool | None) -> str:
        """Start a battle and its first turn; returns the battle's id."""
        async with self._database.sessions.begin() as session:
            await take(session, limits_of(visitor, self._settings))
            available = self._pool.available_models()
            models = [model for model in await battle_models(session) if model.name in available]
            job = await start_battle(
                session,
                visitor,
                prompt,
                publish=self._settings.publish_default if publish is None else publish,
                models=models,
                settings=self._settings,
                random=self._random,
            )
        BATTLES.inc()
        return self._run(job)

    async def add_turn(self, battle_id: str, visitor: Visitor, prompt: str) -> str:
        async with self._database.sessions.begin() as session:
            await take(session, limits_of(visitor, self._settings))
            job = await add_turn(session, battle_id, visitor.voter_id, prompt, self._settings)
        return self._run(job)

    async def retry(self, battle_id: str, visitor: Visitor) -> str:
        """Ask the missing sides once more; it costs model time, so it counts as a prompt."""
        async with self._database.sessions.begin() as session:
            await take(session, limits_of(visitor, self._settings))
            job = await retry_turn(session, battle_id, visitor.voter_id)
        return self._run(job)

    def _run(self, job: TurnJob) -> str:
        self._runner.start(job)
        return job.battle_id

    async def stop(self, battle_id: str, voter_id: UUID) -> None:
        """Stop both sides and wait until that is stored, here or in another process, so that a vote may follow."""
        async with self._database.sessions.begin() as session:
            running = await request_stop(session, battle_id, voter_id)
        await self._runner.stop(battle_id)
        deadline = monotonic() + STOP_PATIENCE_SECONDS
        while running and monotonic() < deadline:
            async with self._database.sessions() as session:
                running = await is_running(session, battle_id)
            if running:
                await asyncio.sleep(0.1)

    async def skip(self, battle_id: str, voter_id: UUID) -> None:
        await self.stop(battle_id, voter_id)
        async with self._database.sessions.begin() as session:
            await skip_battle(session, battle_id, voter_id)

    async def vote(
        self, battle_id: str, voter_id: UUID, winner: Winner, reasons: Sequence[Reason]
    ) -> CastVote:
        """Cast the vote; a later turn that still runs is stopped and stored before it."""
        cast = await self._cast(battle_id, voter_id, winner, reasons)
        if cast is None:
            await self.stop(battle_id, voter_id)
            cast = await self._cast(battle_id, voter_id, winner, reasons)
        if cast is None:
            raise StillAnswering
        VOTES.labels(reason=cast.reason or "counted").inc()
        return cast

    async def _cast(
        self, battle_id: str, voter_id: UUID, winner: Winner, reasons: Sequence[Reason]
    ) -> CastVote | None:
        async with self._database.statement() as connection:
            return await cast_vote(
                connection,
                self._signer,
                battle_id=battle_id,
                voter_id=voter_id,
                winner=winner,
                reasons=reasons,
            )

    def set_cookie(self, response: Response, visitor: Visitor, *, secure: bool) -> None:
        """Name the voter to their browser, for as long as browsers keep cookies."""
        response.set_cookie(
            COOKIE,
            self._signer.cookie(visitor.voter_id),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=secure,
        )


Act = Annotated[Actions, Depends()]
