"""Who goes to an event: rule by rule, and against a brute-force oracle on small cases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from shapely import LineString, Point, box

from core.ids import AssetId, ZoneId
from core.recurrence import Recurrence
from geo.positions import Altitude, Datum
from geo.road_graph import Drive
from geo.zones import Purpose, ZoneKind, to_geographic
from missions.circumstances import Circumstances
from missions.dispatching.dispatch import decide
from missions.dispatching.judge import NoRoads
from missions.energy import EnergyModel
from missions.events import (
    Activity,
    DispatchPolicy,
    Event,
    Reason,
    Responder,
    Task,
    TaskOutcome,
)
from missions.model import AssetKind, ItemKind, RallyPoint, Severity
from missions.permissions import Permission
from missions.weather import Weather
from tests.builders import AT, GROUND, NOW, a_place, a_square, a_zone, after, an_asset

POLICY = DispatchPolicy()
KEPT = DispatchPolicy(rally_on_way=False)


def an_event(east=400.0, north=0.0, **changes):
    place = a_place(east, north)
    values = {
        "event_id": "event-1", "kind": "sos", "lat_deg": place.lat_deg, "lon_deg": place.lon_deg,
        "at": NOW, "stay_s": 60.0, **changes,
    }  # fmt: skip
    return Event(**values)


def a_drone(name="drone-1", east=0.0, north=0.0, *, at=None, **changes):
    """A drone at home, or in the air where `at` says."""
    own = {k: changes.pop(k) for k in list(changes) if k in {"energy", "endurance_s", "camera",
           "passive", "wind_most_m_s", "coldest_c", "cruise_m_s"}}  # fmt: skip
    home = replace(a_place(east, north), altitude=GROUND)
    asset = an_asset(asset_id=AssetId(name), home=home, **own)
    place = a_place(*(at or (east, north)))
    values = {"up_m": 60.0 if at else 0.0, "battery_fraction": 1.0, "crewed": True, **changes}
    return Responder(asset, place.lat_deg, place.lon_deg, **values)


def a_car(name="car-1", east=0.0, north=0.0, **changes):
    home = replace(a_place(east, north), altitude=GROUND)
    asset = an_asset(
        asset_id=AssetId(name), kind=AssetKind.VEHICLE, cruise_m_s=10.0, home=home,
        endurance_s=20_000.0, passive=changes.pop("passive", False),
    )  # fmt: skip
    place = a_place(east, north)
    return Responder(asset, place.lat_deg, place.lon_deg, **{"crewed": True, **changes})


def a_ban(east=200.0, north=0.0, half=50.0, **changes):
    values = {
        "zone_id": ZoneId(f"ban-{east:.0f}-{north:.0f}"), "name": "ban", "rules": (),
        "purposes": frozenset({Purpose.FLIGHT}), "kind": ZoneKind.EXCLUSION,
        "area": a_square(east, north, half), **changes,
    }  # fmt: skip
    return a_zone(**values)


def a_city(half=2_000.0, **changes):
    return a_zone(
        zone_id=ZoneId("city"), name="city", rules=(), purposes=frozenset({Purpose.FLIGHT}),
        area=a_square(0, 0, half), **changes,
    )  # fmt: skip


def named(decision):
    return {candidate.asset_id: candidate for candidate in decision.candidates}


def chosen_of(decision):
    return None if decision.chosen is None else decision.chosen.asset_id


def test_the_nearer_by_time_goes_and_the_other_is_told_why_not():
    decision = decide(an_event(), [a_drone("far", -800), a_drone("near")], [a_city()])
    assert chosen_of(decision) == "near"
    near, far = decision.candidates
    # 15 s to launch, 24 s up, 400 m at 7 m/s
    assert near.travel_s == pytest.approx(15 + 60 / 2.5 + 400 / 7, abs=0.2)
    assert near.arrives_at == NOW + timedelta(seconds=near.travel_s)
    assert far.feasible is None
    assert far.reason is Reason.NOT_QUICKER
    assert "at least" in far.why
    assert "far not" in decision.explanation


def test_asked_thoroughly_everybody_is_judged_to_the_end():
    decision = decide(an_event(), [a_drone("far", -800), a_drone("near")], thorough=True)
    far = named(decision)["far"]
    assert far.feasible is True
    assert far.reason is Reason.SLOWER
    assert f"{far.travel_s - decision.chosen.travel_s:.0f} s after near" in far.why


@pytest.mark.parametrize(
    ("responder", "reason"),
    [
        (a_drone(passive=True), Reason.PASSIVE),
        (a_car(passive=True), Reason.PASSIVE),
        (a_drone(activity=Activity.GROUNDED), Reason.GROUNDED),
        (a_drone(crewed=False), Reason.NO_CREW),
        (a_drone(task=Task("other alarm", 100)), Reason.BUSY),
        (a_drone(cameras=frozenset({"thermal"})), Reason.NO_CAMERA),
        (a_drone(wind_most_m_s=6.0), Reason.WEATHER),
        (a_drone(coldest_c=-3.0), Reason.WEATHER),
        (a_drone(battery_fraction=0.05), Reason.ENERGY),
        (a_drone(energy=EnergyModel(), battery_fraction=0.3), Reason.ENERGY),
    ],
)
def test_who_may_not_or_can_not_go_stays_and_the_reason_is_typed(responder, reason):
    weather = Weather(NOW, wind_m_s=7.0, wind_from_deg=0.0, temperature_c=-5.0)
    decision = decide(
        an_event(camera="colour"), [responder], circumstances=Circumstances(weather=weather)
    )
    assert decision.chosen is None
    (candidate,) = decision.candidates
    assert candidate.feasible is False
    assert candidate.reason is reason
    assert candidate.why
    assert candidate.why in decision.explanation


def test_a_passive_asset_at_the_place_itself_is_not_sent():
    decision = decide(an_event(), [a_car("ambulance", 400, passive=True), a_car("car-1", -900)])
    assert chosen_of(decision) == "car-1"


def test_a_coarse_camera_is_no_help():
    seen = {"resolution_m_per_px": 0.01, "camera": "any"}
    (candidate,) = decide(an_event(**seen), [a_drone()]).candidates
    assert candidate.reason is Reason.NO_CAMERA
    assert chosen_of(decide(an_event(**{**seen, "resolution_m_per_px": 0.1}), [a_drone()]))


def test_a_task_of_lower_priority_is_left_one_of_the_same_is_not():
    busy = a_drone(at=(300, 0), activity=Activity.UNDERWAY, task=Task("round", 99))
    assert chosen_of(decide(an_event(priority=100), [busy])) == "drone-1"
    assert chosen_of(decide(an_event(priority=99), [busy])) is None


def test_of_two_that_are_equal_the_free_one_goes_then_the_first_by_name():
    pair = [a_drone("b", 0, 100), a_drone("a", 0, -100)]
    decision = decide(an_event(), pair, thorough=True)
    assert chosen_of(decision) == "a"
    assert "order of names" in named(decision)["b"].why
    pair[1] = replace(pair[1], task=Task("round"))
    decision = decide(an_event(), pair, thorough=True)
    assert chosen_of(decision) == "b"
    assert "would leave round" in named(decision)["a"].why


def test_the_order_of_the_fleet_means_nothing():
    fleet = [a_drone(f"d{n}", 100.0 * n, -60.0 * n) for n in range(4)] + [a_car("c", 700)]
    one, other = decide(an_event(), fleet), decide(an_event(), fleet[::-1])
    assert one.chosen == other.chosen
    assert one.explanation == other.explanation


def test_leaving_a_task_can_be_made_dearer():
    fleet = [
        a_drone("flying", at=(250, 0), activity=Activity.UNDERWAY, task=Task("round")),
        a_drone("free", 300),
    ]
    assert chosen_of(decide(an_event(), fleet)) == "flying"
    dearer = replace(POLICY, leave_task_s=60.0)
    assert chosen_of(decide(an_event(), fleet, policy=dearer)) == "free"


# --- zones ---


def test_a_drone_goes_around_a_closed_zone_where_it_may_land_on_the_way():
    zones = [a_city(), a_ban()]
    decision = decide(an_event(), [a_drone()], zones)
    chosen = decision.chosen
    assert chosen is not None
    line = LineString([AT.to_en1_m(*place) for place in chosen.route])
    assert line.length > 400
    assert line.distance(a_local_ban()) >= 2.0 + POLICY.margin_m - 0.1
    assert all(f.severity is not Severity.ERROR for f in chosen.findings)
    assert chosen.plan.rally
    assert any("look at them" in note for note in decision.notes)


def test_without_a_place_to_land_the_same_way_is_not_safe_and_nobody_goes():
    decision = decide(an_event(), [a_drone()], [a_city(), a_ban()], policy=KEPT)
    (candidate,) = decision.candidates
    assert candidate.reason is Reason.UNSAFE
    assert "emergency_way_blocked" in candidate.why
    assert any(f.severity is Severity.ERROR for f in candidate.findings)


def test_a_rally_point_that_somebody_keeps_makes_it_safe():
    rally = [RallyPoint(a_place(e, n, 0.0)) for e in (143.0, 257.0) for n in (-62.0, 62.0)]
    decision = decide(an_event(), [a_drone()], [a_city(), a_ban()], rally=rally, policy=KEPT)
    assert chosen_of(decision) == "drone-1"
    assert set(decision.chosen.plan.rally) <= set(rally)


def a_local_ban():
    return box(150, -50, 250, 50)


def test_a_drone_flies_over_a_zone_that_ends_where_that_is_quicker():
    low = a_ban(half=150.0, ceiling=Altitude(70.0, Datum.GROUND))
    chosen = decide(an_event(), [a_drone()], [a_city(), low]).chosen
    assert chosen.up_m > 70.0
    assert len(chosen.route) == 2
    flat = a_city(ceiling=Altitude(65.0, Datum.GROUND))
    chosen = decide(an_event(), [a_drone()], [flat, low]).chosen
    assert chosen.up_m < 65.0
    assert len(chosen.route) > 2


def test_a_place_that_is_closed_is_looked_at_from_beside_it():
    chosen = decide(an_event(170, 0), [a_drone()], [a_city(), a_ban()]).chosen
    east, north = AT.to_en1_m(*chosen.route[-1])
    assert not a_local_ban().buffer(4.0).contains(Point(east, north))
    stay = [item for item in chosen.plan.mission.items if item.kind is ItemKind.LOITER]
    assert stay[0].look_at == (an_event(170, 0).lat_deg, an_event(170, 0).lon_deg)
    deep = decide(an_event(0, 0), [a_drone(east=-900)], [a_city(), a_ban(0, 0, 300.0)])
    assert deep.candidates[0].reason is Reason.ZONES


def test_a_car_does_not_mind_flight_zones():
    assert chosen_of(decide(an_event(), [a_car()], [a_ban(400, 0, 100.0)])) == "car-1"


def test_zones_that_are_not_in_force_or_not_for_flight_change_nothing():
    tomorrow = Recurrence(after(days=1), timedelta(hours=1))
    open_now = [
        a_ban(windows=(tomorrow,)), a_ban(210, active=False),
        a_ban(220, purposes=frozenset({Purpose.WATCH})),
    ]  # fmt: skip
    straight = decide(an_event(), [a_drone()], [a_city(), *open_now]).chosen
    assert len(straight.route) == 2
    soon = Recurrence(after(minutes=1), timedelta(hours=1))
    around = decide(an_event(), [a_drone()], [a_city(), a_ban(windows=(soon,))]).chosen
    assert len(around.route) > 2


def test_a_drone_in_the_air_gets_a_plan_that_is_proven_from_its_home_on():
    flying = a_drone(at=(200, 150), activity=Activity.UNDERWAY, task=Task("round"))
    chosen = decide(an_event(), [flying], [a_city()]).chosen
    items = chosen.plan.mission.items
    assert items[0].kind is ItemKind.TAKEOFF
    first = items[chosen.first_item].position
    assert AT.to_en1_m(first.lat_deg, first.lon_deg) == pytest.approx((200, 150), abs=0.1)
    assert items[chosen.first_item + 1].kind is ItemKind.LOITER
    assert chosen.travel_s == pytest.approx(250 / 7, abs=0.2)


# --- leave, weather ---


def test_without_a_permission_that_holds_there_no_drone_goes():
    area = a_square(0, 0, 2_000)
    leave = Permission("7/26", "authority", area, after(hours=-1), after(hours=2))
    there = Circumstances(permissions=(leave,))
    chosen = decide(an_event(), [a_drone()], [a_city()], circumstances=there).chosen
    assert chosen.plan.permission == "7/26"
    for broken in (
        replace(leave, valid_until=after(minutes=-1)),
        replace(leave, area=a_square(-1_500, 0, 500)),
        replace(leave, asset_ids=(AssetId("other"),)),
    ):
        refused = decide(
            an_event(), [a_drone()], [a_city()], circumstances=Circumstances(permissions=(broken,))
        )
        assert refused.candidates[0].reason is Reason.PERMISSION
    none = decide(an_event(), [a_drone()], circumstances=Circumstances(permissions=()))
    assert none.candidates[0].reason is Reason.PERMISSION
    unsaid = decide(an_event(), [a_drone()], [a_city()])
    assert unsaid.chosen is not None
    assert any("permission" in note for note in unsaid.notes)


def test_wind_slows_a_drone_down_only_where_its_air_speed_is_not_enough():
    def seconds(wind_m_s, **changes):
        weather = Weather(NOW, wind_m_s=wind_m_s, wind_from_deg=90.0, temperature_c=10.0)
        drone = a_drone(wind_most_m_s=20.0, **changes)
        return decide(an_event(), [drone], circumstances=Circumstances(weather=weather)).chosen

    still = seconds(0.0).travel_s
    assert seconds(8.0).travel_s == pytest.approx(still)
    weak = EnergyModel(greatest_air_speed_m_s=10.0)
    slowed = seconds(8.0, energy=weak)
    assert slowed.travel_s == pytest.approx(still + 400 / 2 - 400 / 7, abs=1.0)


def test_energy_is_reckoned_to_go_stay_and_come_back():
    model = EnergyModel()
    chosen = decide(an_event(), [a_drone(energy=model)], [a_city()]).chosen
    need = chosen.energy
    assert need.unit == "Wh"
    assert need.stay == pytest.approx(62.5 * 180 / 3600)
    assert need.have == pytest.approx(90 * 0.8)
    assert decide(an_event(), [a_drone(energy=model, battery_fraction=0.5)]).chosen.energy.have == (
        pytest.approx(90 * 0.3)
    )


def test_a_way_around_zones_counts_with_its_whole_length():
    wall = a_ban(area=to_geographic(box(180, -120, 220, 120), AT))
    straight = decide(an_event(), [a_drone()], [a_city()]).chosen.energy.total
    around = decide(an_event(), [a_drone()], [a_city(), wall]).chosen.energy.total
    between = (straight + around) / 2 / a_drone().asset.endurance_s
    tired = a_drone(battery_fraction=between)
    assert decide(an_event(), [tired], [a_city()]).chosen is not None
    (candidate,) = decide(an_event(), [tired], [a_city(), wall]).candidates
    assert candidate.reason is Reason.ENERGY


# --- roads ---


class Roads:
    """Every car needs so long."""

    def __init__(self, seconds):
        self.seconds = seconds

    def seconds_from(self, lat_deg, lon_deg):
        return self.seconds

    def way_from(self, lat_deg, lon_deg):
        event = an_event()
        return Drive(self.seconds, 777.0, ((lat_deg, lon_deg), (event.lat_deg, event.lon_deg)))


def test_a_car_takes_what_the_roads_take():
    fleet = [a_drone("drone", -100), a_car("car", 390)]
    quick = decide(an_event(), fleet, roads=Roads(50.0))
    assert chosen_of(quick) == "car"
    assert quick.chosen.travel_s == 50.0
    assert "777 m by road" in quick.chosen.why
    assert chosen_of(decide(an_event(), fleet, roads=Roads(500.0))) == "drone"


def test_where_no_road_leads_no_car_goes_and_without_roads_the_straight_way_is_stretched():
    assert decide(an_event(), [a_car()], roads=NoRoads()).candidates[0].reason is Reason.NO_ROAD
    straight = decide(an_event(), [a_car()])
    assert straight.chosen.travel_s == pytest.approx(400 * 1.4 / 10, abs=0.1)
    assert any("no roads are loaded" in note for note in straight.notes)


# --- what becomes of the task ---


def left(fleet, event=None, **policy):
    decision = decide(event or an_event(), fleet, [a_city()], policy=replace(POLICY, **policy))
    return decision.left_task


def a_patroller(**task):
    values = {"left_s": 100.0, **task}
    return a_drone("p", at=(300, 0), activity=Activity.UNDERWAY, task=Task("round", **values))


def test_a_task_is_resumed_straight_after_if_the_battery_carries_both():
    outcome = left([a_patroller(), a_drone("other", -300)])
    assert outcome.outcome is TaskOutcome.RESUMED
    assert outcome.by == "p"
    # 100 m there, 60 s stay, 100 m back
    assert outcome.resumes_at == after(pytest.approx(200 / 7 + 60, abs=0.5).expected)


def test_else_it_goes_to_whoever_is_there_first():
    tired = replace(a_patroller(left_s=900.0), battery_fraction=0.5)
    assert left([tired, a_drone("other", -300)]).outcome is TaskOutcome.REASSIGNED
    assert left([tired, a_drone("other", -300)]).by == "other"
    alone = left([tired])
    assert alone.outcome is TaskOutcome.RESUMED_LATER
    assert alone.by == "p"
    unfit = [
        a_drone("other", crewed=False),
        a_drone("low", battery_fraction=0.1),
        a_car("car", -900),
    ]
    assert left([tired, *unfit]).by == "p"


def test_else_it_is_dropped_with_the_reason():
    late = replace(a_patroller(left_s=900.0, until=after(400)), battery_fraction=0.5)
    outcome = left([late])
    assert outcome.outcome is TaskOutcome.DROPPED
    assert "too late to be of use" in outcome.why
    slow = replace(a_patroller(left_s=900.0), battery_fraction=0.5)
    assert left([slow], resume_within_s=60.0).outcome is TaskOutcome.DROPPED


def test_who_leaves_nothing_leaves_nothing():
    assert left([a_drone()]) is None


def test_nobody_at_all_is_said():
    decision = decide(an_event(), [])
    assert decision.chosen is None
    assert decision.explanation == "nobody can go: no asset"
