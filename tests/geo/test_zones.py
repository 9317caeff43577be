import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from core.errors import ZoneInvalid
from geo.positions import Altitude, Covariance, Datum, GroundPoint
from geo.zones import Purpose, to_geographic, to_local
from geo.zones import probability_inside as chance
from tests.builders import AT, a_point, a_square, a_zone


def test_a_zone_holds_its_inside_and_its_border_but_not_its_hole() -> None:
    ring = Polygon(
        [(71.0, 51.0), (71.1, 51.0), (71.1, 51.1), (71.0, 51.1)],
        [[(71.04, 51.04), (71.06, 51.04), (71.06, 51.06), (71.04, 51.06)]],
    )
    zone = a_zone(area=ring)
    assert zone.contains(51.02, 71.02)
    assert zone.contains(51.0, 71.05)
    assert not zone.contains(51.05, 71.05)
    assert not zone.contains(51.2, 71.05)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purposes": frozenset()}, "no purpose"),
        ({"area": Polygon()}, "no area"),
        ({"area": Polygon([(200, 51), (201, 51), (201, 52)])}, "no place on Earth"),
        (
            {
                "floor": Altitude(50, Datum.HOME),
                "ceiling": Altitude(50, Datum.HOME),
            },
            "floor is not below",
        ),
    ],
)
def test_a_zone_that_makes_no_sense_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ZoneInvalid, match=words):
        a_zone(**changes)


def test_a_border_that_crosses_itself_is_refused_with_the_place() -> None:
    bow_tie = Polygon([(71.0, 51.0), (71.2, 51.2), (71.2, 51.0), (71.0, 51.2)])
    with pytest.raises(ZoneInvalid, match=r"71\.1 51\.1") as caught:
        a_zone(area=bow_tie, name="Bow")
    assert caught.value.where == "zone Bow"
    assert caught.value.cure


def test_limits_of_different_datums_are_not_compared() -> None:
    zone = a_zone(floor=Altitude(400, Datum.GEOID), ceiling=Altitude(100, Datum.HOME))
    assert zone.purposes == {Purpose.WATCH}


def test_areas_come_back_from_the_local_frame() -> None:
    area = MultiPolygon([a_square(half_m=10), a_square(100, 0, 20)])
    assert to_geographic(to_local(area, AT), AT).equals_exact(area, 1e-9)
    assert to_local(area, AT).area == pytest.approx(400 + 1_600, rel=1e-4)


@pytest.mark.parametrize("sigma_m", [0.5, 3.0, 10.0])
@pytest.mark.parametrize("east_m", [-12.0, -5.0, 0.0, 2.0, 8.0])
def test_probability_by_a_straight_border_is_the_normal_distribution(
    sigma_m: float, east_m: float
) -> None:
    half = a_square(east_m=1_000, half_m=1_000)  # all that is east of the middle
    wanted = 0.5 * math.erfc(-east_m / sigma_m / math.sqrt(2))
    assert chance(half, a_point(east_m, 0, sigma_m)) == pytest.approx(wanted, abs=0.015)


@given(st.floats(-60, 60), st.floats(-60, 60), st.floats(0.5, 30), st.floats(0.5, 30))
def test_a_probability_and_its_complement_make_one(
    east: float, north: float, sigma_e: float, sigma_n: float
) -> None:
    lat, lon = AT.to_geo1_deg(east, north)
    point = GroundPoint(lat, lon, Covariance(sigma_e**2, sigma_n**2, 0.3 * sigma_e * sigma_n))
    inner, whole = a_square(half_m=40), a_square(half_m=400)
    outer = whole.difference(inner)
    assert chance(inner, point) + chance(outer, point) == pytest.approx(1.0, abs=0.01)
    assert chance(inner, point) == chance(inner, point)


def test_a_place_known_exactly_is_in_or_out() -> None:
    assert chance(a_square(), a_point(49, 0, 0)) == 1.0
    assert chance(a_square(), a_point(51, 0, 0)) == 0.0
