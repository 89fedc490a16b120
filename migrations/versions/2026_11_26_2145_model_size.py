"""size of a model

Revision: b3d94f1c2a60, after 8d2f6b40c9a7
"""

import sqlalchemy as sa
from alembic import op

revision = "b3d94f1c2a60"
down_revision = "8d2f6b40c9a7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("model", sa.Column("parameters_billions", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("model", "parameters_billions")
