"""Zones as GeoJSON features."""

import re
from typing import Annotated, Any, Literal, Self

import shapely
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping

from api.schemas.base import Answer, Body, Instant, LonLat
from core.errors import TooLarge, ZoneInvalid
from core.ids import AgencyId
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Datum
from geo.zones import Area, Purpose, Zone, ZoneKind, to_local
from incidents.model import IncidentKind

_CoordinateLon = Annotated[float, Field(ge=-180, le=180)]
_CoordinateLat = Annotated[float, Field(ge=-90, le=90)]
# a third number is a height, which RFC 7946 allows and a zone's border has no use for
Coordinate = tuple[_CoordinateLon, _CoordinateLat] | tuple[_CoordinateLon, _CoordinateLat, float]
Ring = list[Coordinate]


class PolygonBody(Body):
    """A GeoJSON polygon."""

    type: Literal["Polygon"]
    coordinates: Annotated[list[Ring], Field(min_length=1)]
    bbox: list[float] | None = None


class MultiPolygonBody(Body):
    """A GeoJSON multipolygon."""

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Annotated[list[Ring], Field(min_length=1)]], Field(min_length=1)]
    bbox: list[float] | None = None


GeometryBody = Annotated[PolygonBody | MultiPolygonBody, Field(discriminator="type")]


def area_of(geometry: PolygonBody | MultiPolygonBody, most_corners: int) -> Area:
    """Returns a geometry as an area; whether it is valid is for the zone to say.

    Raises:
        ZoneInvalid: if a ring has fewer than three corners.
        TooLarge: if it has too many.
    """
    polygons = [geometry.coordinates] if geometry.type == "Polygon" else geometry.coordinates
    corners = sum(len(ring) for rings in polygons for ring in rings)
    if corners > most_corners:
        raise TooLarge(f"the border has {corners} corners", cure=f"at most {most_corners}")
    made = [_polygon(rings) for rings in polygons]
    return made[0] if geometry.type == "Polygon" else MultiPolygon(made)


def _polygon(rings: list[Ring]) -> Polygon:
    flat = [[(position[0], position[1]) for position in ring] for ring in rings]
    if any(len(set(ring)) < 3 for ring in flat):
        raise ZoneInvalid("has a ring of fewer than three corners", cure="draw at least three")
    return Polygon(flat[0], flat[1:])


class ZoneProperties(BaseModel):
    """What a zone is, beside its border."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    purpose: Annotated[list[Purpose], Field(min_length=1, max_length=2)]
    kind: ZoneKind = ZoneKind.INCLUSION
    floor_m: float | None = None
    ceiling_m: float | None = None
    datum: Datum = Datum.HOME
    rules: Annotated[list[IncidentKind], Field(max_length=20, default_factory=list)]
    active: bool = True
    owner: Annotated[str, Field(max_length=64)] | None = None
    reason: Annotated[str, Field(max_length=2000)] = ""
    version: int | None = None
    """Sent back as it was read; what counts is If-Match."""
    changed_at: Instant | None = None
    """Sent back as it was read; the station sets it."""


class ZoneBody(Body):
    """A zone to be kept."""

    type: Literal["Feature"]
    id: str | None = None
    geometry: GeometryBody
    properties: ZoneProperties
    bbox: list[float] | None = None

    def change(self, present: dict[str, Any], most_corners: int) -> Zone:
        """Returns the zone that this asks for.

        Args:
            present: `zone_id`, `version`, `changed_at` as the station sets them.
            most_corners: of its border.

        Raises:
            ZoneInvalid: if it makes no sense.
            TooLarge: if its border has too many corners.
        """
        p = self.properties
        return Zone(
            **present,
            name=p.name,
            purposes=frozenset(p.purpose),
            area=area_of(self.geometry, most_corners),
            kind=p.kind,
            floor=None if p.floor_m is None else Altitude(p.floor_m, p.datum),
            ceiling=None if p.ceiling_m is None else Altitude(p.ceiling_m, p.datum),
            rules=tuple(dict.fromkeys(str(rule) for rule in p.rules)),
            active=p.active,
            owner=None if p.owner is None else AgencyId(p.owner),
            reason=p.reason,
        )


class ZonePropertiesOut(Answer):
    """What a zone is, beside its border."""

    name: str
    purpose: list[Purpose]
    kind: ZoneKind
    floor_m: float | None
    ceiling_m: float | None
    datum: Datum
    rules: list[str]
    active: bool
    owner: str | None
    reason: str
    version: int
    changed_at: Instant | None


class ZoneOut(Answer):
    """A zone as a GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: dict[str, JsonValue]
    properties: ZonePropertiesOut

    @classmethod
    def from_domain(cls, zone: Zone) -> Self:
        """Returns a zone; rings turn as RFC 7946 wants them."""
        limit = zone.ceiling or zone.floor
        return cls(
            id=zone.zone_id,
            geometry=_listed(mapping(shapely.orient_polygons(zone.area))),
            properties=ZonePropertiesOut(
                name=zone.name,
                purpose=sorted(zone.purposes),
                kind=zone.kind,
                floor_m=None if zone.floor is None else zone.floor.metres,
                ceiling_m=None if zone.ceiling is None else zone.ceiling.metres,
                datum=Datum.HOME if limit is None else limit.datum,
                rules=list(zone.rules),
                active=zone.active,
                owner=zone.owner,
                reason=zone.reason,
                version=zone.version,
                changed_at=zone.changed_at,
            ),
        )


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value


class ZonesOut(Answer):
    """All zones as a GeoJSON feature collection."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[ZoneOut]


class ZoneCheckOut(Answer):
    """Whether a border makes sense, and where it does not."""

    valid: bool
    message: str
    place: LonLat | None
    area_m2: float


_PLACE = re.compile(r"^(.*?)\[(\S+) (\S+)\]$")


def checked(area: Area) -> ZoneCheckOut:
    """Returns what there is to say about a border."""
    if area.is_empty:
        return ZoneCheckOut(valid=False, message="Empty", place=None, area_m2=0.0)
    west, south, east, north = area.bounds
    local = to_local(area, LocalFrame((south + north) / 2, (west + east) / 2))
    area_m2 = round(float(local.area), 1)
    if area.is_valid:
        return ZoneCheckOut(valid=True, message="", place=None, area_m2=area_m2)
    reason = shapely.is_valid_reason(area)
    match = _PLACE.match(reason)
    if match is None:
        return ZoneCheckOut(valid=False, message=reason, place=None, area_m2=area_m2)
    words, lon, lat = match.groups()
    return ZoneCheckOut(
        valid=False, message=words.strip(), place=(float(lon), float(lat)), area_m2=area_m2
    )
