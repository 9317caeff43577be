"""The demo's district as domain values: zones, fleet and patrols made of the simulated world.

What the detector finds is never taken from here; the world's truth serves the cameras and,
at the end, the score.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shapely import Polygon

from core.ids import AgencyId, AssetId, CameraId, PatrolId, ZoneId
from geo.camera import CameraModel
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum, Position
from geo.zones import Purpose, Zone, ZoneKind, to_geographic
from missions.model import Asset, AssetKind, CameraMount, Patrol
from missions.permissions import Permission
from sim.projection import CAR_CAMERA, DRONE_CAMERA, Pinhole
from sim.world import World
from sim.world_layout import (
    EXTENT_M,
    GROUND_AMSL_M,
    ORIGIN_LATITUDE_DEG,
    ORIGIN_LONGITUDE_DEG,
    Area,
    AreaPurpose,
)

FRAME = LocalFrame(ORIGIN_LATITUDE_DEG, ORIGIN_LONGITUDE_DEG)
"""East and north of the district's origin."""

GROUND = Altitude(GROUND_AMSL_M, Datum.GEOID)

PATROL_HEIGHT_M = 60.0
CAR_SPEED_M_S = 6.0
DRONE_SPEED_M_S = 7.0

_NAMES = {
    "main-street-no-stopping": "Main street: no stopping",
    "centre-avenue-no-stopping": "Centre avenue: no stopping",
    "north-street-no-stopping": "North street: no stopping",
    "east-plot": "East plot: no waste",
    "west-yard": "West yard: no waste",
    "school-yard": "School yard: no flight",
}

_DRONE_HOMES_EN_M = {"drone-1": (60.0, -128.0), "drone-2": (-60.0, 150.0)}

_CAR_ROUTES_EN_M = {
    "car-1": ((-100.0, -97.4), (190.0, -97.4)),
    "car-2": ((2.4, -200.0), (2.4, 200.0)),
    "car-3": ((-280.0, 88.3), (280.0, 88.3)),
}
"""Right-hand lanes; car 1 passes the main street's ban, car 2 the avenue's, car 3 the north's."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the demo loads into the stores."""

    zones: tuple[Zone, ...]
    assets: tuple[Asset, ...]
    patrols: tuple[Patrol, ...]
    permission: Permission


def _ring_area(ring: tuple[tuple[float, float], ...]) -> Polygon:
    area = to_geographic(Polygon(ring), FRAME)
    assert isinstance(area, Polygon)  # a ring makes no multipolygon
    return area


def _position(east_m: float, north_m: float) -> Position:
    lat, lon = FRAME.to_geo1_deg(east_m, north_m)
    return Position(lat, lon, GROUND)


def _zone(area: Area) -> Zone:
    name = _NAMES[area.name]
    zone_id, shape = ZoneId(f"zone-{area.name}"), _ring_area(area.ring)
    if area.purpose is AreaPurpose.NO_FLY:
        return Zone(
            zone_id, name, frozenset({Purpose.FLIGHT}), shape, kind=ZoneKind.EXCLUSION,
            reason="children in the open",
        )  # fmt: skip
    street = area.purpose is AreaPurpose.NO_STOPPING
    rules = ("vehicle_stopped", "waste_heap") if street else ("waste_heap",)
    owner = AgencyId("police" if street else "cleaning")
    return Zone(zone_id, name, frozenset({Purpose.WATCH}), shape, rules=rules, owner=owner)


def demo_zones(world: World) -> tuple[Zone, ...]:
    """Returns the demo's zones: one flight limit, the exclusion, and every watched area."""
    west, south, east, north = EXTENT_M
    ring = ((west, south), (east, south), (east, north), (west, north))
    limit = Zone(
        ZoneId("zone-flight-limit"),
        "Demo district: flight limit",
        frozenset({Purpose.FLIGHT}),
        _ring_area(ring),
        ceiling=Altitude(110.0, Datum.HOME),
        reason="the district of the demo",
    )
    wanted = {AreaPurpose.NO_STOPPING, AreaPurpose.WASTE_WATCH, AreaPurpose.NO_FLY}
    areas = [area for area in world.layout.areas if area.purpose in wanted]
    return (limit, *(_zone(area) for area in areas))


def _model(pinhole: Pinhole, sigma_px: float) -> CameraModel:
    return CameraModel(
        pinhole.width_px, pinhole.height_px, pinhole.fx_px, pinhole.fy_px,
        pinhole.cx_px, pinhole.cy_px, sigma_px=sigma_px,
    )  # fmt: skip


def demo_assets() -> tuple[Asset, ...]:
    """Returns two drones and three patrol cars, each with its camera."""
    drones = tuple(
        Asset(
            AssetId(name), name.replace("-", " ").title(), AssetKind.DRONE,
            CameraMount(CameraId(f"{name}-gimbal"), _model(DRONE_CAMERA, 4.0), pitch_deg=-55.0,
                        time_sigma_s=0.1),
            cruise_m_s=DRONE_SPEED_M_S, home=_position(*place), agency=AgencyId("police"),
        )
        for name, place in _DRONE_HOMES_EN_M.items()
    )  # fmt: skip
    cars = tuple(
        Asset(
            AssetId(name), name.replace("-", " ").title(), AssetKind.VEHICLE,
            CameraMount(
                CameraId(f"{name}-mast"), _model(CAR_CAMERA, 5.0), pitch_deg=-12.0, height_m=2.2,
                time_sigma_s=0.1,
            ),
            cruise_m_s=CAR_SPEED_M_S, home=_position(*route[0]), agency=AgencyId("police"),
            endurance_s=8 * 3600.0,
        )
        for name, route in _CAR_ROUTES_EN_M.items()
    )  # fmt: skip
    return drones + cars


def demo_patrols(zones: tuple[Zone, ...]) -> tuple[Patrol, ...]:
    """Returns a drone patrol over every watched zone and one street patrol for each car."""
    watched = tuple(zone.zone_id for zone in zones if Purpose.WATCH in zone.purposes)
    height = Altitude(PATROL_HEIGHT_M, Datum.HOME)
    drones = tuple(
        Patrol(
            PatrolId(f"patrol-{name}"), f"{name.title()}: all zones", watched, AssetId(name), height
        )
        for name in _DRONE_HOMES_EN_M
    )
    cars = tuple(
        Patrol(
            PatrolId(f"patrol-{name}"), f"{name.title()}: its street", watched, AssetId(name),
            height,
            route=tuple(FRAME.to_geo1_deg(*corner) for corner in route),
        )
        for name, route in _CAR_ROUTES_EN_M.items()
    )  # fmt: skip
    return drones + cars


def demo_permission(start_at: datetime) -> Permission:
    """Returns the made-up leave to fly over the district for the year after an instant."""
    west, south, east, north = EXTENT_M
    ring = ((west, south), (east, south), (east, north), (west, north))
    return Permission(
        "DEMO-1",
        "the demo itself",
        _ring_area(ring),
        start_at - timedelta(days=1),
        start_at + timedelta(days=365),
        ceiling=Altitude(120.0, Datum.HOME),
        note="simulated; no authority has given it",
    )


def demo_scenario(world: World, start_at: datetime) -> Scenario:
    """Returns all that the demo loads, with a permission from `start_at` on."""
    zones = demo_zones(world)
    return Scenario(zones, demo_assets(), demo_patrols(zones), demo_permission(start_at))
