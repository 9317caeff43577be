"""Zones' edges are straight in longitude and latitude, also where that is a curve in metres."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from geo.area_mending import mended
from geo.flight_room import FlightRoom
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, ZoneKind, all_to_local, corners_to_local, to_local
from tests.builders import AT, a_square
from tests.missions.flying import a_fence

LONG = box(71.2, 50.98, 71.6, 51.1)
"""28 by 13 km."""
IN_DEGREES = st.floats(-0.3, 0.3)


def furthest_aside_m(area: Area, local: Area, frame: LocalFrame) -> float:
    """Returns how far a place on an edge of degrees lies from the border in metres at most."""
    corners = shapely.get_coordinates(area.exterior)  # type: ignore[union-attr]
    part = np.linspace(0.0, 1.0, 401)[None, :, None]
    places = (corners[:-1, None] + part * np.diff(corners, axis=0)[:, None]).reshape(-1, 2)
    points = shapely.points(*frame.to_en_m(places[:, 1], places[:, 0]))
    return float(shapely.distance(points, local.boundary).max())


@given(
    st.floats(-78, 78),
    st.floats(-170, 170),
    st.lists(st.tuples(IN_DEGREES, IN_DEGREES), min_size=3, max_size=3, unique=True),
    st.tuples(IN_DEGREES, IN_DEGREES),
)
def test_an_edge_of_any_length_follows_its_line_of_degrees(
    lat: float, lon: float, corners: list[tuple[float, float]], home: tuple[float, float]
) -> None:
    area = Polygon([(lon + east, lat + north) for east, north in corners])
    frame = LocalFrame(lat + home[0], lon + home[1])
    local = to_local(area, frame)
    assert furthest_aside_m(area, local, frame) < 0.0105
    kept = shapely.get_coordinates(corners_to_local(area, frame))
    assert set(map(tuple, kept)) <= set(map(tuple, shapely.get_coordinates(local)))


def test_without_points_in_between_the_border_would_be_metres_off() -> None:
    assert furthest_aside_m(LONG, corners_to_local(LONG, AT), AT) > 15.0


def test_ordinary_zones_keep_their_corners_alone() -> None:
    area = MultiPolygon([a_square(half_m=250), a_square(2_000, 0, 250)])
    assert len(shapely.get_coordinates(to_local(area.geoms[0], AT))) == 5
    hole = Polygon(a_square(half_m=300).exterior, [a_square(half_m=20).exterior])  # type: ignore[union-attr]
    assert len(shapely.get_coordinates(to_local(hole, AT))) == 10


def test_holes_and_parts_keep_their_places() -> None:
    holed = Polygon(LONG.exterior, [box(71.3, 51.0, 71.5, 51.05).exterior])
    whole = MultiPolygon([holed, box(71.7, 50.9, 72.0, 51.1)])
    local = to_local(whole, AT)
    assert [len(part.interiors) for part in local.geoms] == [1, 0]  # type: ignore[union-attr]
    assert local.is_valid
    holed_only = to_local(holed, AT)
    for ring in (holed.exterior, holed.interiors[0]):
        assert furthest_aside_m(Polygon(ring), holed_only, AT) < 0.0105


def test_a_border_that_crosses_itself_stays_one() -> None:
    bow_tie = Polygon([(71.0, 51.0), (71.4, 51.2), (71.4, 51.0), (71.0, 51.2)])
    local = to_local(bow_tie, AT)
    assert not local.is_valid
    assert local.geom_type == "Polygon"


def test_many_areas_are_what_each_is_alone() -> None:
    areas: list[Area] = [a_square(), LONG, MultiPolygon([LONG]), a_square(500, 0)]
    for many, alone in zip(all_to_local(areas, AT), (to_local(a, AT) for a in areas), strict=True):
        assert many.equals_exact(alone, 0.0)
    assert all_to_local([], AT) == []


def test_an_area_of_a_whole_country_does_not_take_for_ever() -> None:
    local = to_local(box(46.0, 40.0, 87.0, 55.0), AT)
    assert len(shapely.get_coordinates(local)) < 40_001
    assert local.is_valid


@pytest.mark.parametrize(
    ("kind", "inside_m"), [(ZoneKind.EXCLUSION, 11.0), (ZoneKind.INCLUSION, -11.0)]
)
def test_a_flight_room_knows_where_a_long_border_runs(kind: ZoneKind, inside_m: float) -> None:
    room = FlightRoom(
        [a_fence(area=LONG, kind=kind)], Position(50.979, 71.4, Altitude(350.0, Datum.GEOID))
    )
    north = room.frame.to_en1_m(50.98, 71.4)[1]
    assert room.limits[0].area.covers(shapely.Point(0.0, north + inside_m)) is (inside_m > 0)


def test_mending_adds_no_corners() -> None:
    touching = Polygon(LONG.exterior, [box(71.3, 50.9799999999, 71.5, 51.05).exterior])
    assert not touching.is_valid
    assert len(shapely.get_coordinates(mended(touching))) <= 10
