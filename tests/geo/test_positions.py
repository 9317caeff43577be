import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.positions import Altitude, Attitude, Covariance, Datum, GroundPoint, Position


def exact_ce90(major: float, minor: float) -> float:
    """The radius by integration, independent of the polynomial."""
    angles = np.linspace(0, 2 * np.pi, 2_000, endpoint=False)
    inverse = (np.cos(angles) / major) ** 2 + (np.sin(angles) / minor) ** 2

    def inside(radius: float) -> float:
        return float(np.mean((1 - np.exp(-(radius**2) * inverse / 2)) / inverse)) / (major * minor)

    low, high = 0.0, 4 * major
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < 0.9 else (low, middle)
    return low


def turned(major: float, minor: float, angle: float) -> Covariance:
    c, s = math.cos(angle), math.sin(angle)
    return Covariance(
        (major * c) ** 2 + (minor * s) ** 2,
        (major * s) ** 2 + (minor * c) ** 2,
        (major**2 - minor**2) * c * s,
    )


@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("angle", [0.0, 0.7, 2.1])
def test_ce90_is_the_circle_that_holds_ninety_percent(ratio: float, angle: float) -> None:
    covariance = turned(3.0, 3.0 * ratio, angle)
    assert covariance.ce90_m == pytest.approx(exact_ce90(3.0, 3.0 * ratio), rel=0.004)


def test_a_round_error_of_one_metre_has_a_ce90_of_2_15_m() -> None:
    assert Covariance(1, 1).ce90_m == pytest.approx(2.1460, abs=0.003)
    assert GroundPoint(51, 71, Covariance(1, 1)).radius_m == Covariance(1, 1).ce90_m
    assert Covariance(0, 0).ce90_m == 0


@given(st.floats(0.5, 20), st.floats(0.05, 0.95), st.floats(0, 180, exclude_max=True))
def test_axes_and_bearing_come_back(major: float, ratio: float, bearing: float) -> None:
    covariance = turned(major, major * ratio, math.radians(90 - bearing))
    found_major, found_minor = covariance.axes_m2
    assert found_major == pytest.approx(major**2, rel=1e-6)
    assert found_minor == pytest.approx((major * ratio) ** 2, rel=1e-4)
    apart = (covariance.bearing_deg - bearing + 90) % 180 - 90
    assert abs(apart) < 0.01


@given(st.floats(0.1, 9), st.floats(0.1, 9), st.floats(-0.99, 0.99), st.floats(-9, 9))
def test_mahalanobis_is_that_of_the_inverse_matrix(
    ee: float, nn: float, rho: float, east: float
) -> None:
    en = rho * math.sqrt(ee * nn)
    offset = np.array([east, 2.0])
    wanted = offset @ np.linalg.inv(np.array([[ee, en], [en, nn]])) @ offset
    assert Covariance(ee, nn, en).mahalanobis2(east, 2.0) == pytest.approx(float(wanted), rel=1e-6)


def test_a_place_without_error_is_infinitely_far_from_all_others() -> None:
    assert Covariance(0, 0).mahalanobis2(0, 0) == 0
    assert Covariance(0, 0).mahalanobis2(0, 0.1) == math.inf


@pytest.mark.parametrize(("ee", "nn", "en"), [(-1, 1, 0), (1, -1, 0), (1, 1, 1.1), (0, 1, 0.5)])
def test_what_is_no_covariance_is_refused(ee: float, nn: float, en: float) -> None:
    with pytest.raises(ValueError, match="not a covariance"):
        Covariance(ee, nn, en)


def test_errors_of_independent_sources_add() -> None:
    assert Covariance(1, 2, 0.5) + Covariance(3, 4, -0.25) == Covariance(4, 6, 0.25)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_altitudes_and_attitudes_are_finite(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Altitude(value, Datum.GEOID)
    with pytest.raises(ValueError, match="finite"):
        Attitude(value, 0)


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (-91, 0), (0, 181), (0, -181), (math.nan, 0)])
def test_only_places_on_earth_are_positions(lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match="no place on Earth"):
        Position(lat, lon, Altitude(0, Datum.GEOID))
