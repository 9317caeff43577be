"""What is handed off, to whom it was offered, and what came of it; values only."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from core.ids import AssetId, Digest, IncidentId, PatrolId, SortieId, UserId
from core.states import Transitions
from geo.positions import GroundPoint
from missions.events import TaskOutcome

HandoffId = NewType("HandoffId", str)


class HandoffState(StrEnum):
    """How far a hand-off has come."""

    OFFERED = "offered"
    """An asset is asked; its driver or pilot has not answered yet."""
    UNANSWERED = "unanswered"
    """Nobody is left who could be asked: a person decides."""
    ACCEPTED = "accepted"
    MOVING = "moving"
    """The vehicle itself has shown that it is on its way."""
    ON_SCENE = "on_scene"
    CLOSED = "closed"
    """Its outcome is recorded."""
    WITHDRAWN = "withdrawn"
    """A person has called it off."""


_S = HandoffState
HANDOFF_MOVES = Transitions(
    "hand-off",
    {
        _S.OFFERED: frozenset({_S.OFFERED, _S.UNANSWERED, _S.ACCEPTED, _S.WITHDRAWN}),
        _S.UNANSWERED: frozenset({_S.OFFERED, _S.CLOSED, _S.WITHDRAWN}),
        # a vehicle that can't go, or does not get there, is followed by the next best
        _S.ACCEPTED: frozenset({_S.MOVING, _S.OFFERED, _S.CLOSED, _S.WITHDRAWN}),
        _S.MOVING: frozenset({_S.ON_SCENE, _S.OFFERED, _S.CLOSED, _S.WITHDRAWN}),
        _S.ON_SCENE: frozenset({_S.CLOSED, _S.WITHDRAWN}),
        _S.CLOSED: frozenset(),
        _S.WITHDRAWN: frozenset(),
    },
)


class OfferState(StrEnum):
    """What became of asking one asset."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    """Nobody answered in time."""
    FAILED = "failed"
    """It was accepted, and the vehicle did not go, or did not get there."""
    WITHDRAWN = "withdrawn"


class OutcomeKind(StrEnum):
    """What was found on the scene, or that nobody got there."""

    HELPED = "helped"
    NOTHING_FOUND = "nothing_found"
    FALSE_ALARM = "false_alarm"
    PASSED_ON = "passed_on"
    """To somebody else, such as an ambulance."""
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What has happened and is handed off, as far as it is known."""

    event_id: str
    """One event is handed off once: a second one of this id is the first."""
    kind: str
    """Such as `sos`, or the kind of an incident; a word for people."""
    point: GroundPoint
    """Where, with its ellipse."""
    at: datetime
    priority: int = 100
    stay_s: float = 300.0
    heading_deg: float | None = None
    """Direction of travel, clockwise from true north; `None` where it is not known."""
    speed_m_s: float | None = None
    plate: str = ""
    """Where one was read."""
    picture: Digest | None = None
    """Of the evidence that shows it."""
    incident_id: IncidentId | None = None
    button_id: str = ""
    words: str = ""
    caller: AssetId | None = None
    """The asset whose crew calls for help; it is not asked itself."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One asset that was asked."""

    asset_id: AssetId
    at: datetime
    answer_by: datetime
    why: str
    """The planner's reason in one sentence."""
    travel_s: float | None = None
    state: OfferState = OfferState.OPEN
    by: UserId | None = None
    """Who answered; `None` is the station."""
    answered_at: datetime | None = None
    reason: str = ""
    """Why it was refused, or did not get there."""
    goal: tuple[float, float] | None = None
    """Latitude and longitude of where it is to stay."""


@dataclass(frozen=True, slots=True)
class LeftPatrol:
    """The patrol that an asset left for it, and what becomes of that."""

    patrol_id: PatrolId | None
    sortie_id: SortieId
    outcome: TaskOutcome
    why: str
    by: AssetId | None = None
    """Who goes on with it."""
    resumed_as: SortieId | None = None
    """The sortie in which it goes on."""


@dataclass(frozen=True, slots=True)
class HandoffEvent:
    """One line of a hand-off's history."""

    at: datetime
    state: HandoffState
    text: str
    by: UserId | None = None
    asset_id: AssetId | None = None


@dataclass(frozen=True, slots=True)
class Handoff:
    """An event handed off, with everybody who was asked; each change makes the next version."""

    handoff_id: HandoffId
    occasion: Occasion
    state: HandoffState = HandoffState.OFFERED
    offers: tuple[Offer, ...] = ()
    """In the order in which they were made; the last one counts."""
    sortie_id: SortieId | None = None
    """Of the asset that goes."""
    left: LeftPatrol | None = None
    outcome: OutcomeKind | None = None
    outcome_words: str = ""
    opened_by: UserId | None = None
    """`None` is the station's policy, or an SOS button."""
    events: tuple[HandoffEvent, ...] = ()
    version: int = 1

    @property
    def offer(self) -> Offer | None:
        """The newest offer."""
        return self.offers[-1] if self.offers else None

    @property
    def asset_id(self) -> AssetId | None:
        """Who is asked, goes, or is there; `None` where nobody is."""
        offer = self.offer
        live = offer is not None and offer.state in (OfferState.OPEN, OfferState.ACCEPTED)
        return offer.asset_id if offer is not None and live else None

    @property
    def is_open(self) -> bool:
        """Whether anything may still come of it."""
        return not HANDOFF_MOVES.final(self.state)

    def at_of(self, state: HandoffState) -> datetime | None:
        """Returns when it came to a state first, `None` if it has not."""
        return next((event.at for event in self.events if event.state is state), None)


@dataclass(frozen=True, slots=True)
class SosButton:
    """A button in the street, or in somebody's hand, that calls for help."""

    button_id: str
    name: str
    point: GroundPoint
    key_hash: Digest
    """SHA-256 of its key, which nobody keeps."""
    enabled: bool = True
