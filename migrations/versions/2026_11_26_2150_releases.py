"""releases, and what battles, voters and votes that came with one are called in them

Revision: 3e7a91c5d0f4, after b3d94f1c2a60
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3e7a91c5d0f4"
down_revision = "b3d94f1c2a60"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
MOMENT = postgresql.TIMESTAMP(timezone=True)
EMPTY = sa.text("'[]'")

# Whoever holds a release has to hear of battles that were erased since; a battle that was in none is just gone.
TRIGGER = """
CREATE FUNCTION note_erased_battle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO erased_battle (battle_id, released_as)
    SELECT OLD.id, OLD.released_as WHERE EXISTS (SELECT FROM release WHERE opened_at >= OLD.created_at)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER note_erased_battle AFTER DELETE ON battle FOR EACH ROW
WHEN (OLD.publish AND OLD.state = 'voted') EXECUTE FUNCTION note_erased_battle();
"""


def upgrade() -> None:
    op.create_table(
        "release",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("opened_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("last_vote_id", sa.BigInteger(), nullable=False),
        sa.Column("last_imported_id", sa.BigInteger(), nullable=False),
        sa.Column("models", postgresql.JSONB(), nullable=False),
        sa.Column("manifest", postgresql.JSONB(), nullable=True),
        sa.Column("withheld", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("withdrawn", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.CheckConstraint("variant IN ('open', 'audit')", name=op.f("ck_release_variant_known")),
        sa.CheckConstraint("state IN ('open', 'closed', 'imported')", name=op.f("ck_release_state_known")),
        sa.CheckConstraint("(state = 'open') = (key IS NOT NULL)", name=op.f("ck_release_key_iff_open")),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_release_closed_has_moment")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_release")),
    )
    op.create_table(
        "erased_battle",
        sa.Column("battle_id", sa.String(), nullable=False),
        sa.Column("released_as", sa.String(), nullable=True),
        sa.Column("erased_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("battle_id", name=op.f("pk_erased_battle")),
    )
    op.add_column("voter", sa.Column("pseudonym", sa.String(), nullable=True))
    op.create_unique_constraint(op.f("uq_voter_pseudonym"), "voter", ["pseudonym"])
    sampling = sa.Column("sampling_policy", sa.String(), server_default="uniform", nullable=False)
    op.add_column("battle", sampling)
    op.add_column("battle", sa.Column("released_as", sa.String(), nullable=True))
    op.add_column("battle", sa.Column("released_version_a", sa.BigInteger(), nullable=True))
    op.add_column("battle", sa.Column("released_version_b", sa.BigInteger(), nullable=True))
    op.create_unique_constraint(op.f("uq_battle_released_as"), "battle", ["released_as"])
    op.add_column("turn", sa.Column("redacted", postgresql.JSONB(), nullable=True))
    op.add_column("turn", sa.Column("moderation", postgresql.JSONB(), nullable=True))
    op.add_column("imported_vote", sa.Column("released_as", sa.String(), nullable=True))
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER note_erased_battle ON battle")
    op.execute("DROP FUNCTION note_erased_battle()")
    op.drop_column("imported_vote", "released_as")
    op.drop_column("turn", "moderation")
    op.drop_column("turn", "redacted")
    op.drop_constraint(op.f("uq_battle_released_as"), "battle")
    for column in ("released_version_b", "released_version_a", "released_as", "sampling_policy"):
        op.drop_column("battle", column)
    op.drop_constraint(op.f("uq_voter_pseudonym"), "voter")
    op.drop_column("voter", "pseudonym")
    op.drop_table("erased_battle")
    op.drop_table("release")
