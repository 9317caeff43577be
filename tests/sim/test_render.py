"""Pictures of the simulated world and the boxes that go with them."""

import math

import numpy as np
import pytest

from sim.camera import SyntheticCamera
from sim.projection import (
    CAR_CAMERA,
    DRONE_CAMERA,
    CameraPose,
    Pinhole,
    body_axes,
    projection_matrix,
    to_pixels,
)
from sim.render_sensor import Sensor
from sim.world import PlacedThing, World, build_world

CLEAN = Sensor(blur_px=0.0, noise_levels=0.0, exposure_drift=0.0)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(5)


@pytest.fixture(scope="module")
def drone(world: World) -> SyntheticCamera:
    return SyntheticCamera(world, DRONE_CAMERA)


def _above(thing: PlacedThing, up_m: float, pitch_deg: float, yaw_deg: float) -> CameraPose:
    """A camera that looks at a thing from a height."""
    away_m = up_m / math.tan(math.radians(-pitch_deg)) if pitch_deg > -89.9 else 0.0
    turn = math.radians(yaw_deg)
    return CameraPose(
        thing.east_m - away_m * math.sin(turn),
        thing.north_m - away_m * math.cos(turn),
        up_m,
        yaw_deg,
        pitch_deg,
    )


def test_straight_down_facing_north_is_a_map() -> None:
    camera = Pinhole(1000, 800, 1000.0, 1000.0, 499.5, 399.5)
    matrix = projection_matrix(camera, CameraPose(10.0, 20.0, 50.0, 0.0, -90.0))
    pixels, depth = to_pixels(matrix, np.array([[10.0, 20, 0], [11.0, 20, 0], [10.0, 21, 0]]))
    assert pixels[0] == pytest.approx([499.5, 399.5])
    assert pixels[1] - pixels[0] == pytest.approx([20.0, 0.0])  # east is right
    assert pixels[2] - pixels[0] == pytest.approx([0.0, -20.0])  # north is up
    assert depth == pytest.approx([50.0] * 3)


def test_level_view_to_the_east() -> None:
    camera = Pinhole(1000, 800, 800.0, 800.0, 500.0, 400.0)
    matrix = projection_matrix(camera, CameraPose(0.0, 0.0, 2.0, 90.0, 0.0))
    pixels, depth = to_pixels(matrix, np.array([[40.0, 0, 2.0], [40.0, -5, 2.0], [40.0, 0, 0.0]]))
    assert pixels[0] == pytest.approx([500.0, 400.0])
    assert pixels[1] == pytest.approx([600.0, 400.0])  # south is to the right
    assert pixels[2] == pytest.approx([500.0, 440.0])
    assert depth == pytest.approx([40.0] * 3)


def test_the_optical_axis_meets_the_ground_where_it_should() -> None:
    pose = CameraPose(5.0, -3.0, 60.0, 30.0, -60.0, 12.0)
    away_m = 60.0 / math.tan(math.radians(60.0))
    point = [5 + away_m * math.sin(math.radians(30)), -3 + away_m * math.cos(math.radians(30)), 0]
    pixels, _ = to_pixels(projection_matrix(DRONE_CAMERA, pose), np.array([point]))
    assert pixels[0] == pytest.approx([DRONE_CAMERA.cx_px, DRONE_CAMERA.cy_px])


def test_positive_roll_lowers_the_right_side() -> None:
    axes = body_axes(CameraPose(0, 0, 10, 0.0, 0.0, 20.0))
    assert axes[1] == pytest.approx([math.cos(math.radians(20)), 0, -math.sin(math.radians(20))])
    assert axes @ axes.T == pytest.approx(np.eye(3))
    assert np.cross(axes[0], axes[1]) == pytest.approx(axes[2])


def test_field_of_view_spans_the_outer_edges() -> None:
    camera = Pinhole.from_field_of_view(1280, 720, 62.0)
    assert math.degrees(2 * math.atan(640 / camera.fx_px)) == pytest.approx(62.0)
    assert (camera.cx_px, camera.cy_px) == (639.5, 359.5)


def test_same_world_pose_and_time_give_the_same_picture(drone: SyntheticCamera) -> None:
    pose = CameraPose(80.0, -140.0, 60.0, 10.0, -55.0)
    again = SyntheticCamera(build_world(5), DRONE_CAMERA)
    one, other = drone.render(pose, 4.0), again.render(pose, 4.0)
    assert np.array_equal(one.image, other.image)
    assert one.truth == other.truth
    assert one.image.shape == (720, 1280, 3)
    assert one.image.dtype == np.uint8


def test_truth_holds_the_thing_and_nothing_but_it(world: World) -> None:
    """Clearing a thing changes the picture inside its box and its shadow, nowhere else."""
    thing = next(one for one in world.things_at(0.0) if one.thing_id == "stopped-1")
    pose = _above(thing, 60.0, -60.0, 200.0)
    full = SyntheticCamera(world, DRONE_CAMERA, CLEAN).render(pose, 0.0)
    bare = SyntheticCamera(world.without("stopped-1", 0.0), DRONE_CAMERA, CLEAN).render(pose, 0.0)
    assert "stopped-1" not in {box.thing_id for box in bare.truth}
    box = next(box for box in full.truth if box.thing_id == "stopped-1")
    changed = np.abs(full.image.astype(int) - bare.image.astype(int)).max(axis=2) > 12
    rows, columns = np.nonzero(changed)
    inside = (
        (columns >= box.left_px - 1)
        & (columns <= box.left_px + box.width_px + 1)
        & (rows >= box.top_px - 1)
        & (rows <= box.top_px + box.height_px + 1)
    )
    body = changed[
        int(box.top_px) : int(box.top_px + box.height_px) + 1,
        int(box.left_px) : int(box.left_px + box.width_px) + 1,
    ]
    assert body.mean() > 0.45
    assert (np.hypot(columns[~inside] - 640, rows[~inside] - 360) < 90).all()
    assert body.any(axis=1).mean() > 0.9
    assert body.any(axis=0).mean() > 0.9


@pytest.mark.parametrize("pitch_deg", [-45.0, -70.0, -90.0])
def test_a_looked_at_thing_lies_in_the_middle(
    world: World, drone: SyntheticCamera, pitch_deg: float
) -> None:
    thing = next(one for one in world.things_at(0.0) if one.kind == "waste")
    frame = drone.render(_above(thing, 58.0, pitch_deg, 40.0), 0.0)
    box = next(box for box in frame.truth if box.thing_id == thing.thing_id)
    assert box.left_px < 640 < box.left_px + box.width_px
    assert box.top_px < 362 < box.top_px + box.height_px + 3
    assert box.visible_fraction > 0.8


def test_boxes_stay_in_the_picture(world: World, drone: SyntheticCamera) -> None:
    for yaw_deg in (0.0, 120.0, 240.0):
        for box in drone.render(CameraPose(150.0, -5.0, 55.0, yaw_deg, -50.0), 0.0).truth:
            assert box.left_px >= -0.5
            assert box.top_px >= -0.5
            assert box.left_px + box.width_px <= 1279.5
            assert box.top_px + box.height_px <= 719.5
            assert 0.0 < box.visible_fraction <= 1.0


def test_a_nearer_vehicle_hides_a_farther_one(world: World) -> None:
    """Seen along a row from the street, the first hides most of the second."""
    from dataclasses import replace

    from sim.world import Stand

    first, second = (
        thing for thing in world.things if thing.thing_id in ("stopped-1", "stopped-2")
    )
    row = replace(
        world,
        things=(
            replace(first, kind="truck", motion=Stand(100.0, 0.0, 90.0), width_m=2.5, height_m=3.2),
            replace(second, kind="car", motion=Stand(108.0, 0.0, 90.0), width_m=1.8, height_m=1.5),
        ),
    )
    camera = SyntheticCamera(row, CAR_CAMERA)
    truth = {box.thing_id: box for box in camera.render(CameraPose(85.0, 0, 2.2, 90, -8), 0).truth}
    assert truth["stopped-1"].visible_fraction > 0.9
    assert "stopped-2" not in truth or truth["stopped-2"].visible_fraction < 0.1


def test_the_street_view_has_sky_above_the_horizon(world: World) -> None:
    camera = SyntheticCamera(world, CAR_CAMERA, CLEAN)
    image = camera.render(CameraPose(60.0, -97.0, 2.2, 90.0, -12.0), 0.0).image
    assert image[:40].mean() > 150
    assert image[:40].mean() > image[500:].mean() + 30


def test_two_instants_differ_by_noise_and_traffic_only(drone: SyntheticCamera) -> None:
    pose = CameraPose(250.0, 0.0, 60.0, 0.0, -90.0)
    one, other = drone.render(pose, 1.0).image, drone.render(pose, 1.04).image
    assert not np.array_equal(one, other)
    assert np.abs(one.astype(int) - other.astype(int)).mean() < 6
