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

from geo.positions import Datum
from missions.model import Asset, Plan
from missions.plan_file import SimpleItem, simple_items
from sim.autopilot import STEP_S, SUPPORTED, Autopilot
from sim.failures import Failures
from sim.sensor_errors import CONSUMER, SensorErrors
from sim.vehicle_truth import Motion, TruthHistory
from telemetry.model import VehicleMode

Track: TypeAlias = NDArray[np.float64]
"""Rows of seconds since the start of the mission, metres east, north and up of the plan's home."""

_LOITER_TIME = 19
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
    """The simulated autopilot, ready in the air by itself, that returns to its nearest goal.

    As PX4 does with `RTL_TYPE` 0 when rally points are uploaded: the nearest of home and those. A
    loiter with a radius is flown as circles, which the base class does not know.
    """

    def __init__(self, plan: Plan, asset: Asset, *, seed: int, start_at: datetime) -> None:
        """Boots on the ground at the plan's home with its mission, without a fence.

        The fence stays away so that it is the plan that keeps clear of zones, not the guard.

        Raises:
            PlanUnreadable: if the plan's mission can't be uploaded.
            ValueError: if it holds a step that this autopilot does not fly.
        """
        at_home = replace(asset, home=plan.home)
        super().__init__(at_home, start_at, seed=seed, failures=Failures(), sensors=CONSUMER)
        self.history = _NoHistory(start_at, STEP_S, self.home, None, 0.0)
        self.errors = _NoErrors(CONSUMER, seed)
        steps = simple_items(plan.mission)
        unknown = {step.command for step in steps} - SUPPORTED
        if unknown:
            raise ValueError(f"the simulated autopilot knows no command {sorted(unknown)}")
        self.set_mission(steps)
        if plan.return_altitude is not None and plan.return_altitude.datum is Datum.HOME:
            self.parameters["RTL_RETURN_ALT"] = plan.return_altitude.metres
        places = [(one.position.lat_deg, one.position.lon_deg) for one in plan.rally]
        self._goals = ((0.0, 0.0), *(self.home.to_en1_m(*place) for place in places))
        self._goal = (0.0, 0.0)
        self._circle_from_s: float | None = None
        self._targets: dict[int, tuple[float, float, float]] = {}
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

    def _enter(self, mode: VehicleMode) -> None:
        if mode is VehicleMode.RETURN and mode is not self.mode:
            here = (self.physics.east, self.physics.north)
            self._goal = min(self._goals, key=lambda goal: math.dist(goal, here))
        super()._enter(mode)

    def _target(self, number: int) -> tuple[float, float, float]:
        """Returns the place of a step; places are reckoned once."""
        if number not in self._targets:
            self._targets[number] = super()._target(number)
        return self._targets[number]

    def _move(self, step: SimpleItem) -> bool:
        """Flies a loiter with a radius as circles; all else as the base class does."""
        radius_m = abs(step.params[2]) if step.command == _LOITER_TIME else 0.0
        if not radius_m > 0 or not math.isfinite(radius_m):
            return super()._move(step)
        quad = self.physics
        east, north, up = self._target(self.current)
        away = math.dist((east, north), (quad.east, quad.north))
        if self._leg_of != self.current:
            self._leg_of, self._circle_from_s = self.current, None
            quad.fly_to(east, north, up, self._speed)
            quad.end_speed = self._speed
        if self._circle_from_s is None and away <= radius_m + 1.0 and abs(quad.up - up) <= 1.0:
            self._circle_from_s = self.boot_s
        if self._circle_from_s is None:
            return False
        if self.boot_s - self._circle_from_s >= step.params[0]:
            quad.end_speed = 0.0
            return True
        # a point on the circle, a fifth of a radian ahead, is followed
        ahead = math.atan2(quad.north - north, quad.east - east) + 0.2
        quad.fly_to(
            east + radius_m * math.cos(ahead),
            north + radius_m * math.sin(ahead),
            up,
            min(self._speed, math.sqrt(radius_m)),
        )
        quad.end_speed = quad.speed
        return False

    def _fly_home(self) -> None:
        """Flies the return of the base class to the goal that was nearest."""
        quad = self.physics
        if self._leg_of == -1 and (quad.on_ground or quad.up >= quad.wanted_up - 0.5):
            quad.fly_to(*self._goal, quad.wanted_up, self.asset.cruise_m_s)
            self._leg_of = -2
        if self._leg_of == -2 and quad.distance_m() < 1.0:
            quad.fly_to(*self._goal, -1.0, 1.0)
            self._leg_of = -3


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
        PlanUnreadable: if the mission can't be uploaded.
        ValueError: if it holds a step that the simulated autopilot does not fly.
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
