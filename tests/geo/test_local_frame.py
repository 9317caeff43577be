import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from geo.local_frame import LocalFrame, bearing_deg, distance_m

WGS84 = Geod(ellps="WGS84")
latitudes = st.floats(-85, 85)
longitudes = st.floats(-179.5, 179.5)
metres = st.floats(-10_000, 10_000)


@given(latitudes, longitudes, metres, metres)
def test_round_trip_is_exact_to_a_millimetre(
    lat: float, lon: float, east: float, north: float
) -> None:
    frame = LocalFrame(lat, lon)
    back = frame.to_en1_m(*frame.to_geo1_deg(east, north))
    assert back == pytest.approx((east, north), abs=1e-3)


@given(latitudes, longitudes, st.floats(1, 5_000), st.floats(0, 360))
def test_distance_and_bearing_agree_with_the_geodesic(
    lat: float, lon: float, length: float, bearing: float
) -> None:
    lon2, lat2, _ = WGS84.fwd(lon, lat, bearing, length)
    if abs(lon2 - lon) > 180:
        return  # over the antimeridian the frame still holds, but floats of 360 degrees differ
    assert distance_m(lat, lon, lat2, lon2) == pytest.approx(length, abs=0.005)
    turn = (bearing_deg(lat, lon, lat2, lon2) - bearing + 180) % 360 - 180
    assert abs(np.radians(turn)) * length < 0.01


def test_axes_point_east_and_north() -> None:
    frame = LocalFrame(50.9754, 71.3549)
    assert frame.to_en1_m(50.9754, 71.3549) == pytest.approx((0, 0), abs=1e-9)
    east, north = frame.to_en1_m(50.9754, 71.3649)
    assert east > 600
    assert abs(north) < 0.1
    assert frame.to_en1_m(50.9854, 71.3549)[1] > 1_000


def test_arrays_and_single_places_agree() -> None:
    frame = LocalFrame(50.9754, 71.3549)
    lat, lon = frame.to_geo_deg(np.array([10.0, -400.0]), np.array([5.0, 900.0]))
    assert (float(lat[1]), float(lon[1])) == frame.to_geo1_deg(-400.0, 900.0)
