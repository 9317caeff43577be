"""Taps: what a driver says by one press of a large button, also long after it was pressed.

A tap is named by the phone that it was made on, so that one which is sent again is known again. It
is kept as it was made, whatever becomes of it: a page that was without a network for an hour loses
nothing, and doubles nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from core.ids import AssetId, SortieId, UserId

TapId = NewType("TapId", str)


class TapKind(StrEnum):
    """What a driver says."""

    TAKE = "take"
    """I sit in this car from now on."""
    LEAVE = "leave"
    """I have left it."""
    ARRIVED = "arrived"
    """I am at a stop."""
    DONE = "done"
    """What was to be done at a stop is done."""
    CANNOT = "cannot"
    """A stop can't be done, for the tap's reason."""
    PAUSE = "pause"
    GO_ON = "go_on"
    """The pause is over."""
    SOS = "sos"
    """Help is needed here, at once."""
    SOS_OVER = "sos_over"
    """The help is no longer needed."""


SEAT: frozenset[TapKind] = frozenset({TapKind.TAKE, TapKind.LEAVE})
AT_STOPS: frozenset[TapKind] = frozenset({TapKind.ARRIVED, TapKind.DONE, TapKind.CANNOT})
ALARMS: frozenset[TapKind] = frozenset({TapKind.SOS, TapKind.SOS_OVER})


class Obstacle(StrEnum):
    """Why a stop can't be done."""

    ROAD_CLOSED = "road_closed"
    NO_ACCESS = "no_access"
    DANGER = "danger"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TapPlace:
    """Where the phone was when a tap was made."""

    lat_deg: float
    lon_deg: float
    radius_m: float
    """Of the circle that holds it, as phones give it: 68 % certain at the least."""


@dataclass(frozen=True, slots=True)
class Tap:
    """One press of a button."""

    tap_id: TapId
    """Made by the phone; the same tap sent again has the same."""
    asset_id: AssetId
    by: UserId
    kind: TapKind
    at: datetime
    """When it was pressed, by the phone's clock as set by the station's."""
    received_at: datetime
    """When the station heard of it, by its own clock."""
    sortie_id: SortieId | None = None
    stop: int | None = None
    """Number of the stop that it is about, from 0."""
    reason: Obstacle | None = None
    place: TapPlace | None = None

    def same_press(self, other: "Tap") -> bool:
        """Returns whether another one is this very press, sent again."""
        return _pressed(self) == _pressed(other)


def _pressed(tap: Tap) -> tuple[object, ...]:
    return (
        tap.tap_id, tap.asset_id, tap.by, tap.kind, tap.sortie_id, tap.stop, tap.reason, tap.place,
    )  # fmt: skip


def seated(seat_taps: Sequence[Tap]) -> Tap | None:
    """Returns the tap by which somebody sits in a car now; `None` where nobody does.

    Args:
        seat_taps: of one car, in the order in which they were received.
    """
    held: Tap | None = None
    for tap in seat_taps:
        if tap.kind is TapKind.TAKE:
            held = tap
        elif tap.kind is TapKind.LEAVE and held is not None and held.by == tap.by:
            held = None
    return held


def ever_sat(seat_taps: Sequence[Tap], by: UserId) -> bool:
    """Returns whether somebody has ever sat in a car: their late taps are still theirs."""
    return any(tap.kind is TapKind.TAKE and tap.by == by for tap in seat_taps)


def alarm(taps: Sequence[Tap]) -> Tap | None:
    """Returns the SOS that is still out, by the time of pressing; `None` where there is none."""
    raised: Tap | None = None
    for tap in sorted(taps, key=lambda one: one.at):
        if tap.kind is TapKind.SOS:
            raised = raised or tap
        elif tap.kind is TapKind.SOS_OVER:
            raised = None
    return raised
