"""Polygons that stand for circles: on the safe side, and by no more than about 1 cm."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.circles import circle_area, circle_sides
from geo.local_frame import LocalFrame
from geo.zones import Circle, ZoneKind, to_local

RADII = st.floats(0.5, 500)
AT_DEG = (50.9754, 71.3549)


def reach_m(radius_m: float, kind: ZoneKind) -> tuple[float, float]:
    """Returns the least and the most distance of a circle's border from its centre."""
    area = circle_area(Circle(*AT_DEG, radius_m), kind)
    corners = shapely.get_coordinates(to_local(area, LocalFrame(*AT_DEG)))
    middles = (corners[1:] + corners[:-1]) / 2
    return float(np.hypot(*middles.T).min()), float(np.hypot(*corners.T).max())


@given(RADII)
def test_an_exclusion_lies_around_its_circle_closely(radius_m: float) -> None:
    least, most = reach_m(radius_m, ZoneKind.EXCLUSION)
    assert radius_m - 1e-6 <= least
    assert most <= radius_m + 0.0105


@given(RADII)
def test_an_inclusion_lies_in_its_circle_closely(radius_m: float) -> None:
    least, most = reach_m(radius_m, ZoneKind.INCLUSION)
    assert radius_m - 0.0105 <= least
    assert most <= radius_m + 1e-6


@pytest.mark.parametrize("radius_m", [2_000.0, 10_000.0])
def test_a_wide_circle_is_off_by_little_of_its_radius(radius_m: float) -> None:
    assert reach_m(radius_m, ZoneKind.EXCLUSION)[1] <= radius_m * 1.000035
    assert reach_m(radius_m, ZoneKind.INCLUSION)[0] >= radius_m * 0.999965


@given(st.floats(0, 1e6))
def test_the_number_of_edges_is_bounded_and_a_multiple_of_four(radius_m: float) -> None:
    sides = circle_sides(radius_m)
    assert 64 <= sides <= 512
    assert sides % 4 == 0
    assert sides == 512 or radius_m * (1 - math.cos(math.pi / sides)) <= 0.01
