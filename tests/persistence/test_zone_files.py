import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas
import pytest
from hypothesis import HealthCheck, given, settings
from shapely import Polygon

from core.errors import (
    EnvironmentFault,
    SettingInvalid,
    SourceMissing,
    SourceUnreadable,
    ZoneInvalid,
)
from core.ids import ZoneId
from geo.adapters.geojson_zones import read_zones, read_zones_told, write_zones
from geo.positions import Altitude, Datum
from geo.zones import Circle, Purpose, Zone, ZoneKind
from tests.builders import NOW, a_square, a_zone, after
from tests.persistence import strategies

FORMATS = pytest.mark.parametrize("ending", ["geojson", "gpkg", "kml"])

SQUARE = [[71.0, 51.0], [71.1, 51.0], [71.1, 51.1], [71.0, 51.1], [71.0, 51.0]]
BOW_TIE = [[71.0, 51.0], [71.1, 51.1], [71.1, 51.0], [71.0, 51.1], [71.0, 51.0]]


def a_file(folder: Path, *features: dict[str, object]) -> Path:
    path = folder / "zones.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def a_feature(ring: list[list[float]] = SQUARE, **properties: Any) -> dict[str, object]:
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def same(one: Zone, other: Zone) -> None:
    """Equal but for the direction and start of rings, 0.1 mm, and a KML's 15 digits."""
    assert one.area.normalize().equals_exact(other.area.normalize(), 1e-9)
    for limit, wanted in ((one.floor, other.floor), (one.ceiling, other.ceiling)):
        if limit is not None and wanted is not None:
            assert limit.metres == pytest.approx(wanted.metres, rel=1e-13)
            assert limit.datum == wanted.datum
        else:
            assert limit == wanted
    assert replace(one, area=other.area, floor=other.floor, ceiling=other.ceiling) == other


@FORMATS
def test_a_zone_with_everything_comes_back(tmp_path: Path, ending: str) -> None:
    zone = a_zone(
        name="Қосшы, орталық",
        purposes=frozenset(Purpose),
        kind=ZoneKind.EXCLUSION,
        area=a_square().difference(a_square(half_m=10)),
        floor=Altitude(10.5, Datum.HOME),
        ceiling=Altitude(120.25, Datum.GROUND),
        active=False,
        owner="police",
        reason="market day",
        version=7,
        changed_at=NOW.replace(microsecond=123_456),
    )
    plain = a_zone(zone_id=ZoneId("zone-2"), rules=(), area=a_square(500))
    path = tmp_path / f"zones.{ending}"
    write_zones(path, [zone, plain])
    again = read_zones(path)
    assert len(again) == 2
    for one, other in zip(again, (zone, plain), strict=True):
        same(one, other)
    write_zones(path, [plain])  # replaced whole
    assert len(read_zones(path)) == 1
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@FORMATS
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(zone=strategies.zones())
def test_any_zone_comes_back(tmp_path: Path, ending: str, zone: Zone) -> None:
    zone = replace(zone, name=zone.name.strip(), reason=zone.reason.strip())
    path = tmp_path / f"zones.{ending}"
    write_zones(path, [zone])
    (again,) = read_zones(path)
    same(again, zone)


EVENT = "DTSTART;TZID=Asia/Almaty:20260504T080000\nRRULE:FREQ=WEEKLY;BYDAY=MO\nDURATION:PT1H"


@pytest.mark.parametrize("name", ["active", "windows"])
@pytest.mark.parametrize(
    ("times", "count"),
    [
        ([["2026-05-04T08:00+05:00", "2026-05-04T09:00+05:00"]], 1),
        (["2026-05-04T08:00+05:00", "2026-05-04T09:00+05:00"], 1),
        ([["2026-05-04T03:00Z", "2026-05-04T04:00Z"], ["2026-06-04T03:00Z", None]], 2),
        (EVENT, 1),
        ([EVENT], 1),
        ({"from": "2026-05-04T03:00:00Z", "to": "2026-05-04T04:00:00Z"}, 1),
    ],
)
def test_times_come_as_pairs_and_as_icalendar(
    tmp_path: Path, name: str, times: Any, count: int
) -> None:
    (zone,) = read_zones(a_file(tmp_path, a_feature(**{name: times})))
    assert len(zone.windows) == count
    start = datetime(2026, 5, 4, 3, tzinfo=UTC)
    assert zone.in_force(start)
    assert not zone.in_force(start - timedelta(seconds=1))
    assert not zone.in_force(start + timedelta(hours=1))


@pytest.mark.parametrize(
    ("properties", "said", "cure"),
    [
        ({"active": ["2026-05-04", "2026-05-05"]}, "several instants", "tzid"),
        ({"windows": [["2026-05-04T08:00Z", "2026-05-04T07:00Z"]]}, "before", "earlier"),
        ({"active": "DTSTART:20260504T030000Z\nRRULE:FREQ=DAILY"}, "no length", "add one"),
        ({"ceiling_m": 120}, "without a datum", "AGL"),
        ({"ceiling_m": 120, "datum": "sea"}, "no datum", "AGL"),
        ({"ceiling_m": "high", "datum": "AGL"}, "no number", "a number"),
        ({"kind": "forbidden"}, "kind is 'forbidden'", "exclusion"),
        ({"purpose": "fly"}, "purpose is 'fly'", "watch"),
        ({"stage": "done"}, "stage is 'done'", "draft"),
        ({"floor_m": 50, "ceiling_m": 40, "datum": "AGL"}, "not below", "less than"),
    ],
)
def test_what_is_wrong_with_a_zone_comes_with_its_cure(
    tmp_path: Path, properties: dict[str, Any], said: str, cure: str
) -> None:
    with pytest.raises(ZoneInvalid) as caught:
        read_zones(a_file(tmp_path, a_feature(name="Yard", **properties)))
    assert said in caught.value.message
    assert cure in caught.value.cure
    assert "row 1 (Yard)" in caught.value.where


@pytest.mark.parametrize("datum", [{}, {"datum": None}, {"datum": " "}])
def test_only_what_lacks_its_datum_is_assumed_and_told(
    tmp_path: Path, datum: dict[str, Any]
) -> None:
    features = [
        a_feature(name="bare", floor_m=10, ceiling_m=120, **datum),
        a_feature(name="half", floor_m=400, ceiling_m=120, floor_datum="AMSL", **datum),
        a_feature(name="said", ceiling_m=50, datum="AMSL"),
        a_feature(name="all heights", **datum),
    ]
    read = read_zones_told(a_file(tmp_path, *features), default_datum=Datum.GROUND)
    assert [zone.name for zone in read.without_datum] == ["bare", "half"]
    bare, half, said, whole = read.zones
    assert (bare.floor, bare.ceiling) == (
        Altitude(10, Datum.GROUND),
        Altitude(120, Datum.GROUND),
    )
    assert (half.floor, half.ceiling) == (
        Altitude(400, Datum.GEOID),
        Altitude(120, Datum.GROUND),
    )
    assert said.ceiling == Altitude(50, Datum.GEOID)
    assert (whole.floor, whole.ceiling) == (None, None)


def test_a_ring_that_does_not_close_is_closed(tmp_path: Path) -> None:
    (zone,) = read_zones(a_file(tmp_path, a_feature(SQUARE[:-1])))
    assert zone.area.equals(Polygon(SQUARE))


@FORMATS
def test_no_zones_come_back_as_none(tmp_path: Path, ending: str) -> None:
    write_zones(tmp_path / f"zones.{ending}", [])
    assert read_zones(tmp_path / f"zones.{ending}") == ()


def test_the_file_is_as_the_api_has_it(tmp_path: Path) -> None:
    write_zones(tmp_path / "zones.geojson", [a_zone()])
    collection = json.loads((tmp_path / "zones.geojson").read_text())
    assert "crs" not in collection
    (feature,) = collection["features"]
    assert feature["id"] == "zone-1"
    assert feature["properties"]["purpose"] == ["watch"]
    assert feature["properties"]["rules"] == ["vehicle_stopped", "waste_heap"]
    assert feature["properties"]["active"] is True
    assert feature["properties"]["floor_m"] is None


def test_a_bare_polygon_is_a_flight_zone_that_stays_the_same(tmp_path: Path) -> None:
    path = a_file(tmp_path, a_feature(name="Field"))
    (zone,) = read_zones(path)
    assert zone.purposes == {Purpose.FLIGHT}
    assert (zone.kind, zone.active, zone.version) == (ZoneKind.INCLUSION, True, 1)
    assert read_zones(path)[0].zone_id == zone.zone_id
    assert zone.zone_id.startswith("zone-")


def test_another_coordinate_system_is_converted(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[Polygon(SQUARE)], crs=4326)
    frame.to_crs(32642).to_file(tmp_path / "utm.gpkg", driver="GPKG")
    (zone,) = read_zones(tmp_path / "utm.gpkg")
    assert zone.area.equals_exact(Polygon(SQUARE), 1e-9)


def test_heights_of_corners_are_dropped(tmp_path: Path) -> None:
    path = a_file(tmp_path, a_feature([[*corner, 350.0] for corner in SQUARE]))
    assert not read_zones(path)[0].area.has_z


def test_a_border_that_crosses_itself_is_told_with_row_and_place(tmp_path: Path) -> None:
    path = a_file(tmp_path, a_feature(name="Good"), a_feature(BOW_TIE, name="Bow tie"))
    with pytest.raises(ZoneInvalid) as refused:
        read_zones(path)
    assert refused.value.where == f"{path}, row 2 (Bow tie)"
    assert "71.05 51.05" in refused.value.message
    assert refused.value.cure


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"purpose": ["parking"]}, "parking"),
        ({"kind": "outside"}, "outside"),
        ({"ceiling_m": 120}, "datum"),
        ({"ceiling_m": "high", "datum": "home"}, "high"),
        ({"active": "perhaps"}, "perhaps"),
        ({"changed_at": "yesterday"}, "yesterday"),
        ({"floor_m": 50, "ceiling_m": 40, "datum": "home"}, "floor"),
    ],
)
def test_a_property_that_makes_no_sense_is_told(
    tmp_path: Path, properties: dict[str, Any], said: str
) -> None:
    with pytest.raises(ZoneInvalid, match="row 1") as refused:
        read_zones(a_file(tmp_path, a_feature(**properties)))
    assert said in refused.value.message


def test_a_point_is_no_zone(tmp_path: Path) -> None:
    feature = {**a_feature(), "geometry": {"type": "Point", "coordinates": [71, 51]}}
    with pytest.raises(ZoneInvalid, match="Point"):
        read_zones(a_file(tmp_path, feature))
    with pytest.raises(ZoneInvalid, match="nothing"):
        read_zones(a_file(tmp_path, {**a_feature(), "geometry": None}))


@pytest.mark.parametrize("content", ["", "{", "<kml", '{"type": "FeatureCollection"'])
@pytest.mark.parametrize("ending", ["geojson", "kml", "gpkg", "txt"])
def test_what_is_no_such_file_is_told(tmp_path: Path, content: str, ending: str) -> None:
    path = tmp_path / f"zones.{ending}"
    path.write_text(content)
    with pytest.raises(SourceUnreadable, match="zones can be read"):
        read_zones(path)


def test_a_file_without_a_coordinate_system_is_refused(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[Polygon(SQUARE)])
    with pytest.warns(UserWarning, match="crs"):
        frame.to_file(tmp_path / "bare.gpkg", driver="GPKG")
    with pytest.raises(SourceUnreadable, match="coordinate system"):
        read_zones(tmp_path / "bare.gpkg")


def test_no_such_file_and_no_such_format(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        read_zones(tmp_path / "none.geojson")
    with pytest.raises(SettingInvalid, match=r"\.shp"):
        write_zones(tmp_path / "zones.shp", [a_zone()])
    with pytest.raises(SourceUnreadable, match="folder"):
        read_zones(tmp_path)
    with pytest.raises(SourceMissing, match="folder"):
        write_zones(tmp_path / "no" / "folder.geojson", [a_zone()])


@pytest.mark.parametrize("name", ["x.gpkg", "x.geojson", "x.kml"])
def test_a_place_that_takes_no_file_is_of_the_environment_and_named(name: str) -> None:
    with pytest.raises(EnvironmentFault) as refused:
        write_zones(Path("/proc") / name, [a_zone()])
    assert refused.value.where == f"/proc/{name}"
    assert ".zones-" not in str(refused.value)
    assert refused.value.cure


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_corner_that_is_no_number_is_told_without_a_warning(tmp_path: Path, number: str) -> None:
    path = a_file(tmp_path, a_feature())
    path.write_text(path.read_text().replace("71.1", number, 1))
    with pytest.raises((ZoneInvalid, SourceUnreadable)) as refused:
        read_zones(path)
    assert refused.value.cure


@pytest.mark.parametrize(
    ("words", "datum"), [("AGL", Datum.GROUND), ("amsl", Datum.GEOID), ("Home", Datum.HOME)]
)
def test_datums_are_read_as_aviation_writes_them(tmp_path: Path, words: str, datum: Datum) -> None:
    path = a_file(tmp_path, a_feature(ceiling_m=120, floor_m=20, datum=words, kind="Exclusion"))
    (zone,) = read_zones(path)
    assert (zone.floor, zone.ceiling) == (Altitude(20, datum), Altitude(120, datum))
    assert zone.kind is ZoneKind.EXCLUSION


@pytest.mark.parametrize(
    ("active", "before", "within"),
    [
        (True, True, True),
        ("always", True, True),
        (None, True, True),
        (False, False, False),
        ({"from": NOW.isoformat(), "to": after(60).isoformat()}, False, True),
        ([f"{NOW.isoformat()}/PT1M"], False, True),
        ([], False, False),
    ],
)
def test_active_is_a_switch_or_the_times(
    tmp_path: Path, active: Any, before: bool, within: bool
) -> None:
    (zone,) = read_zones(a_file(tmp_path, a_feature(active=active)))
    assert zone.in_force(after(-1)) is before
    assert zone.in_force(after(1)) is within


def test_a_point_with_a_radius_is_a_circle(tmp_path: Path) -> None:
    feature = a_feature(radius_m=250, kind="exclusion")
    feature["geometry"] = {"type": "Point", "coordinates": [71.4, 51.1]}
    (zone,) = read_zones(a_file(tmp_path, feature, a_feature()))[:1]
    assert zone.circle == Circle(51.1, 71.4, 250.0)
    assert zone.contains(51.1, 71.4)


@pytest.mark.parametrize("purpose", ["both", ["watch", "flight"], "flight, watch"])
def test_both_purposes_are_said_in_three_ways(tmp_path: Path, purpose: Any) -> None:
    (zone,) = read_zones(a_file(tmp_path, a_feature(purpose=purpose)))
    assert zone.purposes == frozenset(Purpose)


@pytest.mark.parametrize("whole", [False, True])
def test_a_bare_geometry_and_a_single_feature_are_read(tmp_path: Path, whole: bool) -> None:
    feature = a_feature()
    path = tmp_path / "one.geojson"
    path.write_text(json.dumps(feature if whole else feature["geometry"]))
    (zone,) = read_zones(path)
    assert zone.area.equals_exact(Polygon(SQUARE), 1e-12)


@pytest.mark.parametrize("slip", ["celing_m", "ceiling_ft", "flor_m", "purposes", "knd"])
def test_a_slip_in_the_name_of_a_limit_is_refused(tmp_path: Path, slip: str) -> None:
    path = a_file(tmp_path, a_feature(**{slip: 30}))
    with pytest.raises(ZoneInvalid, match=slip):
        read_zones(path)


def test_other_words_are_left_alone(tmp_path: Path) -> None:
    words = {"description": "yard", "floors": 5, "begin": "x", "style": "red", "area": 7}
    assert len(read_zones(a_file(tmp_path, a_feature(**words)))) == 1
