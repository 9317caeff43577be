"""Zones of files that are given for one run; what they leave unsaid is assumed, and told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from geo.positions import Datum
from geo.zones import Zone
from station.wiring import read_zone_file_told

ASSUMED_DATUM: Final = Datum.GROUND
"""What a height counts from that has no datum: the heights of drones' rules are above the ground.

Zones that a station keeps are refused without one (`qyran zones import`, `POST /zones`): they hold
for flights that nobody looks at who could read the warning.
"""
_MOST_NAMED = 5


def read_given_zones(path: Path, notes: list[str]) -> tuple[Zone, ...]:
    """Returns the zones of a file, and adds to the notes what was assumed of them.

    Args:
        path: GeoJSON, GeoPackage, KML or a file of bans.
        notes: takes what deserves a look.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no such format.
        ZoneInvalid: if a zone makes no sense.
    """
    read = read_zone_file_told(path, default_datum=ASSUMED_DATUM)
    if read.without_datum:
        notes.append(datum_words(read.without_datum))
    return read.zones


def datum_words(zones: Sequence[Zone]) -> str:
    """Returns which zones have heights without a datum, and how these are read."""
    return f"{named(zones)}: heights without a datum, read as above the ground (AGL)"


def named(zones: Sequence[Zone]) -> str:
    """Returns the names of zones, the first few of many."""
    names = ", ".join(str(zone.name or zone.zone_id) for zone in zones[:_MOST_NAMED])
    more = len(zones) - _MOST_NAMED
    head = "zone" if len(zones) == 1 else "zones"
    return f"{head} {names}" + (f" and {more} more" if more > 0 else "")
