"""`qyran plan`: paths and fleets. `plan area` covers an area from its border to its holes."""

import json
import math
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import shapely
import typer
from shapely import LineString

from core.errors import AreaInvalid, NothingLeft, SourceMissing, TooLarge, UsageError
from geo.area_reading import area_of_document, from_grid, to_grid
from geo.sweep_path import SEEN_GOAL, Sweep, cover, covered_fraction, outside_m
from geo.sweep_time import Pace, Wind
from geo.utm_frame import UtmFrame
from geo.zones import Area
from station.area_zones import APART_M, fences_near, open_part, polygons_of
from station.command import Elsewhere, Run, verb
from station.plan_drawing import Plot, check_plot, draw_sheet
from station.plan_sheet import sheet_of_path
from station.wiring import read_zone_file

_LARGEST_M2 = 200e6
_LONGEST_SWATHS = 100_000
"""Area over squared swath: the path has about so many swaths."""


@verb
def area(
    call: Run,
    area_file: Annotated[
        Path, typer.Argument(metavar="AREA", help="What to cover: GeoJSON with polygons.")
    ],
    swath_m: Annotated[float, typer.Option(help="Width that is seen from the path, m.")],
    zones: Annotated[
        Path | None, typer.Option(help="Flight zones: GeoJSON, GeoPackage or KML.")
    ] = None,
    margin_m: Annotated[
        float, typer.Option(help="Distance kept from the border and from zones, m.")
    ] = 0.0,
    start: Annotated[
        str | None, typer.Option(metavar="LAT,LON", help="Where one comes from.")
    ] = None,
    angle_deg: Annotated[
        float | None,
        typer.Option(help="Direction of the lanes, counter-clockwise from east; else the best."),
    ] = None,
    speed_m_s: Annotated[float, typer.Option(help="Speed through the air, m/s.")] = 8.0,
    turn_s: Annotated[float, typer.Option(help="What a right-angled turn costs, s.")] = 0.5,
    covered: Annotated[
        float, typer.Option(help="Share to cover at least, below 1; more is a longer path.")
    ] = SEEN_GOAL,
    wind_m_s: Annotated[float, typer.Option(help="Wind speed, m/s.")] = 0.0,
    wind_from_deg: Annotated[
        float, typer.Option(help="Where the wind comes from, clockwise from north.")
    ] = 0.0,
    plot: Plot = None,
) -> int:
    """Plan a path from which a strip of a given width sees a whole area.

    The path keeps inside AREA, out of active exclusions and inside active inclusions of
    ZONES, whatever their heights, and MARGIN_M away from all of their borders. Distances are
    metres of the UTM zone of AREA's middle. `covered_fraction` is the share of AREA as it was
    given; `covered_permitted_fraction` that of AREA without what zones take away.
    """
    check_plot(plot)
    pace = _pace(speed_m_s, turn_s, wind_m_s, wind_from_deg)
    _check_numbers(swath_m, margin_m, angle_deg, covered)
    given = area_of_document(_document(area_file), str(area_file))
    middle = given.centroid
    frame = UtmFrame.around(middle.y, middle.x)
    whole = to_grid(given, frame)
    _check_size(whole, swath_m, str(area_file))
    fences = [] if zones is None else fences_near(read_zone_file(zones), given, str(zones))
    open_area = open_part(whole, fences, frame)
    permitted = polygons_of(
        open_area.buffer(-margin_m, join_style="mitre") if margin_m else open_area
    )
    if permitted.is_empty:
        raise NothingLeft(
            f"nothing is left of it with a margin of {margin_m:g} m"
            f"{' and the zones' if fences else ''}, around longitude {middle.x:.6f}, "
            f"latitude {middle.y:.6f}",
            where=str(area_file),
            cure="take a smaller margin" + (", or other zones" if fences else ""),
        )
    here = _start(start, frame, whole)
    begun = time.perf_counter()
    sweep = cover(
        open_area,
        _useful_swath_m(swath_m, whole),
        permitted=permitted,
        start=here,
        angle_deg=angle_deg,
        pace=pace,
        seen_goal=covered,
    )
    seconds = time.perf_counter() - begun
    if not sweep.parts:
        raise NothingLeft(
            f"what is left is too thin for any path, around longitude {middle.x:.6f}, "
            f"latitude {middle.y:.6f}",
            where=str(area_file),
            cure="take a smaller margin",
        )
    document = _answer(sweep, frame, swath_m, whole, open_area, permitted)
    document["seconds"] = round(seconds, 3)
    if plot is not None:
        title = f"Path over {area_file.name}"
        draw_sheet(plot, sheet_of_path(document, given, fences, title))
    call.emit(document, _line(document))
    return 0 if document["outside_m"] == 0.0 else 1


def _answer(
    sweep: Sweep,
    frame: UtmFrame,
    swath_m: float,
    whole: Area,
    open_area: Area,
    permitted: Area,
) -> dict[str, Any]:
    """Returns the answer, measured on the coordinates that are given out."""
    seen_m = _useful_swath_m(swath_m, whole)
    lines = [from_grid(part, frame) for part in sweep.parts]
    back = []
    for line in lines:
        lon, lat = np.array(line).T
        back.append([(float(x), float(y)) for x, y in np.stack(frame.to_en_m(lat, lon), axis=1)])
    many = len(lines) > 1
    path: dict[str, Any] = {
        "type": "MultiLineString" if many else "LineString",
        "coordinates": lines if many else lines[0],
    }
    document: dict[str, Any] = {
        "path": path,
        "length_m": round(sum(LineString(part).length for part in back), 3),
        "turns": sweep.turns,
        "covered_fraction": round(covered_fraction(back, seen_m, whole), 6),
        "covered_permitted_fraction": round(covered_fraction(back, seen_m, open_area), 6),
        "outside_m": round(outside_m(back, permitted), 6),
        "flight_s": round(sweep.flight_s, 1),
        "swath_m": swath_m,
        "area_m2": round(whole.area, 1),
        "permitted_m2": round(permitted.area, 1),
        "epsg": frame.epsg,
    }
    if many:
        document["transits"] = {
            "type": "MultiLineString",
            "coordinates": [from_grid(transit, frame) for transit in sweep.transits],
        }
    return document


def _line(document: dict[str, Any]) -> str:
    return (
        f"{document['length_m']:.0f} m with {document['turns']} turns, "
        f"{document['flight_s'] / 60:.1f} min, "
        f"{100 * document['covered_fraction']:.2f} % of the area covered, "
        f"{document['outside_m']:g} m outside; planned in {document['seconds']:.2f} s"
    )


def _document(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceMissing("no such file", where=str(path), cure="check the path") from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise AreaInvalid("is no text", where=str(path), cure="give a GeoJSON file") from None
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise AreaInvalid(
            f"is no JSON: {error}", where=str(path), cure="give a GeoJSON file"
        ) from None


def _check_numbers(
    swath_m: float, margin_m: float, angle_deg: float | None, covered: float
) -> None:
    if not (0 < swath_m < math.inf):
        raise UsageError(
            f"a swath of {swath_m:g} m sees nothing", where="--swath-m", cure="give more than 0 m"
        )
    if not (0 <= margin_m < math.inf):
        raise UsageError(
            f"a margin of {margin_m:g} m makes no sense",
            where="--margin-m",
            cure="give 0 m or more",
        )
    if not 0 <= covered < 1:
        raise UsageError(
            f"a share of {covered:g} can't be asked for", where="--covered", cure="give 0 to 0.9999"
        )
    if angle_deg is not None and not math.isfinite(angle_deg):
        raise UsageError("is no angle", where="--angle-deg", cure="give 0 to 180")


def _pace(speed_m_s: float, turn_s: float, wind_m_s: float, wind_from_deg: float) -> Pace:
    try:
        if not math.isfinite(wind_from_deg):
            raise ValueError("the wind's direction is no number")
        return Pace(speed_m_s, turn_s, Wind(wind_m_s, wind_from_deg))
    except ValueError as error:
        raise UsageError(
            str(error), where="--speed-m-s, --turn-s, --wind-m-s", cure="wait, or fly faster"
        ) from None


def _useful_swath_m(swath_m: float, whole: Area) -> float:
    """Returns the swath to plan with: wider than the area is across, it is all the same."""
    west, south, east, north = whole.bounds
    return min(swath_m, 2.0 * math.hypot(east - west, north - south))


def _check_size(whole: Area, swath_m: float, where: str) -> None:
    if whole.area > _LARGEST_M2:
        raise TooLarge(
            f"it has {whole.area / 1e6:.0f} km², more than {_LARGEST_M2 / 1e6:.0f}",
            where=where,
            cure="cut it into smaller areas and plan each",
        )
    if whole.area / swath_m**2 > _LONGEST_SWATHS:
        least = math.sqrt(whole.area / _LONGEST_SWATHS)
        raise TooLarge(
            f"a swath of {swath_m:g} m makes a path of {whole.area / swath_m / 1e3:.0f} km",
            where=where,
            cure=f"cut the area, or take a swath of {math.ceil(least * 10) / 10:g} m or more",
        )


def _start(text: str | None, frame: UtmFrame, whole: Area) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        lat, lon = (float(word) for word in text.split(","))
    except ValueError:
        raise UsageError(
            f"{text!r} is no place", where="--start", cure="write LAT,LON, such as 50.97,71.35"
        ) from None
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise UsageError(f"{text!r} is no place", where="--start", cure="write latitude first")
    east, north = frame.to_en_m(np.array([lat]), np.array([lon]))
    place = (float(east[0]), float(north[0]))
    if shapely.Point(place).distance(whole) > APART_M:
        raise UsageError(
            f"{text} is more than {APART_M / 1000:.0f} km away from the area",
            where="--start",
            cure="write latitude first, then longitude",
        )
    return place


RUNS = {
    "area": area,
    # people, routing and settings, none of which an area needs, are seconds of imports
    "fleet": Elsewhere(
        "station.fleet_verb",
        "fleet",
        "Plan a shift of drones and cars; exit code 1 if there are jobs and none can be done.",
    ),
    "patrol": Elsewhere(
        "station.plan_patrol_file",
        "patrol",
        "Plan a patrol and prove it. Exit code 1 where nothing can be flown or a finding is an"
        " error.",
    ),
}
