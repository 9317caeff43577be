"""The flight zones about a place, with their hours, ready to be asked ten times a second."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import shapely
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Position
from geo.zones import Zone
from missions.airspace import Airspace

KNOWN = timedelta(minutes=30)
"""For so long after it was made an index knows the hours of its zones."""


@dataclass(frozen=True, slots=True)
class Near:
    """One zone near an aircraft."""

    zone: Zone
    area: BaseGeometry
    inclusion: bool
    floor_m: float
    ceiling_m: float
    """Above the home that was asked for; infinite where there is no limit."""
    begins_s: float
    """Until it is in force: 0 where it is now, infinite where it does not come to it."""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.zone.name or str(self.zone.zone_id)


class ZoneIndex:
    """Flight zones about one place; one serves all aircraft whose homes are near it."""

    def __init__(
        self,
        zones: Sequence[Zone],
        lat_deg: float,
        lon_deg: float,
        now: datetime,
        terrain: TerrainModel | None = None,
    ) -> None:
        """Prepares zones that are switched on, whatever their hours.

        Args:
            zones: to choose from.
            lat_deg: of the middle of the frame.
            lon_deg: of the middle of the frame.
            now: the first instant that will be asked about; `KNOWN` after it, make another.
            terrain: joins heights above ground.
        """
        self.made_at = now
        on = [zone for zone in zones if zone.switched_on]
        # without its hours each is taken in; those are looked at instant by instant
        always = [replace(zone, windows=()) for zone in on]
        self._space = Airspace(always, lat_deg, lon_deg, now, now, terrain)
        by_key = {(zone.zone_id, zone.version): zone for zone in on}
        self._zones = [by_key[zone.zone_id, zone.version] for zone in self._space.zones]
        self._hours = [_hours(zone, now) for zone in self._zones]
        self._inclusions = [int(n) for n in self._space.inclusion.nonzero()[0]]
        shapely.prepare(self._space.areas)

    @property
    def frame(self) -> LocalFrame:
        """The frame of all its metres."""
        return self._space.frame

    @property
    def has_inclusions(self) -> bool:
        """Whether there is any inclusion, in force or not."""
        return bool(self._inclusions)

    def some_inclusion_holds(self, now: datetime) -> bool:
        """Returns whether any inclusion is in force, so that one must not be outside of all."""
        second = (now - self.made_at).total_seconds()
        return any(_begins_s(self._hours[n], second) == 0.0 for n in self._inclusions)

    def near(
        self, home: Position, shape: Point | LineString, reach_m: float, now: datetime
    ) -> list[Near]:
        """Returns zones within a distance of a shape that hold, or will within `KNOWN`."""
        floors, ceilings = self._space.limits_m(home)
        second = (now - self.made_at).total_seconds()
        found = []
        for n in self._space.tree.query(shape, predicate="dwithin", distance=reach_m):
            begins_s = _begins_s(self._hours[n], second)
            if begins_s < math.inf:
                found.append(
                    Near(
                        self._zones[n],
                        self._space.areas[n],
                        bool(self._space.inclusion[n]),
                        float(floors[n]),
                        float(ceilings[n]),
                        begins_s,
                    )
                )
        return found


_ALWAYS = ((-math.inf, math.inf),)


def _hours(zone: Zone, now: datetime) -> tuple[tuple[float, float], ...]:
    """Returns when a zone is in force, as seconds from now, in order."""
    if not zone.windows:
        return _ALWAYS
    end = now + 2 * KNOWN
    found = [
        ((span.start - now).total_seconds(), (span.end - now).total_seconds())
        for window in zone.windows
        for span in window.spans(now, end)
    ]
    return tuple(sorted(found))


def _begins_s(hours: tuple[tuple[float, float], ...], second: float) -> float:
    for start, end in hours:
        if second < end:
            return max(0.0, start - second)
    return math.inf
