"""The way of a plan as sheets of air: every leg, column, circle and return, with its times."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from geo.ground_grid import GroundGrid
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum, Position
from missions.endurance import RETURN_UP_M, Endurance
from missions.model import Asset, ItemKind, MissionItem, Plan
from missions.momentum import (
    SAME_M,
    Stop,
    run_on_m,
    runs_beyond_m,
    swing_m,
)
from missions.proving.off_line import Leg, OffLine, off_lines
from missions.proving.run_on import FastCorner, fast_corners
from missions.proving.sheets import Part, Place, Sheet, nearest_span, part_of

_EARLY, _LATE, _START_S = 0.9, 1.1, 30.0
"""A time on the way is known to a tenth of what has passed, and the start to half a minute."""
_ENDS = (ItemKind.RETURN, ItemKind.LAND)


@dataclass(frozen=True, slots=True)
class Step:
    """A mission item with its place and height above home."""

    number: int
    item: MissionItem
    place: Place
    up_m: float
    joined: bool = True
    """Whether its height could be joined with home's."""


class FlightPath:
    """The steps of a drone's plan and the sheets that they sweep."""

    def __init__(
        self,
        plan: Plan,
        asset: Asset,
        endurance: Endurance,
        margin_m: float = 0.0,
        ground: GroundGrid | None = None,
        start_s: float = 0.0,
    ) -> None:
        """Works out places, heights and times.

        Args:
            plan: a drone's.
            asset: who flies it.
            endurance: of that plan, for its times.
            margin_m: kept beside the acceptance radius.
            ground: joins heights above ground with home; without it the ground is level.
            start_s: time since departure at which it begins, where it is a part of a plan.
        """
        self._start_s = start_s
        self.plan, self._margin_m = plan, margin_m
        self._climb_m_s, self._sink_m_s = asset.climb_m_s, asset.sink_m_s
        self.radius_m = max(0.02, asset.acceptance_radius_m) + margin_m
        self.frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
        self._ground = ground
        self.return_up_m = self.up_of(plan.return_altitude, (0.0, 0.0))
        self.steps = self._steps()
        self.goals = ((0.0, 0.0), *self._places([rally.position for rally in plan.rally]))
        self._after_s = self._times(endurance)
        self.own = tuple(self._own())
        self.returns = tuple(self._returns())

    def begins_s(self, number: int) -> float:
        """Returns the time since departure at which the way to a step begins."""
        return self._after_s[number - 1] if 0 < number <= len(self._after_s) else self._start_s

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """All sheets, returns included."""
        return (*self.own, *self.returns)

    @property
    def top_m(self) -> float:
        """The greatest height that the mission itself asks for, above home."""
        return max((max(sheet.up_a, sheet.up_b) for sheet in self.own), default=0.0)

    @cached_property
    def ends_at(self) -> int | None:
        """Number of the step with which it ends, or `None` where it hovers on."""
        kinds = (item.kind for item in self.plan.mission.items)
        return next((n for n, kind in enumerate(kinds) if kind in _ENDS), None)

    def height_of(self, altitude: Altitude, place: Place) -> float | None:
        """Returns a height above home, or `None` where the datums can't be joined."""
        home = self.plan.home.altitude
        if altitude.datum is Datum.HOME:
            return altitude.metres
        if altitude.datum is Datum.GROUND:
            return altitude.metres + (self._ground.at(*place) if self._ground else 0.0)
        if altitude.datum is home.datum:
            return altitude.metres - home.metres
        return None

    def up_of(self, altitude: Altitude | None, place: Place) -> float:
        """Returns a return height above home; PX4's own where there is none."""
        up = None if altitude is None else self.height_of(altitude, place)
        return RETURN_UP_M if up is None else up

    def _places(self, positions: Sequence[Position]) -> list[Place]:
        if not positions:
            return []
        lats = np.array([position.lat_deg for position in positions])
        lons = np.array([position.lon_deg for position in positions])
        east, north = self.frame.to_en_m(lats, lons)
        # a tenth of a millimetre: the same corner has the same coordinates wherever it comes from
        rounded = zip(np.round(east, 4).tolist(), np.round(north, 4).tolist(), strict=True)
        return list(rounded)

    def _steps(self) -> tuple[Step, ...]:
        items = self.plan.mission.items
        numbers = [n for n, item in enumerate(items) if item.position is not None]
        places = self._places([p for p in (items[n].position for n in numbers) if p is not None])
        steps = []
        for number, place in zip(numbers, places, strict=True):
            position = items[number].position
            assert position is not None  # chosen above
            up = self.height_of(position.altitude, place)
            steps.append(
                Step(
                    number,
                    items[number],
                    place,
                    position.altitude.metres if up is None else up,
                    joined=up is not None,
                )
            )
        return tuple(steps)

    def _times(self, endurance: Endurance) -> list[float]:
        """Returns the time since departure at the end of each item."""
        after, total = [], self._start_s
        for leg in endurance.legs:
            total += leg.cost.seconds if math.isfinite(leg.cost.seconds) else 0.0
            after.append(total)
        return after

    def _window(self, number: int, from_number: int) -> tuple[float, float]:
        known = 0 <= from_number < len(self._after_s)
        start = self._after_s[from_number] if known else self._start_s
        end = self._after_s[number] if number < len(self._after_s) else start
        return start * _EARLY - _START_S, end * _LATE + _START_S

    @cached_property
    def fast_corners(self) -> Mapping[int, FastCorner]:
        """The corners that are reached too fast, by the number of their step."""
        return {corner.item: corner for corner in fast_corners(self._stops)}

    @cached_property
    def _speeds_m_s(self) -> tuple[float, ...]:
        """The speed on the way to each item."""
        speed, speeds = self.plan.cruise_m_s, []
        for item in self.plan.mission.items:
            speed = item.speed_m_s or speed
            speeds.append(speed)
        return tuple(speeds)

    @cached_property
    def _stops(self) -> tuple[Stop, ...]:
        """The places of the way behind the take-off."""
        stops = []
        for step in self.steps:
            item = step.item
            if self.ends_at is not None and step.number > self.ends_at:
                break
            if item.kind is not ItemKind.TAKEOFF:
                halts = item.kind is not ItemKind.WAYPOINT or item.hold_s > 0
                stops.append(Stop(step.number, step.place, self._speeds_m_s[step.number], halts))
        return tuple(stops)

    @cached_property
    def _beyond_m(self) -> Mapping[int, float]:
        return runs_beyond_m(self._stops, self.radius_m)

    @cached_property
    def _off_lines(self) -> Mapping[int, OffLine]:
        """How far off its line it may be on the way to each step."""
        legs, up = [], 0.0
        for step in self.steps:
            item, corner = step.item, self.fast_corners.get(step.number)
            # it goes over the place of a landing first, then down
            up = max(up, step.up_m) if item.kind is ItemKind.LAND else step.up_m
            legs.append(
                Leg(
                    step.number,
                    step.place,
                    up,
                    self._speeds_m_s[step.number],
                    halts=item.kind is not ItemKind.WAYPOINT or item.hold_s > 0,
                    passed_m_s=None if corner is None else corner.speed_m_s,
                    takeoff=item.kind is ItemKind.TAKEOFF,
                )
            )
        return off_lines(legs, self.radius_m - self._margin_m, self._climb_m_s, self._sink_m_s)

    @cached_property
    def _place_of(self) -> Mapping[int, Place]:
        return {step.number: step.place for step in self.steps}

    def _own(self) -> Iterator[Sheet]:
        """Yields what the mission itself sweeps; the last return is among the returns."""
        here, up, before = (0.0, 0.0), 0.0, -1
        radius_m = self.radius_m
        end = self.ends_at
        for step in self.steps:
            if end is not None and step.number > end:
                return
            early, late = self._window(step.number, before)
            times = (radius_m, early, late)
            if not step.joined:
                pass  # its height is a finding of its own; it is swept as if above home
            if before < 0:
                column = Sheet(Part.TAKEOFF, step.number, here, here, 0.0, step.up_m, *times)
                yield column
                up = step.up_m
            to_up = step.up_m
            if step.item.kind is ItemKind.LAND:
                to_up = max(up, step.up_m)  # it goes over the place first, then down
            off = self._off_lines.get(step.number, OffLine())
            wide = max(radius_m, self._margin_m + off.beside_m)
            yield Sheet(
                Part.LEG, step.number, here, step.place, up, to_up, wide, early, late,
                under_m=off.under_m, over_m=off.over_m,
            )  # fmt: skip
            corner = self.fast_corners.get(step.number)
            if corner is not None:
                wide = max(radius_m, corner.radius_m + self._margin_m)
                below, above = self._off_within_m(step, corner.until)
                yield Sheet(
                    Part.CORNER, step.number, step.place, corner.until, to_up, to_up, wide, early,
                    late + _LATE * 4 * wide / max(1.0, corner.speed_m_s),
                    under_m=below, over_m=above,
                )  # fmt: skip
            disc = step.item.loiter_radius_m or 0.0
            if step.item.kind is ItemKind.LOITER and abs(disc) > 0:
                yield Sheet(
                    Part.LOITER, step.number, step.place, step.place, to_up, to_up, *times,
                    disc_m=abs(disc),
                )  # fmt: skip
            if step.item.kind is ItemKind.LAND:
                yield Sheet(Part.LANDING, step.number, step.place, step.place, 0.0, to_up, *times)
                return
            here, up, before = step.place, to_up, step.number
            radius_m = self._radius_after(step.item)

    def _off_within_m(self, step: Step, until: Place) -> tuple[float, float]:
        """Returns how far below and above a step's height it may be up to a place behind it."""
        after = next((one for one in self.steps if one.number > step.number), step)
        off = self._off_lines.get(after.number, OffLine())
        rise = 0.0 if after.item.kind is ItemKind.LAND else after.up_m - step.up_m
        length = max(SAME_M, math.dist(step.place, after.place))
        rise *= min(1.0, math.dist(step.place, until) / length)
        return off.under_m + max(0.0, -rise), off.over_m + max(0.0, rise)

    def _radius_after(self, item: MissionItem) -> float:
        """Returns how far beside its line the way behind an item may be.

        Where a place counts as reached from afar, the corner is cut by as much.
        """
        if item.kind is not ItemKind.WAYPOINT or item.acceptance_radius_m is None:
            return self.radius_m
        return max(self.radius_m, item.acceptance_radius_m + self._margin_m)

    def _returns(self) -> Iterator[Sheet]:
        """Yields the returns that may be ordered anywhere, and the planned one."""
        tops: dict[Place, tuple[float, float, int]] = {}
        for sheet in self.own:
            if sheet.part not in (Part.LEG, Part.LOITER, Part.CORNER):
                continue
            for goal in self.goals:
                span = nearest_span(sheet, goal, self.goals)
                if span is not None:
                    yield from self._back(part_of(sheet, *span), goal, tops)
        end = self.ends_at
        if end is not None and self.plan.mission.items[end].kind is ItemKind.RETURN:
            yield from self._planned(end, tops)
        for goal, (top, late, item) in tops.items():
            yield Sheet(
                Part.RETURN_LANDING, item, goal, goal, 0.0, top, self.radius_m, 0.0, late,
                goal=None,
            )  # fmt: skip

    def _back(
        self, leg: Sheet, goal: Place, tops: dict[Place, tuple[float, float, int]]
    ) -> Iterator[Sheet]:
        away = max(math.dist(leg.a, goal), math.dist(leg.b, goal)) + leg.disc_m
        top = max(leg.up_a, leg.up_b, self.return_up_m)
        late = leg.late_s + self._return_s(away, top)
        known = tops.get(goal, (-1.0, 0.0, leg.item))
        # the descent is told of the step from which it begins highest
        item = leg.item if top > known[0] else known[2]
        tops[goal] = (max(known[0], top), max(known[1], late), item)
        back = replace(self._run_on(leg), late_s=late, return_up_m=self.return_up_m)
        if self.return_up_m > min(leg.up_a, leg.up_b) + 0.01:
            yield replace(back, part=Part.RETURN_CLIMB)
        yield replace(back, part=Part.RETURN, goal=goal)

    def _run_on(self, leg: Sheet) -> Sheet:
        """Returns a leg with what an aircraft is carried on that returns from there.

        A planned return begins where it stands.
        """
        if leg.planned or leg.part is Part.CORNER:
            return leg
        speed = self._speeds_m_s[leg.item]
        metres, wide = run_on_m(speed), swing_m(speed) + self._margin_m
        if leg.disc_m > 0:
            wide = max(wide, math.hypot(leg.disc_m, metres) - leg.disc_m + self._margin_m)
            return replace(leg, radius_m=max(leg.radius_m, wide))
        length = math.dist(leg.a, leg.b)
        left = math.dist(leg.b, self._place_of[leg.item])  # of a leg cut where other goals are near
        metres = min(metres, left + self._beyond_m.get(leg.item, 0.0))
        if length < 1e-6 or metres <= 0.0:
            return replace(leg, radius_m=max(leg.radius_m, wide))
        share = 1.0 + metres / length
        b = (leg.a[0] + share * (leg.b[0] - leg.a[0]), leg.a[1] + share * (leg.b[1] - leg.a[1]))
        return replace(leg, b=b, radius_m=max(leg.radius_m, wide))

    def _planned(self, end: int, tops: dict[Place, tuple[float, float, int]]) -> Iterator[Sheet]:
        flown = [step for step in self.steps if step.number < end]
        if not flown:
            return
        last = flown[-1]
        early, late = self._window(end, last.number)
        radius_m = self._radius_after(last.item)
        point = Sheet(
            Part.LEG, end, last.place, last.place, last.up_m, last.up_m, radius_m, early, late,
            planned=True,
        )  # fmt: skip
        for goal in self.goals:
            if nearest_span(point, goal, self.goals) is not None:
                yield from self._back(point, goal, tops)

    def _return_s(self, away_m: float, top_m: float) -> float:
        return _LATE * (away_m / max(0.5, self.plan.cruise_m_s) + top_m / 0.5)
