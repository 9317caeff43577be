"""Guides a PX4 vehicle by MAVSDK beside its mission.

Seen on PX4 1.17 in simulation: DO_REPOSITION takes its height as above mean sea level whatever
its frame says (a height above home flew into the ground); a second change to hold mode does not
end it, a new place does; a circle shows as a sub-mode of position control; a look at a place is
accepted without a gimbal and does nothing; a zoom without a camera gets no answer at all.
"""

import json
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from mavsdk import MavsdkError
from mavsdk.asyncio.plugins.action import ActionAsync
from mavsdk.asyncio.plugins.mavlink_direct import MavlinkDirectAsync, MavlinkMessage
from mavsdk.plugins.action import OrbitYawBehavior

from core.errors import CapabilityMissing
from missions.adapters import heard_goal as goals
from missions.adapters.heard_goal import GuidedSystem, HeardGoal, Spot
from missions.adapters.mavsdk_pilot import Deadlines
from missions.guided import Capability, FlyTo, Light, LookAt, Orbit, ProvenTask, Zoom
from telemetry.model import VehicleMode

_AUTOPILOT = 1
_GLOBAL = 0
"""MAV_FRAME: heights above mean sea level."""
_SAME_RADIUS_M = 0.5


class OpenedSystem(GuidedSystem, Protocol):
    """What guiding needs of an opened MAVSDK system."""

    system: Any


class MavsdkGuide:
    """The `Guide` of one PX4 vehicle."""

    capabilities = frozenset(
        {
            Capability.FLY_TO,
            Capability.ORBIT,
            Capability.LOOK_AT,
            Capability.ZOOM,
            Capability.LIGHT,
        }
    )

    def __init__(self, system: OpenedSystem, deadlines: Deadlines | None = None) -> None:
        """Guides an opened system, which stays its owner's to close."""
        self._system = system
        self._deadlines = deadlines or Deadlines()
        self._heard = HeardGoal(system)
        self._action = ActionAsync(system.system)
        self._direct = MavlinkDirectAsync(system.system)

    async def carry_out(self, proven: ProvenTask) -> None:
        """Does a task and returns once the vehicle shows it.

        Raises:
            CapabilityMissing: if it has nothing to do it with, or does not react.
            StartRefused: if it stays in another mode, or goes elsewhere.
            LinkLost: if the vehicle falls silent.
        """
        task = proven.task
        if isinstance(task, FlyTo):
            await self._fly_to(task)
        elif isinstance(task, Orbit):
            await self._orbit(task)
        elif isinstance(task, LookAt):
            await self._look_at(task)
        elif isinstance(task, Zoom):
            await self._zoom(task)
        elif isinstance(task, Light):
            await self._light(task)
        else:
            raise self._missing("MAVLink has no words for a loudspeaker")

    async def stop(self) -> None:
        """Ends a task that moves; returns once its hold mode and its goal show it.

        Raises:
            StartRefused: if the mode does not come, or it goes on.
            LinkLost: if the vehicle falls silent.
        """
        heard, state = self._system.state.texts_heard, self._system.state
        if state.mode is not VehicleMode.HOLD:
            if not await self._until(
                lambda: self._given(self._action.hold()), lambda: state.mode is VehicleMode.HOLD
            ):
                raise self._heard.refused("hold", heard)
            return
        here = self._heard.place
        if here is None or not await self._until(
            lambda: self._go(here), lambda: self._heard.near(self._heard.goal, here)
        ):
            raise self._heard.refused("stop where it is", heard)

    # --- what moves ---

    async def _fly_to(self, task: FlyTo) -> None:
        heard = self._system.state.texts_heard
        wanted = (
            task.lat_deg,
            task.lon_deg,
            await self._heard.amsl_m(task.up_m, self._deadlines.mode_s),
        )
        speed = task.speed_m_s

        async def go() -> None:
            if speed is not None:
                await self._given(self._action.set_current_speed(speed))
            await self._go(wanted)

        def goes() -> bool:
            holds = self._system.state.mode is VehicleMode.HOLD
            return holds and self._heard.near(self._heard.goal, wanted)

        if not await self._until(go, goes):
            raise self._heard.refused("go there", heard)
        if task.look_at is not None:
            await self._send("COMMAND_INT", await self._roi(*task.look_at, 0.0))

    async def _orbit(self, task: Orbit) -> None:
        heard = self._system.state.texts_heard
        middle = (
            task.lat_deg,
            task.lon_deg,
            await self._heard.amsl_m(task.up_m, self._deadlines.mode_s),
        )
        radius_m = task.radius_m if task.clockwise else -task.radius_m
        speed = task.speed_m_s or 3.0

        def circles() -> bool:
            shown = self._heard.orbit
            if shown is None or self._system.state.mode is not VehicleMode.GUIDED:
                return False
            beside_m = goals.level_m((shown[0], shown[1], 0.0), middle)
            return beside_m <= 2.0 and abs(shown[2] - radius_m) <= _SAME_RADIUS_M

        self._heard.orbit = None
        front = OrbitYawBehavior.HOLD_FRONT_TO_CIRCLE_CENTER
        if not await self._until(
            lambda: self._given(self._action.do_orbit(radius_m, speed, front, *middle)), circles
        ):
            raise self._heard.refused("go round", heard)

    async def _go(self, to: Spot) -> None:
        await self._given(self._action.goto_location(*to, math.nan))

    # --- what it carries ---

    async def _look_at(self, task: LookAt) -> None:
        if task.place is None:
            self._heard.answers.pop(goals.NO_ROI, None)
            await self._until(
                lambda: self._command(goals.NO_ROI),
                lambda: self._heard.answers.get(goals.NO_ROI) == 0,
            )
            return
        lat, lon = task.place
        fields = await self._roi(lat, lon, task.up_m)
        if not await self._until(
            lambda: self._send("COMMAND_INT", fields), lambda: self._heard.looks_at(lat, lon)
        ):
            raise self._missing("it does not turn to the place: it has no gimbal, or can't")

    async def _roi(self, lat_deg: float, lon_deg: float, up_m: float) -> dict[str, Any]:
        """Returns the COMMAND_INT that asks for a look at a place."""
        return {
            "target_system": 0, "target_component": _AUTOPILOT, "frame": _GLOBAL,
            "command": goals.SET_ROI, "current": 0, "autocontinue": 0,
            "param1": 0, "param2": 0, "param3": 0, "param4": 0,
            "x": round(lat_deg * 1e7), "y": round(lon_deg * 1e7),
            "z": await self._heard.amsl_m(up_m, self._deadlines.mode_s),
        }  # fmt: skip

    async def _zoom(self, task: Zoom) -> None:
        self._heard.zoom_percent = None

        async def zoom() -> None:
            await self._command(goals.ZOOM, goals.ZOOM_RANGE, task.percent, to=goals.CAMERA)
            await self._command(goals.SEND_MESSAGE, goals.CAMERA_SETTINGS, to=goals.CAMERA)

        def zoomed() -> bool:
            shown = self._heard.zoom_percent
            return shown is not None and abs(shown - task.percent) <= 1.0

        if not await self._until(zoom, zoomed):
            raise self._missing("no camera shows that zoom")

    async def _light(self, task: Light) -> None:
        self._heard.lit = None

        async def switch() -> None:
            await self._command(goals.LIGHT, float(task.on), to=goals.ILLUMINATOR)
            await self._command(goals.SEND_MESSAGE, goals.ILLUMINATOR_STATUS, to=goals.ILLUMINATOR)

        if not await self._until(switch, lambda: self._heard.lit is task.on):
            raise self._missing("no light shows that it is switched")

    # --- what they share ---

    async def _until(self, order: Callable[[], Any], shown: Callable[[], bool]) -> bool:
        return await self._heard.until(order, shown, self._deadlines.tries, self._deadlines.mode_s)

    def _missing(self, words: str) -> CapabilityMissing:
        return CapabilityMissing(
            words, where=self._system.url, cure="see what the vehicle carries, or ask another"
        )

    async def _given(self, order: Awaitable[object]) -> None:
        """Gives an order; what the driver says of it is no proof of anything."""
        with suppress(MavsdkError):
            await order

    async def _command(self, number: int, *params: float, to: int = _AUTOPILOT) -> None:
        values = [*params, *[0.0] * (7 - len(params))]
        named = {f"param{count}": value for count, value in enumerate(values, 1)}
        fields = {
            "target_system": 0, "target_component": to, "command": number, "confirmation": 0,
        }  # fmt: skip
        await self._send("COMMAND_LONG", {**fields, **named})

    async def _send(self, name: str, fields: dict[str, Any]) -> None:
        message = MavlinkMessage(name, 0, 0, 0, 0, json.dumps(fields))
        await self._given(self._direct.send_message(message))
