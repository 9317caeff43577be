"""How a hand-off goes on: each function gives the next version, or refuses; nothing is sent."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import BadRequest, IllegalMove, NotAllowed
from core.ids import AssetId, SortieId, UserId
from missions.events import Candidate
from missions.handoffs.model import (
    HANDOFF_MOVES,
    Handoff,
    HandoffEvent,
    HandoffId,
    HandoffState,
    LeftPatrol,
    Occasion,
    Offer,
    OfferState,
    OutcomeKind,
)

_S = HandoffState
_REASON_MOST = 500


def opened(
    handoff_id: HandoffId, occasion: Occasion, now: datetime, by: UserId | None = None
) -> Handoff:
    """Returns a new hand-off, of which nobody has been asked yet."""
    text = f"{occasion.kind} to be handed off"
    event = HandoffEvent(now, _S.OFFERED, text, by)
    return Handoff(handoff_id, occasion, opened_by=by, events=(event,))


def offered(handoff: Handoff, chosen: Candidate, now: datetime, answer_s: float) -> Handoff:
    """Returns it offered to an asset; whoever was asked before and has not answered no longer is.

    Args:
        handoff: open, and not on the way.
        chosen: by the planner.
        now: the present instant.
        answer_s: how long its crew has to answer.

    Raises:
        IllegalMove: if somebody goes already, or it has ended.
    """
    if handoff.state not in (_S.OFFERED, _S.UNANSWERED):
        raise _wrong(handoff, "somebody goes already, or it has ended")
    asked = _no_longer_asked(handoff, now)
    until = now + timedelta(seconds=answer_s)
    goal = chosen.route[-1] if chosen.route else None
    offer = Offer(chosen.asset_id, now, until, chosen.why, chosen.travel_s, goal=goal)
    text = f"offered to {chosen.asset_id}: {chosen.why}"
    return _next(handoff, _S.OFFERED, now, text, chosen.asset_id, offers=(*asked, offer))


def unanswered(handoff: Handoff, now: datetime, why: str) -> Handoff:
    """Returns it with nobody left to be asked.

    Raises:
        IllegalMove: if somebody goes already, or it has ended.
    """
    text, asked = f"nobody is left to be asked: {why}", _no_longer_asked(handoff, now)
    return _next(handoff, _S.UNANSWERED, now, text, offers=asked)


def accepted(handoff: Handoff, asset_id: AssetId, by: UserId, now: datetime) -> Handoff:
    """Returns it accepted by the crew of the asset that is asked.

    Raises:
        IllegalMove: if that asset is not asked now, or the time to answer is over.
    """
    offer = _asked(handoff, asset_id, now)
    text = f"{asset_id} accepts"
    answered = replace(offer, state=OfferState.ACCEPTED, by=by, answered_at=now)
    return _next(handoff, _S.ACCEPTED, now, text, asset_id, by, **_with(handoff, answered))


def refused(handoff: Handoff, asset_id: AssetId, by: UserId, reason: str, now: datetime) -> Handoff:
    """Returns it refused by the crew of the asset that is asked; the next best is to be asked.

    Raises:
        BadRequest: if the reason says nothing.
        IllegalMove: if that asset is not asked now, or the time to answer is over.
    """
    words = checked_words(reason, "refusing")
    offer = _asked(handoff, asset_id, now)
    answered = replace(offer, state=OfferState.REFUSED, by=by, answered_at=now, reason=words)
    text = f"{asset_id} refuses: {words}"
    return _next(handoff, _S.OFFERED, now, text, asset_id, by, **_with(handoff, answered))


def expired(handoff: Handoff, now: datetime) -> Handoff:
    """Returns it after nobody has answered in time; as it is where there still is time."""
    offer = handoff.offer
    waits = offer is not None and offer.state is OfferState.OPEN
    if handoff.state is not _S.OFFERED or offer is None or not waits or now < offer.answer_by:
        return handoff
    ended = replace(offer, state=OfferState.EXPIRED, answered_at=now)
    text = f"{offer.asset_id} has not answered in time"
    return _next(handoff, _S.OFFERED, now, text, offer.asset_id, **_with(handoff, ended))


def bound_for(
    handoff: Handoff, sortie_id: SortieId, now: datetime, left: LeftPatrol | None = None
) -> Handoff:
    """Returns it with the sortie in which the asset goes; it is moving once the asset shows it.

    Raises:
        IllegalMove: if it is not accepted.
    """
    if handoff.state is not _S.ACCEPTED:
        raise _wrong(handoff, "it has not been accepted")
    text = "its vehicle is ordered to go"
    if left is not None:
        text += f"; {left.why}"
    changes: dict[str, Any] = {"sortie_id": sortie_id, "left": left or handoff.left}
    return _next(handoff, None, now, text, handoff.asset_id, **changes)


def moving(handoff: Handoff, now: datetime) -> Handoff:
    """Returns it on the way, as the vehicle itself has shown.

    Raises:
        IllegalMove: if it is not accepted.
    """
    return _next(handoff, _S.MOVING, now, f"{handoff.asset_id} moves", handoff.asset_id)


def on_scene(handoff: Handoff, now: datetime) -> Handoff:
    """Returns it with the asset at the place.

    Raises:
        IllegalMove: if it is not on the way.
    """
    return _next(handoff, _S.ON_SCENE, now, f"{handoff.asset_id} is there", handoff.asset_id)


def failed(handoff: Handoff, why: str, now: datetime) -> Handoff:
    """Returns it after its asset did not go or get there: open again, for the next best.

    Raises:
        IllegalMove: if nobody was on the way.
    """
    offer = handoff.offer
    if offer is None or handoff.state not in (_S.ACCEPTED, _S.MOVING):
        raise _wrong(handoff, "nobody is on the way")
    ended = replace(offer, state=OfferState.FAILED, reason=why)
    text = f"{offer.asset_id} does not get there: {why}"
    changes = _with(handoff, ended)
    return _next(handoff, _S.OFFERED, now, text, offer.asset_id, **changes, sortie_id=None)


def closed(
    handoff: Handoff, outcome: OutcomeKind, words: str, by: UserId, now: datetime
) -> Handoff:
    """Returns it with its outcome.

    Raises:
        IllegalMove: if its crew has not answered yet, or it has ended.
    """
    text = f"outcome: {outcome}" + (f", {words.strip()}" if words.strip() else "")
    changes: dict[str, Any] = {"outcome": outcome, "outcome_words": words.strip()[:_REASON_MOST]}
    return _next(handoff, _S.CLOSED, now, text, handoff.asset_id, by, **changes)


def withdrawn(handoff: Handoff, by: UserId, reason: str, now: datetime) -> Handoff:
    """Returns it called off by a person.

    Raises:
        BadRequest: if the reason says nothing.
        IllegalMove: if it has ended.
    """
    words = checked_words(reason, "calling it off")
    text, asked = f"called off: {words}", _no_longer_asked(handoff, now)
    return _next(handoff, _S.WITHDRAWN, now, text, handoff.asset_id, by, offers=asked)


def told(handoff: Handoff, text: str, now: datetime, by: UserId | None = None) -> Handoff:
    """Returns it with a line more in its history; its state stays."""
    return _next(handoff, None, now, text, handoff.asset_id, by)


def left_resumed(handoff: Handoff, sortie_id: SortieId, now: datetime) -> Handoff:
    """Returns it with the sortie in which the patrol goes on that was left for it.

    Raises:
        IllegalMove: if no patrol was left.
    """
    if handoff.left is None:
        raise _wrong(handoff, "no patrol was left for it")
    left = replace(handoff.left, resumed_as=sortie_id)
    text = f"the patrol that was left goes on as {sortie_id}"
    return _next(handoff, None, now, text, left.by, left=left)


def tried(handoff: Handoff) -> frozenset[AssetId]:
    """Returns who is not asked again: they refused, were silent, or did not get there."""
    over = (OfferState.REFUSED, OfferState.EXPIRED, OfferState.FAILED)
    return frozenset(offer.asset_id for offer in handoff.offers if offer.state in over)


def checked_words(reason: str, deed: str) -> str:
    """Returns a reason without blanks around it.

    Raises:
        BadRequest: if it says nothing or is longer than a log line should be.
    """
    words = reason.strip()
    if not 3 <= len(words) <= _REASON_MOST:
        raise BadRequest(
            f"{deed} needs a reason in words",
            where="reason",
            cure=f"say why in 3 to {_REASON_MOST} characters",
        )
    return words


def check_crew_asked(handoff: Handoff, asset_id: AssetId) -> None:
    """Returns where an asset is the one that is asked, goes or is there.

    Raises:
        NotAllowed: if it is another.
    """
    if handoff.asset_id != asset_id:
        raise NotAllowed(
            "this hand-off is not this asset's",
            where=str(handoff.handoff_id),
            cure="see whom it is offered to now",
        )


def _asked(handoff: Handoff, asset_id: AssetId, now: datetime) -> Offer:
    offer = handoff.offer
    if handoff.state is not _S.OFFERED or offer is None or offer.state is not OfferState.OPEN:
        raise _wrong(handoff, "nobody is asked now")
    if offer.asset_id != asset_id:
        raise _wrong(handoff, f"{offer.asset_id} is asked now, not {asset_id}")
    if now >= offer.answer_by:
        raise _wrong(handoff, "the time to answer is over")
    return offer


def _no_longer_asked(handoff: Handoff, now: datetime) -> tuple[Offer, ...]:
    """Returns the offers, of which none waits for an answer any more."""
    return tuple(
        replace(offer, state=OfferState.WITHDRAWN, answered_at=now)
        if offer.state is OfferState.OPEN
        else offer
        for offer in handoff.offers
    )


def _with(handoff: Handoff, offer: Offer) -> dict[str, Any]:
    return {"offers": (*handoff.offers[:-1], offer)}


def _wrong(handoff: Handoff, why: str) -> IllegalMove:
    return IllegalMove(
        f"a hand-off that is {handoff.state} can't go on so: {why}",
        where=str(handoff.handoff_id),
        cure="read it anew",
    )


def _next(
    handoff: Handoff,
    state: HandoffState | None,
    now: datetime,
    text: str,
    asset_id: AssetId | None = None,
    by: UserId | None = None,
    **changes: Any,
) -> Handoff:
    wanted = handoff.state
    if state is not None:
        wanted = HANDOFF_MOVES.move(handoff.state, state)
    event = HandoffEvent(now, wanted, text, by, asset_id)
    return replace(
        handoff,
        state=wanted,
        events=(*handoff.events, event),
        version=handoff.version + 1,
        **changes,
    )
