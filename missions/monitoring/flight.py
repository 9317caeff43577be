"""One flight as the monitor looks at it: what stays, and what its newest sample says."""

import math
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from shapely import LineString, Point

from geo.local_frame import LocalFrame
from geo.positions import Datum
from missions.model import Asset, ItemKind, Plan, SortieState
from missions.proving.return_settings import rally_spots
from telemetry.model import TelemetrySample, VehicleMode

Place = tuple[float, float]

SIGMA_UNKNOWN_M = 5.0
"""Of a vehicle that does not say how well it knows its place."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an aircraft is and how it moves, in metres of a frame."""

    at: datetime
    lat_deg: float
    lon_deg: float
    place: Place
    up_m: float
    """Above its home."""
    east_m_s: float
    north_m_s: float
    up_m_s: float
    sigma_m: float
    sigma_up_m: float

    @property
    def speed_m_s(self) -> float:
        """Over the ground."""
        return math.hypot(self.east_m_s, self.north_m_s)

    @property
    def geographic(self) -> tuple[float, float]:
        """Latitude and longitude."""
        return self.lat_deg, self.lon_deg


@dataclass(frozen=True, slots=True)
class Track:
    """What a plan asks for, in metres of a frame: reckoned once for each sortie."""

    asset: Asset
    plan: Plan
    frame: LocalFrame
    home: Place
    goals: tuple[Place, ...]
    """Where a return may end: home and the rally points."""
    way: LineString | None
    """The legs of the mission; `None` where it has none."""
    loiter_m: float
    """The widest circle that is flown about a place of it."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A flight at one instant."""

    track: Track
    state: SortieState
    sample: TelemetrySample
    spot: Spot | None
    """`None` where its place or height is not known, or it stands on the ground."""

    @property
    def manual(self) -> bool:
        """Whether somebody flies it by hand."""
        return self.sample.mode is VehicleMode.MANUAL


def track_of(plan: Plan, asset: Asset, frame: LocalFrame) -> Track:
    """Returns a plan made ready for looking at its flight."""
    home = frame.to_en1_m(plan.home.lat_deg, plan.home.lon_deg)
    places, loiter_m = [home], 0.0
    for item in plan.mission.items:
        if item.position is not None:
            places.append(frame.to_en1_m(item.position.lat_deg, item.position.lon_deg))
            loiter_m = max(loiter_m, item.loiter_radius_m or 0.0)
        elif item.kind is ItemKind.RETURN:
            places.append(home)
    goals = (home, *(frame.to_en1_m(lat, lon) for lat, lon, _ in rally_spots(plan)))
    way = LineString(places) if len(places) > 1 else None
    return Track(asset, plan, frame, home, goals, way, loiter_m)


def situation_of(track: Track, state: SortieState, sample: TelemetrySample) -> Situation:
    """Returns what a sample says of a flight; it never raises for what a vehicle says."""
    position, home = sample.position, track.plan.home
    if position is None or sample.on_ground or sample.armed is False:
        return Situation(track, state, sample, None)
    if position.altitude.datum is Datum.HOME:
        up_m = position.altitude.metres
    elif position.altitude.datum is home.altitude.datum:
        up_m = position.altitude.metres - home.altitude.metres
    else:
        return Situation(track, state, sample, None)
    place = track.frame.to_en1_m(position.lat_deg, position.lon_deg)
    if not all(map(math.isfinite, (*place, up_m))):
        return Situation(track, state, sample, None)
    spot = Spot(
        sample.at,
        position.lat_deg,
        position.lon_deg,
        place,
        up_m,
        sample.east_m_s or 0.0,
        sample.north_m_s or 0.0,
        -(sample.down_m_s or 0.0),
        _known(sample.horizontal_sigma_m),
        _known(sample.vertical_sigma_m),
    )
    return Situation(track, state, sample, spot)


def _known(sigma_m: float | None) -> float:
    if sigma_m is None or not sigma_m >= 0:
        return SIGMA_UNKNOWN_M
    return sigma_m


def beside_m(track: Track, place: Place) -> float:
    """Returns how far a place is beside the way of the mission."""
    return 0.0 if track.way is None else float(track.way.distance(Point(place)))


def way_left_m(track: Track, spot: Spot) -> float:
    """Returns how far it is to the end of the leg that it flies, as far as that is known.

    The leg is the one along which it moves; infinite where it moves along none.
    """
    if track.way is None:
        return math.inf
    here, best = spot.place, math.inf
    speed = spot.speed_m_s
    corners = list(track.way.coords)
    for (ax, ay), (bx, by) in pairwise(corners):
        length = math.hypot(bx - ax, by - ay)
        if length < 0.01 or speed < 0.5:
            continue
        ux, uy = (bx - ax) / length, (by - ay) / length
        along = (here[0] - ax) * ux + (here[1] - ay) * uy
        across = abs((here[0] - ax) * uy - (here[1] - ay) * ux)
        aligned = (spot.east_m_s * ux + spot.north_m_s * uy) / speed
        near = across <= track.asset.acceptance_radius_m + 3.0 and -3.0 <= along <= length + 3.0
        if near and aligned > 0.97:
            best = min(best, max(0.0, length - along))
    return best
