"""The interactive API of votes: cast one, list one's own, withdraw one, erase everything."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from arena.errors import BattleNotFound
from arena.tables import Side, Winner
from arena.voters import COOKIE, erase_voter
from arena.votes import CastVote, Reason, RevealedModel, votes_of, withdraw_vote
from arena.web.actions import Act
from arena.web.deps import BattleId, Db, MaybeVoter, Owner

router = APIRouter(prefix="/api/v1", tags=["votes"])


class Verdict(BaseModel):
    """A voter's verdict, and optionally why."""

    model_config = ConfigDict(extra="forbid", strict=True)
    winner: Winner
    reasons: Annotated[list[Reason], Field(max_length=13)] = []


class VoteView(BaseModel):
    """A stored vote: the names, whether it counts and why not, and the voter's receipt."""

    battle: str
    winner: Winner
    reasons: list[str]
    models: dict[Side, RevealedModel]
    counted: bool
    reason: str | None
    early: bool
    receipt: str
    created_at: AwareDatetime


class OwnVote(VoteView):
    """A vote in the voter's own list."""

    prompt: str


def vote_view(cast: CastVote) -> VoteView:
    """The vote as its voter is told of it."""
    return VoteView(**_fields(cast))


def _fields(cast: CastVote) -> dict[str, object]:
    return {
        "battle": cast.battle_id,
        "models": {"a": cast.model_a, "b": cast.model_b},
        **{
            name: getattr(cast, name)
            for name in ("winner", "reasons", "counted", "reason", "early", "receipt")
        },
        "created_at": cast.created_at,
    }


@router.post("/battles/{battle_id}/vote", status_code=201)
async def vote(body: Verdict, battle_id: BattleId, voter: Owner, act: Act, response: Response) -> VoteView:
    """One vote a battle; the answer reveals the names. A second vote is refused with 409."""
    response.headers["Cache-Control"] = "no-store"
    return vote_view(await act.vote(battle_id, voter, body.winner, body.reasons))


@router.get("/me/votes")
async def own_votes(voter: MaybeVoter, db: Db, response: Response) -> list[OwnVote]:
    """The votes of this browser's cookie, newest first; none without a cookie."""
    response.headers["Cache-Control"] = "no-store"
    if voter is None:
        return []
    return [OwnVote(**_fields(cast), prompt=prompt) for cast, prompt in await votes_of(db, voter)]


@router.delete("/me/votes/{battle_id}", status_code=204)
async def withdraw(battle_id: BattleId, voter: Owner, db: Db) -> None:
    """Take one's vote out of every future board."""
    await withdraw_vote(db, battle_id, voter)


def _me(voter: MaybeVoter) -> UUID:
    if voter is None:
        raise BattleNotFound("There is no voter cookie, so there is nothing to erase.")
    return voter


@router.delete("/me", status_code=204)
async def erase(voter: Annotated[UUID, Depends(_me)], db: Db, response: Response) -> None:
    """Erase the voter with all battles, prompts, answers and votes, and forget the cookie."""
    await erase_voter(db, voter)
    response.delete_cookie(COOKIE)
