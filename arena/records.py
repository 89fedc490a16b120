"""What the arena writes down about itself, in tables like the others: models as served, private results, reports,
releases.
"""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from arena.settings import Variant as Variant
from arena.tables import Table, now

ReleaseState = Literal["open", "closed", "imported"]


class ModelVersion(Table):
    """A period in which a model was served under one name, with the same facts, decoding settings and endpoints."""

    __tablename__ = "model_version"
    __table_args__ = (
        Index(None, "model_id"),
        Index(
            "ix_model_version_served", "model_id", unique=True, postgresql_where=sql("last_served_at IS NULL")
        ),
        CheckConstraint("(last_served_at IS NULL) = (reason IS NULL)", name="reason_iff_over"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    served_as: Mapped[str]
    organization: Mapped[str]
    license: Mapped[str | None]
    open_weights: Mapped[bool | None]
    aliases: Mapped[list[str]]
    endpoints: Mapped[list[str]]
    served_models: Mapped[list[str] | None]
    decoding: Mapped[dict[str, Any]]
    first_served_at: Mapped[datetime] = now()
    last_served_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class PrivateResult(Table):
    """What the votes of a private test came to, written once when the test is released or was given up."""

    __tablename__ = "private_result"

    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"), primary_key=True)
    organization: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    released: Mapped[bool]
    votes: Mapped[int]
    opponents: Mapped[int]
    rating: Mapped[float | None]
    lower: Mapped[float | None]
    upper: Mapped[float | None]
    unrated: Mapped[str | None]
    variants: Mapped[int]
    selection_bias: Mapped[float | None]
    method_version: Mapped[str]
    published_at: Mapped[datetime] = now()


class Report(Table):
    """What the job `reports` last found out about the arena itself, as the feed serves it, compressed."""

    __tablename__ = "report"

    name: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[bytes]
    computed_at: Mapped[datetime] = now()


class Release(Table):
    """A dated export: which votes it sees, and while it is open the key that its pseudonyms are made with."""

    __tablename__ = "release"
    __table_args__ = (
        CheckConstraint("variant IN ('open', 'audit')", name="variant_known"),
        CheckConstraint("state IN ('open', 'closed', 'imported')", name="state_known"),
        CheckConstraint("(state = 'open') = (key IS NOT NULL)", name="key_iff_open"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_moment"),
    )

    name: Mapped[str] = mapped_column(primary_key=True)
    variant: Mapped[Variant] = mapped_column(String)
    state: Mapped[ReleaseState] = mapped_column(String, server_default="open")
    key: Mapped[bytes | None]
    opened_at: Mapped[datetime] = now()
    closed_at: Mapped[datetime | None]
    last_vote_id: Mapped[int]
    last_imported_id: Mapped[int]
    models: Mapped[dict[str, Any]]
    manifest: Mapped[dict[str, Any] | None]
    withheld: Mapped[list[dict[str, Any]]] = mapped_column(server_default=sql("'[]'"))
    withdrawn: Mapped[list[str]] = mapped_column(server_default=sql("'[]'"))


class ErasedBattle(Table):
    """A battle that a release may hold and that was erased since; nothing of it is left but its address."""

    __tablename__ = "erased_battle"

    battle_id: Mapped[str] = mapped_column(primary_key=True)
    released_as: Mapped[str | None]
    erased_at: Mapped[datetime] = now()


class ReleaseCopy(Table):
    """Where a release was published, and what the copy there says of itself."""

    __tablename__ = "release_copy"

    release: Mapped[str] = mapped_column(ForeignKey("release.name"), primary_key=True)
    destination: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    digest: Mapped[str]
    facts: Mapped[dict[str, Any]]
    published_at: Mapped[datetime] = now()


class ReleaseSchedule(Table):
    """Since when releases are published on a schedule, and why the last one was not; one row."""

    __tablename__ = "release_schedule"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("(failing_since IS NULL) = (error IS NULL)", name="error_iff_failing"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, server_default=sql("1"), autoincrement=False)
    schedule: Mapped[str]
    since: Mapped[datetime] = now()
    failing_since: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    error: Mapped[str | None]
