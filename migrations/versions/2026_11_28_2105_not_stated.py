"""a licence and open weights that nobody stated are null

Revision: e86d05f2a91c, after c41a9e7f3b28
"""

import sqlalchemy as sa
from alembic import op

revision = "e86d05f2a91c"
down_revision = "c41a9e7f3b28"
branch_labels = None
depends_on = None

TABLES = ("model", "model_version")


def upgrade() -> None:
    for table in TABLES:
        op.alter_column(table, "license", nullable=True)
        op.alter_column(table, "open_weights", nullable=True)
        # Of weights nobody knows which were not stated; the next catalog says so.
        op.execute(f"UPDATE {table} SET license = NULL WHERE license = 'unknown'")
    op.alter_column("model", "open_weights", server_default=None)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"UPDATE {table} SET license = 'unknown' WHERE license IS NULL")
        op.execute(f"UPDATE {table} SET open_weights = false WHERE open_weights IS NULL")
        op.alter_column(table, "license", nullable=False)
        op.alter_column(table, "open_weights", nullable=False)
    op.alter_column("model", "open_weights", server_default=sa.text("false"))
