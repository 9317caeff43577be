"""The steps of patterns whose file holds only their shape: lanes, corridors, rounds of a structure.

They follow QGroundControl's rules (angle clockwise from north, lanes half a spacing from the
edge, turns beyond the ends), so that an old file is flown as its author saw it. The order of
the lanes is our own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shapely import LineString, Polygon, is_valid_reason

from geo.coverage import lanes
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum
from geo.zones import to_local
from missions.formats.plan_items import (
    FRAME_AMSL,
    FRAME_HOME,
    FRAME_MISSION,
    FRAME_TERRAIN,
    MOUNT_CONTROL,
    TRIGGER_DISTANCE,
    SimpleItem,
)
from missions.formats.plan_parts import PlanPart

_SMALLEST_SPACING_M = 0.5
"""With less QGroundControl itself falls back to a single lane, which is nobody's wish."""
_MOST_LANES = 2_000
_WIDEST_M = 50_000.0
_MOST_LAYERS = 200
_Line = list[tuple[float, float]]


class LanesUnknown(ValueError):
    """A pattern can't be turned into lanes; the message says why."""


class SpacingImpossible(LanesUnknown):
    """A pattern has no lanes and no distance between them that could be flown."""


@dataclass(frozen=True, slots=True)
class Structure:
    """How high a structure is scanned, in metres above what its pattern counts from."""

    bottom_m: float
    top_m: float | None
    layers: float
    pitch_deg: float
    from_top: bool


def survey_steps(part: PlanPart, entry: object) -> tuple[SimpleItem, ...]:
    """Returns the steps that sweep the area of a survey.

    Args:
        part: its shape, height, spacing and angle.
        entry: QGroundControl's corner to begin at: 0 to 3, north-west to south-east.

    Raises:
        LanesUnknown: if there is no area or height, or there are too many lanes.
        SpacingImpossible: if its spacing is none, or less than can be flown.
    """
    altitude = _altitude(part)
    frame, area = _ground(part)
    west, south, east, north = area.bounds
    across = math.hypot(east - west, north - south)
    spacing_m = _spacing_m(part, "lanes")
    if across / spacing_m > _MOST_LANES:
        raise LanesUnknown("it has too many lanes")
    corner = (east if entry in (1, 3) else west, south if entry in (2, 3) else north)
    lines: list[_Line] = []
    for turned in (0.0, 90.0) if part.refly_crosswise else (0.0,):
        angle = 90.0 - (part.angle_deg or 0.0) - turned
        lines += [
            _longer([lane.start, lane.end], part.turnaround_m)
            for lane in lanes(area, spacing_m, angle_deg=angle, start=corner)
        ]
    return _flown(lines, frame, altitude, part)


def corridor_steps(part: PlanPart, entry: object) -> tuple[SimpleItem, ...]:
    """Returns the steps that sweep a corridor along its line.

    Args:
        part: its line, width, height and spacing.
        entry: QGroundControl's end to begin at: 0 to 3, the other side, the other end, both.

    Raises:
        LanesUnknown: if there is no line or height, or its lanes fall apart.
        SpacingImpossible: if it has a width, and its spacing is none or less than can be flown.
    """
    altitude = _altitude(part)
    if len(part.shape) < 2:
        raise LanesUnknown("its line has no two places")
    frame = LocalFrame(*part.shape[0])
    line = LineString([frame.to_en1_m(*corner) for corner in part.shape])
    width_m = part.width_m or 0.0
    # without a width it is the line itself, once, which needs no spacing
    spacing_m = _spacing_m(part, "lanes") if width_m > 0 else 0.0
    count = math.ceil(width_m / spacing_m) if width_m > 0 else 1
    if count > _MOST_LANES or not line.length <= _WIDEST_M:
        raise LanesUnknown("the corridor is too large to be rebuilt")
    lines: list[_Line] = []
    for k in range(count):
        aside = 0.0 if count == 1 else width_m / 2 - spacing_m * (k + 0.5)
        shifted = line.offset_curve(-aside, join_style="mitre") if aside else line
        if not isinstance(shifted, LineString) or shifted.is_empty:
            raise LanesUnknown("the lanes of the corridor fall apart")
        lines.append([(x, y) for x, y in shifted.coords])
    if entry in (1, 3):
        lines.reverse()
    if entry in (2, 3):
        lines = [way[::-1] for way in lines]
    there_and_back = [way[::-1] if n % 2 else way for n, way in enumerate(lines)]
    return _flown(
        [_longer(way, part.turnaround_m) for way in there_and_back], frame, altitude, part
    )


def structure_steps(part: PlanPart, structure: Structure) -> tuple[SimpleItem, ...]:
    """Returns the steps that go around a structure, layer by layer.

    Args:
        part: its outline, the distance kept (`width_m`), the height of entry and of a layer.
        structure: where the layers lie.

    Raises:
        LanesUnknown: if there is no way around it, or no height.
        SpacingImpossible: if its layers are several, and nothing says how far apart.
    """
    altitude = _altitude(part)
    frame, area = _ground(part)
    around = area.buffer(max(0.0, part.width_m or 0.0), join_style="mitre")
    if not isinstance(around, Polygon) or not 1 <= structure.layers <= _MOST_LAYERS:
        raise LanesUnknown("no way around the structure is found")
    start_m = structure.top_m if structure.from_top else structure.bottom_m
    if start_m is None:
        raise LanesUnknown("the structure has no height")
    ring = [frame.to_geo1_deg(x, y) for x, y in around.exterior.coords]
    pitch = (structure.pitch_deg, 0.0, 0.0, 0.0)
    steps = [_waypoint(*ring[0], altitude)]
    steps.append(SimpleItem(MOUNT_CONTROL, FRAME_MISSION, pitch, z_m=2.0))
    apart_m = part.spacing_m or 0.0 if structure.layers < 2 else _spacing_m(part, "layers")
    up_m = apart_m * (-1 if structure.from_top else 1)
    for layer in range(int(structure.layers)):
        height = Altitude(start_m + up_m * (layer + 0.5), altitude.datum)
        for n, corner in enumerate(ring):
            steps.append(_waypoint(*corner, height))
            if n == 0:
                steps.append(_trigger(part.trigger_m or 0.0))
        steps.append(_trigger(0.0))
    return (*steps, _waypoint(*ring[0], altitude))


def _altitude(part: PlanPart) -> Altitude:
    if part.altitude is None:
        raise LanesUnknown(f"the {part.kind} has neither lanes nor a height")
    return part.altitude


def _spacing_m(part: PlanPart, of: str) -> float:
    """Returns the distance between the lanes or layers of a pattern.

    Raises:
        SpacingImpossible: if it is none, or less than can be flown.
    """
    given = part.spacing_m
    if given is None:
        raise SpacingImpossible(
            f"the {part.kind} holds no {of}, and nothing says how far apart they are"
        )
    if not given >= _SMALLEST_SPACING_M:  # also NaN
        raise SpacingImpossible(
            f"the {part.kind} holds no {of}, and the distance between them is {given:g} m, less"
            f" than the {_SMALLEST_SPACING_M:g} m that can be flown"
        )
    return given


def _longer(line: _Line, by_m: float) -> _Line:
    """Returns a line drawn out at both ends."""
    if by_m <= 0 or len(line) < 2:
        return line
    ends = []
    for (ax, ay), (bx, by) in ((line[1], line[0]), (line[-2], line[-1])):
        length = math.hypot(bx - ax, by - ay) or 1.0
        ends.append((bx + (bx - ax) / length * by_m, by + (by - ay) / length * by_m))
    return [ends[0], *line[1:-1], ends[1]]


def _flown(
    lines: Sequence[_Line], frame: LocalFrame, altitude: Altitude, part: PlanPart
) -> tuple[SimpleItem, ...]:
    """Returns the steps that fly these lines and take pictures along them."""
    steps: list[SimpleItem] = []
    for line in lines:
        for n, corner in enumerate(line):
            steps.append(_waypoint(*frame.to_geo1_deg(*corner), altitude))
            if n == 0 and part.trigger_m:
                steps.append(_trigger(part.trigger_m))
    return (*steps, _trigger(0.0)) if part.trigger_m else tuple(steps)


def _waypoint(lat: float, lon: float, altitude: Altitude) -> SimpleItem:
    frames = {Datum.HOME: FRAME_HOME, Datum.GEOID: FRAME_AMSL, Datum.GROUND: FRAME_TERRAIN}
    params = (0.0, 0.0, 0.0, math.nan)
    return SimpleItem(16, frames[altitude.datum], params, lat, lon, altitude.metres)


def _trigger(metres: float) -> SimpleItem:
    return SimpleItem(TRIGGER_DISTANCE, FRAME_MISSION, (metres, 0.0, 1.0, 0.0))


def _ground(part: PlanPart) -> tuple[LocalFrame, Polygon]:
    """Returns the area of a pattern in metres about its first corner."""
    if len(part.shape) < 3:
        raise LanesUnknown("its area has no three corners")
    area = Polygon([(lon, lat) for lat, lon in part.shape])
    if not area.is_valid:
        raise LanesUnknown(f"its area can't be flown: {is_valid_reason(area)} (longitude latitude)")
    frame = LocalFrame(*part.shape[0])
    local = to_local(area, frame)
    west, south, east, north = local.bounds
    if not local.is_valid or not max(east - west, north - south) <= _WIDEST_M:
        raise LanesUnknown("its area is wider than 50 km")
    assert isinstance(local, Polygon)  # a transform keeps the kind of a shape
    return frame, local
