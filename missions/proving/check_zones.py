"""Whether what a mission itself sweeps stays inside inclusions and out of exclusions."""

from collections.abc import Sequence

from shapely import Point

from missions.proving.clearance import TOLERANCE_M, Clearance, Passages, first_breach
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import RETURNS, Part, Sheet

FLIGHT_ZONE = "the flight zone"
_FENCE_CORNERS = 100
_APART = (Part.TAKEOFF, Part.CORNER)
"""What `check_home` and `check_corners` look at."""


def check_fence(clearances: Sequence[Clearance], found: FindingList, *, grounded: bool) -> None:
    """Checks the zones themselves: that there are some, that their heights can be joined.

    Args:
        clearances: the zones, one group for each source.
        found: takes the findings.
        grounded: whether heights above ground can be joined with home.
    """
    for limit in (limit for one in clearances for limit in one.room.limits):
        if limit.unknown:
            about = str(limit.zone.zone_id)
            cure = "give the zone's height above home or above ground"
            found.error("datum_unknown", limit.unknown, about=about, cure=cure)
        elif limit.over_ground and not grounded:
            message = f"{limit.name} counts from a ground whose datum is not that of home"
            cure = "load terrain with home's datum"
            about = str(limit.zone.zone_id)
            found.error("datum_unknown", message, about=about, cure=cure)
    if not any(one.inclusions for one in clearances):
        message = "no flight zone says where to stay"
        found.warning("no_fence", message, cure="draw an inclusion")
    corners = sum(one.corners for one in clearances)
    if corners > _FENCE_CORNERS:
        message = f"{corners} corners"
        found.warning("fence_too_big", message, cure="upload a simplified fence")


def check_home(
    clearance: Clearance, path: FlightPath, found: FindingList, where: str = FLIGHT_ZONE
) -> None:
    """Checks that home itself is permitted, which both autopilots insist on.

    Args:
        clearance: the zones.
        path: the way.
        found: takes the findings.
        where: what people call that which permits.
    """
    home = Point(0.0, 0.0)
    first = path.own[0] if path.own else None
    if clearance.inclusions and first is not None:
        if clearance.permitted(first).distance(home) > TOLERANCE_M:
            cure = f"move the take-off place into {where}"
            found.error("home_outside", f"home is outside {where}", (0.0, 0.0), cure=cure)
    for limit in clearance.exclusions:
        if limit.area.contains(home) and limit.holds_at(0.0):
            message = f"home is inside {limit.name}"
            cure = "take off outside it, or have the zone changed by who owns it"
            about = str(limit.zone.zone_id)
            found.error("home_excluded", message, (0.0, 0.0), about=about, cure=cure)


def check_zones(
    clearance: Clearance,
    path: FlightPath,
    passages: Passages,
    found: FindingList,
    where: str = FLIGHT_ZONE,
) -> None:
    """Checks legs, circles and columns of the mission itself.

    Args:
        clearance: the zones.
        path: the way.
        passages: of all its sheets, returns included.
        found: takes the findings.
        where: what people call that which permits.
    """
    for meeting in passages.meetings:
        sheet, limit = meeting.sheet, meeting.limit
        if sheet.part in RETURNS or sheet.part is Part.CORNER:
            continue
        about, place = str(limit.zone.zone_id), sheet.b
        if not found.brief:
            place = first_breach(sheet, limit.area, outside=False)
        if sheet.part is Part.LEG:
            if limit.area.contains(Point(sheet.b)):
                message = f"step {sheet.item} is inside {limit.name}"
                found.error("waypoint_excluded", message, sheet.b, sheet.item, about=about)
            message = f"the way to step {sheet.item} enters {limit.name}"
            found.error("leg_excluded", message, place, sheet.item, about=about)
        elif sheet.part is Part.LOITER:
            message = f"the circle at step {sheet.item} enters {limit.name}"
            found.error("hover_outside", message, place, sheet.item, about=about)
        else:
            what = "landing" if sheet.part is Part.LANDING else "take-off"
            message = f"straight up or down at the {what}, step {sheet.item} meets {limit.name}"
            found.error("column_excluded", message, sheet.a, sheet.item, about=about)
    for sheet in clearance.outside([s for s in path.own if s.part not in _APART]):
        _outside(clearance, sheet, found, where)
    seen: set[str] = set()
    for meeting in passages.over_or_under:
        limit = meeting.limit
        if limit.zone.zone_id in seen:
            continue
        seen.add(limit.zone.zone_id)
        low, _ = meeting.sheet.band_m
        above = limit.ceiling_m is not None and low >= limit.ceiling_m - TOLERANCE_M
        found.warning(
            "fence_without_height",
            f"it passes {'over' if above else 'under'} {limit.name}; the vehicle's own fence"
            " knows no heights and would be breached",
            meeting.sheet.a, meeting.sheet.item, about=str(limit.zone.zone_id),
            cure="leave that zone out of the fence that is uploaded, and watch it live",
        )  # fmt: skip


def _outside(clearance: Clearance, sheet: Sheet, found: FindingList, where: str) -> None:
    permitted = clearance.permitted(sheet)
    place = sheet.b if found.brief else first_breach(sheet, permitted, outside=True)
    if sheet.part is Part.LEG:
        if permitted.distance(Point(sheet.b)) > TOLERANCE_M:
            message = f"step {sheet.item} is outside {where}"
            found.error("waypoint_outside", message, sheet.b, sheet.item)
        message = f"the way to step {sheet.item} leaves {where}"
        found.error("leg_outside", message, place, sheet.item)
    else:
        message = f"step {sheet.item} needs more room than is left in {where}"
        found.error("hover_outside", message, place, sheet.item)
