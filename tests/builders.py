"""Values for tests: valid by default, changed by keyword, the same every time.

`NOW` is the instant about which everything happens; `AT` is the middle of Kosshy. Places are
given as metres east and north of it, so a test reads like a sketch.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from shapely import MultiPolygon, Polygon

from core.ids import (
    AgencyId,
    AssetId,
    CameraId,
    Digest,
    IncidentId,
    MissionId,
    ObservationId,
    PatrolId,
    SortieId,
    TrackId,
    UserId,
    ZoneId,
)
from geo.camera import CameraModel
from geo.local_frame import LocalFrame
from geo.positions import (
    Altitude,
    Attitude,
    Covariance,
    Datum,
    GroundPoint,
    Pose,
    PoseSigma,
    Position,
)
from geo.zones import Purpose, Zone, to_geographic
from incidents.model import (
    Evidence,
    EvidenceRole,
    Incident,
    IncidentKind,
    IncidentState,
    Observation,
    Origin,
    Sighting,
    Source,
    TimelineEntry,
    Violation,
)
from missions.model import (
    Asset,
    AssetKind,
    CameraMount,
    ItemKind,
    Mission,
    MissionItem,
    Patrol,
    Plan,
    Sortie,
)
from telemetry.model import TelemetrySample, VehicleMode
from vision.model import Box, Detection, Frame, Track

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
AT = LocalFrame(50.9754, 71.3549)
"""The local frame of all builders: the middle of Kosshy."""

GROUND = Altitude(350.0, Datum.GEOID)


def after(seconds: float = 0.0, **parts: float) -> datetime:
    """Returns an instant after `NOW`; `minutes`, `hours`, `days` as `timedelta` takes them."""
    return NOW + timedelta(seconds=seconds, **parts)


def a_place(east_m: float = 0.0, north_m: float = 0.0, up_m: float = 60.0) -> Position:
    """Returns a position, its height above home."""
    lat, lon = AT.to_geo1_deg(east_m, north_m)
    return Position(lat, lon, Altitude(up_m, Datum.HOME))


def a_point(east_m: float = 0.0, north_m: float = 0.0, sigma_m: float = 2.0) -> GroundPoint:
    """Returns a place on the ground with a round error."""
    lat, lon = AT.to_geo1_deg(east_m, north_m)
    return GroundPoint(lat, lon, Covariance(sigma_m**2, sigma_m**2))


def a_square(
    east_m: float = 0.0, north_m: float = 0.0, half_m: float = 50.0
) -> Polygon | MultiPolygon:
    """Returns a square about a place, in longitude and latitude."""
    e, n, h = east_m, north_m, half_m
    corners = [(e - h, n - h), (e + h, n - h), (e + h, n + h), (e - h, n + h)]
    return to_geographic(Polygon(corners), AT)


def a_zone(**changes: Any) -> Zone:
    """Returns a watch zone of 100 by 100 m with both rules."""
    values: Mapping[str, Any] = {
        "zone_id": ZoneId("zone-1"),
        "name": "Central square",
        "purposes": frozenset({Purpose.WATCH}),
        "area": a_square(),
        "rules": ("vehicle_stopped", "waste_heap"),
        **changes,
    }
    return Zone(**values)


def a_camera_model(**changes: Any) -> CameraModel:
    """Returns a 1280 by 720 camera with a horizontal field of view of 62 degrees."""
    return replace(CameraModel.from_hfov(1280, 720, 62.0), **changes)


def a_sigma(**changes: Any) -> PoseSigma:
    """Returns the errors of a calibrated consumer drone."""
    return replace(PoseSigma(1.5, 2.0, 2.0, 1.0, 1.0, 0.05), **changes)


def a_pose(
    east_m: float = 0.0,
    north_m: float = 0.0,
    up_m: float = 60.0,
    yaw_deg: float = 0.0,
    pitch_deg: float = -60.0,
    **changes: Any,
) -> Pose:
    """Returns the pose of a camera above ground, looking north and down."""
    lat, lon = AT.to_geo1_deg(east_m, north_m)
    values: Mapping[str, Any] = {
        "at": NOW,
        "position": Position(lat, lon, Altitude(up_m, Datum.GROUND)),
        "attitude": Attitude(yaw_deg, pitch_deg),
        "sigma": a_sigma(),
        **changes,
    }
    return Pose(**values)


def a_frame(**changes: Any) -> Frame:
    """Returns a black 1280 by 720 picture."""
    values: Mapping[str, Any] = {
        "camera_id": CameraId("camera-1"),
        "sequence": 0,
        "captured_at": NOW,
        "image": np.zeros((720, 1280, 3), np.uint8),
        **changes,
    }
    return Frame(**values)


def a_box(
    x_px: float = 640.0, y_px: float = 360.0, width_px: float = 40.0, height_px: float = 30.0
) -> Box:
    """Returns a box about a middle pixel."""
    return Box(x_px - width_px / 2, y_px - height_px / 2, width_px, height_px)


def a_detection(**changes: Any) -> Detection:
    """Returns a car in the middle of the picture."""
    values: Mapping[str, Any] = {
        "label": "car",
        "confidence": 0.9,
        "box": a_box(),
        "model": "test-1",
        **changes,
    }
    return Detection(**values)


def a_track(**changes: Any) -> Track:
    """Returns a track that began with its only detection."""
    values: Mapping[str, Any] = {
        "track_id": TrackId("track-1"),
        "detection": a_detection(),
        "hits": 1,
        "first_seen_at": NOW,
        "last_seen_at": NOW,
        **changes,
    }
    return Track(**values)


def a_sighting(**changes: Any) -> Sighting:
    """Returns a car seen at the middle of Kosshy."""
    values: Mapping[str, Any] = {
        "at": NOW,
        "media_time_s": 0.0,
        "point": a_point(),
        "confidence": 0.9,
        "label": "car",
        **changes,
    }
    return Sighting(**values)


def a_sample(**changes: Any) -> TelemetrySample:
    """Returns a drone flying north at 60 m, its camera 60 degrees down."""
    values: Mapping[str, Any] = {
        "asset_id": AssetId("drone-1"),
        "at": NOW,
        "position": a_place(),
        "north_m_s": 7.0,
        "east_m_s": 0.0,
        "down_m_s": 0.0,
        "attitude": Attitude(0.0, 0.0),
        "camera": Attitude(0.0, -60.0),
        "battery_fraction": 0.8,
        "armed": True,
        "mode": VehicleMode.MISSION,
        "on_ground": False,
        **changes,
    }
    return TelemetrySample(**values)


def a_source(**changes: Any) -> Source:
    """Returns our own camera on a drone's sortie."""
    values: Mapping[str, Any] = {
        "origin": Origin.OWN,
        "camera_id": CameraId("camera-1"),
        "asset_id": AssetId("drone-1"),
        "sortie_id": SortieId("sortie-1"),
        "track_id": TrackId("track-1"),
        "model": "test-1",
        **changes,
    }
    return Source(**values)


def a_piece_of_evidence(**changes: Any) -> Evidence:
    """Returns a picture."""
    values: Mapping[str, Any] = {
        "digest": Digest("a" * 64),
        "role": EvidenceRole.PICTURE,
        "media_type": "image/jpeg",
        "size_bytes": 1_000,
        "captured_at": NOW,
        "camera_id": CameraId("camera-1"),
        **changes,
    }
    return Evidence(**values)


def an_observation(**changes: Any) -> Observation:
    """Returns a car that stood for four seconds."""
    values: Mapping[str, Any] = {
        "observation_id": ObservationId("observation-1"),
        "label": "car",
        "source": a_source(),
        "first_seen_at": NOW,
        "last_seen_at": after(4),
        "point": a_point(),
        "confidence": 0.9,
        "sightings": 20,
        "speed_m_s": 0.1,
        "speed_sigma_m_s": 0.2,
        **changes,
    }
    return Observation(**values)


def a_violation(**changes: Any) -> Violation:
    """Returns a car that stands where it may not; `observation` by `an_observation`."""
    values: Mapping[str, Any] = {
        "kind": IncidentKind.VEHICLE_STOPPED,
        "zone_id": ZoneId("zone-1"),
        "observation": an_observation(),
        "zone_probability": 0.98,
        "because": "car seen 20 times over 4 s, standing",
        **changes,
    }
    return Violation(**values)


def an_incident(**changes: Any) -> Incident:
    """Returns an open incident with one observation; its place is that observation's."""
    observations = changes.get("observations", (an_observation(),))
    values: Mapping[str, Any] = {
        "incident_id": IncidentId("incident-1"),
        "kind": IncidentKind.VEHICLE_STOPPED,
        "zone_id": ZoneId("zone-1"),
        "state": IncidentState.OPEN,
        "point": observations[0].point if observations else a_point(),
        "opened_at": after(4),
        "last_seen_at": max((o.last_seen_at for o in observations), default=after(4)),
        "observations": observations,
        "because": "car seen 20 times over 4 s, standing",
        "confidence": 0.9,
        "timeline": (TimelineEntry(after(4), "opened"),),
        **changes,
    }
    return Incident(**values)


def a_mount(**changes: Any) -> CameraMount:
    """Returns a drone's gimbal camera."""
    values: Mapping[str, Any] = {
        "camera_id": CameraId("camera-1"),
        "model": a_camera_model(),
        "pitch_deg": -60.0,
        **changes,
    }
    return CameraMount(**values)


def an_asset(**changes: Any) -> Asset:
    """Returns a drone at home in the middle of Kosshy."""
    values: Mapping[str, Any] = {
        "asset_id": AssetId("drone-1"),
        "name": "Drone 1",
        "kind": AssetKind.DRONE,
        "camera": a_mount(),
        "cruise_m_s": 7.0,
        "home": replace(a_place(), altitude=GROUND),
        "agency": AgencyId("police"),
        **changes,
    }
    return Asset(**values)


def a_patrol(**changes: Any) -> Patrol:
    """Returns a drone's patrol of one zone."""
    values: Mapping[str, Any] = {
        "patrol_id": PatrolId("patrol-1"),
        "name": "Morning round",
        "zone_ids": (ZoneId("zone-1"),),
        "asset_id": AssetId("drone-1"),
        "altitude": Altitude(60.0, Datum.HOME),
        **changes,
    }
    return Patrol(**values)


def a_mission(**changes: Any) -> Mission:
    """Returns take-off, two waypoints and the way home."""
    values: Mapping[str, Any] = {
        "mission_id": MissionId("mission-1"),
        "items": (
            MissionItem(ItemKind.TAKEOFF, a_place()),
            MissionItem(ItemKind.WAYPOINT, a_place(0, 40), speed_m_s=7.0, camera_pitch_deg=-60.0),
            MissionItem(ItemKind.WAYPOINT, a_place(40, 40)),
            MissionItem(ItemKind.RETURN),
        ),
        **changes,
    }
    return Mission(**values)


def a_plan(**changes: Any) -> Plan:
    """Returns the plan of that mission without fences."""
    values: Mapping[str, Any] = {
        "mission": a_mission(),
        "asset_id": AssetId("drone-1"),
        "home": replace(a_place(), altitude=GROUND),
        "cruise_m_s": 7.0,
        "return_altitude": Altitude(60.0, Datum.HOME),
        "patrol_id": PatrolId("patrol-1"),
        "expected_s": 60.0,
        **changes,
    }
    return Plan(**values)


def a_sortie(**changes: Any) -> Sortie:
    """Returns a planned sortie."""
    values: Mapping[str, Any] = {"sortie_id": SortieId("sortie-1"), "plan": a_plan(), **changes}
    return Sortie(**values)


REVIEWER = UserId("reviewer-1")
OTHER_REVIEWER = UserId("reviewer-2")
"""Two people who decide."""
