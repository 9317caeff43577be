"""Schedules and what became of each of their occurrences."""

import sqlalchemy as sa
from alembic import op

revision = "main_0003"
down_revision = "main_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedule",
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("looked_until_s", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("version >= 1", name="schedule_version_counts"),
        sa.PrimaryKeyConstraint("schedule_id"),
    )
    op.create_table(
        "schedule_history",
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.schedule_id"]),
        sa.PrimaryKeyConstraint("schedule_id", "version"),
    )
    op.create_table(
        "firing",
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("start_s", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state IN ('due', 'claimed', 'held', 'dispatched', 'missed')",
            name="firing_state_known",
        ),
        sa.CheckConstraint("version >= 1", name="firing_version_counts"),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.schedule_id"]),
        sa.PrimaryKeyConstraint("schedule_id", "start_s"),
    )
    op.create_index("ix_firing_state", "firing", ["state"])
    op.create_index("ix_firing_start_s", "firing", ["start_s"])
    _guard()


def _guard() -> None:
    """What was approved once can be read for ever."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER schedule_history_no_{verb.lower()} "
                f"BEFORE {verb} ON schedule_history "
                "BEGIN SELECT RAISE(ABORT, 'schedule_history is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER schedule_history_append_only "
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON schedule_history "
        "FOR EACH STATEMENT EXECUTE FUNCTION qyran_refuse()"
    )


def downgrade() -> None:
    for table in ("firing", "schedule_history", "schedule"):
        op.drop_table(table)
