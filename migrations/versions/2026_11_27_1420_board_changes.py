"""changes of imported boards, and how far their files came

Revision: 8d3f6a1c2e57, after 5b1e8d07f3a4
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "8d3f6a1c2e57"
down_revision = "5b1e8d07f3a4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("board", sa.Column("changes", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("board", sa.Column("files", JSONB(), server_default=sa.text("'{}'"), nullable=False))


def downgrade() -> None:
    op.drop_column("board", "files")
    op.drop_column("board", "changes")
