"""A driver's round: the stops of a plan, how far they are done, and what comes next.

The places of a route that only bend are no stops: a driver who must press a button at each corner
looks at the phone and not at the road. What the car has passed by its own position counts as done,
and what its driver says counts also where no position came.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.errors import BadRequest
from geo.local_frame import LocalFrame
from missions.driving.taps import AT_STOPS, Obstacle, Tap, TapKind
from missions.model import Plan

_BEND_DEG = 40.0
"""A route that turns less goes straight on for a driver."""
_APART_M = 80.0
"""Stops that only bend are at least so far from the one before; a bend of a street is many."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place that a driver is sent to."""

    number: int
    """From 0."""
    item: int
    """Of the plan's items with a place, from 0."""
    lat_deg: float
    lon_deg: float
    stay_s: float = 0.0


class StopState(StrEnum):
    """How far a stop is."""

    AHEAD = "ahead"
    ARRIVED = "arrived"
    """The driver is there."""
    DONE = "done"
    PASSED = "passed"
    """The car has been there by its own position; nobody pressed anything."""
    LEFT_OUT = "left_out"
    """It could not be done."""


_OPEN = frozenset({StopState.AHEAD, StopState.ARRIVED})


@dataclass(frozen=True, slots=True)
class StopNow:
    """A stop and what became of it so far."""

    stop: Stop
    state: StopState
    reason: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """All stops of a sortie, as they stand."""

    stops: tuple[StopNow, ...]
    paused: bool = False

    @property
    def next(self) -> StopNow | None:
        """The first stop that is still to be done, after the last one that was."""
        last = max((n for n, one in enumerate(self.stops) if one.state not in _OPEN), default=-1)
        ahead = [one for one in self.stops[last + 1 :] if one.state in _OPEN]
        left = [one for one in self.stops if one.state in _OPEN]
        return next(iter(ahead or left), None)

    @property
    def items_done(self) -> int:
        """How many of the plan's places its driver has done with, without a gap."""
        done = 0
        for one in self.stops:
            if one.state in _OPEN:
                break
            done = one.stop.item + 1
        return done


def stops_of(plan: Plan) -> tuple[Stop, ...]:
    """Returns the stops of a plan: where the car stays, where it turns, and the end."""
    items = [item for item in plan.mission.items if item.position is not None]
    if not items:
        return ()
    frame = LocalFrame(plan.home.lat_deg, plan.home.lon_deg)
    places = [
        frame.to_en1_m(item.position.lat_deg, item.position.lon_deg)
        for item in items
        if item.position is not None
    ]
    found: list[int] = []
    for n, item in enumerate(items):
        ends = n in (0, len(items) - 1)
        turns = not ends and _turn_deg(places[n - 1], places[n], places[n + 1]) >= _BEND_DEG
        far = not found or math.dist(places[n], places[found[-1]]) >= _APART_M
        if item.hold_s > 0 or ends or (turns and far):
            found.append(n)
    stops: list[Stop] = []
    for n in found:
        position = items[n].position
        assert position is not None  # filtered above
        stops.append(
            Stop(len(stops), n, position.lat_deg, position.lon_deg, max(0.0, items[n].hold_s))
        )
    return tuple(stops)


def round_of(stops: Sequence[Stop], taps: Sequence[Tap], reached: int) -> Round:
    """Returns a round as it stands.

    Args:
        stops: of the sortie's plan.
        taps: of that sortie, in any order.
        reached: how many of the plan's places the car has passed by its position.
    """
    states = [StopNow(s, StopState.PASSED if s.item < reached else StopState.AHEAD) for s in stops]
    paused = False
    for tap in sorted(taps, key=lambda one: (one.at, one.received_at)):
        if tap.kind in (TapKind.PAUSE, TapKind.GO_ON):
            paused = tap.kind is TapKind.PAUSE
        if tap.kind not in AT_STOPS or tap.stop is None or not 0 <= tap.stop < len(states):
            continue
        present = states[tap.stop]
        if tap.kind is TapKind.ARRIVED:
            if present.state in (StopState.AHEAD, StopState.LEFT_OUT):
                states[tap.stop] = StopNow(present.stop, StopState.ARRIVED)
        elif tap.kind is TapKind.DONE:
            states[tap.stop] = StopNow(present.stop, StopState.DONE)
        elif present.state is not StopState.DONE:
            states[tap.stop] = StopNow(present.stop, StopState.LEFT_OUT, tap.reason)
    return Round(tuple(states), paused)


def check_fits(tap: Tap) -> None:
    """Refuses a tap that says nothing.

    Raises:
        BadRequest: if it is about a stop and names none, or can't and gives no reason.
    """
    if tap.kind in AT_STOPS and (tap.stop is None or tap.sortie_id is None):
        raise BadRequest(
            f"{tap.kind} is about a stop of a sortie",
            where=str(tap.tap_id),
            cure="send stop and sortie_id",
        )
    if (tap.kind is TapKind.CANNOT) != (tap.reason is not None):
        raise BadRequest(
            "a reason belongs to cannot, and only to that",
            where=str(tap.tap_id),
            cure=f"send one of {', '.join(Obstacle)} with cannot",
        )


def _turn_deg(
    before: tuple[float, float], here: tuple[float, float], after: tuple[float, float]
) -> float:
    one = math.atan2(here[0] - before[0], here[1] - before[1])
    two = math.atan2(after[0] - here[0], after[1] - here[1])
    return abs((math.degrees(two - one) + 180.0) % 360.0 - 180.0)
