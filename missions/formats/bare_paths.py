"""Plans out of files that only hold lines and areas, drawn by people in a map program."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import PlanUnreadable
from core.ids import AssetId, MissionId, content_id
from geo.positions import Altitude, Datum, Position
from geo.zones import Zone
from missions.formats.losses import LossReport
from missions.model import ItemKind, Mission, MissionItem, Plan

_CRUISE_M_S = 5.0


@dataclass(frozen=True, slots=True)
class BarePath:
    """A drawn line: its places and, where the file gives it, the height of each."""

    name: str
    places: tuple[tuple[float, float], ...]
    """Latitude and longitude."""
    altitudes: tuple[Altitude | None, ...]


def plan_of_paths(
    paths: Sequence[BarePath],
    zones: Sequence[Zone],
    asset_id: AssetId | None,
    height_m: float | None,
    report: LossReport,
) -> Plan:
    """Returns the plan that flies drawn lines one after the other, with take-off and return.

    Args:
        paths: in the order of the file.
        zones: drawn areas; they become the fence.
        asset_id: who flies.
        height_m: above home, for places without a height of their own.
        report: where it is noted what was added.

    Raises:
        PlanUnreadable: if there is nothing to fly and no zone, or a height is missing.
    """
    asset = asset_id or AssetId("unnamed-drone")
    items: list[MissionItem] = []
    for path in paths:
        for (lat, lon), own in zip(path.places, path.altitudes, strict=True):
            altitude = own
            if altitude is None and height_m is not None:
                altitude = Altitude(height_m, Datum.HOME)
            if altitude is None:
                raise PlanUnreadable(
                    "a path has no heights", where=path.name, cure="give --height-m"
                )
            items.append(MissionItem(ItemKind.WAYPOINT, Position(lat, lon, altitude)))
    if items:
        first = items[0].position
        assert first is not None  # every item of a path has a place
        items = [
            MissionItem(ItemKind.TAKEOFF, first), *items[1:], MissionItem(ItemKind.RETURN)
        ]  # fmt: skip
        report.info("said_otherwise", "a bare path gets a take-off at its start and a return")
        start = (first.lat_deg, first.lon_deg)
    elif zones:
        point = zones[0].area.representative_point()
        start = (float(point.y), float(point.x))
    else:
        raise PlanUnreadable("it holds neither a path nor an area", cure="draw a line or a polygon")
    report.warning("home_unknown", "the file does not say where home is; it is taken from the map")
    home = Position(*start, Altitude(0.0, Datum.HOME))
    steps = tuple(items)
    named = MissionId(content_id("mission", str(asset), repr(steps)))
    return Plan(Mission(named, steps), asset, home, _CRUISE_M_S, tuple(zones))
