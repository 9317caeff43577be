"""What all schemas share: strictness, instants, GeoJSON shapes, lists."""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from core.given_json import refuse_absurd
from core.instants import near
from core.names import LONGEST_NAME, is_one_line

T = TypeVar("T")


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # the first and last hours of the calendar, in a zone east or west
        raise ValueError("it is no instant of the years 1 to 9999 in UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An aware time; goes out in UTC with `Z`."""
NearInstant = Annotated[Instant, AfterValidator(lambda at: near(at, "it"))]
"""An instant at which a vehicle may do something."""
Lat = Annotated[float, Field(ge=-90, le=90)]
Lon = Annotated[float, Field(ge=-180, le=180)]
LonLat = tuple[float, float]
Id = Annotated[str, Field(min_length=1, max_length=120)]
Note = Annotated[str, Field(max_length=2000)]


def _one_line(text: str) -> str:
    if not is_one_line(text):
        raise ValueError("it holds a control character or the end of a line")
    return text


OneLine = Annotated[str, AfterValidator(_one_line)]
Name = Annotated[OneLine, Field(min_length=1, max_length=LONGEST_NAME)]
"""What a thing is called, on one line."""


def _possible(value: Any) -> Any:
    refuse_absurd(value)
    return value


class Body(BaseModel):
    """A request's body: fields that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _holds_no_absurd_number(cls, value: Any) -> Any:
        """Refuses what the framework's JSON reader lets through, at any depth."""
        return _possible(value)


JsonObject = Annotated[dict[str, Any], BeforeValidator(_possible)]
"""A body of words of its own, whose numbers can all be."""


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ListOf(Answer, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = None


class LineString(Answer):
    """A GeoJSON line; longitude first."""

    type: Literal["LineString"] = "LineString"
    coordinates: list[LonLat]


class PolygonOut(Answer):
    """A GeoJSON polygon; longitude first."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: list[list[LonLat]]


def polygon_of(border: tuple[tuple[float, float], ...] | None) -> PolygonOut | None:
    """Returns a border of (lat, lon) as a closed polygon, or `None` where it holds no area."""
    if border is None or len(border) < 3:
        return None
    ring = [(lon, lat) for lat, lon in border]
    if ring[0] != ring[-1]:
        ring.append(ring[0])
    return PolygonOut(coordinates=[ring])


def line_of(points: tuple[tuple[float, float], ...]) -> LineString | None:
    """Returns points of (lat, lon) as a line, or `None` where there is none to draw."""
    if len(points) < 2:
        return None
    return LineString(coordinates=[(lon, lat) for lat, lon in points])


class ProblemOut(BaseModel):
    """RFC 9457: why a request was refused."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    where: str = ""
    cure: str = ""
    findings: list[dict[str, Any]] | None = None
    fields: list[dict[str, str]] | None = None
