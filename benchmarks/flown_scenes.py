"""Random rooms and missions for `flown_missions.py`: the same number gives the same scene."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from shapely import Point, Polygon, box
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

from core.ids import AssetId, MissionId, PatrolId, ZoneId
from core.recurrence import Recurrence
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum, Position
from geo.ways_around import WaysAround
from geo.zones import Purpose, Zone, ZoneKind, to_geographic
from missions.model import (
    Asset,
    AssetKind,
    ItemKind,
    Mission,
    MissionItem,
    Patrol,
    Pattern,
    Plan,
    RallyPoint,
)
from missions.planning.planner import plan_patrol

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FRAME = LocalFrame(50.9754, 71.3549)
HOME = Position(FRAME.lat_deg, FRAME.lon_deg, Altitude(350.0, Datum.GEOID))
FLIGHT = frozenset({Purpose.FLIGHT})
REACH_M = 320.0

Place = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A room, an aircraft and its plan."""

    number: int
    kind: str
    plan: Plan
    asset: Asset
    returns_s: tuple[float, ...]
    """When returns are ordered."""


def scene(seed: int, number: int, returns: int) -> Scene:
    """Returns the scene of a number."""
    rng = random.Random(f"scene-{seed}-{number}")
    zones = _room(rng)
    asset = Asset(
        AssetId("drone-1"), "drone", AssetKind.DRONE, None, round(rng.uniform(4, 12), 1), HOME,
        endurance_s=1_500.0, acceptance_radius_m=rng.choice([2.0, 2.0, 2.0, 3.0, 5.0]),
    )  # fmt: skip
    kind = rng.choices(["waypoints", "careful", "patrol"], [52, 42, 6])[0]
    plan = _patrol(rng, zones, asset) if kind == "patrol" else None
    if plan is None or len(plan.mission.items) < 3:
        kind = "careful" if kind == "patrol" else kind
        plan = _mission(rng, zones, asset, careful=kind == "careful")
    way = [FRAME.to_en1_m(i.position.lat_deg, i.position.lon_deg)
           for i in plan.mission.items if i.position is not None]  # fmt: skip
    length = sum(math.dist(a, b) for a, b in pairwise(way))
    about_s = 15.0 + length / asset.cruise_m_s + sum(i.hold_s for i in plan.mission.items)
    times = tuple(round(rng.uniform(5.0, about_s), 1) for _ in range(returns))
    return Scene(number, kind, plan, asset, times)


def _zone(name: str, area: BaseGeometry, kind: ZoneKind, **changes: object) -> Zone:
    geographic = to_geographic(area, FRAME)  # type: ignore[arg-type]
    return Zone(ZoneId(name), name, FLIGHT, geographic, kind, **changes)  # type: ignore[arg-type]


def _limit(metres: float) -> Altitude:
    return Altitude(round(metres, 1), Datum.GROUND)


def _room(rng: random.Random) -> tuple[Zone, ...]:
    corners = rng.randint(5, 12)
    turn = rng.uniform(0, 2 * math.pi)
    turns = [turn + 2 * math.pi * k / corners for k in range(corners)]
    radii = [rng.uniform(0.5, 1.1) * REACH_M for _ in turns]
    border = Polygon(
        [(r * math.cos(t), r * math.sin(t)) for r, t in zip(radii, turns, strict=True)]
    )
    area: BaseGeometry = border
    for _ in range(rng.randint(0, 3)):
        notch = _shape(rng, REACH_M, 25.0, 110.0)
        cut = area.difference(notch)
        part = max(getattr(cut, "geoms", [cut]), key=lambda one: one.covers(Point(0, 0)))
        if isinstance(part, Polygon) and part.buffer(-8.0).covers(Point(0, 0)):
            area = part
    ceiling = _limit(rng.uniform(25, 90)) if rng.random() < 0.6 else None
    zones = [_zone("room", area, ZoneKind.INCLUSION, ceiling=ceiling)]
    if rng.random() < 0.2:
        low = _shape(rng, 0.7 * REACH_M, 40.0, 150.0).intersection(area)
        if isinstance(low, Polygon) and low.area > 1.0:
            top = _limit(rng.uniform(20, 50))
            zones.append(_zone("low", low, ZoneKind.INCLUSION, ceiling=top))
    for number in range(rng.choice([0, 1, 2, 2, 3, 4, 6])):
        ban = _shape(rng, REACH_M, 10.0, 90.0)
        if ban.buffer(6.0).covers(Point(0, 0)):
            continue
        changes: dict[str, object] = {}
        if rng.random() < 0.3:
            changes["ceiling"] = _limit(rng.uniform(12, 50))
        elif rng.random() < 0.25:
            changes["floor"] = _limit(rng.uniform(15, 60))
        if rng.random() < 0.2:
            begins = START + timedelta(seconds=rng.uniform(-200, 250))
            changes["windows"] = (Recurrence(begins, timedelta(seconds=rng.uniform(30, 300))),)
        zones.append(_zone(f"ban-{number}", ban, ZoneKind.EXCLUSION, **changes))
    return tuple(zones)


def _shape(rng: random.Random, reach: float, small: float, large: float) -> BaseGeometry:
    """Returns a box, triangle or circle somewhere."""
    east, north = rng.uniform(-reach, reach), rng.uniform(-reach, reach)
    size = rng.uniform(small, large)
    form = rng.choice(["box", "triangle", "circle"])
    if form == "circle":
        return Point(east, north).buffer(size, quad_segs=16)
    if form == "triangle":
        made: BaseGeometry = Polygon([(0, 0), (2 * size, 0), (rng.uniform(0, 2) * size, size)])
    else:
        made = box(0, 0, 2 * size, rng.uniform(0.3, 2) * size)
    return translate(rotate(made, rng.uniform(0, 360), origin=(0, 0)), east, north)


def _mission(rng: random.Random, zones: tuple[Zone, ...], asset: Asset, *, careful: bool) -> Plan:
    up_m = rng.uniform(12, 60)
    ceiling = zones[0].ceiling
    if careful and ceiling is not None:
        up_m = min(up_m, ceiling.metres - 3.0)
    places = [_place(rng) for _ in range(rng.randint(1, 5))]
    if careful:
        places = _around(zones, places, up_m, asset.acceptance_radius_m + rng.uniform(0.0, 4.0))
    heights: Callable[[], float] = lambda: up_m  # noqa: E731
    if not careful and rng.random() < 0.4:
        heights = lambda: rng.uniform(10, 70)  # noqa: E731
    items = [MissionItem(ItemKind.TAKEOFF, _position((0.0, 0.0), up_m), speed_m_s=asset.cruise_m_s)]
    for place in places:
        position, draw = _position(place, heights()), rng.random()
        if draw < 0.1:
            items.append(MissionItem(ItemKind.WAYPOINT, position, hold_s=rng.uniform(1, 8)))
        elif draw < 0.2:
            radius = rng.choice([0.0, 0.0, rng.uniform(8, 30)])
            items.append(
                MissionItem(
                    ItemKind.LOITER, position, hold_s=rng.uniform(5, 25), loiter_radius_m=radius
                )
            )
        elif draw < 0.3:
            items.append(MissionItem(ItemKind.WAYPOINT, position, speed_m_s=rng.uniform(3, 12)))
        else:
            items.append(MissionItem(ItemKind.WAYPOINT, position))
        if rng.random() < 0.15:
            items += _again(rng, items[-1], careful=careful)
    if rng.random() < 0.12:
        landing = rng.choice([places[-1], _place(rng), _place(rng)])
        items.append(MissionItem(ItemKind.LAND, _position(landing, 0.0)))
    else:
        items.append(MissionItem(ItemKind.RETURN))
    return_m = rng.choice([up_m, up_m, max(12.0, up_m - 5), up_m + 10, 30.0])
    rally = [RallyPoint(_position(_place(rng), 0.0)) for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    mission = Mission(MissionId("mission-1"), tuple(items))
    return Plan(
        mission, asset.asset_id, HOME, asset.cruise_m_s, zones, tuple(rally),
        return_altitude=Altitude(round(return_m, 1), Datum.HOME),
    )  # fmt: skip


def _again(rng: random.Random, item: MissionItem, *, careful: bool) -> list[MissionItem]:
    """Returns one or two more steps at an item's place, as for a climb or a second look."""
    assert item.position is not None
    up_m, more = item.position.altitude.metres, []
    for _ in range(rng.choice([1, 1, 2])):
        up_m = rng.choice([up_m, rng.uniform(10, up_m if careful else 70)])
        place = replace(item.position, altitude=Altitude(round(up_m, 2), Datum.HOME))
        kind = rng.choice([ItemKind.WAYPOINT, ItemKind.WAYPOINT, ItemKind.LOITER])
        hold_s = rng.choice([0.0, rng.uniform(1, 10)])
        if kind is ItemKind.LOITER:
            hold_s = rng.uniform(5, 15)
        more.append(MissionItem(kind, place, hold_s=hold_s))
    return more


def _around(
    zones: tuple[Zone, ...], places: list[Place], up_m: float, margin_m: float
) -> list[Place]:
    """Returns a way over places that goes around what is closed, as a careful planner's would."""
    areas = np.empty(len(zones), dtype=object)
    areas[:] = [zone.to_local(FRAME) for zone in zones]
    closed = np.array([_closes(zone, up_m) for zone in zones], dtype=bool)
    ways = WaysAround(areas, closed, areas[0])
    way: list[Place] = [(0.0, 0.0)]
    for place in [*places, (0.0, 0.0)]:
        goal = ways.nearest_free(place, margin_m, 2 * REACH_M)
        found = None if goal is None else ways.way(way[-1], goal, margin_m)
        if found is not None:
            way += found.places[1:]
    return way[1:-1] or [(15.0, 15.0)]


def _closes(zone: Zone, up_m: float) -> bool:
    low = -math.inf if zone.floor is None else zone.floor.metres
    high = math.inf if zone.ceiling is None else zone.ceiling.metres
    if zone.kind is ZoneKind.INCLUSION:
        return not low <= up_m <= high
    return low - 1.0 <= up_m <= high + 1.0


def _patrol(rng: random.Random, zones: tuple[Zone, ...], asset: Asset) -> Plan:
    watch = Zone(
        ZoneId("watch"), "watch", frozenset({Purpose.WATCH}),
        to_geographic(_shape(rng, 0.6 * REACH_M, 20.0, 50.0), FRAME),  # type: ignore[arg-type]
    )  # fmt: skip
    height = Altitude(round(rng.uniform(20, 50), 1), Datum.HOME)
    pattern = rng.choice([Pattern.AREA, Pattern.PERIMETER, Pattern.PERIMETER, Pattern.ORBIT])
    place = FRAME.to_geo1_deg(*_place(rng))
    patrol = Patrol(
        PatrolId("patrol-1"), "patrol", (), asset.asset_id, height, pattern=pattern,
        places=(place,) if pattern is Pattern.ORBIT else (),
    )  # fmt: skip
    return plan_patrol(patrol, [watch], zones, asset)


def _place(rng: random.Random) -> Place:
    return rng.uniform(-REACH_M, REACH_M), rng.uniform(-REACH_M, REACH_M)


def _position(place: Place, up_m: float) -> Position:
    return Position(*FRAME.to_geo1_deg(*place), Altitude(round(up_m, 2), Datum.HOME))
