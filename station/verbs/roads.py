"""`qyran roads`: bring in the roads that cars drive on, ask for a way."""

from pathlib import Path
from typing import Annotated

import typer

from station.command import Run, verb
from station.road_network import ROADS_FILE, digest, load_roads, read_box, read_place
from station.wiring import read_road_extract, write_road_file

Box = Annotated[
    str | None, typer.Option("--bbox", metavar="W,S,E,N", help="Only this box, in degrees.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Where to write, instead of the data folder.")
]
From = Annotated[
    Path | None, typer.Option("--roads", help="Roads or extract, instead of the data folder's.")
]


@verb
def import_(
    call: Run,
    extract: Annotated[Path, typer.Argument(help="OpenStreetMap extract, .osm.pbf or .osm.")],
    bbox: Box = None,
    out: Out = None,
) -> None:
    """Bring roads in from an OpenStreetMap extract; former roads are replaced whole."""
    bounds = None if bbox is None else read_box(bbox)
    sha256 = digest(extract)
    read = read_road_extract(extract, bounds)
    target = out or call.settings.home / ROADS_FILE
    write_road_file(target, read.graph, source=extract.name, sha256=sha256)
    graph = read.graph
    two_way = graph.twin >= 0
    length_km = float(graph.length_m.sum() - graph.length_m[two_way].sum() / 2) / 1_000.0
    document = {
        "file": extract,
        "sha256": sha256,
        "roads": target,
        "ways": read.ways,
        "edges": len(graph),
        "crossings": graph.crossings,
        "length_km": round(length_km, 3),
        "banned_turns": read.bans,
        "left_out_edges": read.left_out_edges,
        "skipped": read.skipped,
        "bounds": graph.bounds_deg,
        "attribution": graph.attribution,
    }
    lines = [
        f"{extract}: {length_km:.1f} km of road, {graph.crossings} crossings, "
        f"{read.bans} banned turns; written to {target}",
        *(f"not used: {count} x {reason}" for reason, count in read.skipped.items()),
        graph.attribution,
    ]
    call.emit(document, "\n".join(lines))


@verb
def route(
    call: Run,
    start: Annotated[str, typer.Argument(metavar="FROM", help="LAT,LON, such as 50.97,71.35.")],
    goal: Annotated[str, typer.Argument(metavar="TO", help="LAT,LON, such as 50.97,71.35.")],
    roads: From = None,
) -> int:
    """Show the quickest way by road; exit code 1 where there is none."""
    graph = load_roads(roads or call.settings.home / ROADS_FILE)
    from_place, to_place = read_place(start, graph), read_place(goal, graph)
    ways = graph.to(*to_place)
    way = None if ways is None else ways.way_from(*from_place)
    document: dict[str, object] = {"from": start, "to": goal, "reached": way is not None}
    document["attribution"] = graph.attribution
    if way is None:
        ends = ((start, from_place), (goal, to_place))
        far = [text for text, place in ends if not graph.snap(*place)]
        reason = f"no road is near {' and '.join(far)}" if far else "no way leads there"
        call.emit(document | {"reason": reason}, reason)
        return 1
    document |= {
        "seconds": way.seconds,
        "distance_m": way.distance_m,
        "path": {"type": "LineString", "coordinates": [[lon, lat] for lat, lon in way.line]},
    }
    call.emit(document, f"{way.distance_m / 1000:.2f} km, {way.seconds / 60:.1f} min")
    return 0


RUNS = {"import": import_, "route": route}
