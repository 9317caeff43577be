"""GeoJSON that is read without GDAL says what GDAL says; what is in doubt is left to GDAL."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.adapters.geojson_zones import read_zones, read_zones_told, write_zones
from geo.adapters.plain_geojson import plain_rows
from geo.adapters.zone_tables import read_table
from geo.zones import Zone
from tests.persistence import strategies

SQUARE = [[71.0, 51.0], [71.1, 51.0], [71.1, 51.1], [71.0, 51.1], [71.0, 51.0]]
SHAPE = {"type": "Polygon", "coordinates": [SQUARE]}
FEATURE: dict[str, Any] = {"type": "Feature", "geometry": SHAPE, "properties": {"Name": "yard"}}


def a_file(folder: Path, document: object) -> Path:
    path = folder / "zones.geojson"
    path.write_text(json.dumps(document))
    return path


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(zones=st.lists(strategies.zones(), min_size=1, max_size=3))
def test_both_ways_of_reading_give_the_same_zones(tmp_path: Path, zones: list[Zone]) -> None:
    path = tmp_path / "zones.geojson"
    write_zones(path, zones)
    plain = plain_rows(path)
    assert plain is not None
    by_gdal = read_table(path, geojson=True)
    assert len(plain) == len(by_gdal)
    for ours, theirs in zip(plain, by_gdal, strict=True):
        assert ours["geometry"].normalize().equals_exact(theirs["geometry"].normalize(), 0.0)
        # GDAL turns empty lists, nothing and lists of words into whatever its column is
        said = {name: value for name, value in ours.items() if isinstance(value, str)}
        assert {name: theirs[name] for name in said} == said


@pytest.mark.parametrize(
    "document",
    [SHAPE, FEATURE, [FEATURE], {"type": "FeatureCollection", "features": [FEATURE]},
     {"type": "FeatureCollection", "features": [FEATURE], "crs": {"type": "name", "properties": {
         "name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}}],
)  # fmt: skip
def test_each_form_of_geojson_is_read(tmp_path: Path, document: object) -> None:
    path = a_file(tmp_path, document)
    assert plain_rows(path) is not None
    (zone,) = read_zones(path)
    assert zone.area.bounds == (71.0, 51.0, 71.1, 51.1)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "FeatureCollection", "features": [FEATURE], "crs": {"type": "name", "properties": {
            "name": "urn:ogc:def:crs:EPSG::32642"}}},
        {"type": "Topology", "objects": {}},
        {**FEATURE, "geometry": {"type": "Polygon", "coordinates": [[["a", "b"]]]}},
        {**FEATURE, "type": "Future"},
        7,
        "zones",
        {"features": [FEATURE]},
    ],
)  # fmt: skip
def test_what_is_in_doubt_is_left_to_gdal(tmp_path: Path, document: object) -> None:
    assert plain_rows(a_file(tmp_path, document)) is None


def test_an_id_of_a_feature_is_its_zones(tmp_path: Path) -> None:
    document = [{**FEATURE, "id": "yard-1"}, {**FEATURE, "id": 4}]
    first, second = read_zones(a_file(tmp_path, document))
    assert first.zone_id == "yard-1"
    assert second.zone_id.startswith("zone-")  # a place in some table is no name


def test_properties_that_mean_nothing_are_named(tmp_path: Path) -> None:
    words = {"kind": "exclusion", "Max_Height": 40, "description": "a yard", "stroke": "#fff",
             "circle": None, "colour": None, "version": 2}  # fmt: skip
    read = read_zones_told(a_file(tmp_path, {**FEATURE, "properties": words}))
    assert len(read.zones) == 1
    assert read.ignored == ("max_height",)
