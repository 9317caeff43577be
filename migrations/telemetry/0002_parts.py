"""Telemetry samples in columns, by asset and hour, instead of a row each."""

from itertools import groupby

import sqlalchemy as sa
from alembic import op

from telemetry import blocks
from telemetry.columns import DATUMS, MODES, RECORD, SAID

revision = "telemetry_0002"
down_revision = "telemetry_0001"
branch_labels = None
depends_on = None

HOUR_US = 3_600_000_000
NAMES = RECORD.names
FLAGS = {None: 0, 0: 1, 1: 2}
DATUM_CODES = {None: 0} | {str(word): code for code, word in enumerate(DATUMS, 1)}
MODE_CODES = {None: 0} | {str(word): code for code, word in enumerate(MODES, 1)}

SAMPLES = sa.table("telemetry_sample", sa.column("asset_id"), *(
    sa.column(name) for name in NAMES if name != "said"
))  # fmt: skip
PARTS = sa.table("telemetry_part", *(sa.column(name) for name in (
    "asset_id", "hour", "first_us", "last_us", "samples", "sealed", "data"
)))  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "telemetry_part",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "hour", "first_us"),
    )
    op.create_index("telemetry_part_open", "telemetry_part", ["sealed", "asset_id", "hour"])
    connection = op.get_bind()
    assets = connection.scalars(sa.select(SAMPLES.c.asset_id).distinct()).all()
    for asset_id in assets:
        rows = connection.execute(
            sa.select(SAMPLES).where(SAMPLES.c.asset_id == asset_id).order_by(SAMPLES.c.at_us),
            # of this statement alone: PostgreSQL knows no cursor for what writes
            execution_options={"yield_per": 10_000},
        )
        for hour, group in groupby(rows, key=lambda row: row.at_us // HOUR_US):
            records = [blocks.PACK_RECORD(*values(row._mapping)) for row in group]
            write(connection, asset_id, hour, blocks.columns_of([blocks.piece(records)]))
    op.drop_table("telemetry_sample")


def values(row):
    said = 0
    for name, bit in SAID.items():
        said |= 0 if row[name] is None else bit
    coded = {
        "said": said,
        "datum": DATUM_CODES[row["datum"]],
        "mode": MODE_CODES[row["mode"]],
        "armed": FLAGS[row["armed"]],
        "on_ground": FLAGS[row["on_ground"]],
    }
    return tuple(coded[n] if n in coded else 0.0 if row[n] is None else row[n] for n in NAMES)


def write(connection, asset_id, hour, columns):
    at_us = columns["at_us"]
    row = {"asset_id": asset_id, "hour": hour, "samples": len(at_us), "sealed": True}
    row |= {"first_us": int(at_us[0]), "last_us": int(at_us[-1]), "data": blocks.block(columns)}
    connection.execute(sa.insert(PARTS), [row])


def downgrade() -> None:
    op.create_table(
        "telemetry_sample",
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=True) for name in SAID),
        sa.Column("datum", sa.String(), nullable=True),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("armed", sa.Boolean(), nullable=True),
        sa.Column("on_ground", sa.Boolean(), nullable=True),
        sa.CheckConstraint("lat_deg BETWEEN -90 AND 90", name="sample_lat_on_earth"),
        sa.CheckConstraint("lon_deg BETWEEN -180 AND 180", name="sample_lon_on_earth"),
        sa.PrimaryKeyConstraint("asset_id", "at_us"),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    keys = sa.select(PARTS.c.asset_id, PARTS.c.hour, PARTS.c.first_us)
    for asset_id, hour, first_us in connection.execute(keys).all():
        where = (PARTS.c.asset_id == asset_id, PARTS.c.hour == hour, PARTS.c.first_us == first_us)
        data = connection.scalars(sa.select(PARTS.c.data).where(*where)).one()
        columns = {name: one.tolist() for name, one in blocks.columns_of([data]).items()}
        rows = [
            {"asset_id": asset_id} | row_of(dict(zip(columns, one, strict=True)))
            for one in zip(*columns.values(), strict=True)
        ]
        connection.execute(sa.insert(SAMPLES), rows)
    op.drop_table("telemetry_part")


def row_of(one):
    row = {name: one[name] if one["said"] & bit else None for name, bit in SAID.items()}
    return row | {
        "at_us": one["at_us"],
        "datum": str(DATUMS[one["datum"] - 1]) if one["datum"] else None,
        "mode": str(MODES[one["mode"] - 1]) if one["mode"] else None,
        "armed": (None, False, True)[one["armed"]],
        "on_ground": (None, False, True)[one["on_ground"]],
    }
