"""Circles and orbits in the proof: what is clear by more than the margin is no error."""

from math import cos, radians, sin

import pytest
from shapely import box

from core.ids import ZoneId
from geo.circles import circle_area
from geo.zones import Circle, Zone, ZoneKind, to_geographic
from missions.model import ItemKind, MissionItem
from tests.builders import AT, a_place
from tests.missions.flying import a_fence
from tests.missions.proving import RETURN, TAKEOFF, a_flight, a_permission, errors, to

WIDE = a_fence(5_000.0)
PERMITTED = {"permissions": (a_permission(5_000.0),)}


def round_zone(east_m: float, north_m: float, radius_m: float, kind: ZoneKind) -> Zone:
    lat, lon = AT.to_geo1_deg(east_m, north_m)
    circle = Circle(lat, lon, radius_m)
    return a_fence(
        zone_id=ZoneId("round"), area=circle_area(circle, kind), kind=kind, circle=circle
    )


@pytest.mark.parametrize("radius_m", [100.0, 500.0, 2_000.0])
@pytest.mark.parametrize(("clear_m", "wrong"), [(2.1, False), (1.9, True)])
def test_a_leg_beside_a_closed_circle(radius_m: float, clear_m: float, wrong: bool) -> None:
    ban = round_zone(radius_m + clear_m, 0.0, radius_m, ZoneKind.EXCLUSION)
    plan = a_flight(TAKEOFF, to(0, 60), to(0, -60), RETURN, fences=(WIDE, ban))
    assert ("leg_excluded" in errors(plan, **PERMITTED)) is wrong


@pytest.mark.parametrize("radius_m", [500.0, 2_000.0])
@pytest.mark.parametrize(("clear_m", "wrong"), [(2.1, False), (1.9, True)])
def test_home_at_the_border_of_a_permitted_circle(
    radius_m: float, clear_m: float, wrong: bool
) -> None:
    turn = radians(2.8125)  # where the polygon of 64 edges was furthest inside
    away = radius_m - clear_m
    east, north = -away * cos(turn), -away * sin(turn)
    room = round_zone(east, north, radius_m, ZoneKind.INCLUSION)
    plan = a_flight(TAKEOFF, to(east / 10, north / 10), RETURN, fences=(room,))
    found = errors(plan, **PERMITTED)
    assert "home_outside" not in found
    assert ("leg_outside" in found) is wrong


@pytest.mark.parametrize("radius_m", [50.0, 100.0, 200.0])
@pytest.mark.parametrize(("clear_m", "wrong"), [(2.1, False), (1.9, True)])
def test_an_orbit_beside_a_closed_wall(radius_m: float, clear_m: float, wrong: bool) -> None:
    wall = box(radius_m + clear_m, 60.0, radius_m + 300.0, 260.0)
    ban = a_fence(area=to_geographic(wall, AT), kind=ZoneKind.EXCLUSION)
    orbit = MissionItem(ItemKind.LOITER, a_place(0, 60, 40), hold_s=30, loiter_radius_m=radius_m)
    plan = a_flight(TAKEOFF, orbit, RETURN, fences=(WIDE, ban))
    assert ("hover_outside" in errors(plan, **PERMITTED)) is wrong
