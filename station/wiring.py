"""The composition root: the only file that names adapters.

Nothing here decides anything; it opens what the settings name and hands it on as ports. Each
function imports its adapters, and what of the station holds them, when it is called, so that a
verb without video does not load FFmpeg, one without flights does not load MAVSDK, and one that
reads a file does not load a database. What is only named in a signature is not loaded at all.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.zones import Purpose
from missions.permission_documents import permissions_of
from missions.permissions import Permission
from station.json_file import read_json

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from core.clock import Clock
    from core.ids import CameraId
    from geo.adapters.geojson_zones import ZonesRead
    from geo.adapters.osm_roads import RoadImport
    from geo.adapters.road_files import RoadFile
    from geo.ports import TerrainModel
    from geo.positions import Altitude, Datum
    from geo.road_graph import RoadGraph
    from geo.zones import Zone
    from incidents.ports import EvidenceVault, Notifier, TappedEvidence
    from missions.attested_flight import AttestedFlight
    from missions.failsafes.authorisation import ArmAuthoriser
    from missions.model import Asset, Plan
    from missions.ports import DayCalendar, FleetOptimiser, WeatherSource
    from sim.route_vehicle import RouteVehicle
    from station.data_folder import Database, RetentionStores, Stores
    from station.ingest_tools import FootageTools
    from station.patrol_line import Craft
    from station.settings import Settings
    from telemetry.flight_logs import FlightLog, LogHints
    from telemetry.ports import TelemetryLink
    from telemetry.posted import Postbox
    from vision.ports import Detector, FrameSource
    from vision.shared_detector import SharedDetector


def open_detector(settings: "Settings") -> "SharedDetector":
    """Returns the one detector of all cameras.

    Raises:
        ModelUnreadable: if the weights are missing or broken.
        ExtraMissing: if the engine is not installed.
    """
    from vision.shared_detector import SharedDetector

    chosen = settings.detector
    network: Detector
    if chosen.engine == "ultralytics":
        from vision.adapters.ultralytics_detector import UltralyticsDetector

        network = UltralyticsDetector(chosen.weights)
    else:
        from vision.adapters.onnx_detector import OnnxDetector

        network = OnnxDetector(chosen.weights, threads=chosen.threads)
    return SharedDetector(network, batch_size=chosen.batch, queue_length=chosen.queue_frames)


def level_ground(altitude: "Altitude", sigma_m: float) -> "TerrainModel":
    """Returns ground of one height, with its one-sigma error in metres."""
    from geo.adapters.flat_terrain import FlatTerrain

    return FlatTerrain(altitude, sigma_m=sigma_m)


def notifiers(*others: "Notifier") -> "Notifier":
    """Returns a notifier that writes to the log and then tells the others."""
    from incidents.adapters.many_notifiers import ManyNotifiers

    return ManyNotifiers(*others)


def stores_of(database: "Database", clock: "Clock") -> "Stores":
    """Returns the stores on an opened data folder."""
    from api.adapters.argon2_passwords import Argon2Passwords
    from api.adapters.sqlmodel_accounts import SqlAccountStore
    from geo.adapters.sqlmodel_zones import SqlZoneStore
    from incidents.adapters.folder_vault import FolderVault
    from incidents.adapters.sqlmodel_store import SqlIncidentStore
    from missions.adapters.sqlmodel_control import SqlControlStore
    from missions.adapters.sqlmodel_handoffs import SqlHandoffStore
    from missions.adapters.sqlmodel_permissions import SqlPermissionStore
    from missions.adapters.sqlmodel_schedules import SqlScheduleStore
    from missions.adapters.sqlmodel_store import SqlMissionStore
    from missions.adapters.sqlmodel_taps import SqlTapStore
    from station.data_folder import EVIDENCE_FOLDER, Stores
    from telemetry.adapters.sqlmodel_log import SqlTelemetryLog

    accounts = SqlAccountStore(database.main)
    control = SqlControlStore(database.main)
    return Stores(
        database=database,
        zones=SqlZoneStore(database.main),
        missions=SqlMissionStore(database.main),
        permissions=SqlPermissionStore(database.main),
        schedules=SqlScheduleStore(database.main),
        control=control,
        handoffs=SqlHandoffStore(database.main, control),
        taps=SqlTapStore(database.main),
        telemetry=SqlTelemetryLog(database.telemetry),
        incidents=SqlIncidentStore(database.main, clock),
        accounts=accounts,
        receipts=accounts,
        vault=FolderVault(database.home / EVIDENCE_FOLDER),
        passwords=Argon2Passwords(),
    )


def retention_stores_of(database: "Database") -> "RetentionStores":
    """Returns what the retention works on in an opened data folder."""
    from incidents.adapters.folder_vault import FolderVault
    from incidents.adapters.sqlmodel_retention import SqlEvidenceRetention
    from station.data_folder import EVIDENCE_FOLDER, RetentionStores
    from telemetry.adapters.sqlmodel_log import SqlTelemetryLog

    return RetentionStores(
        SqlTelemetryLog(database.telemetry),
        FolderVault(database.home / EVIDENCE_FOLDER),
        SqlEvidenceRetention(database.main),
    )


def main_tables() -> "MetaData":
    """Returns the tables of the main database; importing the rows is what fills it."""
    from api.adapters.sqlmodel_accounts import AccountRow
    from geo.adapters.sqlmodel_zones import ZoneRow
    from incidents.adapters.sqlmodel_rows import IncidentRow
    from missions.adapters.sqlmodel_control import CommandRow
    from missions.adapters.sqlmodel_handoffs import HandoffRow
    from missions.adapters.sqlmodel_permissions import PermissionRow
    from missions.adapters.sqlmodel_schedules import ScheduleRow
    from missions.adapters.sqlmodel_store import SortieRow
    from missions.adapters.sqlmodel_taps import TapRow

    rows: tuple[type[Any], ...] = (
        AccountRow,
        ZoneRow,
        IncidentRow,
        SortieRow,
        PermissionRow,
        ScheduleRow,
        CommandRow,
        HandoffRow,
        TapRow,
    )
    metadata: MetaData = rows[0].metadata
    return metadata


def telemetry_tables() -> "MetaData":
    """Returns the tables of the telemetry database."""
    from telemetry.adapters.sqlmodel_log import TelemetryTable

    return TelemetryTable.metadata


def day_calendar() -> "DayCalendar":
    """Returns what knows public holidays and the sun, without a network."""
    from missions.adapters.calendar_days import CalendarDays

    return CalendarDays()


def weather_source(settings: "Settings") -> "WeatherSource | None":
    """Returns where weather data come from; `None` where nothing is set."""
    if settings.weather.file is None:
        return None
    from missions.adapters.weather_file import WeatherFile

    return WeatherFile(settings.weather.file)


def read_zone_file(
    path: Path, *, default_purposes: frozenset[Purpose] | None = frozenset({Purpose.FLIGHT})
) -> "tuple[Zone, ...]":
    """Returns the zones of a GeoJSON, GeoPackage or KML file, or the bans of NOTAMs or AIXM.

    Args:
        path: the file.
        default_purposes: of a zone without a purpose; `None` refuses such a zone.

    Raises as `read_zones` and `read_bans`.
    """
    return read_zone_file_told(path, default_purposes=default_purposes).zones


def read_zone_file_told(
    path: Path,
    *,
    default_purposes: frozenset[Purpose] | None = frozenset({Purpose.FLIGHT}),
    default_datum: "Datum | None" = None,
) -> "ZonesRead":
    """Returns the zones of a file with what of it means nothing to us, or had to be assumed.

    Args and Raises as for `read_zones_told`; bans say or widen their heights themselves.
    """
    from geo.adapters.airspace_bans import SUFFIXES, read_bans
    from geo.adapters.geojson_zones import ZonesRead, read_zones_told

    if path.suffix.lower() in SUFFIXES:
        return ZonesRead(read_bans(path))
    return read_zones_told(path, default_purposes=default_purposes, default_datum=default_datum)


def read_permission_file(path: Path) -> tuple[Permission, ...]:
    """Returns the airspace permissions of a GeoJSON, GeoPackage or KML file.

    An empty list, or a FeatureCollection without features, says that there is none.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no such format.
        PlanUnreadable: if there is no permission in it.
        ZoneInvalid: if one makes no sense; `where` names which.
    """
    if path.suffix.lower() in (".json", ".geojson"):
        document = read_json(path)
        listed = document
        if isinstance(document, dict):
            listed = document.get("features", document.get("permissions"))
        return () if listed == [] else permissions_of(document, str(path))
    from geo.adapters.geojson_zones import read_rows

    rows = [
        {"geometry": row.pop("geometry", None), "properties": row}
        for row in (dict(one) for one in read_rows(path))
    ]
    return permissions_of(rows, str(path))


def read_terrain(path: Path) -> "TerrainModel":
    """Returns the ground of an ESRI ASCII grid, or of SRTM or GeoTIFF tiles, also a folder.

    Raises:
        SourceMissing: if there is nothing.
        SourceUnreadable: if it is no terrain that is understood.
    """
    from geo.adapters.grid_terrain import GridTerrain

    return GridTerrain.read(path)


def write_zone_file(path: Path, zones: "Sequence[Zone]") -> None:
    """Writes zones to a file, whose ending names the format; raises as `write_zones`."""
    from geo.adapters.geojson_zones import write_zones

    write_zones(path, zones)


def fleet_optimiser() -> "FleetOptimiser":
    """Returns the optimiser of the fleet's routes."""
    from missions.adapters.pyvrp_optimiser import PyvrpOptimiser

    return PyvrpOptimiser()


def read_road_extract(path: Path, bounds: tuple[float, float, float, float] | None) -> "RoadImport":
    """Returns the roads of an OpenStreetMap extract; raises as `read_roads`."""
    from geo.adapters.osm_roads import read_roads

    return read_roads(path, bounds)


def read_road_file(path: Path) -> "RoadFile":
    """Returns our own road graph from its file; raises as the adapter's function."""
    from geo.adapters import road_files

    return road_files.read_road_file(path)


def write_road_file(path: Path, graph: "RoadGraph", *, source: str, sha256: str) -> None:
    """Writes our own road graph to its file; raises as the adapter's function."""
    from geo.adapters import road_files

    road_files.write_road_file(path, road_files.RoadFile(graph, source, sha256))


def stream_evidence(
    camera_id: "CameraId", vault: "EvidenceVault", settings: "Settings"
) -> "TappedEvidence":
    """Returns a maker of evidence that is given a stream's packets by its `tap`."""
    from incidents.adapters.stream_evidence import StreamEvidence

    kept = settings.evidence
    return StreamEvidence(camera_id, vault, before_s=kept.clip_before_s, after_s=kept.clip_after_s)


def stream_source(
    url: str,
    camera_id: "CameraId",
    tap: Callable[[Any], None],
    *,
    live: bool,
    patience_s: float = 30.0,
) -> "FrameSource":
    """Returns an asset's stream; its metadata packets date each frame where they are there.

    Args:
        url: where it is.
        camera_id: whose frames these are.
        tap: is given each encoded packet.
        live: whether frames that nobody takes in time are lost.
        patience_s: longest silence before it counts as lost.
    """
    from telemetry import st0601
    from vision.adapters.av_source import AvSource

    return AvSource(
        url,
        camera_id,
        live=live,
        stamp=st0601.time_stamp,
        packet_tap=tap,
        patience_s=patience_s,
    )


def read_flight_log(path: "Path", hints: "LogHints") -> "FlightLog":
    """Returns what a vehicle's log file says, by its kind; see `telemetry.adapters.gpx_log`."""
    from telemetry.adapters.flight_log_files import read_flight_log

    return read_flight_log(path, hints)


def footage_tools() -> "FootageTools":
    """Returns the readers of recorded footage, and the maker of its evidence."""
    from incidents.adapters.footage_evidence import FootageEvidence
    from station.ingest_tools import FootageTools
    from telemetry.adapters.dji_photo import read_photo
    from telemetry.adapters.dji_srt import read_srt
    from telemetry.adapters.klv_telemetry import read_klv
    from vision.adapters.av_source import AvSource
    from vision.adapters.folder_source import SUFFIXES, FolderSource

    return FootageTools(
        read_klv=read_klv,
        read_srt=read_srt,
        read_photo=read_photo,
        video=AvSource,
        pictures=FolderSource,
        picture_suffixes=SUFFIXES,
        evidence=FootageEvidence,
        ground=level_ground,
    )


def mavsdk_craft(
    asset: "Asset", url: str, clock: "Clock", settings: "Settings", *, speed: float = 1.0,
    authoriser: "ArmAuthoriser | None" = None,
) -> "AbstractAsyncContextManager[Craft]":  # fmt: skip
    """Opens a PX4 vehicle by MAVSDK.

    Args:
        asset: the vehicle.
        url: where its autopilot sends to, such as `udpin://127.0.0.1:14540`.
        clock: the station's clock.
        settings: how long it may be silent.
        speed: simulated seconds per second of that clock's machine; 1 for real vehicles.
        authoriser: answers where the vehicle asks whether it may arm; without one nobody does.

    Raises:
        VehicleUnreachable: if nothing answers there.
        PortInUse: if another program listens there.
    """
    from missions.adapters.mavsdk_arm_auth import answering
    from missions.adapters.mavsdk_guide import MavsdkGuide
    from missions.adapters.mavsdk_pilot import Deadlines, MavsdkPilot
    from station.patrol_line import Craft
    from telemetry.adapters.mavsdk_link import MavsdkLink
    from telemetry.adapters.mavsdk_system import open_system
    from telemetry.adapters.signing_keys import rules_for

    own = settings.link

    @asynccontextmanager
    async def opened() -> "AsyncIterator[Craft]":
        async with open_system(
            url,
            clock,
            silence_limit_s=settings.link.silence_most_s * speed,
            connect_s=settings.link.connect_most_s,
            rules=rules_for(asset.asset_id, own.peers, own.signing == "required", own.signing_keys),
        ) as system:
            pilot = MavsdkPilot(system, Deadlines().at_speed(speed))
            link = MavsdkLink(asset.asset_id, system)
            guide = MavsdkGuide(system, Deadlines().at_speed(speed))
            async with answering(system, asset.asset_id, authoriser):
                yield Craft(asset, pilot, link, fence_link=pilot, arming=pilot, guide=guide)

    return opened()


def dronekit_craft(
    asset: "Asset", url: str, clock: "Clock", settings: "Settings", *, speed: float = 1.0
) -> "AbstractAsyncContextManager[Craft]":
    """Opens an ArduPilot vehicle by DroneKit, with pymavlink on its connection.

    Args:
        asset: the vehicle.
        url: where its autopilot sends to, such as `udpin://127.0.0.1:14550`.
        clock: the station's clock.
        settings: how long it may be silent.
        speed: as for `mavsdk_craft`.

    Raises:
        VehicleUnreachable: if nothing answers there.
        PortInUse: if another program listens there.
        ExtraMissing: if DroneKit is not installed.
    """
    from missions.adapters.dronekit_guide import DronekitGuide
    from missions.adapters.dronekit_pilot import DronekitPilot
    from missions.adapters.mavsdk_pilot import Deadlines
    from station.patrol_line import Craft
    from telemetry.adapters.dronekit_system import open_ardupilot
    from telemetry.adapters.mavsdk_link import MavsdkLink
    from telemetry.adapters.signing_keys import rules_for

    own = settings.link

    @asynccontextmanager
    async def opened() -> "AsyncIterator[Craft]":
        async with open_ardupilot(
            url,
            clock,
            silence_limit_s=settings.link.silence_most_s * speed,
            connect_s=settings.link.connect_most_s,
            rules=rules_for(asset.asset_id, own.peers, own.signing == "required", own.signing_keys),
        ) as system:
            pilot = DronekitPilot(system, Deadlines().at_speed(speed))
            link = MavsdkLink(asset.asset_id, system)
            guide = DronekitGuide(system, Deadlines().at_speed(speed))
            yield Craft(asset, pilot, link, fence_link=pilot, arming=pilot, guide=guide)

    return opened()


@asynccontextmanager
async def driven_craft(asset: "Asset", car: "RouteVehicle") -> "AsyncIterator[Craft]":
    """Opens a crewed car: its driver is shown the route, its receiver speaks."""
    from missions.adapters.driver_pilot import DriverPilot
    from station.patrol_line import Craft

    yield Craft(asset, DriverPilot(car, car.link), car.link())


@asynccontextmanager
async def crewed_craft(
    asset: "Asset",
    postbox: "Postbox",
    clock: "Clock",
    done_with: "Callable[[Plan], Callable[[], int]]",
    settings: "Settings",
) -> "AsyncIterator[Craft]":
    """Opens a patrol car: its driver sees the round at their page, its positions are posted.

    Args:
        asset: the car.
        postbox: where its phone or its receiver hands in positions.
        clock: counts the silence.
        done_with: tells with how many places of a plan its driver is done.
        settings: how long it may be silent.
    """
    from missions.adapters.driver_pilot import DriverPilot
    from missions.adapters.page_driver import PageDriver
    from station.patrol_line import Craft
    from telemetry.adapters.posted_link import PostedLink

    def link() -> PostedLink:
        silence_s = settings.link.car_silence_most_s
        return PostedLink(asset.asset_id, postbox, clock, silence_limit_s=silence_s)

    yield Craft(asset, DriverPilot(PageDriver(), link, done_with), link())


def receiver(asset: "Asset", clock: "Clock", settings: "Settings") -> "TelemetryLink":
    """Returns the link to the receiver that a car's address names; raises as `open_receiver`."""
    from telemetry.adapters.receivers import open_receiver

    silence_s = settings.link.silence_most_s
    return open_receiver(asset.address, asset.asset_id, clock, silence_limit_s=silence_s)


def attested_craft(asset: "Asset", flight: "AttestedFlight", clock: "Clock") -> "Craft":
    """Returns an aircraft that its pilot flies by hand and speaks for."""
    from missions.adapters.attested_pilot import AttestedPilot
    from station.patrol_line import Craft
    from telemetry.adapters.silent_link import SilentLink

    return Craft(asset, AttestedPilot(flight, clock), SilentLink(asset.asset_id))
