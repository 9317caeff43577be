"""Where a simulated vehicle and its camera really were: only the simulator may look."""

import math
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from geo.local_frame import LocalFrame
from geo.positions import Attitude


@dataclass(frozen=True, slots=True)
class Motion:
    """The state of a vehicle at one step; metres east, north, up of its home."""

    east_m: float
    north_m: float
    up_m: float
    east_m_s: float
    north_m_s: float
    up_m_s: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    camera_yaw_deg: float
    camera_pitch_deg: float
    camera_roll_deg: float
    armed: bool


@dataclass(frozen=True, slots=True)
class VehicleTruth:
    """Where a vehicle and its camera really were at one instant."""

    at: datetime
    lat_deg: float
    lon_deg: float
    east_m: float
    """Of the frame that the vehicle was made with, by default about its home."""
    north_m: float
    height_m: float
    """Of the position sensor above the ground."""
    camera_height_m: float
    """Of the lens above the ground."""
    body: Attitude
    camera: Attitude
    speed_m_s: float
    armed: bool


def turn_deg(from_deg: float, to_deg: float) -> float:
    """Returns the shorter turn from one direction to another, -180 to 180."""
    return (to_deg - from_deg + 180.0) % 360.0 - 180.0


class TruthHistory:
    """Motions at equal steps from a start, kept for a while; safe in all threads."""

    def __init__(
        self,
        start_at: datetime,
        step_s: float,
        home: LocalFrame,
        frame: LocalFrame | None,
        lens_m: float,
        keep_s: float = 3_600.0,
    ) -> None:
        """Starts empty.

        Args:
            start_at: the instant of the first motion.
            step_s: time between motions.
            home: frame of the motions.
            frame: frame of the truths given out; `None` means `home`.
            lens_m: of the lens above the position sensor.
            keep_s: how long motions are kept.
        """
        self._start_at = start_at
        self._step_s = step_s
        self._home = home
        self._frame = frame or home
        self._lens_m = lens_m
        self._limit = int(keep_s / step_s)
        self._dropped = 0
        self._motions: list[Motion] = []
        self._lock = threading.Lock()

    def add(self, motion: Motion) -> None:
        """Keeps the motion of the next step."""
        with self._lock:
            self._motions.append(motion)
            if len(self._motions) > 2 * self._limit:
                del self._motions[: self._limit]
                self._dropped += self._limit

    @property
    def newest_at(self) -> datetime:
        """The instant of the newest motion."""
        with self._lock:
            steps = self._dropped + len(self._motions) - 1
        return self._start_at + timedelta(seconds=max(0, steps) * self._step_s)

    def at(self, at: datetime) -> VehicleTruth:
        """Returns the truth at `at`, between two steps by their mean.

        Raises:
            ValueError: if that instant is not in the history.
        """
        place = (at - self._start_at).total_seconds() / self._step_s
        with self._lock:
            index = math.floor(place) - self._dropped
            last = len(self._motions) - 1
            if not 0 <= place - self._dropped <= last + 1e-6:
                raise ValueError(f"no truth is known for {at.isoformat()}")
            a = self._motions[min(index, last)]
            b = self._motions[min(index + 1, last)]
        share = place - math.floor(place)

        def mean(x: float, y: float) -> float:
            return x + (y - x) * share

        east, north = mean(a.east_m, b.east_m), mean(a.north_m, b.north_m)
        up = mean(a.up_m, b.up_m)
        lat, lon = self._home.to_geo1_deg(east, north)
        if self._frame is not self._home:
            east, north = self._frame.to_en1_m(lat, lon)
        return VehicleTruth(
            at, lat, lon, east, north, up, up + self._lens_m,
            body=Attitude(
                (a.yaw_deg + turn_deg(a.yaw_deg, b.yaw_deg) * share) % 360.0,
                mean(a.pitch_deg, b.pitch_deg),
                mean(a.roll_deg, b.roll_deg),
            ),
            camera=Attitude(
                (a.camera_yaw_deg + turn_deg(a.camera_yaw_deg, b.camera_yaw_deg) * share) % 360.0,
                mean(a.camera_pitch_deg, b.camera_pitch_deg),
                mean(a.camera_roll_deg, b.camera_roll_deg),
            ),
            speed_m_s=mean(
                math.hypot(a.east_m_s, a.north_m_s), math.hypot(b.east_m_s, b.north_m_s)
            ),
            armed=a.armed,
        )  # fmt: skip
