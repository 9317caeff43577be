"""A vehicle's voice by MAVSDK: samples by the vehicle's own clock, nothing guessed."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Protocol

from core.clock import Clock
from core.errors import LinkLost
from core.ids import AssetId
from geo.positions import Altitude, Attitude, Datum, Position
from telemetry.model import TelemetrySample, VehicleMode

_YAW_IN_VEHICLE_FRAME, _YAW_IN_EARTH_FRAME = 32, 64
_FRESH_MS = 250
"""How much older than the position an attitude may be."""
_QUEUE = 2_000


class _State(Protocol):
    mode: VehicleMode | None
    armed: bool | None
    on_ground: bool | None
    battery_fraction: float | None
    horizontal_sigma_m: float | None
    vertical_sigma_m: float | None
    boot_at: Any


class OpenedSystem(Protocol):
    """What the link needs of an opened MAVSDK system."""

    clock: Clock

    @property
    def state(self) -> _State:
        """The newest that the vehicle said."""
        ...

    def add_listener(self, listener: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        """Calls with each message; returns what ends that."""
        ...

    def lost_error(self) -> LinkLost:
        """Returns the error of a silence."""
        ...


def euler(q: list[float]) -> Attitude | None:
    """Returns the 3-2-1 angles of a quaternion w, x, y, z, or `None` where it is none."""
    if len(q) != 4 or not all(isinstance(v, int | float) and math.isfinite(v) for v in q):
        return None
    w, x, y, z = q
    size = math.sqrt(w * w + x * x + y * y + z * z)
    if size < 0.5:
        return None
    w, x, y, z = w / size, x / size, y / size, z / size
    sin_pitch = max(-1.0, min(1.0, 2 * (w * y - z * x)))
    if abs(sin_pitch) > 0.999999:  # straight up or down: roll and yaw turn about one axis
        yaw, roll = -2 * math.copysign(1, sin_pitch) * math.atan2(x, w), 0.0
    else:
        yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    return Attitude(
        math.degrees(yaw) % 360.0, math.degrees(math.asin(sin_pitch)), math.degrees(roll)
    )


def camera_attitude(fields: dict[str, Any]) -> Attitude | None:
    """Returns a gimbal's attitude in the earth frame, or `None` where its frame is not said."""
    flags = int(fields.get("flags") or 0)
    attitude = euler(fields.get("q") or [])
    if attitude is None:
        return None
    if flags & _YAW_IN_EARTH_FRAME:
        return attitude
    if flags & _YAW_IN_VEHICLE_FRAME:
        # the gimbal's own word on how far its zero is from north; without it there is no yaw
        delta = fields.get("delta_yaw")
        if isinstance(delta, int | float) and math.isfinite(delta) and delta != 0.0:
            yaw = (attitude.yaw_deg + math.degrees(delta)) % 360.0
            return Attitude(yaw, attitude.pitch_deg, attitude.roll_deg)
    return None


class MavsdkLink:
    """A `TelemetryLink` over an opened MAVSDK system."""

    def __init__(self, asset_id: AssetId, system: OpenedSystem) -> None:
        """Speaks for `asset_id`; the system stays its owner's to close."""
        self._asset_id = asset_id
        self._system = system
        self._queue: asyncio.Queue[TelemetrySample | str] = asyncio.Queue(_QUEUE)
        self._attitude: tuple[int, Attitude] | None = None
        self._camera: tuple[int, Attitude] | None = None
        self._newest_ms = -1
        self._boot_at = system.clock.now()
        self._boot_known = False
        self._end = system.add_listener(self._hear)
        self._closed = False

    @property
    def asset_id(self) -> AssetId:
        """The asset that speaks."""
        return self._asset_id

    async def samples(self) -> AsyncIterator[TelemetrySample]:
        """Yields one sample for each position, as the port promises.

        Raises:
            LinkLost: after the system's silence limit.
        """
        while not self._closed:
            entry = await self._queue.get()
            if isinstance(entry, TelemetrySample):
                yield entry
            elif entry == "LOST":
                raise self._system.lost_error()
            else:
                return

    async def close(self) -> None:
        """Ends `samples()`."""
        if not self._closed:
            self._closed = True
            self._end()
            self._put("CLOSED")

    def _put(self, entry: TelemetrySample | str) -> None:
        if self._queue.full():  # nobody reads: the oldest is worth least
            self._queue.get_nowait()
        self._queue.put_nowait(entry)

    def _hear(self, name: str, fields: dict[str, Any]) -> None:
        if name == "LOST":
            self._put("LOST")
        elif name == "ATTITUDE":
            angles = [fields.get(axis) for axis in ("yaw", "pitch", "roll")]
            if all(isinstance(a, int | float) and math.isfinite(a) for a in angles):
                yaw, pitch, roll = (math.degrees(float(a or 0.0)) for a in angles)
                attitude = Attitude(yaw % 360.0, pitch, roll)
                self._attitude = (int(fields["time_boot_ms"]), attitude)
        elif name == "GIMBAL_DEVICE_ATTITUDE_STATUS":
            camera = camera_attitude(fields)
            self._camera = (int(fields["time_boot_ms"]), camera) if camera else None
        elif name == "GLOBAL_POSITION_INT":
            self._hear_position(fields)

    def _fresh(self, entry: tuple[int, Attitude] | None, boot_ms: int) -> Attitude | None:
        if entry is None or abs(boot_ms - entry[0]) > _FRESH_MS:
            return None
        return entry[1]

    def _hear_position(self, fields: dict[str, Any]) -> None:
        boot_ms = int(fields["time_boot_ms"])
        state = self._system.state
        if state.boot_at is not None and not self._boot_known:
            self._boot_at, self._boot_known = state.boot_at, True
        elif not self._boot_known and self._newest_ms < 0:
            # the vehicle tells no time of day: its first word counts as said now
            self._boot_at = self._system.clock.now() - timedelta(milliseconds=boot_ms)
        if boot_ms < self._newest_ms - 10_000:  # it has restarted; its time starts anew
            self._newest_ms, self._boot_known = -1, False
            return
        if boot_ms <= self._newest_ms:
            return
        lat, lon = fields["lat"] / 1e7, fields["lon"] / 1e7
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return
        self._newest_ms = boot_ms
        self._put(
            TelemetrySample(
                self._asset_id,
                self._boot_at + timedelta(milliseconds=boot_ms),
                Position(lat, lon, Altitude(fields["relative_alt"] / 1000, Datum.HOME)),
                fields["vx"] / 100,
                fields["vy"] / 100,
                fields["vz"] / 100,
                self._fresh(self._attitude, boot_ms),
                self._fresh(self._camera, boot_ms),
                state.horizontal_sigma_m,
                state.vertical_sigma_m,
                state.battery_fraction,
                state.armed,
                state.mode,
                state.on_ground,
            )
        )
