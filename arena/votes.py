"""Cast a vote, reveal the names, and say what makes a vote count and why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import bindparam

from arena.errors import AlreadyVoted, BattleClosed, BattleNotFound, NothingToVoteOn, StillAnswering
from arena.tables import Battle, Model, Turn, Vote, Winner
from arena.voters import Signer

Reason = Literal[
    "correct", "clear", "complete", "creative", "well_formatted", "followed_instructions",
    "incorrect", "unclear", "superficial", "too_long", "badly_formatted", "ignored_instructions", "unsafe",
]  # fmt: skip
REASONS: tuple[Reason, ...] = get_args(Reason)

NOT_COUNTED = {
    "simulated_voter": "It was cast by a simulated voter.",
    "demo_models": "It compares demo models, which are not on the public leaderboard.",
    "private_test": "One of the models is a private test, which is on no public leaderboard before its release.",
    "identity_revealed": "One of the answers said which model it came from.",
    "void": "One of the models failed during this battle.",
    "withdrawn": "You withdrew it.",
}


@dataclass(frozen=True, kw_only=True)
class RevealedModel:
    """Who answered; known to the voter from the vote on. Of a private test, its codename."""

    name: str
    organization: str
    license: str | None
    link: str | None
    description: str
    open_weights: bool | None
    demo: bool
    private_test: bool


# What the reveal says of a private test, in place of what only its release will tell.
WITHHELD: dict[str, str | None] = {
    "organization": "not yet announced",
    "license": "not yet announced",
    "link": None,
    "description": "A private test. Its name, and what these votes came to, are published at its release.",
    "open_weights": None,
}


@dataclass(frozen=True, kw_only=True)
class CastVote:
    """A stored vote with everything the voter is told about it."""

    battle_id: str
    winner: Winner
    reasons: Sequence[str]
    counted: bool
    reason: str | None
    early: bool
    receipt: str
    created_at: datetime
    model_a: RevealedModel
    model_b: RevealedModel


def _revealed_column(side: str, field: str) -> str:
    """SQL of one revealed fact; the name of a private test never leaves the database."""
    told = f"{side}.{field}"
    if field == "name":
        told = f"CASE WHEN {side}.private_test THEN {side}.codename ELSE {side}.name END"
    elif field in WITHHELD:
        told = f"CASE WHEN {side}.private_test THEN {_literal(WITHHELD[field])} ELSE {told} END"
    return f"{told} AS {side}_{field}"


def _literal(value: str | None) -> str:
    return "NULL" if value is None else f"'{value}'"


# One statement, one transaction: the row lock lets one of any number of parallel votes through, the unique
# constraint stands behind it, and the names come from nowhere but the answer to the vote.
CAST = text(
    f"""
    WITH ready AS (
        SELECT id, voter_id, state, not_counted_reason, model_a_id, model_b_id FROM battle
        WHERE id = :battle AND voter_id = :voter AND answered_turns > 0
            AND state NOT IN ('answering', 'voted', 'skipped')
        FOR UPDATE
    ), closed AS (
        UPDATE battle SET state = 'voted', updated_at = clock_timestamp() FROM ready WHERE battle.id = ready.id
    ), cast_vote AS (
        INSERT INTO vote (battle_id, voter_id, winner, reasons, counted, reason, early, receipt)
        SELECT id, voter_id, :winner, :reasons, not_counted_reason IS NULL, not_counted_reason,
            (SELECT turn.state = 'stopped' FROM turn WHERE turn.battle_id = ready.id ORDER BY index DESC LIMIT 1),
            :receipt
        FROM ready RETURNING counted, reason, early, created_at
    )
    SELECT cast_vote.counted, cast_vote.reason, cast_vote.early, cast_vote.created_at,
        {", ".join(_revealed_column(side, field) for side in "ab" for field in RevealedModel.__annotations__)}
    FROM cast_vote, ready, model AS a, model AS b WHERE a.id = ready.model_a_id AND b.id = ready.model_b_id
    """
).bindparams(bindparam("reasons", type_=JSONB))


async def cast_vote(
    connection: AsyncConnection,
    signer: Signer,
    *,
    battle_id: str,
    voter_id: UUID,
    winner: Winner,
    reasons: Sequence[Reason] = (),
) -> CastVote | None:
    """Store the vote and reveal the names.

    None means that a later turn is still being answered: what it says may bear on whether the vote counts, so
    it has to be stopped and stored before the vote is cast again.

    Raises `AlreadyVoted`, `NothingToVoteOn`, `StillAnswering`, `BattleClosed` or `BattleNotFound`.
    """
    receipt = signer.digest("receipt", f"{battle_id}:{winner}", length=24)
    values = {
        "battle": battle_id,
        "voter": voter_id,
        "winner": winner,
        "reasons": list(reasons),
        "receipt": receipt,
    }
    row = (await connection.execute(CAST, values)).mappings().one_or_none()
    if row is None:
        await _refuse(connection, battle_id, voter_id)
        return None
    revealed = {
        side: RevealedModel(**{field: row[f"{side}_{field}"] for field in RevealedModel.__annotations__})
        for side in "ab"
    }
    return CastVote(
        battle_id=battle_id,
        winner=winner,
        reasons=tuple(reasons),
        counted=row["counted"],
        reason=row["reason"],
        early=row["early"],
        receipt=receipt,
        created_at=row["created_at"],
        model_a=revealed["a"],
        model_b=revealed["b"],
    )


async def _refuse(connection: AsyncConnection, battle_id: str, voter_id: UUID) -> None:
    """Say why there was nothing to vote on, unless it is only that a later turn is running."""
    query = select(Battle.state, Battle.answered_turns).where(
        Battle.id == battle_id, Battle.voter_id == voter_id
    )
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        raise BattleNotFound
    state, answered_turns = found
    if state == "voted":
        raise AlreadyVoted
    if state == "skipped":
        raise BattleClosed
    if state == "answering" and answered_turns == 0:
        raise StillAnswering
    if answered_turns == 0:
        raise NothingToVoteOn


def revealed(model: Model) -> RevealedModel:
    """The same facts from a loaded row, for pages that show a battle after its vote."""
    told = {field: getattr(model, field) for field in RevealedModel.__annotations__}
    withheld = WITHHELD if model.private_test else {}
    return RevealedModel(**told | withheld | {"name": model.public_name})


async def votes_of(session: AsyncSession, voter_id: UUID) -> list[tuple[CastVote, str]]:
    """A voter's own votes with the battle's first prompt, newest first."""
    model_a, model_b = aliased(Model), aliased(Model)
    query = (
        select(Vote, model_a, model_b, Turn.prompt)
        .join(Battle, Battle.id == Vote.battle_id)
        .join(model_a, model_a.id == Battle.model_a_id)
        .join(model_b, model_b.id == Battle.model_b_id)
        .join(Turn, (Turn.battle_id == Battle.id) & (Turn.index == 0))
        .where(Vote.voter_id == voter_id)
        .order_by(Vote.created_at.desc(), Vote.id.desc())
    )
    return [(as_cast(vote, a, b), prompt) for vote, a, b, prompt in (await session.execute(query))]


def as_cast(vote: Vote, model_a: Model, model_b: Model) -> CastVote:
    """A stored vote as it was told to its voter, with today's reason."""
    return CastVote(
        battle_id=vote.battle_id,
        winner=vote.winner,
        reasons=vote.reasons,
        counted=vote.counted,
        reason=vote.reason,
        early=vote.early,
        receipt=vote.receipt,
        created_at=vote.created_at,
        model_a=revealed(model_a),
        model_b=revealed(model_b),
    )


async def withdraw_vote(session: AsyncSession, battle_id: str, voter_id: UUID) -> None:
    """Take a vote out of every future board; the battle stays closed. Raises `BattleNotFound`."""
    row = update(Vote).where(Vote.battle_id == battle_id, Vote.voter_id == voter_id)
    row = row.values(counted=False, reason="withdrawn", withdrawn_at=func.clock_timestamp()).returning(
        Vote.id
    )
    if await session.scalar(row) is None:
        raise BattleNotFound("You have cast no vote on such a battle.")
