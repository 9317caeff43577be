"""Planners from PyPI, in a process of their own: `benchmarks/coverage.py` starts this file.

    python benchmarks/coverage_peers.py {trajgenpy,opencoverage} < polygons.json > paths.json

The input is a list of {"swath_m", "rings"}; the answer a list of {"path", "ms"}, and an
"error" where the planner gave up. trajgenpy brings CGAL, which must not share a process with
GEOS under load; besides, neither needs to be installed where Qyran is.
"""

import json
import math
import sys
import time

from shapely import LineString, Polygon


def trajgenpy_path(polygon: Polygon, swath_m: float) -> list[tuple[float, float]]:
    """Returns boustrophedon cells swept one by one, greedily joined by straight lines."""
    from shapely import MultiPolygon
    from trajgenpy.Geometries import decompose_polygon, generate_sweep_pattern

    holes = [Polygon(ring) for ring in polygon.interiors]
    outer = Polygon(polygon.exterior)
    cells = decompose_polygon(outer, MultiPolygon(holes) if holes else None)
    lines: list[LineString] = []
    for cell in cells:
        try:
            lines += generate_sweep_pattern(cell, swath_m)
        except ValueError:  # a cell thinner than its grid
            continue
    return greedy([(line.coords[0], line.coords[-1]) for line in lines if line.length > 0])


def opencoverage_path(polygon: Polygon, swath_m: float) -> list[tuple[float, float]]:
    """Returns its back-and-forth path at the angle that it finds best."""
    from opencoverage.geometry.map import SurveyMap
    from opencoverage.models import UAV, PinholeCamera
    from opencoverage.patterns.optimal_sweep import OptimalSweepPattern

    camera = PinholeCamera(0.004, 10.0, 13.0, 9.0)
    pattern = OptimalSweepPattern(
        UAV(), camera, SurveyMap.from_polygon(polygon), n_angle_steps=1_000
    )
    pattern.lateral_spacing = swath_m
    pattern.velocity = 10.0
    return [(float(x), float(y)) for x, y in pattern.calculate().path]


def greedy(lines: list[tuple[tuple[float, ...], tuple[float, ...]]]) -> list[tuple[float, float]]:
    """Returns one path along all lines, always on to the nearest end."""
    left = list(lines)
    path: list[tuple[float, float]] = []
    while left:
        if not path:
            a, b = left.pop(0)
        else:
            here = path[-1]
            _, k, flip = min(
                (math.dist(here, line[flip]), k, flip)
                for k, line in enumerate(left)
                for flip in (0, 1)
            )
            line = left.pop(k)
            a, b = line[flip], line[1 - flip]
        path += [(a[0], a[1]), (b[0], b[1])]
    return path


def main() -> None:
    """Reads polygons, writes paths."""
    planner = {"trajgenpy": trajgenpy_path, "opencoverage": opencoverage_path}[sys.argv[1]]
    answers = []
    for task in json.load(sys.stdin):
        polygon = Polygon(task["rings"][0], task["rings"][1:])
        begun = time.process_time()
        try:
            path, error = planner(polygon, task["swath_m"]), None
        except Exception as problem:  # whatever a peer fails on is part of its result
            path, error = [], f"{type(problem).__name__}: {problem}"
        ms = (time.process_time() - begun) * 1e3
        answers.append({"path": path, "ms": ms, "error": error})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
