"""How far each vehicle's clock was from the station's."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0003"
down_revision = "telemetry_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telemetry_clock",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("offset_s", sa.Float(), nullable=False),
        sa.Column("sigma_s", sa.Float(), nullable=False),
        sa.Column("least_s", sa.Float(), nullable=False),
        sa.Column("most_s", sa.Float(), nullable=False),
        sa.Column("measured", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "at_us"),
    )


def downgrade() -> None:
    op.drop_table("telemetry_clock")
