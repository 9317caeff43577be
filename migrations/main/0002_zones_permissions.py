"""Zones with stages and windows; airspace permissions."""

import sqlalchemy as sa
from alembic import op

revision = "main_0002"
down_revision = "main_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("zone", sa.Column("standing_version", sa.Integer(), nullable=True))
    op.execute("UPDATE zone SET standing_version = version")
    op.create_table(
        "permission",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "number"),
    )


def downgrade() -> None:
    op.drop_table("permission")
    op.drop_column("zone", "standing_version")
