import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from core.errors import PlanUnreadable
from core.ids import AssetId, ZoneId
from geo.circles import circle_area
from geo.positions import Altitude, Datum, Position
from geo.zones import Circle, Purpose, Zone, ZoneKind
from missions.formats.losses import LOSS_CODES, moved
from missions.formats.plan_file import (
    fence_rings,
    load_plan,
    mission_items,
    read_plan,
    save_plan,
    simple_items,
    write_plan,
)
from missions.model import ItemKind, Mission, MissionItem, Plan, RallyPoint, Severity
from tests.builders import AT, a_mission, a_place, a_plan, a_square
from tests.missions.flying import a_fence

DRONE = AssetId("drone-1")

metres = st.floats(-50, 500)
positions = st.builds(
    Position,
    st.floats(1, 80) | st.floats(-80, -1),
    st.floats(-179, 179),
    st.builds(Altitude, metres, st.sampled_from([Datum.HOME, Datum.GEOID])),
)
on_ground = st.builds(
    Position,
    st.floats(1, 80),
    st.floats(-179, 179),
    st.builds(Altitude, metres, st.just(Datum.GROUND)),
)
looks = st.none() | st.tuples(st.floats(1, 80), st.floats(-179, 179))
speeds = st.none() | st.floats(0.5, 20)
pitches = st.none() | st.floats(-90, 30)
triggers = st.none() | st.floats(0, 60)


def item_of(place: st.SearchStrategy[Position]) -> st.SearchStrategy[MissionItem]:
    def build(kind: ItemKind, hold: st.SearchStrategy[float]) -> st.SearchStrategy[MissionItem]:
        round_ = kind is ItemKind.LOITER
        radius = (st.none() | st.floats(1, 200)) if round_ else st.none()
        near = (st.none() | st.floats(0.5, 50)) if kind is ItemKind.WAYPOINT else st.none()
        return st.builds(
            MissionItem, st.just(kind), place, speeds, hold, pitches, radius, looks, triggers, near
        )

    still = st.just(0.0)
    return st.one_of(
        build(ItemKind.TAKEOFF, still),
        build(ItemKind.WAYPOINT, st.floats(0, 60)),
        build(ItemKind.LOITER, st.floats(0, 600)),
        build(ItemKind.LAND, still),
        st.builds(MissionItem, st.just(ItemKind.RETURN), speed_m_s=speeds, look_at=looks),
    )


items = item_of(positions)
ring_zones = st.builds(
    lambda east, north, half, kind, n: a_fence(
        area=a_square(east, north, half), kind=kind, zone_id=ZoneId(f"zone-{n}")
    ),
    st.floats(-500, 500),
    st.floats(-500, 500),
    st.floats(5, 300),
    st.sampled_from(list(ZoneKind)),
    st.integers(0, 99),
)


def a_round_zone(lat: float, lon: float, radius: float, kind: ZoneKind) -> Zone:
    circle = Circle(lat, lon, radius)
    return a_fence(area=circle_area(circle, kind), circle=circle, kind=kind)


round_zones = st.builds(
    a_round_zone,
    st.floats(-80, 80),
    st.floats(-170, 170),
    st.floats(1, 5_000),
    st.sampled_from(list(ZoneKind)),
)
rally_points = st.builds(
    RallyPoint,
    st.builds(
        Position,
        st.floats(-80, 80),
        st.floats(-179, 179),
        st.builds(Altitude, metres, st.just(Datum.HOME)),
    ),
)
homes = st.builds(
    Position,
    st.floats(-80, 80),
    st.floats(-179, 179),
    st.builds(Altitude, metres, st.just(Datum.GEOID)) | st.just(Altitude(0.0, Datum.HOME)),
)


@given(st.lists(items, min_size=1, max_size=8))
def test_steps_mean_the_items_they_came_from(wanted: list[MissionItem]) -> None:
    steps = simple_items(a_mission(items=tuple(wanted)))
    assert mission_items(steps) == tuple(wanted)
    assert [step.item for step in steps] == sorted(step.item for step in steps)


def carried(plan: Plan) -> object:
    """What of a plan the format can carry."""
    return plan.mission.items, plan.home, plan.cruise_m_s, plan.rally


@given(
    st.lists(items | item_of(on_ground), min_size=0, max_size=8).map(tuple),
    homes,
    st.floats(0.5, 30),
    st.lists(ring_zones | round_zones, max_size=4).map(tuple),
    st.lists(rally_points, max_size=3).map(tuple),
)
@settings(max_examples=80, deadline=None)
def test_what_a_plan_file_can_carry_comes_back_the_same(
    wanted: tuple[MissionItem, ...],
    home: Position,
    cruise: float,
    fences: tuple[Zone, ...],
    rally: tuple[RallyPoint, ...],
) -> None:
    plan = Plan(Mission(a_mission().mission_id, wanted), DRONE, home, cruise, fences, rally)
    text, losses = save_plan(plan)
    assert {loss.code for loss in losses} <= {"zone_words_left_out"}
    loaded = load_plan(text, DRONE)
    assert carried(loaded.plan) == carried(plan)
    flat = [zone for zone in fences if zone.circle is None]
    ring = [zone for zone in fences if zone.circle is not None]
    came = [zone for zone in loaded.plan.fences if zone.circle is None]
    assert fence_rings(came) == fence_rings(flat)
    assert [(z.circle, z.kind) for z in loaded.plan.fences if z.circle is not None] == [
        (z.circle, z.kind) for z in ring
    ]
    assert save_plan(loaded.plan)[0] == text
    assert not moved(loaded.losses)


def codes_of(plan: Plan) -> dict[str, Severity]:
    return {loss.code: loss.severity for loss in save_plan(plan)[1]}


def test_what_a_plan_file_can_not_carry_is_named() -> None:
    assert codes_of(Plan(a_mission(), DRONE, a_plan().home, 7.0)) == {}
    found = codes_of(replace(a_plan(), permission="KZ-7"))
    assert found["return_height_left_out"] is Severity.INFO  # under our own key: test_plan_own
    assert found["permission_left_out"] is Severity.INFO
    assert found["record_left_out"] is Severity.INFO
    assert found.keys() <= LOSS_CODES.keys()


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"ceiling": Altitude(80.0, Datum.HOME)}, "height_limit_left_out", Severity.ERROR),
        (
            {"ceiling": Altitude(80.0, Datum.HOME), "kind": ZoneKind.EXCLUSION},
            "height_limit_left_out",
            Severity.WARNING,
        ),
        (
            {"floor": Altitude(80.0, Datum.HOME), "kind": ZoneKind.EXCLUSION},
            "fence_changed",
            Severity.ERROR,
        ),
        ({"purposes": frozenset({Purpose.WATCH})}, "fence_changed", Severity.ERROR),
        ({"active": False}, "fence_changed", Severity.ERROR),
        (
            {
                "area": a_square(0, 0, 100).difference(a_square(0, 0, 20)),
                "kind": ZoneKind.EXCLUSION,
            },
            "fence_changed",
            Severity.WARNING,
        ),
    ],
)
def test_a_limit_that_no_ring_has_is_a_loss(
    changes: dict[str, object], code: str, severity: Severity
) -> None:
    plan = replace(a_plan(), fences=(a_fence(**changes),))
    assert codes_of(plan)[code] is severity


def test_a_hold_at_the_take_off_is_no_pitch_of_the_nose() -> None:
    held = MissionItem(ItemKind.TAKEOFF, a_place(), hold_s=15.0)
    (step,) = simple_items(a_mission(items=(held,)))
    assert step.params[0] == 0.0  # PX4 reads it as a pitch
    assert codes_of(a_plan(mission=a_mission(items=(held,))))["setting_left_out"]


def test_a_hole_of_an_inclusion_is_an_exclusion_and_one_of_an_exclusion_is_closed() -> None:
    holed = a_square(0, 0, 100).difference(a_square(0, 0, 20))
    rings = fence_rings([a_fence(area=holed)])
    assert [(inclusion, len(ring)) for inclusion, ring in rings] == [(True, 4), (False, 4)]
    rings = fence_rings([a_fence(area=holed, kind=ZoneKind.EXCLUSION)])
    assert [inclusion for inclusion, _ in rings] == [False]


def test_an_exclusion_with_a_floor_is_not_carried_because_a_ring_has_no_height() -> None:
    above = a_fence(kind=ZoneKind.EXCLUSION, floor=Altitude(80.0, Datum.HOME))
    assert fence_rings([above]) == ()
    circle = replace(above, circle=Circle(50.9754, 71.3549, 50.0))
    assert not json.loads(write_plan(a_plan(fences=(circle,))))["geoFence"]["circles"]


def test_a_circle_is_kept_on_the_safe_side() -> None:
    document = json.loads(write_plan(a_plan()))
    circle = {"circle": {"center": [50.9754, 71.3549], "radius": 100.0}, "version": 1}
    document["geoFence"]["circles"] = [
        {**circle, "inclusion": True},
        {**circle, "inclusion": False},
    ]
    inside, outside = read_plan(json.dumps(document), DRONE).fences
    for zone, farthest, nearest in ((inside, 100.001, 99.0), (outside, 101.0, 99.999)):
        assert zone.circle == Circle(50.9754, 71.3549, 100.0)
        local = zone.to_local(AT)
        assert isinstance(local, Polygon)
        reach = [math.hypot(*corner) for corner in local.exterior.coords]
        assert max(reach) <= farthest
        assert local.exterior.distance(local.centroid) >= nearest


def broken(change: str) -> str:
    document = json.loads(write_plan(a_plan()))
    exec(change, {"d": document})  # each case is one assignment to the document
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "line 1"),
        ("[]", "fileType"),
        ("{}", "fileType"),
        ("[" * 100_000, "not readable as JSON"),
        ('{"fileType": "Plan", "version": NaN}', "NaN"),
        (write_plan(a_plan())[:-40], "cut short"),
        (broken("d['version'] = 2"), "version"),
        (broken("d['mission']['version'] = 3"), "mission version"),
        (broken("d['mission'] = {}"), "no mission"),
        (broken("d['mission'] = []"), "no mission"),
        (broken("d['mission'] = 7"), "not an object"),
        (broken("del d['mission']['items']"), "items"),
        (broken("d['mission']['items'] = {}"), "not a list"),
        (broken("d['mission']['items'][1] = 5"), "item 1"),
        (
            broken("d['mission']['items'][1] = {'type': 'ComplexItem', 'complexItemType': 'x'}"),
            "'x' item",
        ),
        (broken("d['mission']['items'][0]['command'] = 25"), r"NAV_FOLLOW \(25\)"),
        (broken("d['mission']['items'][0]['command'] = 31999"), r"command \(31999\)"),
        (broken("d['mission']['items'][0]['command'] = 16.5"), "whole number"),
        (broken("d['mission']['items'][0]['command'] = None"), "item 0"),
        (broken("d['mission']['items'][0]['frame'] = 1"), "frame 1"),
        (broken("d['mission']['items'][0]['params'] = [0]"), "seven"),
        (broken("d['mission']['items'][0]['params'][0] = 'a'"), "a parameter"),
        (broken("d['mission']['items'][0]['params'][0] = 10 ** 400"), "huge"),
        (broken("d['mission']['items'][0]['params'][4] = 400"), "no place on Earth"),
        (broken("d['mission']['plannedHomePosition'] = [100, 500]"), "plannedHomePosition"),
        (broken("d['mission']['plannedHomePosition'] = 'home'"), "plannedHomePosition"),
        (broken("d['geoFence'] = {'version': 3, 'polygon': []}"), "geofence version"),
        (broken("d['rallyPoints'] = {'version': 3}"), "rally point version"),
        (broken("d['geoFence']['polygons'] = [{'polygon': [[50, 71]]}]"), "three corners"),
        (
            broken("d['geoFence']['circles'] = [{'circle': {'center': [50, 71], 'radius': -1}}]"),
            "radius",
        ),
        (
            broken(
                "d['geoFence']['polygons'] = [{'inclusion': True,"
                " 'polygon': [[50, 71], [51, 72], [51, 71], [50, 72]]}]"
            ),
            "border is not valid",
        ),
    ],
)
def test_what_is_no_plan_or_moves_in_an_unknown_way_is_refused_by_name(
    text: str, names: str
) -> None:
    with pytest.raises(PlanUnreadable, match=names) as caught:
        read_plan(text, DRONE, where="patrol.plan")
    assert caught.value.cure
    assert "patrol.plan" in str(caught.value)


def test_a_height_that_no_vehicle_or_file_carries_is_refused() -> None:
    ground = replace(a_place(), altitude=Altitude(20.0, Datum.GROUND))
    plan = a_plan(mission=a_mission(items=(MissionItem(ItemKind.WAYPOINT, ground),)))
    with pytest.raises(PlanUnreadable, match="ground"):  # PX4 refuses the terrain frame
        simple_items(plan.mission)
    assert read_plan(write_plan(plan), DRONE).mission.items == plan.mission.items
    round_earth = replace(a_place(), altitude=Altitude(20.0, Datum.ELLIPSOID))
    plan = a_plan(mission=a_mission(items=(MissionItem(ItemKind.WAYPOINT, round_earth),)))
    with pytest.raises(PlanUnreadable, match="ellipsoid"):
        write_plan(plan)


def test_a_camera_lets_go_of_a_place_before_it_is_given_a_pitch() -> None:
    looking = MissionItem(ItemKind.WAYPOINT, a_place(), look_at=(50.98, 71.36))
    on = MissionItem(ItemKind.WAYPOINT, a_place(10, 0))
    pitched = MissionItem(ItemKind.WAYPOINT, a_place(20, 0), camera_pitch_deg=-60.0)
    steps = simple_items(a_mission(items=(looking, on, pitched, pitched)))
    assert [step.command for step in steps] == [195, 16, 16, 197, 205, 16, 205, 16]
