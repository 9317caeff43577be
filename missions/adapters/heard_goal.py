"""What a vehicle says of where it is told to go and of what it carries, whichever driver hears it.

An ACK proves nothing: PX4 1.17 accepts a look at a place without a gimbal and stays as it is.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol

from core.clock import Clock
from core.errors import LinkLost, StartRefused
from telemetry.model import VehicleMode

SET_ROI, NO_ROI, ZOOM, LIGHT, SEND_MESSAGE, SPEED = 195, 197, 531, 405, 512, 178
"""MAV_CMD numbers."""
CAMERA, ILLUMINATOR = 100, 243
"""MAV_COMP_ID numbers."""
CAMERA_SETTINGS, ILLUMINATOR_STATUS = 260, 440
"""Message numbers that are asked for."""
ZOOM_RANGE = 2.0
_LEVEL_M, _UP_M = 2.0, 1.5
_METRES_PER_DEG = 111_320.0
_BELOW_M = 5.0
"""Nearer than this a place has no direction."""
_TOWARDS_DEG = 15.0

Spot = tuple[float, float, float]
"""Latitude, longitude, metres above mean sea level."""


class _State(Protocol):
    mode: VehicleMode | None
    armed: bool | None
    texts_heard: int


class GuidedSystem(Protocol):
    """What guiding needs of an opened vehicle."""

    url: str
    clock: Clock
    lost: bool

    @property
    def state(self) -> _State:
        """The newest that the vehicle said."""
        ...

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    def texts_since(self, count: int) -> str:
        """Returns the words said since then."""
        ...

    async def wait_for(self, ready: Callable[[], bool], within_s: float) -> bool:
        """Waits for a state; raises LinkLost when the vehicle falls silent."""
        ...

    def lost_error(self) -> LinkLost:
        """Returns the error of a silence."""
        ...


class HeardGoal:
    """The newest that a vehicle said of its place, its goal, its camera and its lamp."""

    def __init__(self, system: GuidedSystem) -> None:
        """Listens for as long as the system lives."""
        self._system = system
        self.place: Spot | None = None
        self.home_amsl_m = 0.0
        self.goal: Spot | None = None
        self.orbit: tuple[float, float, float] | None = None
        """Latitude, longitude and radius of the circle that it flies; negative is to the left."""
        self.heading_deg: float | None = None
        self.camera_deg: tuple[float, float] | None = None
        """Yaw and pitch of a camera that it turns, against north and the horizon."""
        self.zoom_percent: float | None = None
        self.lit: bool | None = None
        self.answers: dict[int, int] = {}
        """The newest result of each command."""
        system.add_listener(self._hear)

    async def amsl_m(self, up_m: float, within_s: float) -> float:
        """Returns a height above home as one above mean sea level, by the vehicle's own home.

        Raises:
            LinkLost: if it doesn't say where it is in that time.
        """
        await self._system.wait_for(lambda: self.place is not None, within_s)
        if self.place is None:
            raise LinkLost("it does not say where it is", where=self._system.url)
        return self.home_amsl_m + up_m

    def _hear(self, name: str, fields: dict[str, Any]) -> None:
        if name == "GLOBAL_POSITION_INT":
            amsl_m = int(fields["alt"]) / 1000
            self.place = (int(fields["lat"]) / 1e7, int(fields["lon"]) / 1e7, amsl_m)
            self.home_amsl_m = amsl_m - int(fields["relative_alt"]) / 1000
        elif name == "POSITION_TARGET_GLOBAL_INT":
            lat, lon = int(fields["lat_int"]) / 1e7, int(fields["lon_int"]) / 1e7
            self.goal = (lat, lon, float(fields["alt"]))
        elif name == "ORBIT_EXECUTION_STATUS":
            lat, lon = int(fields["x"]) / 1e7, int(fields["y"]) / 1e7
            self.orbit = (lat, lon, float(fields["radius"]))
        elif name == "ATTITUDE":
            self.heading_deg = math.degrees(float(fields["yaw"])) % 360.0
        elif name == "GIMBAL_DEVICE_ATTITUDE_STATUS":
            self._hear_gimbal(fields)
        elif name == "CAMERA_SETTINGS":
            self.zoom_percent = float(fields["zoomLevel"])
        elif name == "ILLUMINATOR_STATUS":
            self.lit = bool(int(fields["enable"]))
        elif name == "COMMAND_ACK":
            self.answers[int(fields["command"])] = int(fields["result"])

    def _hear_gimbal(self, fields: dict[str, Any]) -> None:
        w, x, y, z = (float(v) for v in fields["q"])
        yaw = math.degrees(math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
        pitch = math.degrees(math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x)))))
        flags = int(fields["flags"])
        in_earth = bool(flags & 64) or (not flags & 32 and bool(flags & 16))
        if not in_earth:
            if self.heading_deg is None:
                return
            yaw += self.heading_deg
        self.camera_deg = (yaw % 360.0, pitch)

    def near(self, one: Spot | None, wanted: Spot) -> bool:
        """Returns whether a place is the wanted one, as exactly as vehicles tell it."""
        if one is None or not all(map(math.isfinite, one)):
            return False
        return level_m(one, wanted) <= _LEVEL_M and abs(one[2] - wanted[2]) <= _UP_M

    def looks_at(self, lat_deg: float, lon_deg: float) -> bool:
        """Returns whether its camera, or its nose where none is turned, points at a place."""
        if self.place is None:
            return False
        goal = (lat_deg, lon_deg, 0.0)
        if level_m(self.place, goal) < _BELOW_M:
            return self.camera_deg is None or self.camera_deg[1] < -45.0
        yaw = self.heading_deg if self.camera_deg is None else self.camera_deg[0]
        if yaw is None:
            return False
        north = goal[0] - self.place[0]
        east = (goal[1] - self.place[1]) * math.cos(math.radians(goal[0]))
        turn = math.degrees(math.atan2(east, north)) - yaw
        return abs((turn + 180.0) % 360.0 - 180.0) <= _TOWARDS_DEG

    async def until(
        self, order: Callable[[], Any], shown: Callable[[], bool], tries: int, within_s: float
    ) -> bool:
        """Gives an order until the vehicle shows it, a few times; returns whether it does.

        Raises:
            LinkLost: if the vehicle falls silent.
        """
        if self._system.lost:
            raise self._system.lost_error()
        for _ in range(tries):
            result = order()
            if result is not None:
                await result
            if await self._system.wait_for(shown, within_s / tries):
                return True
        return False

    def refused(self, what: str, heard: int) -> StartRefused:
        """Returns the error of a vehicle that does something else, with its words."""
        words = self._system.texts_since(heard) or "it gave no reason"
        return StartRefused(
            f"the vehicle does not {what}: {words}",
            where=self._system.url,
            cure="see what it does now; hold it, or bring it home",
        )


def level_m(one: Spot, other: Spot) -> float:
    """Returns how far two places are apart over the ground, as exactly as needed here."""
    north = (other[0] - one[0]) * _METRES_PER_DEG
    east = (other[1] - one[1]) * _METRES_PER_DEG * math.cos(math.radians(one[0]))
    return math.hypot(north, east)
