"""Draws the plans of the documentation: `python scripts/draw_plans.py [--format png] [NAME ...]`.

Each drawing is a function under `@drawing`, made of seeded inputs in the middle of Kosshy by the
same code that plans in earnest; it returns a sheet. To add one, write such a function. The
examples of the fleet and of dispatch are those of their guides. The pictures go to
docs/images/plans.
"""

import argparse
import json
import math
import random
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from shapely import Polygon, box
from shapely.affinity import rotate

from core.ids import AssetId, CameraId, PatrolId, ZoneId
from geo.area_reading import from_grid, to_grid
from geo.camera import CameraModel
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum, Position
from geo.sweep_path import cover, covered_fraction, outside_m
from geo.utm_frame import UtmFrame
from geo.zones import Area, Purpose, Zone, ZoneKind, to_geographic
from missions.dispatching.dispatch import decide
from missions.fleets.planning import plan_fleet
from missions.model import (
    Asset,
    AssetKind,
    CameraMount,
    ItemKind,
    Mission,
    MissionItem,
    Patrol,
    Pattern,
    Plan,
)
from missions.planning.planner import plan_patrol
from missions.planning.splitting import split_patrol
from missions.proving.checks import check_plan
from missions.proving.cures import fix_plan
from station.dispatch_drawing import sheet_of_decision
from station.dispatch_file import read_dispatch
from station.fleet_drawing import sheet_of_fleet
from station.plan_drawing import draw_sheet
from station.plan_fleet import read_fleet
from station.plan_sheet import Sheet, Way, length_m, sheet_of_plan
from station.wiring import fleet_optimiser

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "images" / "plans"
HERE = LocalFrame(50.9754, 71.3549)
HOME = Position(HERE.lat_deg, HERE.lon_deg, Altitude(350.0, Datum.GEOID))
DRAWINGS: dict[str, Callable[[], Sheet]] = {}


def drawing(make: Callable[[], Sheet]) -> Callable[[], Sheet]:
    """Enters a function under its own name, in the order of this file."""
    DRAWINGS[make.__name__.replace("_", "-")] = make
    return make


def area(*corners: tuple[float, float], holes: tuple[Polygon, ...] = ()) -> Area:
    """Returns an area of metres east and north of the middle of Kosshy."""
    return to_geographic(Polygon(corners, [hole.exterior.coords for hole in holes]), HERE)


def zone(name: str, where: Area, kind: ZoneKind = ZoneKind.EXCLUSION) -> Zone:
    """Returns a flight zone."""
    return Zone(ZoneId(f"zone-{name}"), name, frozenset({Purpose.FLIGHT}), where, kind)


def watched(name: str, where: Area) -> Zone:
    """Returns a zone to be watched."""
    return Zone(
        ZoneId(f"zone-{name}"), name, frozenset({Purpose.WATCH}), where, rules=("waste_heap",)
    )


def place(east_m: float, north_m: float, up_m: float = 50.0) -> Position:
    """Returns a place above home."""
    lat, lon = HERE.to_geo1_deg(east_m, north_m)
    return Position(lat, lon, Altitude(up_m, Datum.HOME))


def spot(east_m: float, north_m: float) -> tuple[float, float]:
    """Returns latitude and longitude."""
    return HERE.to_geo1_deg(east_m, north_m)


def drone(**changes: object) -> Asset:
    """Returns a quadcopter whose camera looks steeply down."""
    camera = CameraMount(CameraId("camera-1"), CameraModel.from_hfov(1280, 720, 62.0), -75.0)
    asset = Asset(AssetId("drone-1"), "Drone 1", AssetKind.DRONE, camera, 8.0, HOME)
    return replace(asset, **changes)  # type: ignore[arg-type]


CITY = zone(
    "flight area", area((-700, -520), (700, -520), (700, 520), (-700, 520)), ZoneKind.INCLUSION
)
SCHOOL = zone("school", area((120, 60), (230, 60), (230, 170), (120, 170)))
CLINIC = zone("clinic", area((-330, -210), (-230, -210), (-230, -120), (-330, -120)))
FENCES = (CITY, SCHOOL, CLINIC)


def patrol(pattern: Pattern, **changes: object) -> Patrol:
    """Returns a patrol of that pattern at 50 m."""
    made = Patrol(
        PatrolId("patrol-1"), "Patrol", (), AssetId("drone-1"), Altitude(50.0, Datum.HOME),
        pattern=pattern,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def sheet_of(title: str, plan: Plan, *watch: Zone) -> Sheet:
    """Returns a plan over what it watches."""
    sheet = sheet_of_plan(plan, title=title)
    return replace(sheet, zones=(*watch, *sheet.zones))


@drawing
def area_with_holes() -> Sheet:
    """A sweep that stays inside an area with bays and holes."""
    dice = random.Random(7)
    corners = [
        (r * math.cos(a), r * math.sin(a))
        for a in (2 * math.pi * k / 14 for k in range(14))
        for r in [dice.uniform(330, 560)]
    ]
    holes = tuple(
        rotate(box(x - 55, y - 40, x + 55, y + 40), dice.uniform(0, 90))
        for x, y in ((-180, 60), (120, -110), (60, 190))
    )
    given = area(*corners, holes=holes)
    frame = UtmFrame.around(HERE.lat_deg, HERE.lon_deg)
    metric = to_grid(given, frame)
    sweep = cover(metric, 40.0)
    parts = [list(part) for part in sweep.parts]
    covered, outside = covered_fraction(parts, 40.0, metric), outside_m(parts, metric)
    ways = [Way(tuple((x, y) for x, y in from_grid(part, frame))) for part in sweep.parts]
    metres = sum(length_m(way.places) for way in ways)
    note = (
        f"swath 40 m, {metres / 1000:.2f} km (area ÷ swath {metric.area / 40_000:.2f} km), "
        f"{100 * covered:.2f} % covered, {outside:.3g} m outside"
    )
    return Sheet("Area survey with bays and holes", note, tuple(ways), (given,))


@drawing
def corridor() -> Sheet:
    """Lanes along a street."""
    street = (spot(-600, -330), spot(-250, -40), spot(40, 0), spot(420, -260))
    plan = plan_patrol(patrol(Pattern.CORRIDOR, route=street, width_m=90.0), (), FENCES, drone())
    return sheet_of("Corridor along a street, 90 m wide", plan)


@drawing
def perimeter() -> Sheet:
    """Along the border of a park."""
    park = watched("park", area((-420, 120), (-60, 60), (60, 300), (-140, 440), (-400, 380)))
    plan = plan_patrol(patrol(Pattern.PERIMETER), (park,), FENCES, drone())
    return sheet_of("Perimeter of a park", plan, park)


@drawing
def orbit() -> Sheet:
    """Circles about two water towers, looking at them."""
    towers = (spot(-380, 200), spot(330, -230))
    plan = plan_patrol(patrol(Pattern.ORBIT, places=towers, radius_m=70.0), (), FENCES, drone())
    return sheet_of("Orbits of two towers", plan)


@drawing
def look_list() -> Sheet:
    """From one place to the next, around what is closed."""
    dice = random.Random(11)
    spots = tuple(spot(dice.uniform(-600, 600), dice.uniform(-440, 440)) for _ in range(14))
    plan = plan_patrol(patrol(Pattern.PLACES, places=spots), (), FENCES, drone())
    return sheet_of("Look-list of fourteen places", plan)


def careless_plan() -> Plan:
    """Returns a plan that somebody drew without looking at the zones."""
    corners = ((-520, -60), (-280, -300), (180, -60), (140, 330), (-180, 420), (-600, 300))
    items = (
        MissionItem(ItemKind.TAKEOFF, place(0, 0)),
        *(MissionItem(ItemKind.WAYPOINT, place(x, y)) for x, y in corners),
        MissionItem(ItemKind.RETURN),
    )
    hand = Mission(plan_patrol(patrol(Pattern.PLACES), (), (), drone()).mission.mission_id, items)
    return Plan(hand, AssetId("drone-1"), HOME, 8.0, FENCES, (), Altitude(50.0, Datum.HOME))


@drawing
def check_with_findings() -> Sheet:
    """What the check says of a careless plan."""
    plan = careless_plan()
    found = tuple(check_plan(plan, drone(endurance_s=1_500.0)))
    return replace(sheet_of("A careless plan, checked", plan), findings=found)


@drawing
def mended_plan() -> Sheet:
    """The same plan after its cures."""
    asset = drone(endurance_s=1_500.0)
    fixed = fix_plan(careless_plan(), asset)
    found = tuple(check_plan(fixed.plan, asset, fixed.circumstances))
    sheet = sheet_of("The same plan, mended by its cures", fixed.plan)
    note = f"{sheet.note}, {len(fixed.changes)} changes"
    return replace(sheet, findings=found, note=note)


@drawing
def split_over_sorties() -> Sheet:
    """An area that no battery lasts for."""
    fields = watched("fields", area((-640, -460), (640, -460), (640, 460), (-640, 460)))
    fences = (CITY, SCHOOL)
    pair = [drone(endurance_s=1_800.0), drone(asset_id=AssetId("drone-2"), endurance_s=1_800.0)]
    split = split_patrol(patrol(Pattern.AREA), (fields,), fences, pair)
    ways: list[Way] = []
    for n, sortie in enumerate(split.sorties):
        name = f"sortie {n + 1}, {sortie.asset_id}"
        ways += sheet_of_plan(sortie.plan, colour=n, name=name).ways
    ways = [replace(way, numbers=()) for way in ways]
    note = f"{len(split.sorties)} sorties of 2 drones, {split.seconds / 60:.0f} min with swaps"
    home = (HOME.lon_deg, HOME.lat_deg)
    return Sheet(
        "One area over several batteries", note, tuple(ways), zones=(fields, *fences), homes=(home,)
    )


def guide_example(name: str) -> Path:
    """Returns a file with the first JSON example of a guide."""
    text = (ROOT / "docs" / "guides" / f"{name}.md").read_text(encoding="utf-8")
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"docs/guides/{name}.md has no JSON example")
    json.loads(found.group(1))
    path = Path(tempfile.mkdtemp(prefix="qyran-")) / f"{name}.json"
    path.write_text(found.group(1), encoding="utf-8")
    return path


@drawing
def fleet() -> Sheet:
    """A shift of a car and a drone, as in the guide."""
    case = read_fleet(guide_example("fleet"), ROOT / "none")
    plan = plan_fleet(case.order, fleet_optimiser().solve, replace(case.effort, seed=1))
    return sheet_of_fleet(case.order, plan, "A shift of a car and a drone")


@drawing
def dispatch() -> Sheet:
    """Who goes to a call, as in the guide."""
    case = read_dispatch(guide_example("dispatch"), datetime(2026, 11, 20, 9, tzinfo=UTC))
    decision = decide(
        case.event, case.fleet, case.zones, circumstances=case.circumstances, rally=case.rally,
        policy=case.policy, thorough=True,
    )  # fmt: skip
    return sheet_of_decision(case, decision)


def main() -> None:
    """Draws what is asked for, else everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DRAWINGS))
    parser.add_argument("--format", default="svg", choices=("svg", "png"))
    parser.add_argument("--out", default=OUT, type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.names or DRAWINGS:
        sheet = DRAWINGS[name]()
        number = list(DRAWINGS).index(name) + 1
        path = given.out / f"{number:02d}-{name}.{given.format}"
        draw_sheet(path, sheet)
        print(f"{path.name}: {sheet.title}; {sheet.note}", flush=True)


if __name__ == "__main__":
    main()
