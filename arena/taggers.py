"""Tag the battles of votes: what they were about, and how their answers were written."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Select, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from arena.db import Database
from arena.logs import get_log
from arena.settings import Settings
from arena.tables import Ballot, Response, Turn, Vote
from arena.tagging import (
    Conversation,
    OperatorRule,
    Tagged,
    prompt_digest,
    rules_version,
    tag_conversation,
)
from ratings.board_files import STYLE_FEATURES

if TYPE_CHECKING:
    from arena.gateway.pool import Pool

TAGGED_AT_ONCE = 100
ASKED_AT_ONCE = 8
log = get_log("arena.taggers")
TAG = text(
    """UPDATE ballot SET tags = :tags, style_a = :style_a, style_b = :style_b, prompt_digest = :prompt_digest,
        rules = :rules, written_in = (pg_current_xact_id()::text)::bigint WHERE vote_id = :vote"""
)


class Tagger(Protocol):
    """What says which tags a battle gets; `version` is stored with them, so that other rules tag anew."""

    version: str

    async def tag(self, conversation: Conversation) -> Tagged:
        """Tag one battle."""


class RuleTagger:
    """Tags by the rules and classifiers of the program, and the operator's rules."""

    def __init__(self, rules: Sequence[OperatorRule] = ()) -> None:
        self._rules = rules
        self.version = rules_version(rules)

    async def tag(self, conversation: Conversation) -> Tagged:
        """Tag one battle, beside whatever else this process does."""
        return await asyncio.to_thread(tag_conversation, conversation, self._rules)


def tagger_of(settings: Settings, pool: Pool, rules: Sequence[OperatorRule]) -> Tagger:
    """The tagger that the settings ask for."""
    if not settings.tagger_model:
        return RuleTagger(rules)
    # Not above: it brings the gateway along, which takes memory that an export has a use for.
    from arena.model_tagger import ModelTagger

    return ModelTagger(pool, settings.tagger_model, rules)


async def tag_votes(database: Database, tagger: Tagger, *, again: bool = False) -> int:
    """Tag the battles of some votes that have no tags, or `again` of some that another tagger tagged; how many."""
    version = tagger.version
    some = _tagged_by_others(version) if again else _untagged()
    async with database.sessions() as session:
        ids = (await session.scalars(some)).all()
        conversations = await _conversations(session, ids)
    # No connection is held meanwhile: a tagger may ask a model, of several battles at a time.
    at_once = asyncio.Semaphore(ASKED_AT_ONCE)
    rows = await asyncio.gather(
        *(_row(vote_id, conversations.get(vote_id), tagger, at_once) for vote_id in ids)
    )
    if rows:
        async with database.sessions.begin() as session:
            await session.execute(TAG, rows)
    return len(rows)


def _untagged() -> Select[int]:
    return select(Ballot.vote_id).where(Ballot.rules.is_(None)).order_by(Ballot.vote_id).limit(TAGGED_AT_ONCE)


def _tagged_by_others(version: str) -> Select[int]:
    """Votes of one version after the other, as the index has them.

    No index answers "other than" one; and in the order of votes those tagged anew would be looked through each time.
    """
    sides = (
        select(Ballot.vote_id).where(others).order_by(Ballot.rules).limit(TAGGED_AT_ONCE)
        for others in (Ballot.rules < version, Ballot.rules > version)
    )
    return select(union_all(*sides).limit(TAGGED_AT_ONCE).subquery().c.vote_id)


async def _conversations(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, Conversation]:
    """What was said in the battles of these votes before the names were shown."""
    rows = await session.execute(
        select(Vote.id, Turn.index, Turn.prompt, Turn.prompt_language, Response.side, Response.text)
        .join(Turn, Turn.battle_id == Vote.battle_id)
        .join(Response, Response.turn_id == Turn.id)
        .where(Vote.id.in_(ids), Turn.state.in_(("answered", "stopped")), ~Turn.after_reveal)
        .order_by(Vote.id, Turn.index)
    )
    said: dict[int, dict[int, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    languages: dict[int, str | None] = {}
    for vote_id, index, prompt, language, side, answer in rows:
        said[vote_id][index] |= {"prompt": prompt, side: answer}
        languages.setdefault(vote_id, language)
    return {
        vote_id: Conversation(
            prompts=tuple(turn["prompt"] for turn in turns.values()),
            answers_a=tuple(turn.get("a", "") for turn in turns.values()),
            answers_b=tuple(turn.get("b", "") for turn in turns.values()),
            language=languages[vote_id],
        )
        for vote_id, turns in said.items()
    }


async def _row(
    vote_id: int, conversation: Conversation | None, tagger: Tagger, at_once: asyncio.Semaphore
) -> dict[str, Any]:
    """What a ballot says of its battle; nothing where no text of it is left, or where no tagger can read it."""
    nothing = dict.fromkeys(STYLE_FEATURES, 0)
    tagged = Tagged(tags=(), style_a=nothing, style_b=nothing)
    if conversation:
        try:
            async with at_once:
                tagged = await tagger.tag(conversation)
        except Exception:
            # One battle that cannot be read must not keep all others from the boards.
            log.exception("battle_not_tagged", vote=vote_id)
    return {
        "vote": vote_id,
        "tags": list(tagged.tags),
        "style_a": [tagged.style_a[feature] for feature in STYLE_FEATURES],
        "style_b": [tagged.style_b[feature] for feature in STYLE_FEATURES],
        "prompt_digest": prompt_digest(conversation.prompts[0]) if conversation else None,
        "rules": tagger.version,
    }
