"""Airspace permissions as GeoJSON features."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Instant
from missions.permission_documents import permission_feature, permissions_of
from missions.permissions import Permission

_EXAMPLE: dict[str, JsonValue] = {
    "type": "Feature",
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[71.33, 50.95], [71.4, 50.95], [71.4, 51.0], [71.33, 50.95]]],
    },
    "properties": {
        "number": "KZ-2026-17",
        "issuer": "civil aviation authority",
        "valid_from": "2026-12-01T03:00:00Z",
        "valid_until": "2026-12-31T15:00:00Z",
        "ceiling_m": 120,
        "datum": "AGL",
    },
}


class PermissionBody(Body):
    """A permission to be kept: a GeoJSON feature."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    type: Literal["Feature"]
    geometry: dict[str, Any]
    properties: dict[str, Any]
    id: str | None = None

    def to_domain(self) -> Permission:
        """Returns the permission.

        Raises:
            ZoneInvalid: if it makes no sense.
        """
        (permission,) = permissions_of(self.model_dump(exclude={"id"}))
        return permission


class RevocationBody(Body):
    """That a permission does not hold any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "KZ-2026-17"}]})

    number: str
    issuer: str = ""
    revoked_at: Instant | None = None
    """Now by default."""
    note: str = Field("", max_length=2000)


class PermissionOut(Answer):
    """A permission as a GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]
    properties: dict[str, Any]

    @classmethod
    def from_domain(cls, permission: Permission) -> Self:
        """Returns a permission."""
        feature: dict[str, Any] = permission_feature(permission)
        return cls(geometry=feature["geometry"], properties=feature["properties"])


class PermissionsOut(Answer):
    """Permissions as a GeoJSON feature collection."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[PermissionOut]
