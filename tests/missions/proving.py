"""Plans, permissions, ground and circumstances for tests of the proof."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from core.errors import DatumUnknown
from core.ids import AssetId, ZoneId
from core.recurrence import Recurrence
from geo.adapters.flat_terrain import FlatTerrain
from geo.positions import Altitude, Datum
from geo.zones import Zone, ZoneKind
from missions.circumstances import Circumstances, OwnFlight
from missions.model import (
    Asset,
    Finding,
    ItemKind,
    MissionItem,
    Plan,
    RallyPoint,
    Severity,
)
from missions.permissions import Permission
from missions.proving.checks import check_plan
from missions.weather import Weather
from tests.builders import AT, NOW, a_mission, a_place, a_plan, a_square, after, an_asset
from tests.missions.flying import a_fence

HOME, GROUND = Datum.HOME, Datum.GROUND
K = ItemKind
TAKEOFF = MissionItem(K.TAKEOFF, a_place(0, 0, 40))
RETURN = MissionItem(K.RETURN)
CITY = a_fence(200.0)
SCHOOL = a_fence(
    zone_id=ZoneId("school"), name="school", kind=ZoneKind.EXCLUSION, area=a_square(60, 0, 20)
)
FINE = Weather(NOW, wind_m_s=3.0, wind_from_deg=270.0, temperature_c=15.0)
LEVEL = FlatTerrain(Altitude(350.0, Datum.GEOID))


def to(east: float, north: float, up: float = 40.0, **changes: Any) -> MissionItem:
    return replace(MissionItem(K.WAYPOINT, a_place(east, north, up)), **changes)


def a_flight(*items: MissionItem, fences: tuple[Zone, ...] = (CITY,), **changes: object) -> Plan:
    values: dict[str, object] = {
        "mission": a_mission(items=items),
        "fences": fences,
        "return_altitude": Altitude(40.0, HOME),
        **changes,
    }
    return a_plan(**values)


def a_permission(half_m: float = 300.0, **changes: Any) -> Permission:
    values: dict[str, Any] = {
        "number": "KZ-17", "issuer": "authority", "area": a_square(0, 0, half_m),
        "valid_from": after(hours=-1), "valid_until": after(hours=3), **changes,
    }  # fmt: skip
    return Permission(**values)


def known(**changes: Any) -> Circumstances:
    """Returns circumstances in which nothing is left unsaid."""
    values: dict[str, Any] = {
        "departs_at": NOW, "permissions": (a_permission(),), "weather": FINE, **changes,
    }  # fmt: skip
    return Circumstances(**values)


GOOD = a_flight(TAKEOFF, to(0, 60), to(100, 60), RETURN)


def check(plan: Plan, asset: Asset | None = None, **changes: Any) -> tuple[Finding, ...]:
    return check_plan(plan, asset or an_asset(), known(**changes), terrain=LEVEL)


def codes(plan: Plan, asset: Asset | None = None, **changes: Any) -> set[str]:
    return {finding.code for finding in check(plan, asset, **changes)}


def errors(plan: Plan, asset: Asset | None = None, **changes: Any) -> set[str]:
    found = check(plan, asset, **changes)
    return {finding.code for finding in found if finding.severity is Severity.ERROR}


def low(ceiling: float | None = None, floor: float | None = None) -> Zone:
    return a_fence(
        zone_id=ZoneId("part"),
        name="part",
        area=a_square(0, 60, 15),
        ceiling=None if ceiling is None else Altitude(ceiling, HOME),
        floor=None if floor is None else Altitude(floor, HOME),
    )


@dataclass
class Case:
    plan: Plan
    asset: Asset = field(default_factory=an_asset)
    circumstances: dict[str, Any] = field(default_factory=dict)
    terrain: Any = LEVEL


class Hill:
    """Ground that rises to the north; beyond 5 km it is not known."""

    sigma_m = 1.0

    def __init__(self, top_m: float, datum: Datum = Datum.GEOID, known_m: float = 5_000.0) -> None:
        self._top_m, self._datum, self._known_m = top_m, datum, known_m

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        _, north = AT.to_en1_m(lat_deg, lon_deg)
        if north > self._known_m:
            raise DatumUnknown("beyond the model")
        return Altitude(350.0 + self._top_m * min(1.0, max(0.0, north / 100.0)), self._datum)


CIRCLE = MissionItem(K.LOITER, a_place(0, 150, 40), hold_s=30.0, loiter_radius_m=48.5)
AROUND_SCHOOL = (TAKEOFF, to(0, 60), to(120, 60), to(120, 0))
DAILY = Recurrence(after(hours=-2), timedelta(hours=8), "Asia/Almaty", "FREQ=DAILY")
CLOSED_TODAY = replace(SCHOOL, windows=(DAILY,))
LATE = {"departs_at": after(hours=8)}
OTHER = OwnFlight(replace(GOOD, asset_id=AssetId("drone-2")), NOW)
AROUND_A_HOLE = a_square(0, 0, 150) - a_square(50, 20, 5)
EAST = RallyPoint(a_place(150, 0, 40))
