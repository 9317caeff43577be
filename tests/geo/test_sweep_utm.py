import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geo.utm_frame import UtmFrame, zone_number


@given(st.floats(-79, 83), st.floats(-180, 179.999), st.floats(-3, 3))
def test_the_grid_is_pyprojs(lat: float, lon: float, shift: float) -> None:
    frame = UtmFrame.around(lat, lon)
    near = frame.zone * 6.0 - 183.0 + shift
    peer = Transformer.from_crs(4326, frame.epsg, always_xy=True)
    east, north = frame.to_en_m(np.array([lat]), np.array([near]))
    x, y = peer.transform(near, lat)
    assert (east[0], north[0]) == pytest.approx((x, y), abs=1e-6)
    back_lat, back_lon = frame.to_geo_deg(east, north)
    assert back_lat[0] == pytest.approx(lat, abs=1e-12)
    assert (back_lon[0] - near + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-11)


def test_zones_have_their_exceptions() -> None:
    assert zone_number(51.0, 71.35) == 42
    assert zone_number(60.0, 5.0) == 32  # Bergen
    assert zone_number(78.0, 15.0) == 33  # Svalbard
    assert zone_number(10.0, 180.0) == 1
    assert UtmFrame.around(-33.9, 151.2).epsg == 32756
