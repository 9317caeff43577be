"""Hand-offs and SOS buttons on the wire."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, JsonValue

from api.schemas.base import Answer, Body, Id, Instant, Lat, Lon, Name, Note
from api.schemas.control import Reason
from api.schemas.incidents import PointOut
from geo.positions import Covariance, GroundPoint
from missions.events import TaskOutcome
from missions.handoffs.model import (
    Handoff,
    HandoffEvent,
    HandoffState,
    LeftPatrol,
    Offer,
    OfferState,
    OutcomeKind,
    SosButton,
)

_OPEN: list[JsonValue] = [
    {"incident_id": "incident-0123456789abcdef0123"},
    {"kind": "call", "lat": 50.94, "lon": 71.19, "radius_m": 10, "words": "a child is lost"},
]
_BUTTON: list[JsonValue] = [{"name": "Bus stop, school 2", "lat": 50.94, "lon": 71.19}]
Radius = Annotated[float, Field(gt=0, le=1000)]
_SIGMAS_CE90 = 2.1459660262893472
"""From one sigma of a round error to the radius that holds 90 %."""


def point_of(lat: float, lon: float, radius_m: float) -> GroundPoint:
    """Returns a place that is known to a radius that holds 90 % of errors."""
    variance = (radius_m / _SIGMAS_CE90) ** 2
    return GroundPoint(lat, lon, Covariance(variance, variance))


class HandoffBody(Body):
    """What is to be handed off: an incident, or something at a place."""

    model_config = ConfigDict(json_schema_extra={"examples": _OPEN})

    incident_id: Id | None = None
    kind: Name = "call"
    lat: Lat | None = None
    lon: Lon | None = None
    radius_m: Radius = 10.0
    """Of what is known of the place: 90 % of errors are smaller."""
    heading_deg: Annotated[float, Field(ge=0, lt=360)] | None = None
    plate: Annotated[str, Field(max_length=20)] = ""
    stay_s: Annotated[float, Field(ge=0, le=7200)] = 300.0
    priority: Annotated[int, Field(ge=1, le=1000)] = 100
    words: Note = ""


class ReasonBody(Body):
    """Why."""

    reason: Reason


class OutcomeBody(Body):
    """What came of it."""

    outcome: OutcomeKind
    words: Note = ""


class ButtonBody(Body):
    """Where an SOS button is."""

    model_config = ConfigDict(json_schema_extra={"examples": _BUTTON})

    name: Name
    lat: Lat
    lon: Lon
    radius_m: Radius = 5.0
    enabled: bool = True


class OfferOut(Answer):
    """One asset that was asked."""

    asset_id: str
    state: OfferState
    at: Instant
    answer_by: Instant
    answered_at: Instant | None
    by: str | None
    why: str
    travel_s: float | None
    reason: str

    @classmethod
    def from_domain(cls, offer: Offer) -> Self:
        """Returns an offer."""
        return cls(
            asset_id=offer.asset_id,
            state=offer.state,
            at=offer.at,
            answer_by=offer.answer_by,
            answered_at=offer.answered_at,
            by=offer.by,
            why=offer.why,
            travel_s=offer.travel_s,
            reason=offer.reason,
        )


class LeftOut(Answer):
    """The patrol that was left for it."""

    patrol_id: str | None
    sortie_id: str
    outcome: TaskOutcome
    why: str
    by: str | None
    resumed_as: str | None

    @classmethod
    def from_domain(cls, left: LeftPatrol) -> Self:
        """Returns what was left."""
        return cls(
            patrol_id=left.patrol_id,
            sortie_id=left.sortie_id,
            outcome=left.outcome,
            why=left.why,
            by=left.by,
            resumed_as=left.resumed_as,
        )


class HandoffEventOut(Answer):
    """A line of its history."""

    at: Instant
    state: HandoffState
    text: str
    by: str | None
    asset_id: str | None

    @classmethod
    def from_domain(cls, event: HandoffEvent) -> Self:
        """Returns a line."""
        return cls(
            at=event.at, state=event.state, text=event.text, by=event.by, asset_id=event.asset_id
        )


class HandoffOut(Answer):
    """An event handed off."""

    handoff_id: str
    version: int
    state: HandoffState
    kind: str
    at: Instant
    point: PointOut
    heading_deg: float | None
    speed_m_s: float | None
    plate: str
    picture: str | None
    """SHA-256 of the evidence, to be had at `/evidence/{sha256}`."""
    incident_id: str | None
    button_id: str
    words: str
    priority: int
    asset_id: str | None
    """Who is asked, goes, or is there."""
    sortie_id: str | None
    offers: list[OfferOut]
    left: LeftOut | None
    outcome: OutcomeKind | None
    outcome_words: str
    opened_by: str | None
    events: list[HandoffEventOut]

    @classmethod
    def from_domain(cls, handoff: Handoff) -> Self:
        """Returns a hand-off."""
        occasion = handoff.occasion
        return cls(
            handoff_id=handoff.handoff_id,
            version=handoff.version,
            state=handoff.state,
            kind=occasion.kind,
            at=occasion.at,
            point=PointOut.from_domain(occasion.point),
            heading_deg=occasion.heading_deg,
            speed_m_s=occasion.speed_m_s,
            plate=occasion.plate,
            picture=occasion.picture,
            incident_id=occasion.incident_id,
            button_id=occasion.button_id,
            words=occasion.words,
            priority=occasion.priority,
            asset_id=handoff.asset_id,
            sortie_id=handoff.sortie_id,
            offers=[OfferOut.from_domain(one) for one in handoff.offers],
            left=None if handoff.left is None else LeftOut.from_domain(handoff.left),
            outcome=handoff.outcome,
            outcome_words=handoff.outcome_words,
            opened_by=handoff.opened_by,
            events=[HandoffEventOut.from_domain(one) for one in handoff.events],
        )


class PressOut(Answer):
    """What a press of a button has called for; tells no more than the button must know."""

    handoff_id: str
    new: bool
    state: HandoffState


class ButtonOut(Answer):
    """An SOS button."""

    button_id: str
    name: str
    point: PointOut
    enabled: bool
    key: str | None
    """Its key, shown once, when it was made or given a new one."""

    @classmethod
    def from_domain(cls, button: SosButton, key: str | None = None) -> Self:
        """Returns a button."""
        return cls(
            button_id=button.button_id,
            name=button.name,
            point=PointOut.from_domain(button.point),
            enabled=button.enabled,
            key=key,
        )
