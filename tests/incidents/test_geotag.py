"""Geotags against places worked out by hand and by corners of boxes in space."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DatumUnknown
from core.refusals import Refusal, RefusalCode
from geo.adapters.flat_terrain import FlatTerrain
from geo.camera import CameraModel, ground_covariances, rotation
from geo.positions import Altitude, Attitude, Datum, Pose, Position
from incidents.geotag import GeotagLimits, geotag, geotag_frame, ground_places, resized
from incidents.model import Sighting
from tests.builders import (
    AT,
    GROUND,
    a_box,
    a_camera_model,
    a_detection,
    a_frame,
    a_pose,
    a_sigma,
    after,
)
from vision.model import Box

CAMERA = a_camera_model()
TERRAIN = FlatTerrain(GROUND, sigma_m=1.0)


def box_of(
    pose: Pose, up_m: float, east: float, north: float, heading: float, size: tuple[float, ...]
) -> Box:
    """The box about the picture of a block in space, by its eight corners."""
    length, width, height = size
    c, s = np.cos(heading), np.sin(heading)
    corners = []
    for a in (-length / 2, length / 2):
        for b in (-width / 2, width / 2):
            for z in (0.0, height):
                corners.append((north + a * c - b * s, east + a * s + b * c, up_m - z))
    camera_e, camera_n = AT.to_en1_m(pose.position.lat_deg, pose.position.lon_deg)
    ned = np.array(corners).T - np.array([[camera_n], [camera_e], [0.0]])
    u, v = CAMERA.pixels(rotation(pose.attitude).T @ ned)
    return Box(u.min(), v.min(), np.ptp(u), np.ptp(v))


def seen(box: Box, pose: Pose, label: str = "car", **options: object) -> Sighting:
    answer = geotag(a_detection(box=box, label=label), a_frame(), CAMERA, pose, TERRAIN, **options)  # type: ignore[arg-type]
    assert isinstance(answer, Sighting), answer
    return answer


def refused(pose: Pose, box: Box | None = None, **changes: object) -> RefusalCode:
    options = {"frame": a_frame(), "camera": CAMERA, "terrain": TERRAIN, **changes}
    answer = geotag(a_detection(box=box or a_box()), pose=pose, **options)  # type: ignore[arg-type]
    assert isinstance(answer, Refusal), answer
    assert answer.reason
    return answer.code


def offset(sighting: Sighting) -> tuple[float, float]:
    return AT.to_en1_m(sighting.point.lat_deg, sighting.point.lon_deg)


def test_straight_below_is_where_the_camera_is() -> None:
    pose = a_pose(30, -20, 60, pitch_deg=-90)
    assert offset(seen(a_box(639.5, 359.5), pose)) == pytest.approx((30, -20), abs=0.01)


@pytest.mark.parametrize("depression", [8, 15, 30, 45, 60, 75, 90])
@pytest.mark.parametrize("heading", [0.0, 0.8, 1.57])
def test_a_car_in_space_is_found_at_any_depression(depression: float, heading: float) -> None:
    """Within the shape's own error: a box does not say how the car stands."""
    up = 60.0 if depression > 20 else 8.0
    pose = a_pose(0, 0, up, pitch_deg=-depression)
    north = up / np.tan(np.radians(depression))
    box = box_of(pose, up, 0.0, north, heading, (4.5, 1.8, 1.5))
    place = offset(seen(box, pose, limits=GeotagLimits(greatest_ce90_m=100)))
    # seen steeply, the half height is taken into account; uncorrected it would be 0.43 m at 60
    assert np.hypot(place[0], place[1] - north) < (0.3 if depression >= 60 else 1.3)


def test_a_lorry_is_not_taken_for_a_car() -> None:
    pose = a_pose(0, 0, 10, pitch_deg=-20)
    box = box_of(pose, 10, 0, 27, 0.3, (7.0, 2.5, 3.0))
    assert offset(seen(box, pose, "truck"))[1] == pytest.approx(27, abs=1.0)
    assert offset(seen(box, pose, "truck"))[1] > offset(seen(box, pose, "car"))[1]


@given(
    st.floats(-85, -35),
    st.floats(0, 360),
    st.floats(20, 120),
    st.floats(80, 1200),
    st.floats(80, 640),
)
def test_frames_and_single_detections_agree(
    pitch: float, yaw: float, up: float, u: float, v: float
) -> None:
    pose = a_pose(0, 0, up, yaw, pitch, east_m_s=3, yaw_rate_deg_s=4)
    detections = (a_detection(box=a_box(u, v)), a_detection(box=a_box(640, 400), label="waste"))
    together = geotag_frame(detections, a_frame(), CAMERA, pose, TERRAIN)
    alone = tuple(geotag(d, a_frame(), CAMERA, pose, TERRAIN) for d in detections)
    for a, b in zip(together, alone, strict=True):
        assert type(a) is type(b)
        if isinstance(a, Sighting) and isinstance(b, Sighting):
            assert a.point.lat_deg == pytest.approx(b.point.lat_deg, abs=1e-9)
            assert a.point.radius_m == pytest.approx(b.point.radius_m, rel=1e-6)


def test_the_covariance_is_the_cameras_and_the_shapes() -> None:
    """Straight ahead at 60 degrees the middle of the box alone counts."""
    pose = a_pose(0, 0, 60, 40, -60, east_m_s=5, north_m_s=-3, yaw_rate_deg_s=8)
    pose = replace(pose, position=replace(pose.position, altitude=Altitude(410, Datum.GEOID)))
    found = seen(a_box(639.5, 359.5), pose).point.covariance
    _, wanted = ground_covariances(
        CAMERA,
        pose.attitude,
        60.0,
        np.array([639.5]),
        np.array([359.5]),
        pose.sigma,
        ground_sigma_m=TERRAIN.sigma_m,
        velocity_en_m_s=(5, -3),
        yaw_rate_deg_s=8,
    )
    shape = (0.3 / 2 / np.tan(np.radians(60))) ** 2
    assert found.ee_m2 + found.nn_m2 == pytest.approx(float(wanted[0, 0] + wanted[1, 0]) + shape)
    assert abs(found.en_m2 - float(wanted[2, 0])) < shape


def test_shared_parts_are_all_but_the_pixels() -> None:
    pose = a_pose(0, 0, 60, 40, -50)
    sighting = seen(a_box(), pose)
    shared = np.array(sighting.shared)
    assert shared.shape == (8, 2)
    c = sighting.point.covariance
    rest = np.array([[c.ee_m2, c.en_m2], [c.en_m2, c.nn_m2]]) - shared.T @ shared
    sharp = geotag(a_detection(), a_frame(), replace(CAMERA, sigma_px=0.0), pose, TERRAIN)
    assert isinstance(sharp, Sighting)
    assert np.linalg.eigvalsh(rest).min() > 0
    assert np.array(sharp.shared) == pytest.approx(shared)
    assert sharp.point.covariance.ee_m2 == pytest.approx(float((shared**2).sum(axis=0)[0]))


def test_the_view_leads_from_the_camera_to_the_place() -> None:
    pose = a_pose(30, -20, 60, pitch_deg=-45)
    east, north, down = seen(a_box(), pose).view_m or (0, 0, 0)
    assert (30 + east, -20 + north) == pytest.approx(offset(seen(a_box(), pose)), abs=1e-3)
    assert down == 60


def test_a_box_that_the_border_cuts_is_known_worse() -> None:
    pose = a_pose(pitch_deg=-80)
    whole = seen(a_box(60, 360, 100, 60), pose).point.radius_m
    cut = seen(a_box(50, 360, 100, 60), pose).point.radius_m
    assert cut > whole + 0.1


class TestDatums:
    def test_heights_above_home_sea_level_and_ground_agree(self) -> None:
        ground = a_pose(0, 0, 60)
        lat, lon = ground.position.lat_deg, ground.position.lon_deg
        home = Altitude(345, Datum.GEOID)
        sea = replace(ground, position=Position(lat, lon, Altitude(410, Datum.GEOID)))
        above_home = replace(ground, position=Position(lat, lon, Altitude(65, Datum.HOME)))
        wanted = offset(seen(a_box(), ground))
        assert offset(seen(a_box(), sea)) == pytest.approx(wanted)
        assert offset(seen(a_box(), above_home, home_altitude=home)) == pytest.approx(wanted)

    @pytest.mark.parametrize("datum", [Datum.ELLIPSOID, Datum.HOME])
    def test_heights_that_cannot_be_joined_are_refused(self, datum: Datum) -> None:
        place = Position(50.9754, 71.3549, Altitude(60, datum))
        assert refused(replace(a_pose(), position=place)) is RefusalCode.UNKNOWN_DATUM

    def test_height_above_the_ground_owes_the_terrain_only_its_relief(self) -> None:
        pose = a_pose(0, 0, 2.2, pitch_deg=-10)
        rough = FlatTerrain(GROUND, sigma_m=5.0)
        by_ground = geotag(a_detection(), a_frame(), CAMERA, pose, rough)
        place = Position(*AT.to_geo1_deg(0, 0), Altitude(352.2, Datum.GEOID))
        by_sea = geotag(
            a_detection(), a_frame(), CAMERA, replace(pose, position=place), rough,
            limits=GeotagLimits(greatest_ce90_m=1e3),
        )  # fmt: skip
        assert isinstance(by_ground, Sighting)
        assert isinstance(by_sea, Sighting)
        assert by_ground.point.radius_m < by_sea.point.radius_m / 2


class Hill:
    """Ground that rises to the north by 10 %, and ends 200 m away."""

    sigma_m = 1.0

    def elevation(self, lat_deg: float, lon_deg: float) -> Altitude:
        _, north = AT.to_en1_m(lat_deg, lon_deg)
        if abs(north) > 200:
            raise DatumUnknown("outside the model")
        return Altitude(350 + 0.1 * north, Datum.GEOID)


def test_the_ground_is_looked_up_where_the_thing_stands() -> None:
    # the ray falls 1 m per metre; the ground rises 0.1 m per metre: they meet at 60 / 1.1
    tolerant = GeotagLimits(greatest_refinements=12)
    box = a_box(639.5, 359.5, 1, 1)
    flat = geotag(a_detection(box=box, label="person"), a_frame(), CAMERA, a_pose(pitch_deg=-45),
                  FlatTerrain(GROUND))  # fmt: skip
    hill = geotag(a_detection(box=box, label="person"), a_frame(), CAMERA, a_pose(pitch_deg=-45),
                  Hill(), limits=tolerant)  # fmt: skip
    assert isinstance(flat, Sighting)
    assert isinstance(hill, Sighting)
    assert offset(hill)[1] / offset(flat)[1] == pytest.approx(1 / 1.1, abs=0.01)


def test_beyond_the_terrain_nothing_is_guessed() -> None:
    far = GeotagLimits(greatest_distance_m=2e3, greatest_ce90_m=1e4)
    code = refused(a_pose(pitch_deg=-8), terrain=Hill(), limits=far)
    assert code is RefusalCode.UNKNOWN_DATUM


class TestRefusals:
    def test_above_the_horizon(self) -> None:
        assert refused(a_pose(pitch_deg=20)) is RefusalCode.ABOVE_HORIZON

    def test_too_far(self) -> None:
        assert refused(a_pose(pitch_deg=-7)) is RefusalCode.TOO_FAR

    def test_too_uncertain(self) -> None:
        assert refused(a_pose(up_m=2, pitch_deg=-2.5)) is RefusalCode.TOO_UNCERTAIN

    def test_below_the_ground(self) -> None:
        assert refused(a_pose(up_m=-3)) is RefusalCode.BAD_TELEMETRY

    def test_a_pose_of_another_instant(self) -> None:
        assert refused(a_pose(at=after(0.3))) is RefusalCode.NO_POSE

    def test_a_picture_of_another_shape(self) -> None:
        frame = a_frame(image=np.zeros((480, 640, 3), np.uint8))
        assert refused(a_pose(), frame=frame) is RefusalCode.UNKNOWN_CAMERA

    def test_no_detections_are_no_refusals(self) -> None:
        assert geotag_frame((), a_frame(), CAMERA, a_pose(), TERRAIN) == ()


def test_a_smaller_picture_of_the_same_shape_gives_the_same_place() -> None:
    pose = a_pose(pitch_deg=-50)
    half = a_frame(image=np.zeros((360, 640, 3), np.uint8))
    small = a_detection(box=Box(200 / 2 - 0.25, 300 / 2 - 0.25, 20, 15))
    found = geotag(small, half, CAMERA, pose, TERRAIN)
    assert isinstance(found, Sighting)
    assert offset(found) == pytest.approx(offset(seen(Box(200, 300, 40, 30), pose)), abs=0.05)
    fitted = resized(CAMERA, 640, 360)
    assert isinstance(fitted, CameraModel)
    assert fitted.sigma_px == CAMERA.sigma_px / 2


def test_places_of_many_pixels() -> None:
    pose = a_pose(0, 0, 60, pitch_deg=-45, sigma=a_sigma())
    u, v = np.array([639.5, 639.5]), np.array([359.5, -5_000.0])
    places = ground_places(CAMERA, pose, 60.0, u, v)
    assert AT.to_en1_m(float(places.lat_deg[0]), float(places.lon_deg[0])) == pytest.approx(
        (0, 60), abs=0.01
    )
    assert places.depression_deg[0] == pytest.approx(45)
    assert places.slant_m[0] == pytest.approx(60 * 2**0.5)
    assert np.isnan(places.lat_deg[1])
    assert np.isnan(places.covariance_m2[:, 1]).all()


def test_an_upside_down_picture_is_placed_by_its_middle() -> None:
    upright = a_pose(0, 0, 20, pitch_deg=-35)
    turned = replace(upright, attitude=Attitude(0, -35, 180))
    a = offset(seen(a_box(639.5, 359.5, 40, 4), upright))
    b = offset(seen(a_box(639.5, 359.5, 40, 4), turned))
    assert a == pytest.approx(b, abs=3.0)
