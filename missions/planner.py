"""Plans a patrol: lanes over the watch zones for a drone, the given route for a car.

A drone's lanes lie where its oblique camera sees the zones, inside the flight zones with a
margin; ways between them go around what is closed. What can't be reached is left out, and
`missions.checks` says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from shapely import LineString, MultiPolygon, Point, Polygon, box, union_all
from shapely.geometry.base import BaseGeometry

from core.ids import MissionId, content_id
from geo.camera import CameraModel, footprint, project_to_ground
from geo.coverage import Lane, Place, lanes
from geo.detours import Detours
from geo.flight_room import FlightRoom
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Attitude, Datum, Position
from geo.zones import Area, Purpose, Zone
from missions.model import (
    Asset,
    AssetKind,
    CameraMount,
    ItemKind,
    Mission,
    MissionItem,
    Patrol,
    Plan,
)

_MARGIN_M = 6.0
"""Kept from borders beyond the acceptance radius: position error and overshoot."""
_UP_MARGIN_M = 2.0
"""Kept below a ceiling and above a floor."""
_LOWEST_M = 10.0
_USUAL_RETURN_M = 30.0
_LEAD_IN_M = 6.0
"""Flown before a lane so that the nose points along it when it begins."""
_FARTHEST_LOOK = 3.0
"""Greatest distance of the picture's centre, in heights."""
_CLIMB_M_S, _SINK_M_S, _CORNER_S = 2.5, 1.5, 2.5
_WITHOUT_CAMERA_M = 30.0
_SIMPLER_M = 2.0
_SAMPLE_M = 6.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a camera sees of level ground from a height, looking along the flight."""

    width_m: float
    """Of the nearest line seen: the narrowest."""
    ahead_m: float
    """From below the camera to the picture's centre, along its heading."""
    yaw_offset_deg: float


def look(mount: CameraMount | None, height_m: float) -> Look:
    """Returns what a mounted camera sees from a height above the ground."""
    if mount is None:
        return Look(_WITHOUT_CAMERA_M, 0.0, 0.0)
    model = mount.model
    u = np.array([-0.5, model.width_px - 0.5, model.cx_px])
    v = np.array([model.height_px - 0.5, model.height_px - 0.5, model.cy_px])
    places = project_to_ground(model, Attitude(0.0, mount.pitch_deg), height_m, u, v)
    width, ahead = float(places[0, 1] - places[0, 0]), float(places[1, 2])
    if not math.isfinite(width):  # it looks above the horizon: as good as no camera
        return Look(_WITHOUT_CAMERA_M, 0.0, 0.0)
    ahead = ahead if math.isfinite(ahead) else math.inf
    return Look(width, min(ahead, _FARTHEST_LOOK * height_m), mount.yaw_offset_deg)


def plan_patrol(
    patrol: Patrol,
    watch_zones: Sequence[Zone],
    fences: Sequence[Zone],
    asset: Asset,
    *,
    terrain: TerrainModel | None = None,
) -> Plan:
    """Returns the plan of a patrol; the same input gives the same plan.

    It never raises for a wish that can't be met: `check_plan` says what is wrong.

    Args:
        patrol: names the watch zones; none means all of them.
        watch_zones: to choose from.
        fences: flight zones in force; ignored for a car.
        asset: who patrols.
        terrain: joins zone heights above ground with home.
    """
    if asset.kind is AssetKind.VEHICLE:
        return _plan_route(patrol, asset)
    wanted = [
        zone
        for zone in watch_zones
        if zone.active
        and Purpose.WATCH in zone.purposes
        and (not patrol.zone_ids or zone.zone_id in patrol.zone_ids)
    ]
    in_force = tuple(z for z in fences if z.active and Purpose.FLIGHT in z.purposes)
    room = FlightRoom(in_force, asset.home, terrain)
    up_m = _height_above_home_m(patrol.altitude, asset.home)
    planner = _DronePlanner(patrol, asset, room, [zone.to_local(room.frame) for zone in wanted])
    path = planner.path(up_m)
    for _ in range(4):  # a lower flight sees less, so its lanes may touch other zones
        allowed = _allowed_m(room, path, up_m)
        if allowed == up_m:
            break
        up_m = allowed
        path = planner.path(up_m)
    return _drone_plan(patrol, asset, in_force, room, path, up_m)


def _height_above_home_m(altitude: Altitude, home: Position) -> float:
    if altitude.datum is home.altitude.datum and altitude.datum is not Datum.HOME:
        return altitude.metres - home.altitude.metres
    return altitude.metres


def _allowed_m(room: FlightRoom, path: Sequence[Place], up_m: float) -> float:
    """Returns the height nearest to the wanted one that the zones under the path allow."""
    line = _line([(0.0, 0.0), *path, (0.0, 0.0)])
    under = [limit for limit in room.inclusions if limit.area.intersects(line)]
    floors = [li.floor_m + _UP_MARGIN_M for li in under if li.floor_m is not None]
    ceilings = [li.ceiling_m - _UP_MARGIN_M for li in under if li.ceiling_m is not None]
    raised = max([up_m, *floors])
    return min([raised, *ceilings])


def _line(places: Sequence[Place]) -> BaseGeometry:
    return LineString(places) if len(set(places)) > 1 else Point(places[0])


class _DronePlanner:
    """Finds the way over the zones at a height."""

    def __init__(
        self, patrol: Patrol, asset: Asset, room: FlightRoom, areas: Sequence[Area]
    ) -> None:
        self._patrol, self._asset, self._room = patrol, asset, room
        self._parts: list[Polygon] = []
        if areas:
            joined = union_all(list(areas))
            self._parts = [p for p in getattr(joined, "geoms", [joined]) if isinstance(p, Polygon)]

    def path(self, up_m: float) -> tuple[Place, ...]:
        """Returns the places to fly to in turn, from take-off to the last before the return."""
        if not self._parts:
            return ()
        seen = look(self._asset.camera, max(_LOWEST_M, up_m))
        spacing = max(5.0, seen.width_m * (1.0 - self._patrol.overlap_fraction))
        reach = 2 * (seen.ahead_m + spacing) + 200.0
        west, south, east, north = union_all([*self._parts, Point(0, 0)]).bounds
        everywhere = box(west - reach, south - reach, east + reach, north + reach)
        margin = self._asset.acceptance_radius_m + _MARGIN_M
        free = self._room.free(up_m, margin, everywhere)
        # simpler borders keep the search fast; shrunk first, so that they stay inside
        simpler = free.buffer(-_SIMPLER_M, join_style="mitre").simplify(_SIMPLER_M)
        if isinstance(simpler, Polygon | MultiPolygon) and not simpler.is_empty:
            free = simpler if free.covers(simpler) else free
        detours = Detours(free)
        here = detours.nearest_inside((0.0, 0.0))
        path: list[Place] = [] if here == (0.0, 0.0) else [here]
        left = list(self._parts)
        while left:
            left.sort(key=lambda part: part.distance(Point(here)))
            part = left.pop(0)
            for lane in lanes(part, spacing, inside=_hull(part), start=here):
                for piece in self._flown(lane, seen, free, here):
                    way = detours.way(here, piece.start)
                    if way is None:
                        continue  # it lies in a part of the room that can't be reached
                    path += [*way[1:], piece.end]
                    here = piece.end
        if not path:
            return ()
        home = detours.nearest_inside((0.0, 0.0))
        way = detours.way(here, home)
        if way is not None:
            path += way[1:-1] if home == (0.0, 0.0) else way[1:]
        return tuple(_thinned(path))

    def _flown(self, lane: Lane, seen: Look, free: Area, here: Place) -> list[Lane]:
        """Returns where to fly so that a lane is seen: shifted against the look, cut to room."""
        options = [lane, lane.reversed()]
        cut = [self._cut(option, seen, free) for option in options]
        lengths = [sum(piece.length_m for piece in pieces) for pieces in cut]
        # against the planned direction only where that shows clearly more
        return cut[1] if lengths[1] > 1.15 * lengths[0] else cut[0]

    def _cut(self, lane: Lane, seen: Look, free: Area) -> list[Lane]:
        length = lane.length_m
        if length < 1e-6:
            return []
        ue, un = (lane.end[0] - lane.start[0]) / length, (lane.end[1] - lane.start[1]) / length
        offset = math.radians(seen.yaw_offset_deg)
        along, right = seen.ahead_m * math.cos(offset), seen.ahead_m * math.sin(offset)
        shift = (-along * ue - right * un, -along * un + right * ue)
        start = (
            lane.start[0] + shift[0] - _LEAD_IN_M * ue,
            lane.start[1] + shift[1] - _LEAD_IN_M * un,
        )
        end = (lane.end[0] + shift[0], lane.end[1] + shift[1])
        inside = LineString([start, end]).intersection(free)
        pieces = []
        for line in getattr(inside, "geoms", [inside]):
            if not isinstance(line, LineString) or line.length < 2.0:
                continue
            a, b = line.coords[0], line.coords[-1]
            if math.dist(start, a) > math.dist(start, b):
                a, b = b, a
            pieces.append(Lane((a[0], a[1]), (b[0], b[1]), lane.cell))
        return sorted(pieces, key=lambda piece: math.dist(start, piece.start))


def _hull(part: Polygon) -> Polygon:
    hull = part.convex_hull
    return hull if isinstance(hull, Polygon) else part


def _thinned(path: Sequence[Place]) -> list[Place]:
    thin: list[Place] = []
    for place in path:
        if not thin or math.dist(thin[-1], place) > 0.5:
            thin.append(place)
    return thin


def _drone_plan(
    patrol: Patrol,
    asset: Asset,
    fences: tuple[Zone, ...],
    room: FlightRoom,
    path: Sequence[Place],
    up_m: float,
) -> Plan:
    ceilings = [limit.ceiling_m for limit in room.inclusions if limit.ceiling_m is not None]
    climbs = min(ceilings, default=math.inf) >= _USUAL_RETURN_M + _UP_MARGIN_M
    return_up_m = max(up_m, _USUAL_RETURN_M) if climbs else up_m
    items: list[MissionItem] = []
    if path:
        pitch = asset.camera.pitch_deg if asset.camera is not None else None
        above = Altitude(up_m, Datum.HOME)
        start = Position(asset.home.lat_deg, asset.home.lon_deg, above)
        items.append(
            MissionItem(ItemKind.TAKEOFF, start, speed_m_s=asset.cruise_m_s, camera_pitch_deg=pitch)
        )
        for east, north in path:
            lat, lon = room.frame.to_geo1_deg(east, north)
            items.append(MissionItem(ItemKind.WAYPOINT, Position(lat, lon, above)))
        items.append(MissionItem(ItemKind.RETURN))
    way_m = sum(
        math.dist(a, b) for a, b in zip([(0.0, 0.0), *path], [*path, (0.0, 0.0)], strict=True)
    )
    expected_s = (
        way_m / asset.cruise_m_s
        + _CORNER_S * len(path)
        + up_m / _CLIMB_M_S
        + return_up_m / _SINK_M_S
    )
    plan = Plan(
        Mission(MissionId(""), tuple(items)),
        asset.asset_id,
        asset.home,
        asset.cruise_m_s,
        fences,
        return_altitude=Altitude(return_up_m, Datum.HOME),
        patrol_id=patrol.patrol_id,
        expected_s=expected_s if path else 0.0,
    )
    return _named(plan)


def _named(plan: Plan) -> Plan:
    """Names the mission after its content, so that the same plan has the same id."""
    text = repr((plan.mission.items, str(plan.asset_id), plan.home))
    mission_id = MissionId(content_id("mission", text))
    return replace(plan, mission=replace(plan.mission, mission_id=mission_id))


def _plan_route(patrol: Patrol, asset: Asset) -> Plan:
    ground = Altitude(0.0, Datum.HOME)
    items = tuple(
        MissionItem(
            ItemKind.WAYPOINT,
            Position(lat, lon, ground),
            speed_m_s=asset.cruise_m_s if number == 0 else None,
        )
        for number, (lat, lon) in enumerate(patrol.route)
    )
    frame = LocalFrame(asset.home.lat_deg, asset.home.lon_deg)
    places = [frame.to_en1_m(lat, lon) for lat, lon in patrol.route]
    way_m = sum(math.dist(a, b) for a, b in pairwise(places))
    plan = Plan(
        Mission(MissionId(""), items),
        asset.asset_id,
        asset.home,
        asset.cruise_m_s,
        patrol_id=patrol.patrol_id,
        expected_s=way_m / asset.cruise_m_s + _CORNER_S * len(items),
    )
    return _named(plan)


def plan_path(plan: Plan) -> tuple[tuple[float, float], ...]:
    """Returns the line of a plan as latitude and longitude, for maps.

    A drone's begins at home and, where it returns, ends there.
    """
    items = plan.mission.items
    places = [
        (item.position.lat_deg, item.position.lon_deg)
        for item in items
        if item.position is not None
    ]
    home = (plan.home.lat_deg, plan.home.lon_deg)
    if items and items[-1].kind is ItemKind.RETURN:
        places.append(home)
    return tuple(places)


def seen_fraction(plan: Plan, asset: Asset, watch_zones: Sequence[Zone]) -> float:
    """Returns which part of the zones' area comes into the picture along a plan, 0 to 1."""
    mount, frame = asset.camera, LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    areas = [zone.to_local(frame) for zone in watch_zones]
    if mount is None or not areas:
        return 0.0
    total = union_all(areas)
    stops = [
        (frame.to_en1_m(i.position.lat_deg, i.position.lon_deg), i.position.altitude.metres)
        for i in plan.mission.items
        if i.position is not None
    ]
    shapes = [
        shape
        for (a, _), (b, up) in pairwise(stops)
        for shape in _footprints(mount, mount.model, a, b, up)
    ]
    if not shapes or total.area == 0:
        return 0.0
    return float(union_all(shapes).intersection(total).area / total.area)


def _footprints(
    mount: CameraMount, model: CameraModel, a: Place, b: Place, up_m: float
) -> list[Polygon]:
    length = math.dist(a, b)
    if length < 1e-6:
        return []
    heading = math.degrees(math.atan2(b[0] - a[0], b[1] - a[1]))
    attitude = Attitude(heading + mount.yaw_offset_deg, mount.pitch_deg)
    border = footprint(model, attitude, max(0.5, up_m + mount.height_m), greatest_distance_m=120.0)
    if border.shape[1] < 3:
        return []
    outline = Polygon(border.T)
    outline = outline if outline.is_valid else _hull(outline)
    count = max(1, math.ceil(length / _SAMPLE_M))
    moved = []
    for k in range(count + 1):
        east = a[0] + (b[0] - a[0]) * k / count
        north = a[1] + (b[1] - a[1]) * k / count
        moved.append(Polygon([(x + east, y + north) for x, y in outline.exterior.coords]))
    return moved
