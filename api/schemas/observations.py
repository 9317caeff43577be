"""Finished observations of devices that have their own analytics."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.schemas.base import Answer, Body, Instant, Lat, Lon, OneLine
from incidents.model import IncidentKind

_Word = Annotated[OneLine, Field(min_length=1, max_length=120)]


class ObservationBody(Body):
    """What a device saw and judged."""

    device_id: _Word
    serial: _Word
    at: Instant
    kind: IncidentKind
    label: Annotated[OneLine, Field(min_length=1, max_length=60)]
    confidence: Annotated[float, Field(ge=0, le=1)]
    lat: Lat | None = None
    lon: Lon | None = None
    radius_m: Annotated[float, Field(gt=0, le=10_000)] | None = None
    camera_id: _Word | None = None
    picture: Annotated[str, Field(min_length=1)] | None = None
    """Base64 of a JPEG or PNG."""
    plate: Annotated[OneLine, Field(max_length=20)] = ""

    @model_validator(mode="after")
    def _place_is_whole(self) -> Self:
        given = {self.lat is None, self.lon is None, self.radius_m is None}
        if len(given) > 1:
            raise ValueError("lat, lon and radius_m come together")
        if self.lat is None and self.camera_id is None:
            raise ValueError("give lat, lon and radius_m, or a camera_id with a known place")
        return self


class RefusedOut(Answer):
    """Why it became no incident."""

    code: str
    reason: str


class ObservationAnswer(Answer):
    """What became of it."""

    observation_id: str
    incident_id: str | None
    refused: RefusedOut | None
