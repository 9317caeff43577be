"""`qyran plan`: paths, patrols, fleets. `plan area` covers an area from its border to its holes."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import AreaInvalid, BadRequest, SourceMissing, UsageError
from core.given_json import parse_json
from geo.area_path import PathWish, path_over
from geo.area_reading import area_of_document
from geo.area_zones import fences_near
from geo.sweep_path import SEEN_GOAL
from geo.sweep_time import Pace, Wind
from station.command import Elsewhere, Run, verb
from station.given_zones import read_given_zones
from station.plan_drawing import Plot, check_plot, draw_sheet
from station.plan_sheet import sheet_of_path


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
    # whatever their heights: from where these count makes no difference, so nothing is told
    found = () if zones is None else read_given_zones(zones, [])
    wish = PathWish(swath_m, margin_m, _start(start), angle_deg, pace, covered)
    fences = fences_near(found, given, str(zones))
    try:
        document = path_over(given, fences, wish, str(area_file), tick=time.perf_counter)
    except BadRequest as error:  # of the start, which is named otherwise here
        raise UsageError(error.message, where=f"--{error.where}", cure=error.cure) from error
    if plot is not None:
        title = f"Path over {area_file.name}"
        draw_sheet(plot, sheet_of_path(document, given, fences, title))
    call.emit(document, _line(document))
    return 0 if document["outside_m"] == 0.0 else 1


_WIDEST_M = 1e12
_TURNED_DEG = 720.0
_FASTEST_M_S = 1_000.0
_SLOWEST_TURN_S = 3_600.0


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
        return parse_json(text)
    except ValueError as error:
        raise AreaInvalid(
            f"is no JSON: {error}", where=str(path), cure="give a GeoJSON file"
        ) from None


def _check_numbers(
    swath_m: float, margin_m: float, angle_deg: float | None, covered: float
) -> None:
    if not (0.01 <= swath_m <= _WIDEST_M):
        raise UsageError(
            f"nothing sees a swath of {swath_m:g} m",
            where="--swath-m",
            cure=f"give more than 0.01 m, and at most {_WIDEST_M:g} m",
        )
    if not (0 <= margin_m <= _WIDEST_M):
        raise UsageError(
            f"a margin of {margin_m:g} m makes no sense",
            where="--margin-m",
            cure=f"give 0 m or more, and at most {_WIDEST_M:g} m",
        )
    if not 0 <= covered < 1:
        raise UsageError(
            f"a share of {covered:g} can't be asked for", where="--covered", cure="give 0 to 0.9999"
        )
    if angle_deg is not None and not abs(angle_deg) <= _TURNED_DEG:  # also NaN
        raise UsageError("is no angle", where="--angle-deg", cure="give 0 to 180")


def _pace(speed_m_s: float, turn_s: float, wind_m_s: float, wind_from_deg: float) -> Pace:
    try:
        if not abs(wind_from_deg) <= _TURNED_DEG:  # also NaN
            raise ValueError("the wind's direction is no number of degrees")
        for name, value, least in (("speed", speed_m_s, 0.01), ("wind", wind_m_s, 0.0)):
            if not least <= value <= _FASTEST_M_S:
                raise ValueError(f"a {name} of {value:g} m/s can't be")
        if not 0 <= turn_s <= _SLOWEST_TURN_S:
            raise ValueError(f"a turn of {turn_s:g} s can't be")
        return Pace(speed_m_s, turn_s, Wind(wind_m_s, wind_from_deg))
    except ValueError as error:
        raise UsageError(
            str(error), where="--speed-m-s, --turn-s, --wind-m-s", cure="wait, or fly faster"
        ) from None


def _start(text: str | None) -> tuple[float, float] | None:
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
    return lat, lon


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
    "rest": Elsewhere(
        "station.plan_rest_file",
        "rest",
        "Plan what an interrupted sortie has not seen, and prove it.",
    ),
}
