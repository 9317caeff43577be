"""Zones in files: GeoJSON, GeoPackage and KML.

Properties are those of the API's zone feature (docs/api.md). In GeoPackage and KML, which
know no lists, lists are JSON texts and the id is the property `zone_id`.
"""

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from numpy import isfinite
from shapely import GeometryCollection, MultiPolygon, Point, Polygon, force_2d, get_coordinates

from core.errors import SettingInvalid, SourceMissing, SourceUnreadable, ZoneInvalid
from core.given_json import GREATEST, number, parse_json, shown
from core.ids import AgencyId, UserId, ZoneId, content_id
from core.recurrence import Recurrence
from core.window_documents import WindowInvalid, read_windows, write_window
from geo.adapters.plain_geojson import plain_rows
from geo.area_mending import mended
from geo.circles import circle_area
from geo.positions import Altitude, Datum
from geo.zones import Area, Circle, Purpose, Zone, ZoneKind, ZoneStage

_DRIVERS = {".geojson": "GeoJSON", ".json": "GeoJSON", ".gpkg": "GPKG", ".kml": "KML"}


_FAR_DEG = 1e9
"""Beyond this not even what is wrong with a border can be worked out."""
_RADII_M = (0.01, 1e6)
FLIGHT_ALONE = frozenset({Purpose.FLIGHT})


@dataclass(frozen=True, slots=True)
class ZonesRead:
    """The zones of a file, and what deserves a look in it."""

    zones: tuple[Zone, ...]
    ignored: tuple[str, ...] = ()
    """Properties that mean nothing to us."""
    without_datum: tuple[Zone, ...] = ()
    """Zones with a height that got the datum which the reader was given."""


def read_zones(
    path: Path, *, default_purposes: frozenset[Purpose] | None = FLIGHT_ALONE
) -> tuple[Zone, ...]:
    """Returns the zones of a file, in its order.

    Another coordinate system is converted, heights of corners are dropped. A zone without an
    id gets one of its name and shape, so that the same file gives the same zones again.

    Args:
        path: the file.
        default_purposes: of a zone without a purpose; `None` refuses such a zone.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no such format, or names no coordinate system.
        ZoneInvalid: if a feature is no zone; `where` names the file and the row from 1.
    """
    return read_zones_told(path, default_purposes=default_purposes).zones


def read_zones_told(
    path: Path,
    *,
    default_purposes: frozenset[Purpose] | None = FLIGHT_ALONE,
    default_datum: Datum | None = None,
) -> ZonesRead:
    """Returns the zones of a file with what of it means nothing to us, or had to be assumed.

    Args:
        path: as for `read_zones`, which also says what is raised.
        default_purposes: as there.
        default_datum: of a height without a datum; `None` refuses such a zone.
    """
    zones: list[Zone] = []
    ignored: dict[str, None] = {}
    without_datum: list[Zone] = []
    for values in read_rows(path):
        where = f"{path}, row {len(zones) + 1}"
        zones.append(_zone(values, where, default_purposes, default_datum))
        ignored.update(dict.fromkeys(word for word in values if _means_nothing(values, word)))
        if any(
            _number(values, f"{side}_m") is not None and not _datum(values, side)
            for side in ("floor", "ceiling")
        ):
            without_datum.append(zones[-1])
    return ZonesRead(tuple(zones), tuple(ignored), tuple(without_datum))


def read_rows(path: Path) -> tuple[dict[str, Any], ...]:
    """Returns the features of a file: lower-case properties, and `geometry` in WGS 84.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no such format, or names no coordinate system.
    """
    if path.is_dir():
        raise SourceUnreadable(
            "is a folder, not a file",
            where=str(path),
            cure="name a GeoJSON, GeoPackage or KML file in it",
        )
    if not path.is_file():  # a pipe would hold the reader for ever
        raise SourceMissing("no such file", where=str(path), cure="check the path")
    geojson = _DRIVERS.get(path.suffix.lower()) == "GeoJSON"
    plain = plain_rows(path) if geojson else None
    if plain is not None:
        return plain
    # GDAL and pandas are seconds of imports, and plain GeoJSON needs neither
    from geo.adapters.zone_tables import read_table

    return read_table(path, geojson=geojson)


def write_zones(path: Path, zones: Sequence[Zone]) -> None:
    """Writes zones to a file, whose ending names the format; a former file is replaced whole.

    Raises:
        SettingInvalid: if the ending is none that is known.
        SourceMissing: if there is no such folder.
        DiskFull: if there is no room.
        EnvironmentFault: if the file can't be written.
    """
    driver = _DRIVERS.get(path.suffix.lower())
    if driver is None:
        raise SettingInvalid(
            f"zones can't be written as {path.suffix or 'a file without ending'}",
            where=str(path),
            cure=f"use {', '.join(_DRIVERS)}",
        )
    lists = driver == "GeoJSON"
    rows = [_properties(zone, lists=lists) for zone in zones]
    if not path.parent.is_dir():
        raise SourceMissing("there is no such folder", where=str(path.parent), cure="make it first")
    # as above: whoever only reads GeoJSON does not load it
    from geo.adapters.zone_tables import write_table

    write_table(path, rows, [zone.area for zone in zones], driver)


def _properties(zone: Zone, *, lists: bool) -> dict[str, Any]:
    limits = (zone.floor, zone.ceiling)
    datums = [str(limit.datum) for limit in limits if limit is not None]
    row: dict[str, Any] = {
        "id" if lists else "zone_id": zone.zone_id,
        "name": zone.name,
        "purpose": sorted(str(purpose) for purpose in zone.purposes),
        "kind": str(zone.kind),
        "floor_m": None if zone.floor is None else zone.floor.metres,
        "ceiling_m": None if zone.ceiling is None else zone.ceiling.metres,
        "datum": datums[0] if datums else None,
        # only where it differs from the floor's
        "ceiling_datum": datums[1] if len(set(datums)) == 2 else None,
        "rules": list(zone.rules),
        "active": zone.active,
        "owner": zone.owner,
        "reason": zone.reason,
        "version": zone.version,
        "changed_at": None if zone.changed_at is None else zone.changed_at.isoformat(),
        "changed_by": zone.changed_by,
        "stage": str(zone.stage),
        "priority": zone.priority,
        "windows": [write_window(window) for window in zone.windows],
        "circle": None if zone.circle is None else asdict(zone.circle),
    }
    # GDAL knows lists of words, in some formats, and nothing that is nested
    for name in ("windows", "circle") if lists else ("purpose", "rules", "windows", "circle"):
        row[name] = json.dumps(row[name])
    return row


_WORDS = (
    "purpose", "kind", "floor_m", "ceiling_m", "datum", "floor_datum", "ceiling_datum", "rules",
    "active", "windows", "stage", "radius_m", "priority",
)  # fmt: skip
_OTHERS = frozenset(
    {"geometry", "id", "zone_id", "name", "owner", "reason", "version", "changed_at", "changed_by",
     "circle"}
)  # fmt: skip
_LOOKS = re.compile(
    r"title|description|comment|stroke.*|fill.*|marker.*|style.*|icon|timestamp|begin|end"
    r"|altitudemode|tessellate|extrude|visibility|draworder|snippet|fid|objectid|shape_.*"
)
"""How things look, and what drawing programs and GDAL add to every shape of theirs."""
_ALIKE = 0.83
"""How alike a word must be to one of ours to be taken for a slip (difflib's ratio)."""


def _check_words(row: Mapping[str, Any], where: str) -> None:
    """Refuses a property that is nearly one of ours: a limit must not vanish by a slip.

    Raises:
        ZoneInvalid: if a word is nearly one that counts, and that one is not there.
    """
    for word in row:
        if word in _WORDS or _present(row, word) is None:
            continue
        near = difflib.get_close_matches(word, _WORDS, n=1, cutoff=_ALIKE)
        if near and _present(row, near[0]) is None:
            raise ZoneInvalid(
                f"its property {word} is not known", where=where, cure=f"write {near[0]}"
            )


def _means_nothing(row: Mapping[str, Any], word: str) -> bool:
    """Returns whether a property is there that nobody here reads, besides how a zone looks."""
    known = word in _WORDS or word in _OTHERS or _LOOKS.fullmatch(word) is not None
    return not known and _present(row, word) is not None


def _zone(
    row: Mapping[str, Any],
    where: str,
    default_purposes: frozenset[Purpose] | None,
    default_datum: Datum | None,
) -> Zone:
    """Returns the zone of a row, or raises what is wrong with the row's place named."""
    name = _text(row, "name")
    where = f"{where} ({name})" if name else where
    _check_words(row, where)
    try:
        kind = _word(row, "kind", ZoneKind, ZoneKind.INCLUSION)
        area, circle = _shape(row, kind)
        given = _text(row, "zone_id") or _text(row, "id")
        zone_id = given or content_id("zone", name, area.wkb_hex)
        changed_at = _text(row, "changed_at")
        active, windows = _times(row)
        return Zone(
            ZoneId(zone_id),
            name,
            _purposes(row, default_purposes),
            area,
            kind,
            _limit(row, "floor", default_datum),
            _limit(row, "ceiling", default_datum),
            _words(row, "rules"),
            active,
            AgencyId(_text(row, "owner")) if _text(row, "owner") else None,
            _text(row, "reason"),
            windows,
            int(_number(row, "priority") or 0),
            circle,
            version=int(_number(row, "version") or 1),
            changed_at=datetime.fromisoformat(changed_at) if changed_at else None,
            stage=_word(row, "stage", ZoneStage, ZoneStage.ACTIVE),
            changed_by=UserId(_text(row, "changed_by")) if _text(row, "changed_by") else None,
        )
    except ZoneInvalid as error:
        raise ZoneInvalid(error.message, where=where, cure=error.cure) from error
    except WindowInvalid as error:
        raise ZoneInvalid(
            f"its times make no sense: {error.message}", where=where, cure=error.cure
        ) from error
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ZoneInvalid(
            f"a property makes no sense: {error}", where=where, cure="see docs/api.md, zones"
        ) from error


_DATUMS = "write datum as AGL, AMSL, home or ellipsoid"
W = TypeVar("W", bound=StrEnum)


def _word(row: Mapping[str, Any], key: str, known: type[W], default: W) -> W:
    """Returns a word of a few that are known."""
    word = _text(row, key).strip().lower()
    if not word:
        return default
    try:
        return known(word)
    except ValueError:
        raise ZoneInvalid(
            f"its {key} is {word!r:.60}, which is not known",
            cure=f"write {key} as {', '.join(known)}",
        ) from None


def _shape(row: Mapping[str, Any], kind: ZoneKind) -> tuple[Area, Circle | None]:
    """Returns a row's area; a point with a `radius_m` is a circle."""
    shape = row.get("geometry")
    circle = _circle(row, shape)
    if isinstance(shape, Point) and circle is not None:
        return circle_area(circle, kind), circle
    if isinstance(shape, GeometryCollection) and not isinstance(shape, MultiPolygon):
        parts = [p for p in shape.geoms if isinstance(p, Polygon | MultiPolygon)]
        shape = MultiPolygon([q for p in parts for q in getattr(p, "geoms", [p])])
    if not isinstance(shape, Polygon | MultiPolygon) or shape.is_empty:
        found = "nothing" if shape is None or shape.is_empty else f"a {shape.geom_type}"
        raise ZoneInvalid(
            f"its shape is {found}", cure="draw a polygon, or give a point a radius_m"
        )
    corners = get_coordinates(shape)
    if not bool(isfinite(corners).all()) or bool((abs(corners) > _FAR_DEG).any()):
        raise ZoneInvalid(
            "has a corner that is no number, or no place at all",
            cure="give corners as longitude, latitude in degrees",
        )
    if isinstance(shape, MultiPolygon) and len(shape.geoms) == 1:
        shape = shape.geoms[0]  # GeoPackage has layers of one kind: a polygon comes back as a list
    return mended(force_2d(shape)), circle


def _circle(row: Mapping[str, Any], shape: Any) -> Circle | None:
    given = _nested(row, "circle")
    if given is not None:
        lat, lon = number(given["lat_deg"], -90, 90), number(given["lon_deg"], -180, 180)
        return Circle(lat, lon, number(given["radius_m"], *_RADII_M))
    radius_m = _number(row, "radius_m")
    if radius_m is not None and not _RADII_M[0] <= radius_m <= _RADII_M[1]:
        raise ZoneInvalid(
            f"its radius_m is {radius_m:g}, which is not from 0.01 m to 1000 km",
            cure="write radius_m as the radius in metres",
        )
    if isinstance(shape, Point) and not shape.is_empty and radius_m is not None:
        return Circle(float(shape.y), float(shape.x), radius_m)
    return None


def _purposes(
    row: Mapping[str, Any], default_purposes: frozenset[Purpose] | None
) -> frozenset[Purpose]:
    words = [word.strip().lower() for word in _words(row, "purpose")]
    if "both" in words:
        return frozenset(Purpose)
    if strange := [word for word in words if word not in {*Purpose}]:
        raise ZoneInvalid(
            f"its purpose is {strange[0]!r:.60}, which is not known",
            cure="write purpose as flight, watch or both",
        )
    given = frozenset(Purpose(word) for word in words) or default_purposes
    if given is None:
        raise ZoneInvalid(
            "does not say its purpose",
            cure="set its property purpose to flight, watch or both; "
            "qyran zones import can say it for the whole file by --purpose",
        )
    return given


def _times(row: Mapping[str, Any]) -> tuple[bool, tuple[Recurrence, ...]]:
    """Returns whether it is switched on, and when: `active` may be a switch or the times."""
    windows = read_windows(_nested(row, "windows"))
    text = _text(row, "active").strip().lower()
    if text in ("", "null", "always", "true", "1", "1.0", "false", "never", "0", "0.0"):
        return text not in ("false", "never", "0", "0.0"), windows
    given = _nested(row, "active")
    if given == []:
        return False, windows  # a list of no times: never
    return True, windows + read_windows(given)


def _nested(row: Mapping[str, Any], key: str) -> Any:
    """Returns a nested value, which GDAL gives as its JSON text."""
    value = _present(row, key)
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        return parse_json(value)
    if isinstance(value, str) and value.strip() in ("", "null"):
        return None
    return value.tolist() if hasattr(value, "tolist") else value


def _present(row: Mapping[str, Any], key: str) -> Any:
    """Returns a value, or `None` for any of the ways in which formats say nothing."""
    value = row.get(key)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return value


def _text(row: Mapping[str, Any], key: str) -> str:
    value = _present(row, key)
    return "" if value is None else str(value)


def _number(row: Mapping[str, Any], key: str) -> float | None:
    value = _present(row, key)
    if value is None or value == "":
        return None
    try:
        found = float(value)
        if not abs(found) <= GREATEST:  # also NaN
            raise ValueError(f"{key} is beyond all bounds")
        return found
    except (ValueError, TypeError, OverflowError):
        raise ZoneInvalid(
            f"its {key} is {shown(value)}, which is no number that can be",
            cure=f"write {key} as a number",
        ) from None


def _words(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = _present(row, key)
    if isinstance(value, str):
        text = value.strip()
        if not text.startswith("["):
            return tuple(word.strip() for word in text.split(",") if word.strip())
        value = parse_json(text)
    return () if value is None else tuple(str(word) for word in value)


def _datum(row: Mapping[str, Any], side: str) -> str:
    return _text(row, f"{side}_datum").strip() or _text(row, "datum").strip()


def _limit(row: Mapping[str, Any], side: str, default_datum: Datum | None) -> Altitude | None:
    metres, datum = _number(row, f"{side}_m"), _datum(row, side) or default_datum
    if metres is None:
        return None
    if datum is None:
        raise ZoneInvalid(
            f"{side}_m without a datum: nobody knows from where it counts", cure=_DATUMS
        )
    try:
        return Altitude(metres, Datum.named(datum))
    except ValueError:
        raise ZoneInvalid(f"{datum!r:.60} is no datum", cure=_DATUMS) from None
