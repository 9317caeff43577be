"""Whether a vehicle may come home from every point of its way, or to a rally point.

A return climbs to its height and goes straight to the nearest of home and the rally points
(PX4 with `RTL_TYPE` 0, ArduPilot likewise), so from every leg the whole triangle up to that
place is held against the zones. Which part of the leg is cut off is told in hundredths of it.
"""

import math
from dataclasses import replace

from shapely import Point
from shapely.geometry.base import BaseGeometry

from geo.flight_room import Limit
from missions.model import Severity
from missions.proving.clearance import TOLERANCE_M, Clearance, Passages, shadow
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import RETURNS, Part, Place, Sheet

_HOME: Place = (0.0, 0.0)


def check_return(
    clearance: Clearance, path: FlightPath, passages: Passages, found: FindingList
) -> None:
    """Checks the way back from everywhere.

    Args:
        clearance: the zones.
        path: the way.
        passages: of all its sheets, returns included.
        found: takes the findings.
    """
    if path.returns and path.plan.return_altitude is None:
        message = f"the plan sets no return height; {path.return_up_m:.0f} m above home is assumed"
        found.warning("return_height_unknown", message, cure="set the return height")
    blocks = _Blocks(found)
    for meeting in passages.meetings:
        sheet, limit = meeting.sheet, meeting.limit
        if sheet.part is Part.RETURN_LANDING:
            if sheet.a == _HOME:  # a rally point's own descent is told as `rally_outside`
                severity = _severity(clearance, path, sheet, limit)
                message = f"the descent at home after a return meets {limit.name}"
                about = str(limit.zone.zone_id)
                found.add(severity, "column_excluded", message, _HOME, sheet.item, about=about)
        elif sheet.part in RETURNS:
            severity = _severity(clearance, path, sheet, limit)
            blocks.add(severity, sheet, limit.name, limit.area)
    for sheet in clearance.outside([s for s in path.returns if s.part is Part.RETURN]):
        beyond = sheet.shape.buffer(sheet.radius_m).difference(clearance.permitted(sheet))
        blocks.add(Severity.ERROR, sheet, "what no flight zone permits", beyond)
    blocks.tell()
    for number, place in enumerate(path.goals[1:]):
        _check_rally(clearance, path, number, place, found)


class _Blocks:
    """What is in the way of returns, gathered so that each leg is told once."""

    def __init__(self, found: FindingList) -> None:
        self._found = found
        self._legs: dict[tuple[str, int, Severity], list[tuple[Sheet, str, BaseGeometry]]] = {}

    def add(self, severity: Severity, sheet: Sheet, name: str, area: BaseGeometry) -> None:
        """Notes one zone that is in the way of one return."""
        home = sheet.goal is None or sheet.goal == _HOME
        code = "emergency_way_blocked" if home else "rally_way_blocked"
        code = "return_way_blocked" if sheet.planned else code
        self._legs.setdefault((code, sheet.item, severity), []).append((sheet, name, area))

    def tell(self) -> None:
        """Adds one finding for each leg; the first zone is described, the others counted."""
        for (code, item, severity), blocks in self._legs.items():
            sheet, name, area = next((one for one in blocks if one[0].goal), blocks[0])
            if self._found.brief:
                self._found.add(severity, code, "", None, item)
                continue
            others = len({one[1] for one in blocks} - {name})
            more = f" (and {others} more)" if others else ""
            if sheet.planned:
                message = f"the planned return after step {item - 1} flies through {name}{more}"
                self._found.add(severity, code, message, sheet.a, item)
                continue
            start, end = shadow(sheet, area)
            middle = (start + end) / 2
            place = (
                sheet.a[0] + middle * (sheet.b[0] - sheet.a[0]),
                sheet.a[1] + middle * (sheet.b[1] - sheet.a[1]),
            )
            if sheet.a == sheet.b or end - start > 0.995:
                where = f"anywhere on the way to step {item}"
            else:
                part = f"from {100 * start:.0f} to {100 * end:.0f} %"
                where = f"on the way to step {item} ({part} of it)"
            goal = "to a rally point" if code == "rally_way_blocked" else "home"
            message = f"a return {goal} ordered {where} flies through {name}{more}"
            self._found.add(severity, code, message, place, item)


def _severity(clearance: Clearance, path: FlightPath, sheet: Sheet, limit: Limit) -> Severity:
    """Returns how grave it is: a return height that is only assumed makes no error by itself."""
    if path.plan.return_altitude is not None or limit.everywhere:
        return Severity.ERROR
    if sheet.part is Part.RETURN_CLIMB:
        return Severity.WARNING
    as_flown = replace(sheet, return_up_m=0.0)
    if sheet.part is Part.RETURN_LANDING:
        as_flown = replace(sheet, up_b=min(sheet.up_b, path.top_m))
    return Severity.ERROR if clearance.passages([as_flown]).meetings else Severity.WARNING


def _check_rally(
    clearance: Clearance, path: FlightPath, number: int, place: Place, found: FindingList
) -> None:
    about = f"rally-{number}"
    late = max((sheet.late_s for sheet in path.sheets), default=math.inf)
    column = Sheet(
        Part.RETURN_LANDING, 0, place, place, 0.0, max(path.top_m, path.return_up_m), path.radius_m,
        0.0, late,
    )  # fmt: skip
    names = [meeting.limit.name for meeting in clearance.passages([column]).meetings]
    if names:
        found.error("rally_outside", f"rally point {number} is in {names[0]}", place, about=about)
    elif clearance.outside([column]) or (
        clearance.inclusions and clearance.permitted(column).distance(Point(place)) > TOLERANCE_M
    ):
        message = f"rally point {number} is outside the flight zone"
        found.error("rally_outside", message, place, about=about)
