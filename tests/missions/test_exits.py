"""Ways out of a zone that appears in flight, against a search over a fine grid."""

import heapq
import math
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from core.ids import AssetId, ZoneId
from core.recurrence import Recurrence
from geo.positions import Altitude, Datum
from geo.zones import Purpose, ZoneKind, to_geographic
from missions.dispatching.exits import Ending, InFlight, MoveKind, affected, way_out, ways_out
from missions.model import RallyPoint
from tests.builders import AT, GROUND, NOW, a_place, a_zone, after, an_asset

MARGIN_M = 7.0
"""Acceptance radius of 2 m and the usual 5 m."""
CITY = box(-600, -600, 600, 600)


def in_flight(east=0.0, north=0.0, up=60.0, *, home=(-300.0, 0.0), **changes):
    place = a_place(east, north)
    home_at = replace(a_place(*home), altitude=GROUND)
    asset = an_asset(home=home_at, asset_id=AssetId(changes.pop("name", "drone-1")))
    return InFlight(asset, place.lat_deg, place.lon_deg, up, **changes)


def a_ban(shape, name="ban", **changes):
    values = {
        "zone_id": ZoneId(name), "name": name, "rules": (), "kind": ZoneKind.EXCLUSION,
        "purposes": frozenset({Purpose.FLIGHT}), "area": to_geographic(shape, AT), **changes,
    }  # fmt: skip
    return a_zone(**values)


def a_city(shape=CITY, **changes):
    return a_ban(shape, "city", kind=ZoneKind.INCLUSION, **changes)


def places(out):
    return [AT.to_en1_m(move.lat_deg, move.lon_deg) for move in out.moves]


def exit_m(out):
    """Length of the level way from where it stops until it is out."""
    return sum(math.dist(a, b) for a, b in pairwise(places(out)[: out.exit_move + 1]))


def test_it_leaves_by_the_nearest_side_and_goes_home_around():
    ban = box(-20, -100, 200, 100)
    out = way_out(in_flight(), [a_city(), a_ban(ban)], NOW)
    assert out.ending is Ending.HOME
    assert out.proven
    assert places(out)[out.exit_move] == pytest.approx((-27, 0), abs=0.1)
    assert out.inside_s == pytest.approx(27 / 7, abs=0.1)
    assert places(out)[-1] == pytest.approx((-300, 0), abs=0.1)
    assert out.moves[-1].kind is MoveKind.LAND
    assert out.left == ("ban",)
    assert "out of ban level in 4 s" in out.why


def test_behind_the_exit_it_goes_around_the_zone():
    out = way_out(in_flight(150), [a_city(), a_ban(box(-20, -100, 200, 100))], NOW)
    assert places(out)[out.exit_move][0] == pytest.approx(207, abs=0.1)
    after_exit = LineString(places(out)[out.exit_move : -1])
    assert after_exit.distance(box(-20, -100, 200, 100)) > MARGIN_M - 0.1


def test_it_brakes_first_and_counts_that():
    out = way_out(in_flight(east_m_s=6.0), [a_city(), a_ban(box(-20, -100, 200, 100))], NOW)
    assert out.moves[0].kind is MoveKind.BRAKE
    assert places(out)[0] == pytest.approx((6 + 36 / 4, 0), abs=0.1)
    assert out.moves[0].seconds == pytest.approx(1 + 6 / 2)
    assert out.inside_s == pytest.approx(4 + (15 + 27) / 7, abs=0.1)


def test_it_climbs_over_where_that_is_quicker_and_allowed():
    low = a_ban(box(-200, -200, 200, 200), ceiling=Altitude(70.0, Datum.GROUND))
    out = way_out(in_flight(), [a_city(), low], NOW)
    assert out.moves[1].kind is MoveKind.CLIMB
    assert out.moves[1].up_m > 70.0
    capped = a_city(ceiling=Altitude(72.0, Datum.GROUND))
    assert way_out(in_flight(), [capped, low], NOW).moves[1].kind is MoveKind.GO
    above = a_ban(box(-50, -50, 50, 50), "above", floor=Altitude(72.0, Datum.GROUND))
    assert way_out(in_flight(), [a_city(), low, above], NOW).moves[1].kind is MoveKind.GO


def test_it_goes_under_where_that_is_quicker():
    high = a_ban(box(-200, -200, 200, 200), floor=Altitude(50.0, Datum.GROUND))
    out = way_out(in_flight(), [a_city(), high], NOW)
    assert out.moves[1].kind is MoveKind.DESCEND
    assert out.moves[1].up_m < 50.0


def test_a_new_ceiling_is_gone_under():
    out = way_out(in_flight(), [a_city(ceiling=Altitude(50.0, Datum.GROUND))], NOW)
    assert out.moves[1].kind is MoveKind.DESCEND
    assert out.moves[1].up_m <= 50.0
    assert out.ending is Ending.HOME


def test_outside_what_is_permitted_it_comes_back_in():
    out = way_out(in_flight(620), [a_city()], NOW)
    assert places(out)[out.exit_move] == pytest.approx((593, 0), abs=0.1)
    assert out.proven


def test_where_home_is_closed_it_goes_to_a_rally_point_and_else_holds():
    ban = a_ban(box(-400, -100, 50, 100))
    rally = [RallyPoint(a_place(300, 0, 0.0)), RallyPoint(a_place(100, 0, 0.0))]
    out = way_out(in_flight(), [a_city(), ban], NOW, rally=rally)
    assert out.ending is Ending.RALLY
    assert places(out)[-1] == pytest.approx((100, 0), abs=0.1)
    alone = way_out(in_flight(), [a_city(), ban], NOW)
    assert alone.ending is Ending.HOLD
    assert alone.moves[-1].kind is MoveKind.HOLD
    assert "no open way" in alone.why


def test_with_a_low_battery_the_nearest_place_that_it_can_reach_counts():
    rally = [RallyPoint(a_place(60, 0, 0.0))]
    zones = [a_city(), a_ban(box(-20, -500, 30, 500))]
    empty = in_flight(20, battery_fraction=0.05)
    assert way_out(empty, zones, NOW, rally=rally).ending is Ending.RALLY
    assert way_out(empty, zones, NOW).ending is Ending.HOLD


def test_a_hold_that_the_battery_can_not_keep_is_no_way_out():
    zones = [a_city(), a_ban(box(-20, -500, 30, 500))]
    out = way_out(in_flight(20, battery_fraction=0.001), zones, NOW)
    assert out.ending is Ending.LAND_HERE
    assert not out.proven


def test_a_zone_over_its_home_affects_a_flight_far_away():
    over_home = a_ban(box(-330, -30, -270, 30))
    flight = in_flight(200, 0)
    assert affected(flight, over_home, NOW)
    (out,) = ways_out([flight], [a_city()], [over_home], NOW)
    assert out.ending is Ending.HOLD
    assert not affected(flight, a_ban(box(-295, 30, -270, 60)), NOW)


def test_closed_in_on_all_sides_it_says_so_and_lands():
    walls = [box(-60, -60, -40, 60), box(40, -60, 60, 60), box(-60, 40, 60, 60),
             box(-60, -60, 60, -40)]  # fmt: skip
    zones = [a_city(), *(a_ban(w, f"wall-{n}") for n, w in enumerate(walls))]
    out = way_out(in_flight(), [*zones, a_ban(box(-39, -39, 39, 39), "new")], NOW)
    assert out.ending is Ending.LAND_HERE
    assert not out.proven
    assert out.moves[-1].kind is MoveKind.LAND
    assert "no way out of new can be proven" in out.why


def test_clear_of_everything_it_only_needs_a_way_home():
    out = way_out(in_flight(), [a_city(), a_ban(box(-200, -100, -100, 100))], NOW)
    assert out.inside_s == 0.0
    assert out.exit_move == 0
    assert out.ending is Ending.HOME
    assert len(out.moves) > 3


def test_zones_that_are_not_in_force_are_none():
    late = Recurrence(after(hours=2), timedelta(hours=1))
    out = way_out(in_flight(), [a_city(), a_ban(box(-50, -50, 50, 50), windows=(late,))], NOW)
    assert out.exit_move == 0


def test_those_that_are_affected_get_an_answer_and_no_others():
    ban = a_ban(box(-50, -50, 50, 50))
    ahead = a_place(100, 0)
    flights = [
        in_flight(0, 0, name="inside"),
        in_flight(-100, 0, name="ahead", ahead=((ahead.lat_deg, ahead.lon_deg),)),
        in_flight(-100, 0, name="away"),
        in_flight(53, 0, name="too-near"),
    ]
    assert [affected(flight, ban, NOW) for flight in flights] == [True, True, False, True]
    outs = ways_out(flights, [a_city()], [ban], NOW)
    assert [out.asset_id for out in outs] == ["ahead", "inside", "too-near"]
    assert all(out.proven for out in outs)
    over = a_ban(box(-50, -50, 50, 50), ceiling=Altitude(40.0, Datum.GROUND))
    assert not affected(flights[0], replace(over, active=False), NOW)


def test_an_inclusion_affects_what_it_and_the_others_do_not_hold():
    flight = in_flight(0, 0, ahead=((a_place(100, 0).lat_deg, a_place(100, 0).lon_deg),))
    small = a_city(box(-50, -50, 50, 50), zone_id=ZoneId("small"))
    assert affected(flight, small, NOW)
    assert not affected(flight, small, NOW, others=[a_city()])
    assert not affected(flight, a_city(), NOW)
    low = a_city(zone_id=ZoneId("low"), ceiling=Altitude(50.0, Datum.GROUND))
    assert affected(flight, low, NOW, others=[a_city()])
    assert not affected(in_flight(0, 0, 40.0), low, NOW, others=[a_city()])
    assert affected(flight, small, NOW, others=[replace(a_city(), zone_id=small.zone_id)])


def behind_a_wall():
    return [a_city(), a_ban(box(-20, -100, 200, 100), "new"), a_ban(box(-18, -30, -10, 30), "wall")]


def test_another_closed_zone_on_the_way_out_is_gone_around():
    out = way_out(in_flight(), behind_a_wall(), NOW)
    assert out.proven
    line = LineString(places(out)[: out.exit_move + 1])
    assert line.distance(box(-18, -30, -10, 30)) == pytest.approx(MARGIN_M, abs=0.1)
    assert line.length == pytest.approx(math.hypot(3, 37) + 22 + 2, abs=0.2)


def test_a_way_that_its_proof_refuses_is_never_given(monkeypatch):
    straight = ((0.0, 0.0), (-27.0, 0.0))
    monkeypatch.setattr("missions.dispatching.exits.shortest_exit", lambda *_: straight)
    out = way_out(in_flight(), behind_a_wall(), NOW)
    assert out.ending is Ending.LAND_HERE


# --- against a grid ---

STEP_M = 4.0


def grid_m(start, leave, others, city):
    """Shortest way over a grid of 16 directions until the margin to what is left is kept."""
    count = 34  # the new zone reaches 120 m, and no way out leads past its margin
    axis = (np.arange(2 * count + 1) - count) * STEP_M
    x, y = np.meshgrid(axis + start[0], axis + start[1], indexing="ij")
    spots = shapely.points(x, y)
    open_ = shapely.distance(city.exterior, spots) >= MARGIN_M
    open_ &= shapely.covers(city, spots)
    for other in others:
        open_ &= shapely.distance(other, spots) >= MARGIN_M
    clear = open_.copy()
    for one in leave:
        clear &= shapely.distance(one, spots) >= MARGIN_M
    steps = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if math.gcd(i, j) == 1]
    best, queue = {}, [(0.0, (count, count))]
    while queue:
        cost, here = heapq.heappop(queue)
        if here in best:
            continue
        best[here] = cost
        if clear[here]:
            return cost
        for i, j in steps:
            there = (here[0] + i, here[1] + j)
            if all(0 <= k <= 2 * count for k in there) and open_[there] and there not in best:
                heapq.heappush(queue, (cost + STEP_M * math.hypot(i, j), there))
    return None


@st.composite
def boxes(draw, reach=150):
    east, north = draw(st.integers(-reach, reach)), draw(st.integers(-reach, reach))
    return box(east, north, east + draw(st.integers(15, 120)), north + draw(st.integers(15, 120)))


@st.composite
def new_zones(draw):
    """A zone around the aircraft: a box, or one with a notch."""
    w, s, e, n = (draw(st.integers(10, 120)) for _ in range(4))
    if draw(st.booleans()):
        return box(-w, -s, e, n)
    return Polygon([(-w, -s), (e, -s), (e, n), (0.4 * e, n), (0.3 * e, 0.1 * n), (-w, 0.2 * n)])


@settings(max_examples=25, deadline=None)
@given(new_zones(), st.lists(boxes(), max_size=3))
def test_the_exit_is_the_shortest_and_what_follows_is_clear(new, others):
    start = Point(0, 0)
    assume(new.contains(start.buffer(1.0)))
    assume(all(other.distance(start) > MARGIN_M + 1.0 for other in others))
    zones = [a_city(), a_ban(new, "new")]
    zones += [a_ban(other, f"other-{n}") for n, other in enumerate(others)]
    out = way_out(in_flight(home=(-500.0, -500.0)), zones, NOW)
    least_m = grid_m((0.0, 0.0), [new], others, CITY)
    if out.ending is Ending.LAND_HERE:
        assert least_m is None
        return
    line = LineString(places(out)[: out.exit_move + 1])
    assert all(other.distance(line) > 1.9 for other in others)
    behind = places(out)[out.exit_move :]
    rest = LineString(behind) if len(set(behind)) > 1 else Point(behind[0])
    for area in (new, *others):
        assert area.distance(rest) > 1.9
    assert CITY.covers(rest)
    if least_m is not None:
        assert exit_m(out) <= least_m + 0.5
        # and not shorter than what 16 directions and whole steps can explain
        assert exit_m(out) >= 0.9 * least_m - 3 * STEP_M
