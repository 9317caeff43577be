"""Coverage of areas: path, turns, metres outside and time, beside four other planners.

    python benchmarks/coverage.py [--seed 101] [--each 28] [--heavy 20] [--roads FILE]
        [--peers PYTHON] [--alone] [--json FILE]

Four sets of polygons: concave ones without and with holes (about 0.1 to 0.5 km², swath 30 m),
city blocks of Helsinki (the faces between the streets of `--roads`, an .osm.gz or .osm.pbf;
by default the extract of the tests; swath 15 m), and parcels inside Kosshy's real border
(seeded Voronoi cells, some joined; swath 30 m). Polygons of 40 corners with 10 holes (about
0.3 km², swath 30 m) are planned for the time alone. Another seed gives other polygons: the planner
was made with seeds 0 to 9 and is to be judged with others.

"ratio" is path ÷ (area ÷ swath). Outside is measured against the polygon, covered with the
path's buffer of half a swath and flat ends. Times are of the process's own CPU, so that a
busy machine disturbs them less; they still grow on a shared core.

The peers: "QGC-style" re-creates QGroundControl's survey (angle 0, concave parts and holes
flown over; not its code); "best angle" is the shortest of 60 angles, clipped, greedily joined
by straight lines; trajgenpy and opencoverage run by the interpreter `--peers`, where they are
installed (`pip install trajgenpy opencoverage geojson`), else they are left out.

Exit code: 0 where the gates hold for our planner (0 m outside and 99.5 % covered on every
polygon, mean ratio at most 1.12, at most 2 s of one core for 40 corners and 10 holes), 1 where
one does not.
"""

import argparse
import gzip
import json
import math
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import LineString, MultiLineString, Polygon, affinity, box

from geo.area_reading import to_grid
from geo.sweep_path import cover, covered_fraction
from geo.sweep_time import turns_of
from geo.utm_frame import UtmFrame

ROOT = Path(__file__).resolve().parent.parent
ROADS = ROOT / "tests" / "golden" / "roads" / "helsinki-centre.osm.gz"
KOSSHY = ROOT / "station" / "data" / "kosshy.geojson"
RATIO_GATE, COVERED_GATE, MS_GATE = 1.12, 0.995, 2_000
Path_ = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Task:
    """One polygon to cover."""

    group: str
    polygon: Polygon
    swath_m: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one planner made of one polygon."""

    group: str
    ratio: float
    turns: int
    outside_m: float
    covered: float
    ms: float


def concave(draw: np.random.Generator, holes: int) -> Polygon:
    """Returns a star-shaped polygon with bays, and up to some holes."""
    count = int(draw.integers(6, 17))
    step = 2 * math.pi / count
    angle = np.arange(count) * step + draw.uniform(-0.35, 0.35, count) * step
    radius = draw.uniform(200, 330) * draw.uniform(0.6, 1.4, count)
    area = Polygon(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
    for _ in range(holes):
        x, y = draw.uniform(-150, 150, 2)
        w, h = draw.uniform(15, 60, 2)
        hole = affinity.rotate(box(x - w, y - h, x + w, y + h), draw.uniform(0, 90))
        left = area.difference(hole)
        area = left if isinstance(left, Polygon) else area
    return area


def parcels(draw: np.random.Generator, number: int) -> list[Polygon]:
    """Returns parcels inside Kosshy's border: Voronoi cells, every third joined to another."""
    features = json.loads(KOSSHY.read_text(encoding="utf-8"))["features"]
    border = shapely.from_geojson(json.dumps(features[0]["geometry"]))
    local = to_grid(border, UtmFrame.around(border.centroid.y, border.centroid.x))
    west, south, east, north = local.bounds
    seeds = shapely.multipoints(
        np.stack([draw.uniform(west, east, 500), draw.uniform(south, north, 500)], axis=1)
    )
    cells = [
        cell.intersection(local)
        for cell in shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=local))
        if cell.intersects(local)
    ]
    cells = [cell for cell in cells if isinstance(cell, Polygon) and cell.area > 40_000]
    found = []
    for k in draw.permutation(len(cells)):
        cell = cells[k]
        if len(found) % 3 == 2:
            beside = [c for c in cells if c is not cell and c.intersection(cell).length > 50]
            joined = cell.union(beside[0]) if beside else cell
            cell = joined if isinstance(joined, Polygon) else cell
        found.append(affinity.translate(cell, -cell.centroid.x, -cell.centroid.y))
        if len(found) == number:
            break
    return found


def blocks(roads: Path, draw: np.random.Generator, number: int) -> list[Polygon]:
    """Returns city blocks: faces between streets, half a street (6 m) smaller."""
    lines = _street_lines(roads)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(lines))))
    shrunk = [p for f in faces for p in shapely.get_parts(f.buffer(-6.0, join_style="mitre"))]
    fit = [p.simplify(0.5) for p in shrunk if 4_000 <= p.area <= 250_000]
    fit = [p for p in fit if isinstance(p, Polygon) and p.is_valid]
    chosen = draw.permutation(len(fit))[:number]
    return [affinity.translate(fit[k], -fit[k].centroid.x, -fit[k].centroid.y) for k in chosen]


def _street_lines(roads: Path) -> list[LineString]:
    if roads.suffix == ".pbf":
        import pyogrio

        table = pyogrio.read_dataframe(roads, layer="lines")
        lines = [line for line in table[table["highway"].notna()].geometry]
    else:
        with gzip.open(roads) as file:
            root = ElementTree.parse(file).getroot()
        places = {
            n.get("id"): (float(n.get("lon", 0)), float(n.get("lat", 0))) for n in root.iter("node")
        }
        lines = []
        for way in root.iter("way"):
            tags = {tag.get("k") for tag in way.iter("tag")}
            corners = [places[r] for nd in way.iter("nd") if (r := nd.get("ref")) in places]
            if "highway" in tags and len(corners) > 1:
                lines.append(LineString(corners))
    middle = shapely.MultiLineString(lines).centroid
    frame = UtmFrame.around(middle.y, middle.x)
    return [
        shapely.transform(line, lambda xy: np.stack(frame.to_en_m(xy[:, 1], xy[:, 0]), axis=1))
        for line in lines
    ]


def tasks(seed: int, each: int, roads: Path) -> list[Task]:
    """Returns the polygons of all sets."""
    draw = np.random.default_rng(seed)
    found = [Task("concave", concave(draw, 0), 30.0) for _ in range(each)]
    found += [Task("holes", concave(draw, int(draw.integers(1, 6))), 30.0) for _ in range(each)]
    if roads.is_file():
        found += [Task("blocks", block, 15.0) for block in blocks(roads, draw, each)]
    else:
        print(f"no city blocks: {roads} is not there", file=sys.stderr)
    found += [Task("parcels", parcel, 30.0) for parcel in parcels(draw, each)]
    return found


def heavy(seed: int, number: int) -> list[Task]:
    """Returns polygons of 40 corners with 10 holes, for the time alone."""
    draw = np.random.default_rng(seed)
    found: list[Task] = []
    while len(found) < number:
        angle = 2 * math.pi * (np.arange(40) + draw.uniform(-0.35, 0.35, 40)) / 40
        radius = 320 * draw.uniform(0.8, 1.2, 40)
        area = Polygon(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
        while len(area.interiors) < 10:
            x, y = draw.uniform(-190, 190, 2)
            w, h = draw.uniform(8, 25, 2)
            hole = affinity.rotate(box(x - w, y - h, x + w, y + h), draw.uniform(0, 90))
            left = area.difference(hole)
            if isinstance(left, Polygon) and len(left.interiors) == len(area.interiors) + 1:
                area = left
        found.append(Task("heavy", area, 30.0))
    return found


def measured(task: Task, parts: Sequence[Path_], ms: float) -> Result:
    """Returns the figures of a path, by one rule for every planner."""
    line = MultiLineString([list(part) for part in parts if len(part) > 1])
    area = task.polygon
    outside = 0.0 if area.covers(line) else line.difference(area).length
    return Result(
        task.group,
        line.length / (area.area / task.swath_m),
        sum(turns_of(part) for part in parts),
        outside,
        covered_fraction(parts, task.swath_m, area),
        ms,
    )


def ours(task: Task) -> list[Path_]:
    """Plans with Qyran."""
    return list(cover(task.polygon, task.swath_m).parts)


def qgc_style(task: Task) -> list[Path_]:
    """Plans like a survey at angle 0: from the first to the last crossing of every line."""
    west, south, east, north = task.polygon.bounds
    count = math.ceil((north - south) / task.swath_m)
    path: list[tuple[float, float]] = []
    for k in range(count):
        y = (south + north) / 2 + (k - (count - 1) / 2) * task.swath_m
        cut = task.polygon.intersection(LineString([(west - 1, y), (east + 1, y)]))
        if not cut.is_empty:
            a, _, b, _ = cut.bounds
            path += [(a, y), (b, y)] if k % 2 == 0 else [(b, y), (a, y)]
    return [path]


def best_angle(task: Task) -> list[Path_]:
    """Plans the shortest of 60 angles, clipped, greedily joined by straight lines."""
    from coverage_peers import greedy

    best: tuple[float, list[tuple[float, float]]] | None = None
    for k in range(60):
        angle = 3.0 * k
        turned = affinity.rotate(task.polygon, -angle, origin=(0, 0))
        west, south, east, north = turned.bounds
        count = math.ceil((north - south) / task.swath_m)
        lines = []
        for n in range(count):
            y = (south + north) / 2 + (n - (count - 1) / 2) * task.swath_m
            cut = turned.intersection(LineString([(west - 1, y), (east + 1, y)]))
            lines += [
                (p.coords[0], p.coords[-1])
                for p in shapely.get_parts(cut)
                if isinstance(p, LineString) and p.length > 0
            ]
        path = greedy(lines)
        length = LineString(path).length if len(path) > 1 else math.inf
        if best is None or length < best[0]:
            back = affinity.rotate(LineString(path), angle, origin=(0, 0))
            best = (length, [(x, y) for x, y in back.coords])
    return [best[1]] if best else []


def run(work: Callable[[Task], list[Path_]], all_tasks: Sequence[Task]) -> list[Result]:
    """Returns the figures of a planner that runs in this process."""
    results = []
    for task in all_tasks:
        begun = time.process_time()
        parts = work(task)
        results.append(measured(task, parts, (time.process_time() - begun) * 1e3))
    return results


def peer(name: str, python: str, all_tasks: Sequence[Task]) -> tuple[list[Result], str]:
    """Returns the figures of a planner in a process of its own, and a note."""
    rings = [
        [list(ring.coords) for ring in (t.polygon.exterior, *t.polygon.interiors)]
        for t in all_tasks
    ]
    question = [{"swath_m": t.swath_m, "rings": r} for t, r in zip(all_tasks, rings, strict=True)]
    script = Path(__file__).with_name("coverage_peers.py")
    if subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode:
        return [], f"{name} is not installed for {Path(python).name}"
    answers = _asked([python, str(script), name], question)
    results, failed = [], 0
    for task, answer in zip(all_tasks, answers, strict=True):
        if len(answer["path"]) < 2:
            failed += 1
            continue
        results.append(measured(task, [[tuple(p) for p in answer["path"]]], answer["ms"]))
    return results, f"{name} gave no path for {failed} of {len(all_tasks)}" if failed else ""


def _asked(command: list[str], question: list[dict[str, object]]) -> list[dict[str, Any]]:
    """Returns a peer's answers; where its process dies, each half is asked anew."""
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True)
    if done.returncode == 0:
        return list(json.loads(done.stdout))
    if len(question) == 1:
        return [{"path": [], "ms": 0.0}]
    half = len(question) // 2
    return _asked(command, question[:half]) + _asked(command, question[half:])


def row(name: str, results: Sequence[Result]) -> str:
    """Returns one line of the table."""
    if not results:
        return f"{name:26} {'-':>5}"
    get = lambda field: np.array([getattr(r, field) for r in results])  # noqa: E731
    return (
        f"{name:26} {len(results):5d} {get('ratio').mean():7.3f} {get('turns').mean():7.1f} "
        f"{get('outside_m').max():9.2f} {get('outside_m').mean():9.2f} "
        f"{100 * get('covered').mean():8.2f} {100 * get('covered').min():8.2f} "
        f"{np.median(get('ms')):8.0f} {get('ms').max():8.0f}"
    )


def main() -> int:
    """Measures, prints a table, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--each", type=int, default=28, help="polygons of each of four sets")
    parser.add_argument("--heavy", type=int, default=20, help="areas of 40 corners and 10 holes")
    parser.add_argument("--roads", type=Path, default=ROADS)
    parser.add_argument("--peers", default=sys.executable, help="interpreter with the peers")
    parser.add_argument("--alone", action="store_true", help="leave all peers out")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    found = tasks(options.seed, options.each, options.roads)
    own = run(ours, found)
    table: dict[str, list[Result]] = {"Qyran": own}
    for group in dict.fromkeys(task.group for task in found):
        table[f"Qyran, {group}"] = [r for r in own if r.group == group]
    notes = []
    if not options.alone:
        table["QGC-style, angle 0"] = run(qgc_style, found)
        table["best of 60 angles, clipped"] = run(best_angle, found)
        for name in ("trajgenpy", "opencoverage"):
            table[name], note = peer(name, options.peers, found)
            notes += [note] if note else []
    timed = run(ours, heavy(options.seed, options.heavy))
    table["Qyran, 40 corners 10 holes"] = timed
    print(
        f"{'planner':26} {'areas':>5} {'ratio':>7} {'turns':>7} {'out max':>9} {'out mean':>9} "
        f"{'seen %':>8} {'least %':>8} {'ms':>8} {'ms max':>8}"
    )
    for name, results in table.items():
        print(row(name, results))
    for note in notes:
        print(note)
    gates = {
        "outside": max(r.outside_m for r in own + timed) == 0.0,
        "covered": min(r.covered for r in own + timed) >= COVERED_GATE,
        "ratio": float(np.mean([r.ratio for r in own])) <= RATIO_GATE,
        "time": max((r.ms for r in timed), default=0.0) <= MS_GATE,
    }
    for gate, held in gates.items():
        if not held:
            print(f"WARNING: the gate on {gate} does not hold")
    if options.json is not None:
        answer = {
            "seed": options.seed,
            "gates": gates,
            "notes": notes,
            "results": {name: [asdict(r) for r in rows] for name, rows in table.items()},
        }
        options.json.write_text(json.dumps(answer, indent=1))
    return 0 if all(gates.values()) else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
