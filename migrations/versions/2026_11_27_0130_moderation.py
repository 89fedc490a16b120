"""moderation of turns

Revision: 5b1e8d07f3a4, after 9c2e4b7d1a35
"""

import sqlalchemy as sa
from alembic import op

revision = "5b1e8d07f3a4"
down_revision = "9c2e4b7d1a35"
branch_labels = None
depends_on = None

NOT_MODERATED = "state IN ('answered', 'stopped') AND moderation IS NULL AND moderated_at IS NULL"


def upgrade() -> None:
    op.add_column("turn", sa.Column("moderated_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_turn_not_moderated", "turn", ["id"], postgresql_where=sa.text(NOT_MODERATED))


def downgrade() -> None:
    op.drop_index("ix_turn_not_moderated", table_name="turn")
    op.drop_column("turn", "moderated_at")
