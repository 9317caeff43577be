"""Ways out of a zone that appears in flight, on the wire."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Instant
from api.schemas.zones import ZoneBody
from missions.dispatching.exits import Ending, InFlight, Move, MoveKind, WayOut
from missions.dispatching.zone_appeared import Advice, Response

_EXAMPLES: list[JsonValue] = [{"zone_id": "zone-school"}]


class ExitsBody(Body):
    """A zone that appears: one that the station has, or one that is drawn here."""

    model_config = ConfigDict(json_schema_extra={"examples": _EXAMPLES})

    zone_id: Annotated[str, Field(max_length=120)] | None = None
    """A zone of the station in its newest version, taken as active whatever its stage."""
    zone: ZoneBody | None = None
    """A zone that nobody keeps."""
    margin_m: Annotated[float, Field(ge=0, le=1_000)] = 5.0
    """Kept from borders beyond the acceptance radius."""


class MoveOut(Answer):
    """One step of a way out."""

    kind: MoveKind
    place: dict[str, Any]
    """A GeoJSON point."""
    up_m: float
    """Above its home."""
    seconds: float

    @classmethod
    def from_domain(cls, move: Move) -> Self:
        """Returns a step."""
        place = {"type": "Point", "coordinates": [move.lon_deg, move.lat_deg]}
        return cls(kind=move.kind, place=place, up_m=move.up_m, seconds=move.seconds)


class WayOutOut(Answer):
    """What a zone that appears means for one drone in the air."""

    asset_id: str
    affected: bool | None
    """Null where it is not known: it was not heard of lately, or how high it is."""
    why: str
    order: Advice | None = None
    """What the station orders by itself if the zone becomes active now."""
    proven: bool | None = None
    end: Ending | None = None
    inside: list[str] = Field(default_factory=list)
    """Names of the zones that it is in."""
    inside_s: float = 0.0
    seconds: float = 0.0
    path: dict[str, Any] | None = None
    """A GeoJSON LineString with heights above home."""
    moves: list[MoveOut] = Field(default_factory=list)
    exit_move: int | None = None
    """At the end of which step it is out."""

    @classmethod
    def from_domain(cls, flight: InFlight, found: Response) -> Self:
        """Returns the way out of an affected drone."""
        way: WayOut = found.way
        here = [flight.lon_deg, flight.lat_deg, flight.up_m]
        spots = [here, *([move.lon_deg, move.lat_deg, move.up_m] for move in way.moves)]
        return cls(
            asset_id=way.asset_id,
            affected=True,
            why=way.why,
            order=found.order,
            proven=way.proven,
            end=way.ending,
            inside=list(way.left),
            inside_s=way.inside_s,
            seconds=sum(move.seconds for move in way.moves),
            path={"type": "LineString", "coordinates": spots},
            moves=[MoveOut.from_domain(move) for move in way.moves],
            exit_move=way.exit_move,
        )


class ExitsOut(Answer):
    """The ways out of all that a zone affects, and who is not affected."""

    at: Instant
    appeared: str
    affected: int
    proven: bool
    """Whether each affected one has a proven way out."""
    assets: list[WayOutOut]
