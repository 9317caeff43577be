"""What lies by everything else only with swapped coordinates, and what is merely far away."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.swapped import Box, beyond_a_pole, box_at, box_of_document, swapped_among

KOSSHY = box_at(50.97, 71.35)
NEAR = box_at(51.1, 71.5)
MIRROR = box_at(71.35, 50.97)
BERLIN = box_at(52.5, 13.4)


def test_one_that_swapping_brings_to_the_rest_is_named() -> None:
    assert swapped_among([MIRROR], [KOSSHY]) == 0
    assert swapped_among([KOSSHY, NEAR, MIRROR]) == 2
    assert swapped_among([MIRROR, KOSSHY, NEAR]) == 0
    assert swapped_among([box_at(71.5, 51.1), MIRROR], [KOSSHY]) in (0, 1)  # all of them


def test_another_city_is_no_fault() -> None:
    assert swapped_among([BERLIN], [KOSSHY]) is None
    assert swapped_among([BERLIN, KOSSHY]) is None
    assert swapped_among([BERLIN], [BERLIN, KOSSHY]) is None
    assert swapped_among([MIRROR], [MIRROR, KOSSHY]) is None  # there is something there
    assert swapped_among([MIRROR]) is None  # nothing is known
    assert swapped_among([]) is None


def test_a_box_that_reaches_over_both_is_near_both() -> None:
    country: Box = (46.5, 40.5, 87.4, 55.5)
    assert swapped_among([country], [KOSSHY]) is None
    assert swapped_among([KOSSHY], [country]) is None


place = st.builds(box_at, st.floats(30, 60), st.floats(65, 85))


@given(
    place, st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)), min_size=2, max_size=9)
)
def test_whichever_of_a_city_is_swapped_is_found(
    middle: Box, shifts: list[tuple[float, float]]
) -> None:
    lon, lat, *_ = middle
    boxes = [box_at(lat + dy, lon + dx) for dx, dy in shifts]
    assert swapped_among(boxes) is None
    if abs(lon - lat) < 5:
        return
    for number, (x, y, *_) in enumerate(boxes):
        mixed = [*boxes]
        mixed[number] = box_at(x, y)
        found = swapped_among(mixed)
        assert found == number or len(boxes) == 2


def test_the_smaller_group_is_the_swapped_one_in_any_order() -> None:
    right = {KOSSHY, NEAR, box_at(50.9, 71.4)}
    for boxes in permutations([*right, MIRROR, box_at(71.4, 51.0)]):
        found = swapped_among(boxes)
        assert found is not None
        assert boxes[found] not in right


@pytest.mark.parametrize(
    ("lon", "lat", "said"),
    [(50.0, 120.0, True), (120.0, 50.0, False), (120.0, 120.0, False), (10.0, 500.0, False)],
)
def test_a_latitude_beyond_a_pole_is_a_longitude(lon: float, lat: float, said: bool) -> None:
    assert beyond_a_pole(lon, lat) is said


def test_the_box_of_a_document() -> None:
    line = {"type": "LineString", "coordinates": [[71.1, 50.9], [71.3, 51.0, 300.0]]}
    document = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": line}]}
    assert box_of_document(document) == (71.1, 50.9, 71.3, 51.0)
    assert box_of_document({"type": "FeatureCollection", "features": []}) is None
