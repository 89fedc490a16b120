"""A battle as a page, and its forms: ask again, stop, retry, vote, skip."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from arena.battles import load_battle, may_retry
from arena.errors import ArenaError, NotFound, StillAnswering
from arena.populations import POPULATION_OF_REASON
from arena.settings import Settings
from arena.streams import LiveTurn
from arena.tables import SIDES, Battle, BattleState, Side, Turn, TurnState, Winner
from arena.votes import NOT_COUNTED, CastVote, Reason, RevealedModel, as_cast
from arena.web.actions import Act, Actions
from arena.web.battles import turn_view
from arena.web.deps import (
    BattleId,
    CurrentDatabase,
    CurrentRunner,
    CurrentSettings,
    CurrentVisitor,
    Owner,
)
from arena.web.markdown import render_markdown, render_stored
from arena.web.pages_arena import refusal
from arena.web.rendering import render_page
from arena.web.words import BLAME, PRAISE, REASON_WORDS, VERDICTS

router = APIRouter(prefix="/b/{battle_id}")
RENDERED_AT_ONCE = 5_000  # characters; some milliseconds


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One side of a turn; before the vote nothing in it depends on which model answers."""

    side: Side
    letter: str
    state: TurnState
    html: Markup
    language: str | None
    model: RevealedModel | None  # only once voted


@dataclass(frozen=True, kw_only=True)
class TurnSection:
    """One prompt and its two answers."""

    index: int
    prompt: str
    language: str | None
    state: TurnState
    after_reveal: bool
    answers: Sequence[Answer]


@dataclass(frozen=True, kw_only=True)
class Reveal:
    """What the voter is told after the vote."""

    cast: CastVote
    verdict: str
    reasons: Sequence[str]
    not_counted: str | None
    board: str | None  # where the vote is shown, if anywhere


@dataclass(frozen=True, kw_only=True)
class BattlePage:
    """What `battle.html` shows."""

    battle_id: str
    state: BattleState
    turns: Sequence[TurnSection]
    publish: bool
    answering: bool
    can_vote: bool  # a vote would be taken right now
    may_vote: bool  # a vote bar belongs on the page, if only for later
    can_retry: bool
    can_ask: bool
    reveal: Reveal | None
    status: str  # the one line that a screen reader is told
    error: ArenaError | None  # why the last form was refused
    draft: str  # the prompt that was refused with it
    praise: dict[Reason, str]
    blame: dict[Reason, str]


class Battles:
    """Loads a voter's battle for its page, and runs the forms of that page."""

    def __init__(
        self,
        request: Request,
        battle_id: BattleId,
        voter: Owner,
        act: Act,
        database: CurrentDatabase,
        runner: CurrentRunner,
        settings: CurrentSettings,
    ) -> None:
        self.id, self.voter, self.act = battle_id, voter, act
        self._request, self._database, self._runner, self._settings = request, database, runner, settings

    async def page(self, *, error: ArenaError | None = None, draft: str = "") -> Response:
        async with self._database.readings() as session:
            battle = await load_battle(session, self.id, self.voter)
        build = partial(
            battle_page, battle, self._runner.live(self.id), self._settings, error=error, draft=draft
        )
        # Long answers take a while to render: not in the loop that gives everybody else their text.
        page = await asyncio.to_thread(build) if _is_long(battle) else build()
        return render_page(self._request, "battle.html", page, status=error.status if error else 200)

    async def after(self, work: Awaitable[Any], *, anchor: str = "", draft: str = "") -> Response:
        """Do it and show the battle again; a refusal is said on the battle's own page."""
        try:
            await work
        except NotFound:
            raise
        except Exception as error:
            return await self.page(error=refusal(error), draft=draft)
        return RedirectResponse(f"/b/{self.id}{anchor}", 303)


Shown = Annotated[Battles, Depends()]


def _is_long(battle: Battle) -> bool:
    texts = [response.text for turn in battle.turns for response in turn.responses]
    return sum(map(len, texts)) > RENDERED_AT_ONCE


def battle_page(
    battle: Battle,
    live: LiveTurn | None,
    settings: Settings,
    *,
    error: ArenaError | None = None,
    draft: str = "",
) -> BattlePage:
    """Everything the page needs from a loaded battle."""
    reveal = _reveal(battle)
    turns = [_turn(turn, live, reveal) for turn in battle.turns]
    answering = turns[-1].state == "answering"
    is_open = battle.state not in ("voted", "skipped")
    some_text = all(answer.html for answer in turns[-1].answers)
    return BattlePage(
        battle_id=battle.id,
        state=battle.state,
        turns=turns,
        publish=battle.publish,
        answering=answering,
        can_vote=is_open and (battle.answered_turns > 0 or (answering and some_text)),
        may_vote=is_open and (battle.answered_turns > 0 or answering),
        can_retry=_can_retry(battle),
        can_ask=not answering
        and battle.state in ("answered", "voted")
        and turns[-1].state in ("answered", "stopped")
        and len(turns) < settings.turns_max,
        reveal=reveal,
        status=_status(battle.state, answering=answering),
        error=error,
        draft=draft,
        praise=PRAISE,
        blame=BLAME,
    )


def _status(state: BattleState, *, answering: bool) -> str:
    if answering:
        return "Both models are answering."
    return {"answered": "Both answers are ready.", "voted": "Your vote is saved."}.get(state, "")


def _can_retry(battle: Battle) -> bool:
    missing = battle.turns[-1].state in ("failed", "interrupted") or battle.state == "failed"
    return missing and may_retry(battle)


def _reveal(battle: Battle) -> Reveal | None:
    if battle.vote is None:
        return None
    cast = as_cast(battle.vote, battle.model_a, battle.model_b)
    population = POPULATION_OF_REASON.get(cast.reason)
    return Reveal(
        cast=cast,
        verdict=VERDICTS[cast.winner],
        reasons=[REASON_WORDS[reason] for reason in battle.vote.reasons if reason in REASON_WORDS],
        not_counted=NOT_COUNTED[cast.reason] if cast.reason else None,
        board=population.name if population else None,
    )


def _turn(turn: Turn, live: LiveTurn | None, reveal: Reveal | None) -> TurnSection:
    view = turn_view(turn, live)
    render = render_markdown if turn.state == "answering" else render_stored
    languages = {response.side: response.language for response in turn.responses}
    models = {"a": reveal.cast.model_a, "b": reveal.cast.model_b} if reveal else {}
    return TurnSection(
        index=turn.index,
        prompt=turn.prompt,
        language=turn.prompt_language,
        state=turn.state,
        after_reveal=turn.after_reveal,
        answers=[
            Answer(
                side=side,
                letter=side.upper(),
                state=view.responses[side].state,
                html=Markup(render(view.responses[side].text)),
                language=languages[side],
                model=models.get(side),
            )
            for side in SIDES
        ],
    )


@router.get("")
async def battle(shown: Shown) -> Response:
    """A voter's own battle, at any moment of it."""
    return await shown.page()


@router.post("/turns")
async def ask_again(shown: Shown, visitor: CurrentVisitor, prompt: Annotated[str, Form()] = "") -> Response:
    """Another prompt to the same two models."""
    return await shown.after(shown.act.add_turn(shown.id, visitor, prompt), anchor="#newest", draft=prompt)


@router.post("/stop")
async def stop(shown: Shown) -> Response:
    """Stop both sides; what they wrote so far can be voted on."""
    return await shown.after(shown.act.stop(shown.id, shown.voter))


@router.post("/retry")
async def retry(shown: Shown, visitor: CurrentVisitor) -> Response:
    """Ask the side that failed once more."""
    return await shown.after(shown.act.retry(shown.id, visitor), anchor="#newest")


@router.post("/vote")
async def vote(
    shown: Shown,
    winner: Annotated[Winner, Form()],
    reasons: Annotated[list[Reason], Form(default_factory=list)],
) -> Response:
    """Vote; while the first answers still run, that stops them first."""
    return await shown.after(
        _stop_and_vote(shown.act, shown.id, shown.voter, winner, reasons), anchor="#reveal"
    )


async def _stop_and_vote(
    act: Actions, battle_id: str, voter: UUID, winner: Winner, reasons: Sequence[Reason]
) -> None:
    try:
        await act.vote(battle_id, voter, winner, reasons)
    except StillAnswering:
        await act.stop(battle_id, voter)
        await act.vote(battle_id, voter, winner, reasons)


@router.post("/skip")
async def skip(shown: Shown) -> Response:
    """Close the battle without a vote."""
    return await shown.after(shown.act.skip(shown.id, shown.voter))
