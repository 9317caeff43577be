"""Energy and time of a flight: wind, cold, climb, hover, transit, the way home and a reserve.

A multicopter holds its speed over the ground and leans into the wind, so wind costs energy; only
where that would need more air speed than it has does it become slower, and where not even that
is enough the leg can't be flown. What nobody said of the weather is taken as still air of 20
degrees, and named in `Endurance.assumed`; wind of an unknown direction is a head wind always.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from geo.local_frame import LocalFrame
from geo.positions import Datum, Position
from missions.energy import EnergyModel
from missions.model import Asset, AssetKind, ItemKind, MissionItem, Plan
from missions.weather import Weather

Spot: TypeAlias = tuple[float, float, float]
"""East and north of home in metres, and the height above home."""

CORNER_S = 2.5
"""Braking and speeding up again at a right angle or sharper; softer bends cost less."""
RETURN_UP_M = 30.0
"""Height of a return where the plan sets none: what PX4 has been seen to do."""
STILL_C = 20.0
_WH = 3_600.0
_LEAST_GROUND_M_S = 0.5
"""Against a wind that leaves less than this, one does not arrive."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a part of a flight takes. Infinite where it can't be flown in that wind."""

    seconds: float = 0.0
    energy_wh: float | None = 0.0
    """`None` where the asset's energy is not known."""

    def __add__(self, other: "Cost") -> "Cost":
        """Returns both together."""
        if self.energy_wh is None or other.energy_wh is None:
            return Cost(self.seconds + other.seconds, None)
        return Cost(self.seconds + other.seconds, self.energy_wh + other.energy_wh)


@dataclass(frozen=True, slots=True)
class FlightLeg:
    """The part of a flight that ends with one item of its mission."""

    item: int
    cost: Cost
    length_m: float
    """Over the ground."""
    back: Cost
    """Of a return ordered at its end: climb to the return height, straight home, down."""


@dataclass(frozen=True, slots=True)
class Endurance:
    """What a plan takes, held against what the asset has in that weather."""

    seconds: float
    energy_wh: float | None
    """`None` where the asset's energy is not known: then `endurance_s` is the measure."""
    usable_wh: float | None
    """Of the battery, at that temperature."""
    reserve_wh: float | None
    """Part of `usable_wh` that is never planned with."""
    legs: tuple[FlightLeg, ...]
    share: float
    """Of what may be spent (energy without the reserve, or time), by the end; above 1 is too much.
    """
    return_from_each_item_wh: tuple[float | None, ...]
    """One for each item of the mission."""
    share_with_return: tuple[float, ...]
    """For each item: what is spent by then and a return from there, of what may be spent."""
    blocked_item: int | None = None
    """The first item that can't be reached, or come home from, against the wind."""
    assumed: tuple[str, ...] = ()
    """What nobody said: `wind`, `wind_from`, `temperature`, `energy`."""

    @property
    def fits(self) -> bool:
        """Whether it can be flown, with the reserve left, a return from any item included."""
        return max((self.share, *self.share_with_return)) <= 1.0


@dataclass(frozen=True, slots=True)
class Air:
    """The moving air around one asset: what its legs, climbs and hovers cost there."""

    asset: Asset
    east_m_s: float = 0.0
    """Towards the east, of the air."""
    north_m_s: float = 0.0
    head_m_s: float = 0.0
    """Wind of unknown direction: against the nose, always."""

    @property
    def _model(self) -> EnergyModel:
        return self.asset.energy or EnergyModel()

    def _cost(self, seconds: float, air_speed_m_s: float, climb_m: float = 0.0) -> Cost:
        """Returns what it takes to move through the air for a time and climb meanwhile."""
        model = self.asset.energy
        if model is None:
            return Cost(seconds, None)
        power_w = model.hover_w + model.drag_w_per_m3_s3 * air_speed_m_s**3
        joules = power_w * seconds + model.climb_j_per_m * max(0.0, climb_m)
        return Cost(seconds, joules / _WH)

    @property
    def wind_m_s(self) -> float:
        """The speed of the wind."""
        return math.hypot(self.east_m_s, self.north_m_s) + self.head_m_s

    def never(self) -> Cost:
        """Returns the cost of what can't be flown."""
        return Cost(math.inf, None if self.asset.energy is None else math.inf)

    def hover(self, seconds: float) -> Cost:
        """Returns what it takes to stay at a place, which is to fly against the wind."""
        if seconds <= 0:
            return Cost()
        if self.wind_m_s >= self._model.greatest_air_speed_m_s:
            return self.never()
        return self._cost(seconds, self.wind_m_s)

    def ground_speed_m_s(self, east: float, north: float, wanted_m_s: float) -> float:
        """Returns the speed over the ground along a direction (a unit vector); 0 if none.

        The wanted one, or what the greatest air speed leaves of it (wind triangle).
        """
        most = self._model.greatest_air_speed_m_s
        along = self.east_m_s * east + self.north_m_s * north - self.head_m_s
        across = self.east_m_s * north - self.north_m_s * east
        if abs(across) >= most:
            return 0.0
        left = math.sqrt(most**2 - across**2)
        if wanted_m_s < along - left:
            return 0.0  # it would be blown on faster
        speed = min(wanted_m_s, along + left)
        return speed if speed >= min(_LEAST_GROUND_M_S, wanted_m_s) else 0.0

    def leg(self, start: Spot, end: Spot, speed_m_s: float) -> Cost:
        """Returns what a straight way takes, up or down included; without its corners."""
        east, north, up = (b - a for a, b in zip(start, end, strict=True))
        length = math.hypot(east, north)
        rate = self.asset.climb_m_s if up > 0 else self.asset.sink_m_s
        seconds_up = abs(up) / max(0.1, rate)
        if length < 1e-6:
            still = self.hover(seconds_up)
            climbing = self._cost(0.0, 0.0, up)
            return still + climbing
        ue, un = east / length, north / length
        speed = self.ground_speed_m_s(ue, un, max(0.1, speed_m_s))
        if speed <= 0:
            return self.never()
        seconds = max(length / speed, seconds_up)
        ground = length / seconds
        against = math.hypot(
            (ground + self.head_m_s) * ue - self.east_m_s,
            (ground + self.head_m_s) * un - self.north_m_s,
        )
        return self._cost(seconds, against, up)

    def way(self, spots: Sequence[Spot], speed_m_s: float) -> Cost:
        """Returns what a way through spots takes, its bends included."""
        total = Cost()
        for k in range(len(spots) - 1):
            total += self.leg(spots[k], spots[k + 1], speed_m_s)
            if k + 2 < len(spots):
                total += self.hover(corner_s(spots[k], spots[k + 1], spots[k + 2]))
        return total

    def home(self, spot: Spot, return_up_m: float, speed_m_s: float) -> Cost:
        """Returns what a return takes: up to its height, straight home, down to the ground."""
        up = max(spot[2], return_up_m)
        over = (0.0, 0.0, up)
        cost = self.leg(spot, (spot[0], spot[1], up), speed_m_s)
        if math.hypot(spot[0], spot[1]) > 1e-6:
            cost += self.hover(CORNER_S) + self.leg((spot[0], spot[1], up), over, speed_m_s)
        return cost + self.leg(over, (0.0, 0.0, 0.0), speed_m_s)

    def circling(self, seconds: float, speed_m_s: float) -> Cost:
        """Returns what it takes to fly circles at a speed over the ground."""
        if self.wind_m_s + speed_m_s > self._model.greatest_air_speed_m_s:
            return self.never()
        return self._cost(seconds, math.hypot(speed_m_s, self.wind_m_s))


def air_of(asset: Asset, weather: Weather | None) -> Air:
    """Returns the air that an asset moves in; what is not known counts as still."""
    if asset.kind is AssetKind.VEHICLE:
        return Air(replace(asset, energy=None))  # wind and battery are an aircraft's
    if weather is None or weather.wind_m_s is None:
        return Air(asset)
    if weather.wind_from_deg is None:
        return Air(asset, head_m_s=weather.wind_m_s)
    towards = math.radians(weather.wind_from_deg + 180.0)
    return Air(asset, weather.wind_m_s * math.sin(towards), weather.wind_m_s * math.cos(towards))


def usable_wh(model: EnergyModel, temperature_c: float | None) -> float:
    """Returns the energy of a full battery that can be used at an air temperature.

    Between the rows of its table it is interpolated; below the coldest it falls on as between
    the two coldest, above the warmest it stays. `None` is taken as 20 degrees.
    """
    rows = sorted(model.usable_at_c)
    t = STILL_C if temperature_c is None else temperature_c
    if not rows:
        return model.capacity_wh
    if t >= rows[-1][0]:
        return model.capacity_wh * rows[-1][1]
    k = next((k for k in range(1, len(rows)) if t <= rows[k][0]), len(rows) - 1)
    (cold, less), (warm, more) = rows[max(0, k - 1)], rows[k]
    slope = (more - less) / (warm - cold) if warm > cold else 0.0
    return model.capacity_wh * min(1.0, max(0.0, less + slope * (t - cold)))


def spendable(asset: Asset, weather: Weather | None) -> Cost:
    """Returns what an asset may spend on one sortie: energy without the reserve, or time.

    The seconds are its `endurance_s` where its energy is not known, else without limit.
    """
    if asset.energy is None:
        return Cost(asset.endurance_s, None)
    usable = usable_wh(asset.energy, None if weather is None else weather.temperature_c)
    return Cost(math.inf, usable * (1.0 - asset.energy.reserve_fraction))


def share_of(cost: Cost, budget: Cost) -> float:
    """Returns which part of a budget (`spendable`) a cost is; above 1 is too much."""
    if cost.energy_wh is None or budget.energy_wh is None:
        spent, most = cost.seconds, budget.seconds
    else:
        spent, most = cost.energy_wh, budget.energy_wh
    return spent / most if most > 0 else math.inf


def corner_s(before: Spot, here: Spot, after: Spot) -> float:
    """Returns the time that the bend at a place costs."""
    a = math.atan2(here[1] - before[1], here[0] - before[0])
    b = math.atan2(after[1] - here[1], after[0] - here[0])
    if math.dist(before[:2], here[:2]) < 1e-6 or math.dist(here[:2], after[:2]) < 1e-6:
        return 0.0
    bend = abs(math.remainder(b - a, 2 * math.pi))
    return CORNER_S * min(1.0, bend / (math.pi / 2))


def endurance_of(plan: Plan, asset: Asset, weather: Weather | None = None) -> Endurance:
    """Returns what a plan takes in time and energy, item by item, and a return from each.

    Args:
        plan: its way from home and back is counted, with its holds and bends.
        asset: who flies; without `energy` its `endurance_s` is what may be spent.
        weather: wind and temperature; what is not known is assumed, and said so.
    """
    air = air_of(asset, weather)
    asset = air.asset
    flight = _Flight(plan, asset, air)
    legs = flight.legs()
    budget = spendable(asset, weather)
    spent, shares = Cost(), []
    for leg in legs:
        spent += leg.cost
        shares.append(share_of(spent + leg.back, budget))
    blocked = [leg.item for leg in legs if not math.isfinite((leg.cost + leg.back).seconds)]
    model = asset.energy
    usable = None
    if model is not None:
        usable = usable_wh(model, None if weather is None else weather.temperature_c)
    return Endurance(
        spent.seconds,
        None if model is None else spent.energy_wh,
        usable,
        None if model is None or usable is None else usable * model.reserve_fraction,
        legs,
        share_of(spent, budget),
        tuple(leg.back.energy_wh for leg in legs),
        tuple(shares),
        blocked[0] if blocked else None,
        _assumed(asset, weather),
    )


def _assumed(asset: Asset, weather: Weather | None) -> tuple[str, ...]:
    if asset.kind is AssetKind.VEHICLE:
        return ()
    missing = []
    if weather is None or weather.wind_m_s is None:
        missing.append("wind")
    elif weather.wind_from_deg is None:
        missing.append("wind_from")
    if weather is None or weather.temperature_c is None:
        missing.append("temperature")
    if asset.energy is None:
        missing.append("energy")
    return tuple(missing)


@dataclass
class _Flight:
    """Goes through one plan, item by item."""

    plan: Plan
    asset: Asset
    air: Air
    _came: list[Spot] = field(default_factory=list)
    """Spots that were passed, for the bends."""

    def legs(self) -> tuple[FlightLeg, ...]:
        frame = LocalFrame(self.plan.home.lat_deg, self.plan.home.lon_deg)
        flies = self.asset.kind is AssetKind.DRONE
        return_up = _return_up_m(self.plan) if flies else 0.0
        here: Spot = (0.0, 0.0, 0.0)
        speed = self.plan.cruise_m_s
        legs: list[FlightLeg] = []
        for number, item in enumerate(self.plan.mission.items):
            speed = item.speed_m_s if item.speed_m_s is not None else speed
            if item.kind is ItemKind.RETURN:
                cost = self.air.home(here, return_up, speed)
                legs.append(FlightLeg(number, cost, math.hypot(*here[:2]), Cost(0.0, _zero(cost))))
                here = (0.0, 0.0, 0.0)
                continue
            if item.position is None:
                legs.append(FlightLeg(number, Cost(), 0.0, self.air.home(here, return_up, speed)))
                continue
            place = frame.to_en1_m(item.position.lat_deg, item.position.lon_deg)
            there: Spot = (*place, _up_m(item.position, self.plan.home) if flies else 0.0)
            if not flies and not legs:
                here = there  # a car's route begins where it begins
            cost = self._to(here, there, item, speed)
            length = math.dist(here[:2], there[:2])
            here = (*place, 0.0) if item.kind is ItemKind.LAND else there
            back = self.air.home(here, return_up, speed)
            if item.kind is ItemKind.LAND:
                back = Cost(0.0, _zero(back))
            elif not flies:
                back = self.air.leg(here, (0.0, 0.0, 0.0), speed)
            legs.append(FlightLeg(number, cost, length, back))
        return tuple(legs)

    def _to(self, here: Spot, there: Spot, item: MissionItem, speed: float) -> Cost:
        cost = Cost()
        if item.kind is ItemKind.TAKEOFF:  # straight up first, whatever place it names
            over = (here[0], here[1], there[2])
            cost = self.air.leg(here, over, speed) + self.air.leg(over, there, speed)
        else:
            if len(self._came) >= 1:
                bend = self._came[-1]
                cost += self.air.hover(corner_s(bend, here, there))
            cost += self.air.leg(here, there, speed)
            if math.dist(here[:2], there[:2]) > 1e-6:
                self._came.append(here)
        if item.kind is ItemKind.LAND:
            cost += self.air.leg(there, (there[0], there[1], 0.0), speed)
        if item.hold_s > 0 and item.kind is ItemKind.LOITER and item.loiter_radius_m:
            cost += self.air.circling(item.hold_s, speed)
        elif item.hold_s > 0:
            cost += self.air.hover(item.hold_s + CORNER_S)  # it stops first
        return cost


def _zero(cost: Cost) -> float | None:
    return None if cost.energy_wh is None else 0.0


def _up_m(position: Position, home: Position) -> float:
    """Returns a height above home; one above the unknown ground counts as above home."""
    if position.altitude.datum is home.altitude.datum and home.altitude.datum is not Datum.HOME:
        return position.altitude.metres - home.altitude.metres
    return position.altitude.metres


def _return_up_m(plan: Plan) -> float:
    altitude = plan.return_altitude
    if altitude is None:
        return RETURN_UP_M
    if altitude.datum is not Datum.HOME and altitude.datum is plan.home.altitude.datum:
        return altitude.metres - plan.home.altitude.metres
    return altitude.metres
