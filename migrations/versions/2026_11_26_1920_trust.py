"""models as they were served, private tests, and reports

Revision: 8d2f6b40c9a7, after 5c1f0c3f7b1e
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "8d2f6b40c9a7"
down_revision = "5c1f0c3f7b1e"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    private = sa.Column("private_test", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("model", private)
    op.add_column("model", sa.Column("codename", sa.String(), nullable=True))
    op.add_column("model", sa.Column("private_since", MOMENT, nullable=True))
    op.add_column("model", sa.Column("retired_reason", sa.String(), nullable=True))
    op.create_unique_constraint(op.f("uq_model_codename"), "model", ["codename"])
    op.create_check_constraint(
        op.f("ck_model_private_test_has_codename"), "model", "NOT private_test OR codename IS NOT NULL"
    )
    op.create_table(
        "model_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("served_as", sa.String(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("license", sa.String(), nullable=False),
        sa.Column("open_weights", sa.Boolean(), nullable=False),
        sa.Column("aliases", postgresql.JSONB(), nullable=False),
        sa.Column("endpoints", postgresql.JSONB(), nullable=False),
        sa.Column("decoding", postgresql.JSONB(), nullable=False),
        sa.Column("first_served_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("last_served_at", MOMENT, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(last_served_at IS NULL) = (reason IS NULL)", name=op.f("ck_model_version_reason_iff_over")
        ),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_model_version_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
    )
    op.create_index(op.f("ix_model_version_model_id"), "model_version", ["model_id"])
    op.create_index(
        "ix_model_version_served",
        "model_version",
        ["model_id"],
        unique=True,
        postgresql_where=sa.text("last_served_at IS NULL"),
    )
    op.create_table(
        "private_result",
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("votes", sa.BigInteger(), nullable=False),
        sa.Column("opponents", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.Float(), nullable=True),
        sa.Column("lower", sa.Float(), nullable=True),
        sa.Column("upper", sa.Float(), nullable=True),
        sa.Column("unrated", sa.String(), nullable=True),
        sa.Column("variants", sa.BigInteger(), nullable=False),
        sa.Column("selection_bias", sa.Float(), nullable=True),
        sa.Column("method_version", sa.String(), nullable=False),
        sa.Column("published_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_private_result_model_id")),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_private_result")),
    )
    op.create_table(
        "report",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("computed_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_report")),
    )

    # Rows come in the order of these columns, so that a range of days is found without reading the others.
    op.create_index(op.f("ix_battle_created_at"), "battle", ["created_at"], postgresql_using="brin")
    op.create_index(op.f("ix_ballot_cast_on"), "ballot", ["cast_on"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index(op.f("ix_ballot_cast_on"), "ballot")
    op.drop_index(op.f("ix_battle_created_at"), "battle")
    for table in ("report", "private_result", "model_version"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_model_private_test_has_codename"), "model")
    op.drop_constraint(op.f("uq_model_codename"), "model")
    for column in ("retired_reason", "private_since", "codename", "private_test"):
        op.drop_column("model", column)
