"""What is ordered because of a zone that appears, held against what the vehicle then flies."""

import math
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo.positions import Altitude, Datum, Position
from geo.zones import ZoneKind
from missions.dispatching.exits import Ending, MoveKind, braked
from missions.dispatching.zone_appeared import Advice, flight_of, own_return, respond
from missions.model import (
    Autopilot,
    ItemKind,
    MissionItem,
    Progress,
    RallyPoint,
    Sortie,
    SortieState,
)
from sim.flown_plan import fly
from telemetry.model import TelemetrySample
from tests.builders import GROUND, NOW, a_mission, a_place, a_plan, an_asset
from tests.missions.test_exits import a_ban, a_city, in_flight, places

BAN = box(-20, -100, 200, 100)
LOW_AT_HOME = a_ban(box(-320, -20, -280, 20), "home", ceiling=Altitude(40.0, Datum.GROUND))
HOME = replace(a_place(), altitude=GROUND)


def a_return(up_m=60.0, **changes):
    return a_plan(return_altitude=Altitude(up_m, Datum.HOME), **changes)


def test_where_its_own_return_is_a_way_out_it_is_ordered():
    found = respond(in_flight(), a_return(), [a_city(), a_ban(BAN)], NOW)
    assert found.order is Advice.RETURN
    assert (found.way.ending, found.way.proven, found.way.left) == (Ending.HOME, True, ("ban",))
    assert places(found.way)[-1] == pytest.approx((-300, 0), abs=0.1)
    assert found.way.inside_s == pytest.approx(22 / 7, abs=0.2)
    assert "by its own return" in found.way.why


def test_a_return_that_climbs_counts_its_climb():
    found = respond(in_flight(), a_return(80.0), [a_city(), a_ban(BAN)], NOW)
    assert found.order is Advice.RETURN
    assert [move.kind for move in found.way.moves][1] is MoveKind.CLIMB
    assert found.way.inside_s == pytest.approx(22 / 7 + 20 / 2.5, abs=0.2)


@pytest.mark.parametrize(
    ("flight", "plan", "zones"),
    [
        (in_flight(150), a_return(), [a_ban(BAN)]),  # home lies behind the zone: deeper first
        (in_flight(), a_plan(return_altitude=None), [a_ban(BAN)]),  # how high is not known
        (in_flight(), a_return(), [a_ban(BAN), a_ban(box(-200, -50, -150, 50), "wall")]),
        (in_flight(), a_return(90.0), [a_ban(BAN), a_city(ceiling=Altitude(80.0, Datum.GROUND))]),
        (in_flight(), a_return(), [a_ban(BAN), a_ban(box(-320, -20, -280, 20), "home")]),
        (in_flight(), a_return(), [a_ban(BAN), LOW_AT_HOME]),
        (in_flight(), a_return(), [a_city(ceiling=Altitude(50.0, Datum.GROUND))]),
        (in_flight(-60), a_return(), [a_ban(box(-200, -50, -100, 50), "ahead")]),
    ],
)
def test_where_it_is_none_it_is_held_and_a_person_gets_the_way_out(flight, plan, zones):
    city = () if any(zone.kind is ZoneKind.INCLUSION for zone in zones) else (a_city(),)
    found = respond(flight, plan, [*city, *zones], NOW)
    assert found.order is Advice.HOLD
    assert found.way.proven
    assert own_return(flight, plan, [*city, *zones], NOW) is None


def test_a_return_to_the_nearest_rally_point_counts():
    rally = (RallyPoint(a_place(-60, 0, 0.0)),)
    found = respond(in_flight(), a_return(rally=rally), [a_city(), a_ban(BAN)], NOW)
    assert (found.order, found.way.ending) == (Advice.RETURN, Ending.RALLY)
    between = (RallyPoint(a_place(299, 0, 0.0)),)
    # which of the two is the nearer depends on where it counts from
    assert own_return(in_flight(), a_return(rally=between), [a_city(), a_ban(BAN)], NOW) is None


def test_an_ardupilot_returns_by_its_own_settings():
    flight = in_flight()
    ardupilot = replace(flight, asset=replace(flight.asset, autopilot=Autopilot.ARDUPILOT))
    zones = [a_city(), a_ban(BAN)]
    # RTL_ALT counts in whole centimetres
    ways = [own_return(one, a_return(80.004), zones, NOW) for one in (flight, ardupilot)]
    assert [way.moves[1].up_m for way in ways] == [80.004, 80.0]
    # PX4 heeds no rally point within 10 m of home, ArduPilot takes whatever is the nearest
    rally = (RallyPoint(a_place(-295, 0, 0.0)),)
    px4, copter = (
        own_return(one, a_return(rally=rally), zones, NOW) for one in (flight, ardupilot)
    )
    assert (px4.ending, copter.ending) == (Ending.HOME, Ending.RALLY)
    # which of two that are even it is, nobody can tell
    even = (RallyPoint(a_place(-300, 1, 0.0)),)
    assert own_return(ardupilot, a_return(rally=even), zones, NOW) is None
    assert own_return(ardupilot, a_plan(return_altitude=None), zones, NOW) is None


def test_outside_what_is_permitted_it_comes_back_in():
    found = respond(in_flight(620), a_return(), [a_city()], NOW)
    assert (found.order, found.way.left) == (Advice.RETURN, ("the open",))
    assert found.way.inside_s == pytest.approx(22 / 7, abs=0.2)


def a_sample(**changes):
    place = a_place(30, 40)
    at = Position(place.lat_deg, place.lon_deg, Altitude(60.0, Datum.HOME))
    values = {"position": at, "north_m_s": 3.0, "east_m_s": 1.0, "battery_fraction": 0.7}
    asset = an_asset(home=HOME)
    return TelemetrySample(asset.asset_id, NOW, **{**values, **changes})


def test_a_sortie_is_an_aircraft_in_the_air():
    asset = an_asset(home=HOME)
    ways = [MissionItem(ItemKind.WAYPOINT, a_place(e, 0, 60.0)) for e in (10, 20, 30)]
    items = (MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 60.0)), *ways,
             MissionItem(ItemKind.RETURN))  # fmt: skip
    plan = a_plan(mission=a_mission(items=items), home=HOME)
    sortie = Sortie("s", plan, SortieState.UNDERWAY, progress=Progress(3, 5))
    flight = flight_of(sortie, asset, a_sample())
    assert flight.up_m == 60.0
    assert (flight.east_m_s, flight.north_m_s, flight.battery_fraction) == (1.0, 3.0, 0.7)
    last = ways[-1].position
    home = (HOME.lat_deg, HOME.lon_deg)
    assert flight.ahead == ((last.lat_deg, last.lon_deg), home)
    returning = replace(sortie, state=SortieState.RETURNING)
    assert flight_of(returning, asset, a_sample()).ahead == (home,)
    sea = Position(HOME.lat_deg, HOME.lon_deg, Altitude(GROUND.metres + 25.0, GROUND.datum))
    assert flight_of(sortie, asset, a_sample(position=sea)).up_m == pytest.approx(25.0)
    unknown = Position(HOME.lat_deg, HOME.lon_deg, Altitude(400.0, Datum.ELLIPSOID))
    for said in ({"position": unknown}, {"position": None}, {"on_ground": True}, {"armed": False}):
        assert flight_of(sortie, asset, a_sample(**said)) is None


# --- against what the simulated vehicle flies ---

ASSET = an_asset(cruise_m_s=8.0, home=HOME)
CORNERS = ((120, 0), (120, 120), (0, 120), (60, 60))
FLOWN_PLAN = a_plan(
    mission=a_mission(
        items=(
            MissionItem(ItemKind.TAKEOFF, a_place(0, 0, 20.0), speed_m_s=8.0),
            *(MissionItem(ItemKind.WAYPOINT, a_place(*corner, 20.0)) for corner in CORNERS),
            MissionItem(ItemKind.RETURN),
        )
    ),
    home=HOME,
    return_altitude=Altitude(25.0, Datum.HOME),
)
TURNS_S = tuple(float(second) for second in range(12, 60, 4))
FLIGHTS = fly(FLOWN_PLAN, ASSET, seed=5, start_at=NOW, returns=TURNS_S)[1:]


def depths(area, spots):
    """How deep places are in an area, negative outside."""
    points = shapely.points(np.asarray(spots))
    away = shapely.distance(area.exterior, points)
    return np.where(shapely.contains(area, points), away, -away)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FLIGHTS), *(st.integers(8, 90) for _ in range(4)))
def test_a_return_that_was_called_a_way_out_never_flies_deeper(flown, west, south, east, north):
    row = flown.from_row
    _, e, n, up = flown.track[row]
    ve, vn = (flown.track[row, 1:3] - flown.track[row - 1, 1:3]) / 0.1
    area = box(e - west, n - south, e + east, n + north)
    flight = replace(
        in_flight(e, n, up, home=(0.0, 0.0)), asset=ASSET, east_m_s=float(ve), north_m_s=float(vn)
    )
    way = own_return(flight, FLOWN_PLAN, [a_city(), a_ban(area)], NOW)
    if way is None:
        return
    (stop_e, stop_n), brake_s = braked(flight)
    parts = np.linspace(0.0, 1.0, 50)
    deepest = depths(area, [(e + part * stop_e, n + part * stop_n) for part in parts]).max()
    flew = depths(area, flown.track[row:, 1:3])
    # gusts, and the turn that it was in, push it by less than its acceptance radius
    assert flew.max() <= deepest + ASSET.acceptance_radius_m
    flew = flew[math.ceil(10 * brake_s) :]
    out = int(np.argmax(flew < -1.0))
    assert flew[out:].max() <= 0.0  # once it is out it stays out
    assert math.hypot(*flown.track[-1, 1:3]) < 2.0


def test_the_flown_returns_above_are_often_called_ways_out():
    called = 0
    for flown in FLIGHTS:
        _, e, n, up = flown.track[flown.from_row]
        flight = replace(in_flight(e, n, up, home=(0.0, 0.0)), asset=ASSET)
        area = box(e - 15, n - 15, e + 60, n + 60)
        called += own_return(flight, FLOWN_PLAN, [a_city(), a_ban(area)], NOW) is not None
    assert called >= len(FLIGHTS) // 2
