"""What a start is held against: permissions on hand, and which of them a plan is flown under."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from core.errors import QyranError, SourceUnreadable
from core.ids import AssetId
from geo.positions import Altitude, Datum
from missions.adapters.memory_permissions import MemoryPermissions
from missions.model import AssetKind, Severity
from missions.permissions import Permission
from missions.proving.checks import check_plan, is_safe
from missions.weather import Weather
from station.circumstances import fresh_weather, known_circumstances, with_permission
from tests.builders import NOW, a_plan, a_square, after, an_asset

WIDE = Permission(
    "KZ-1", "authority", a_square(half_m=3_000), after(-60), after(7200),
    ceiling=Altitude(200, Datum.HOME),
)  # fmt: skip
NARROW = replace(WIDE, number="KZ-0", area=a_square(half_m=5))


def test_a_drone_without_a_permission_stays_on_the_ground_and_a_car_needs_none() -> None:
    known = known_circumstances(MemoryPermissions())
    found = check_plan(a_plan(), an_asset(), known(an_asset(), NOW))
    assert "permission_missing" in {finding.code for finding in found}
    assert not is_safe(found)
    car = an_asset(kind=AssetKind.VEHICLE)
    assert known(car, NOW).permissions is None


def test_a_plan_names_the_permission_that_covers_it() -> None:
    store = MemoryPermissions()
    for one in (NARROW, replace(WIDE, number="KZ-2", valid_until=after(-1)), WIDE,
                replace(WIDE, number="KZ-3", asset_ids=(AssetId("drone-9"),))):  # fmt: skip
        store.save(one)
    asset = an_asset()
    known = known_circumstances(store)(asset, NOW)
    named = with_permission(a_plan(), asset, known)
    assert named.permission == "KZ-1"
    assert is_safe(check_plan(named, asset, known))
    assert with_permission(replace(a_plan(), permission="X"), asset, known).permission == "X"


def test_the_only_one_that_holds_is_named_even_where_it_does_not_cover_the_flight() -> None:
    store = MemoryPermissions()
    store.save(NARROW)
    asset = an_asset()
    known = known_circumstances(store)(asset, NOW)
    named = with_permission(a_plan(), asset, known)
    assert named.permission == "KZ-0"
    assert "permission_left" in {f.code for f in check_plan(named, asset, known)}


OF_WEATHER = {"weather_unknown", "wind_too_strong", "too_cold"}


class Air:
    """A weather source of one observation, or one that fails."""

    def __init__(self, found: Weather | None = None, error: QyranError | None = None) -> None:
        self.found, self.error, self.asked = found, error, 0

    async def weather_at(self, lat_deg: float, lon_deg: float, at: datetime) -> Weather | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.found


def codes_in(air: Air | None, kind: AssetKind = AssetKind.DRONE) -> dict[str, Severity]:
    store = MemoryPermissions()
    store.save(WIDE)
    asset = an_asset(kind=kind)
    known = known_circumstances(store, air)(asset, NOW)
    plan = with_permission(a_plan(), asset, known)
    found = check_plan(plan, asset, known)
    return {finding.code: finding.severity for finding in found if finding.code in OF_WEATHER}


def test_a_storm_keeps_a_persons_start_on_the_ground() -> None:
    assert codes_in(Air(Weather(after(-60), wind_m_s=3, temperature_c=10))) == {}
    storm = codes_in(Air(Weather(after(-60), wind_m_s=30, temperature_c=-40)))
    assert storm["wind_too_strong"] is storm["too_cold"] is Severity.ERROR


@pytest.mark.parametrize(
    "air",
    [
        None,
        Air(),
        Air(error=SourceUnreadable("broken", cure="mend it")),
        Air(Weather(after(-3_601), wind_m_s=3, temperature_c=10)),
        Air(Weather(after(3_600), wind_m_s=3, temperature_c=10)),
    ],
)
def test_weather_that_is_missing_or_stale_is_a_warning(air: Air | None) -> None:
    assert codes_in(air) == {"weather_unknown": Severity.WARNING}


def test_a_car_is_not_asked_for_its_weather() -> None:
    air = Air(Weather(NOW, wind_m_s=30))
    codes_in(air, AssetKind.VEHICLE)
    assert air.asked == 0


def test_weather_is_found_where_a_loop_runs_too() -> None:
    async def inside() -> Weather | None:
        return fresh_weather(Air(Weather(NOW, wind_m_s=3)), 51.0, 71.0, NOW)

    found = asyncio.run(inside())
    assert found is not None
    assert found.wind_m_s == 3
