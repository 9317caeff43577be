"""What drivers have pressed."""

import sqlalchemy as sa
from alembic import op

revision = "main_0005"
down_revision = "main_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "driver_tap",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tap_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("sortie_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("tap_id"),
    )
    for column in ("asset_id", "sortie_id"):
        op.create_index(f"ix_driver_tap_{column}", "driver_tap", [column])
    _guard()


def _guard() -> None:
    """What a driver has said stays as it was said."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER driver_tap_no_{verb.lower()} BEFORE {verb} ON driver_tap "
                "BEGIN SELECT RAISE(ABORT, 'driver_tap is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER driver_tap_append_only "
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON driver_tap "
        "FOR EACH STATEMENT EXECUTE FUNCTION qyran_refuse()"
    )


def downgrade() -> None:
    op.drop_table("driver_tap")
