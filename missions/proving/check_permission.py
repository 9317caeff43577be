"""Whether an authority's permission covers a whole flight: area, heights, time, asset.

The returns are part of the flight. A permission that ends while the aircraft may still be in the
air is foreseen: an error that names the time.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import shapely

from core.errors import DatumUnknown
from core.ids import ZoneId
from geo.flight_room import above_home_m
from geo.ground_grid import GroundGrid
from geo.positions import Altitude, Datum, Position
from geo.zones import Purpose, Zone, to_local
from missions.model import Asset
from missions.permissions import Permission
from missions.proving.clearance import TOLERANCE_M, first_breach, within
from missions.proving.finding_list import FindingList
from missions.proving.flight_path import FlightPath
from missions.proving.sheets import COLUMNS, RETURNS, Sheet

_DEEPEST = 7
"""A leg is halved so often where the ground under it is uneven."""


def check_permission(
    path: FlightPath,
    asset: Asset,
    permissions: Sequence[Permission] | None,
    departs_at: datetime | None,
    found: FindingList,
    ground: GroundGrid | None = None,
) -> None:
    """Checks that a valid permission covers the flight.

    Args:
        path: the way, returns included.
        asset: who flies.
        permissions: on hand; `None` where nobody said.
        departs_at: start, or `None` where it is not known.
        found: takes the findings.
        ground: under heights above ground; without it the ground is level at home.
    """
    number = path.plan.permission
    if permissions is None:
        message = "whether an airspace permission is held is not known"
        found.warning("permission_unknown", message, cure="give the permission")
        return
    named = [one for one in permissions if number in ("", one.number)]
    if not named:
        what = f"permission {number} is not on hand" if number else "no permission is on hand"
        found.error(
            "permission_missing", what, about=number, cure="get a permission for this flight"
        )
        return
    tries = []
    for permission in named:
        one = FindingList(path.frame, asset.autopilot)
        _check_one(path, asset, permission, departs_at, one, ground)
        tries.append(one.sorted())
    # where the plan names none, the one that fits best is what it is flown under
    found.take(min(tries, key=lambda findings: sum(f.severity == "error" for f in findings)))


def _check_one(
    path: FlightPath,
    asset: Asset,
    permission: Permission,
    departs_at: datetime | None,
    found: FindingList,
    ground: GroundGrid | None,
) -> None:
    number = permission.number
    if permission.asset_ids and asset.asset_id not in permission.asset_ids:
        message = f"permission {number} is not for {asset.asset_id}"
        cure = "name an asset that it is for, or have it widened"
        found.error("permission_other_asset", message, about=number, cure=cure)
    _check_time(path, permission, departs_at, found)
    _check_area(path, permission, found)
    _check_heights(path, permission, found, ground)


def _check_time(
    path: FlightPath, permission: Permission, departs_at: datetime | None, found: FindingList
) -> None:
    number = permission.number
    if permission.ends_at <= permission.valid_from:
        cure = "get a new permission"
        message = f"permission {number} is revoked and holds at no time"
        found.error("permission_revoked", message, about=number, cure=cure)
        return
    if departs_at is None:
        message = (
            f"permission {number} holds from {_clock(permission.valid_from)} to"
            f" {_clock(permission.ends_at)}; when the flight starts is not known"
        )
        found.warning("permission_time_unknown", message, about=number, cure="say when it starts")
        return
    ends = permission.ends_at
    revoked = permission.revoked_at is not None and ends == permission.revoked_at
    cure = "get a new permission, or fly while it holds"
    last = max(path.sheets, key=lambda sheet: sheet.late_s, default=None)
    last_s = 0.0 if last is None else last.late_s
    if departs_at < permission.valid_from:
        wait = _clock(permission.valid_from)
        message = f"permission {number} holds only from {wait}"
        found.error("permission_not_yet_valid", message, about=number, cure=f"start after {wait}")
    if departs_at >= ends:
        code = "permission_revoked" if revoked else "permission_expired"
        what = "was revoked" if revoked else "ended"
        found.error(code, f"permission {number} {what} at {_clock(ends)}", about=number, cure=cure)
    elif departs_at + timedelta(seconds=last_s) > ends:
        left = (ends - departs_at).total_seconds()
        over = [sheet for sheet in path.sheets if sheet.late_s > left]
        first = min(over, key=lambda sheet: sheet.late_s)
        message = (
            f"permission {number} ends at {_clock(ends)}, {left / 60:.0f} min after the start; by"
            f" step {first.item} the flight or a return from it may last until"
            f" {_clock(departs_at + timedelta(seconds=last_s))}"
        )
        found.error(
            "permission_ends_in_flight", message, first.b, first.item, about=number, cure=cure
        )


def _check_area(path: FlightPath, permission: Permission, found: FindingList) -> None:
    area = to_local(permission.area, path.frame)
    shapely.prepare(area)
    border = area.boundary
    shapely.prepare(border)
    sheets = path.sheets
    if not sheets:
        return
    for sheet, free in zip(sheets, within(area, border, sheets), strict=True):
        if free:
            continue
        where = first_breach(sheet, area, outside=True)
        if sheet.part in RETURNS:
            message = (
                f"a return on the way to step {sheet.item} leaves the area of permission"
                f" {permission.number}"
            )
            code = "permission_left_on_return"
        else:
            message = f"the way to step {sheet.item} leaves the area of {permission.number}"
            code = "permission_left"
        found.error(code, message, where, sheet.item, about=permission.number)


def _check_heights(
    path: FlightPath, permission: Permission, found: FindingList, ground: GroundGrid | None
) -> None:
    number, home = permission.number, path.plan.home
    try:
        floor = _above_home_m(permission.floor, permission, home, ceiling=False)
        ceiling = _above_home_m(permission.ceiling, permission, home, ceiling=True)
    except DatumUnknown as error:
        cure = "give its heights above ground or above sea level"
        found.error("datum_unknown", str(error), about=number, cure=cure)
        return
    under_floor = ground if _over_ground(permission.floor) else None
    under_ceiling = ground if _over_ground(permission.ceiling) else None
    for sheet in path.sheets:
        if sheet.part in COLUMNS:
            continue
        back = sheet.part in RETURNS
        bound = _passes(sheet, ceiling, under_ceiling, above=True)
        if bound is not None:
            code = "permission_height_on_return" if back else "permission_height"
            what = "a return on the way" if back else "the way"
            message = (
                f"{what} to step {sheet.item} is at {sheet.band_m[1]:.0f} m,"
                f" {number} allows {bound:.0f} m{_there(under_ceiling)}"
            )
            found.error(code, message, sheet.b, sheet.item, about=number)
        bound = None if back else _passes(sheet, floor, under_floor, above=False)
        if bound is not None:
            message = (
                f"the way to step {sheet.item} is at {sheet.band_m[0]:.0f} m,"
                f" {number} begins at {bound:.0f} m{_there(under_floor)}"
            )
            found.error("permission_height", message, sheet.b, sheet.item, about=number)


def _passes(
    sheet: Sheet, limit_m: float, ground: GroundGrid | None, *, above: bool, deep: int = 0
) -> float | None:
    """Returns the limit that a sheet is above (or below), above home, or `None`.

    Args:
        sheet: a part of the way.
        limit_m: above home, or above the ground where that is given.
        ground: under the limit.
        above: whether it is a ceiling.
        deep: how often the sheet was halved: where the ground rises with it, only a part tells.
    """
    bound = limit_m
    if ground is not None and math.isfinite(limit_m):
        west, south, east, north = sheet.shape.bounds
        wide = sheet.radius_m
        lowest, highest = ground.span_m((west - wide, south - wide, east + wide, north + wide))
        bound += lowest if above else highest
    low, high = sheet.band_m
    if (above and high <= bound + TOLERANCE_M) or (not above and low >= bound - TOLERANCE_M):
        return None
    halves = sheet.halves() if ground is not None and deep < _DEEPEST else ()
    if not halves:
        return bound
    passed = (_passes(one, limit_m, ground, above=above, deep=deep + 1) for one in halves)
    return next((one for one in passed if one is not None), None)


def _over_ground(limit: Altitude | None) -> bool:
    return limit is not None and limit.datum is Datum.GROUND


def _there(ground: GroundGrid | None) -> str:
    return "" if ground is None else " above home there"


def _above_home_m(
    limit: Altitude | None, permission: Permission, home: Position, *, ceiling: bool
) -> float:
    if limit is None:
        return math.inf if ceiling else -math.inf
    if limit.datum is Datum.GROUND:
        return limit.metres
    name = f"permission {permission.number}"
    zone = Zone(ZoneId(permission.number), name, frozenset({Purpose.FLIGHT}), permission.area)
    return above_home_m(limit, zone, home, None, ceiling=ceiling)


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC{at:%z}".replace("UTC+0000", "UTC")
