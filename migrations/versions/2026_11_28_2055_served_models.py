"""which model was asked for at the endpoints in each period

Revision: c41a9e7f3b28, after 5b7e2d90c4f1
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c41a9e7f3b28"
down_revision = "5b7e2d90c4f1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("model_version", sa.Column("served_models", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("model_version", "served_models")
