"""My votes: the list of this browser's cookie, withdraw one, erase everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from arena.voters import COOKIE, erase_voter
from arena.votes import NOT_COUNTED, CastVote, votes_of, withdraw_vote
from arena.web.deps import BattleId, Db, MaybeVoter, Owner
from arena.web.rendering import render_page
from arena.web.words import VERDICTS

router = APIRouter(prefix="/me")


@dataclass(frozen=True, kw_only=True)
class OwnVote:
    """One line of the list, in words."""

    prompt: str
    verdict: str
    cast: CastVote
    not_counted: str | None


@dataclass(frozen=True, kw_only=True)
class MePage:
    """What `me.html` shows."""

    votes: Sequence[OwnVote]
    known: bool  # whether there is a voter to erase
    erased: bool  # whether everything was erased a moment ago


@dataclass(frozen=True, kw_only=True)
class ErasePage:
    """What `erase.html` shows before it deletes for good."""

    votes: int


@router.get("")
async def me(request: Request, voter: MaybeVoter, db: Db, erased: bool = False) -> Response:
    votes = await votes_of(db, voter) if voter else []
    lines = [_line(cast, prompt) for cast, prompt in votes]
    return render_page(request, "me.html", MePage(votes=lines, known=voter is not None, erased=erased))


def _line(cast: CastVote, prompt: str) -> OwnVote:
    return OwnVote(
        prompt=prompt,
        verdict=VERDICTS[cast.winner],
        cast=cast,
        not_counted=NOT_COUNTED[cast.reason] if cast.reason else None,
    )


@router.post("/votes/{battle_id}/withdraw")
async def withdraw(battle_id: BattleId, voter: Owner, db: Db) -> Response:
    """Take one's vote out of every future board."""
    await withdraw_vote(db, battle_id, voter)
    return RedirectResponse("/me", 303)


@router.get("/erase")
async def confirm(request: Request, voter: MaybeVoter, db: Db) -> Response:
    """Say what will be gone before anything is."""
    votes = len(await votes_of(db, voter)) if voter else 0
    return render_page(request, "erase.html", ErasePage(votes=votes))


@router.post("/erase")
async def erase(voter: MaybeVoter, db: Db) -> Response:
    """Delete the voter with everything, and forget the cookie."""
    await _erase(db, voter)
    response = RedirectResponse("/me?erased=true", 303)
    response.delete_cookie(COOKIE)
    return response


async def _erase(db: Db, voter: UUID | None) -> None:
    if voter is not None:
        await erase_voter(db, voter)
