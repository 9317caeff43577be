"""Zones: areas that limit our own movement, or in which something is a violation.

Geometry is WGS 84 with longitude first, as in GeoJSON; shapely polygons and multipolygons
with holes. A parking ban never alters a flight: what a zone is for is said by its purposes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import shapely
from shapely import MultiPolygon, Point, Polygon, contains_xy, is_valid_reason, transform

from core.errors import ZoneInvalid
from core.ids import AgencyId, UserId, ZoneId
from core.recurrence import Recurrence
from geo import antimeridian
from geo.local_frame import Floats, LocalFrame
from geo.positions import Altitude, GroundPoint

Area: TypeAlias = Polygon | MultiPolygon
_INSTANT = timedelta(microseconds=1)
_EARTH_M = 6_371_000.0
_STRAIGHT_M = 0.01
"""How far an edge in metres may lie beside the same edge in degrees."""
_BEND = 1.1
"""A straight line of degrees bends by at most this times tan(latitude) of a radius of the Earth."""
_MOST_PIECES = 10_000
"""Of one edge: enough for any country's."""


class Purpose(StrEnum):
    """What a zone is for; it may be for both, only if it says so."""

    FLIGHT = "flight"
    """Limits our own movement."""
    WATCH = "watch"
    """Says what counts as a violation there."""


class ZoneKind(StrEnum):
    """Which side of a flight zone's border is permitted."""

    INCLUSION = "inclusion"
    EXCLUSION = "exclusion"


class ZoneStage(StrEnum):
    """The life of a zone: only an active one limits or watches anything."""

    DRAFT = "draft"
    """Drawn, not yet looked at by a second person."""
    REVIEWED = "reviewed"
    """Looked at and found right."""
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Circle:
    """A round area."""

    lat_deg: float
    lon_deg: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Zone:
    """An area with a purpose."""

    zone_id: ZoneId
    name: str
    purposes: frozenset[Purpose]
    area: Area
    kind: ZoneKind = ZoneKind.INCLUSION
    """For flight zones; watch zones ignore it."""
    floor: Altitude | None = None
    ceiling: Altitude | None = None
    """Limits of a flight zone; `None` means without limit on that side."""
    rules: tuple[str, ...] = ()
    """Codes of the rules that hold in a watch zone, such as `vehicle_stopped`, `waste_heap`."""
    active: bool = True
    owner: AgencyId | None = None
    reason: str = ""
    windows: tuple[Recurrence, ...] = ()
    """When it is in force; none means always."""
    priority: int = 0
    """Of two that disagree the higher one is told first; it never weakens a limit."""
    circle: Circle | None = None
    """What a round zone is; `area` is then its polygon on the safe side."""
    version: int = 1
    changed_at: datetime | None = None
    stage: ZoneStage = ZoneStage.ACTIVE
    changed_by: UserId | None = None

    def __post_init__(self) -> None:
        """Refuses a zone that makes no sense.

        Raises:
            ZoneInvalid: if the area is empty, crosses itself or the 180th meridian (the message
                names the place), is off the Earth, has no purpose, or its floor is above its
                ceiling.
        """
        where = f"zone {self.name or self.zone_id}"
        if not self.purposes:
            raise ZoneInvalid("has no purpose", where=where, cure="say flight, watch or both")
        if self.area.is_empty:
            raise ZoneInvalid("has no area", where=where, cure="draw at least three corners")
        edge = antimeridian.edge_across(self.area)
        if edge is not None:
            raise ZoneInvalid(antimeridian.said(edge), where=where, cure=antimeridian.CURE)
        if not self.area.is_valid:
            raise ZoneInvalid(
                f"its border is not valid: {is_valid_reason(self.area)} (longitude latitude)",
                where=where,
                cure="move the corner at that place so that no two edges cross",
            )
        west, south, east, north = self.area.bounds
        if max(-south, north) > 90 and max(-west, east) <= 90 and max(-south, north) <= 180:
            raise ZoneInvalid(
                f"longitude and latitude are swapped: it reaches from latitude {south:g} to"
                f" {north:g}, and none is beyond 90",
                where=where,
                cure="give longitude first, then latitude",
            )
        if west < -180 or east > 180 or south < -90 or north > 90:
            raise ZoneInvalid(
                "has a corner that is no place on Earth",
                where=where,
                cure="give corners as longitude, latitude in degrees",
            )
        both = self.floor is not None and self.ceiling is not None
        if both and self.floor.datum == self.ceiling.datum:  # type: ignore[union-attr]
            if self.floor.metres >= self.ceiling.metres:  # type: ignore[union-attr]
                raise ZoneInvalid(
                    "its floor is not below its ceiling",
                    where=where,
                    cure="make floor_m less than ceiling_m, or leave one of them out",
                )

    @property
    def switched_on(self) -> bool:
        """Whether it counts at all: it is switched on and has come to its active stage."""
        return self.active and self.stage is ZoneStage.ACTIVE

    def in_force(self, start: datetime, end: datetime | None = None) -> bool:
        """Returns whether it is in force at any instant of [start, end), or at `start`."""
        if not self.switched_on:
            return False
        until = start + _INSTANT if end is None or end <= start else end
        return not self.windows or any(
            next(window.spans(start, until), None) is not None for window in self.windows
        )

    def contains(self, lat_deg: float, lon_deg: float) -> bool:
        """Returns whether the place lies in the area or on its border."""
        return bool(self.area.covers(Point(lon_deg, lat_deg)))

    def to_local(self, frame: LocalFrame) -> Area:
        """Returns the area in metres east and north of `frame`."""
        return to_local(self.area, frame)


def to_local(area: Area, frame: LocalFrame) -> Area:
    """Returns an area of longitude and latitude in metres east and north of `frame`.

    Its edges are straight in longitude and latitude (RFC 7946, and so do autopilots judge their
    fences): where such an edge bends by more than 1 cm in metres it gets points in between.
    """
    return all_to_local([area], frame)[0]


def all_to_local(areas: Sequence[Area], frame: LocalFrame) -> list[Area]:
    """Returns many areas as `to_local` does, in one go."""
    if not areas:
        return []
    shapes = np.empty(len(areas), dtype=object)
    shapes[:] = areas
    west, south, east, north = shapely.bounds(shapes).T
    steepest = np.radians(np.fmin(np.fmax(-south, north), 89.9))
    # seen from afar even a straight line bends, since the plane touches the Earth at its origin
    aside_deg = np.fmax(np.abs(west - frame.lon_deg), np.abs(east - frame.lon_deg))
    up_deg = np.fmax(np.abs(south - frame.lat_deg), np.abs(north - frame.lat_deg))
    bend = _BEND * np.tan(steepest) + np.radians(np.hypot(aside_deg, up_deg))
    step_deg = np.degrees(np.sqrt(8 * _STRAIGHT_M / _EARTH_M / np.fmax(bend, 1e-9)))
    narrow = np.cos(np.radians(np.fmax(0.0, np.fmax(south, -north))))
    for n in np.flatnonzero(np.hypot((east - west) * narrow, north - south) > step_deg):
        shapes[n] = _with_points(shapes[n], float(narrow[n]), float(step_deg[n]))
    return list(_moved(shapes, frame))


def corners_to_local(area: Area, frame: LocalFrame) -> Area:
    """Returns an area in metres with no corner but its own, for one that is to be turned back."""
    moved: Area = _moved(area, frame)
    return moved


def _moved(shapes: Any, frame: LocalFrame) -> Any:
    return transform(shapes, lambda xy: np.stack(frame.to_en_m(xy[:, 1], xy[:, 0]), axis=1))


def _with_points(area: Area, narrow: float, step_deg: float) -> Area:
    """Returns an area of degrees with points along its long edges.

    Not `shapely.segmentize`: that would turn a border that crosses itself into another area.

    Args:
        area: its corners stay, and their order.
        narrow: how long a degree of longitude is at most, in degrees of latitude.
        step_deg: the longest piece of an edge, in degrees of latitude.
    """

    def split(ring: shapely.LinearRing) -> Floats:
        corners = shapely.get_coordinates(ring)
        along = np.diff(corners, axis=0)
        length = np.hypot(along[:, 0] * narrow, along[:, 1])
        pieces = np.clip(np.ceil(length / step_deg), 1, _MOST_PIECES).astype(int)
        first = np.repeat(np.cumsum(pieces) - pieces, pieces)
        part = (np.arange(len(first)) - first) / np.repeat(pieces, pieces)
        between = np.repeat(corners[:-1], pieces, axis=0)
        between += part[:, None] * np.repeat(along, pieces, axis=0)
        return np.vstack([between, corners[-1:]])

    parts = [
        Polygon(split(part.exterior), [split(hole) for hole in part.interiors])
        for part in getattr(area, "geoms", [area])
    ]
    return MultiPolygon(parts) if isinstance(area, MultiPolygon) else parts[0]


def to_geographic(area: Area, frame: LocalFrame) -> Area:
    """Returns an area of metres east and north of `frame` in longitude and latitude."""
    return transform(area, lambda xy: np.stack(frame.to_geo_deg(xy[:, 0], xy[:, 1])[::-1], axis=1))


def probability_inside(area: Area, point: GroundPoint, samples: int = 200) -> float:
    """Returns the probability that a place known with uncertainty lies in an area.

    Deterministic: the normal distribution of `point` is represented by `samples` equally
    likely points (a sunflower of quantiles), so the same input gives the same answer; the
    error against the integral is about 1/samples.

    Args:
        area: longitude and latitude.
        point: the place and its covariance.
        samples: number of points.
    """
    frame = LocalFrame(point.lat_deg, point.lon_deg)
    local = to_local(area, frame)
    c = point.covariance
    if c.ee_m2 <= 0 or c.nn_m2 <= 0:
        return float(local.covers(Point(0.0, 0.0)))
    k = np.arange(samples) + 0.5
    radius = np.sqrt(-2.0 * np.log1p(-k / samples))
    angle = k * np.pi * (3.0 - np.sqrt(5.0))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    l11 = np.sqrt(c.ee_m2)
    l21 = c.en_m2 / l11
    l22 = np.sqrt(max(0.0, c.nn_m2 - l21**2))
    return float(np.mean(contains_xy(local, l11 * x, l21 * x + l22 * y)))
