"""Whether there is room beside corners that are reached too fast to turn there.

Told apart from the legs: here the way is right and the speed is wrong, so slowing down cures it.
"""

import shapely

from missions.proving.clearance import TOLERANCE_M, Clearance, Passages
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import Part, Sheet


def check_corners(
    clearance: Clearance, path: FlightPath, passages: Passages, found: FindingList
) -> None:
    """Checks how far the aircraft may swing out behind each corner.

    What a leg already sweeps with its own radius is told of the leg alone.

    Args:
        clearance: the zones.
        path: the way.
        passages: of all its sheets.
        found: takes the findings.
    """
    corners = [sheet for sheet in path.own if sheet.part is Part.CORNER]
    if not corners:
        return
    for meeting in passages.meetings:
        sheet, limit = meeting.sheet, meeting.limit
        if sheet.part is not Part.CORNER:
            continue
        if not shapely.dwithin(sheet.shape, limit.area, path.radius_m - TOLERANCE_M):
            _tell(path, sheet, f"into {limit.name}", str(limit.zone.zone_id), found)
    for sheet in clearance.outside(corners):
        permitted = clearance.permitted(sheet)
        narrow = shapely.buffer(sheet.shape, path.radius_m - TOLERANCE_M)
        if permitted.covers(narrow):
            _tell(path, sheet, "out of the flight zone", "", found)
    for sheet, limit, _ in clearance.wrong_heights(corners):
        if not shapely.dwithin(sheet.shape, limit.area, path.radius_m - TOLERANCE_M):
            where = f"into {limit.name}, which is not for this height"
            _tell(path, sheet, where, str(limit.zone.zone_id), found)


def _tell(path: FlightPath, sheet: Sheet, where: str, about: str, found: FindingList) -> None:
    speed_m_s = path.fast_corners[sheet.item].speed_m_s
    message = (
        f"step {sheet.item} is reached at {speed_m_s:.1f} m/s, too fast to turn there;"
        f" it may swing {sheet.radius_m:.0f} m out, {where}"
    )
    found.error("corner_too_fast", message, sheet.a, sheet.item, about=about)
