"""Battles: start one, add turns, stop, retry, skip, and finish what the models answered.

State of a battle: `answering` → `answered` → `voted`; or `failed` (a side failed, one retry is left), `void`
(it failed again; stated reason), `interrupted` (the process died), `skipped` (closed without a vote).
Functions take a session and never commit: the edge owns the transaction.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from arena.catalog import UNKNOWN_ORGANIZATION
from arena.errors import (
    BattleClosed,
    BattleNotFound,
    NothingToRetry,
    PromptEmpty,
    PromptTooLong,
    PromptUnreadable,
    StillAnswering,
    TooManyTurns,
)
from arena.gateway.openai_chat import ChatRequest, Message
from arena.identity import reveals_identity
from arena.languages import detect_language
from arena.matchmaking import Pair, choose_pair
from arena.settings import Settings
from arena.tables import SIDES, Battle, BattleState, Model, Response, Side, Turn, TurnState
from arena.voters import Visitor, save_voter

TRIES = 2  # a failed side may be tried once more with the same pair; then the battle is void


@dataclass(frozen=True, kw_only=True)
class TurnJob:
    """What has to be asked of which model; plain data, so that it outlives the session that made it."""

    battle_id: str
    turn_id: int
    index: int
    attempt: int
    release_policy: str
    requests: Mapping[Side, tuple[str, ChatRequest]]
    answered: Mapping[Side, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SideOutcome:
    """How one side ended, with the true timings."""

    state: TurnState
    text: str
    finish_reason: str | None = None
    failure: str | None = None
    endpoint_id: str | None = None
    attempts: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_milliseconds: float | None = None
    total_milliseconds: float | None = None


def check_prompt(prompt: str, settings: Settings) -> str:
    """The prompt as it will be stored; raises `PromptEmpty`, `PromptTooLong` or `PromptUnreadable`."""
    prompt = prompt.replace("\r\n", "\n")
    if not prompt.strip():
        raise PromptEmpty
    if len(prompt) > settings.prompt_max_characters:
        most = settings.prompt_max_characters
        raise PromptTooLong(
            f"The prompt has {len(prompt):,} characters; at most {most:,} are accepted. Shorten it and send it again.",
            characters=len(prompt),
            characters_max=most,
        )
    if "\0" in prompt or any("\ud800" <= character <= "\udfff" for character in prompt):
        raise PromptUnreadable
    return prompt


async def start_battle(
    session: AsyncSession,
    visitor: Visitor,
    prompt: str,
    *,
    publish: bool,
    models: Sequence[Model],
    settings: Settings,
    random: Random,
) -> TurnJob:
    """Draw the pair and write the battle with its first turn, before any token is asked for."""
    prompt = check_prompt(prompt, settings)
    kind = await save_voter(session, visitor)
    pair = choose_pair(_models_for(kind, models), random)
    battle = Battle(
        id=secrets.token_urlsafe(16),
        voter_id=visitor.voter_id,
        model_a_id=pair.model_a.id,
        model_b_id=pair.model_b.id,
        propensity=pair.propensity,
        decoding=decoding_of(settings),
        release_policy=settings.release_policy,
        publish=publish,
        not_counted_reason=reason_from_the_start(kind, pair),
    )
    session.add(battle)
    await session.flush()
    return await _add_turn(session, battle, (pair.model_a, pair.model_b), [], prompt)


def decoding_of(settings: Settings) -> dict[str, Any]:
    """The decoding settings of a battle, the same for both sides and stored with it."""
    return {
        "max_tokens": settings.answer_max_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "system_prompt": settings.system_prompt,
    }


def _models_for(voter_kind: str, models: Sequence[Model]) -> Sequence[Model]:
    """Simulated voters meet no private test: their board is public at once, with the names."""
    return [model for model in models if not model.private_test] if voter_kind == "simulated" else models


def reason_from_the_start(voter_kind: str, pair: Pair) -> str | None:
    """Why no vote on this battle will count, as far as the draw decides it."""
    if voter_kind == "simulated":
        return "simulated_voter"
    # Before the demo models, whose board names every model. And kept after the release: only battles that start after
    # it count, so that the best of many tests has no head start.
    if pair.model_a.private_test or pair.model_b.private_test:
        return "private_test"
    return "demo_models" if pair.model_a.demo or pair.model_b.demo else None


def _spoiled(reason_before: str | None, reason: str) -> str:
    """Votes that decide nothing anywhere say so, also among the votes on a private test."""
    return reason if reason_before in (None, "private_test") else reason_before


async def add_turn(
    session: AsyncSession, battle_id: str, voter_id: UUID, prompt: str, settings: Settings
) -> TurnJob:
    """Ask the same pair again; after the reveal too, then as a conversation that no vote can come from."""
    prompt = check_prompt(prompt, settings)
    await lock_battle(session, battle_id, voter_id)
    battle = await load_battle(session, battle_id, voter_id)
    _must_take_turns(battle)
    if len(battle.turns) >= settings.turns_max:
        raise TooManyTurns
    if battle.state != "voted":
        battle.state = "answering"
    battle.updated_at = datetime.now(UTC)
    return await _add_turn(session, battle, (battle.model_a, battle.model_b), battle.turns, prompt)


def _must_take_turns(battle: Battle) -> None:
    if battle.state == "answering" or any(turn.state == "answering" for turn in battle.turns):
        raise StillAnswering
    if battle.state in ("failed", "interrupted"):
        raise BattleClosed(
            "The last answer of this battle is missing. Try it again first, or start a new battle."
        )
    if battle.state in ("void", "skipped"):
        raise BattleClosed


async def _add_turn(
    session: AsyncSession, battle: Battle, models: tuple[Model, Model], earlier: Sequence[Turn], prompt: str
) -> TurnJob:
    turn = Turn(
        battle_id=battle.id,
        index=len(earlier),
        prompt=prompt,
        prompt_language=detect_language(prompt),
        after_reveal=battle.state == "voted",
        responses=[Response(side=side) for side in SIDES],
    )
    session.add(turn)
    await session.flush()
    return _job(battle, models, earlier, turn, sides=SIDES)


def _job(
    battle: Battle, models: tuple[Model, Model], earlier: Sequence[Turn], turn: Turn, *, sides: Sequence[Side]
) -> TurnJob:
    by_side = dict(zip(SIDES, models, strict=True))
    return TurnJob(
        battle_id=battle.id,
        turn_id=turn.id,
        index=turn.index,
        attempt=turn.tries,
        release_policy=battle.release_policy,
        requests={
            side: (by_side[side].name, _request(battle, by_side[side], side, earlier, turn)) for side in sides
        },
        answered={response.side: response.text for response in turn.responses if response.side not in sides},
    )


def _request(battle: Battle, model: Model, side: Side, earlier: Sequence[Turn], turn: Turn) -> ChatRequest:
    """What one side is asked: its own answers so far, never the other side's."""
    decoding = battle.decoding
    messages = (
        [Message(role="system", content=decoding["system_prompt"])] if decoding["system_prompt"] else []
    )
    for before in earlier:
        if before.state in ("answered", "stopped"):
            answer = next(response.text for response in before.responses if response.side == side)
            messages.append(Message(role="user", content=before.prompt))
            messages.append(Message(role="assistant", content=answer))
    messages.append(Message(role="user", content=turn.prompt))
    return ChatRequest(
        messages=tuple(messages),
        max_tokens=decoding["max_tokens"],
        temperature=decoding["temperature"],
        top_p=decoding["top_p"],
        extra=model.extra,
    )


async def lock_battle(session: AsyncSession, battle_id: str, voter_id: UUID) -> None:
    """Take the battle's row for this transaction; raises `BattleNotFound` for another voter's battle too."""
    row = select(Battle.id).where(Battle.id == battle_id, Battle.voter_id == voter_id).with_for_update()
    if await session.scalar(row) is None:
        raise BattleNotFound


async def load_battle(session: AsyncSession, battle_id: str, voter_id: UUID) -> Battle:
    """A voter's own battle with everything in it; raises `BattleNotFound`."""
    query = (
        select(Battle)
        .where(Battle.id == battle_id, Battle.voter_id == voter_id)
        .options(
            selectinload(Battle.turns).selectinload(Turn.responses),
            joinedload(Battle.vote),
            joinedload(Battle.model_a),
            joinedload(Battle.model_b),
        )
    )
    battle = await session.scalar(query)
    if battle is None:
        raise BattleNotFound
    return battle


async def request_stop(session: AsyncSession, battle_id: str, voter_id: UUID) -> bool:
    """Ask whichever process runs the turn to stop both sides; returns whether one is running."""
    await lock_battle(session, battle_id, voter_id)
    running = update(Turn).where(Turn.battle_id == battle_id, Turn.state == "answering")
    stopping = running.values(stop_requested_at=func.clock_timestamp()).returning(Turn.id)
    return (await session.scalar(stopping)) is not None


async def is_running(session: AsyncSession, battle_id: str) -> bool:
    """Whether a turn of the battle is being answered, in whatever process."""
    running = select(Turn.id).where(Turn.battle_id == battle_id, Turn.state == "answering")
    return (await session.scalar(running)) is not None


def may_retry(battle: Battle) -> bool:
    """Whether the last turn may be tried again: what was asked before the reveal is never answered after it."""
    if battle.state == "voted":
        return battle.turns[-1].after_reveal
    return battle.state not in ("void", "skipped")


async def retry_turn(session: AsyncSession, battle_id: str, voter_id: UUID) -> TurnJob:
    """Ask the sides that did not answer once more, with the same pair; raises `NothingToRetry`."""
    await lock_battle(session, battle_id, voter_id)
    battle = await load_battle(session, battle_id, voter_id)
    turn = battle.turns[-1]
    if turn.state not in ("failed", "interrupted") and battle.state != "failed":
        raise NothingToRetry
    if not may_retry(battle):
        raise BattleClosed
    if turn.state != "interrupted" and turn.tries >= TRIES:
        raise NothingToRetry("This answer was tried again already. Start a new battle.")
    sides = [response.side for response in turn.responses if response.state != "answered"]
    for response in turn.responses:
        if response.side in sides:
            response.state, response.text, response.released_characters = "answering", "", 0
    turn.state, turn.stop_requested_at, turn.finished_at = "answering", None, None
    turn.tries += 1
    turn.heartbeat_at = datetime.now(UTC)
    if battle.state != "voted":
        battle.state = "answering"
    await session.flush()
    return _job(battle, (battle.model_a, battle.model_b), battle.turns[:-1], turn, sides=sides)


async def skip_battle(session: AsyncSession, battle_id: str, voter_id: UUID) -> None:
    """Close a battle without a vote: the voter cannot judge it."""
    await lock_battle(session, battle_id, voter_id)
    open_battle = update(Battle).where(
        Battle.id == battle_id, Battle.state.not_in(("voted", "void", "skipped"))
    )
    row = open_battle.values(state="skipped", updated_at=func.clock_timestamp()).returning(Battle.id)
    if await session.scalar(row) is None:
        raise BattleClosed


def turn_state(outcomes: Mapping[Side, SideOutcome]) -> TurnState:
    """A turn is as good as its worse side."""
    states = {outcome.state for outcome in outcomes.values()}
    for worst in ("failed", "interrupted", "stopped"):
        if worst in states:
            return worst
    return "answered"


async def finish_turn(
    session: AsyncSession, job: TurnJob, outcomes: Mapping[Side, SideOutcome]
) -> str | None:
    """Store what the sides answered and move the battle on; returns the battle's state.

    None when the turn was declared over meanwhile (a stalled process found by the sweep): its word stands.
    """
    battle = await session.scalar(select(Battle).where(Battle.id == job.battle_id).with_for_update())
    # Turns before responses, as in `checkpoint`: the responses are written by the first query that follows.
    with_responses = [selectinload(Turn.responses)]
    turn = await session.get(Turn, job.turn_id, options=with_responses, with_for_update={"key_share": True})
    if battle is None or turn is None or (turn.state, turn.tries) != ("answering", job.attempt):
        return None
    for response in turn.responses:
        if response.side in outcomes:
            _fill(response, outcomes[response.side])
    await judge_identity(session, battle, turn)
    turn.state = turn_state(outcomes)
    turn.finished_at = battle.updated_at = datetime.now(UTC)
    _move_on(battle, turn)
    return battle.state


async def _names_of(session: AsyncSession, battle: Battle) -> dict[Side, list[str]]:
    ids = {"a": battle.model_a_id, "b": battle.model_b_id}
    found = await session.scalars(select(Model).where(Model.id.in_(ids.values())))
    models = {model.id: model for model in found}
    return {side: own_names(models[ids[side]]) for side in SIDES}


def own_names(model: Model) -> list[str]:
    """By what an answer could tell its model: not by the placeholder of an organisation nobody named."""
    named = [] if model.organization == UNKNOWN_ORGANIZATION else [model.organization]
    return [model.name, *model.aliases, *named]


async def _prompts_until(session: AsyncSession, turn: Turn) -> str:
    """What the voter has asked so far: a name brought up in an earlier turn was brought up too."""
    prompts = select(Turn.prompt).where(Turn.battle_id == turn.battle_id, Turn.index <= turn.index)
    return "\n\n".join(await session.scalars(prompts.order_by(Turn.index)))


async def judge_identity(session: AsyncSession, battle: Battle, turn: Turn) -> None:
    """A battle in which an answer said who gave it, finished or not, has no vote that counts."""
    names = await _names_of(session, battle)
    asked = await _prompts_until(session, turn)
    for response in turn.responses:
        own = names[response.side]
        response.reveals_identity = reveals_identity(response.text, own_names=own, prompt=asked)
        if response.reveals_identity and not turn.after_reveal:
            battle.not_counted_reason = _spoiled(battle.not_counted_reason, "identity_revealed")


def _fill(response: Response, outcome: SideOutcome) -> None:
    for name, value in vars(outcome).items():
        setattr(response, name, value)
    response.released_characters = len(outcome.text)
    response.language = detect_language(outcome.text)


def _move_on(battle: Battle, turn: Turn) -> None:
    """From the turn's end to the battle's state; a battle that has its vote keeps it whatever follows."""
    if battle.state == "voted" or battle.state == "skipped":
        return
    complete = turn.state in ("answered", "stopped") and all(response.text for response in turn.responses)
    if complete:
        battle.answered_turns += 1
    battle.state = _state_after(turn, complete=complete, answered_before=battle.answered_turns > 0)
    if battle.state == "void":
        battle.void_reason = "side_failed"
        battle.not_counted_reason = _spoiled(battle.not_counted_reason, "void")


def _state_after(turn: Turn, *, complete: bool, answered_before: bool) -> BattleState:
    if complete:
        return "answered"
    if turn.state == "interrupted":
        return "interrupted"
    if turn.state == "stopped" and answered_before:
        return "answered"
    return "void" if turn.state == "failed" and turn.tries >= TRIES else "failed"
