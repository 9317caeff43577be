"""Flight zones as the fence that an autopilot guards by itself: what it can't carry is told.

MAVLink fences (MAV_CMD_NAV_FENCE_*, mission type 1) are polygons without holes, heights or
times. What is given up is given up on the safe side: an inclusion shrinks, an exclusion grows,
and the rest is for the live monitor.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from shapely import LineString, MultiPolygon, Point, Polygon, union_all
from shapely.geometry.base import BaseGeometry

from core.errors import UploadMismatch
from core.ids import ZoneId
from geo.flight_room import FlightRoom
from geo.local_frame import LocalFrame
from geo.zones import Area, Purpose, Zone, ZoneKind, to_geographic
from missions.model import Autopilot, ItemKind, Plan

FENCE_CORNERS: Mapping[Autopilot, int] = MappingProxyType(
    {Autopilot.PX4: 64, Autopilot.ARDUPILOT: 84}
)
"""Corners that a usual build holds: PX4's `DM_KEY_FENCE_POINTS_MAX`; ArduPilot's fence storage
of boards without a card. A build short of memory holds 16; hand in what yours holds."""

LOSS_CODES: Mapping[str, str] = MappingProxyType(
    {
        "ceiling": "A ceiling; the live monitor guards it (or GF_MAX_VER_DIST, FENCE_ALT_MAX).",
        "floor": "A floor; the live monitor guards it.",
        "height": "An exclusion of some heights is carried as one of all heights.",
        "passed_by_height": "An exclusion that the plan passes above or below is left out.",
        "time_window": "A time window: the zone is carried as in force all the time.",
        "not_in_force": "A zone whose time does not come during the flight is left out.",
        "hole": "A hole in an exclusion is closed.",
        "simplified": "Borders were moved to the safe side to save corners.",
        "other_part": "A part of the permitted room that home is not in is left out.",
        "vanished": "A part of the permitted room was too narrow to be kept.",
        "too_many": "Even so there are more corners than the autopilot holds.",
        "home_lost": "Home would not be inside, so the autopilot would ignore the fence.",
    }
)
"""What may be given up, and who takes over."""

_TOLERANCES_M = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
_HAIR_M = 0.02
"""MAVLink's degrees times 1e7 move a corner by up to a centimetre."""
_LEVEL_DEG = 1e-8
"""A corner this near to the straight line of degrees between its neighbours is none."""


@dataclass(frozen=True, slots=True)
class FenceLoss:
    """Something that the autopilot's fence can't carry."""

    code: str
    message: str
    zone_id: ZoneId | None = None
    area_m2: float = 0.0
    """Ground on which fence and zones differ, always on the safe side."""

    @property
    def unsafe(self) -> bool:
        """Whether the fence must not be uploaded like this."""
        return self.code in ("too_many", "home_lost")


@dataclass(frozen=True, slots=True)
class CarriedFence:
    """The fence to upload: zones without holes, heights and times, and what was given up."""

    zones: tuple[Zone, ...]
    losses: tuple[FenceLoss, ...]
    tolerance_m: float
    """How far a border may have moved to the safe side."""

    @property
    def corners(self) -> int:
        """How many vertices it takes."""
        return _corners([part for zone in self.zones for part in _polygons(zone.area)])


_SLOWER, _LONGER = 2.0, timedelta(minutes=30)
"""How much longer than expected a zone's time may still matter to a flight."""


def fence_to_carry(plan: Plan, autopilot: Autopilot, now: datetime) -> CarriedFence:
    """Returns the fence that goes into a vehicle that departs now.

    Raises:
        UploadMismatch: if no such fence holds home within the autopilot's budget.
    """
    until = now + timedelta(seconds=_SLOWER * plan.expected_s) + _LONGER
    carried = translate_fence(plan, autopilot, departs_at=now, until=until)
    for loss in carried.losses:
        if loss.unsafe:
            raise UploadMismatch(
                f"the fence can't be carried: {loss.message}",
                where=str(plan.mission.mission_id),
                cure="simplify the flight zones around home",
            )
    return carried


def translate_fence(
    plan: Plan,
    autopilot: Autopilot = Autopilot.PX4,
    *,
    most_corners: int | None = None,
    departs_at: datetime | None = None,
    until: datetime | None = None,
) -> CarriedFence:
    """Returns the fence of a plan as an autopilot can guard it.

    Args:
        plan: its fences, home, and the path that must stay possible.
        autopilot: PX4 permits the union of inclusions, ArduPilot by default their
            intersection, so there only the part that holds home is carried.
        most_corners: what this build holds; the usual of the autopilot by default.
        departs_at: when the flight begins; `None` takes every zone with a time as in force.
        until: when it is over at the latest.
    """
    losses: list[FenceLoss] = []
    fences = list(_in_force(plan.fences, departs_at, until, losses))
    room = FlightRoom(fences, plan.home)
    permitted: Area | None = room.permitted()
    losses += [_loss("ceiling", li.zone) for li in room.inclusions if li.zone.ceiling is not None]
    losses += [_loss("floor", li.zone) for li in room.inclusions if li.zone.floor is not None]
    closed = [limit.area for limit in room.limits if not limit.inclusion]
    path = _path(plan, room.frame)
    kept: list[BaseGeometry] = []
    for limit, area in zip((li for li in room.limits if not li.inclusion), closed, strict=True):
        if limit.zone.floor is None and limit.zone.ceiling is None:
            kept.append(area)
        elif area.intersects(path):
            losses.append(_loss("passed_by_height", limit.zone, area_m2=float(area.area)))
        else:
            losses.append(_loss("height", limit.zone))
            kept.append(area)
        holes = sum(len(part.interiors) for part in _polygons(area))
        if holes and kept and kept[-1] is area:
            losses.append(_loss("hole", limit.zone))
    budget = FENCE_CORNERS[autopilot] if most_corners is None else most_corners
    return _fit(plan, room.frame, permitted, kept, autopilot, budget, losses)


def _in_force(
    fences: Iterable[Zone],
    departs_at: datetime | None,
    until: datetime | None,
    losses: list[FenceLoss],
) -> Iterable[Zone]:
    for zone in fences:
        if Purpose.FLIGHT not in zone.purposes or not zone.switched_on:
            continue
        if zone.windows:
            if departs_at is not None and not zone.in_force(departs_at, until):
                losses.append(_loss("not_in_force", zone))
                continue
            losses.append(_loss("time_window", zone))
        yield zone


def _loss(code: str, zone: Zone | None = None, area_m2: float = 0.0) -> FenceLoss:
    who = f"{zone.name or zone.zone_id}: " if zone is not None else ""
    words = LOSS_CODES[code]
    return FenceLoss(code, f"{who}{words}", zone.zone_id if zone is not None else None, area_m2)


def _path(plan: Plan, frame: LocalFrame) -> BaseGeometry:
    places = [(0.0, 0.0)]
    for item in plan.mission.items:
        if item.position is not None:
            places.append(frame.to_en1_m(item.position.lat_deg, item.position.lon_deg))
        elif item.kind is ItemKind.RETURN:
            places.append((0.0, 0.0))
    return LineString(places) if len(places) > 1 else Point(places[0])


def _fit(
    plan: Plan,
    frame: LocalFrame,
    permitted: Area | None,
    closed: Sequence[BaseGeometry],
    autopilot: Autopilot,
    budget: int,
    losses: list[FenceLoss],
) -> CarriedFence:
    """Simplifies by ever more until it fits."""
    exclusions = [*closed]
    if permitted is not None:
        holes = [Polygon(ring) for part in _polygons(permitted) for ring in part.interiors]
        exclusions += holes
    outer = [Polygon(part.exterior) for part in _polygons(permitted)] if permitted else []
    if autopilot is Autopilot.ARDUPILOT and len(outer) > 1:
        home = min(outer, key=lambda part: part.distance(Point(0.0, 0.0)))
        gone = sum(part.area for part in outer if part is not home)
        losses.append(_loss("other_part", area_m2=float(gone)))
        outer = [home]
    tolerance_m, inside, outside = 0.0, [*outer], _joined(exclusions, 0.0)
    written: list[Polygon] = []
    for tolerance_m in _TOLERANCES_M:
        inside = [piece for part in outer for piece in _shrunk(part, tolerance_m)]
        outside = _joined(exclusions, tolerance_m)
        written = [_in_degrees(part, frame) for part in (*inside, *outside)]
        if _corners(written) <= budget:
            break
    if _corners(written) > budget:
        losses.append(_loss("too_many"))
    if outer and not any(part.covers(Point(0.0, 0.0)) for part in inside):
        losses.append(_loss("home_lost"))
    if outer and len(inside) < len(outer):
        losses.append(_loss("vanished"))
    if tolerance_m > 0.0:
        moved = union_all(outer).area - union_all(inside).area
        moved += union_all(outside).area - union_all(exclusions).area
        losses.append(_loss("simplified", area_m2=float(max(0.0, moved))))
    kinds = [ZoneKind.INCLUSION] * len(inside) + [ZoneKind.EXCLUSION] * len(outside)
    zones = tuple(
        Zone(
            ZoneId(f"carried-{number}"),
            f"{kind} {number}",
            frozenset({Purpose.FLIGHT}),
            part,
            kind,
        )
        for number, (part, kind) in enumerate(zip(written, kinds, strict=True))
    )
    return CarriedFence(zones, tuple(dict.fromkeys(losses)), tolerance_m)


def _in_degrees(part: Polygon, frame: LocalFrame) -> Polygon:
    """Returns a part in degrees, without the points that bend its long edges in metres."""
    exact = to_geographic(part, frame)
    fewer = exact.simplify(_LEVEL_DEG)
    return fewer if isinstance(fewer, Polygon) and fewer.is_valid else exact  # type: ignore[return-value]


def _shrunk(part: Polygon, tolerance_m: float) -> list[Polygon]:
    """Returns polygons of fewer corners that lie within a part."""
    if tolerance_m == 0.0:
        return [part]
    less = part.buffer(-tolerance_m - _HAIR_M, join_style="mitre").simplify(tolerance_m)
    within = [Polygon(piece.exterior) for piece in _polygons(less)]
    # a simplified border can still leave a narrow bay: then it is cut to what is inside
    return [
        piece
        for one in within
        for piece in ([one] if part.covers(one) else _polygons(one.intersection(part)))
        if piece.area > 1.0
    ]


def _joined(exclusions: Sequence[BaseGeometry], tolerance_m: float) -> list[Polygon]:
    """Returns polygons of fewer corners that cover all exclusions."""
    if not exclusions:
        return []
    union = union_all(list(exclusions))
    if tolerance_m == 0.0:
        return [Polygon(part.exterior) for part in _polygons(union)]
    grown = union.buffer(tolerance_m + _HAIR_M, join_style="mitre").simplify(tolerance_m)
    return [
        whole if whole.covers(union.intersection(whole.envelope)) else _around(whole, union)
        for whole in (Polygon(part.exterior) for part in _polygons(grown))
    ]


def _around(whole: Polygon, union: BaseGeometry) -> Polygon:
    """Returns a polygon that also covers what a simplified one cut off."""
    missed = [part for part in _polygons(union) if part.intersects(whole)]
    hull = union_all([whole, *missed]).convex_hull
    return hull if isinstance(hull, Polygon) else whole


def _corners(parts: Sequence[Polygon]) -> int:
    return sum(len(part.exterior.coords) - 1 for part in parts)


def _polygons(shape: BaseGeometry | None) -> list[Polygon]:
    if isinstance(shape, Polygon):
        return [] if shape.is_empty else [shape]
    parts = shape.geoms if isinstance(shape, MultiPolygon) else getattr(shape, "geoms", [])
    return [p for part in parts for p in _polygons(part)]
