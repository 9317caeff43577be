"""GeoJSON, KML, waypoint files and waylines: what comes back is what went in, minus the losses."""

import io
import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PlanUnreadable
from core.ids import AssetId
from geo.positions import Altitude, Datum
from geo.zones import ZoneKind
from missions.formats.kml_plan import load_kml, save_kml, save_kmz
from missions.formats.losses import LOSS_CODES, moved
from missions.formats.plan_file import load_plan
from missions.formats.plan_geojson import load_geojson, save_geojson
from missions.formats.waypoint_file import load_waypoints, save_waypoints
from missions.formats.wpml_file import DJI_MODELS, save_wpml
from missions.formats.xml_reading import zipped
from missions.model import ItemKind, Mission, MissionItem, Plan, RallyPoint, Severity
from tests.builders import a_mission, a_place, a_plan, a_square
from tests.missions.flying import a_fence
from tests.missions.plan_strategies import any_plan, names
from tests.missions.test_plan_file import item_of, on_ground
from tests.missions.test_plan_file import positions as plan_positions

K = ItemKind
DRONE = AssetId("drone-1")
plain = st.text(
    st.characters(codec="ascii", categories=["L", "N", "P", "Z"]), min_size=1, max_size=9
)
plain = plain.map(str.strip).filter(bool)


@given(any_plan())
@settings(max_examples=35, deadline=None)
def test_geojson_carries_a_plan_exactly(plan: Plan) -> None:
    text, losses = save_geojson(plan)
    assert losses == ()
    assert load_geojson(text).plan == plan
    assert save_geojson(load_geojson(text).plan)[0] == text


@given(any_plan(plain))
@settings(max_examples=35, deadline=None)
def test_kml_carries_a_plan_exactly(plan: Plan) -> None:
    data, losses = save_kml(plan)
    assert losses == ()
    assert load_kml(data).plan == plan
    packed, _ = save_kmz(plan)
    assert packed == save_kmz(plan)[0]
    assert load_kml(packed).plan == plan


@given(any_plan(st.text(min_size=1, max_size=6)))
@settings(max_examples=40, deadline=None)
def test_kml_names_the_characters_that_it_can_not_hold(plan: Plan) -> None:
    data, losses = save_kml(plan)
    came = load_kml(data).plan
    assert came.mission.items == plan.mission.items
    assert [zone.area for zone in came.fences] == [zone.area for zone in plan.fences]
    if not losses:
        assert came == plan
    else:
        assert {loss.code for loss in losses} == {"zone_words_left_out"}


@given(st.lists(item_of(plan_positions) | item_of(on_ground), max_size=6).map(tuple))
@settings(max_examples=35, deadline=None)
def test_a_waypoint_file_carries_the_steps(wanted: tuple[MissionItem, ...]) -> None:
    plan = Plan(Mission(a_mission().mission_id, wanted), DRONE, a_plan().home, 7.0)
    text, losses = save_waypoints(plan)
    assert not moved(losses)
    loaded = load_waypoints(text, DRONE)
    assert loaded.plan.mission.items == wanted
    assert loaded.plan.home == plan.home
    assert not moved(loaded.losses)
    assert save_waypoints(loaded.plan)[0] == text


def test_a_waypoint_file_names_the_fence_and_rally_points_it_loses() -> None:
    plan = a_plan(fences=(a_fence(),), rally=(RallyPoint(a_place()),))
    assert {loss.code for loss in moved(save_waypoints(plan)[1])} == {
        "zone_not_carried", "rally_changed",
    }  # fmt: skip


MISSION_PLANNER = """QGC WPL 110
0\t1\t0\t16\t0\t0\t0\t0\t50.9754\t71.3549\t350.000000\t1
1\t0\t3\t22\t0.00000000\t0.00000000\t0.00000000\t0.00000000\t0.0\t0.0\t50.000000\t1
2\t0\t3\t16\t2.00000000\t0.00000000\t0.00000000\t0.00000000\t50.97640000\t71.35490000\t50.000000\t1
3\t0\t3\t201\t0\t0\t0\t0\t50.977\t71.356\t0\t1
4\t0\t3\t16\t0\t0\t0\t0\t50.9764\t71.3559\t50\t1
5\t0\t0\t177\t2\t1\t0\t0\t0\t0\t0\t1
6\t0\t0\t20\t0\t0\t0\t0\t0\t0\t0\t1
"""


def test_a_file_of_mission_planner_is_read() -> None:
    plan = load_waypoints(MISSION_PLANNER, DRONE)
    kinds = [item.kind for item in plan.plan.mission.items]
    assert kinds == [K.TAKEOFF, *[K.WAYPOINT] * 4, K.RETURN]
    assert plan.plan.home.altitude == Altitude(350.0, Datum.GEOID)
    assert plan.plan.mission.items[2].look_at == (50.977, 71.356)
    assert not moved(plan.losses)


def test_version_120_has_no_home() -> None:
    rows = MISSION_PLANNER.replace("110", "120").splitlines()
    text = "\n".join([rows[0], *rows[3:5]])
    plan = load_waypoints(text, DRONE)
    assert len(plan.plan.mission.items) == 1
    assert plan.plan.home.altitude == Altitude(0.0, Datum.HOME)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "QGC WPL"),
        ("QGC WPL 130\n", "version 130"),
        ("QGC WPL 110\n", "no steps"),
        (MISSION_PLANNER + "7\t0\t3\t16\n", "line 9: it has 4 columns"),
        (MISSION_PLANNER.replace("71.35490000", "x"), "line 4"),
        (MISSION_PLANNER.replace("50.97640000", "nan").replace("71.3549\t", "999\t"), "line 2"),
        (MISSION_PLANNER.replace("71.35490000", "1e400"), "line 4"),
        (MISSION_PLANNER.replace("\t16\t2.0", "\tnan\t2.0"), "line 4"),
    ],
)
def test_a_broken_waypoint_file_is_refused_with_its_line(text: str, names: str) -> None:
    with pytest.raises(PlanUnreadable, match=names) as caught:
        load_waypoints(text, DRONE, where="a.waypoints")
    assert caught.value.cure
    assert caught.value.where.startswith("a.waypoints")


WPML = "{http://www.dji.com/wpmz/1.0.6}"


def waylines(plan: Plan) -> ElementTree.Element:
    data, _ = save_wpml(plan)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["wpmz/template.kml", "wpmz/waylines.wpml"]
        ElementTree.fromstring(archive.read("wpmz/template.kml"))
        return ElementTree.fromstring(archive.read("wpmz/waylines.wpml"))


legs = st.builds(
    lambda place, hold: MissionItem(K.WAYPOINT, place, hold_s=hold),
    st.builds(a_place, st.floats(-900, 900), st.floats(-900, 900), st.floats(10, 120)),
    st.floats(0, 60),
)


@given(st.lists(legs, min_size=2, max_size=6), st.sampled_from([K.RETURN, None]))
@settings(max_examples=40, deadline=None)
def test_a_wayline_has_the_waypoints_of_the_plan(wanted: list[MissionItem], end: K | None) -> None:
    ends = [MissionItem(end)] if end else []
    items = (MissionItem(K.TAKEOFF, a_place(0, 0, 40)), *wanted, *ends)
    plan = a_plan(mission=a_mission(items=items), patrol_id=None, expected_s=0.0)
    data, losses = save_wpml(plan)
    assert not moved(losses)
    assert data == save_wpml(plan)[0]
    root = waylines(plan)
    kml = "{http://www.opengis.net/kml/2.2}"
    came = []
    for placemark in root.iter(f"{kml}Placemark"):
        lon, lat = placemark.findtext(f"{kml}Point/{kml}coordinates", "").split(",")
        up = float(placemark.findtext(f"{WPML}executeHeight", ""))
        hover = placemark.find(f".//{WPML}hoverTime")
        came.append((float(lat), float(lon), up, 0.0 if hover is None else float(hover.text or 0)))
    places = [(i.position, i.hold_s) for i in wanted]
    assert [c[:2] for c in came] == [(p.lat_deg, p.lon_deg) for p, _ in places if p]
    assert [c[2] for c in came] == pytest.approx([p.altitude.metres for p, _ in places if p])
    assert [c[3] for c in came] == pytest.approx([hold for _, hold in places])
    finish = "goHome" if end else "noAction"
    assert root.findtext(f".//{WPML}finishAction") == finish
    assert float(root.findtext(f".//{WPML}globalRTHHeight", "")) == 60.0


def test_a_wayline_says_what_the_camera_does_from_where_on() -> None:
    items = (
        MissionItem(K.TAKEOFF, a_place(0, 0, 40)),
        MissionItem(K.WAYPOINT, a_place(0, 50)),
        MissionItem(K.WAYPOINT, a_place(0, 90), 4.0, 0.0, -60.0, trigger_m=12.0),
        MissionItem(K.WAYPOINT, a_place(0, 120), look_at=(50.98, 71.36), trigger_m=0.0),
        MissionItem(K.LAND, a_place(0, 150, 0)),
    )
    root = waylines(a_plan(mission=a_mission(items=items)))
    speeds = [float(e.text or 0) for e in root.iter(f"{WPML}waypointSpeed")]
    assert speeds == [4.0, 4.0, 4.0, 4.0]  # set at the waypoint before
    starts = [e.text for e in root.iter(f"{WPML}actionGroupStartIndex")]
    ends = [e.text for e in root.iter(f"{WPML}actionGroupEndIndex")]
    assert list(zip(starts, ends, strict=True)) == [("0", "0"), ("0", "1")]
    assert root.findtext(f".//{WPML}gimbalPitchRotateAngle") == "-60"
    assert root.findtext(f".//{WPML}actionTriggerParam") == "12"
    modes = [e.text for e in root.iter(f"{WPML}waypointHeadingMode")]
    assert modes == ["followWayline", "towardPOI", "towardPOI", "towardPOI"]
    assert root.findtext(f".//{WPML}finishAction") == "autoLand"


def test_a_wayline_names_what_it_would_fly_otherwise() -> None:
    ground = replace(a_place(50, 50), altitude=Altitude(40.0, Datum.GROUND))
    items = (
        MissionItem(K.TAKEOFF, a_place()),
        MissionItem(K.LOITER, a_place(0, 50), loiter_radius_m=30.0),
        MissionItem(K.WAYPOINT, ground),
        MissionItem(K.RETURN),
    )
    plan = a_plan(mission=a_mission(items=items), fences=(a_fence(),))
    data, losses = save_wpml(plan, DJI_MODELS["m3td"])
    assert {loss.code for loss in moved(losses)} == {"movement_changed", "zone_not_carried"}
    assert {loss.item for loss in moved(losses) if loss.code == "movement_changed"} == {1, 2}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<wpml:droneEnumValue>91<" in archive.read("wpmz/waylines.wpml")
    with pytest.raises(PlanUnreadable, match="two waypoints"):
        save_wpml(a_plan(mission=a_mission(items=items[:2])))
    with pytest.raises(PlanUnreadable, match="two waypoints"):
        save_wpml(a_plan(mission=a_mission(items=())))


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">
<Document><Folder>
<Placemark><name>Двор</name><Polygon><outerBoundaryIs><LinearRing><coordinates>
 71.35,50.97,0 71.36,50.97,0 71.36,50.98,0 71.35,50.98,0 71.35,50.97,0
</coordinates></LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing><coordinates>
 71.352,50.972 71.353,50.972 71.353,50.973 71.352,50.972
</coordinates></LinearRing></innerBoundaryIs></Polygon></Placemark>
<Placemark><name>two</name><ExtendedData><Data name="kind"><value>exclusion</value></Data>
<Data name="ceiling_m"><value>80</value></Data><Data name="datum"><value>AGL</value></Data>
</ExtendedData><MultiGeometry>
<Polygon><outerBoundaryIs><LinearRing><coordinates>71.37,50.97 71.38,50.97 71.38,50.98 71.37,50.97
</coordinates></LinearRing></outerBoundaryIs></Polygon>
<Polygon><outerBoundaryIs><LinearRing><coordinates>71.39,50.97 71.4,50.97 71.4,50.98 71.39,50.97
</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark>
<Placemark><name>round</name><LineString><altitudeMode>absolute</altitudeMode><coordinates>
71.351,50.971,400 71.358,50.971,400 71.358,50.978,410</coordinates></LineString></Placemark>
<Placemark><name>pole</name><Point><coordinates>71.355,50.975</coordinates></Point></Placemark>
<NetworkLink><Link><href>http://127.0.0.1:1/more.kml</href></Link></NetworkLink>
</Folder></Document></kml>
"""


def test_drawn_polygons_become_zones_and_a_drawn_line_becomes_a_path() -> None:
    for data in (KML.encode(), zipped({"doc.kml": KML.encode(), "../../etc/x.png": b"x"})):
        loaded = load_kml(data, DRONE)
        yard, two = loaded.plan.fences
        assert (yard.name, yard.kind) == ("Двор", ZoneKind.INCLUSION)
        assert len(yard.area.interiors) == 1  # type: ignore[union-attr]
        assert (two.kind, len(two.area.geoms)) == (ZoneKind.EXCLUSION, 2)  # type: ignore[union-attr]
        assert two.ceiling == Altitude(80.0, Datum.GROUND)
        kinds = [item.kind for item in loaded.plan.mission.items]
        assert kinds == [K.TAKEOFF, K.WAYPOINT, K.WAYPOINT, K.RETURN]
        last = loaded.plan.mission.items[2].position
        assert last is not None
        assert last.altitude == Altitude(410.0, Datum.GEOID)
        read = [loss.message for loss in loaded.losses if loss.code == "not_read"]
        assert any("NetworkLink" in message for message in read)
        assert any("single points" in message for message in read)
        assert not moved(loaded.losses)


def test_a_line_on_the_ground_needs_a_height() -> None:
    flat = KML.replace("<altitudeMode>absolute</altitudeMode>", "").encode()
    with pytest.raises(PlanUnreadable, match="--height-m"):
        load_kml(flat, DRONE)
    first = load_kml(flat, DRONE, height_m=60.0).plan.mission.items[0].position
    assert first is not None
    assert first.altitude == Altitude(60.0, Datum.HOME)


def broken_kml(old: str, new: str) -> bytes:
    assert old in KML
    return KML.replace(old, new).encode()


BOMB = b"""<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<kml><Placemark><name>&b;</name></Placemark></kml>"""


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"", "XML"),
        (b"<kml>", "XML"),
        (b"<html/>", "root is <html>"),
        (b"<kml/>", "neither a path nor an area"),
        (BOMB, "document type"),
        (BOMB.decode().encode("utf-16"), "document type"),
        (b'<!DOCTYPE kml SYSTEM "file:///etc/passwd"><kml/>', "document type"),
        (b"<kml>" + b"<Folder>" * 5_000, "nested too deep"),
        (b"PK\x03\x04 no zip", "KMZ"),
        (zipped({"a.txt": b"x"}), "no .kml"),
        (zipped({"doc.kml": b"\0" * (65 * 1024 * 1024)}), "64 MiB"),
        (broken_kml("71.36,50.97,0", "71.36"), "no coordinate"),
        (broken_kml("71.36,50.97,0", "50.97,171.36,0"), "no place on Earth"),
        (broken_kml("71.36,50.97,0 71.36,50.98,0", "71.36,50.98,0 71.36,50.97,0"), "not valid"),
        (broken_kml("71.37,50.97 71.38,50.97 71.38,50.98", "71.37,50.97"), "three corners"),
        (broken_kml(">AGL<", ">deep<"), "'deep' is no datum"),
    ],
)
def test_bad_kml_is_refused_with_its_place(data: bytes, names: str) -> None:
    with pytest.raises(PlanUnreadable, match=names) as caught:
        load_kml(data, DRONE, where="a.kml")
    assert caught.value.cure
    assert caught.value.where.startswith("a.kml")


def test_drawn_geojson_is_read() -> None:
    line = {"type": "LineString", "coordinates": [[71.35, 50.97], [71.36, 50.98]]}
    square = json.loads(save_geojson(a_plan(fences=(a_fence(),)))[0])["features"][-1]["geometry"]
    drawn = {"type": "GeometryCollection", "geometries": [line, square]}
    for document in (drawn, {"type": "Feature", "properties": None, "geometry": drawn}):
        loaded = load_geojson(json.dumps(document), DRONE, height_m=50.0)
        assert len(loaded.plan.mission.items) == 3
        assert len(loaded.plan.fences) == 1
    with pytest.raises(PlanUnreadable, match="--height-m"):
        load_geojson(json.dumps(line), DRONE)


def broken_geojson(change: str) -> str:
    document = json.loads(save_geojson(a_plan(fences=(a_fence(),)))[0])
    home, path, first, *_, fence = document["features"]
    names = {"d": document, "home": home, "path": path, "item": first, "fence": fence}
    exec(change, names)  # each case is one change of the document
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "line 1"),
        ("[]", "not an object"),
        ("{}", "type"),
        ('{"type": "FeatureCollection"}', "features"),
        ('{"type": "FeatureCollection", "features": []}', "neither a path nor an area"),
        ('{"type": "FeatureCollection", "features": [1]}', "feature 0"),
        (broken_geojson("d['features'].remove(home)"), "no home"),
        (broken_geojson("item['properties']['kind'] = 'dance'"), "takeoff, waypoint"),
        (broken_geojson("del item['properties']['altitude_m']"), "altitude_m"),
        (broken_geojson("item['properties']['altitude_datum'] = 'x'"), "datum"),
        (broken_geojson("item['properties']['hold_s'] = 'long'"), "hold_s"),
        (broken_geojson("item['properties']['look_at'] = [1]"), "look_at"),
        (broken_geojson("item['geometry']['coordinates'] = [50, 171]"), "no place on Earth"),
        (broken_geojson("item['geometry']['type'] = 'Polygon'"), "not a Point"),
        (broken_geojson("fence['geometry']['coordinates'] = [[[1, 2]]]"), "area"),
        (broken_geojson("fence['properties']['kind'] = 'x'"), "kind"),
        (broken_geojson("fence['properties']['windows'] = [{}]"), "dtstart"),
        (broken_geojson("fence['properties']['active'] = 'maybe'"), "active"),
    ],
)
def test_bad_geojson_is_refused_with_its_place(text: str, names: str) -> None:
    with pytest.raises(PlanUnreadable, match=names) as caught:
        load_geojson(text, where="a.geojson")
    assert caught.value.cure
    assert caught.value.where.startswith("a.geojson")


def test_every_format_names_its_losses_by_a_known_code() -> None:
    for path in sorted((Path(__file__).parents[1] / "golden" / "plans").iterdir()):
        plan = load_plan(path.read_text(), DRONE).plan
        for save in (save_kml, save_waypoints, save_wpml):
            if len(plan.mission.items) > 3 or save is not save_wpml:
                losses = save(plan)[1]
                assert {loss.code for loss in losses} <= LOSS_CODES.keys()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
)


@given(any_plan(names), st.data())
@settings(max_examples=40, deadline=None)
def test_no_change_of_a_geojson_file_ends_in_a_fault_of_our_own(
    plan: Plan, data: st.DataObject
) -> None:
    document = json.loads(save_geojson(plan)[0])
    feature = data.draw(st.sampled_from(document["features"]))
    holder = data.draw(st.sampled_from([feature, feature["properties"], feature["geometry"] or {}]))
    if holder:
        holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(values)
    try:
        load_geojson(json.dumps(document))
    except PlanUnreadable:
        return


@given(st.binary(max_size=60), st.integers(0, len(KML) - 60))
@settings(max_examples=40, deadline=None)
def test_no_change_of_a_kml_file_ends_in_a_fault_of_our_own(junk: bytes, at: int) -> None:
    data = KML.encode()
    for text in (junk, data[:at] + junk + data[at + len(junk) :], data[:at]):
        try:
            load_kml(text, DRONE, height_m=math.nan if not junk else 50.0)
        except PlanUnreadable:
            continue


def test_a_fence_that_would_be_lost_is_an_error() -> None:
    losses = save_wpml(a_plan(fences=(a_fence(area=a_square()),)))[1]
    assert Severity.ERROR in {loss.severity for loss in losses}
