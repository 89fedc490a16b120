"""The interactive API of battles: start, read, follow, ask again, stop, retry, skip."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from arena.battles import check_prompt, load_battle
from arena.db import Database
from arena.errors import SideFailed
from arena.streams import Frame, LiveTurn, Position
from arena.tables import SIDES, Battle, BattleState, Side, Turn, TurnState
from arena.turns import Runner
from arena.votes import RevealedModel, revealed
from arena.web.actions import Act
from arena.web.deps import (
    BattleId,
    CurrentDatabase,
    CurrentRunner,
    CurrentSettings,
    CurrentVisitor,
    Owner,
    SecureCookies,
)
from arena.web.following import Following, Readers, follow_newest_turn
from arena.web.markdown import Block, BlockRenderer
from arena.web.problems import problem

router = APIRouter(prefix="/api/v1", tags=["battles"])
NO_STORE = {"Cache-Control": "no-store"}
EVENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Ask(BaseModel):
    """What a voter asks both models."""

    model_config = ConfigDict(extra="forbid", strict=True)
    prompt: Annotated[str, Field(description="The question or task, as plain text or Markdown.")]


class NewBattle(Ask):
    """A first prompt, and whether the battle may be published."""

    publish: Annotated[
        bool | None, Field(description="Consent to publish this battle; the site's default if left out.")
    ] = None


class ResponseView(BaseModel):
    """One side of one turn, as far as it was released."""

    text: str
    state: TurnState


class TurnView(BaseModel):
    """One prompt and its two responses."""

    index: int
    prompt: str
    state: TurnState
    responses: dict[Side, ResponseView]


class BattleView(BaseModel):
    """A battle as its voter may see it; `models` is there only once voted."""

    id: str
    state: BattleState
    turns: list[TurnView]
    can_vote: bool
    can_retry: bool
    publish: bool
    models: dict[Side, RevealedModel] | None = None


def battle_view(battle: Battle, live: LiveTurn | None = None) -> BattleView:
    """Nothing in it depends on which model answers, until the vote."""
    models = (
        {"a": revealed(battle.model_a), "b": revealed(battle.model_b)} if battle.state == "voted" else None
    )
    return BattleView(
        id=battle.id,
        state=battle.state,
        turns=[turn_view(turn, live) for turn in battle.turns],
        can_vote=battle.answered_turns > 0 and battle.state not in ("voted", "skipped"),
        can_retry=battle.state in ("failed", "interrupted"),
        publish=battle.publish,
        models=models,
    )


def started_view(battle_id: str, prompt: str, *, publish: bool) -> BattleView:
    """A battle just committed, as it must look: to read it back could fail, with both models answering already."""
    responses = {side: ResponseView(text="", state="answering") for side in SIDES}
    turn = TurnView(index=0, prompt=prompt, state="answering", responses=responses)
    return BattleView(
        id=battle_id, state="answering", turns=[turn], can_vote=False, can_retry=False, publish=publish
    )


def turn_view(turn: Turn, live: LiveTurn | None) -> TurnView:
    """While a turn runs both sides say `answering` and hold what was released, no more."""
    if turn.state != "answering":
        responses = {r.side: ResponseView(text=r.text, state=r.state) for r in turn.responses}
    elif live is not None and live.index == turn.index:
        responses = {side: ResponseView(text=live.released_text(side), state="answering") for side in SIDES}
    else:
        responses = {
            r.side: ResponseView(text=r.text[: r.released_characters], state="answering")
            for r in turn.responses
        }
    return TurnView(index=turn.index, prompt=turn.prompt, state=turn.state, responses=responses)


async def _shown(database: Database, runner: Runner, battle_id: str, voter_id: UUID) -> BattleView:
    """The battle as it is now, read in one moment."""
    async with database.readings() as session:
        return battle_view(await load_battle(session, battle_id, voter_id), runner.live(battle_id))


@router.post("/battles", status_code=201, response_model_exclude_none=True)
async def start(
    body: NewBattle, response: Response, visitor: CurrentVisitor, act: Act, settings: CurrentSettings,
    secure: SecureCookies,
) -> BattleView:  # fmt: skip
    """Draw two models, ask them both, and set the voter cookie."""
    battle_id = await act.start(visitor, body.prompt, body.publish)
    act.set_cookie(response, visitor, secure=secure)
    response.headers.update(NO_STORE | {"Location": f"/api/v1/battles/{battle_id}"})
    publish = settings.publish_default if body.publish is None else body.publish
    return started_view(battle_id, check_prompt(body.prompt, settings), publish=publish)


@router.get("/battles/{battle_id}", response_model_exclude_none=True)
async def read(
    battle_id: BattleId, voter: Owner, database: CurrentDatabase, runner: CurrentRunner, response: Response
) -> BattleView:
    """A voter's own battle; anybody else's is not found."""
    response.headers.update(NO_STORE)
    return await _shown(database, runner, battle_id, voter)


@router.post("/battles/{battle_id}/turns", status_code=201, response_model_exclude_none=True)
async def ask_again(
    body: Ask, battle_id: BattleId, visitor: CurrentVisitor, voter: Owner, act: Act, database: CurrentDatabase,
    runner: CurrentRunner,
) -> BattleView:  # fmt: skip
    """Another prompt to the same two models."""
    await act.add_turn(battle_id, visitor, body.prompt)
    return await _shown(database, runner, battle_id, voter)


@router.post("/battles/{battle_id}/stop", response_model_exclude_none=True)
async def stop(
    battle_id: BattleId, voter: Owner, act: Act, database: CurrentDatabase, runner: CurrentRunner
) -> BattleView:
    """Stop both sides; what they wrote so far can be voted on."""
    await act.stop(battle_id, voter)
    return await _shown(database, runner, battle_id, voter)


@router.post("/battles/{battle_id}/retry", response_model_exclude_none=True)
async def retry(
    battle_id: BattleId,
    voter: Owner,
    visitor: CurrentVisitor,
    act: Act,
    database: CurrentDatabase,
    runner: CurrentRunner,
) -> BattleView:
    """Ask the side that failed once more, with the same two models."""
    await act.retry(battle_id, visitor)
    return await _shown(database, runner, battle_id, voter)


@router.post("/battles/{battle_id}/skip", response_model_exclude_none=True)
async def skip(
    battle_id: BattleId, voter: Owner, act: Act, database: CurrentDatabase, runner: CurrentRunner
) -> BattleView:
    """Close the battle without a vote: the voter cannot judge it. No name is revealed."""
    await act.skip(battle_id, voter)
    return await _shown(database, runner, battle_id, voter)


def _readers(request: Request) -> Readers:
    state = request.app.state
    if not hasattr(state, "readers"):
        state.readers = Readers()
    return state.readers  # type: ignore[no-any-return]  # an untyped bag of the app's


async def _place(
    battle_id: BattleId, voter: Owner, readers: Annotated[Readers, Depends(_readers)]
) -> AsyncIterator[None]:
    """A reader's place, held until its stream is over; a stranger's request takes none of the voter's."""
    with readers.one_more(f"{voter} {battle_id}"):
        yield


async def _following(
    battle_id: BattleId,
    voter: Owner,
    database: CurrentDatabase,
    runner: CurrentRunner,
    settings: CurrentSettings,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Following:
    return await follow_newest_turn(database, runner, settings, battle_id, voter, last_event_id)


@router.get("/battles/{battle_id}/events", response_class=StreamingResponse, dependencies=[Depends(_place)])
async def events(
    follow: Annotated[Following, Depends(_following)],
    format: Literal["text", "html"] = "text",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Server-sent events of the running turn: `delta` or `block`, `side_end`, `turn_end`, `error`.

    `Last-Event-ID` resumes; a reader that has everything gets 204, at which browsers stop reconnecting.
    """
    if last_event_id and follow.has_all:
        return Response(status_code=204)
    encode = HtmlEvents(follow.turn) if format == "html" else TextEvents()
    return StreamingResponse(_stream(follow, encode), media_type="text/event-stream", headers=EVENT_HEADERS)


async def _stream(follow: Following, encode: "TextEvents | HtmlEvents") -> AsyncIterator[bytes]:
    feeder = asyncio.ensure_future(follow.feed()) if follow.feed else None
    try:
        async for frames in follow.turn.beats(follow.start):
            yield b"".join(map(encode, frames)) or b": waiting\n\n"
    finally:
        if feeder:
            feeder.cancel()


def event(name: str, place: Position | None, **data: object) -> bytes:
    """One server-sent event; its id, if any, is the place reached, from which a browser asks for the rest."""
    line = b"id: %b\n" % str(place).encode() if place else b""
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), line, orjson.dumps(data))


class TextEvents:
    """Frames as plain text, for programs."""

    def __call__(self, frame: Frame) -> bytes:
        if frame.kind == "delta":
            return event("delta", frame.position, side=frame.side, text=frame.text)
        return self.ending(frame)

    def ending(self, frame: Frame) -> bytes:
        if frame.kind == "turn_end":
            return event("turn_end", frame.position, state=frame.state)
        if frame.kind == "side_failed":
            return event("error", frame.position, side=frame.side, **problem(SideFailed()))
        return event("side_end", frame.position, side=frame.side)


class HtmlEvents(TextEvents):
    """Frames as rendered blocks, for the site: a block is sent again as long as it grows.

    Whoever resumes is sent all blocks again, made from what is released: where a reader says it left off is
    the reader's word, and which of the blocks it was shown by then nobody knows.
    """

    def __init__(self, turn: LiveTurn) -> None:
        self._turn = turn
        self._renderers = {side: BlockRenderer() for side in SIDES}
        self._read = dict.fromkeys(SIDES, 0)

    def __call__(self, frame: Frame) -> bytes:
        if frame.side is None:
            return self.ending(frame)
        blocks = self._blocks(frame.side, ended=frame.kind != "delta")
        ending = b"" if frame.kind == "delta" else self.ending(frame)
        # A break between the events of a frame must not lose the later ones: only the last names the place.
        last = None if ending else len(blocks) - 1
        sent = [
            event(
                "block", frame.position if number == last else None,
                side=frame.side, index=block.index, html=block.html,
            )
            for number, block in enumerate(blocks)
        ]  # fmt: skip
        return b"".join(sent) + ending

    def _blocks(self, side: Side, *, ended: bool) -> list[Block]:
        text = self._turn.released_text(side)
        new, self._read[side] = text[self._read[side] :], len(text)
        blocks = self._renderers[side].feed(new) if new else []
        return [*blocks, *self._renderers[side].finish()] if ended else blocks
