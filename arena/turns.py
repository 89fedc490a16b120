"""Running turns as tasks of the application, not of a request: closing the tab loses nothing.

One `Runner` a process. Both sides of a turn start at the same moment; their text goes to the turn's stream;
one loop saves the running answers of the whole process; the end is stored in a transaction of its own,
shielded from whoever went away meanwhile.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass, replace
from time import monotonic
from typing import Literal

from arena.battles import SideOutcome, TurnJob, finish_turn
from arena.checkpoints import RunningText, checkpoint
from arena.db import Database, is_outage
from arena.gateway.errors import GatewayError
from arena.gateway.openai_chat import ChatRequest, Delta, Finished
from arena.gateway.pool import Pool
from arena.logs import get_log
from arena.metrics import ANSWER_SECONDS, FIRST_TOKEN_SECONDS, RESPONSES, TURNS_RUNNING
from arena.settings import Settings
from arena.streams import LiveTurn, Release
from arena.tables import Side

log = get_log("arena.turns")

# Long enough for a database restart; an answer that nobody could store by then is found by the sweep.
SAVE_PATIENCE_SECONDS = 60
STOP_PATIENCE_SECONDS = 5
Ending = Literal["stopped", "interrupted"]


@dataclass
class RunningTurn:
    """A job with its stream and its task; `ending` says why it was cut short, if it was."""

    job: TurnJob
    live: LiveTurn
    task: "asyncio.Task[None] | None" = None
    sides: "tuple[asyncio.Task[SideOutcome], ...]" = ()
    ending: Ending | None = None

    def cut(self, ending: Ending) -> None:
        """Stop both sides at once; the upstream connections close with their tasks."""
        self.ending = self.ending or ending
        for side in self.sides:
            side.cancel()


class Runner:
    """The turns that run in this process."""

    def __init__(self, database: Database, pool: Pool, settings: Settings) -> None:
        self._database = database
        self._pool = pool
        self._settings = settings
        self._running: dict[str, RunningTurn] = {}
        self._saver: asyncio.Task[None] | None = None
        self._clocks: set[asyncio.Task[None]] = set()

    def start(self, job: TurnJob) -> None:
        """Ask both models now; the battle is committed already, so nothing here may refuse."""
        running = RunningTurn(job, self._live_turn(job))
        self._running[job.battle_id] = running
        running.task = asyncio.create_task(self._run(running), name=f"turn {job.battle_id}")
        if self._saver is None or self._saver.done():
            # Saves for all battles, so its log lines must not carry the request that happened to start it.
            self._saver = asyncio.create_task(self._save_running(), context=Context())

    def _live_turn(self, job: TurnJob) -> LiveTurn:
        settings = self._settings
        release = Release(
            policy=job.release_policy,  # type: ignore[arg-type]  # a text column that holds the setting's value
            interval_seconds=settings.release_interval_milliseconds / 1000,
            characters=settings.release_characters,
        )
        live = LiveTurn(job.battle_id, job.index, release, job.attempt)
        for side, text in job.answered.items():
            live.sides[side].text, live.sides[side].released = text, len(text)
            live.sides[side].ended = True
        return live

    def live(self, battle_id: str) -> LiveTurn | None:
        """The stream of a battle's turn if it runs in this process."""
        running = self._running.get(battle_id)
        return running.live if running else None

    async def stop(self, battle_id: str) -> None:
        """Stop both sides if the turn runs here, and wait until that is stored.

        Another process learns of the stop at its next checkpoint.
        """
        if running := self._running.get(battle_id):
            running.cut("stopped")
            if running.task:
                await asyncio.wait([running.task], timeout=STOP_PATIENCE_SECONDS)

    async def _run(self, running: RunningTurn) -> None:
        """Play the turn to its end; whatever happens, no reader waits for ever and no heartbeat goes on."""
        job, live = running.job, running.live
        if live.release.policy != "raw":
            self._keep(asyncio.create_task(live.run_clock()))
        try:
            with TURNS_RUNNING.track_inprogress():
                outcomes = await self._answers(running)
                state = await self._finish(job, outcomes)
            for side, outcome in outcomes.items():
                live.sides[side].text = outcome.text
            live.finish(state)
        finally:
            if live.state is None:
                live.finish("interrupted")
            if self._running.get(job.battle_id) is running:
                del self._running[job.battle_id]

    async def _answers(self, running: RunningTurn) -> dict[Side, SideOutcome]:
        """Ask both sides at the same moment and wait for both."""
        job, live = running.job, running.live
        running.sides = tuple(
            asyncio.create_task(self._answer(running, side, model, request))
            for side, (model, request) in job.requests.items()
        )
        outcomes = dict(zip(job.requests, await asyncio.gather(*running.sides), strict=True))
        if running.ending is None:
            return outcomes
        return {
            side: _as_seen(outcome, live.sides[side].released, running.ending)
            for side, outcome in outcomes.items()
        }

    def _keep(self, clock: "asyncio.Task[None]") -> None:
        self._clocks.add(clock)
        clock.add_done_callback(self._clocks.discard)

    async def _answer(
        self, running: RunningTurn, side: Side, model: str, request: ChatRequest
    ) -> SideOutcome:
        """Read one side to its end; every way it can end becomes an outcome, none an exception."""
        started = monotonic()
        first: float | None = None
        finished: Finished | None = None
        state, failure = "answered", None
        try:
            async with aclosing(self._pool.chat(model, request)) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        first = first or monotonic()
                        running.live.write(side, storable(event.text))
                    else:
                        finished = event
            if not running.live.sides[side].text:
                state, failure = "failed", "EmptyAnswer"
        except GatewayError as error:
            state, failure = "failed", type(error).__name__
            log.warning("answer_failed", model=model, error=failure, cause=error.cause_text)
        except asyncio.CancelledError:
            state = running.ending or "interrupted"
        except Exception as error:
            state, failure = "failed", type(error).__name__
            log.exception("answer_broke", model=model)
        running.live.end(side, failed=state == "failed")
        return _outcome(running.live.sides[side].text, state, failure, finished, started, first)

    async def _finish(self, job: TurnJob, outcomes: Mapping[Side, SideOutcome]) -> str:
        """Store the end of the turn, waiting for a database that is away; returns the battle's state."""
        _count(outcomes)
        deadline = monotonic() + SAVE_PATIENCE_SECONDS
        while True:
            try:
                async with self._database.sessions.begin() as session:
                    state = await finish_turn(session, job, outcomes)
                return state or "interrupted"
            except Exception as error:
                if not is_outage(error) or monotonic() > deadline:
                    log.exception("turn_not_saved", battle=job.battle_id)
                    return "interrupted"
                log.warning("turn_save_waits", battle=job.battle_id)
                await asyncio.sleep(0.5)

    async def _save_running(self) -> None:
        """Save the running answers of the whole process at once, as long as there are any."""
        while self._running:
            await asyncio.sleep(self._settings.checkpoint_seconds)
            try:
                await self._save_once()
            except Exception as error:
                if not is_outage(error):
                    log.exception("checkpoint_failed")
                else:
                    log.warning("checkpoint_waits")

    async def _save_once(self) -> None:
        turns = {running.job.turn_id: running for running in self._running.values()}
        texts = [
            RunningText(
                turn_id=turn_id,
                attempt=running.job.attempt,
                side=side,
                text=running.live.sides[side].text,
                released=running.live.sides[side].released,
            )
            for turn_id, running in turns.items()
            for side in running.job.requests
        ]
        if not texts:
            return
        async with self._database.sessions.begin() as session:
            still = await checkpoint(session, texts)
        for turn_id, running in turns.items():
            if turn_id not in still:
                running.cut("interrupted")  # declared over, or erased by its voter: nobody wants the rest
            elif still[turn_id]:
                running.cut("stopped")

    async def drain(self, seconds: float) -> None:
        """Let running turns finish for so long; what still runs then is stored as interrupted, and so said."""
        tasks = [running.task for running in self._running.values() if running.task]
        if tasks:
            log.info("waiting_for_answers", turns=len(tasks), seconds=seconds)
            await asyncio.wait(tasks, timeout=seconds)
        late = list(self._running.values())
        for running in late:
            running.cut("interrupted")
        if late:
            await asyncio.wait([running.task for running in late if running.task], timeout=10)
        helpers = [*self._clocks, *([self._saver] if self._saver else [])]
        for task in helpers:
            task.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


def storable(text: str) -> str:
    """Text that Postgres and UTF-8 can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _as_seen(outcome: SideOutcome, released: int, ending: Ending) -> SideOutcome:
    """An answer cut short ends where the voter saw it end: what a faster model had written more tells it apart."""
    if outcome.state == "failed":
        return outcome
    return replace(outcome, state=ending, text=outcome.text[:released])


def _outcome(
    text: str, state: str, failure: str | None, finished: Finished | None, started: float, first: float | None
) -> SideOutcome:
    return SideOutcome(
        state=state,  # type: ignore[arg-type]  # one of the states above
        text=text,
        finish_reason=finished.finish_reason if finished else None,
        failure=failure,
        endpoint_id=finished.endpoint_id if finished else None,
        attempts=finished.attempts if finished else None,
        prompt_tokens=finished.prompt_tokens if finished else None,
        completion_tokens=finished.completion_tokens if finished else None,
        first_token_milliseconds=(first - started) * 1000 if first else None,
        total_milliseconds=(monotonic() - started) * 1000,
    )


def _count(outcomes: Mapping[Side, SideOutcome]) -> None:
    for outcome in outcomes.values():
        RESPONSES.labels(state=outcome.state).inc()
        if outcome.first_token_milliseconds is not None:
            FIRST_TOKEN_SECONDS.observe(outcome.first_token_milliseconds / 1000)
        if outcome.total_milliseconds is not None:
            ANSWER_SECONDS.observe(outcome.total_milliseconds / 1000)
