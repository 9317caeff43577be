"""Telemetry samples."""

import sqlalchemy as sa
from alembic import op

revision = "telemetry_0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBERS = (
    "north_m_s",
    "east_m_s",
    "down_m_s",
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
    "camera_yaw_deg",
    "camera_pitch_deg",
    "camera_roll_deg",
    "horizontal_sigma_m",
    "vertical_sigma_m",
    "battery_fraction",
)


def upgrade() -> None:
    op.create_table(
        "telemetry_sample",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("lat_deg", sa.Float(), nullable=True),
        sa.Column("lon_deg", sa.Float(), nullable=True),
        sa.Column("altitude_m", sa.Float(), nullable=True),
        sa.Column("datum", sa.String(), nullable=True),
        *(sa.Column(name, sa.Float(), nullable=True) for name in NUMBERS),
        sa.Column("armed", sa.Boolean(), nullable=True),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("on_ground", sa.Boolean(), nullable=True),
        sa.CheckConstraint("lat_deg BETWEEN -90 AND 90", name="sample_lat_on_earth"),
        sa.CheckConstraint("lon_deg BETWEEN -180 AND 180", name="sample_lon_on_earth"),
        sa.PrimaryKeyConstraint("asset_id", "at_us"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("telemetry_sample")
