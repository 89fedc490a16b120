"""each ballot as the line that boards read of it, and which rules tagged it

Revision: 3f0c8b7d92a4, after 8d3f6a1c2e57
"""

import sqlalchemy as sa
from alembic import op

revision = "3f0c8b7d92a4"
down_revision = "8d3f6a1c2e57"
branch_labels = None
depends_on = None

# No generated column: to add one writes the table anew, which blocks votes, and whoever began to read before finds it
# empty. A ballot has its line once it is written again. The first half of a prompt's digest stands there as a number.
LINES = """
CREATE FUNCTION ballot_line(ballot) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT concat_ws(
        E'\\x1f', $1.vote_id, $1.voter, $1.model_a_id, $1.model_b_id, $1.winner, coalesce($1.reason, ''),
        coalesce(array_to_string($1.tags, ' '), ''),
        coalesce((('x' || left(nullif($1.prompt_digest, ''), 16))::bit(64)::bigint)::text, ''),
        coalesce(array_to_string($1.style_a, E'\\x1f'), repeat(E'\\x1f', 5)),
        coalesce(array_to_string($1.style_b, E'\\x1f'), repeat(E'\\x1f', 5))
    )
$$;

CREATE FUNCTION keep_ballot_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.line := ballot_line(NEW);
    RETURN NEW;
END $$;

CREATE TRIGGER keep_ballot_line BEFORE INSERT OR UPDATE ON ballot FOR EACH ROW EXECUTE FUNCTION keep_ballot_line();
ALTER TABLE ballot ENABLE ALWAYS TRIGGER keep_ballot_line;
"""


def upgrade() -> None:
    op.add_column("ballot", sa.Column("line", sa.String(), nullable=True))
    op.execute(LINES)
    # Millions of ballots may take longer to index than a statement may.
    op.execute("SET LOCAL statement_timeout = 0")
    op.create_index(op.f("ix_ballot_rules"), "ballot", ["rules"])


def downgrade() -> None:
    op.drop_index(op.f("ix_ballot_rules"), "ballot")
    op.execute("DROP TRIGGER keep_ballot_line ON ballot")
    op.execute("DROP FUNCTION keep_ballot_line()")
    op.execute("DROP FUNCTION ballot_line(ballot)")
    op.drop_column("ballot", "line")
