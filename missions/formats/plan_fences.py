"""Fence and rally points of a `.plan` file, in every version, and fences as rings of corners."""

import math
from collections.abc import Sequence
from typing import Any

from shapely import Polygon, is_valid_reason

from core.errors import PlanUnreadable
from core.ids import ZoneId
from geo.circles import circle_area
from geo.positions import Altitude, Datum, Position
from geo.zones import Circle, Purpose, Zone, ZoneKind
from missions.formats.losses import LossReport
from missions.formats.plan_values import listing, mapping, number, optional, place, places
from missions.model import RallyPoint


def fence_rings(
    fences: Sequence[Zone],
) -> tuple[tuple[bool, tuple[tuple[float, float], ...]], ...]:
    """Returns fences as rings without holes, as vehicles take them: inclusion or not, corners.

    Corners are latitude and longitude, the first not repeated. A hole of an inclusion
    becomes an exclusion; a hole of an exclusion is closed, which is the safe side. An
    exclusion with a floor is left out: a ring has no height, and would forbid the room below.
    """
    rings: list[tuple[bool, tuple[tuple[float, float], ...]]] = []
    for zone in fences:
        inclusion = zone.kind is ZoneKind.INCLUSION
        if not inclusion and zone.floor is not None:
            continue
        for part in getattr(zone.area, "geoms", [zone.area]):
            borders = [(inclusion, part.exterior)]
            if inclusion:
                borders += [(False, hole) for hole in part.interiors]
            for wanted, border in borders:
                corners = tuple((float(y), float(x)) for x, y in list(border.coords)[:-1])
                rings.append((wanted, corners))
    return tuple(rings)


def fence_document(fences: Sequence[Zone]) -> dict[str, Any]:
    """Returns the `geoFence` of a `.plan` file; a round zone is a circle there."""
    return {
        "version": 2,
        "circles": [_circle(zone) for zone in fences if _round(zone)],
        "polygons": [
            {
                "version": 1,
                "inclusion": inclusion,
                "polygon": [[lat, lon] for lat, lon in ring],
            }
            for inclusion, ring in fence_rings([zone for zone in fences if not _round(zone)])
        ],
    }


def _round(zone: Zone) -> bool:
    """Returns whether a zone is written as a circle: it is one, and would be written at all."""
    if zone.circle is None or (zone.kind is ZoneKind.EXCLUSION and zone.floor is not None):
        return False
    return Purpose.FLIGHT in zone.purposes


def _circle(zone: Zone) -> dict[str, Any]:
    circle = zone.circle
    assert circle is not None  # only round zones come here
    return {
        "version": 1,
        "inclusion": zone.kind is ZoneKind.INCLUSION,
        "circle": {
            "center": [float(circle.lat_deg), float(circle.lon_deg)],
            "radius": float(circle.radius_m),
        },
    }


def read_fence(given: Any, report: LossReport) -> tuple[Zone, ...]:
    """Returns the zones of a `geoFence`.

    Raises:
        PlanUnreadable: if a border or circle in it is none.
        ZoneInvalid: if a circle has an impossible radius.
    """
    fence = mapping(given or {}, "geoFence")
    version = fence.get("version", 1)
    if version not in (1, 2):
        report.error("fence_changed", f"geofence version {version!r:.40} is not understood")
        return ()
    if fence.get("breachReturn"):
        report.warning("not_read", "the fence's breach return point is left out; PX4 ignores it")
    zones: list[Zone] = []
    if version == 1 and fence.get("polygon"):
        zones.append(_ring(fence["polygon"], True, 0))
    for polygon in listing(fence.get("polygons") or [], "polygons"):
        polygon = mapping(polygon, "a fence polygon")
        zones.append(
            _ring(polygon.get("polygon"), bool(polygon.get("inclusion", True)), len(zones))
        )
    for circle in listing(fence.get("circles") or [], "circles"):
        where = f"fence {len(zones)}"
        circle = mapping(circle, "it", where)
        inner = mapping(circle.get("circle"), "its circle", where)
        lat, lon = place(inner.get("center"), "its centre", where)
        found = Circle(lat, lon, number(inner.get("radius"), "its radius", where))
        kind = ZoneKind.INCLUSION if circle.get("inclusion", True) else ZoneKind.EXCLUSION
        zones.append(_zone(len(zones), circle_area(found, kind), kind, found))
    return tuple(zones)


def _ring(given: Any, inclusion: bool, n: int) -> Zone:
    where = f"fence {n}"
    corners = places(given, "its border", where)
    if len(set(corners)) < 3:
        raise PlanUnreadable("its border has no three corners", where=where, cure="draw it again")
    area = Polygon([(lon, lat) for lat, lon in corners])
    if not area.is_valid:
        raise PlanUnreadable(
            f"its border is not valid: {is_valid_reason(area)} (longitude latitude)",
            where=where,
            cure="move the corner at that place so that no two edges cross",
        )
    return _zone(n, area, ZoneKind.INCLUSION if inclusion else ZoneKind.EXCLUSION)


def _zone(n: int, area: Polygon, kind: ZoneKind, circle: Circle | None = None) -> Zone:
    purposes = frozenset({Purpose.FLIGHT})
    return Zone(ZoneId(f"zone-plan-{n}"), f"fence {n}", purposes, area, kind, circle=circle)


def read_rally(given: Any, report: LossReport) -> tuple[RallyPoint, ...]:
    """Returns the points of `rallyPoints`, their heights above home.

    Raises:
        PlanUnreadable: if one is no place.
    """
    rally = mapping(given or {}, "rallyPoints")
    version = rally.get("version", 1)
    if version not in (1, 2):
        report.error("rally_changed", f"rally point version {version!r:.40} is not understood")
        return ()
    points: list[RallyPoint] = []
    for n, spot in enumerate(listing(rally.get("points") or [], "points")):
        where = f"rally point {n}"
        lat, lon = place(spot, "it", where)
        height = optional(spot[2], "its height", where) if len(spot) > 2 else math.nan
        if math.isnan(height):
            report.warning("rally_changed", f"{where}: its height is not given; it is 0 m")
            height = 0.0
        points.append(RallyPoint(Position(lat, lon, Altitude(height, Datum.HOME))))
    return tuple(points)
