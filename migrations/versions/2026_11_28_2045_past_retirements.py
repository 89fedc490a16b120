"""retirements that ended because a catalog listed the model again

Revision: 5b7e2d90c4f1, after 3f0c8b7d92a4
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5b7e2d90c4f1"
down_revision = "3f0c8b7d92a4"
branch_labels = None
depends_on = None

# Until now only the periods in which a model was served told of a retirement that was undone.
FROM_PERIODS = """
UPDATE model SET past_retirements = found.retirements
FROM (
    SELECT model_id, jsonb_agg(
        jsonb_build_object(
            'retired_at', last_served_at, 'listed_again_at', served_again_at, 'reason', substr(reason, 10)
        ) ORDER BY last_served_at
    ) AS retirements
    FROM (
        SELECT *, lead(first_served_at) OVER (PARTITION BY model_id ORDER BY first_served_at, id) AS served_again_at
        FROM model_version
    ) AS period
    WHERE reason LIKE 'Retired: %' AND served_again_at IS NOT NULL
    GROUP BY model_id
) AS found
WHERE model.id = found.model_id
"""


def upgrade() -> None:
    retirements = sa.Column(
        "past_retirements", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False
    )
    op.add_column("model", retirements)
    op.execute("SET LOCAL TIME ZONE 'UTC'")  # in which the moments are written
    op.execute(FROM_PERIODS)


def downgrade() -> None:
    op.drop_column("model", "past_retirements")
