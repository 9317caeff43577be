"""Simple seeded physics of a small multicopter: speed, climb, acceleration, turn, gusts."""

import math
import random

from sim.vehicle_truth import Motion, turn_deg

GRAVITY_M_S2 = 9.81
_ACCELERATION_M_S2 = 3.0
_CLIMB_M_S = 3.0
_SINK_M_S = 2.5
_TOUCHDOWN_M_S = 0.8
_BRAKE_EARLY_M = 1.0
_YAW_RATE_DEG_S = 45.0
_GIMBAL_RATE_DEG_S = 40.0
_GIMBAL_YAW_RATE_DEG_S = 60.0
_GUST_M_S2 = 0.25
_GUST_S = 2.0
_ANSWER_S = 0.25
"""In which it takes up a wanted speed, as long as its acceleration allows."""
_JERK_M_S3 = 4.0
"""Of a flight straight to a place; PX4's `MPC_JERK_AUTO`."""
_ALIGNED, _TURNING_M_S = 0.98, 1.5
"""Until it flies towards the place (cosine), it is drawn there by no more than this."""
_SAME_M, _NEXT_TO_M = 0.01, 1.0
_CORNER_M_S = 1.2
"""Speed at a sharp corner, so that it is cut or overshot by little."""


class QuadPhysics:
    """A multicopter that follows straight legs in metres east, north, up of its home."""

    def __init__(self, seed: int, yaw_offset_deg: float, gimbal_pitch_deg: float) -> None:
        """Puts it on the ground at home, nose to the north."""
        self._chance = random.Random(f"physics-{seed}")
        self.east = self.north = self.up = 0.0
        self.v_east = self.v_north = self.v_up = 0.0
        self.yaw = self._chance.uniform(0, 360)
        self.pitch = self.roll = 0.0
        self._gust = [0.0, 0.0]
        self._blown = [0.0, 0.0]
        """Speed that gusts have given it, held against however it speeds up or brakes."""
        self._yaw_offset = yaw_offset_deg
        self._camera_yaw = self.yaw + yaw_offset_deg
        self._camera_pitch = gimbal_pitch_deg
        self.wanted_camera_pitch = gimbal_pitch_deg
        self.look_at: tuple[float, float, float] | None = None
        """East, north and up of what the camera is held to; `None` leaves it to its mount."""
        self.leg: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
        self.wanted_up = self._from_up = 0.0
        self.speed = 5.0
        self.end_speed = 0.0
        self._straight = False
        self._push = (0.0, 0.0)
        self.sink_m_s = _SINK_M_S

    @property
    def on_ground(self) -> bool:
        """Whether it stands."""
        return self.up <= 0.02

    def fly_to(
        self, east: float, north: float, up: float, speed: float, end_speed: float = 0.0
    ) -> None:
        """Starts a leg from here; the height changes evenly along it, as PX4 1.17 was seen to.

        Where that asks for more than it can climb or sink, it goes slower; to a place next to it,
        as when it comes down, it just climbs or sinks.
        """
        self.leg = ((self.east, self.north), (east, north))
        if math.dist(*self.leg) < min(_NEXT_TO_M, abs(up - self.up)):
            self.leg = ((east, north), (east, north))
        self._from_up = self.up
        self.wanted_up, self.speed, self.end_speed = up, speed, end_speed
        self._straight = False

    def fly_straight(self, east: float, north: float, up: float, speed: float) -> None:
        """Heads for a place from wherever it is carried to: no leg is followed.

        As PX4 1.17 was seen to when it is ordered to return: it loses the speed of its leg along
        that leg (17 m of 8 m/s, 28 m of 11 m/s), is hardly drawn to the place meanwhile, and only
        then sets out.
        """
        self.fly_to(east, north, up, speed)
        self._straight, self._push = True, (0.0, 0.0)

    def stay(self) -> None:
        """Brakes and stays about where it will have stopped."""
        speed = math.hypot(self.v_east, self.v_north)
        reach = speed / (2 * _ACCELERATION_M_S2)
        east, north = self.east + self.v_east * reach, self.north + self.v_north * reach
        self.leg = ((east, north), (east, north))
        self.wanted_up, self.end_speed, self._from_up = self.up, 0.0, self.up
        self._straight = False

    def distance_m(self) -> float:
        """Returns how far the end of the leg is, level."""
        return math.hypot(self.leg[1][0] - self.east, self.leg[1][1] - self.north)

    def corner_speed(self, after: tuple[float, float]) -> float:
        """Returns the speed at which the end of this leg may be passed towards `after`."""
        (ax, ay), (bx, by) = self.leg
        if math.dist(after, (bx, by)) < _SAME_M or (ax, ay) == (bx, by):
            return _CORNER_M_S  # PX4 takes an unknown direction for a sharp corner
        one = math.degrees(math.atan2(bx - ax, by - ay))
        two = math.degrees(math.atan2(after[0] - bx, after[1] - by))
        sharp = abs(turn_deg(one, two))
        return self.speed if sharp < 15 else max(_CORNER_M_S, self.speed * (1 - sharp / 50))

    def step(self, dt: float, powered: bool) -> None:
        """Moves it on by `dt` seconds."""
        if not powered:
            self._drop(dt)
            return
        before = (self.v_east, self.v_north)
        self._move_level(dt)
        self._move_up(dt)
        accel = ((self.v_east - before[0]) / dt, (self.v_north - before[1]) / dt)
        self._turn(dt, accel)

    def _drop(self, dt: float) -> None:
        if self.on_ground:
            self.v_east = self.v_north = self.v_up = self.up = 0.0
            self.pitch = self.roll = 0.0
        else:
            self.v_up -= GRAVITY_M_S2 * dt
            self.up = max(0.0, self.up + self.v_up * dt)
            self.east += self.v_east * dt
            self.north += self.v_north * dt

    def _move_level(self, dt: float) -> None:
        for axis in (0, 1):
            keep = math.exp(-dt / _GUST_S)
            fresh = _GUST_M_S2 * math.sqrt(1 - keep * keep)
            self._gust[axis] = keep * self._gust[axis] + self._chance.gauss(0, fresh)
        if self.up < 0.5:  # a copter on or just above its spot does not slide
            self.v_east = self.v_north = 0.0
            self._blown = [0.0, 0.0]
            return
        if self._straight:
            self._blown = [0.0, 0.0]
            self._push_straight(dt)
            return
        want_e, want_n, ux, uy = self._wanted()
        ae = (want_e - self.v_east + self._blown[0]) / _ANSWER_S
        an = (want_n - self.v_north + self._blown[1]) / _ANSWER_S
        # it keeps to its line first and speeds up with what is left, as a planned trajectory does
        side = max(-_ACCELERATION_M_S2, min(_ACCELERATION_M_S2, an * ux - ae * uy))
        rest = math.sqrt(_ACCELERATION_M_S2**2 - side**2)
        along = max(-rest, min(rest, ae * ux + an * uy))
        ge, gn = (g - b / _ANSWER_S for g, b in zip(self._gust, self._blown, strict=True))
        self._blown = [self._blown[0] + ge * dt, self._blown[1] + gn * dt]
        self.v_east += (ux * along - uy * side + ge) * dt
        self.v_north += (uy * along + ux * side + gn) * dt
        self.east += self.v_east * dt
        self.north += self.v_north * dt

    def _wanted(self) -> tuple[float, float, float, float]:
        """Returns the speed east and north that it wants, and the way of its leg."""
        (ax, ay), (bx, by) = self.leg
        length = math.hypot(bx - ax, by - ay)
        if length <= 0.5 or self.distance_m() <= 0.5:
            east, north = _shorter(bx - self.east, by - self.north, 1.5)
            size = math.hypot(east, north)
            return (east, north, east / size, north / size) if size > 1e-6 else (0.0, 0.0, 1.0, 0.0)
        ux, uy = (bx - ax) / length, (by - ay) / length
        along = (bx - self.east) * ux + (by - self.north) * uy
        side = (self.east - ax) * -uy + (self.north - ay) * ux
        room = max(0.0, along - _BRAKE_EARLY_M)
        brake = math.sqrt(self.end_speed**2 + 1.0 * _ACCELERATION_M_S2 * room)
        v_along = min(self.speed, brake) if along > 0 else max(-1.5, along)
        slope = (self.wanted_up - self._from_up) / length
        steepest = _CLIMB_M_S if slope > 0 else self.sink_m_s
        v_along = min(v_along, steepest / max(abs(slope), 1e-9))
        v_side = max(-2.0, min(2.0, -1.0 * side))
        return ux * v_along - uy * v_side, uy * v_along + ux * v_side, ux, uy

    def _push_straight(self, dt: float) -> None:
        away = (self.leg[1][0] - self.east, self.leg[1][1] - self.north)
        left = math.hypot(*away)
        speed = min(self.speed, math.sqrt(_ACCELERATION_M_S2 * left))
        speed = min(speed, left)  # it settles
        flown = math.hypot(self.v_east, self.v_north)
        ahead = (away[0] * self.v_east + away[1] * self.v_north) / max(left * flown, 1e-9)
        if flown > 0.2 and ahead < _ALIGNED:
            speed = min(speed, _TURNING_M_S)
        wanted = [side / max(left, 1e-9) * speed for side in away]
        push = _shorter(
            (wanted[0] - self.v_east) / 0.5, (wanted[1] - self.v_north) / 0.5, _ACCELERATION_M_S2
        )
        change = _shorter(push[0] - self._push[0], push[1] - self._push[1], _JERK_M_S3 * dt)
        self._push = (self._push[0] + change[0], self._push[1] + change[1])
        self.v_east += (self._push[0] + self._gust[0]) * dt
        self.v_north += (self._push[1] + self._gust[1]) * dt
        self.east += self.v_east * dt
        self.north += self.v_north * dt

    def _move_up(self, dt: float) -> None:
        sink = _TOUCHDOWN_M_S if self.up < 3.0 else self.sink_m_s
        here_up, rate = self._line_up()
        want = max(-sink, min(_CLIMB_M_S, here_up - self.up + rate))
        change = max(-2.0 * dt, min(2.0 * dt, want - self.v_up))
        self.v_up += change
        self.up += self.v_up * dt
        if self.up <= 0.0:
            self.up = self.v_up = 0.0

    def _line_up(self) -> tuple[float, float]:
        """Returns the height of the leg's line beside it, and how fast that changes."""
        (ax, ay), (bx, by) = self.leg
        length = math.hypot(bx - ax, by - ay)
        if self._straight or length < 0.5 or self.up < 0.5:
            return self.wanted_up, 0.0
        ux, uy = (bx - ax) / length, (by - ay) / length
        share = ((self.east - ax) * ux + (self.north - ay) * uy) / length
        slope = (self.wanted_up - self._from_up) / length
        rate = slope * (self.v_east * ux + self.v_north * uy) if 0.0 < share < 1.0 else 0.0
        return self._from_up + slope * length * min(1.0, max(0.0, share)), rate

    def _turn(self, dt: float, accel: tuple[float, float]) -> None:
        if self.distance_m() > 2.0 and self.up > 1.0:
            (_, _), (bx, by) = self.leg
            wanted = math.degrees(math.atan2(bx - self.east, by - self.north))
            limit = _YAW_RATE_DEG_S * dt
            self.yaw = (self.yaw + max(-limit, min(limit, turn_deg(self.yaw, wanted)))) % 360.0
        sin, cos = math.sin(math.radians(self.yaw)), math.cos(math.radians(self.yaw))
        push_e, push_n = accel[0] + 0.12 * self.v_east, accel[1] + 0.12 * self.v_north
        ahead, right = push_e * sin + push_n * cos, push_e * cos - push_n * sin
        self.pitch = -math.degrees(math.atan2(ahead, GRAVITY_M_S2))
        self.roll = math.degrees(math.atan2(right, GRAVITY_M_S2))
        self._turn_camera(dt)

    def _turn_camera(self, dt: float) -> None:
        pitch, yaw = self.wanted_camera_pitch, self.yaw + self._yaw_offset
        if self.look_at is not None:
            east, north = self.look_at[0] - self.east, self.look_at[1] - self.north
            pitch = math.degrees(math.atan2(self.look_at[2] - self.up, math.hypot(east, north)))
            yaw = math.degrees(math.atan2(east, north))
        limit = _GIMBAL_RATE_DEG_S * dt
        self._camera_pitch += max(-limit, min(limit, pitch - self._camera_pitch))
        limit, change = _GIMBAL_YAW_RATE_DEG_S * dt, turn_deg(self._camera_yaw, yaw)
        # faster than the aircraft itself turns, so a fixed mount is never behind
        self._camera_yaw = (
            yaw if abs(change) <= limit else self._camera_yaw + limit * (1 if change > 0 else -1)
        )

    def motion(self, armed: bool) -> Motion:
        """Returns its state as of now."""
        return Motion(
            self.east, self.north, self.up, self.v_east, self.v_north, self.v_up,
            self.yaw, self.pitch, self.roll,
            self._camera_yaw % 360.0, self._camera_pitch, 0.0, armed,
        )  # fmt: skip


def _shorter(east: float, north: float, most: float) -> tuple[float, float]:
    """Returns a vector that is no longer than so much."""
    share = min(1.0, most / max(math.hypot(east, north), 1e-9))
    return east * share, north * share
