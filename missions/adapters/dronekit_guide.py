"""Guides an ArduPilot vehicle by pymavlink on DroneKit's connection, beside its mission.

Seen on ArduCopter 4.7 in simulation: in GUIDED it takes places and shows its goal; it knows no
DO_ORBIT, and its CIRCLE mode comes down where nobody holds the throttle, so a circle is flown as
places that run ahead of it; without a gimbal a look at a place turns its nose; a speed must be
set, or it flies at its own (9 m/s).
"""

import asyncio
import math
from datetime import timedelta
from typing import Any, Protocol

from core.errors import CapabilityMissing
from missions.adapters import heard_goal as goals
from missions.adapters.heard_goal import GuidedSystem, HeardGoal, Spot
from missions.adapters.mavsdk_pilot import Deadlines
from missions.guided import Capability, FlyTo, LookAt, Orbit, ProvenTask, Zoom
from telemetry.model import VehicleMode

_AUTOPILOT = 1
_ABOVE_HOME = 6
"""MAV_FRAME_GLOBAL_RELATIVE_ALT_INT."""
_PLACE_ONLY = 0b110111111000
_EVERY_S = 0.25
_REACHED_M = 3.0
_GUIDED = "GUIDED"
_METRES_PER_DEG = 111_320.0


class OpenedSystem(GuidedSystem, Protocol):
    """What guiding needs of an opened ArduPilot vehicle."""

    vehicle: Any
    on_wheels: bool
    system_id: int

    @property
    def mavlink(self) -> Any:
        """Returns pymavlink's sender."""
        ...

    def command(self, number: int, *params: float) -> None:
        """Sends a COMMAND_LONG to the autopilot."""
        ...


class DronekitGuide:
    """The `Guide` of one ArduPilot vehicle."""

    capabilities = frozenset(
        {Capability.FLY_TO, Capability.ORBIT, Capability.LOOK_AT, Capability.ZOOM}
    )

    def __init__(self, system: OpenedSystem, deadlines: Deadlines | None = None) -> None:
        """Guides an opened system, which stays its owner's to close."""
        self._system = system
        self._deadlines = deadlines or Deadlines()
        self._heard = HeardGoal(system)
        self._round: asyncio.Task[None] | None = None

    async def carry_out(self, proven: ProvenTask) -> None:
        """Does a task and returns once the vehicle shows it.

        Raises:
            CapabilityMissing: if it has nothing to do it with, or does not react.
            StartRefused: if it stays in another mode, or goes elsewhere.
            LinkLost: if the vehicle falls silent.
        """
        task = proven.task
        if isinstance(task, FlyTo):
            self._end_round()
            speed = task.speed_m_s
            await self._fly_to((task.lat_deg, task.lon_deg, task.up_m), speed)
            if task.look_at is not None:
                self._send_roi(*task.look_at, 0.0)
        elif isinstance(task, Orbit):
            self._end_round()
            await self._orbit(task)
        elif isinstance(task, LookAt):
            await self._look_at(task)
        elif isinstance(task, Zoom):
            await self._zoom(task)
        else:
            raise self._missing(f"ArduPilot shows no {proven.kind}")

    async def stop(self) -> None:
        """Ends a task that moves; returns once its hold mode shows it.

        Raises:
            StartRefused: if the mode does not come.
            LinkLost: if the vehicle falls silent.
        """
        self._end_round()
        heard = self._system.state.texts_heard

        def brake() -> None:
            self._system.vehicle.mode = "HOLD" if self._system.on_wheels else "BRAKE"

        if not await self._until(brake, lambda: self._system.state.mode is VehicleMode.HOLD):
            raise self._heard.refused("hold", heard)

    # --- what moves ---

    async def _fly_to(self, to: Spot, speed_m_s: float | None) -> None:
        """Sends it to a latitude, longitude and height above home."""
        heard = self._system.state.texts_heard
        wanted = (to[0], to[1], await self._heard.amsl_m(to[2], self._deadlines.mode_s))

        def go() -> None:
            if self._system.state.mode is not VehicleMode.GUIDED:
                self._system.vehicle.mode = _GUIDED
                return
            if speed_m_s is not None:
                self._system.command(goals.SPEED, 1.0, speed_m_s, -1.0)
            self._send_place(to)

        def shown() -> bool:
            return self._guided() and self._heard.near(self._heard.goal, wanted)

        if not self._guided() and not await self._until(go, self._guided):
            raise self._heard.refused("enter GUIDED", heard)
        if not await self._until(go, shown):
            raise self._heard.refused("go there", heard)

    def _guided(self) -> bool:
        return self._system.state.mode is VehicleMode.GUIDED

    async def _orbit(self, task: Orbit) -> None:
        await self._heard.amsl_m(task.up_m, self._deadlines.mode_s)
        place = self._heard.place
        assert place is not None  # waited for just now
        north = (place[0] - task.lat_deg) * _METRES_PER_DEG
        east = (place[1] - task.lon_deg) * _metres_per_lon_deg(task.lat_deg)
        angle = math.atan2(north, east)
        speed = task.speed_m_s or 3.0
        await self._fly_to(_on_circle(task, angle), speed)
        self._send_roi(task.lat_deg, task.lon_deg, 0.0)
        self._round = asyncio.ensure_future(self._go_round(task, angle, speed))

    async def _go_round(self, task: Orbit, angle: float, speed_m_s: float) -> None:
        """Sends places that run along the circle, until it leaves GUIDED or is silent.

        Where these stop coming it stays at the last one, which is on the proven circle.
        """
        clock, turn = self._system.clock, (-1.0 if task.clockwise else 1.0)
        begin = _on_circle(task, angle)
        began_at = None
        while self._guided() and not self._system.lost:
            now, place = clock.now(), self._heard.place
            if began_at is None and place is not None:
                if goals.level_m(place, begin) <= _REACHED_M:
                    began_at = now
            if began_at is not None:
                run_m = speed_m_s * (now - began_at).total_seconds()
                self._send_place(_on_circle(task, angle + turn * run_m / task.radius_m))
            await clock.sleep_until(now + timedelta(seconds=_EVERY_S))

    def _end_round(self) -> None:
        if self._round is not None:
            self._round.cancel()
            self._round = None

    def _send_place(self, to: Spot) -> None:
        self._system.mavlink.set_position_target_global_int_send(
            0, self._system.system_id, _AUTOPILOT, _ABOVE_HOME, _PLACE_ONLY,
            round(to[0] * 1e7), round(to[1] * 1e7), to[2], 0, 0, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip

    # --- what it carries ---

    async def _look_at(self, task: LookAt) -> None:
        if task.place is None:
            self._heard.answers.pop(goals.NO_ROI, None)
            await self._until(
                lambda: self._system.command(goals.NO_ROI),
                lambda: self._heard.answers.get(goals.NO_ROI) == 0,
            )
            return
        lat, lon = task.place
        if not await self._until(
            lambda: self._send_roi(lat, lon, task.up_m), lambda: self._heard.looks_at(lat, lon)
        ):
            raise self._missing("it does not turn to the place: it has no gimbal, or can't now")

    def _send_roi(self, lat_deg: float, lon_deg: float, up_m: float) -> None:
        self._system.mavlink.command_int_send(
            self._system.system_id, _AUTOPILOT, _ABOVE_HOME, goals.SET_ROI, 0, 0, 0, 0, 0, 0,
            round(lat_deg * 1e7), round(lon_deg * 1e7), up_m,
        )  # fmt: skip

    async def _zoom(self, task: Zoom) -> None:
        self._heard.zoom_percent = None

        def zoom() -> None:
            self._system.command(goals.ZOOM, goals.ZOOM_RANGE, task.percent)
            self._system.command(goals.SEND_MESSAGE, goals.CAMERA_SETTINGS)

        def zoomed() -> bool:
            shown = self._heard.zoom_percent
            return shown is not None and abs(shown - task.percent) <= 1.0

        if not await self._until(zoom, zoomed):
            raise self._missing("no camera shows that zoom")

    # --- what they share ---

    async def _until(self, order: Any, shown: Any) -> bool:
        return await self._heard.until(order, shown, self._deadlines.tries, self._deadlines.mode_s)

    def _missing(self, words: str) -> CapabilityMissing:
        return CapabilityMissing(
            words, where=self._system.url, cure="see what the vehicle carries, or ask another"
        )


def _metres_per_lon_deg(lat_deg: float) -> float:
    return _METRES_PER_DEG * math.cos(math.radians(lat_deg))


def _on_circle(task: Orbit, angle: float) -> Spot:
    """Returns the place of a circle at an angle from the east, anticlockwise."""
    north, east = task.radius_m * math.sin(angle), task.radius_m * math.cos(angle)
    return (
        task.lat_deg + north / _METRES_PER_DEG,
        task.lon_deg + east / _metres_per_lon_deg(task.lat_deg),
        task.up_m,
    )
