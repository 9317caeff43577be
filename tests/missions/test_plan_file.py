import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from core.errors import PlanUnreadable
from core.ids import AssetId, ZoneId
from geo.positions import Altitude, Datum, Position
from geo.zones import ZoneKind
from missions.model import ItemKind, Mission, MissionItem, RallyPoint
from missions.plan_file import fence_rings, mission_items, read_plan, simple_items, write_plan
from tests.builders import AT, a_mission, a_place, a_plan, a_square
from tests.missions.flying import a_fence

DRONE = AssetId("drone-1")

positions = st.builds(
    Position,
    st.floats(-80, 80),
    st.floats(-179, 179),
    st.builds(Altitude, st.floats(-50, 500), st.sampled_from([Datum.HOME, Datum.GEOID])),
)
items = st.one_of(
    st.builds(
        MissionItem,
        st.sampled_from([ItemKind.TAKEOFF, ItemKind.WAYPOINT, ItemKind.LOITER, ItemKind.LAND]),
        positions,
        st.none() | st.floats(0.5, 20),
        st.floats(0, 60),
        st.none() | st.floats(-90, 30),
    ),
    st.just(MissionItem(ItemKind.RETURN)),
)


@given(st.lists(items, min_size=1, max_size=8))
def test_steps_mean_the_items_they_came_from(wanted: list[MissionItem]) -> None:
    steps = simple_items(a_mission(items=tuple(wanted)))
    assert mission_items(steps) == tuple(wanted)
    assert [step.item for step in steps] == sorted(step.item for step in steps)


FENCES = (
    a_fence(),
    a_fence(10.0, 60.0, zone_id=ZoneId("fence-2"), kind=ZoneKind.EXCLUSION),
)
RALLY = (RallyPoint(a_place(5, 5, 30)),)
PLAN = a_plan()


@given(st.lists(items, min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_a_plan_file_round_trips(wanted: list[MissionItem]) -> None:
    mission = Mission(PLAN.mission.mission_id, tuple(wanted))
    plan = replace(PLAN, mission=mission, fences=FENCES, rally=RALLY)
    text = write_plan(plan)
    read = read_plan(text, DRONE)
    assert read.mission.items == plan.mission.items
    assert (read.home, read.cruise_m_s, read.rally) == (plan.home, plan.cruise_m_s, plan.rally)
    assert fence_rings(read.fences) == fence_rings(plan.fences)
    assert write_plan(read) == text


def test_a_hole_of_an_inclusion_is_an_exclusion_and_one_of_an_exclusion_is_closed() -> None:
    holed = a_square(0, 0, 100).difference(a_square(0, 0, 20))
    rings = fence_rings([a_fence(area=holed)])
    assert [(inclusion, len(ring)) for inclusion, ring in rings] == [(True, 4), (False, 4)]
    rings = fence_rings([a_fence(area=holed, kind=ZoneKind.EXCLUSION)])
    assert [inclusion for inclusion, _ in rings] == [False]


def test_an_exclusion_with_a_floor_is_not_carried_because_a_ring_has_no_height() -> None:
    above = a_fence(kind=ZoneKind.EXCLUSION, floor=Altitude(80.0, Datum.HOME))
    assert fence_rings([above]) == ()


def test_a_circle_is_kept_on_the_safe_side() -> None:
    document = json.loads(write_plan(a_plan()))
    circle = {"circle": {"center": [50.9754, 71.3549], "radius": 100.0}, "version": 1}
    document["geoFence"]["circles"] = [
        {**circle, "inclusion": True},
        {**circle, "inclusion": False},
    ]
    inside, outside = read_plan(json.dumps(document), DRONE).fences
    for zone, farthest, nearest in ((inside, 100.001, 99.0), (outside, 101.0, 99.999)):
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
        ("", "not a readable plan"),
        ("[]", "fileType"),
        ("{}", "fileType"),
        ("[" * 100_000, "not a readable plan"),
        (broken("d['version'] = 2"), "version"),
        (broken("d['mission']['version'] = 1"), "mission version"),
        (broken("del d['mission']['items']"), "items"),
        (
            broken(
                "d['mission']['items'][1] = {'type': 'ComplexItem', 'complexItemType': 'survey'}"
            ),
            "survey",
        ),
        (broken("d['mission']['items'][0]['command'] = 18"), "command 18"),
        (broken("d['mission']['items'][0]['frame'] = 10"), "frame 10"),
        (broken("d['mission']['items'][0]['params'] = [0]"), "seven"),
        (broken("d['mission']['items'][0]['params'][4] = None"), "place"),
        (broken("d['mission']['items'][0]['params'][4] = 400"), "no place on Earth"),
        (broken("d['geoFence'] = {'version': 1, 'polygon': []}"), "geofence version"),
        (broken("d['rallyPoints'] = {'version': 1}"), "rally point version"),
        (
            broken(
                "d['geoFence']['polygons'] = [{'inclusion': True,"
                " 'polygon': [[50, 71], [51, 72], [51, 71], [50, 72]]}]"
            ),
            "border is not valid",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_name(text: str, names: str) -> None:
    with pytest.raises(PlanUnreadable, match=names) as caught:
        read_plan(text, DRONE, where="patrol.plan")
    assert "patrol.plan" in str(caught.value)


def test_a_height_that_no_mission_carries_is_refused() -> None:
    place = replace(a_place(), altitude=Altitude(20.0, Datum.GROUND))
    plan = a_plan(mission=a_mission(items=(MissionItem(ItemKind.WAYPOINT, place),)))
    with pytest.raises(PlanUnreadable, match="ground"):
        write_plan(plan)
