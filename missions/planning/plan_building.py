"""Makes a plan of stops: mission items, return height, rally points, time and name."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from shapely.geometry.base import BaseGeometry

from core.errors import DatumUnknown
from core.ids import MissionId, PatrolId, content_id
from geo.coverage import Place
from geo.flight_room import FlightRoom
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone
from missions.endurance import endurance_of
from missions.model import Asset, ItemKind, Mission, MissionItem, Plan, RallyPoint
from missions.momentum import swing_m
from missions.planning.patrol_room import UP_MARGIN_M, Stop
from missions.planning.pattern_heights import Shooting
from missions.planning.safe_returns import Returns, find_returns, open_air
from missions.planning.shots import LOWEST_M
from missions.planning.terrain_following import Ground, sampled

_USUAL_RETURN_M = 30.0
_SHORT_LEG_M = 30.0
_HOME: Place = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PlanBuilder:
    """Makes the plans of one drone from its home."""

    asset: Asset
    room: FlightRoom
    fences: tuple[Zone, ...]
    patrol_id: PatrolId | None
    ground: Ground | None
    """Under the ways home; `None` where no terrain is known."""

    def build(self, stops: Sequence[Stop], up_m: float, how: Shooting) -> Plan:
        """Returns the plan of stops from take-off to the return; without stops an empty one.

        Args:
            stops: places in turn, each with its height where it is not `up_m`.
            up_m: height of the take-off.
            how: speed and pictures.
        """
        asset, frame = self.asset, self.room.frame
        items: list[MissionItem] = []
        if stops:
            pitch = asset.camera.pitch_deg if asset.camera is not None else None
            start = Position(asset.home.lat_deg, asset.home.lon_deg, Altitude(up_m, Datum.HOME))
            speed = how.speed_m_s
            items.append(
                MissionItem(ItemKind.TAKEOFF, start, speed_m_s=speed, camera_pitch_deg=pitch)
            )
            for number, stop in enumerate(stops):
                lat, lon = frame.to_geo1_deg(*stop.place)
                above = Altitude(up_m if stop.up_m is None else stop.up_m, Datum.HOME)
                wanted = speed if stop.speed_m_s is None else stop.speed_m_s
                changed = wanted if abs(wanted - speed) > 0.01 else None
                speed = wanted if changed is not None else speed
                items.append(
                    MissionItem(
                        ItemKind.WAYPOINT,
                        Position(lat, lon, above),
                        speed_m_s=changed,
                        hold_s=stop.hold_s,
                        camera_pitch_deg=stop.pitch_deg,
                        look_at=frame.to_geo1_deg(*stop.look_at) if stop.look_at else None,
                        trigger_m=how.trigger_m if number == 0 else None,
                    )
                )
            items.append(
                MissionItem(ItemKind.RETURN, trigger_m=None if how.trigger_m is None else 0.0)
            )
        plan = Plan(
            Mission(MissionId(""), tuple(items)),
            asset.asset_id,
            asset.home,
            asset.cruise_m_s,
            self.fences,
            return_altitude=Altitude(self._return_up_m(stops, up_m), Datum.HOME),
            patrol_id=self.patrol_id,
        )
        return named(timed(plan, asset))

    def _return_up_m(self, stops: Sequence[Stop], up_m: float) -> float:
        """Returns a return height over the ground of every straight way home, if ceilings let."""
        wanted = max(up_m, _USUAL_RETURN_M)
        if self.ground is not None and stops:
            some = stops[:: max(1, len(stops) // 40)]
            ways = [sampled((stop.place, _HOME), 20.0)[:2] for stop in some]
            try:
                under = self.ground(*(np.concatenate(axis) for axis in zip(*ways, strict=True)))
                wanted = max(wanted, float(np.max(under)) + LOWEST_M)
            except DatumUnknown:
                pass  # nobody knows the ground on the way: as without terrain
        ceilings = [
            limit.ceiling_m for limit in self.room.inclusions if limit.ceiling_m is not None
        ]
        if min(ceilings, default=math.inf) >= wanted + UP_MARGIN_M:
            return wanted
        return up_m

    def returns(
        self, plan: Plan, stops: Sequence[Stop], up_m: float
    ) -> tuple[Returns, BaseGeometry]:
        """Returns the rally points that a plan of stops needs, and the air of its returns."""
        ups = [up_m, *(up_m if stop.up_m is None else stop.up_m for stop in stops)]
        back = plan.return_altitude.metres if plan.return_altitude is not None else _USUAL_RETURN_M
        way = [stop.place for stop in stops]
        speed = max([plan.cruise_m_s, *(stop.speed_m_s or 0.0 for stop in stops)])
        radius_m = max(self.asset.acceptance_radius_m, swing_m(speed))
        air = open_air(self.room, (min(ups), max(*ups, back)), radius_m, way)
        return find_returns(way, air, speed), air

    def with_rally(self, plan: Plan, rally: Sequence[Place]) -> Plan:
        """Returns a plan with rally points, its own end at home, which they would else be."""
        ground = Altitude(0.0, Datum.HOME)
        points = tuple(
            RallyPoint(Position(*self.room.frame.to_geo1_deg(*place), ground)) for place in rally
        )
        *before, last, end = plan.mission.items
        home = replace(last, position=replace(plan.home, altitude=_altitude_of(last)))
        stay = MissionItem(ItemKind.WAYPOINT, home.position)
        items = (*before, last, stay, end)
        mission = replace(plan.mission, items=items)
        return named(timed(replace(plan, mission=mission, rally=points), self.asset))


def in_short_legs(stops: Sequence[Stop], up_m: float) -> list[Stop]:
    """Returns stops with more in between, so that no leg is long; the way stays the same."""
    shorter: list[Stop] = []
    before = Stop(_HOME, up_m=up_m)
    for stop in stops:
        low, high = (up_m if one.up_m is None else one.up_m for one in (before, stop))
        count = math.ceil(math.dist(before.place, stop.place) / _SHORT_LEG_M)
        for k in range(1, count):
            t = k / count
            place = tuple(a + (b - a) * t for a, b in zip(before.place, stop.place, strict=True))
            shorter.append(
                Stop((place[0], place[1]), up_m=low + (high - low) * t, speed_m_s=stop.speed_m_s)
            )
        shorter.append(stop)
        before = stop
    return shorter


def _altitude_of(item: MissionItem) -> Altitude:
    assert item.position is not None  # the planner gives every step but the return a place
    return item.position.altitude


def timed(plan: Plan, asset: Asset) -> Plan:
    """Returns a plan with the time that it takes in still air."""
    expected_s = endurance_of(plan, asset).seconds if plan.mission.items else 0.0
    return replace(plan, expected_s=expected_s)


def named(plan: Plan) -> Plan:
    """Names the mission after its content, so that the same plan has the same id."""
    text = repr((plan.mission.items, str(plan.asset_id), plan.home))
    mission_id = MissionId(content_id("mission", text))
    return replace(plan, mission=replace(plan.mission, mission_id=mission_id))
