"""Refuses a document of which one place lies by the others only when it is read swapped."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import SourceUnreadable, ZoneInvalid
from geo.swapped import CURE, SAID, Box, boxes_of, swapped_among
from geo.zones import Zone
from missions.permissions import Permission


def refuse_swapped(
    places: Sequence[tuple[str, Box]],
    zones: Sequence[Zone],
    permissions: Sequence[Permission],
    path: Path,
) -> None:
    """Refuses a document whose longitude and latitude are the other way round somewhere.

    Args:
        places: what else is in it, each with its name and its bounds in degrees.
        zones: its zones.
        permissions: its airspace permissions.
        path: of the document.

    Raises:
        ZoneInvalid: if it is a zone or a permission.
        SourceUnreadable: if it is another place.
    """
    names = (f"zone {zone.name or zone.zone_id}" for zone in zones)
    parts = [*places, *zip(names, boxes_of(zones), strict=True)]
    parts += [(f"permission {one.number}", one.area.bounds) for one in permissions]
    number = swapped_among([box for _, box in parts])
    if number is None:
        return
    name, (west, south, _, _) = parts[number]
    kind = SourceUnreadable if number < len(places) else ZoneInvalid
    message = f"{SAID} (longitude {west:g}, latitude {south:g} was read)"
    raise kind(message, where=f"{path}, {name}", cure=CURE)
