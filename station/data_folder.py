"""What a data folder holds: the names of its files, its databases and its stores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from api.accounts import AccountStore, PasswordHasher, ReceiptStore
from geo.ports import ZoneStore
from incidents.ports import EvidenceRetention, EvidenceVault, IncidentStore, PurgeableVault
from missions.control.ports import ControlStore
from missions.driving.ports import TapStore
from missions.handoffs.ports import HandoffStore
from missions.ports import MissionStore, PermissionStore, ScheduleStore
from telemetry.ports import TelemetryLog

STATION_FILE: Final = "qyran.db"
TELEMETRY_FILE: Final = "telemetry.db"
EVIDENCE_FOLDER: Final = "evidence"


@dataclass(frozen=True, slots=True)
class Database:
    """Open engines of a data folder, at the schema that this Qyran knows."""

    home: Path
    main: Engine
    telemetry: Engine
    schema_version: str

    def close(self) -> None:
        """Closes all connections; SQLite folds its write-ahead log into the file."""
        self.main.dispose()
        self.telemetry.dispose()


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that a data folder keeps."""

    database: Database
    zones: ZoneStore
    missions: MissionStore
    permissions: PermissionStore
    schedules: ScheduleStore
    control: ControlStore
    handoffs: HandoffStore
    taps: TapStore
    """What drivers have pressed."""
    telemetry: TelemetryLog
    incidents: IncidentStore
    accounts: AccountStore
    receipts: ReceiptStore
    """Of observations from elsewhere."""
    vault: EvidenceVault
    passwords: PasswordHasher


@dataclass(frozen=True, slots=True)
class RetentionStores:
    """What can be forgotten."""

    telemetry: TelemetryLog
    vault: PurgeableVault
    evidence: EvidenceRetention
