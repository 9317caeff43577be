"""Where a patrol may fly at a height, and the journey through it: pieces joined by safe ways.

Everything is metres east and north of home. What lies outside the room is never flown: a piece
is cut to the room first, and a way between two pieces goes around what is closed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shapely import LineString, MultiPolygon, Point, Polygon, box, union_all
from shapely.geometry.base import BaseGeometry

from geo.coverage import Place
from geo.detours import Detours
from geo.flight_room import FlightRoom
from geo.zones import Area
from missions.model import Asset
from missions.planning.shots import Look

MARGIN_M = 6.0
"""Kept from borders beyond the acceptance radius: position error and overshoot."""
UP_MARGIN_M = 2.0
"""Kept below a ceiling and above a floor."""
LEAD_IN_M = 6.0
"""Flown before a lane so that the nose points along it when it begins."""
SHORTEST_M = 2.0
"""A piece shorter than this shows nothing."""
_SIMPLER_M = 2.0
_NEAR_M = 0.5
_HOME: Place = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Stop:
    """One place of a journey, and what is done there and from there on."""

    place: Place
    hold_s: float = 0.0
    look_at: Place | None = None
    pitch_deg: float | None = None
    up_m: float | None = None
    """Height above home; `None` keeps the patrol's."""
    speed_m_s: float | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something wanted that is not flown, and why."""

    what: str
    place: Place
    reason: str


class PatrolRoom:
    """The free area around one home at one height, with ways through it."""

    def __init__(
        self,
        room: FlightRoom,
        asset: Asset,
        heights_m: tuple[float, float],
        wanted: Sequence[BaseGeometry],
        seen: Look,
        within: BaseGeometry | None = None,
    ) -> None:
        """Prepares the room.

        Args:
            room: the flight zones.
            asset: keeps its acceptance radius and a margin from every border.
            heights_m: lowest and highest above home that is flown.
            wanted: what is to be seen: where no inclusion limits the room it reaches around this.
            seen: what the camera sees from there.
            within: where to stay besides.
        """
        self.seen = seen
        ahead = seen.ahead_m if math.isfinite(seen.ahead_m) else 0.0
        reach = 2 * (ahead + seen.width_m) + 200.0
        west, south, east, north = union_all([*wanted, Point(_HOME)]).bounds
        everywhere = box(west - reach, south - reach, east + reach, north + reach)
        free = _free(room, heights_m, asset.acceptance_radius_m + MARGIN_M, everywhere)
        if within is not None:
            free = free.intersection(within.buffer(-MARGIN_M))  # type: ignore[assignment]
        # simpler borders keep the search fast; shrunk first, so that they stay inside
        simpler = free.buffer(-_SIMPLER_M, join_style="mitre").simplify(_SIMPLER_M)
        if isinstance(simpler, Polygon | MultiPolygon) and not simpler.is_empty:
            free = simpler if free.covers(simpler) else free
        self.free: Area = free
        self.detours = Detours(free)

    def cut(self, line: Sequence[Place]) -> list[tuple[Place, ...]]:
        """Returns the pieces of a line that lie inside, in its order and direction."""
        if len(line) < 2:
            return []
        whole = LineString(line)
        inside = whole.intersection(self.free)
        pieces = []
        for piece in getattr(inside, "geoms", [inside]):
            if not isinstance(piece, LineString) or piece.length < SHORTEST_M:
                continue
            corners = [(float(x), float(y)) for x, y in piece.coords]
            # a bend before the piece's middle tells its direction also where the line closes
            first = whole.project(Point(piece.interpolate(0.25, normalized=True)))
            last = whole.project(Point(piece.interpolate(0.75, normalized=True)))
            if first > last:
                corners.reverse()
            pieces.append((min(first, last), tuple(corners)))
        return [piece for _, piece in sorted(pieces)]


def _free(
    room: FlightRoom, heights_m: tuple[float, float], margin_m: float, everywhere: Area
) -> Area:
    """Returns what is free at all heights from the lowest to the highest, with margins."""
    low, high = heights_m[0] - UP_MARGIN_M, heights_m[1] + UP_MARGIN_M
    permitted = room.permitted()
    free = everywhere if permitted is None else permitted.intersection(everywhere)
    free = free.buffer(-margin_m, join_style="mitre")
    closed = [
        limit.area.buffer(margin_m, quad_segs=3)
        for limit in room.limits
        if not limit.inclusion
        and (limit.floor_m is None or limit.floor_m <= high)
        and (limit.ceiling_m is None or limit.ceiling_m >= low)
        and limit.area.distance(everywhere) <= margin_m
    ]
    result: Area = free.difference(union_all(closed)) if closed else free  # type: ignore[assignment]
    return result


@dataclass
class Journey:
    """Stops so far, from home on."""

    room: PatrolRoom
    stops: list[Stop] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    here: Place = _HOME

    def __post_init__(self) -> None:
        """Goes into the room where home is not in it."""
        self.here = self.room.detours.nearest_inside(_HOME)
        if self.here != _HOME:
            self._add(Stop(self.here))

    def go(self, places: Sequence[Place], **settings: object) -> bool:
        """Goes around what is closed to the first place and on through the others.

        The settings hold from the first place on. Returns whether there is a way.
        """
        way = self.room.detours.way(self.here, places[0])
        if way is None:
            return False
        for place in way[1:-1]:
            self._add(Stop(place))
        self._add(replace(Stop(places[0]), **settings))  # type: ignore[arg-type]
        for place in places[1:]:
            self._add(Stop(place))
        self.here = places[-1]
        return True

    def leave_out(self, what: str, place: Place, reason: str) -> None:
        """Notes what is not flown."""
        self.left_out.append(LeftOut(what, place, reason))

    def end(self) -> None:
        """Goes back to home, or as near as the room comes."""
        if not self.stops:
            return
        home = self.room.detours.nearest_inside(_HOME)
        way = self.room.detours.way(self.here, home)
        if way is not None:
            for place in way[1:-1] if home == _HOME else way[1:]:
                self._add(Stop(place))

    def _add(self, stop: Stop) -> None:
        plain = stop.hold_s == 0 and stop.look_at is None and stop.pitch_deg is None
        if self.stops and plain and math.dist(self.stops[-1].place, stop.place) <= _NEAR_M:
            return
        self.stops.append(stop)
