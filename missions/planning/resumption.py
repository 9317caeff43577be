"""What is left to see of an interrupted sortie, by what its camera saw, and the plan for it.

A waypoint that was reached says nothing of what was seen: the camera may have been off, or the
gimbal turned away. So the footprints of the pictures that were truly taken are held against what
was wanted, and the rest, with some overlap, is planned anew from home.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, union_all
from shapely.geometry.base import BaseGeometry
from shapely.ops import linemerge

from core.ids import ZoneId
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Pose
from geo.zones import Area, Purpose, Zone, to_geographic, to_local
from missions.model import Asset, Patrol, Pattern
from missions.planning.patterns import corridor_area
from missions.planning.planner import PatrolPlan, plan_with_reasons, wanted_zones
from missions.planning.seen_ground import FARTHEST_M, footprints, views_of

OVERLAP_M = 8.0
"""What was seen already is seen again this far."""
_SLIVER_M = 1.0
"""An unseen strip narrower than twice this is none: poses are not known better."""
_LONGEST_GAP_S = 2.0
"""A place counts as looked at between two pictures that are no farther apart than this."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What an interrupted sortie leaves to be seen."""

    plan: PatrolPlan | None
    """`None` where nothing is left."""
    seen_fraction: float
    """Of what was wanted: area, length of a corridor's strip, or places; 0 to 1."""
    unseen: Area | None
    """Longitude and latitude, without the overlap; `None` for places, or where nothing is left."""
    places: tuple[tuple[float, float], ...] = ()
    """Places of a look-list that were not seen for long enough; latitude and longitude."""


def plan_rest(
    patrol: Patrol,
    watch_zones: Sequence[Zone],
    fences: Sequence[Zone],
    asset: Asset,
    poses: Sequence[Pose],
    *,
    terrain: TerrainModel | None = None,
    home: Altitude | None = None,
    overlap_m: float = OVERLAP_M,
    farthest_m: float = FARTHEST_M,
) -> Rest:
    """Returns the plan that sees what a sortie has not seen, from home and back.

    Args:
        patrol: what the sortie was to do.
        watch_zones: to choose from.
        fences: flight zones in force now.
        asset: who flies the rest; its camera is also the one that took the pictures.
        poses: of every picture that was truly taken; none for the time that the camera was off.
        terrain: the ground; without it level at home.
        home: height of the take-off place, for poses above home; the asset's by default.
        overlap_m: what was seen already is seen again this far.
        farthest_m: ground farther away than this does not count as seen.

    Raises:
        DatumUnknown: if the poses' heights can't be joined with the ground.
        ResolutionImpossible: as `plan_patrol`.
    """
    frame = LocalFrame(asset.home.lat_deg, asset.home.lon_deg)
    poses = sorted(poses, key=lambda pose: pose.at)
    seen: list[BaseGeometry] = []
    if asset.camera is not None and poses:
        take_off = home or asset.home.altitude
        views = views_of(poses, asset.camera.model, frame, terrain, take_off)
        seen = list(footprints(asset.camera.model, views, farthest_m=farthest_m))
    if patrol.pattern in (Pattern.PLACES, Pattern.ORBIT):
        return _rest_of_places(patrol, fences, asset, poses, seen, frame, terrain)
    wanted = _wanted(patrol, watch_zones, frame)
    left = wanted.difference(union_all(seen)) if seen else wanted
    # opened by a metre: poses are not known better, and slivers are not worth a flight
    left = left.buffer(-_SLIVER_M).buffer(_SLIVER_M).intersection(wanted)
    share = 1.0 - left.area / wanted.area if wanted.area > 0 else 1.0
    pieces = [p for p in _polygons(left) if p.area > _SLIVER_M]
    if not pieces:
        return Rest(None, 1.0 if wanted.area > 0 else share, None)
    unseen: BaseGeometry = union_all(pieces)
    again = unseen.buffer(overlap_m, join_style="mitre").intersection(wanted)
    plan = _plan_for(patrol, again, wanted, watch_zones, fences, asset, frame, terrain)
    return Rest(plan, share, to_geographic(unseen, frame))  # type: ignore[arg-type]


def unseen_m2(rest: Rest) -> float:
    """Returns the unseen area in square metres; 0 for places."""
    if rest.unseen is None:
        return 0.0
    middle = rest.unseen.centroid
    return float(to_local(rest.unseen, LocalFrame(middle.y, middle.x)).area)


def _wanted(patrol: Patrol, watch_zones: Sequence[Zone], frame: LocalFrame) -> BaseGeometry:
    if patrol.pattern is Pattern.CORRIDOR:
        line = [frame.to_en1_m(lat, lon) for lat, lon in patrol.route]
        return corridor_area(line, patrol.width_m) if len(line) > 1 else Polygon()
    areas = [to_local(zone.area, frame) for zone in wanted_zones(patrol, watch_zones)]
    whole: BaseGeometry = union_all(areas) if areas else Polygon()
    if patrol.pattern is Pattern.PERIMETER:
        edge: BaseGeometry = shapely.boundary(whole).buffer(2 * _SLIVER_M + 1.0)
        return edge.intersection(whole)
    return whole


def _plan_for(
    patrol: Patrol,
    again: BaseGeometry,
    wanted: BaseGeometry,
    watch_zones: Sequence[Zone],
    fences: Sequence[Zone],
    asset: Asset,
    frame: LocalFrame,
    terrain: TerrainModel | None,
) -> PatrolPlan:
    if patrol.pattern is Pattern.CORRIDOR:
        stretch = _stretch(patrol, again, frame)
        if stretch is not None:
            return plan_with_reasons(stretch, (), fences, asset, terrain=terrain)
    # the rest of a perimeter is a strip along the border: lanes see it too
    area = union_all([p for p in _polygons(again)])
    zone = Zone(
        ZoneId("rest"), "rest", frozenset({Purpose.WATCH}), to_geographic(area, frame)  # type: ignore[arg-type]
    )  # fmt: skip
    rest = replace(patrol, zone_ids=(), pattern=Pattern.AREA)
    return plan_with_reasons(rest, (zone,), fences, asset, terrain=terrain)


def _stretch(patrol: Patrol, again: BaseGeometry, frame: LocalFrame) -> Patrol | None:
    """Returns the one stretch of a corridor that is left, or `None` where it is not one."""
    line = LineString([frame.to_en1_m(lat, lon) for lat, lon in patrol.route])
    left = line.intersection(again)
    left = linemerge(left) if isinstance(left, MultiLineString) else left
    if not isinstance(left, LineString) or left.length < _SLIVER_M:
        return None
    strip = corridor_area([(x, y) for x, y in left.coords], patrol.width_m)
    if not strip.buffer(_SLIVER_M).covers(again) or strip.area > 2.0 * again.area:
        return None  # what is left lies beside the stretch, or is much narrower
    route = tuple(frame.to_geo1_deg(x, y) for x, y in left.coords)
    return replace(patrol, route=route)


def _rest_of_places(
    patrol: Patrol,
    fences: Sequence[Zone],
    asset: Asset,
    poses: Sequence[Pose],
    seen: Sequence[BaseGeometry],
    frame: LocalFrame,
    terrain: TerrainModel | None,
) -> Rest:
    """A place is done once it was in the picture for as long as was wanted."""
    needed_s = patrol.stay_s if patrol.pattern is Pattern.PLACES else 0.0
    left = []
    for lat, lon in patrol.places:
        place = Point(frame.to_en1_m(lat, lon))
        inside = [bool(shape.covers(place)) for shape in seen]
        lasted = sum(
            gap
            for k in range(len(poses) - 1)
            if inside[k]
            and inside[k + 1]
            and (gap := (poses[k + 1].at - poses[k].at).total_seconds()) <= _LONGEST_GAP_S
        )
        if not any(inside) or lasted < needed_s - _LONGEST_GAP_S / 2:
            left.append((lat, lon))
    share = 1.0 - len(left) / len(patrol.places) if patrol.places else 1.0
    if not left:
        return Rest(None, share, None)
    rest = replace(patrol, places=tuple(left))
    plan = plan_with_reasons(rest, (), fences, asset, terrain=terrain)
    return Rest(plan, share, None, tuple(left))


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    if isinstance(shape, Polygon):
        return [] if shape.is_empty else [shape]
    if isinstance(shape, MultiPolygon) or hasattr(shape, "geoms"):
        return [p for part in shape.geoms for p in _polygons(part)]
    return []
