"""Borders that touch within rounding are made whole; those that cross are not."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, affinity

from core.errors import AreaInvalid
from geo.area_mending import joined, mended, touching
from geo.area_reading import area_of_document
from geo.zones import to_geographic, to_local
from tests.builders import AT

FIELD = shapely.box(0, 0, 200, 100)


def there(area):
    """An area of metres in longitude and latitude about Kosshy."""
    return to_geographic(area, AT)


def here(area):
    return to_local(area, AT)


def with_hole(*corners, shell=FIELD):
    return Polygon(shell.exterior.coords, [corners])


@pytest.mark.parametrize("over_m", [0.0, 1e-6, 0.001, 0.009])
@pytest.mark.parametrize("edge", [True, False])
def test_a_hole_that_touches_the_border_within_rounding_is_a_bay(over_m, edge):
    top = 100 + over_m
    corners = [(50, 40), (90, 40), (90, top), (50, top if edge else 60)]
    area = there(with_hole(*corners))
    whole = mended(area)
    assert whole.is_valid
    wanted = FIELD.difference(Polygon(corners))
    assert here(whole).symmetric_difference(wanted).buffer(-0.006).is_empty
    assert here(whole).hausdorff_distance(wanted) < 0.011


@pytest.mark.parametrize(
    "area",
    [
        with_hole((50, 40), (90, 40), (90, 100.03), (50, 100.03)),  # sticks out
        with_hole((300, 40), (390, 40), (390, 60)),  # lies elsewhere
        Polygon([(0, 0), (100, 100), (100, 0), (0, 100)]),  # a bow tie
        Polygon([(0, 0), (60, 0.1), (60, 0), (40, 0.1), (100, 50), (0, 50)]),  # a small one
        MultiPolygon([FIELD, shapely.box(150, 50, 300, 90)]),  # overlap
        Polygon(FIELD.exterior.coords, [
            shapely.box(10, 10, 50, 50).exterior.coords,
            shapely.box(40, 20, 80, 60).exterior.coords,
        ]),  # holes that overlap
    ],
)  # fmt: skip
def test_what_really_crosses_stays_as_it_is(area):
    given_ = there(area)
    assert mended(given_) is given_
    assert not mended(given_).is_valid


def test_two_holes_that_touch_are_one_and_two_parts_that_share_an_edge_are_one():
    holes = [shapely.box(10, 10, 50, 50.001), shapely.box(50, 10, 90, 50)]
    area = Polygon(FIELD.exterior.coords, [hole.exterior.coords for hole in holes])
    whole = mended(there(area))
    assert whole.is_valid
    assert len(whole.interiors) == 1
    halves = MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(99.999, 0, 200, 100)])
    assert mended(there(halves)).geom_type == "Polygon"


def test_a_hole_across_the_whole_field_leaves_two_parts():
    area = with_hole((90, 0), (110, -0.001), (110, 100.002), (90, 100))
    whole = mended(there(area))
    assert whole.geom_type == "MultiPolygon"
    assert len(whole.geoms) == 2


def test_what_can_not_be_measured_is_left_alone():
    for area in (Polygon(), Polygon([(0, 0), (300, 0), (0, 300), (300, 300)])):
        assert mended(area) is area


@given(st.floats(0, 3), st.floats(-0.008, 0.008), st.integers(3, 9), st.integers(2, 4))
def test_parcels_of_a_field_are_the_field(turn, gap_m, columns, rows):
    field = shapely.box(0, 0, columns * 40, rows * 30)
    parcels = [
        shapely.box(x * 40, y * 30, x * 40 + 40 + (gap_m if x + 1 < columns else 0), y * 30 + 30)
        for x in range(columns)
        for y in range(rows)
    ]
    turned = [affinity.rotate(parcel, turn, (0, 0), use_radians=True) for parcel in parcels]
    whole = joined(turned)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors
    assert len(whole.exterior.coords) == 5 or abs(gap_m) > 1e-6
    wanted = affinity.rotate(field, turn, (0, 0), use_radians=True)
    assert whole.hausdorff_distance(wanted) < 0.01 + 1e-6
    assert wanted.buffer(1e-5).covers(whole) or abs(gap_m) > 1e-6


def test_neighbours_without_common_corners_are_one_and_real_corners_stay():
    wide, narrow = shapely.box(0, 0, 100, 50), shapely.box(20, 50, 60, 90)
    whole = joined([wide, narrow])
    assert whole.equals(shapely.union(wide, narrow))
    assert len(whole.exterior.coords) == 9
    assert touching([wide, narrow]) == [(0, 1)]
    assert touching([wide, affinity.translate(narrow, 0, 0.02)]) == []


def a_collection(*areas):
    features = [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(there(area))}
        for area in areas
    ]
    return {"type": "FeatureCollection", "features": features}


def test_a_document_of_neighbours_is_one_area_and_of_others_is_several():
    left, right = shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)
    one = area_of_document(a_collection(left, right), "f")
    assert one.geom_type == "Polygon"
    assert here(one).hausdorff_distance(FIELD) < 1e-4
    far = affinity.translate(right, 30)
    several = area_of_document(a_collection(left, far), "f")
    assert several.geom_type == "MultiPolygon"
    exact = {
        tuple(map(tuple, np.round(shapely.get_coordinates(there(p)), 15))) for p in (left, far)
    }
    assert {
        tuple(map(tuple, np.round(shapely.get_coordinates(p), 15))) for p in several.geoms
    } == exact


def test_a_real_crossing_is_refused_with_its_place():
    sticking = with_hole((50, 40), (90, 40), (90, 101), (50, 101))
    with pytest.raises(AreaInvalid, match=r"Self-intersection\[71\.\d+ 50\.\d+\]"):
        area_of_document(a_collection(sticking), "f")
    touching_one = with_hole((50, 40), (90, 40), (90, 100.004), (50, 100.004))
    assert area_of_document(a_collection(touching_one), "f").is_valid
