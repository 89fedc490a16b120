"""where releases were published, and how the schedule of releases is doing

Revision: 9c2e4b7d1a35, after 3e7a91c5d0f4
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "9c2e4b7d1a35"
down_revision = "3e7a91c5d0f4"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "release_copy",
        sa.Column("release", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("published_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["release"], ["release.name"], name=op.f("fk_release_copy_release")),
        sa.PrimaryKeyConstraint("release", "destination", name=op.f("pk_release_copy")),
    )
    op.create_table(
        "release_schedule",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("1"), autoincrement=False, nullable=False),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("since", MOMENT, server_default=NOW, nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_release_schedule_one_row")),
        sa.CheckConstraint(
            "(failing_since IS NULL) = (error IS NULL)", name=op.f("ck_release_schedule_error_iff_failing")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_schedule")),
    )


def downgrade() -> None:
    op.drop_table("release_schedule")
    op.drop_table("release_copy")
