import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from geo.adapters.flat_terrain import FlatTerrain
from geo.camera import footprint, project_to_ground
from geo.positions import Altitude, Attitude, Datum
from geo.zones import to_local
from missions.planning.seen_ground import footprints, views_of
from missions.planning.shots import height_for_m
from missions.planning.survey_report import Picture, report_survey
from tests.builders import AT, GROUND, a_camera_model, a_mount, a_pose, a_square

MODEL = a_camera_model()


def nadir(east: float, north: float, up: float = 50.0, yaw: float = 0.0) -> Picture:
    return Picture(f"{east:.0f}-{north:.0f}", a_pose(east, north, up, yaw, -90.0))


def test_one_picture_by_hand() -> None:
    width, height = 1280 * 50 / MODEL.fx_px, 720 * 50 / MODEL.fy_px
    found = report_survey([nadir(0, 0)], MODEL, a_square(half_m=100), wanted_m_per_px=0.08)
    assert found.area_m2 == pytest.approx(40_000, rel=1e-3)
    assert found.seen_m2 == pytest.approx(width * height, rel=1e-3)
    assert found.unseen_m2 == pytest.approx(40_000 - width * height, rel=1e-3)
    assert found.seen_fraction == pytest.approx(width * height / 40_000, rel=2e-3)
    assert found.resolution is not None
    each = 50 / MODEL.fx_px  # straight down it is the same everywhere
    assert found.resolution.best == pytest.approx(each, rel=1e-6)
    assert found.resolution.worst == pytest.approx(each, rel=1e-6)
    assert found.fine_fraction == pytest.approx(found.seen_fraction, abs=0.01)
    assert report_survey(
        [nadir(0, 0)], MODEL, a_square(half_m=100), wanted_m_per_px=0.03
    ).fine_fraction == 0  # fmt: skip
    assert found.pictures[0].resolution_m_per_px == pytest.approx(each)
    assert found.pictures[0].overlap_fraction is None
    assert found.seen is not None
    assert found.unseen is not None
    assert to_local(found.seen, AT).bounds == pytest.approx(
        (-width / 2, -height / 2, width / 2, height / 2), abs=0.05
    )


def test_overlap_and_counts() -> None:
    height = 720 * 50 / MODEL.fy_px
    steps = [nadir(0, k * 0.25 * height) for k in range(9)]
    found = report_survey(steps, MODEL, a_square(0, height, 5.0))
    assert found.seen_fraction == pytest.approx(1.0)
    assert found.unseen is None
    assert all(p.overlap_fraction == pytest.approx(0.75, abs=1e-3) for p in found.pictures[1:])
    assert found.mean_pictures == pytest.approx(4.0, abs=0.1)
    assert found.twice_fraction == pytest.approx(1.0)


def test_nothing_seen_is_told_and_not_raised() -> None:
    up = replace(a_pose(), attitude=Attitude(0.0, 40.0))
    for pictures in ([], [Picture("sky", up)], [nadir(1_000, 0)]):
        found = report_survey(pictures, MODEL, a_square(half_m=20), wanted_m_per_px=0.05)
        assert found.seen_fraction == 0
        assert found.seen is None
        assert found.resolution is None
        assert found.fine_fraction == 0
    assert report_survey([Picture("sky", up)], MODEL, a_square()).pictures[0].footprint is None


def test_the_plans_resolution_is_the_reports() -> None:
    for pitch in (-90.0, -60.0, -40.0):
        height = height_for_m(a_mount(pitch_deg=pitch), 0.06)
        picture = Picture("one", a_pose(0, 0, height, 30.0, pitch))
        found = report_survey([picture], MODEL, a_square())
        assert found.pictures[0].resolution_m_per_px == pytest.approx(0.06, rel=1e-3)


@given(
    st.floats(-90, -25), st.floats(0, 360), st.floats(-20, 20), st.floats(20, 100),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_many_at_once_are_what_one_is_alone(
    pitch: float, yaw: float, roll: float, up: float
) -> None:
    pose = replace(a_pose(30, -20, up), attitude=Attitude(yaw, pitch, roll))
    views = views_of([pose, pose], MODEL, AT, None)
    both = footprints(MODEL, views, farthest_m=1_000.0)
    border = footprint(MODEL, pose.attitude, up, greatest_distance_m=1_000.0)
    alone = Polygon(border.T + np.array([30, -20]))
    if border.shape[1] == 84 and both[0].area > 0:  # none of its corners was cut
        assert both[0].symmetric_difference(alone).area < 0.02 * alone.area
    assert both[0].equals(both[1])
    # a pixel of the middle, taken to the ground on both its sides
    u = np.array([MODEL.cx_px, MODEL.cx_px + 0.1, MODEL.cx_px])
    v = np.array([MODEL.cy_px, MODEL.cy_px, MODEL.cy_px + 0.1])
    a, b, c = project_to_ground(MODEL, pose.attitude, up, u, v).T
    jacobian = np.stack([b - a, c - a], axis=1) / 0.1
    coarser = float(np.linalg.svd(jacobian, compute_uv=False)[0])
    found = report_survey([Picture("p", pose)], MODEL, a_square(half_m=10), farthest_m=1_000.0)
    assert found.pictures[0].resolution_m_per_px == pytest.approx(coarser, rel=0.01)


def test_heights_are_told_above_the_ground() -> None:
    pose = a_pose(0, 0, 50.0, 0.0, -90.0)
    sea = replace(pose, position=replace(pose.position, altitude=Altitude(400.0, Datum.GEOID)))
    one = report_survey([Picture("a", pose)], MODEL, a_square())
    two = report_survey([Picture("a", sea)], MODEL, a_square(), terrain=FlatTerrain(GROUND))
    assert two.seen_m2 == pytest.approx(one.seen_m2)
    assert two.pictures[0].height_m == pytest.approx(50.0)
    assert math.isfinite(two.mean_pictures)
