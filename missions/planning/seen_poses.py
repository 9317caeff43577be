"""Poses of a camera out of what its asset has said of itself on a sortie."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from geo.positions import Altitude, Pose, PoseSigma
from missions.model import CameraMount
from telemetry.model import TelemetrySample

EVERY = timedelta(seconds=0.5)
"""Poses nearer in time than this add nothing to what was seen."""
_GPS_M, _HEIGHT_M = 2.5, 4.0


def camera_poses(
    samples: Sequence[TelemetrySample], mount: CameraMount, *, every: timedelta = EVERY
) -> tuple[Pose, ...]:
    """Returns the poses of a camera in the air; a sample that does not say them gives none.

    Args:
        samples: of one asset, in order of time.
        mount: its camera; the lens sits higher than what the samples tell by its height.
        every: a pose at most so often.
    """
    sigma = PoseSigma(
        _GPS_M,
        _HEIGHT_M,
        mount.yaw_sigma_deg,
        mount.pitch_sigma_deg,
        mount.roll_sigma_deg,
        mount.time_sigma_s,
    )
    poses: list[Pose] = []
    for sample in samples:
        position, camera = sample.position, sample.camera
        if position is None or camera is None or sample.on_ground:
            continue
        if poses and sample.at - poses[-1].at < every:
            continue
        said = position.altitude
        lens = replace(position, altitude=Altitude(said.metres + mount.height_m, said.datum))
        poses.append(Pose(sample.at, lens, camera, sigma))
    return tuple(poses)
