"""How long the proof of a plan takes: 1,000 zones and 500 waypoints, with and without faults.

Run:  python benchmarks/check_plan.py [--zones 1000] [--waypoints 500] [--rounds 3] [--json]

The peer in the same run is what PX4 itself does on upload: every waypoint against every polygon,
points only (no legs, no returns, no heights), written here with shapely. It is no check that one
could fly by; it shows what the whole proof costs beyond it. Times are processor time of one
process, the median of the rounds; zones are seeded polygons of 5 to 9 corners, a third of them
with a floor or a ceiling, some with a time window; the flight is a survey of parallel lanes.
"""

import argparse
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shapely import Point, Polygon

from core.ids import AssetId, MissionId, ZoneId
from core.recurrence import Recurrence
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum, Position
from geo.zones import Purpose, Zone, ZoneKind, to_geographic
from missions.circumstances import Circumstances
from missions.model import ItemKind, Mission, MissionItem, Plan, Severity
from missions.proving.checks import check_plan, default_asset

FRAME = LocalFrame(50.9754, 71.3549)
START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HALF_M = 4_000.0
SURVEY_M = 900.0


def zones(count: int, seed: int, *, clear: bool) -> tuple[Zone, ...]:
    """Returns one inclusion and many exclusions; with `clear` none is near the survey or home."""
    rng = random.Random(seed)
    corners = [(-HALF_M, -HALF_M), (HALF_M, -HALF_M), (HALF_M, HALF_M), (-HALF_M, HALF_M)]
    made = [_zone("city", Polygon(corners), ZoneKind.INCLUSION, None, Altitude(120.0, Datum.HOME))]
    while len(made) < count:
        east, north = rng.uniform(-HALF_M, HALF_M), rng.uniform(-HALF_M, HALF_M)
        if clear and abs(east) < SURVEY_M + 150 and -150 < north < 2 * SURVEY_M + 150:
            continue
        sides, reach = rng.randint(5, 9), rng.uniform(10.0, 80.0)
        ring = [
            (
                east + reach * rng.uniform(0.6, 1.0) * math.cos(2 * math.pi * k / sides),
                north + reach * rng.uniform(0.6, 1.0) * math.sin(2 * math.pi * k / sides),
            )
            for k in range(sides)
        ]
        limits = rng.choice([(None, None), (None, None), (30.0, 90.0), (None, 40.0)])
        floor, ceiling = (None if one is None else Altitude(one, Datum.GROUND) for one in limits)
        window = Recurrence(
            START - timedelta(hours=2), timedelta(hours=8), "Asia/Almaty", "FREQ=DAILY"
        )
        windows = (window,) if rng.random() < 0.2 else ()
        made.append(
            _zone(f"zone-{len(made)}", Polygon(ring), ZoneKind.EXCLUSION, floor, ceiling, windows)
        )
    return tuple(made)


def _zone(
    name: str,
    shape: Polygon,
    kind: ZoneKind,
    floor: Altitude | None,
    ceiling: Altitude | None,
    windows: tuple[Recurrence, ...] = (),
) -> Zone:
    area = to_geographic(shape, FRAME)
    return Zone(
        ZoneId(name), name, frozenset({Purpose.FLIGHT}), area, kind=kind, floor=floor,
        ceiling=ceiling, windows=windows,
    )  # fmt: skip


def survey(waypoints: int, fences: tuple[Zone, ...]) -> Plan:
    """Returns lanes of 1.8 km north of home, at 60 m."""
    rows = waypoints // 2
    places = []
    for row in range(rows):
        north = 2 * SURVEY_M * row / max(1, rows - 1)
        ends = [(-SURVEY_M, north), (SURVEY_M, north)]
        places += ends if row % 2 == 0 else ends[::-1]
    above = Altitude(60.0, Datum.HOME)
    items = [MissionItem(ItemKind.TAKEOFF, _at(0.0, 0.0, above))]
    items += [MissionItem(ItemKind.WAYPOINT, _at(*place, above)) for place in places]
    items.append(MissionItem(ItemKind.RETURN))
    home = _at(0.0, 0.0, Altitude(350.0, Datum.GEOID))
    return Plan(
        Mission(MissionId("survey"), tuple(items)), AssetId("drone-1"), home, 12.0, fences,
        return_altitude=above,
    )  # fmt: skip


def _at(east: float, north: float, altitude: Altitude) -> Position:
    return Position(*FRAME.to_geo1_deg(east, north), altitude)


def points_only(plan: Plan) -> int:
    """Counts the waypoints inside an exclusion: what PX4 looks at."""
    home = plan.home
    frame = LocalFrame(home.lat_deg, home.lon_deg)
    areas = [zone.to_local(frame) for zone in plan.fences if zone.kind is ZoneKind.EXCLUSION]
    inside = 0
    for item in plan.mission.items:
        if item.position is not None:
            point = Point(frame.to_en1_m(item.position.lat_deg, item.position.lon_deg))
            inside += any(area.contains(point) for area in areas)
    return inside


def timed(call: Callable[[], object], rounds: int) -> float:
    """Returns the median processor time of some rounds, in seconds."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--zones", type=int, default=1_000)
    parser.add_argument("--waypoints", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    rows = []
    for name, clear in (("clear", True), ("zones everywhere", False)):
        plan = survey(wanted.waypoints, zones(wanted.zones, 7, clear=clear))
        asset = default_asset(plan, endurance_s=1e6)
        when = Circumstances(departs_at=START)
        found = check_plan(plan, asset, when)
        rows.append(
            {
                "case": name,
                "zones": wanted.zones,
                "waypoints": wanted.waypoints,
                "errors": sum(one.severity is Severity.ERROR for one in found),
                "check_plan_s": round(
                    timed(lambda p=plan, a=asset, w=when: check_plan(p, a, w), wanted.rounds), 3
                ),
                "points_only_s": round(timed(lambda p=plan: points_only(p), wanted.rounds), 3),
            }
        )
    if wanted.json:
        print(json.dumps({"rows": rows, "clock": "process_time", "goal_s": 1.0}))
        return 0
    print(f"{'case':18}{'zones':>7}{'points':>8}{'errors':>8}{'proof s':>9}{'points only s':>15}")
    for row in rows:
        print(
            f"{row['case']:18}{row['zones']:>7}{row['waypoints']:>8}{row['errors']:>8}"
            f"{row['check_plan_s']:>9}{row['points_only_s']:>15}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
