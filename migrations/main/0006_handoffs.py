"""What was handed off to whom, and the SOS buttons that call for it."""

import sqlalchemy as sa
from alembic import op

revision = "main_0006"
down_revision = "main_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handoff",
        sa.Column("handoff_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=True),
        sa.Column("button_id", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("handoff_id"),
        sa.UniqueConstraint("event_id"),
    )
    for column in ("asset_id", "button_id", "at_us", "is_open"):
        op.create_index(f"ix_handoff_{column}", "handoff", [column])
    op.create_table(
        "sos_button",
        sa.Column("button_id", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("button_id"),
    )


def downgrade() -> None:
    op.drop_table("sos_button")
    op.drop_table("handoff")
