"""A patrol as people write it down: one JSON object. Places are longitude, latitude, as in GeoJSON.

```json
{"pattern": "corridor", "altitude_m": 60, "datum": "home",
 "route": [[71.35, 50.97], [71.36, 50.98]], "width_m": 40,
 "resolution_m_per_px": 0.03, "overlap_fraction": 0.6, "front_overlap_fraction": 0.75}
```

`area` (GeoJSON with polygons) is watched besides the watch zones of `--zones`; `zone_ids` chooses
among those. `route` and `places` are lists of pairs or GeoJSON: a LineString, a MultiPoint.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import SourceUnreadable
from core.ids import AssetId, PatrolId, ZoneId
from geo.area_reading import area_of_document
from geo.positions import Altitude, Datum
from geo.zones import Purpose, Zone
from missions.model import Patrol, Pattern
from station.field_cures import refusal_of
from station.json_file import read_json

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, lt=1)]
Pair = Annotated[list[float], Field(min_length=2, max_length=3)]


class _Patrol(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = "patrol"
    name: str = ""
    pattern: Pattern = Pattern.AREA
    altitude_m: Positive
    datum: Literal["home", "ground"] = "home"
    zone_ids: list[str] = []
    area: dict[str, Any] | None = None
    route: list[Pair] = []
    places: list[Pair] = []
    resolution_m_per_px: Positive | None = None
    overlap_fraction: Part = 0.2
    front_overlap_fraction: Part = 0.7
    width_m: Positive = 50.0
    radius_m: Positive = 30.0
    stay_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0
    terrain_following: bool = False
    revisit_s: Positive | None = None


def read_patrol(path: Path, asset_id: AssetId) -> tuple[Patrol, tuple[Zone, ...]]:
    """Returns the patrol of a file, and its own area as a watch zone.

    Raises:
        SourceMissing: if there is no such file.
        SourceUnreadable: if it is no patrol; the field is named.
        AreaInvalid: if its area is none.
    """
    document = read_json(path)
    if isinstance(document, dict):
        for name in ("route", "places"):
            if name in document:
                document[name] = _pairs(document[name])
    try:
        read = _Patrol.model_validate(document)
    except ValidationError as error:
        raise refusal_of(error, path, "docs/guides/patrols.md", "the patrol") from error
    zones: tuple[Zone, ...] = ()
    if read.area is not None:
        area = area_of_document(read.area, f"{path}, area")
        zones = (Zone(ZoneId("patrol-area"), "area", frozenset({Purpose.WATCH}), area),)
    patrol = Patrol(
        PatrolId(read.id), read.name or read.id, tuple(ZoneId(z) for z in read.zone_ids), asset_id,
        Altitude(read.altitude_m, Datum(read.datum)), read.overlap_fraction,
        _places(read.route, f"{path}, route"), read.pattern,
        _places(read.places, f"{path}, places"), read.resolution_m_per_px,
        read.front_overlap_fraction, read.width_m, read.radius_m, read.stay_s,
        read.terrain_following or read.datum == "ground", read.revisit_s,
    )  # fmt: skip
    return patrol, zones


def _pairs(value: Any) -> Any:
    """Returns the coordinates of a GeoJSON line or points; anything else as it is."""
    if isinstance(value, dict) and value.get("type") == "FeatureCollection":
        parts = [_pairs(one) for one in value.get("features") or []]
        return [pair for part in parts if isinstance(part, list) for pair in part]
    if isinstance(value, dict) and value.get("type") == "Feature":
        return _pairs(value.get("geometry"))
    if isinstance(value, dict) and value.get("type") == "Point":
        return [value.get("coordinates")]
    if isinstance(value, dict) and value.get("type") in ("LineString", "MultiPoint"):
        return value.get("coordinates")
    return value


def _places(pairs: list[list[float]], where: str) -> tuple[tuple[float, float], ...]:
    for number, (lon, lat, *_) in enumerate(pairs, start=1):
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise SourceUnreadable(
                f"place {number} ({lon:g}, {lat:g}) is none on Earth",
                where=where,
                cure="give longitude, latitude",
            )
    return tuple((pair[1], pair[0]) for pair in pairs)
