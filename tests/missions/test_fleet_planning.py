"""A shift of drones and cars: what is promised of routes, their times, flights and reasons."""

import math
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon

from core.ids import AssetId, UserId
from geo.road_building import Street, build_roads
from geo.zones import Purpose, ZoneKind, ZoneStage, to_local
from missions.adapters.pyvrp_optimiser import PyvrpOptimiser
from missions.circumstances import Circumstances
from missions.energy import EnergyModel
from missions.fleet import (
    FleetAsset,
    Job,
    PassiveTrack,
    RevisitTarget,
    TrackFix,
    UnservedReason,
)
from missions.fleets.idleness import idleness
from missions.fleets.planning import FleetOrder, jobs_of, plan_fleet
from missions.fleets.travel import STRAIGHT_FACTOR
from missions.fleets.trips import MOST_SHARE
from missions.model import AssetKind, ItemKind, RallyPoint, Severity
from missions.proving.checks import check_plan
from missions.routing import (
    Effort,
)
from missions.weather import Weather
from tests.builders import AT, NOW, a_place, a_square, a_zone, an_asset

SOLVE = PyvrpOptimiser().solve
EFFORT = Effort(iterations=60)
HOURS = timedelta(hours=1)
R = UnservedReason


def spot(east, north):
    return AT.to_geo1_deg(east, north)


def a_drone(name="drone", **changes):
    values = {"cruise_m_s": 10.0, "endurance_s": 1500.0, **changes}
    return an_asset(asset_id=AssetId(name), **values)


def a_car(name="car", **changes):
    values = {"kind": AssetKind.VEHICLE, "cruise_m_s": 10.0, **changes}
    return an_asset(asset_id=AssetId(name), **values)


def a_job(name, *places, **changes):
    return Job(name, tuple(spot(*p) for p in places), **{"stay_s": 20.0, **changes})


def closed(*, east=0.0, north=0.0, half=100.0, **changes):
    values = {
        "zone_id": "closed", "name": "Closed", "purposes": frozenset({Purpose.FLIGHT}),
        "kind": ZoneKind.EXCLUSION, "area": a_square(east, north, half), "rules": (),
    }  # fmt: skip
    return a_zone(**{**values, **changes})


def an_order(assets, jobs=(), *, hours=4.0, crewed=None, **changes):
    end = NOW + hours * HOURS
    crew = [a for a in assets if not a.passive] if crewed is None else crewed
    return FleetOrder(
        NOW, end, tuple(FleetAsset(a, NOW, end) for a in crew), tuple(assets), tuple(jobs),
        **changes,
    )  # fmt: skip


def planned(order, effort=EFFORT):
    return plan_fleet(order, SOLVE, effort)


def served(plan):
    return {s.job_id: r.asset_id for r in plan.routes for t in r.trips for s in t.stops}


def reasons(plan):
    return {one.job_id: one.reason for one in plan.unserved}


# a whole shift


def test_drones_and_cars_share_the_jobs():
    jobs = [a_job(f"j{k}", (300 * math.cos(k), 300 * math.sin(k))) for k in range(8)]
    jobs.append(a_job("drone only", (200, 0), kinds=frozenset({AssetKind.DRONE})))
    jobs.append(a_job("car only", (-200, 0), kinds=frozenset({AssetKind.VEHICLE})))
    jobs.append(a_job("that car", (0, 250), asset_ids=frozenset({AssetId("car2")})))
    plan = planned(an_order([a_drone(), a_car(), a_car("car2")], jobs))
    done = served(plan)
    assert set(done) == {job.job_id for job in jobs}
    assert plan.unserved == ()
    assert done["drone only"] == "drone"
    assert done["car only"] in ("car", "car2")
    assert done["that car"] == "car2"


def test_every_flight_has_a_plan_that_is_proved_and_goes_around():
    zone = closed(east=0, north=300, half=100)
    rally = (RallyPoint(a_place(220, 300)),)
    order = an_order([a_drone()], [a_job("behind", (0, 600))], zones=(zone,), rally=rally)
    plan = planned(order)
    (trip,) = plan.routes[0].trips
    assert trip.plan is not None
    findings = check_plan(trip.plan, a_drone(), Circumstances(departs_at=trip.departs_at))
    assert not [f for f in findings if f.severity is Severity.ERROR]
    line = LineString([AT.to_en1_m(*place) for place in trip.line])
    assert line.distance(Polygon(to_local(zone.area, AT).exterior)) > 5.0
    assert trip.distance_m > 1200
    kinds = [item.kind for item in trip.plan.mission.items]
    assert (kinds[0], kinds[-1]) == (ItemKind.TAKEOFF, ItemKind.RETURN)
    assert trip.share is not None
    assert 0 < trip.share < 1


def test_a_flight_that_is_not_permitted_is_not_flown():
    # the way there goes around, but the emergency return would fly through
    order = an_order([a_drone()], [a_job("behind", (0, 600)), a_job("near", (80, 0))],
                     zones=(closed(north=300),))  # fmt: skip
    plan = planned(order)
    assert set(served(plan)) == {"near"}
    (one,) = plan.unserved
    assert one.reason is R.NOT_PERMITTED
    assert "[" in one.detail
    assert plan.dropped
    with_car = planned(replace(order, crewed=(*order.crewed, order.crewed[0].__class__(
        a_car(), NOW, NOW + 4 * HOURS))))  # fmt: skip
    assert served(with_car)["behind"] == "car"


def test_drafts_and_watch_zones_limit_nothing():
    zones = (
        closed(north=300, stage=ZoneStage.DRAFT),
        closed(north=300, purposes=frozenset({Purpose.WATCH})),
        closed(north=300, active=False),
    )
    plan = planned(an_order([a_drone()], [a_job("behind", (0, 600))], zones=zones))
    assert served(plan) == {"behind": "drone"}


def test_a_place_in_a_closed_zone_is_looked_at_from_outside():
    order = an_order(
        [a_drone()], [a_job("inside", (0, 300)), a_job("deep", (0, -900))],
        zones=(closed(north=300, half=30), closed(north=-900, half=300, zone_id="big")),
    )  # fmt: skip
    plan = planned(order)
    assert "inside" in served(plan)
    assert reasons(plan) == {"deep": R.UNREACHABLE}
    (trip,) = plan.routes[0].trips
    assert trip.plan is not None
    looks = [i.look_at for i in trip.plan.mission.items if i.look_at is not None]
    assert looks == [spot(0, 300)]


def test_a_far_round_takes_several_batteries():
    jobs = [a_job(f"j{k}", (1500, 100 * k - 800), stay_s=60.0) for k in range(16)]
    plan = planned(an_order([a_drone(endurance_s=900.0)], jobs))
    trips = plan.routes[0].trips
    assert len(trips) >= 3
    assert all(trip.share is not None and trip.share <= MOST_SHARE for trip in trips)
    for one, two in pairwise(trips):
        assert two.departs_at - one.returns_at >= timedelta(seconds=179.9)
    assert len(served(plan)) == 16


def test_wind_and_cold_shorten_what_a_battery_does():
    drone = a_drone(energy=EnergyModel(capacity_wh=60.0), coldest_c=-40.0)
    calm = planned(an_order([drone], [a_job("far", (1200, 0))]))
    cold = Weather(NOW, 8.0, 90.0, temperature_c=-30.0)
    hard = planned(an_order([drone], [a_job("far", (1200, 0))], weather=cold))
    assert served(calm) == {"far": "drone"}
    assert reasons(hard) == {"far": R.NO_ENERGY}


def test_reasons():
    drone, car = a_drone(), a_car()
    blind = a_car("blind", camera=None)
    late = {"latest": NOW + timedelta(seconds=20)}
    cases = [
        ([drone], a_job("x", (100, 0), kinds=frozenset({AssetKind.VEHICLE})), R.NO_ASSET),
        ([blind], a_job("x", (100, 0)), R.NO_ASSET),
        ([a_car(passive=True)], a_job("x", (100, 0)), R.NO_ASSET),
        ([drone], a_job("x", (90_000, 0)), R.NO_ENERGY),
        ([car], a_job("x", (3000, 0), **late), R.WINDOW_IMPOSSIBLE),
        ([car], a_job("x", (8000, 0)), R.WINDOW_IMPOSSIBLE),
        ([car], a_job("x", (3000, 0), worth_s=60.0), R.NOT_WORTH_IT),
    ]
    for fleet, job, reason in cases:
        hours = 0.25 if job.places == (spot(8000, 0),) else 4.0
        plan = planned(an_order(fleet, [job], hours=hours))
        assert reasons(plan) == {"x": reason}, (fleet, job)
        assert plan.unserved[0].detail
    assert reasons(planned(an_order([drone], [a_job("x", (9, 9))], crewed=[]))) == {"x": R.NO_CREW}
    busy = [a_job(k, (d, 0), stay_s=600.0, worth_s=9e3) for k, d in (("a", 90), ("b", -90))]
    plan = planned(an_order([car], busy, hours=0.25))
    assert list(reasons(plan).values()) == [R.NO_TIME]
    assert planned(an_order([blind], [a_job("x", (9, 9), needs_camera=False)])).unserved == ()


def test_windows_are_kept():
    jobs = [
        a_job("late", (100, 0), earliest=NOW + 2 * HOURS, latest=NOW + 2.5 * HOURS),
        a_job("early", (2000, 0), latest=NOW + timedelta(seconds=400)),
    ]
    plan = planned(an_order([a_car()], jobs))
    at = {s.job_id: s for r in plan.routes for t in r.trips for s in t.stops}
    assert NOW + 2 * HOURS <= at["late"].begins_at <= NOW + 2.5 * HOURS
    assert at["early"].begins_at <= NOW + timedelta(seconds=400)


def test_only_people_on_duty_give_assets_their_time():
    on = FleetAsset(a_car(), NOW + HOURS, NOW + 2 * HOURS, UserId("berik"))
    order = replace(an_order([a_car()], [a_job("x", (500, 0))]), crewed=(on,))
    plan = planned(order)
    (route,) = plan.routes
    assert route.user_id == "berik"
    assert route.trips[0].departs_at >= NOW + HOURS
    assert route.trips[-1].returns_at <= NOW + 2 * HOURS
    early = a_job("x", (500, 0), latest=NOW + HOURS)
    assert reasons(planned(replace(order, jobs=(early,)))) == {"x": R.WINDOW_IMPOSSIBLE}


def test_a_line_is_followed_from_the_better_end():
    line = a_job("street", (900, 0), (300, 0))
    plan = planned(an_order([a_car()], [line, a_job("there", (1000, 0))]))
    (trip,) = plan.routes[0].trips
    length = sum(math.dist(AT.to_en1_m(*a), AT.to_en1_m(*b)) for a, b in pairwise(trip.line))
    assert length == pytest.approx(2000, abs=5)
    assert trip.distance_m == pytest.approx(STRAIGHT_FACTOR * 2000, abs=20)


def test_cars_keep_to_the_roads():
    def road(*corners, **more):
        return Street(str(corners), corners, tuple(spot(*c) for c in corners), 10.0, **more)

    ring = road((0, 0), (0, 1000), (1000, 1000), (1000, 0), (0, 0), one_way=True)
    order = an_order(
        [a_car()], [a_job("x", (1000, 0)), a_job("far", (5000, 0))],
        roads=build_roads([ring]).graph,
    )  # fmt: skip
    plan = planned(order)
    (trip,) = plan.routes[0].trips
    assert trip.distance_m == pytest.approx(4000, rel=1e-3)
    assert (trip.stops[0].begins_at - trip.departs_at).total_seconds() == pytest.approx(
        300, rel=0.01
    )
    assert reasons(plan) == {"far": R.UNREACHABLE}


def ambulance_past(east, north, after_s):
    fixes = [
        TrackFix(NOW + timedelta(seconds=after_s + s), *spot(east + d, north))
        for s, d in ((-20, -200), (20, 200))
    ]
    return PassiveTrack(AssetId("ambulance"), tuple(fixes), 40.0)


def test_what_a_passive_asset_has_seen_counts():
    ambulance = a_car("ambulance", passive=True)
    tracks = (ambulance_past(500, 0, -600),)
    seen = a_job("seen", (500, 10), seen_counts=True, earliest=NOW - HOURS)
    unseen = a_job("unseen", (500, 200), seen_counts=True, earliest=NOW - HOURS)
    plan = planned(an_order([a_car(), ambulance], [seen, unseen], tracks=tracks))
    assert reasons(plan) == {"seen": R.SEEN_ALREADY}
    assert set(served(plan).values()) == {"car"}
    square = RevisitTarget("square", (spot(500, 0),), 3600.0)
    without, _ = jobs_of(an_order([a_car()], targets=(square,)))
    with_it, _ = jobs_of(an_order([a_car()], targets=(square,), tracks=tracks))
    assert without[0].latest < with_it[0].latest
    assert len(with_it) < len(without)


def test_revisit_targets_are_kept_over_the_shift():
    targets = tuple(
        RevisitTarget(f"t{k}", (spot(400 * math.cos(k), 400 * math.sin(k)),), 3600.0)
        for k in range(5)
    )
    order = an_order([a_car(), a_drone()], targets=targets, hours=6.0)
    plan = planned(order)
    jobs, _ = jobs_of(order)
    owner = {job.job_id: job.target_id for job in jobs}
    looks = {target.target_id: [] for target in targets}
    for route in plan.routes:
        for trip in route.trips:
            for stop in trip.stops:
                looks[owner[stop.job_id]].append(stop.begins_at)
    for target in targets:
        after = idleness(target, looks[target.target_id], order.start, order.end)
        assert after.met
        assert after.worst_s < idleness(target, [], order.start, order.end).worst_s / 3


def test_the_same_order_gives_the_same_plan():
    rng = np.random.default_rng(8)
    jobs = [a_job(f"j{k}", rng.uniform(-900, 900, 2)) for k in range(12)]
    order = an_order([a_drone(), a_car()], jobs, zones=(closed(east=400, half=50),))
    assert planned(order) == planned(order)


def test_assets_that_get_about_alike_are_one_kind_for_the_optimiser():
    asked = []

    def solve(problem, effort):
        asked.append(problem)
        return SOLVE(problem, effort)

    other = replace(a_car("car2").camera, camera_id="another")
    cars = [
        a_car(),
        replace(a_car("car2"), camera=other, name="Second"),
        a_car("slow", cruise_m_s=5.0),
    ]
    plan_fleet(an_order(cars, [a_job("x", (100, 0))]), solve, EFFORT)
    assert len(asked[0].profiles) == 2
    assert asked[0].vehicles[0] == asked[0].vehicles[1] != asked[0].vehicles[2]


def test_an_empty_shift_is_empty():
    plan = planned(an_order([a_car()]))
    assert (plan.routes, plan.unserved, plan.cost_s) == ((), (), 0)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000))
def test_whatever_is_asked_the_answer_is_sound(seed):
    rng = np.random.default_rng(seed)
    jobs = []
    for k in range(int(rng.integers(1, 14))):
        early = float(rng.uniform(0, 2.5))
        jobs.append(
            a_job(
                f"j{k}", *rng.uniform(-1800, 1800, (int(rng.integers(1, 3)), 2)),
                earliest=NOW + early * HOURS,
                latest=NOW + (early + float(rng.uniform(0.05, 2))) * HOURS,
                worth_s=None if rng.random() < 0.5 else float(rng.uniform(60, 2000)),
            )
        )  # fmt: skip
    zones = tuple(
        closed(
            east=float(rng.uniform(-900, 900)), north=float(rng.uniform(-900, 900)),
            half=float(rng.uniform(20, 150)), zone_id=f"z{k}",
        )
        for k in range(2)
    )  # fmt: skip
    order = an_order([a_drone("d1"), a_drone("d2", endurance_s=700.0), a_car()], jobs, zones=zones)
    plan = planned(order, Effort(25))
    done = [s.job_id for r in plan.routes for t in r.trips for s in t.stops]
    told = [one.job_id for one in plan.unserved]
    assert sorted([*done, *told]) == sorted(job.job_id for job in jobs)
    by_id = {job.job_id: job for job in jobs}
    for route in plan.routes:
        for trip in route.trips:
            assert order.start <= trip.departs_at < trip.returns_at <= order.end
            for stop in trip.stops:
                job = by_id[stop.job_id]
                assert job.earliest <= stop.begins_at <= job.latest + timedelta(seconds=1e-3)
            if route.asset_id == "car":
                continue
            assert trip.plan is not None
            assert not [f for f in trip.findings if f.severity is Severity.ERROR]
            line = LineString([AT.to_en1_m(*place) for place in trip.line])
            for zone in zones:
                assert line.distance(zone.to_local(AT)) > 4.0
