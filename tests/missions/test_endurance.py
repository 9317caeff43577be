import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.positions import Altitude, Datum
from missions.endurance import (
    CORNER_S,
    Air,
    Cost,
    air_of,
    corner_s,
    endurance_of,
    share_of,
    spendable,
    usable_wh,
)
from missions.energy import EnergyModel
from missions.model import ItemKind, MissionItem, Plan
from missions.weather import Weather
from tests.builders import NOW, a_mission, a_place, a_plan, an_asset
from tests.missions.flying import a_car

MODEL = EnergyModel()


def weather(speed: float | None = None, origin: float | None = None, **more: Any) -> Weather:
    return Weather(NOW, speed, origin, **more)


def a_drone(**changes: Any) -> Any:
    return an_asset(**{"energy": MODEL, "climb_m_s": 2.5, "sink_m_s": 1.5, **changes})


def there_and_back(north_m: float = 700.0, up_m: float = 60.0) -> Plan:
    items = (
        MissionItem(ItemKind.TAKEOFF, a_place(0, 0, up_m)),
        MissionItem(ItemKind.WAYPOINT, a_place(0, north_m, up_m)),
        MissionItem(ItemKind.RETURN),
    )
    return a_plan(mission=a_mission(items=items), return_altitude=Altitude(up_m, Datum.HOME))


def test_the_sum_by_hand() -> None:
    found = endurance_of(there_and_back(), a_drone(), weather(0.0, 0.0, temperature_c=20.0))
    up, way, down = 60 / 2.5, 700 / 7.0, 60 / 1.5
    cruise_w = 180 + 0.35 * 7**3
    seconds = up + 2 * way + CORNER_S + down
    joules = 180 * (up + CORNER_S + down) + 45 * 60 + cruise_w * 2 * way
    assert found.seconds == pytest.approx(seconds, rel=1e-4)
    assert found.energy_wh == pytest.approx(joules / 3600, rel=1e-4)
    assert found.usable_wh == 90
    assert found.reserve_wh == pytest.approx(18)
    assert found.share == pytest.approx(joules / 3600 / 72, rel=1e-4)
    assert found.assumed == ()
    back = (cruise_w * way + 180 * (CORNER_S + down)) / 3600
    assert found.return_from_each_item_wh[1] == pytest.approx(back, rel=1e-4)
    assert found.return_from_each_item_wh[2] == 0
    assert found.share_with_return[1] == pytest.approx(found.share)
    assert found.fits


def test_wind_along_and_across() -> None:
    air = air_of(a_drone(), weather(5.0, 0.0))  # from the north
    assert (air.east_m_s, air.north_m_s) == pytest.approx((0, -5))
    assert air.ground_speed_m_s(0, 1, 7) == 7
    assert air.ground_speed_m_s(0, 1, 14) == pytest.approx(10)  # of 15 through the air
    assert air.ground_speed_m_s(0, -1, 25) == pytest.approx(20)
    assert air.ground_speed_m_s(1, 0, 25) == pytest.approx(math.sqrt(15**2 - 5**2))
    against = air.leg((0, 0, 50), (0, 700, 50), 7.0)
    assert against.energy_wh == pytest.approx((180 + 0.35 * 12**3) * 100 / 3600)
    across = air.leg((0, 0, 50), (700, 0, 50), 7.0)
    assert across.energy_wh == pytest.approx((180 + 0.35 * math.hypot(7, 5) ** 3) * 100 / 3600)
    slanting = air_of(a_drone(), weather(5.0, 240.0)).leg((0, 0, 50), (700, 0, 50), 7.0)
    through = math.hypot(7 - 5 * math.sin(math.radians(60)), 5 * math.cos(math.radians(60)))
    assert slanting.energy_wh == pytest.approx((180 + 0.35 * through**3) * 100 / 3600)
    assert air.hover(60).energy_wh == pytest.approx((180 + 0.35 * 5**3) * 60 / 3600)


def test_a_wind_as_fast_as_the_aircraft_cannot_be_flown_against() -> None:
    storm = weather(15.0, 0.0, temperature_c=0.0)
    found = endurance_of(there_and_back(), a_drone(), storm)
    assert not found.fits
    assert found.blocked_item == 0
    assert math.isinf(found.seconds)
    # along the wind one is fast, but a return from there can't be flown
    down_wind = endurance_of(there_and_back(-700), a_drone(), weather(14.8, 0.0))
    assert not down_wind.fits
    assert down_wind.blocked_item == 1
    assert math.isfinite(down_wind.legs[1].cost.seconds)
    assert endurance_of(there_and_back(), a_drone(), weather(9.0, 0.0)).blocked_item is None


def test_what_is_not_known_is_said() -> None:
    plan = there_and_back()
    assert endurance_of(plan, a_drone()).assumed == ("wind", "temperature")
    blind = endurance_of(plan, a_drone(), weather(6.0, None, temperature_c=0.0))
    assert blind.assumed == ("wind_from",)
    known = [
        endurance_of(plan, a_drone(), weather(6.0, d, temperature_c=0.0)).share
        for d in range(0, 360, 10)
    ]
    assert blind.share >= max(known)
    without = endurance_of(plan, an_asset(endurance_s=400))
    assert without.assumed == ("wind", "temperature", "energy")
    assert without.energy_wh is None
    assert without.usable_wh is None
    assert without.return_from_each_item_wh == (None, None, None)
    assert without.share == pytest.approx(without.seconds / 400)


def test_cold_takes_capacity() -> None:
    assert usable_wh(MODEL, None) == 90
    assert usable_wh(MODEL, 35) == 90
    assert usable_wh(MODEL, 10) == pytest.approx(90 * 0.95)
    assert usable_wh(MODEL, -30) == pytest.approx(90 * 0.55)
    assert usable_wh(MODEL, -40) == pytest.approx(90 * 0.42)
    assert usable_wh(MODEL, -200) == 0
    assert usable_wh(replace(MODEL, usable_at_c=((0.0, 0.5),)), -50) == 45
    warm = endurance_of(there_and_back(), a_drone(), weather(0, 0, temperature_c=20))
    cold = endurance_of(there_and_back(), a_drone(), weather(0, 0, temperature_c=-30))
    assert cold.energy_wh == warm.energy_wh
    assert cold.share == pytest.approx(warm.share / 0.55)


def test_holds_bends_and_landing_count() -> None:
    base = there_and_back()
    items = list(base.mission.items)
    held = a_mission(items=(items[0], replace(items[1], hold_s=60.0), items[2]))
    longer = endurance_of(replace(base, mission=held), a_drone()).seconds
    assert longer - endurance_of(base, a_drone()).seconds == pytest.approx(60 + CORNER_S)
    circling = replace(items[1], kind=ItemKind.LOITER, hold_s=60.0, loiter_radius_m=20.0)
    loiter = a_mission(items=(items[0], circling, items[2]))
    found = endurance_of(replace(base, mission=loiter), a_drone())
    assert found.seconds == pytest.approx(longer - CORNER_S)
    assert corner_s((0, 0, 0), (0, 9, 0), (0, 18, 0)) == 0
    assert corner_s((0, 0, 0), (0, 9, 0), (9, 9, 0)) == pytest.approx(CORNER_S)
    assert corner_s((0, 0, 0), (0, 9, 0), (0, 0, 0)) == CORNER_S
    assert 0 < corner_s((0, 0, 0), (0, 9, 0), (1, 18, 0)) < 0.2
    landing = a_mission(items=(items[0], MissionItem(ItemKind.LAND, a_place(0, 700, 60))))
    landed = endurance_of(replace(base, mission=landing), a_drone())
    assert landed.seconds == pytest.approx(60 / 2.5 + 100 + 60 / 1.5, rel=1e-3)
    assert landed.return_from_each_item_wh[-1] == 0


def test_a_car_has_no_wind() -> None:
    items = (
        MissionItem(ItemKind.WAYPOINT, a_place(0, 100, 0)),
        MissionItem(ItemKind.WAYPOINT, a_place(0, 900, 0)),
    )
    plan = a_plan(mission=a_mission(items=items), cruise_m_s=8.0, return_altitude=None)
    found = endurance_of(plan, replace(a_car(), energy=MODEL), weather(40.0, 0.0))
    assert found.seconds == pytest.approx(100, rel=1e-3)
    assert found.energy_wh is None
    assert found.fits


legs = st.lists(
    st.tuples(st.floats(-900, 900), st.floats(-900, 900), st.floats(10, 110)), min_size=1,
    max_size=6,
)  # fmt: skip


@given(legs, st.floats(0, 9), st.floats(0, 360))
@settings(max_examples=60, deadline=None)
def test_wind_never_helps_a_level_round_trip_and_home_is_counted(
    spots: list[tuple[float, float, float]], speed: float, origin: float
) -> None:
    # level: where height makes a leg slow, a light wind from ahead lifts and saves some
    items = (
        MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 30)),
        *(MissionItem(ItemKind.WAYPOINT, a_place(e, n, 30)) for e, n, _ in spots),
        MissionItem(ItemKind.RETURN),
    )
    plan = a_plan(mission=a_mission(items=items), cruise_m_s=6.0)
    calm = endurance_of(plan, a_drone(), weather(0.0, 0.0))
    windy = endurance_of(plan, a_drone(), weather(speed, origin))
    assert calm.energy_wh is not None
    assert windy.energy_wh is not None
    # all legs keep their ground speed here (6 + 9 = 15), so wind can only cost
    assert windy.energy_wh >= calm.energy_wh - 1e-6
    assert windy.seconds == pytest.approx(calm.seconds)
    total = sum((leg.cost for leg in windy.legs), Cost())
    assert total.energy_wh == pytest.approx(windy.energy_wh)
    before_return = sum((leg.cost for leg in windy.legs[:-1]), Cost()) + windy.legs[-2].back
    assert before_return.energy_wh == pytest.approx(windy.energy_wh)
    assert len(windy.return_from_each_item_wh) == len(items)
    budget = spendable(a_drone(), None)
    assert share_of(before_return, budget) == pytest.approx(windy.share_with_return[-2])


@given(st.floats(0, 20), st.floats(0, 360), st.floats(0.5, 20), st.floats(0, 360))
def test_the_wind_triangle_closes(speed: float, origin: float, wanted: float, track: float) -> None:
    air: Air = air_of(a_drone(), weather(speed, origin))
    e, n = math.sin(math.radians(track)), math.cos(math.radians(track))
    ground = air.ground_speed_m_s(e, n, wanted)
    through_air = math.hypot(ground * e - air.east_m_s, ground * n - air.north_m_s)
    assert 0 <= ground <= wanted
    if ground:
        assert through_air <= 15 + 1e-6
        if ground < wanted - 1e-6:
            assert through_air == pytest.approx(15)
    else:
        assert speed > 14
