"""Everything the arena stores, in reading order: model → endpoint → voter → battle → turn → response → vote → ballot
→ board → snapshot. What it writes down about itself stands in `records.py`.

Rules are constraints: one vote a battle, one answer a side, labels from a fixed list. Relationships raise
unless they were loaded on purpose, so that no attribute access hides a query.
"""

from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Side = Literal["a", "b"]
Winner = Literal["model_a", "model_b", "tie", "both_bad"]
BattleState = Literal["answering", "answered", "failed", "interrupted", "void", "skipped", "voted"]
TurnState = Literal["answering", "answered", "stopped", "failed", "interrupted"]
VoterKind = Literal["human", "simulated"]

SIDES: tuple[Side, Side] = ("a", "b")
WINNERS: tuple[Winner, ...] = ("model_a", "model_b", "tie", "both_bad")
SAMPLING_POLICY = "uniform"  # every pair of models that can answer is as likely as any other


class Table(DeclarativeBase):
    """Base of all tables, with one naming convention for their constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        list[dict[str, Any]]: JSONB,
        int: BigInteger,
    }


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


# The transaction that wrote a row: whoever reads rows of transactions that were still running the last time misses
# none, however late they are committed.
THIS_TRANSACTION = sql("(pg_current_xact_id()::text)::bigint")


def now() -> Mapped[datetime]:
    return mapped_column(server_default=func.clock_timestamp())


class Model(Table):
    """An LLM listed in the arena; names are never reused, so a retired model keeps its row."""

    __tablename__ = "model"
    __table_args__ = (
        _one_of("status", "active", "retired"),
        CheckConstraint("NOT private_test OR codename IS NOT NULL", name="private_test_has_codename"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    organization: Mapped[str]
    license: Mapped[str | None]
    link: Mapped[str | None]
    description: Mapped[str] = mapped_column(server_default="")
    open_weights: Mapped[bool | None]
    parameters_billions: Mapped[float | None]
    demo: Mapped[bool] = mapped_column(server_default=sql("false"))
    aliases: Mapped[list[str]] = mapped_column(server_default=sql("'[]'"))
    extra: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    status: Mapped[str] = mapped_column(server_default="active")
    private_test: Mapped[bool] = mapped_column(server_default=sql("false"))
    codename: Mapped[str | None] = mapped_column(unique=True)
    private_since: Mapped[datetime | None]
    listed_at: Mapped[datetime] = now()
    retired_at: Mapped[datetime | None]
    retired_reason: Mapped[str | None]
    past_retirements: Mapped[list[dict[str, Any]]] = mapped_column(server_default=sql("'[]'"))

    endpoints: Mapped[list["Endpoint"]] = relationship(lazy="raise", back_populates="model")

    @property
    def public_name(self) -> str:
        """What voters and readers may call it: a private test goes by its codename until it is released."""
        return self.codename if self.private_test and self.codename else self.name

    @property
    def retired_on(self) -> str | None:
        """The UTC day of its retirement."""
        if self.status != "retired" or self.retired_at is None:
            return None
        return self.retired_at.astimezone(UTC).date().isoformat()


class Endpoint(Table):
    """A server that serves a model. The API key stays in the environment; here is only its variable's name."""

    __tablename__ = "endpoint"
    __table_args__ = (
        UniqueConstraint("model_id", "url", "served_model"),
        _one_of("source", "catalog", "discovered", "demo", "model-server"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id", ondelete="CASCADE"))
    url: Mapped[str]
    served_model: Mapped[str]
    api_key_env: Mapped[str | None]
    slots: Mapped[int] = mapped_column(server_default=sql("16"))
    source: Mapped[str] = mapped_column(server_default="catalog")

    model: Mapped[Model] = relationship(lazy="raise", back_populates="endpoints")


class Voter(Table):
    """A person, known only by a signed cookie; of the network address only a keyed hash is kept."""

    __tablename__ = "voter"
    __table_args__ = (_one_of("kind", "human", "simulated"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    pseudonym: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[VoterKind] = mapped_column(server_default="human")
    address_hash: Mapped[str | None]
    created_at: Mapped[datetime] = now()


class Battle(Table):
    """Two anonymous models answering one voter."""

    __tablename__ = "battle"
    __table_args__ = (
        _one_of("state", "answering", "answered", "failed", "interrupted", "void", "skipped", "voted"),
        CheckConstraint("model_a_id <> model_b_id", name="two_models"),
        CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity_is_probability"),
        CheckConstraint("state <> 'void' OR void_reason IS NOT NULL", name="void_has_reason"),
        Index(None, "voter_id", "created_at"),
        Index(None, "created_at", postgresql_using="brin"),
        Index("ix_battle_unfinished", "state", postgresql_where=sql("state IN ('answering', 'failed')")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    voter_id: Mapped[UUID] = mapped_column(ForeignKey("voter.id", ondelete="CASCADE"))
    state: Mapped[BattleState] = mapped_column(server_default="answering")
    model_a_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    model_b_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    propensity: Mapped[float]
    sampling_policy: Mapped[str] = mapped_column(server_default=SAMPLING_POLICY)
    decoding: Mapped[dict[str, Any]]
    release_policy: Mapped[str]
    publish: Mapped[bool]
    answered_turns: Mapped[int] = mapped_column(server_default=sql("0"))
    not_counted_reason: Mapped[str | None]
    void_reason: Mapped[str | None]
    released_as: Mapped[str | None] = mapped_column(unique=True)
    released_version_a: Mapped[int | None]
    released_version_b: Mapped[int | None]
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()

    model_a: Mapped[Model] = relationship(lazy="raise", foreign_keys=[model_a_id])
    model_b: Mapped[Model] = relationship(lazy="raise", foreign_keys=[model_b_id])
    turns: Mapped[list["Turn"]] = relationship(lazy="raise", order_by="Turn.index")
    vote: Mapped["Vote | None"] = relationship(lazy="raise")


NOT_MODERATED = sql("state IN ('answered', 'stopped') AND moderation IS NULL AND moderated_at IS NULL")


class Turn(Table):
    """One prompt and its two responses."""

    __tablename__ = "turn"
    __table_args__ = (
        UniqueConstraint("battle_id", "index"),
        _one_of("state", "answering", "answered", "stopped", "failed", "interrupted"),
        Index("ix_turn_answering", "heartbeat_at", postgresql_where=sql("state = 'answering'")),
        Index("ix_turn_not_moderated", "id", postgresql_where=NOT_MODERATED),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    battle_id: Mapped[str] = mapped_column(ForeignKey("battle.id", ondelete="CASCADE"))
    index: Mapped[int]
    prompt: Mapped[str]
    prompt_language: Mapped[str | None]
    state: Mapped[TurnState] = mapped_column(server_default="answering")
    after_reveal: Mapped[bool] = mapped_column(server_default=sql("false"))
    tries: Mapped[int] = mapped_column(server_default=sql("1"))
    redacted: Mapped[list[str] | None]
    moderation: Mapped[list[str] | None]
    moderated_at: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime] = now()
    created_at: Mapped[datetime] = now()
    finished_at: Mapped[datetime | None]

    responses: Mapped[list["Response"]] = relationship(lazy="raise", order_by="Response.side")


class Response(Table):
    """What one side answered in one turn, with the true timings behind the paced release."""

    __tablename__ = "response"
    __table_args__ = (
        UniqueConstraint("turn_id", "side"),
        _one_of("side", "a", "b"),
        _one_of("state", "answering", "answered", "stopped", "failed", "interrupted"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    turn_id: Mapped[int] = mapped_column(ForeignKey("turn.id", ondelete="CASCADE"))
    side: Mapped[Side]
    state: Mapped[TurnState] = mapped_column(server_default="answering")
    text: Mapped[str] = mapped_column(server_default="")
    released_characters: Mapped[int] = mapped_column(server_default=sql("0"))
    finish_reason: Mapped[str | None]
    failure: Mapped[str | None]
    reveals_identity: Mapped[str | None]
    language: Mapped[str | None]
    endpoint_id: Mapped[str | None]
    attempts: Mapped[int | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    first_token_milliseconds: Mapped[float | None]
    total_milliseconds: Mapped[float | None]


class Vote(Table):
    """A voter's verdict on a battle: one a battle, by constraint, always with the reason when it does not count."""

    __tablename__ = "vote"
    __table_args__ = (
        UniqueConstraint("battle_id"),
        _one_of("winner", *WINNERS),
        CheckConstraint("counted = (reason IS NULL)", name="reason_iff_not_counted"),
        Index(None, "voter_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    battle_id: Mapped[str] = mapped_column(ForeignKey("battle.id", ondelete="CASCADE"))
    voter_id: Mapped[UUID] = mapped_column(ForeignKey("voter.id", ondelete="CASCADE"))
    winner: Mapped[Winner]
    reasons: Mapped[list[str]] = mapped_column(server_default=sql("'[]'"))
    counted: Mapped[bool]
    reason: Mapped[str | None]
    early: Mapped[bool] = mapped_column(server_default=sql("false"))
    receipt: Mapped[str]
    created_at: Mapped[datetime] = now()
    withdrawn_at: Mapped[datetime | None]


class Ballot(Table):
    """A vote as the boards count it: on whom, what its battle was about, how its answers were written.

    Triggers keep one for every vote, with the vote's standing; the job that tags battles fills in the rest. A trigger
    writes what boards read of it as one text: to write millions anew at each reading takes three times as long.
    """

    __tablename__ = "ballot"
    __table_args__ = (
        Index(None, "written_in"),
        Index(None, "cast_on", postgresql_using="brin"),
        Index("ix_ballot_untagged", "vote_id", postgresql_where=sql("rules IS NULL")),
        Index(None, "rules"),
    )

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id", ondelete="CASCADE"), primary_key=True)
    voter: Mapped[int]
    model_a_id: Mapped[int]
    model_b_id: Mapped[int]
    winner: Mapped[Winner]
    reason: Mapped[str | None]
    cast_on: Mapped[date]
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    style_a: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    style_b: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    prompt_digest: Mapped[str | None]
    rules: Mapped[str | None]
    written_in: Mapped[int] = mapped_column(server_default=THIS_TRANSACTION)
    line: Mapped[str | None]


class RemovedBallot(Table):
    """A vote that was erased, for those who had counted it."""

    __tablename__ = "removed_ballot"
    __table_args__ = (Index(None, "written_in"),)

    vote_id: Mapped[int] = mapped_column(primary_key=True)
    written_in: Mapped[int] = mapped_column(server_default=THIS_TRANSACTION)


class Board(Table):
    """An imported collection of votes that becomes a leaderboard of its own."""

    __tablename__ = "board"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    origin: Mapped[str | None]
    license: Mapped[str | None]
    votes: Mapped[int] = mapped_column(server_default=sql("0"))
    # Counted up whenever votes come or go: as many votes as before may be others.
    changes: Mapped[int] = mapped_column(server_default=sql("0"))
    # How far each file came, by its digest: the last of its votes may have been withdrawn since.
    files: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'"))
    created_at: Mapped[datetime] = now()


class ImportedVote(Table):
    """One vote of an imported file; file digest and line make a second import of the same file a no-op."""

    __tablename__ = "imported_vote"
    __table_args__ = (UniqueConstraint("board_id", "file_digest", "line"), _one_of("winner", *WINNERS))

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id", ondelete="CASCADE"))
    file_digest: Mapped[str]
    line: Mapped[int]
    model_a: Mapped[str]
    model_b: Mapped[str]
    winner: Mapped[Winner]
    voter: Mapped[str | None]
    released_as: Mapped[str | None]


class Snapshot(Table):
    """One immutable computation of all leaderboards; the id is the digest of its inputs and method."""

    __tablename__ = "snapshot"

    id: Mapped[str] = mapped_column(primary_key=True)
    code_version: Mapped[str]
    inputs: Mapped[dict[str, Any]]
    results_digest: Mapped[str]
    visible: Mapped[str]
    last_vote_id: Mapped[int]
    last_imported_id: Mapped[int]
    sequence: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    created_at: Mapped[datetime] = now()


class SnapshotFile(Table):
    """One file of a snapshot, compressed, as it is served."""

    __tablename__ = "snapshot_file"

    snapshot_id: Mapped[str] = mapped_column(ForeignKey("snapshot.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[bytes]


class FitFailure(Table):
    """That computing the boards fails, since when, and why; the one row is gone once it works again."""

    __tablename__ = "fit_failure"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, server_default=sql("1"), autoincrement=False)
    failing_since: Mapped[datetime] = now()
    error: Mapped[str]


class RateBucket(Table):
    """A token bucket of the rate limits, refilled by elapsed time when it is next used."""

    __tablename__ = "rate_bucket"

    key: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    updated_at: Mapped[datetime] = now()
