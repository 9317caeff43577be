"""What the pilot of an aircraft that can't be commanded says of its flight, and what that is worth.

Such an aircraft is flown by hand or by its maker's own program. Its plan goes out as a file, its
sortie moves only by what somebody says, and whether it flew as planned only its log shows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.errors import BadRequest, IllegalMove
from core.ids import UserId
from missions.model import Sortie, SortieState

START_WITHIN = timedelta(minutes=30)
"""How long after its release a sortie may be said to start; then its proof is of another time."""
AHEAD_MOST = timedelta(seconds=30)
"""How far the clock of whoever says it may be ahead."""


class Attested(StrEnum):
    """What is said of a flight."""

    STARTED = "started"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Attestation:
    """That somebody says that a flight has started or ended: their word, no measurement."""

    what: Attested
    at: datetime
    """When it happened, as they say."""
    by: UserId
    as_planned: bool = True
    """Of an end: whether the whole plan was flown, as they say."""
    note: str = ""


class Limit(StrEnum):
    """What an attested flight lacks; shown wherever it is shown."""

    NOT_COMMANDED = "not_commanded"
    """Hold, return and land can't be ordered: its pilot must be called."""
    NO_FENCE = "no_fence"
    """It guards no fence of ours."""
    FAILSAFES_UNKNOWN = "failsafes_unknown"
    """What it does when its link or its battery fails is its maker's and its pilot's affair."""
    NO_LIVE_POSITION = "no_live_position"
    """The live monitor does not see it; its log may be imported afterwards."""
    NOT_PROVEN_FLOWN = "not_proven_flown"
    """Its states are its pilot's word: whether it flew the proven plan is not known."""


LIMITS: tuple[Limit, ...] = tuple(Limit)


def checked(sortie: Sortie, attestation: Attestation, now: datetime) -> Attestation:
    """Returns an attestation that fits what is known of the sortie.

    Args:
        sortie: attested, as it is now.
        attestation: what is said of it.
        now: the present instant.

    Raises:
        IllegalMove: if the sortie can't be commanded by word, or can't start or end now.
        BadRequest: if it happened in the future, before the release, or before the start.
    """
    if not sortie.attested:
        raise IllegalMove(
            "this sortie tells of itself; nobody's word is taken for it",
            where=str(sortie.sortie_id),
            cure="see what its vehicle says",
        )
    starts = attestation.what is Attested.STARTED
    fits = SortieState.AUTHORISED if starts else SortieState.UNDERWAY
    if sortie.state is not fits:
        raise IllegalMove(
            f"a sortie that is {sortie.state} can't be said to have {attestation.what}",
            where=str(sortie.sortie_id),
            cure="say that it has started, then that it has ended; each once",
        )
    released = sortie.events[0].at if sortie.events else now
    earliest = released if starts else (sortie.started_at or released)
    latest = min(now, released + START_WITHIN) if starts else now
    if not earliest <= attestation.at <= latest + AHEAD_MOST:
        raise BadRequest(
            f"it can't have {attestation.what} at {attestation.at:%Y-%m-%d %H:%M:%S} UTC",
            where="at",
            cure=f"name an instant from {earliest:%H:%M:%S} to {latest:%H:%M:%S} UTC",
        )
    return attestation


class AttestationService(Protocol):
    """Takes the word of pilots for sorties that are under way."""

    async def tell(self, sortie: Sortie, attestation: Attestation) -> None:
        """Has a sortie follow what is said of it; it moves a moment later.

        Raises:
            IllegalMove: if the sortie can't start or end now, or is not under way here.
            BadRequest: if it can't have happened then.
        """
        ...
