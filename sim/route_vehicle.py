"""A simulated patrol car: drives a route, with a mast camera and a GNSS receiver.

The car obeys a `Driver`'s route sheet (see `missions.adapters.driver_pilot`), moves along
rounded corners on the simulated clock, and tells where it is with the same sensor errors as
the drones. Its truth is for the simulator's camera alone.
"""

import math
import random
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from core.clock import Clock
from core.ids import AssetId
from geo.local_frame import LocalFrame
from geo.positions import Altitude, Attitude, Datum, Position
from missions.model import Asset, Plan
from sim.link import SaidSoFar, SimTelemetryLink
from sim.sensor_errors import CONSUMER, SensorErrors, SensorProfile
from sim.vehicle_truth import Motion, TruthHistory, VehicleTruth, turn_deg
from telemetry.model import TelemetrySample, VehicleMode

STEP_S = 0.05
_ACCELERATION_M_S2 = 1.5
_TURN_RATE_DEG_S = 60.0
_CORNER_M_S = 3.5
_CORNER_POINTS = 6
_RIDE_DEG = 0.15
_RIDE_S = 0.5
_UP_SIGMA_M = 0.1
"""A car stands on the ground, whatever its receiver says of its height."""
_UNLIMITED_M = 1e9


def rounded(route: Sequence[tuple[float, float]], radius_m: float) -> list[tuple[float, float]]:
    """Returns a line with its corners rounded within `radius_m`, doubled places left out."""
    line = [
        place for n, place in enumerate(route) if n == 0 or math.dist(place, route[n - 1]) > 0.1
    ]
    if len(line) < 3:
        return line
    result = [line[0]]
    for before, corner, after in zip(line, line[1:], line[2:], strict=False):
        one, two = math.dist(before, corner), math.dist(corner, after)
        cut = min(radius_m, 0.45 * one, 0.45 * two)
        start = tuple(c + (b - c) * cut / one for b, c in zip(before, corner, strict=True))
        end = tuple(c + (a - c) * cut / two for a, c in zip(after, corner, strict=True))
        for k in range(_CORNER_POINTS + 1):
            t = k / _CORNER_POINTS
            result.append(
                (
                    (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * corner[0] + t * t * end[0],
                    (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * corner[1] + t * t * end[1],
                )
            )
    return [*result, line[-1]]


class _Way:
    """A line with its lengths and the speeds at which its bends may be taken."""

    def __init__(self, line: Sequence[tuple[float, float]]) -> None:
        self.line = list(line)
        self.at_m = [0.0]
        for a, b in pairwise(line):
            self.at_m.append(self.at_m[-1] + math.dist(a, b))
        self.limits: list[tuple[float, float]] = []
        for n in range(1, len(self.line) - 1):
            sharp = abs(turn_deg(self._heading(n - 1), self._heading(n)))
            if sharp > 5:
                slow = _CORNER_M_S if sharp < 90 else 0.5
                self.limits.append((self.at_m[n], slow))

    @property
    def length_m(self) -> float:
        return self.at_m[-1]

    def _heading(self, leg: int) -> float:
        (ax, ay), (bx, by) = self.line[leg], self.line[leg + 1]
        return math.degrees(math.atan2(bx - ax, by - ay)) % 360.0

    def at(self, s_m: float, leg: int) -> tuple[float, float, float, int]:
        """Returns east, north, heading and leg at a length; `leg` is where to look from."""
        while leg < len(self.line) - 2 and s_m > self.at_m[leg + 1]:
            leg += 1
        length = self.at_m[leg + 1] - self.at_m[leg]
        share = (s_m - self.at_m[leg]) / length if length > 0 else 0.0
        (ax, ay), (bx, by) = self.line[leg], self.line[leg + 1]
        return ax + (bx - ax) * share, ay + (by - ay) * share, self._heading(leg), leg

    def allowed_m_s(self, s_m: float, cruise_m_s: float) -> float:
        allowed = min(cruise_m_s, self._brake(self.length_m - s_m, 0.0))
        for at_m, slow in self.limits:
            if at_m >= s_m - 0.5:
                allowed = min(allowed, self._brake(at_m - s_m, slow))
        return allowed

    @staticmethod
    def _brake(left_m: float, end_m_s: float) -> float:
        return math.sqrt(end_m_s**2 + 1.8 * _ACCELERATION_M_S2 * max(0.0, left_m))


class RouteVehicle:
    """One simulated patrol car; safe in several threads."""

    def __init__(
        self,
        asset: Asset,
        *,
        clock: Clock,
        seed: int = 0,
        frame: LocalFrame | None = None,
        sensors: SensorProfile = CONSUMER,
        rate_hz: float = 10.0,
    ) -> None:
        """Parks it at the asset's home.

        Args:
            asset: gives home, cruise speed, turn radius and camera.
            clock: simulated time.
            seed: of sensor errors and the ride.
            frame: of the truth's east and north; `None` means about home.
            sensors: how wrong it reports about itself.
            rate_hz: samples a second, at most 20.
        """
        self._asset, self._clock = asset, clock
        self._home = LocalFrame(asset.home.lat_deg, asset.home.lon_deg)
        self._mount = asset.camera
        lens_m = asset.camera.height_m if asset.camera is not None else 0.0
        self._started_at = clock.now()
        self._history = TruthHistory(self._started_at, STEP_S, self._home, frame, lens_m)
        self._errors = SensorErrors(sensors, seed)
        self._chance = random.Random(f"ride-{seed}")
        self._every = max(1, round(1 / rate_hz / STEP_S))
        self._said = SaidSoFar()
        self._lock = threading.RLock()
        self._steps = 0
        self._mode = VehicleMode.STANDBY
        self._cut = False
        self._way: _Way | None = None
        self._leg = 0
        self._s_m = self._speed = self._ride = 0.0
        self._place = (0.0, 0.0)
        self._yaw = self._chance.uniform(0, 360)
        self._history.add(self._motion())

    # --- the Driver's side ---

    def show(self, plan: Plan) -> None:
        """Takes a route: the positions of the plan's items, from where it stands."""
        places = [self._place]
        for item in plan.mission.items:
            if item.position is not None:
                places.append(self._home.to_en1_m(item.position.lat_deg, item.position.lon_deg))
        with self._lock:
            self._take(places)
            self._mode = VehicleMode.STANDBY

    def go(self) -> None:
        """Drives on along its route."""
        with self._lock:
            self._advance()
            if self._way is not None:
                self._mode = VehicleMode.MISSION

    def wait(self) -> None:
        """Stops where it is."""
        with self._lock:
            self._advance()
            self._mode = VehicleMode.HOLD

    def come_back(self) -> None:
        """Drives back the way it came, to where its route began."""
        with self._lock:
            self._advance()
            if self._way is not None and self._mode is not VehicleMode.RETURN:
                driven = self._way.line[: self._leg + 1]
                self._take([self._place, *reversed(driven)])
                self._mode = VehicleMode.RETURN

    @property
    def mode(self) -> VehicleMode:
        """What it does: STANDBY, MISSION, HOLD or RETURN."""
        return self._mode

    def _take(self, places: Sequence[tuple[float, float]]) -> None:
        line = rounded(places, self._asset.turn_radius_m)
        self._way = _Way(line) if len(line) >= 2 else None
        self._s_m, self._leg = 0.0, 0

    # --- its voice and its truth ---

    @property
    def asset_id(self) -> AssetId:
        """The asset that it is."""
        return self._asset.asset_id

    @property
    def clock(self) -> Clock:
        """The clock by which it lives."""
        return self._clock

    @property
    def muted(self) -> bool:
        """Whether its link is cut."""
        return self._cut

    def cut_link(self) -> None:
        """Silences it."""
        self._cut = True

    def restore_link(self) -> None:
        """Lets it speak again."""
        self._cut = False

    def link(self, silence_limit_s: float = 5.0) -> SimTelemetryLink:
        """Returns a new `TelemetryLink` to it."""
        return SimTelemetryLink(self, silence_limit_s)

    def said(self, since: int) -> tuple[Sequence[TelemetrySample], int]:
        """Returns what it has said from number `since` until now, and the next number."""
        with self._lock:
            self._advance()
            return self._said.since(since)

    @property
    def started_at(self) -> datetime:
        """The first instant of which a truth is known."""
        return self._started_at

    def simulated_now(self) -> datetime:
        """Returns the newest instant of which a truth is known."""
        with self._lock:
            self._advance()
            return self._history.newest_at

    def truth_at(self, at: datetime) -> VehicleTruth:
        """Returns where it and its camera really were; for the simulator's camera alone.

        Raises:
            ValueError: if `at` is before its start or after the clock's now.
        """
        with self._lock:
            self._advance()
            return self._history.at(at)

    # --- time ---

    def _advance(self) -> None:
        """Moves everything on to the first step that is not before the clock's now."""
        now = self._clock.now()
        while self._started_at + timedelta(seconds=self._steps * STEP_S) < now:
            self._step()

    def _step(self) -> None:
        self._steps += 1
        self._errors.wander(STEP_S)
        keep = math.exp(-STEP_S / _RIDE_S)
        self._ride = keep * self._ride + self._chance.gauss(
            0, _RIDE_DEG * math.sqrt(1 - keep * keep)
        )
        driving = self._mode in (VehicleMode.MISSION, VehicleMode.RETURN)
        wanted = 0.0
        if driving and self._way is not None:
            wanted = self._way.allowed_m_s(self._s_m, self._asset.cruise_m_s)
        change = max(
            -2 * _ACCELERATION_M_S2, min(_ACCELERATION_M_S2, (wanted - self._speed) / STEP_S)
        )
        self._speed = max(0.0, self._speed + change * STEP_S)
        if self._way is not None and self._speed > 0:
            self._s_m = min(self._way.length_m, self._s_m + self._speed * STEP_S)
            east, north, heading, self._leg = self._way.at(self._s_m, self._leg)
            self._place = (east, north)
            limit = _TURN_RATE_DEG_S * STEP_S
            self._yaw += max(-limit, min(limit, turn_deg(self._yaw, heading)))
        if driving and (self._way is None or self._s_m >= self._way.length_m - 0.3):
            self._mode = VehicleMode.STANDBY
        motion = self._motion()
        self._history.add(motion)
        if self._steps % self._every == 0:
            self._said.add(self._sample(motion))

    def _motion(self) -> Motion:
        yaw = self._yaw % 360.0
        offset = self._mount.yaw_offset_deg if self._mount is not None else 0.0
        pitch = self._mount.pitch_deg if self._mount is not None else 0.0
        radians = math.radians(yaw)
        return Motion(
            *self._place, 0.0,
            self._speed * math.sin(radians), self._speed * math.cos(radians), 0.0,
            yaw, self._ride, 0.0, (yaw + offset) % 360.0, pitch + self._ride, 0.0, False,
        )  # fmt: skip

    def _sample(self, motion: Motion) -> TelemetrySample:
        errors, profile = self._errors, self._errors.profile
        lat, lon = self._home.to_geo1_deg(
            motion.east_m + errors.east_m + errors.jitter_m(),
            motion.north_m + errors.north_m + errors.jitter_m(),
        )
        turned = errors.yaw_deg + errors.jitter_deg()
        camera = None
        if self._mount is not None:
            camera = Attitude(
                (motion.camera_yaw_deg + turned) % 360.0,
                motion.camera_pitch_deg + errors.pitch_deg + errors.jitter_deg(),
                motion.camera_roll_deg + errors.roll_deg + errors.jitter_deg(),
            )
        return TelemetrySample(
            self._asset.asset_id,
            self._started_at + timedelta(seconds=self._steps * STEP_S + errors.time_s),
            Position(lat, lon, Altitude(0.0, Datum.GROUND)),
            motion.north_m_s,
            motion.east_m_s,
            0.0,
            Attitude((motion.yaw_deg + turned) % 360.0, motion.pitch_deg, 0.0),
            camera,
            max(0.01, profile.horizontal_m),
            _UP_SIGMA_M,
            mode=self._mode,
            on_ground=True,
        )
