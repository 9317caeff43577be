"""A vehicle's voice by MAVSDK: samples by the vehicle's own clock, nothing guessed."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
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
_PATIENCE_MS = 2_000
"""How long an attitude is waited for: on a busy machine one stream lags behind the other."""
_FLIP_DEG = 60.0
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


class _Angles:
    """The newest attitudes of one thing, by the vehicle's own time."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Attitude]] = deque(maxlen=200)

    def add(self, boot_ms: int, attitude: Attitude | None) -> None:
        if attitude is None:
            self._kept.clear()
        else:
            self._kept.append((boot_ms, attitude))

    def behind(self, boot_ms: int, newest_ms: int) -> bool:
        """Returns whether it still speaks but has not yet spoken of a time."""
        if not self._kept:
            return False
        last_ms = self._kept[-1][0]
        return last_ms < boot_ms and newest_ms - last_ms <= _PATIENCE_MS

    def at(self, boot_ms: int) -> Attitude | None:
        """Returns the attitude at a time, between two that are near enough, or `None`."""
        near = [entry for entry in self._kept if abs(entry[0] - boot_ms) <= _FRESH_MS]
        before = max((e for e in near if e[0] <= boot_ms), default=None, key=lambda e: e[0])
        after = min((e for e in near if e[0] >= boot_ms), default=None, key=lambda e: e[0])
        if before is None or after is None or before[0] == after[0]:
            only = before or after
            return only[1] if only is not None else None
        share = (boot_ms - before[0]) / (after[0] - before[0])
        a, b = before[1], after[1]
        turns = [
            (two - one + 180.0) % 360.0 - 180.0
            for one, two in ((a.yaw_deg, b.yaw_deg), (a.roll_deg, b.roll_deg))
        ]
        if max(abs(turn) for turn in turns) > _FLIP_DEG:  # straight down the angles may flip
            return a if share < 0.5 else b
        return Attitude(
            (a.yaw_deg + turns[0] * share) % 360.0,
            a.pitch_deg + (b.pitch_deg - a.pitch_deg) * share,
            a.roll_deg + turns[1] * share,
        )


class MavsdkLink:
    """A `TelemetryLink` over an opened MAVSDK system."""

    def __init__(self, asset_id: AssetId, system: OpenedSystem) -> None:
        """Speaks for `asset_id`; the system stays its owner's to close."""
        self._asset_id = asset_id
        self._system = system
        self._queue: asyncio.Queue[TelemetrySample | str] = asyncio.Queue(_QUEUE)
        self._attitude, self._camera = _Angles(), _Angles()
        self._waiting: deque[tuple[int, TelemetrySample]] = deque()
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
                self._attitude.add(int(fields["time_boot_ms"]), attitude)
                self._flush()
        elif name == "GIMBAL_DEVICE_ATTITUDE_STATUS":
            self._camera.add(int(fields["time_boot_ms"]), camera_attitude(fields))
            self._flush()
        elif name == "GLOBAL_POSITION_INT":
            self._hear_position(fields)

    def _flush(self) -> None:
        """Hands out the positions whose attitudes have come, or will not come any more.

        The streams of a vehicle arrive by separate ways, so that a position may overtake the
        attitude of its own instant.
        """
        while self._waiting:
            boot_ms, sample = self._waiting[0]
            newest_ms = self._newest_ms
            if any(a.behind(boot_ms, newest_ms) for a in (self._attitude, self._camera)):
                return
            self._waiting.popleft()
            attitude, camera = self._attitude.at(boot_ms), self._camera.at(boot_ms)
            self._put(replace(sample, attitude=attitude, camera=camera))

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
            self._attitude, self._camera = _Angles(), _Angles()
            self._waiting.clear()
            return
        if boot_ms <= self._newest_ms:
            return
        lat, lon = fields["lat"] / 1e7, fields["lon"] / 1e7
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            return
        self._newest_ms = boot_ms
        sample = TelemetrySample(
            self._asset_id,
            self._boot_at + timedelta(milliseconds=boot_ms),
            Position(lat, lon, Altitude(fields["relative_alt"] / 1000, Datum.HOME)),
            fields["vx"] / 100,
            fields["vy"] / 100,
            fields["vz"] / 100,
            horizontal_sigma_m=state.horizontal_sigma_m,
            vertical_sigma_m=state.vertical_sigma_m,
            battery_fraction=state.battery_fraction,
            armed=state.armed,
            mode=state.mode,
            on_ground=state.on_ground,
        )
        self._waiting.append((boot_ms, sample))
        self._flush()
