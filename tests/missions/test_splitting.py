from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import union_all

from core.ids import AssetId
from geo.positions import Altitude, Datum
from geo.zones import Zone, to_local
from missions.circumstances import Circumstances
from missions.endurance import endurance_of
from missions.energy import EnergyModel
from missions.model import Asset, Pattern, Severity
from missions.planning.patterns import corridor_area
from missions.planning.planner import plan_patrol
from missions.planning.seen_ground import seen_along
from missions.planning.splitting import Split, split_patrol
from missions.proving.checks import check_plan
from missions.weather import Weather
from tests.builders import AT, NOW, a_mount, a_patrol, a_place, an_asset
from tests.missions.flying import a_car, a_fence
from tests.missions.test_planner import a_watch, closed

FROST = Weather(NOW, 4.0, 250.0, temperature_c=-20.0)
CITY = a_fence(700.0)
PATROL = a_patrol(zone_ids=(), altitude=Altitude(50.0, Datum.HOME))


def a_drone(name: str = "drone-1", **changes: Any) -> Asset:
    values = {
        "asset_id": AssetId(name), "energy": EnergyModel(), "coldest_c": -30.0,
        "camera": a_mount(pitch_deg=-75.0), **changes,
    }  # fmt: skip
    return an_asset(**values)


def seen_of(split: Split, assets: list[Asset]) -> Any:
    mounts = {asset.asset_id: asset.camera for asset in assets}
    shapes = []
    for sortie in split.sorties:
        mount = mounts[sortie.asset_id]
        assert mount is not None
        shapes.append(seen_along(sortie.plan, mount))
    return union_all(shapes)


def assert_flyable(split: Split, assets: list[Asset], weather: Weather | None) -> None:
    by_id = {asset.asset_id: asset for asset in assets}
    ready = dict.fromkeys(by_id, 0.0)
    for sortie in split.sorties:
        asset = by_id[sortie.asset_id]
        assert endurance_of(sortie.plan, asset, weather) == sortie.endurance
        assert sortie.endurance.fits
        found = check_plan(sortie.plan, asset, Circumstances(weather=weather))
        assert [f.code for f in found if f.severity is Severity.ERROR] == []
        assert sortie.starts_s >= ready[sortie.asset_id] - 1e-6
        swap = asset.energy.swap_s if asset.energy else 180.0
        ready[sortie.asset_id] = sortie.starts_s + sortie.endurance.seconds + swap
    if split.sorties:
        ends = [s.starts_s + s.endurance.seconds for s in split.sorties]
        assert split.seconds == pytest.approx(max(ends))


def test_a_small_area_is_one_sortie() -> None:
    zone = a_watch((50, 50), (150, 50), (150, 120), (50, 120))
    split = split_patrol(PATROL, [zone], [CITY], [a_drone()], weather=FROST)
    assert len(split.sorties) == 1
    assert split.sorties[0].starts_s == 0
    assert split.left_out == ()
    assert split_patrol(PATROL, [zone], [CITY], [a_car()], weather=FROST).sorties == ()
    passive = a_drone(passive=True)
    assert split_patrol(PATROL, [zone], [CITY], [passive], weather=FROST).sorties == ()


@pytest.mark.slow
def test_cold_and_wind_take_more_sorties_and_swaps_take_time() -> None:
    small = a_drone(energy=EnergyModel(capacity_wh=65.0))
    zone = a_watch((-250, 50), (250, 50), (250, 350), (-250, 350))
    warm = split_patrol(PATROL, [zone], [CITY], [small], weather=None)
    storm = Weather(NOW, 4.0, 0.0, temperature_c=-30.0)
    cold = split_patrol(PATROL, [zone], [CITY], [small], weather=storm)
    assert 1 < len(warm.sorties) < len(cold.sorties)
    assert_flyable(cold, [small], storm)
    seconds = [s.endurance.seconds for s in cold.sorties]
    assert max(seconds) < 1.6 * min(seconds)  # whole lanes only
    assert cold.seconds == pytest.approx(sum(seconds) + 180 * (len(seconds) - 1))
    home = replace(a_place(150, 0), altitude=small.home.altitude)
    two = [small, replace(small, asset_id=AssetId("drone-2"), home=home)]
    both = split_patrol(PATROL, [zone], [CITY], two, weather=storm)
    assert_flyable(both, two, storm)
    assert {s.asset_id for s in both.sorties} == {"drone-1", "drone-2"}
    assert both.seconds < 0.7 * cold.seconds


def test_without_a_known_battery_the_endurance_is_the_measure() -> None:
    zone = a_watch((-200, 50), (200, 50), (200, 200), (-200, 200))
    drone = a_drone(energy=None, endurance_s=230.0)
    split = split_patrol(PATROL, [zone], [CITY], [drone])
    assert len(split.sorties) > 1
    assert all(s.endurance.seconds <= 230 for s in split.sorties)
    assert_flyable(split, [drone], None)


def test_what_nobody_can_reach_is_left_out() -> None:
    far = a_watch((-60, 560), (60, 560), (60, 640), (-60, 640))
    drone = a_drone(energy=None, endurance_s=120.0)
    split = split_patrol(PATROL, [far], [CITY], [drone])
    assert split.sorties == ()
    assert split.left_out
    lat, lon = split.left_out[0].place
    assert AT.to_en1_m(lat, lon)[1] > 500


def test_a_corridor_and_a_look_list_are_split() -> None:
    drone = a_drone(energy=None, endurance_s=330.0)
    route = tuple(AT.to_geo1_deg(e, n) for e, n in ((-600, 100), (0, 150), (600, 100)))
    road = replace(PATROL, pattern=Pattern.CORRIDOR, route=route, width_m=30.0)
    split = split_patrol(road, [], [CITY], [drone])
    assert len(split.sorties) >= 2
    assert_flyable(split, [drone], None)
    assert drone.camera is not None
    whole = seen_along(plan_patrol(road, [], [CITY], drone), drone.camera)
    strip = corridor_area([AT.to_en1_m(lat, lon) for lat, lon in route], 30.0)
    strip_left = whole.intersection(strip).difference(seen_of(split, [drone]))
    assert strip_left.area < 0.005 * strip.area
    places = tuple(AT.to_geo1_deg(e, n) for e in (-400, 0, 400) for n in (150, 300, 450))
    look = replace(PATROL, pattern=Pattern.PLACES, places=places, stay_s=20.0)
    listed = split_patrol(look, [], [CITY], [drone])
    assert len(listed.sorties) >= 2
    assert_flyable(listed, [drone], None)
    seen = [i.look_at for s in listed.sorties for i in s.plan.mission.items if i.hold_s > 0]
    assert sorted(round(a, 7) for a, _ in seen if a) == sorted(round(a, 7) for a, _ in places)


@given(
    st.tuples(st.floats(-350, -50), st.floats(60, 200)),
    st.tuples(st.floats(50, 350), st.floats(300, 500)),
    st.floats(0.2, 0.8),
    st.floats(300, 700),
    st.integers(1, 2),
    st.booleans(),
)
@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_sorties_see_what_one_would_and_each_fits(
    low: tuple[float, float],
    high: tuple[float, float],
    notch: float,
    endurance_s: float,
    count: int,
    block: bool,
) -> None:
    (w, s), (e, n) = low, high
    middle = (w + notch * (e - w), s + 0.4 * (n - s))
    zone: Zone = a_watch((w, s), (e, s), (e, n), middle, (w, n))
    fences = [CITY, closed(0.0, 60.0, 20.0)] if block else [CITY]
    drones = [a_drone(f"drone-{k}", energy=None, endurance_s=endurance_s) for k in range(count)]
    split = split_patrol(PATROL, [zone], fences, drones)
    assert_flyable(split, drones, None)
    if split.left_out:  # it is said
        return
    assert drones[0].camera is not None
    wanted = to_local(zone.area, AT)
    alone = seen_along(plan_patrol(PATROL, [zone], fences, drones[0]), drones[0].camera)
    lost = alone.intersection(wanted).difference(seen_of(split, drones))
    assert lost.area < 0.01 * wanted.area
    assert split == split_patrol(PATROL, [zone], fences, drones)
