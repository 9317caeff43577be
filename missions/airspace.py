"""The flight zones in force around one place, joined for ways at any height above any home.

One frame and one index serve all aircraft; what depends on a home's height and on the height
flown is reckoned once for each and kept.
"""

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from shapely import STRtree, transform, union_all
from shapely.geometry.base import BaseGeometry

from core.errors import DatumUnknown
from geo.flight_room import above_home_m
from geo.local_frame import Floats, LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Position
from geo.ways_around import Areas, WaysAround
from geo.zones import Area, Purpose, Zone, ZoneKind

UP_MARGIN_M = 2.0
"""Kept from a zone's floor and ceiling."""


class Airspace:
    """Flight zones as areas with heights, in metres about a place."""

    def __init__(
        self,
        zones: Sequence[Zone],
        lat_deg: float,
        lon_deg: float,
        start: datetime,
        end: datetime,
        terrain: TerrainModel | None = None,
    ) -> None:
        """Takes those flight zones that are in force at any instant from start to end.

        Args:
            zones: to choose from.
            lat_deg: of the middle of the frame.
            lon_deg: of the middle of the frame.
            start: the first instant that matters.
            end: the last one.
            terrain: joins heights above ground; without it the ground is level with each home.
        """
        self.frame = LocalFrame(lat_deg, lon_deg)
        self.zones = tuple(
            zone for zone in zones if Purpose.FLIGHT in zone.purposes and zone.in_force(start, end)
        )
        areas = np.empty(len(self.zones), dtype=object)
        areas[:] = [zone.area for zone in self.zones]
        if len(areas):
            areas = transform(
                areas, lambda xy: np.stack(self.frame.to_en_m(xy[:, 1], xy[:, 0]), axis=1)
            )
        self.areas: Areas = areas
        self.tree = STRtree(areas)
        self.inclusion = np.array([z.kind is ZoneKind.INCLUSION for z in self.zones], dtype=bool)
        self.permitted: Area | None = (
            union_all(areas[self.inclusion]) if self.inclusion.any() else None  # type: ignore[assignment]
        )
        self._terrain = terrain
        self._limits: dict[Altitude, tuple[Floats, Floats]] = {}
        self._ways: dict[tuple[Altitude, float], WaysAround] = {}

    def limits_m(self, home: Position) -> tuple[Floats, Floats]:
        """Returns floors and ceilings above a home; a height that can't be joined limits all.

        An exclusion of which a limit is not known reaches from the ground up, an inclusion
        permits no height at all.
        """
        if home.altitude not in self._limits:
            floors = np.full(len(self.zones), -math.inf)
            ceilings = np.full(len(self.zones), math.inf)
            for number, zone in enumerate(self.zones):
                try:
                    floors[number] = self._up_m(zone.floor, zone, home, -math.inf)
                    ceilings[number] = self._up_m(zone.ceiling, zone, home, math.inf)
                except DatumUnknown:
                    floors[number] = -math.inf
                    ceilings[number] = -math.inf if self.inclusion[number] else math.inf
            self._limits[home.altitude] = floors, ceilings
        return self._limits[home.altitude]

    def _up_m(self, limit: Altitude | None, zone: Zone, home: Position, none_m: float) -> float:
        if limit is None:
            return none_m
        return above_home_m(limit, zone, home, self._terrain, ceiling=none_m > 0)

    def closed(self, home: Position, low_m: float, high_m: float) -> np.ndarray:
        """Returns which zones close something to heights from low to high above a home.

        An inclusion closes its own area to heights above its ceiling or below its floor.
        """
        floors, ceilings = self.limits_m(home)
        reached = (floors - UP_MARGIN_M < high_m) & (low_m < ceilings + UP_MARGIN_M)
        kept = (floors <= low_m) & (high_m <= ceilings)
        return np.where(self.inclusion, ~kept, reached)

    def ways(self, home: Position, up_m: float) -> WaysAround:
        """Returns the ways at a height above a home."""
        key = (home.altitude, up_m)
        if key not in self._ways:
            closed = self.closed(home, up_m, up_m)
            self._ways[key] = WaysAround(self.areas, closed, self.permitted, self.tree)
        return self._ways[key]

    def near(self, shape: BaseGeometry, distance_m: float) -> list[int]:
        """Returns the zones within a distance of a shape, by their number."""
        return sorted(
            int(n) for n in self.tree.query(shape, predicate="dwithin", distance=distance_m)
        )

    def heights_m(self, home: Position, line: BaseGeometry, wanted_m: float) -> tuple[float, ...]:
        """Returns the heights worth trying along a line, the wanted one or the next to it first.

        The others lie above exclusions that end on the way, where inclusions allow it.
        """
        floors, ceilings = self.limits_m(home)
        near = self.near(line, 0.0)
        inside = [n for n in near if self.inclusion[n]]
        most = min((ceilings[n] for n in inside), default=math.inf) - UP_MARGIN_M
        least = max((floors[n] for n in inside), default=-math.inf) + UP_MARGIN_M
        first = min(max(wanted_m, least), most)
        over = sorted(
            {
                float(ceilings[n]) + 2 * UP_MARGIN_M
                for n in near
                if not self.inclusion[n] and floors[n] - UP_MARGIN_M < first < math.inf
            }
        )
        return (float(first), *(up for up in over if first < up <= most and math.isfinite(up)))
