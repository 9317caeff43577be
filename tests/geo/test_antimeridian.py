"""Borders across the 180th meridian are refused for what they are, whoever reads them."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from shapely.geometry import mapping

from core.errors import AreaInvalid, ZoneInvalid
from geo.antimeridian import edge_across
from geo.area_reading import area_of_document
from tests.builders import a_zone

TURNED = Polygon(
    [(179.9963, 65.9994), (179.9944, 66.002), (-179.9978, 66.003), (-179.9953, 66.0005)]
)
UPRIGHT = Polygon([(179.9, 66.0), (-179.9, 66.0), (-179.9, 66.1), (179.9, 66.1)])
"""As it stands a valid band around the whole globe, of everything that wasn't drawn."""


@pytest.mark.parametrize("shape", [TURNED, UPRIGHT])
def test_an_area_across_it_is_refused_with_place_and_cure(shape):
    with pytest.raises(AreaInvalid, match="crosses the 180th meridian between longitude") as caught:
        area_of_document(mapping(shape), "field")
    assert "179.9" in str(caught.value)
    assert "latitude 66" in str(caught.value)
    assert "an area of its own" in caught.value.cure


@pytest.mark.parametrize("shape", [TURNED, UPRIGHT])
def test_a_zone_across_it_is_refused_with_place_and_cure(shape):
    with pytest.raises(ZoneInvalid, match="crosses the 180th meridian between longitude") as caught:
        a_zone(area=shape)
    assert "part on either side" in caught.value.cure


def test_an_area_cut_there_is_refused_and_its_cure_is_not_to_cut_it_there():
    cut = MultiPolygon([box(179.99, 66.0, 180.0, 66.01), box(-180.0, 66.0, -179.99, 66.01)])
    with pytest.raises(AreaInvalid, match="both sides of the 180th meridian") as caught:
        area_of_document(mapping(cut), "field")
    assert "an area of its own" in caught.value.cure
    for part in cut.geoms:
        assert area_of_document(mapping(part), "field").equals(part)


def test_places_all_over_the_globe_are_told_apart_from_those():
    far = MultiPolygon([box(-120, 40, -119.9, 40.1), box(10, 40, 10.1, 40.1), box(100, 5, 101, 6)])
    with pytest.raises(AreaInvalid, match="reaches around the globe"):
        area_of_document(mapping(far), "field")


def test_a_zone_cut_there_and_one_of_the_whole_world_are_zones():
    cut = MultiPolygon([box(179.99, 66.0, 180.0, 66.01), box(-180.0, 66.0, -179.99, 66.01)])
    assert a_zone(area=cut).area.equals(cut)
    world = box(-180, -90, 180, 90)
    assert a_zone(area=world).area.equals(world)


@given(st.floats(-179.99, 179.99), st.floats(0.001, 5.0), st.floats(-80, 80))
def test_what_is_moved_over_it_is_found_and_nothing_else_is(lon, width, lat):
    ring = [(lon, lat), (lon + width, lat), (lon + width, lat + 1.0), (lon, lat + 1.0)]
    wrapped = Polygon([(x - 360.0 if x > 180.0 else x, y) for x, y in ring])
    assert (edge_across(wrapped) is not None) == (lon + width > 180.0)


def test_a_hole_across_it_is_found():
    hole = Polygon(shapely.box(-180, -80, 180, 80).exterior, [UPRIGHT.exterior.coords])
    assert edge_across(hole) is not None
