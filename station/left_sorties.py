"""Sorties that a station left under way when it died: told as what they are at its next start."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from missions.model import Sortie, SortieEvent, SortieState
from missions.ports import MissionStore
from missions.schedules import StopReason

log = logging.getLogger(__name__)

_RELEASED = (SortieState.AUTHORISED,)
_MOVING = (SortieState.UNDERWAY, SortieState.HOLDING, SortieState.RETURNING)
_TEXT_RELEASED = (
    "the station stopped before it saw this sortie begin; if the vehicle left all the same, it"
    " follows its own fail-safe: look at it before it is sent anywhere"
)
_TEXT_MOVING = (
    "the station stopped during this sortie and does not command it any more; a vehicle that is"
    " still under way follows its plan and its own fail-safe, and must be looked at"
)


def close_left(
    missions: MissionStore,
    now: datetime,
    told: Callable[[Sortie], None] = lambda sortie: None,
) -> tuple[Sortie, ...]:
    """Ends the sorties that nobody commands any more, and returns them as they are now.

    Only for whoever holds the station's lock of the data folder: no other station lives on it, so
    whatever is not ended there has lost its station.

    Args:
        missions: the store, as the station before left it.
        now: the start of this station.
        told: called with each of them.

    Raises:
        StoreUnreadable: if the store fails; those that were ended stay so.
    """
    closed = []
    for sortie in missions.sorties():
        if sortie.state not in (*_RELEASED, *_MOVING):
            continue
        text = _TEXT_RELEASED if sortie.state in _RELEASED else _TEXT_MOVING
        event = SortieEvent(now, SortieState.FAILED, text)
        ended = replace(
            sortie,
            state=SortieState.FAILED,
            ended_at=now,
            reason_code=StopReason.STATION_STOPPED,
            events=(*sortie.events, event),
            version=sortie.version + 1,
        )
        missions.save_sortie(ended)
        told(ended)
        closed.append(ended)
        log.warning("a sortie had lost its station", extra={"sortie_id": sortie.sortie_id})
    return tuple(closed)
