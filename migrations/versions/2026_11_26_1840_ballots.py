"""ballots, and snapshots as folders of files

Revision: 5c1f0c3f7b1e, after 2aea470219d4
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5c1f0c3f7b1e"
down_revision = "2aea470219d4"
branch_labels = None
depends_on = None

THIS_TRANSACTION = sa.text("(pg_current_xact_id()::text)::bigint")

# A ballot follows its vote whoever changes it: the voter, an operator, or a job.
TRIGGERS = """
CREATE FUNCTION add_ballot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ballot (vote_id, voter, model_a_id, model_b_id, winner, reason, cast_on)
    SELECT NEW.id, voter.number, battle.model_a_id, battle.model_b_id, NEW.winner, NEW.reason,
        (NEW.created_at AT TIME ZONE 'UTC')::date
    FROM battle, voter WHERE battle.id = NEW.battle_id AND voter.id = NEW.voter_id;
    RETURN NULL;
END $$;

CREATE FUNCTION change_ballot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ballot SET winner = NEW.winner, reason = NEW.reason,
        written_in = (pg_current_xact_id()::text)::bigint
    WHERE vote_id = NEW.id AND (winner, reason) IS DISTINCT FROM (NEW.winner, NEW.reason);
    RETURN NULL;
END $$;

CREATE FUNCTION note_removed_ballot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO removed_ballot (vote_id) VALUES (OLD.vote_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER add_ballot AFTER INSERT ON vote FOR EACH ROW EXECUTE FUNCTION add_ballot();
CREATE TRIGGER change_ballot AFTER UPDATE OF winner, reason ON vote FOR EACH ROW EXECUTE FUNCTION change_ballot();
CREATE TRIGGER note_removed_ballot AFTER DELETE ON ballot FOR EACH ROW EXECUTE FUNCTION note_removed_ballot();

INSERT INTO ballot (vote_id, voter, model_a_id, model_b_id, winner, reason, cast_on)
SELECT vote.id, voter.number, battle.model_a_id, battle.model_b_id, vote.winner, vote.reason,
    (vote.created_at AT TIME ZONE 'UTC')::date
FROM vote JOIN battle ON battle.id = vote.battle_id JOIN voter ON voter.id = vote.voter_id ORDER BY vote.id;
"""


def upgrade() -> None:
    op.add_column("voter", sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_unique_constraint(op.f("uq_voter_number"), "voter", ["number"])
    op.create_table(
        "ballot",
        sa.Column("vote_id", sa.BigInteger(), nullable=False),
        sa.Column("voter", sa.BigInteger(), nullable=False),
        sa.Column("model_a_id", sa.BigInteger(), nullable=False),
        sa.Column("model_b_id", sa.BigInteger(), nullable=False),
        sa.Column("winner", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("cast_on", sa.Date(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("style_a", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column("style_b", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column("prompt_digest", sa.String(), nullable=True),
        sa.Column("rules", sa.String(), nullable=True),
        sa.Column("written_in", sa.BigInteger(), server_default=THIS_TRANSACTION, nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_ballot_vote_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("vote_id", name=op.f("pk_ballot")),
    )
    op.create_index(op.f("ix_ballot_written_in"), "ballot", ["written_in"])
    op.create_index("ix_ballot_untagged", "ballot", ["vote_id"], postgresql_where=sa.text("rules IS NULL"))
    op.create_table(
        "removed_ballot",
        sa.Column("vote_id", sa.BigInteger(), nullable=False),
        sa.Column("written_in", sa.BigInteger(), server_default=THIS_TRANSACTION, nullable=False),
        sa.PrimaryKeyConstraint("vote_id", name=op.f("pk_removed_ballot")),
    )
    op.create_index(op.f("ix_removed_ballot_written_in"), "removed_ballot", ["written_in"])
    op.create_table(
        "fit_failure",
        sa.Column("id", sa.BigInteger(), server_default=sa.text("1"), autoincrement=False, nullable=False),
        sa.Column(
            "failing_since",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("error", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_fit_failure_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fit_failure")),
    )
    # Millions of votes take longer than a migration may block a running service, which cannot serve without them.
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute(TRIGGERS)
    op.add_column("board", sa.Column("votes", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.execute(
        "UPDATE board SET votes = (SELECT count(*) FROM imported_vote WHERE imported_vote.board_id = board.id)"
    )
    # Snapshots of the first version cannot be verified by this one; the next fit makes one anew.
    op.drop_table("leaderboard")
    op.execute("DELETE FROM snapshot")
    op.add_column("snapshot", sa.Column("inputs", postgresql.JSONB(), nullable=False))
    op.add_column("snapshot", sa.Column("results_digest", sa.String(), nullable=False))
    op.add_column("snapshot", sa.Column("visible", sa.String(), nullable=False))
    op.create_table(
        "snapshot_file",
        sa.Column("snapshot_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.id"], name=op.f("fk_snapshot_file_snapshot_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "name", name=op.f("pk_snapshot_file")),
    )


def downgrade() -> None:
    op.drop_table("fit_failure")
    op.drop_table("snapshot_file")
    for column in ("visible", "results_digest", "inputs"):
        op.drop_column("snapshot", column)
    op.create_table(
        "leaderboard",
        sa.Column("snapshot_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("votes_digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.id"], name=op.f("fk_leaderboard_snapshot_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "name", name=op.f("pk_leaderboard")),
    )
    for trigger, table in (
        ("add_ballot", "vote"),
        ("change_ballot", "vote"),
        ("note_removed_ballot", "ballot"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
        op.execute(f"DROP FUNCTION {trigger}()")
    op.drop_column("board", "votes")
    op.drop_table("removed_ballot")
    op.drop_table("ballot")
    op.drop_constraint(op.f("uq_voter_number"), "voter")
    op.drop_column("voter", "number")
