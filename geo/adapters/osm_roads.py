"""Roads for cars from an OpenStreetMap extract, by the meaning of its tags.

What is read: `highway`, `maxspeed`, `oneway` (and `oneway:motor_vehicle`), `junction`,
`access` with its narrower kin, `area`, barriers on nodes, and turn restrictions over a node.
What is not: restrictions over a way or with a condition (counted, and told), times of day,
traffic lights, lanes. Streets are joined where they share a node and nowhere else.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import RoadsUnreadable, SourceMissing
from geo.adapters.osm_elements import Bounds, OsmElements, OsmRelation, OsmWay, Tags
from geo.adapters.osm_pbf import looks_like_pbf, read_pbf
from geo.adapters.osm_xml import looks_like_xml, read_xml
from geo.road_building import Ban, Street, build_roads, speed_m_s
from geo.road_graph import RoadGraph

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"

_NARROWER = ("motorcar", "motor_vehicle", "vehicle", "access")
"""The most particular key that is there decides."""
_CLOSED = frozenset({"no", "private", "agricultural", "forestry", "military", "emergency"})
_OPEN_BARRIERS = frozenset(
    {"entrance", "gate", "lift_gate", "swing_gate", "toll_booth", "border_control", "kerb",
     "cattle_grid", "height_restrictor", "sally_port", "no", "yes"}
)  # fmt: skip
"""Barriers that a car passes unless they say otherwise."""
_LONGEST_NAME = 200
_FORWARD, _BACKWARD = frozenset({"yes", "true", "1"}), frozenset({"-1", "reverse"})


@dataclass(frozen=True, slots=True)
class RoadImport:
    """The graph made of an extract, and what became of its parts."""

    graph: RoadGraph
    ways: int
    """Ways that a car may use."""
    bans: int
    """Turns that are not allowed."""
    left_out_edges: int
    """That the rest can't be reached from, or that can't be reached from the rest."""
    skipped: Mapping[str, int]
    """Restrictions and ways that could not be used, by reason."""


def read_roads(path: Path, bounds: Bounds | None = None) -> RoadImport:
    """Returns the routable roads of an OpenStreetMap extract.

    Args:
        path: a `.osm.pbf` or `.osm` file (the latter maybe packed); its content decides.
        bounds: only what lies inside; `None` takes all.

    Raises:
        SourceMissing: if there is no such file.
        RoadsUnreadable: if it is no such file, not whole, or holds no road for a car there.
    """
    elements = _elements(path)
    if bounds is not None:
        elements = _within(elements, bounds, path)
    skipped: Counter[str] = Counter()
    streets = [street for way in elements.ways for street in _streets(way, elements, skipped)]
    ways = {street.way for street in streets}
    bans = [ban for relation in elements.restrictions for ban in _bans(relation, ways, skipped)]
    try:
        built = build_roads(streets, bans, ATTRIBUTION)
    except ValueError as error:
        where = f"{path}{'' if bounds is None else ', in the box'}"
        raise RoadsUnreadable(
            f"holds no road that a car may use ({len(elements.ways)} highways seen)",
            where=where,
            cure="give an extract with roads (highway=...), complete with the nodes of its ways",
        ) from error
    return RoadImport(
        built.graph, len(ways), len(built.graph.banned), built.left_out, dict(skipped)
    )


def _elements(path: Path) -> OsmElements:
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise SourceMissing("no such file", where=str(path), cure="check the path") from None
    except IsADirectoryError:
        cure = "give one .osm.pbf or .osm file"
        raise RoadsUnreadable("is a folder", where=str(path), cure=cure) from None
    if looks_like_pbf(start):
        return read_pbf(path)
    if looks_like_xml(start):
        return read_xml(path)
    what = "is empty" if not start else "is neither a .osm.pbf nor a .osm file"
    raise RoadsUnreadable(
        what, where=str(path), cure="give an OpenStreetMap extract (see docs/guides/roads.md)"
    )


def _within(elements: OsmElements, bounds: Bounds, path: Path) -> OsmElements:
    west, south, east, north = bounds
    inside = {
        node: (lat, lon)
        for node, (lat, lon) in elements.places.items()
        if south <= lat <= north and west <= lon <= east
    }
    if elements.places and not inside:
        lats, lons = zip(*elements.places.values(), strict=True)
        has = f"{min(lons):.4f},{min(lats):.4f},{max(lons):.4f},{max(lats):.4f}"
        raise RoadsUnreadable(
            f"has no road in the box {west:g},{south:g},{east:g},{north:g}",
            where=str(path),
            cure=f"its roads lie in {has} (west, south, east, north)",
        )
    return OsmElements(inside, elements.barriers, elements.ways, elements.restrictions)


def _streets(way: OsmWay, elements: OsmElements, skipped: Counter[str]) -> Iterator[Street]:
    """Yields the pieces of a way: it is cut where a node is missing or can't be passed."""
    speed = _speed_m_s(way.tags)
    direction = _direction(way.tags)
    if speed is None:
        return
    if direction is None:
        skipped["one-way that changes with the hour"] += 1
        return
    corners: list[Hashable] = []
    places: list[tuple[float, float]] = []
    for number, node in enumerate(way.nodes):
        place = elements.places.get(node)
        shut = node in elements.barriers and _shut(elements.barriers[node])
        if place is not None:
            # one ends before a barrier and begins behind it: it is a corner for this side only
            corners.append((node, way.way_id, number, "before") if shut else node)
            places.append(place)
        if (place is None or shut) and len(corners) > 1:
            yield _street(way, corners, places, speed, direction)
        if place is None or shut:
            corners, places = [], []
        if shut and place is not None:
            corners, places = [(node, way.way_id, number, "behind")], [place]
    if len(corners) > 1:
        yield _street(way, corners, places, speed, direction)


def _street(
    way: OsmWay,
    corners: list[Hashable],
    places: list[tuple[float, float]],
    speed: float,
    direction: int,
) -> Street:
    step = -1 if direction < 0 else 1
    return Street(
        way.way_id,
        tuple(corners[::step]),
        tuple(places[::step]),
        speed,
        direction != 0,
        way.tags.get("name", "").strip()[:_LONGEST_NAME],
    )


def _speed_m_s(tags: Tags) -> float | None:
    if tags.get("area") == "yes" or tags.get("route") == "ferry":
        return None
    if next((tags[key] for key in _NARROWER if key in tags), "yes") in _CLOSED:
        return None
    return speed_m_s(tags.get("highway", ""), tags.get("maxspeed"))


def _direction(tags: Tags) -> int | None:
    """Returns 1 or -1 for one way along or against the drawing, 0 for both, else `None`."""
    keys = ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway")
    text = next((tags[key] for key in keys if key in tags), "").strip().lower()
    if text in _FORWARD:
        return 1
    if text in _BACKWARD:
        return -1
    if text == "reversible":
        return None
    round_about = tags.get("junction") in ("roundabout", "circular")
    implied = round_about or tags.get("highway") == "motorway"
    return 1 if implied and text != "no" else 0


def _shut(tags: Tags) -> bool:
    said = next((tags[key] for key in _NARROWER if key in tags), None)
    if said is not None:
        return said in _CLOSED
    return tags.get("barrier") not in _OPEN_BARRIERS


def _bans(relation: OsmRelation, ways: set[Hashable], skipped: Counter[str]) -> Iterator[Ban]:
    kind = next(
        (
            relation.tags[key]
            for key in ("restriction:motorcar", "restriction:motor_vehicle", "restriction")
            if key in relation.tags
        ),
        "",
    )
    if not kind.startswith(("no_", "only_")):
        skipped["restriction with a condition, or for other vehicles"] += 1
        return
    if "motorcar" in relation.tags.get("except", "").replace(" ", "").split(";"):
        return
    from_ways = [m.ref for m in relation.members if m.role == "from" and m.kind == "way"]
    to_ways = [m.ref for m in relation.members if m.role == "to" and m.kind == "way"]
    over = [m for m in relation.members if m.role == "via"]
    if len(over) != 1 or over[0].kind != "node" or not from_ways or not to_ways:
        skipped["restriction over a way, or without all of its parts"] += 1
        return
    known = [(a, b) for a in from_ways for b in to_ways if a in ways and b in ways]
    if not known:
        return  # it is about ways that no car uses, or that are outside
    for a, b in known:
        yield Ban(a, over[0].ref, b, only=kind.startswith("only_"))
