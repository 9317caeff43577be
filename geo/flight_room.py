"""Where an aircraft may be: flight zones as areas and heights above one home.

Several inclusions permit their union. A floor or ceiling of an inclusion holds wherever that
inclusion covers, also where another one permits more. An exclusion forbids only what lies
between its floor and its ceiling: it may be flown over and under. The fence that a vehicle
guards knows no heights, so such a zone is for the plan and the live monitor to keep
(`missions.proving` warns where a plan makes use of it). Without terrain the ground is level at
home.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shapely import union_all

from core.errors import DatumUnknown
from geo.local_frame import LocalFrame
from geo.ports import TerrainModel
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, Purpose, Zone, ZoneKind, ZoneStage, all_to_local


@dataclass(frozen=True, slots=True)
class Limit:
    """A flight zone in metres east and north of home, with heights above home."""

    zone: Zone
    area: Area
    floor_m: float | None
    ceiling_m: float | None
    unknown: str = ""
    """Why a height limit could not be joined with home; its heights are `None` then."""

    @property
    def inclusion(self) -> bool:
        """Whether it permits rather than forbids."""
        return self.zone.kind is ZoneKind.INCLUSION

    @property
    def name(self) -> str:
        """What people call it."""
        return self.zone.name or str(self.zone.zone_id)

    @property
    def everywhere(self) -> bool:
        """Whether it has neither floor nor ceiling."""
        return self.zone.floor is None and self.zone.ceiling is None

    @property
    def over_ground(self) -> bool:
        """Whether a height limit counts from the ground below."""
        limits = (self.zone.floor, self.zone.ceiling)
        return any(one is not None and one.datum is Datum.GROUND for one in limits)

    def holds_at(self, up_m: float) -> bool:
        """Returns whether a height above home lies between its floor and its ceiling."""
        low = -math.inf if self.floor_m is None else self.floor_m
        high = math.inf if self.ceiling_m is None else self.ceiling_m
        return low <= up_m <= high


def above_home_m(
    limit: Altitude, zone: Zone, home: Position, terrain: TerrainModel | None, *, ceiling: bool
) -> float:
    """Returns a zone's height limit in metres above home, on the safe side of uneven ground.

    Without terrain the ground is level at home, so a height above ground is one above home.

    Raises:
        DatumUnknown: if nothing joins the two datums.
    """
    if limit.datum is Datum.HOME:
        return limit.metres
    if limit.datum is home.altitude.datum:
        return limit.metres - home.altitude.metres
    if limit.datum is Datum.GROUND and terrain is None:
        return limit.metres
    if limit.datum is Datum.GROUND and terrain is not None:
        parts = getattr(zone.area, "geoms", [zone.area])
        places = [corner for part in parts for corner in part.exterior.coords]
        heights = [terrain.elevation(lat, lon) for lon, lat in places]
        if all(h.datum is home.altitude.datum for h in heights):
            metres = [h.metres for h in heights]
            # a permission shrinks on uneven ground, a ban grows
            lower = ceiling is (zone.kind is ZoneKind.INCLUSION)
            ground = min(metres) if lower else max(metres)
            return limit.metres + ground - home.altitude.metres
    raise DatumUnknown(
        f"its height above {limit.datum} can't be joined with a home above {home.altitude.datum}",
        where=f"zone {zone.name or zone.zone_id}",
        cure="give the zone's height above home, or load the height of the ground",
    )


def limits_flight(zone: Zone) -> bool:
    """Returns whether a zone limits our own movement, be it now or in its time windows."""
    return zone.active and zone.stage is ZoneStage.ACTIVE and Purpose.FLIGHT in zone.purposes


class FlightRoom:
    """The flight zones around one home."""

    def __init__(
        self, fences: Sequence[Zone], home: Position, terrain: TerrainModel | None = None
    ) -> None:
        """Takes the active flight zones among `fences`; it never raises for a bad datum."""
        self.frame = LocalFrame(home.lat_deg, home.lon_deg)
        in_force = [zone for zone in fences if limits_flight(zone)]
        # in one go, since a thousand zones are no rarity
        areas = all_to_local([zone.area for zone in in_force], self.frame)
        self.limits = tuple(
            self._limit(zone, area, home, terrain)
            for zone, area in zip(in_force, areas, strict=True)
        )

    def _limit(self, zone: Zone, area: Area, home: Position, terrain: TerrainModel | None) -> Limit:
        heights: list[float | None] = []
        for value, ceiling in ((zone.floor, False), (zone.ceiling, True)):
            if value is None:
                heights.append(None)
                continue
            try:
                heights.append(above_home_m(value, zone, home, terrain, ceiling=ceiling))
            except DatumUnknown as error:
                return Limit(zone, area, None, None, str(error))
        return Limit(zone, area, heights[0], heights[1])

    @property
    def inclusions(self) -> tuple[Limit, ...]:
        """The zones that permit."""
        return tuple(limit for limit in self.limits if limit.inclusion)

    def exclusions(self, up_m: float) -> tuple[Limit, ...]:
        """Returns the zones that forbid at a height above home."""
        return tuple(li for li in self.limits if not li.inclusion and li.holds_at(up_m))

    def permitted(self) -> Area | None:
        """Returns the union of the inclusions, or `None` where there is none: no limit."""
        areas = [limit.area for limit in self.inclusions]
        if not areas:
            return None
        union: Area = union_all(areas)  # type: ignore[assignment]
        return union

    def free(self, up_m: float, margin_m: float, everywhere: Area) -> Area:
        """Returns the area that is free at a height, with a margin to every border.

        Args:
            up_m: height above home.
            margin_m: distance kept from borders.
            everywhere: the area to cut from where no inclusion limits it.
        """
        permitted = self.permitted()
        free = everywhere if permitted is None else permitted.intersection(everywhere)
        free = free.buffer(-margin_m, join_style="mitre")
        closed = [limit.area.buffer(margin_m, quad_segs=3) for limit in self.exclusions(up_m)]
        result: Area = free.difference(union_all(closed)) if closed else free  # type: ignore[assignment]
        return result
