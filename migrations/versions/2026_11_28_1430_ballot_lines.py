"""each ballot as the line that boards read of it, and which rules tagged it

Revision: 3f0c8b7d92a4, after 8d3f6a1c2e57
"""

import sqlalchemy as sa
from alembic import op

revision = "3f0c8b7d92a4"
down_revision = "8d3f6a1c2e57"
branch_labels = None
depends_on = None

# To write an array as text may depend on the settings of a session; of whole numbers and of text it does not. Of the
# digest of a prompt, which is hexadecimal, the first half stands there as a number.
BALLOT_LINE = """
CREATE FUNCTION ballot_line(
    vote_id bigint, voter bigint, model_a_id bigint, model_b_id bigint, winner text, reason text, tags text[],
    prompt_digest text, style_a integer[], style_b integer[]
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT concat_ws(
        E'\\x1f', vote_id, voter, model_a_id, model_b_id, winner, coalesce(reason, ''),
        coalesce(array_to_string(tags, ' '), ''),
        coalesce((('x' || left(prompt_digest, 16))::bit(64)::bigint)::text, ''),
        coalesce(array_to_string(style_a, E'\\x1f'), repeat(E'\\x1f', 5)),
        coalesce(array_to_string(style_b, E'\\x1f'), repeat(E'\\x1f', 5))
    )
$$
"""


def upgrade() -> None:
    # Millions of ballots are written anew, which takes longer than a migration may block a running service.
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute(BALLOT_LINE)
    line = sa.Computed(
        "ballot_line(vote_id, voter, model_a_id, model_b_id, winner, reason, tags, prompt_digest, style_a, style_b)",
        persisted=True,
    )
    op.add_column("ballot", sa.Column("line", sa.String(), line, nullable=False))
    op.create_index(op.f("ix_ballot_rules"), "ballot", ["rules"])


def downgrade() -> None:
    op.drop_index(op.f("ix_ballot_rules"), "ballot")
    op.drop_column("ballot", "line")
    op.execute(
        "DROP FUNCTION ballot_line(bigint, bigint, bigint, bigint, text, text, text[], text, integer[], integer[])"
    )
