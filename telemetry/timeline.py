"""A timeline of poses: what a camera's pose was at an instant between two samples.

Positions are interpolated linearly, attitudes along the shorter arc. It refuses rather than
extrapolates: no pose is given further than `greatest_gap` from a sample.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta

from core.refusals import Refusal, RefusalCode
from geo.positions import Altitude, Attitude, Pose, PoseSigma, Position
from telemetry.model import TelemetrySample

GREATEST_GAP = timedelta(milliseconds=200)


def _between(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


def _angle_between(a_deg: float, b_deg: float, share: float) -> float:
    turn = (b_deg - a_deg + 180.0) % 360.0 - 180.0
    return a_deg + turn * share


class PoseTimeline:
    """The camera poses of one asset, by time; samples may come in any order."""

    def __init__(
        self,
        sigma: PoseSigma,
        *,
        greatest_gap: timedelta = GREATEST_GAP,
        samples: Iterable[TelemetrySample] = (),
    ) -> None:
        """Starts a timeline.

        Args:
            sigma: one-sigma errors; a sample's own position errors take precedence.
            greatest_gap: how far from a sample an instant may be.
            samples: what is known already.
        """
        self._sigma = sigma
        self._gap = greatest_gap
        self._times: list[datetime] = []
        self._samples: list[TelemetrySample] = []
        for sample in samples:
            self.add(sample)

    def __len__(self) -> int:
        """Returns how many samples it holds."""
        return len(self._samples)

    def add(self, sample: TelemetrySample) -> None:
        """Keeps a sample; a second one of the same instant is dropped."""
        index = bisect_left(self._times, sample.at)
        if index < len(self._times) and self._times[index] == sample.at:
            return
        self._times.insert(index, sample.at)
        self._samples.insert(index, sample)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """First and last instant, or `None` while empty."""
        return (self._times[0], self._times[-1]) if self._times else None

    def pose_at(self, at: datetime) -> Pose | Refusal:
        """Returns the camera's pose at `at`, or why there is none."""
        after = bisect_right(self._times, at)
        before = after - 1
        near = [i for i in (before, after) if 0 <= i < len(self._times)]
        near = [i for i in near if abs(self._times[i] - at) <= self._gap]
        if not near:
            limit_ms = self._gap / timedelta(milliseconds=1)
            return Refusal(RefusalCode.NO_POSE, f"no telemetry within {limit_ms:.0f} ms")
        first, last = self._samples[near[0]], self._samples[near[-1]]
        p, q, c, d = first.position, last.position, first.camera, last.camera
        if p is None or q is None:
            return Refusal(RefusalCode.BAD_TELEMETRY, "telemetry without a position")
        if c is None or d is None:
            return Refusal(RefusalCode.UNKNOWN_GIMBAL, "telemetry without the camera's attitude")
        if p.altitude.datum != q.altitude.datum:
            return Refusal(RefusalCode.UNKNOWN_DATUM, "the datum of the height changes")
        gap_s = (last.at - first.at).total_seconds()
        share = (at - first.at).total_seconds() / gap_s if gap_s > 0 else 0.0
        position = Position(
            _between(p.lat_deg, q.lat_deg, share),
            _between(p.lon_deg, q.lon_deg, share),
            Altitude(_between(p.altitude.metres, q.altitude.metres, share), p.altitude.datum),
        )
        attitude = Attitude(
            _angle_between(c.yaw_deg, d.yaw_deg, share) % 360.0,
            _between(c.pitch_deg, d.pitch_deg, share),
            _angle_between(c.roll_deg, d.roll_deg, share),
        )
        base = self._sigma
        sigma = PoseSigma(
            first.horizontal_sigma_m or base.horizontal_m,
            first.vertical_sigma_m or base.vertical_m,
            base.yaw_deg,
            base.pitch_deg,
            base.roll_deg,
            base.time_s,
        )
        turn = _angle_between(c.yaw_deg, d.yaw_deg, 1.0) - c.yaw_deg
        return Pose(
            at,
            position,
            attitude,
            sigma,
            north_m_s=first.north_m_s or 0.0,
            east_m_s=first.east_m_s or 0.0,
            yaw_rate_deg_s=turn / gap_s if gap_s > 0 else 0.0,
        )
