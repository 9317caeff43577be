"""A plan as features with plain properties, which GeoJSON and KML share; exact both ways.

Values may be text (KML knows nothing else), so reading takes `"12.5"` for 12.5. Heights stand
in properties with their datum, never in coordinates, whose heights mean another thing in each
format.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from shapely import MultiPolygon, Polygon

from core.documents import Json
from core.errors import PlanUnreadable, ZoneInvalid
from core.ids import AgencyId, AssetId, MissionId, PatrolId, UserId, ZoneId, content_id
from core.window_documents import read_windows, write_window
from geo.circles import circle_area
from geo.positions import Altitude, Datum, Position
from geo.zones import Area, Circle, Purpose, Zone, ZoneKind, ZoneStage
from missions.model import ItemKind, Mission, MissionItem, Plan, RallyPoint

Properties: TypeAlias = Mapping[str, Any]
Place: TypeAlias = tuple[float, float]
"""Latitude and longitude."""


def altitude_properties(altitude: Altitude | None, name: str = "altitude") -> dict[str, Json]:
    """Returns a height as two properties; none where there is no height."""
    if altitude is None:
        return {}
    return {f"{name}_m": altitude.metres, f"{name}_datum": str(altitude.datum)}


def home_properties(plan: Plan) -> dict[str, Json]:
    """Returns what a plan says besides its items, zones and rally points."""
    return {
        "role": "home",
        **altitude_properties(plan.home.altitude),
        "asset_id": plan.asset_id,
        "mission_id": plan.mission.mission_id,
        "patrol_id": plan.patrol_id,
        "permission": plan.permission,
        "cruise_m_s": plan.cruise_m_s,
        "expected_s": plan.expected_s,
        **altitude_properties(plan.return_altitude, "return"),
    }


def item_properties(number: int, item: MissionItem) -> dict[str, Json]:
    """Returns one mission item; what it leaves open is left out."""
    look = item.look_at
    values: dict[str, Json] = {
        "role": "item",
        "number": number,
        "kind": str(item.kind),
        **altitude_properties(None if item.position is None else item.position.altitude),
        "speed_m_s": item.speed_m_s,
        "hold_s": item.hold_s,
        "camera_pitch_deg": item.camera_pitch_deg,
        "loiter_radius_m": item.loiter_radius_m,
        "look_at": None if look is None else [look[1], look[0]],
        "trigger_m": item.trigger_m,
        "acceptance_radius_m": item.acceptance_radius_m,
        "loiter_turns": item.loiter_turns,
    }
    return {name: value for name, value in values.items() if value is not None}


def zone_properties(zone: Zone) -> dict[str, Json]:
    """Returns a zone in the words of zone files (docs/api.md)."""
    circle = zone.circle
    values: dict[str, Json] = {
        "role": "zone",
        "zone_id": zone.zone_id,
        "name": zone.name,
        "purpose": [*sorted(str(purpose) for purpose in zone.purposes)],
        "kind": str(zone.kind),
        **altitude_properties(zone.floor, "floor"),
        **altitude_properties(zone.ceiling, "ceiling"),
        "rules": [*zone.rules],
        "active": zone.active,
        "owner": zone.owner,
        "reason": zone.reason,
        "windows": [write_window(window) for window in zone.windows],
        "priority": zone.priority,
        "circle": None
        if circle is None
        else {"lat_deg": circle.lat_deg, "lon_deg": circle.lon_deg, "radius_m": circle.radius_m},
        "version": zone.version,
        "changed_at": None if zone.changed_at is None else zone.changed_at.isoformat(),
        "stage": str(zone.stage),
        "changed_by": zone.changed_by,
    }
    return {name: value for name, value in values.items() if value is not None}


def rally_properties(point: RallyPoint) -> dict[str, Json]:
    """Returns a rally point."""
    return {"role": "rally", **altitude_properties(point.position.altitude)}


def plan_of(
    home: Position,
    values: Properties,
    items: tuple[MissionItem, ...],
    zones: tuple[Zone, ...],
    rally: tuple[RallyPoint, ...],
    asset_id: AssetId | None,
    where: str,
) -> Plan:
    """Returns the plan of these parts; `asset_id` goes before what the file says.

    Raises:
        PlanUnreadable: if a property makes no sense.
    """
    asset = asset_id or AssetId(text(values, "asset_id") or "unnamed-drone")
    named = text(values, "mission_id") or content_id("mission", str(asset), repr(items))
    cruise = value_of(values, "cruise_m_s", where)
    patrol = text(values, "patrol_id")
    return Plan(
        Mission(MissionId(named), items),
        asset,
        home,
        5.0 if cruise is None or cruise <= 0 else cruise,
        zones,
        rally,
        altitude_of(values, "return", where),
        PatrolId(patrol) if patrol else None,
        value_of(values, "expected_s", where) or 0.0,
        text(values, "permission"),
    )


def item_of(values: Properties, spot: Place | None, where: str) -> MissionItem:
    """Returns the mission item of a feature.

    Raises:
        PlanUnreadable: if a property makes no sense; the message names it.
    """
    altitude = altitude_of(values, "altitude", where)
    position = None
    if spot is not None:
        if altitude is None:
            raise PlanUnreadable("it has no altitude_m", where=where, cure="give its height")
        position = position_of(spot, altitude, where)
    look = nested(values, "look_at", where)
    return MissionItem(
        _member(ItemKind, values, "kind", ItemKind.WAYPOINT, where),
        position,
        value_of(values, "speed_m_s", where),
        value_of(values, "hold_s", where) or 0.0,
        value_of(values, "camera_pitch_deg", where),
        value_of(values, "loiter_radius_m", where),
        None if look is None else _look(look, where),
        value_of(values, "trigger_m", where),
        value_of(values, "acceptance_radius_m", where),
        value_of(values, "loiter_turns", where),
    )


def zone_of(values: Properties, area: Area | None, where: str) -> Zone:
    """Returns the zone of a feature; without a kind it is an inclusion, as in zone files.

    Raises:
        PlanUnreadable: if a property or the area makes no sense; the message names it.
    """
    name = text(values, "name")
    try:
        kind = _member(ZoneKind, values, "kind", ZoneKind.INCLUSION, where)
        given = nested(values, "circle", where)
        circle = None if given is None else Circle(*(float(given[k]) for k in _CIRCLE))
        if area is None or area.is_empty:
            if circle is None:
                raise PlanUnreadable("it has no area", where=where, cure="draw a polygon")
            area = circle_area(circle, kind)
        purposes = [str(word).lower() for word in nested(values, "purpose", where) or []]
        words = set(Purpose) if "both" in purposes else {Purpose(word) for word in purposes}
        changed_at = text(values, "changed_at")
        owner, changed_by = text(values, "owner"), text(values, "changed_by")
        return Zone(
            ZoneId(text(values, "zone_id") or content_id("zone", name, area.wkb_hex)),
            name,
            frozenset(words or {Purpose.FLIGHT}),
            area,
            kind,
            altitude_of(values, "floor", where, text(values, "datum")),
            altitude_of(values, "ceiling", where, text(values, "datum")),
            tuple(str(rule) for rule in nested(values, "rules", where) or []),
            _flag(values, "active", where),
            AgencyId(owner) if owner else None,
            text(values, "reason"),
            read_windows(nested(values, "windows", where)),
            int(value_of(values, "priority", where) or 0),
            circle,
            int(value_of(values, "version", where) or 1),
            datetime.fromisoformat(changed_at) if changed_at else None,
            _member(ZoneStage, values, "stage", ZoneStage.ACTIVE, where),
            UserId(changed_by) if changed_by else None,
        )
    except ZoneInvalid as error:
        raise PlanUnreadable(error.message, where=where, cure=error.cure) from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise PlanUnreadable(
            f"a property makes no sense: {error}", where=where, cure="see docs/api.md, zones"
        ) from error


_CIRCLE = ("lat_deg", "lon_deg", "radius_m")


def rally_of(values: Properties, spot: Place, where: str) -> RallyPoint:
    """Returns the rally point of a feature.

    Raises:
        PlanUnreadable: if its height makes no sense.
    """
    altitude = altitude_of(values, "altitude", where) or Altitude(0.0, Datum.HOME)
    return RallyPoint(position_of(spot, altitude, where))


def position_of(spot: Place, altitude: Altitude, where: str) -> Position:
    """Returns a position.

    Raises:
        PlanUnreadable: if it is no place on Earth.
    """
    try:
        return Position(spot[0], spot[1], altitude)
    except ValueError as error:
        cure = "coordinates are longitude, then latitude, in degrees"
        raise PlanUnreadable(str(error), where=where, cure=cure) from error


def altitude_of(values: Properties, name: str, where: str, datum: str = "") -> Altitude | None:
    """Returns a height of two properties, or `None` where there is none.

    Raises:
        PlanUnreadable: if it has no datum, or one that is not known.
    """
    metres = value_of(values, f"{name}_m", where)
    if metres is None:
        return None
    try:
        return Altitude(metres, Datum.named(text(values, f"{name}_datum") or datum))
    except ValueError as error:
        raise PlanUnreadable(f"{name}_m: {error}", where=where) from error


def text(values: Properties, key: str) -> str:
    """Returns a text, empty where there is none."""
    value = values.get(key)
    return "" if value is None else str(value)


def value_of(values: Properties, key: str, where: str) -> float | None:
    """Returns a number, also one that is written as text.

    Raises:
        PlanUnreadable: if it is none.
    """
    value = values.get(key)
    if value is None or value == "":
        return None
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise PlanUnreadable(f"{key} is {value!r:.40}, not a number", where=where)
    return number


def nested(values: Properties, key: str, where: str) -> Any:
    """Returns a list or object, also one that is written as JSON text or words with commas.

    Raises:
        PlanUnreadable: if it is broken JSON.
    """
    value = values.get(key)
    if not isinstance(value, str):
        return value
    if not value.strip() or value.strip() == "null":
        return None
    if value.strip()[0] not in "[{":
        return [word.strip() for word in value.split(",") if word.strip()]
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise PlanUnreadable(f"{key} is no JSON: {error}", where=where) from error


def _look(value: Any, where: str) -> Place:
    try:
        lon, lat = (float(number) for number in value)
    except (TypeError, ValueError, OverflowError):
        lon = lat = math.nan
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise PlanUnreadable(f"look_at is {value!r:.40}, not longitude, latitude", where=where)
    return lat, lon


def _flag(values: Properties, key: str, where: str) -> bool:
    word = text(values, key).strip().lower()
    if word in ("", "true", "1"):
        return True
    if word in ("false", "0"):
        return False
    raise PlanUnreadable(f"{key} is {word!r:.40}, not true or false", where=where)


def _member(kind: Any, values: Properties, key: str, default: Any, where: str) -> Any:
    word = text(values, key).strip().lower()
    try:
        return kind(word) if word else default
    except ValueError as error:
        choices = ", ".join(str(member) for member in kind)
        raise PlanUnreadable(
            f"{key} is {word!r:.40}", where=where, cure=f"use one of {choices}"
        ) from error


def parts_of(area: Area) -> tuple[Polygon, ...]:
    """Returns the polygons of an area."""
    return tuple(area.geoms) if isinstance(area, MultiPolygon) else (area,)
