"""The seeded truth of the demo district."""

import math
from collections import Counter

import pytest

from sim.world import KINDS, SIZES_M, PlacedThing, World, build_world, inside, violators
from sim.world_layout import AreaPurpose, Ring

SEEDS = range(12)


def _depth_m(ring: Ring, east_m: float, north_m: float) -> float:
    """How far inside an upright rectangle a point lies."""
    (west, south), (east, _), (_, north) = ring[0], ring[1], ring[2]
    return min(east_m - west, east - east_m, north_m - south, north - north_m)


def test_same_seed_gives_the_same_world() -> None:
    assert build_world(7) == build_world(7)
    assert build_world(7).things != build_world(8).things


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_holds_what_it_promises(seed: int) -> None:
    world = build_world(seed)
    groups = Counter(thing.thing_id.rsplit("-", 1)[0] for thing in world.things)
    assert 5 <= groups["stopped"] <= 7
    assert 8 <= groups["parked"] <= 10
    assert groups["moving"] == 6
    assert 5 <= groups["waste"] <= 6
    assert {thing.kind for thing in world.things} <= set(KINDS)
    assert len({thing.thing_id for thing in world.things}) == len(world.things)


@pytest.mark.parametrize("seed", SEEDS)
def test_violators_are_plain(seed: int) -> None:
    world = build_world(seed)
    guilty = violators(world, 0.0)
    rings = [
        area.ring
        for area in world.layout.areas
        if area.purpose in (AreaPurpose.NO_STOPPING, AreaPurpose.WASTE_WATCH)
    ]
    assert {thing.thing_id for thing in guilty} >= {
        thing.thing_id for thing in world.things if thing.thing_id.startswith("stopped")
    }
    assert sum(thing.kind == "waste" for thing in guilty) == 4
    for thing in guilty:
        assert max(_depth_m(ring, thing.east_m, thing.north_m) for ring in rings) >= 4.0
    for index, one in enumerate(guilty):
        for other in guilty[:index]:
            assert math.dist((one.east_m, one.north_m), (other.east_m, other.north_m)) >= 9.0


@pytest.mark.parametrize("seed", SEEDS)
def test_parked_vehicles_stand_where_they_may(seed: int) -> None:
    world = build_world(seed)
    allowed = [area.ring for area in world.areas(AreaPurpose.PARKING)]
    for thing in world.things_at(0.0):
        if thing.thing_id.startswith("parked"):
            assert any(inside(ring, thing.east_m, thing.north_m) for ring in allowed)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_stands_never_overlaps(seed: int) -> None:
    still = [thing for thing in build_world(seed).things_at(0.0) if not thing.moving]
    for index, one in enumerate(still):
        for other in still[:index]:
            gap = math.dist((one.east_m, one.north_m), (other.east_m, other.north_m))
            assert gap > (one.width_m + other.width_m) / 2 + 0.3


def test_moving_things_move_along_their_heading() -> None:
    world = build_world(3)
    before = {thing.thing_id: thing for thing in world.things_at(10.0)}
    for after in world.things_at(10.5):
        start = before[after.thing_id]
        east, north = after.east_m - start.east_m, after.north_m - start.north_m
        step = math.hypot(east, north)
        if not after.moving:
            assert step == 0.0
        elif step < 10.0:  # else it has begun its round anew
            assert 2.5 < step < 6.5
            bearing = math.degrees(math.atan2(east, north))
            assert abs((bearing - after.heading_deg + 180) % 360 - 180) < 1e-6


def test_cleared_things_are_gone_from_then_on() -> None:
    world = build_world(1)
    cleared = world.without("waste-2", 30.0)
    assert "waste-2" in _ids(cleared, 29.9)
    assert "waste-2" not in _ids(cleared, 30.0)
    assert _ids(world, 30.0) - _ids(cleared, 30.0) == {"waste-2"}
    with pytest.raises(KeyError):
        world.without("waste-99", 0.0)


def test_areas_are_found_by_name() -> None:
    world = build_world(1)
    assert world.area("school-yard").purpose is AreaPurpose.NO_FLY
    with pytest.raises(KeyError):
        world.area("moon")


def test_sizes_are_believable() -> None:
    for thing in build_world(2).things_at(0.0):
        assert _near(thing, SIZES_M[thing.kind])


def _near(thing: PlacedThing, size: tuple[float, float, float]) -> bool:
    own = (thing.length_m, thing.width_m, thing.height_m)
    return all(0.7 < mine / usual < 1.4 for mine, usual in zip(own, size, strict=True))


def _ids(world: World, t_s: float) -> set[str]:
    return {thing.thing_id for thing in world.things_at(t_s)}
