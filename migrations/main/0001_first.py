"""Accounts, zones, assets, patrols, sorties, incidents with their history, removed media."""

import sqlalchemy as sa
from alembic import op

revision = "main_0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("incident_history", "zone_history", "evidence_tombstone")
KINDS = "kind IN ('vehicle_stopped', 'waste_heap')"
INCIDENT_STATES = (
    "state IN ('open', 'confirmed', 'dismissed', 'assigned', 'done', 'closed', 'merged')"
)
SORTIE_STATES = (
    "state IN ('planned', 'authorised', 'underway', 'holding', 'returning', 'completed', "
    "'aborted', 'failed', 'cancelled')"
)


def upgrade() -> None:
    _zones()
    _missions()
    _incidents()
    _accounts()
    guard()


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("agency", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("login = lower(login) AND login <> ''", name="account_login_folded"),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("login"),
    )
    op.create_table(
        "account_token",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('session', 'bearer')", name="account_token_kind_known"),
        sa.ForeignKeyConstraint(["user_id"], ["account.user_id"]),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_account_token_user_id", "account_token", ["user_id"])
    op.create_index("ix_account_token_expires_at", "account_token", ["expires_at"])
    op.create_table(
        "observation_receipt",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("observation_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=True),
        sa.Column("refused_code", sa.String(), nullable=False),
        sa.Column("refused_reason", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "serial"),
    )


def _zones() -> None:
    op.create_table(
        "zone",
        sa.Column("zone_id", sa.String(), nullable=False),
        sa.Column("flight", sa.Boolean(), nullable=False),
        sa.Column("watch", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("version >= 1", name="zone_version_counts"),
        sa.CheckConstraint("flight OR watch", name="zone_has_purpose"),
        sa.PrimaryKeyConstraint("zone_id"),
    )
    op.create_table(
        "zone_history",
        sa.Column("zone_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["zone.zone_id"]),
        sa.PrimaryKeyConstraint("zone_id", "version"),
    )


def _missions() -> None:
    for noun in ("asset", "patrol"):
        op.create_table(
            noun,
            sa.Column(f"{noun}_id", sa.String(), nullable=False),
            sa.Column("document", sa.JSON(), nullable=False),
            sa.PrimaryKeyConstraint(f"{noun}_id"),
        )
    op.create_table(
        "sortie",
        sa.Column("sortie_id", sa.String(), nullable=False),
        sa.Column("asset_id", sa.String(), nullable=False),
        sa.Column("patrol_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.CheckConstraint(SORTIE_STATES, name="sortie_state_known"),
        sa.CheckConstraint("version >= 1", name="sortie_version_counts"),
        sa.PrimaryKeyConstraint("sortie_id"),
    )
    for column in ("asset_id", "patrol_id", "state"):
        op.create_index(f"ix_sortie_{column}", "sortie", [column])


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("zone_id", sa.String(), nullable=False),
        sa.Column("agency", sa.String(), nullable=True),
        sa.Column("lat_deg", sa.Float(), nullable=False),
        sa.Column("lon_deg", sa.Float(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(KINDS, name="incident_kind_known"),
        sa.CheckConstraint(INCIDENT_STATES, name="incident_state_known"),
        sa.CheckConstraint("version >= 1", name="incident_version_counts"),
        sa.CheckConstraint("lat_deg BETWEEN -90 AND 90", name="incident_lat_on_earth"),
        sa.CheckConstraint("lon_deg BETWEEN -180 AND 180", name="incident_lon_on_earth"),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    op.create_index("incident_newest", "incident", ["opened_at", "incident_id"])
    op.create_index("incident_by_state", "incident", ["state", "opened_at", "incident_id"])
    op.create_index("incident_place", "incident", ["lat_deg", "lon_deg"])
    for column in ("zone_id", "agency", "last_seen_at"):
        op.create_index(f"ix_incident_{column}", "incident", [column])
    op.create_table(
        "incident_history",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.incident_id"]),
        sa.PrimaryKeyConstraint("incident_id", "version"),
    )
    op.create_table(
        "incident_observation",
        sa.Column("observation_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.incident_id"]),
        sa.PrimaryKeyConstraint("observation_id"),
    )
    op.create_index("ix_incident_observation_incident_id", "incident_observation", ["incident_id"])
    op.create_table(
        "incident_evidence",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.incident_id"]),
        sa.PrimaryKeyConstraint("digest", "incident_id"),
    )
    op.create_index("ix_incident_evidence_incident_id", "incident_evidence", ["incident_id"])
    op.create_table(
        "evidence_tombstone",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "removed_at"),
    )


def guard() -> None:
    """History can't be changed or deleted; an incident can't vanish or skip its history."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        op.execute(
            "CREATE TRIGGER incident_no_delete BEFORE DELETE ON incident "
            "BEGIN SELECT RAISE(ABORT, 'an incident is never deleted'); END"
        )
        op.execute(
            "CREATE TRIGGER incident_next_version BEFORE UPDATE ON incident "
            "WHEN NEW.version <> OLD.version + 1 OR NEW.incident_id <> OLD.incident_id "
            "BEGIN SELECT RAISE(ABORT, 'an incident changes by its next version only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION qyran_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION qyran_refuse()"
        )
    op.execute(
        "CREATE TRIGGER incident_no_delete BEFORE DELETE OR TRUNCATE ON incident "
        "FOR EACH STATEMENT EXECUTE FUNCTION qyran_refuse()"
    )
    op.execute(
        "CREATE TRIGGER incident_next_version BEFORE UPDATE ON incident FOR EACH ROW "
        "WHEN (NEW.version <> OLD.version + 1 OR NEW.incident_id <> OLD.incident_id) "
        "EXECUTE FUNCTION qyran_refuse()"
    )


def downgrade() -> None:
    """Drops everything; triggers go with their tables."""
    for table in (
        "evidence_tombstone",
        "incident_evidence",
        "incident_observation",
        "incident_history",
        "incident",
        "sortie",
        "patrol",
        "asset",
        "zone_history",
        "zone",
        "observation_receipt",
        "account_token",
        "account",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION qyran_refuse()")
