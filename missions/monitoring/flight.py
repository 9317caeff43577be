"""One flight as the monitor looks at it: what stays, and what its newest sample says."""

import math
from dataclasses import dataclass
from datetime import datetime

from geo.local_frame import LocalFrame
from geo.positions import Datum
from missions.guided import Guided
from missions.model import Asset, ItemKind, Plan, SortieState
from missions.monitoring.way import Place, Way
from missions.proving.return_settings import rally_spots
from telemetry.model import TelemetrySample, VehicleMode

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
    way: Way | None
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
    beside_m: float = 0.0
    """How far it is beside the way of the mission; 0 where that has none."""
    leg_left_m: float = math.inf
    """How far it is to the end of the leg along which it moves; infinite where it is on none."""

    @property
    def manual(self) -> bool:
        """Whether somebody flies it by hand."""
        return self.sample.mode is VehicleMode.MANUAL


def track_of(plan: Plan, asset: Asset, frame: LocalFrame, guided: Guided | None = None) -> Track:
    """Returns a plan, or what is flown beside it, made ready for looking at its flight."""
    home = frame.to_en1_m(plan.home.lat_deg, plan.home.lon_deg)
    places, loiter_m = [home], 0.0
    if guided is not None:
        places = [frame.to_en1_m(*place) for place in guided.way]
        loiter_m = guided.radius_m
    for item in plan.mission.items if guided is None else ():
        if item.position is not None:
            places.append(frame.to_en1_m(item.position.lat_deg, item.position.lon_deg))
            loiter_m = max(loiter_m, item.loiter_radius_m or 0.0)
        elif item.kind is ItemKind.RETURN:
            places.append(home)
    goals = (home, *(frame.to_en1_m(lat, lon) for lat, lon, _ in rally_spots(plan)))
    way = Way(places, asset.acceptance_radius_m) if len(places) > 1 else None
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
    if track.way is None:
        return Situation(track, state, sample, spot)
    looked = track.way.look(place, spot.east_m_s, spot.north_m_s)
    return Situation(track, state, sample, spot, *looked)


def _known(sigma_m: float | None) -> float:
    if sigma_m is None or not sigma_m >= 0:
        return SIGMA_UNKNOWN_M
    return sigma_m
