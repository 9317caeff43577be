"""Poses of a camera on sorties that the station has flown, out of its telemetry log."""

from collections.abc import Sequence
from datetime import datetime

from core.errors import BadRequest, PoseUnknown
from geo.positions import Pose
from missions.model import Asset, AssetKind, Sortie
from missions.planning.seen_poses import camera_poses
from telemetry.ports import TelemetryLog


def kept_poses(
    sorties: Sequence[Sortie], asset: Asset, log: TelemetryLog, now: datetime
) -> tuple[Pose, ...]:
    """Returns the poses of a drone's camera during sorties of one patrol, in order of time.

    Args:
        sorties: the first is the one that is asked about.
        asset: the one that flew them all.
        log: what it has said.
        now: the end of a sortie that is still under way.

    Raises:
        BadRequest: if the asset is no drone, or the sorties are of several patrols or assets.
        PoseUnknown: if no pose of the first sortie was kept.
    """
    first = sorties[0]
    if asset.kind is not AssetKind.DRONE:
        raise BadRequest(
            "the rest of a drive is not told by footprints",
            where=str(first.sortie_id),
            cure="let the car drive its route again",
        )
    poses: list[Pose] = []
    for sortie in sorties:
        plan = sortie.plan
        if (plan.patrol_id, plan.asset_id) != (first.plan.patrol_id, asset.asset_id):
            raise BadRequest(
                "flew another patrol, or with another asset",
                where=str(sortie.sortie_id),
                cure="name sorties of the same patrol and asset",
            )
        if sortie.started_at is not None and asset.camera is not None:
            end = sortie.ended_at or now
            samples = log.between(asset.asset_id, sortie.started_at, end)
            poses += camera_poses(samples, asset.camera)
        if not poses:
            raise PoseUnknown(
                "no pose of its camera was kept",
                where=str(first.sortie_id),
                cure="plan the patrol anew, or give the pictures' poses to qyran plan rest",
            )
    return tuple(sorted(poses, key=lambda pose: pose.at))
