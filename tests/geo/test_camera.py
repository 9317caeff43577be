import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo.camera import (
    CameraModel,
    footprint,
    ground_covariances,
    ground_errors,
    ground_to_pixel,
    project_to_ground,
    rotation,
)
from geo.positions import Attitude, PoseSigma
from tests.builders import a_camera_model, a_sigma

CAMERA = a_camera_model()
LENS = a_camera_model(distortion=(-0.12, 0.05, 0.001, -0.0008, 0.0))


def one(x: float) -> np.ndarray:
    return np.array([x])


class TestPlaces:
    """Hand-made cases: no formula of the code is repeated here."""

    def test_straight_down_with_the_nose_north(self) -> None:
        f = CAMERA.fx_px
        east, north = project_to_ground(
            CAMERA, Attitude(0, -90), 50.0, one(CAMERA.cx_px + f), one(CAMERA.cy_px - f)
        )
        assert (east[0], north[0]) == pytest.approx((50.0, 50.0))

    def test_straight_down_with_the_nose_east(self) -> None:
        f = CAMERA.fx_px
        east, north = project_to_ground(
            CAMERA, Attitude(90, -90), 50.0, one(CAMERA.cx_px + f), one(CAMERA.cy_px)
        )
        assert (east[0], north[0]) == pytest.approx((0.0, -50.0), abs=1e-9)

    def test_forty_five_degrees_down_looks_as_far_ahead_as_it_is_high(self) -> None:
        for yaw, wanted in ((0, (0, 80)), (90, (80, 0)), (180, (0, -80)), (270, (-80, 0))):
            place = project_to_ground(
                CAMERA, Attitude(yaw, -45), 80.0, one(CAMERA.cx_px), one(CAMERA.cy_px)
            )
            assert tuple(place[:, 0]) == pytest.approx(wanted, abs=1e-9)

    def test_right_side_down_shows_the_left_farther(self) -> None:
        # rolled 10 degrees, the middle of a level picture's left half is above the horizon
        left, right = one(CAMERA.cx_px - 400), one(CAMERA.cx_px + 400)
        seen_left = project_to_ground(CAMERA, Attitude(0, -20, 10), 30.0, left, one(CAMERA.cy_px))
        seen_right = project_to_ground(CAMERA, Attitude(0, -20, 10), 30.0, right, one(CAMERA.cy_px))
        assert seen_left[1, 0] > seen_right[1, 0]

    def test_the_sky_is_no_place(self) -> None:
        places = project_to_ground(CAMERA, Attitude(0, 0), 30.0, one(640), one(100))
        assert np.isnan(places).all()

    def test_what_lies_behind_has_no_pixel(self) -> None:
        u, v = ground_to_pixel(CAMERA, Attitude(0, -30), 30.0, one(0), one(-200))
        assert np.isnan(u).all()
        assert np.isnan(v).all()


attitudes = st.builds(Attitude, st.floats(0, 360), st.floats(-90, -5), st.floats(-20, 20))


@given(attitudes, st.floats(2, 200), st.floats(0, 1279), st.floats(0, 719), st.booleans())
def test_a_pixel_comes_back_from_the_ground(
    attitude: Attitude, height_m: float, u: float, v: float, lens: bool
) -> None:
    camera = LENS if lens else CAMERA
    place = project_to_ground(camera, attitude, height_m, one(u), one(v))
    assume(np.isfinite(place).all() and np.hypot(*place)[0] < 50 * height_m)
    back = ground_to_pixel(camera, attitude, height_m, place[0], place[1])
    assert (back[0][0], back[1][0]) == pytest.approx((u, v), abs=0.02)


@given(attitudes)
def test_a_rotation_turns_and_nothing_else(attitude: Attitude) -> None:
    matrix = rotation(attitude)
    assert np.allclose(matrix @ matrix.T, np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1.0)


def test_distortion_follows_brown_and_conrady() -> None:
    k1, k2, p1, p2, k3 = LENS.distortion
    x, y = 0.3, -0.2
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u, v = LENS.pixels(np.array([[1.0], [x], [y]]))
    assert u[0] == pytest.approx(
        (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) * LENS.fx_px + LENS.cx_px
    )
    assert v[0] == pytest.approx(
        (y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y) * LENS.fy_px + LENS.cy_px
    )


def test_a_field_of_view_spans_the_whole_pixels() -> None:
    camera = CameraModel.from_hfov(1000, 500, 90.0)
    rays = camera.rays(np.array([-0.5, 999.5]), np.array([249.5, 249.5]))
    assert np.degrees(np.arctan2(rays[1], rays[0])) == pytest.approx([-45.0, 45.0])


@settings(max_examples=6, deadline=None)
@given(
    st.floats(0, 360),
    st.floats(-85, -25),
    st.floats(-8, 8),
    st.floats(30, 120),
    st.floats(200, 1080),
    st.floats(300, 700),
)
def test_covariance_is_what_many_draws_give(
    yaw: float, pitch: float, roll: float, height_m: float, u: float, v: float
) -> None:
    """Draws every error by itself and projects exactly; the oracle knows no derivative."""
    sigma = PoseSigma(1.5, 0.6, 0.6, 0.3, 0.4, 0.1)
    ve, vn, rate = 3.0, -8.0, 6.0
    place, covariance = ground_covariances(
        CAMERA,
        Attitude(yaw, pitch, roll),
        height_m,
        one(u),
        one(v),
        sigma,
        ground_sigma_m=0.8,
        velocity_en_m_s=(ve, vn),
        yaw_rate_deg_s=rate,
    )
    draw = np.random.default_rng(7)
    n = 2_000
    e, north, h, y, p, r, t = draw.normal(size=(7, n))
    t = t * sigma.time_s
    du, dv = draw.normal(size=(2, n)) * CAMERA.sigma_px
    drawn = np.array(
        [
            project_to_ground(
                CAMERA,
                Attitude(
                    yaw + y[i] * sigma.yaw_deg + rate * t[i],
                    pitch + p[i] * sigma.pitch_deg,
                    roll + r[i] * sigma.roll_deg,
                ),
                height_m + h[i] * float(np.hypot(sigma.vertical_m, 0.8)),
                one(u + du[i]),
                one(v + dv[i]),
            )[:, 0]
            for i in range(n)
        ]
    )
    drawn[:, 0] += e * sigma.horizontal_m + ve * t
    drawn[:, 1] += north * sigma.horizontal_m + vn * t
    found = np.cov(drawn.T)
    wanted = np.array([[covariance[0, 0], covariance[2, 0]], [covariance[2, 0], covariance[1, 0]]])
    # relative to the first-order matrix, the drawn one is the unit matrix
    root = np.linalg.inv(np.linalg.cholesky(wanted))
    assert np.allclose(root @ found @ root.T, np.eye(2), atol=0.18)
    assert np.hypot(*(drawn.mean(axis=0) - place[:, 0])) < 0.15 * np.sqrt(np.trace(wanted))


@pytest.mark.parametrize(
    ("depression_deg", "ce90_m"), [(90, 3.8), (60, 5.0), (45, 6.9), (30, 11.2), (20, 19.2)]
)
def test_the_error_budget_of_a_consumer_drone_at_fifty_metres(
    depression_deg: float, ce90_m: float
) -> None:
    """The table of 200,000 draws that the project's reference holds (10 m/s, 10 deg/s)."""
    camera = CameraModel(3840, 2160, 2700, 2700, 1919.5, 1079.5, sigma_px=5.0)
    _, (ee, nn, en) = ground_covariances(
        camera,
        Attitude(0, -depression_deg),
        50.0,
        one(camera.cx_px),
        one(camera.cy_px),
        PoseSigma(1.5, 2.0, 2.0, 1.0, 0.0, 0.1),
        ground_sigma_m=2.0,
        velocity_en_m_s=(0.0, 10.0),
        yaw_rate_deg_s=10.0,
    )
    from geo.positions import Covariance

    found = Covariance(float(ee[0]), float(nn[0]), float(en[0])).ce90_m
    assert found == pytest.approx(ce90_m, rel=0.1)


def test_shared_and_pixel_errors_together_are_the_covariance() -> None:
    u, v = np.array([100.0, 640.0]), np.array([700.0, 400.0])
    attitude, sigma = Attitude(30, -50, 3), a_sigma()
    parts = ground_errors(CAMERA, attitude, 60.0, u, v, sigma)
    _, covariance = ground_covariances(CAMERA, attitude, 60.0, u, v, sigma)
    total = np.sum(parts.shared_m[:, 0] ** 2, axis=0) + np.sum(parts.pixel_m[:, 0] ** 2, axis=0)
    assert covariance[0] == pytest.approx(total + sigma.horizontal_m**2)


def test_a_footprint_is_the_seen_ground() -> None:
    border = footprint(CAMERA, Attitude(0, -90), 60.0)
    half_m = 60.0 * np.tan(np.radians(31.0))
    assert border[0].max() == pytest.approx(half_m)
    assert border[1].max() == pytest.approx(half_m * 720 / 1280)


def test_a_footprint_ends_where_it_is_told_and_the_sky_has_none() -> None:
    border = footprint(CAMERA, Attitude(0, -5), 60.0, greatest_distance_m=500.0)
    assert 400 < np.hypot(*border).max() <= 500
    assert footprint(CAMERA, Attitude(0, 60), 60.0).shape == (2, 0)
