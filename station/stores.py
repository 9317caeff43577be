"""Opens the data folder: the databases, the evidence vault, and the stores on them.

With `station.wiring` and `station.database` one of the three modules that name adapters; verbs
that need a store but no station open it here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.accounts import PasswordHasher
from api.adapters.argon2_passwords import Argon2Passwords
from api.adapters.sqlmodel_accounts import SqlAccountStore
from core.clock import Clock, SystemClock
from geo.adapters.sqlmodel_zones import SqlZoneStore
from geo.ports import ZoneStore
from geo.zones import Zone
from incidents.adapters.folder_vault import FolderVault
from incidents.adapters.sqlmodel_store import SqlIncidentStore
from incidents.ports import EvidenceVault, IncidentStore
from missions.adapters.sqlmodel_store import SqlMissionStore
from missions.ports import MissionStore
from station.database import EVIDENCE_FOLDER, Database, open_database
from station.settings import Settings
from telemetry.adapters.sqlmodel_log import SqlTelemetryLog
from telemetry.ports import TelemetryLog


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that a data folder keeps."""

    database: Database
    zones: ZoneStore
    missions: MissionStore
    telemetry: TelemetryLog
    incidents: IncidentStore
    accounts: SqlAccountStore
    """Also keeps the receipts of observations from elsewhere."""
    vault: EvidenceVault
    passwords: PasswordHasher


@contextmanager
def opened_stores(
    settings: Settings, *, clock: Clock | None = None, migrate: bool = False
) -> Iterator[Stores]:
    """Opens the stores of the data folder during the block; makes the folder at first use.

    Args:
        settings: whose `home` is the data folder.
        clock: the machine's own by default.
        migrate: brings an older schema up to date instead of refusing it.

    Raises:
        StoreOutdated: if the schema is older and `migrate` is off.
        StoreTooNew: if a newer Qyran has written it.
        StoreUnreadable: if it can't be opened.
        DiskFull: if there is no room to create it.
    """
    clock = clock or SystemClock()
    database = open_database(settings.home, migrate=migrate)
    try:
        yield Stores(
            database=database,
            zones=SqlZoneStore(database.main),
            missions=SqlMissionStore(database.main),
            telemetry=SqlTelemetryLog(database.telemetry),
            incidents=SqlIncidentStore(database.main, clock),
            accounts=SqlAccountStore(database.main),
            vault=FolderVault(settings.home / EVIDENCE_FOLDER),
            passwords=Argon2Passwords(),
        )
    finally:
        database.close()


def read_zone_file(path: Path) -> tuple[Zone, ...]:
    """Returns the zones of a GeoJSON, GeoPackage or KML file; raises as `read_zones`."""
    from geo.adapters.geojson_zones import read_zones  # geopandas takes a second to import

    return read_zones(path)


def write_zone_file(path: Path, zones: Sequence[Zone]) -> None:
    """Writes zones to a file, whose ending names the format; raises as `write_zones`."""
    from geo.adapters.geojson_zones import write_zones

    write_zones(path, zones)
