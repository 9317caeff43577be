"""QGroundControl's patterns (survey, corridor, structure, landing), read as what they mean.

A pattern becomes flat steps, which are flown, and a `PlanPart`, which says what was meant:
the shape, the camera, the spacing. Where the file holds the steps, they are taken as they are;
old files hold the shape alone, and the lanes are then computed anew (`plan_lanes`).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from geo.positions import Altitude, Datum
from missions.formats.losses import LossReport
from missions.formats.plan_items import (
    FRAME_AMSL,
    FRAME_HOME,
    FRAME_MISSION,
    SimpleItem,
)
from missions.formats.plan_jumps import FileStep
from missions.formats.plan_lanes import (
    LanesUnknown,
    SpacingImpossible,
    Structure,
    corridor_steps,
    structure_steps,
    survey_steps,
)
from missions.formats.plan_parts import PartKind, PlanPart, SurveyCamera
from missions.formats.plan_steps import Pattern, steps_of, waits_for_ever
from missions.formats.plan_values import listing, mapping, number, place, places, whole
from missions.formats.plan_versions import pattern_of_strange_version, strange_version

_SPACING_CURE = (
    "give it a distance between lanes in QGroundControl (its camera, or its spacing) and save it"
    " with its lanes"
)


def read_pattern(item: Mapping[str, Any], where: str, report: LossReport) -> Pattern | None:
    """Returns a complex item as steps and meaning, or `None` where it is not understood.

    Raises:
        PlanUnreadable: if a value in it is not what it should be.
    """
    kind = str(item.get("complexItemType") or item.get("type"))
    version = whole(item.get("version", 1), "its version", where)
    if item.get("autoContinue") is False:
        waits_for_ever(where, report)
    if strange := strange_version(item, kind, version):
        return pattern_of_strange_version(item, kind, version, strange, where, report)
    if kind == "survey":
        return _survey(item, version, where, report)
    if kind == "CorridorScan":
        return _corridor(item, version, where, report)
    if kind == "StructureScan":
        return _structure(item, version, where, report)
    if kind in ("fwLandingPattern", "vtolLandingPattern"):
        return _landing(item, version, where, vtol=kind.startswith("vtol"))
    inner = item.get("TransectStyleComplexItem")
    if isinstance(inner, dict) and isinstance(inner.get("Items"), list):
        report.warning("not_read", f"{where}: of a {kind[:40]!r} item only its steps are read")
        meant = _transect_part(PartKind.SURVEY, item, inner, version, (), where)
        return Pattern(steps_of(inner, where, report), meant)
    report.error("movement_not_understood", f"{where}: a {kind[:40]!r} item is not understood")
    return None


def _first(values: Iterable[tuple[Mapping[str, Any], str]], where: str) -> float | None:
    """Returns the first number that is given under one of several names."""
    for document, name in values:
        if document.get(name) is not None:
            return number(document[name], name, where)
    return None


def _camera(calc: Mapping[str, Any], old: Mapping[str, Any], where: str) -> SurveyCamera | None:
    name = calc.get("CameraName") or old.get("name")
    if not isinstance(name, str) or name.startswith("Manual"):
        return None

    def value(new_name: str, old_name: str) -> float | None:
        return _first([(calc, new_name), (old, old_name)], where)

    front = value("FrontalOverlap", "imageFrontalOverlap")
    side = _first(
        [(calc, "SideOverlap"), (old, "imageSideOverlap"), (old, "imageSizeOverlap")], where
    )
    width, height = value("ImageWidth", "resolutionWidth"), value("ImageHeight", "resolutionHeight")
    density = value("ImageDensity", "groundResolution")
    landscape = calc.get("Landscape", old.get("orientationLandscape", True))
    return SurveyCamera(
        name,
        value("SensorWidth", "sensorWidth"),
        value("SensorHeight", "sensorHeight"),
        None if width is None else int(width),
        None if height is None else int(height),
        value("FocalLength", "focalLength"),
        bool(landscape),
        None if front is None else front / 100,
        None if side is None else side / 100,
        None if density is None else density / 100,
    )


def _object(document: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    return mapping(document.get(name) or {}, name, where)


def _transect_part(
    kind: PartKind,
    item: Mapping[str, Any],
    inner: Mapping[str, Any],
    version: int,
    shape: tuple[tuple[float, float], ...],
    where: str,
) -> PlanPart:
    """Returns what a survey or corridor means, of any version."""
    calc, grid = _object(inner, "CameraCalc", where), _object(item, "grid", where)
    old = _object(item, "camera", where)
    height = _first(
        [(calc, "DistanceToSurface"), (grid, "altitude"), (item, "gridAltitude")], where
    )
    mode = calc.get("DistanceMode")
    relative = calc.get("DistanceToSurfaceRelative")
    if relative is None:
        relative = grid.get("relativeAltitude", item.get("gridAltitudeRelative", True))
    follows = bool(inner.get("FollowTerrain")) or mode in (3, 4)
    datum = Datum.GROUND if follows else Datum.HOME if relative and mode != 2 else Datum.GEOID
    return PlanPart(
        kind,
        version,
        0,
        0,
        shape,
        None if height is None else Altitude(height, datum),
        _first([(calc, "AdjustedFootprintSide"), (grid, "spacing"), (item, "gridSpacing")], where),
        _first([(calc, "AdjustedFootprintFrontal"), (item, "cameraTriggerDistance")], where),
        _first([(item, "angle"), (grid, "angle"), (item, "gridAngle")], where),
        _first([(item, "CorridorWidth")], where),
        _first(
            [
                (inner, "TurnAroundDistance"),
                (grid, "turnAroundDistance"),
                (item, "turnaroundDistance"),
            ],
            where,
        )
        or 0.0,
        bool(inner.get("HoverAndCapture", item.get("hoverAndCapture", False))),
        bool(inner.get("Refly90Degrees", item.get("refly90Degrees", False))),
        follows,
        _camera(calc, old, where),
    )


def _numbered(steps: Sequence[SimpleItem], where: str) -> tuple[FileStep, ...]:
    return tuple(FileStep(step, f"{where}, step {n}") for n, step in enumerate(steps))


def _rebuilt(
    part: PlanPart, build: Callable[[], Sequence[SimpleItem]], where: str, report: LossReport
) -> Pattern | None:
    """Returns a pattern whose steps are computed from what it means."""
    try:
        steps = build()
    except SpacingImpossible as error:
        report.error("spacing_impossible", f"{where}: {error}", cure=_SPACING_CURE)
        return None
    except LanesUnknown as error:
        report.error("movement_not_understood", f"{where}: {error}")
        return None
    report.info("lanes_rebuilt", f"{where}: the {part.kind} held no lanes; they are computed")
    return Pattern(_numbered(steps, where), replace(part, rebuilt=True))


def _survey(
    item: Mapping[str, Any], version: int, where: str, report: LossReport
) -> Pattern | None:
    inner = _object(item, "TransectStyleComplexItem", where)
    shape = places(item.get("polygon") or [], "polygon", where)
    part = _transect_part(PartKind.SURVEY, item, inner, version, shape, where)
    if inner.get("Items"):
        return Pattern(steps_of(inner, where, report), part)
    entry = item.get("entryLocation", _object(item, "grid", where).get("entryLocation", 0))
    return _rebuilt(part, lambda: survey_steps(part, entry), where, report)


def _corridor(
    item: Mapping[str, Any], version: int, where: str, report: LossReport
) -> Pattern | None:
    inner = _object(item, "TransectStyleComplexItem", where)
    shape = places(item.get("polyline") or [], "polyline", where)
    part = _transect_part(PartKind.CORRIDOR, item, inner, version, shape, where)
    if inner.get("Items"):
        return Pattern(steps_of(inner, where, report), part)
    entry = item.get("entryLocation", 0)
    return _rebuilt(part, lambda: corridor_steps(part, entry), where, report)


def _structure(
    item: Mapping[str, Any], version: int, where: str, report: LossReport
) -> Pattern | None:
    calc = _object(item, "CameraCalc", where)
    shape = places(item.get("polygon") or [], "polygon", where)

    def value(*names: str) -> float | None:
        return _first([(item, name) for name in names], where)

    entrance_m = value("EntranceAltitude", "Altitude", "altitude")
    top_m = value("StructureHeight", "structureHeight")
    entrance_m = top_m if entrance_m is None else entrance_m
    datum = Datum.HOME if item.get("altitudeRelative", True) else Datum.GEOID
    part = PlanPart(
        PartKind.STRUCTURE,
        version,
        0,
        0,
        shape,
        None if entrance_m is None else Altitude(entrance_m, datum),
        _first([(calc, "AdjustedFootprintFrontal")], where),
        _first([(calc, "AdjustedFootprintSide")], where),
        width_m=_first([(calc, "DistanceToSurface")], where),
        camera=_camera(calc, {}, where),
    )
    structure = Structure(
        value("ScanBottomAlt") or 0.0,
        top_m,
        value("Layers", "layers") or 1.0,
        value("GimbalPitch") or 0.0,
        bool(item.get("StartFromTop", False)),
    )
    pattern = _rebuilt(part, lambda: structure_steps(part, structure), where, report)
    if pattern is not None:
        message = f"{where}: that the camera turns to the structure is left out"
        report.warning("setting_left_out", message)
    return pattern


def _landing(item: Mapping[str, Any], version: int, where: str, *, vtol: bool) -> Pattern:
    """Returns a landing pattern: the approach, then the landing."""
    approach = item.get("landingApproachCoordinate", item.get("loiterCoordinate"))
    ends: list[SimpleItem] = [SimpleItem(189, FRAME_MISSION, (0.0, 0.0, 0.0, 0.0))]
    relative = item.get("altitudesAreRelative")
    for spot, name, old in (
        (approach, "its approach", "loiterAltitudeRelative"),
        (item.get("landCoordinate"), "its landing place", "landAltitudeRelative"),
    ):
        lat, lon = place(spot, name, where)
        spot = listing(spot, name, where)
        height = number(spot[2], name, where) if len(spot) > 2 and spot[2] is not None else 0.0
        above_home = item.get(old, True) if relative is None else relative
        frame = FRAME_HOME if above_home else FRAME_AMSL
        radius = _first([(item, "loiterRadius")], where) or 0.0
        turn = radius if item.get("loiterClockwise", True) else -radius
        if name == "its approach" and item.get("useLoiterToAlt", True):
            ends.append(SimpleItem(31, frame, (1.0, turn, 0.0, 1.0), lat, lon, height))
        else:
            command = 16 if name == "its approach" else 85 if vtol else 21
            ends.append(SimpleItem(command, frame, (0.0, 0.0, 0.0, math.nan), lat, lon, height))
    shape = tuple((s.lat_deg, s.lon_deg) for s in ends[1:])
    return Pattern(_numbered(ends, where), PlanPart(PartKind.LANDING, version, 0, 0, shape))
