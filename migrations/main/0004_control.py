"""Who commands each asset, and the chain of every command."""

import sqlalchemy as sa
from alembic import op

revision = "main_0004"
down_revision = "main_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "control_lease",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.CheckConstraint("term >= 1", name="control_lease_term_counts"),
        sa.PrimaryKeyConstraint("asset_id"),
    )
    op.create_table(
        "command_record",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    for column in ("asset_id", "kind", "at_us"):
        op.create_index(f"ix_command_record_{column}", "command_record", [column])
    _guard()


def _guard() -> None:
    """What was commanded stays as it was told."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER command_record_no_{verb.lower()} BEFORE {verb} ON command_record "
                "BEGIN SELECT RAISE(ABORT, 'command_record is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER command_record_append_only "
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON command_record "
        "FOR EACH STATEMENT EXECUTE FUNCTION qyran_refuse()"
    )


def downgrade() -> None:
    op.drop_table("command_record")
    op.drop_table("control_lease")
