from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, affinity, box, union_all

from core.recurrence import Recurrence
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum
from geo.zones import Area, Zone, ZoneKind, to_geographic
from missions.fence_translation import CarriedFence, translate_fence
from missions.model import Autopilot, Plan
from tests.builders import NOW, a_plan, a_square, after
from tests.missions.flying import a_fence

PLAN = a_plan()
FRAME = LocalFrame(PLAN.home.lat_deg, PLAN.home.lon_deg)


def planned(*fences: Zone) -> Plan:
    return replace(PLAN, fences=fences)


def codes(carried: CarriedFence) -> set[str]:
    return {loss.code for loss in carried.losses}


def local(zones: CarriedFence, kind: ZoneKind) -> Area:
    return union_all([z.to_local(FRAME) for z in zones.zones if z.kind is kind])  # type: ignore[return-value]


def star(points: int, inner_m: float, outer_m: float, seed: int) -> Polygon:
    chance = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radii = chance.uniform(inner_m, outer_m, points)
    return Polygon(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1))


def test_a_long_border_is_carried_by_its_own_corners() -> None:
    west, south = FRAME.to_geo1_deg(-14_000, -6_000)[::-1]
    east, north = FRAME.to_geo1_deg(14_000, 6_000)[::-1]
    carried = translate_fence(planned(a_fence(area=box(west, south, east, north))), Autopilot.PX4)
    assert codes(carried) == set()
    assert carried.corners <= 5
    assert carried.zones[0].area.hausdorff_distance(box(west, south, east, north)) < 1e-7


@settings(max_examples=40, deadline=None)
@given(
    st.integers(3, 150),
    st.lists(st.tuples(st.integers(3, 60), st.floats(-800, 800), st.floats(-800, 800)), max_size=4),
    st.integers(0, 1000),
    st.sampled_from(Autopilot),
    st.integers(12, 90),
)
def test_an_inclusion_only_shrinks_and_an_exclusion_only_grows(
    corners: int,
    closed: list[tuple[int, float, float]],
    seed: int,
    autopilot: Autopilot,
    budget: int,
) -> None:
    room = star(corners, 900, 1500, seed)
    shapes = [
        affinity.translate(star(count, 30, 120, seed + n), east, north)
        for n, (count, east, north) in enumerate(closed)
    ]
    zones = [a_fence(area=to_geographic(room, FRAME))]
    zones += [a_fence(area=to_geographic(s, FRAME), kind=ZoneKind.EXCLUSION) for s in shapes]
    carried = translate_fence(planned(*zones), autopilot, most_corners=budget)
    inside, outside = local(carried, ZoneKind.INCLUSION), local(carried, ZoneKind.EXCLUSION)
    whole, *bans = (zone.to_local(FRAME) for zone in zones)  # edges are straight in degrees
    assert inside.difference(whole.buffer(0.02)).area == pytest.approx(0, abs=1e-6)
    assert union_all(bans).difference(outside.buffer(0.02)).area == pytest.approx(0, abs=1e-6)
    assert carried.corners <= budget or "too_many" in codes(carried)
    assert all(not z.area.interiors for z in carried.zones)  # type: ignore[union-attr]
    assert all(z.floor is None and z.ceiling is None and not z.windows for z in carried.zones)


def test_a_fence_that_fits_is_carried_as_it_is() -> None:
    carried = translate_fence(planned(a_fence(area=a_square(half_m=300))))
    assert carried.losses == ()
    assert carried.tolerance_m == 0
    assert carried.corners == 4


def test_a_hole_in_an_inclusion_becomes_an_exclusion() -> None:
    holed = a_square(half_m=300).difference(a_square(150, 150, 20))
    carried = translate_fence(planned(a_fence(area=holed)))
    assert [z.kind for z in carried.zones] == [ZoneKind.INCLUSION, ZoneKind.EXCLUSION]


def test_heights_and_times_are_told_and_left_to_the_monitor() -> None:
    low = a_fence(area=a_square(half_m=300), ceiling=Altitude(60, Datum.HOME))
    closed = replace(
        a_fence(area=a_square(250, 250, 20), kind=ZoneKind.EXCLUSION),
        floor=Altitude(10, Datum.HOME),
        windows=(Recurrence(NOW, timedelta(hours=1)),),
    )
    carried = translate_fence(planned(low, closed), departs_at=NOW, until=after(600))
    assert codes(carried) == {"ceiling", "height", "time_window"}
    assert len(carried.zones) == 2
    later = translate_fence(planned(low, closed), departs_at=after(7200), until=after(7800))
    assert codes(later) == {"ceiling", "not_in_force"}
    assert len(later.zones) == 1


def test_an_exclusion_that_is_passed_by_height_would_stop_the_flight_and_is_left_out() -> None:
    item = PLAN.mission.items[1].position
    assert item is not None
    east, north = FRAME.to_en1_m(item.lat_deg, item.lon_deg)
    over = a_fence(
        area=to_geographic(Point(east, north).buffer(15), FRAME),
        kind=ZoneKind.EXCLUSION,
        ceiling=Altitude(5, Datum.HOME),
    )
    carried = translate_fence(planned(a_fence(area=a_square(half_m=900)), over))
    assert codes(carried) == {"passed_by_height"}
    assert [z.kind for z in carried.zones] == [ZoneKind.INCLUSION]


def test_ardupilot_carries_only_the_part_that_holds_home() -> None:
    near, far = a_square(half_m=300), a_square(2000, 0, 300)
    plan = planned(a_fence(area=MultiPolygon([near, far])))
    assert len(translate_fence(plan, Autopilot.PX4).zones) == 2
    carried = translate_fence(plan, Autopilot.ARDUPILOT)
    assert codes(carried) == {"other_part"}
    assert carried.zones[0].contains(plan.home.lat_deg, plan.home.lon_deg)


def test_a_fence_that_would_lose_home_is_unsafe() -> None:
    edge = a_square(half_m=300)
    plan = planned(a_fence(area=to_geographic(star(150, 5, 40, 3), FRAME)))
    carried = translate_fence(plan, most_corners=6)
    assert any(loss.unsafe for loss in carried.losses) or carried.corners <= 6
    away = planned(a_fence(area=a_square(2000, 0, 100)), a_fence(area=edge))
    assert "home_lost" not in codes(translate_fence(away, Autopilot.ARDUPILOT))
    assert "home_lost" in codes(translate_fence(planned(away.fences[0])))
