"""Flies plans by stepping the simulated autopilot directly: no wire, no clock, no sensors.

The same `Autopilot` and physics that stand behind MAVLink, so a track is what the vehicle there
would truly have flown with the same seed, some ten thousand times faster than real time. A
return may be ordered at several instants of one flight: each is flown on from a copy.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from missions.formats.plan_file import simple_items
from missions.model import Asset, Plan
from missions.proving.return_settings import rally_spots, return_settings
from sim.autopilot import STEP_S, Autopilot
from sim.failures import Failures
from sim.sensor_errors import CONSUMER, SensorErrors
from sim.vehicle_truth import Motion, TruthHistory
from telemetry.model import VehicleMode

Track: TypeAlias = NDArray[np.float64]
"""Rows of seconds since the start of the mission, metres east, north and up of the plan's home."""

_BOOT_STEPS = 101
"""After so many a vehicle knows its position and may be armed; nothing moves before."""
_EVERY = 2
"""Steps from one row of a track to the next: 0.1 s."""


@dataclass(frozen=True, slots=True)
class Flown:
    """What one flight really did."""

    track: Track
    landed: bool
    """Whether it ended on the ground with its motors stopped."""
    returned_at_s: float | None = None
    """When a return was ordered; `None` in the flight that was left alone."""
    from_row: int = 0
    """Row of the track with which the return begins; what stands before is the flight's."""


class _NoErrors(SensorErrors):
    """Sensors nobody asks: the autopilot flies by the truth."""

    def wander(self, dt: float) -> None:
        """Leaves everything as it is."""


class _NoHistory(TruthHistory):
    """Remembers nothing."""

    def add(self, motion: Motion) -> None:
        """Forgets it."""


class DirectAutopilot(Autopilot):
    """The simulated autopilot with a plan in it, that has started by itself."""

    def __init__(self, plan: Plan, asset: Asset, *, seed: int, start_at: datetime) -> None:
        """Boots on the ground at the plan's home with all that a pilot uploads but the fence.

        The fence stays away so that it is the plan that keeps clear of zones, not the guard.

        Raises:
            PlanUnreadable: if the plan can't be uploaded.
        """
        at_home = replace(asset, home=plan.home)
        super().__init__(at_home, start_at, seed=seed, failures=Failures(), sensors=CONSUMER)
        self.history = _NoHistory(start_at, STEP_S, self.home, None, 0.0)
        self.errors = _NoErrors(CONSUMER, seed)
        self.set_mission(simple_items(plan.mission))
        self.set_rally(rally_spots(plan))
        for setting in return_settings(plan):
            if not setting.allows(self.parameters[setting.name]):
                self.parameters[setting.name] = setting.wanted
        self.steps = _BOOT_STEPS
        self.arm()
        self.set_mode(VehicleMode.MISSION)
        self.started_step = self.steps

    @property
    def flown_s(self) -> float:
        """Seconds since the start of the mission."""
        return (self.steps - self.started_step) * STEP_S

    def copied(self) -> "DirectAutopilot":
        """Returns one that is in the same state and goes its own way from here on."""
        other = copy.copy(self)
        other.physics = copy.deepcopy(self.physics)
        other.texts = copy.copy(self.texts)
        other.parameters = dict(self.parameters)
        return other


def fly(
    plan: Plan,
    asset: Asset,
    *,
    seed: int,
    start_at: datetime,
    returns: Sequence[float] = (),
    longest_s: float = 3_600.0,
) -> tuple[Flown, ...]:
    """Returns the flight of a plan, and one more for each return that is ordered on its way.

    Args:
        plan: what is flown; unsafe ones too.
        asset: who flies it.
        seed: of gusts and of the first heading.
        start_at: the instant of the start.
        returns: when to order a return, in seconds after the start; what comes after the landing
            or before the take-off is left out.
        longest_s: a flight is cut off after this.

    Raises:
        PlanUnreadable: if the plan can't be uploaded.
    """
    pilot = DirectAutopilot(plan, asset, seed=seed, start_at=start_at)
    turns = sorted({round(seconds / (_EVERY * STEP_S)) for seconds in returns})
    copies: list[DirectAutopilot] = []
    whole = _to_the_end(pilot, longest_s, turns, copies)
    flights = [whole]
    for returning in copies:
        ordered_s, row = returning.flown_s, round(returning.flown_s / (_EVERY * STEP_S))
        returning.set_mode(VehicleMode.RETURN)
        flown = _to_the_end(returning, longest_s)
        track = np.concatenate([whole.track[:row], flown.track])
        flights.append(Flown(track, flown.landed, ordered_s, row))
    return tuple(flights)


def _to_the_end(
    pilot: DirectAutopilot,
    longest_s: float,
    turns: Sequence[int] = (),
    copies: list[DirectAutopilot] | None = None,
) -> Flown:
    """Flies on; puts a copy into `copies` at each row in `turns` at which it is in the air."""
    quad, wanted = pilot.physics, set(turns)
    rows = [(pilot.flown_s, quad.east, quad.north, quad.up)]
    while pilot.armed and pilot.flown_s < longest_s:
        for _ in range(_EVERY):
            pilot.step()
        if copies is not None and len(rows) in wanted and pilot.armed and not quad.on_ground:
            copies.append(pilot.copied())
        rows.append((pilot.flown_s, quad.east, quad.north, quad.up))
        if pilot.mode is VehicleMode.HOLD and _hovers(pilot):
            break  # the mission is at its end without a landing
    return Flown(np.array(rows), not pilot.armed and quad.on_ground)


def _hovers(pilot: DirectAutopilot) -> bool:
    quad = pilot.physics
    return quad.distance_m() < 0.5 and math.hypot(quad.v_east, quad.v_north) < 0.3
