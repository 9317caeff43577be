"""Seeing that something is gone: proposals to close, for a person to decide.

A place counts as seen in a frame only where the whole circle of its error, widened by the
error of that frame's pose, lies in the ground that the frame shows, near enough for the
detector. What hides it (a tree, a bus) is not known here; that is why it takes several
frames, and why it is a proposal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shapely import Point, Polygon, prepare

from core.ids import SortieId
from geo.camera import CameraModel, footprint
from geo.local_frame import LocalFrame
from geo.positions import CHI2_90_2DOF, Covariance, GroundPoint, Pose, PoseSigma
from incidents.matching import GATE, offset_m
from incidents.model import (
    CloseProposal,
    Incident,
    IncidentState,
    Observation,
    TimelineEntry,
)
from incidents.rules import kind_of


@dataclass(frozen=True, slots=True)
class SeenGround:
    """What one frame, which the detector has truly looked at, showed of the ground."""

    at: datetime
    frame: LocalFrame
    """About the camera."""
    area_m: Polygon
    """East and north of the camera."""
    height_m: float
    focal_px: float
    sigma: PoseSigma
    speed_m_s: float = 0.0

    def error_at(self, east_m: float, north_m: float) -> Covariance:
        """Returns the error of a place in this frame by its pose alone, to first order."""
        s, height = self.sigma, self.height_m
        flat = math.hypot(east_m, north_m)
        by_pitch = (flat**2 + height**2) / height * math.radians(s.pitch_deg)
        along2 = by_pitch**2 + (s.vertical_m * flat / height) ** 2
        across2 = (flat * math.radians(s.yaw_deg)) ** 2 + (height * math.radians(s.roll_deg)) ** 2
        both2 = s.horizontal_m**2 + (self.speed_m_s * s.time_s) ** 2
        e, n = (east_m / flat, north_m / flat) if flat > 1e-6 else (0.0, 1.0)
        return Covariance(
            along2 * e**2 + across2 * n**2 + both2,
            along2 * n**2 + across2 * e**2 + both2,
            (along2 - across2) * e * n,
        )


@dataclass(frozen=True, slots=True)
class AbsenceLimits:
    """What it takes to say that a place was seen empty."""

    frames: int = 8
    """At least so many frames."""
    greatest_slant_m: float = 150.0
    greatest_pixel_m: float = 0.15
    """A pixel at the place covers at most this, across the view."""
    greatest_pose_ce90_m: float = 15.0
    """A frame placed worse than this proves nothing."""


ABSENCE_LIMITS = AbsenceLimits()

_WATCHED = (IncidentState.DONE, IncidentState.CONFIRMED, IncidentState.ASSIGNED)


def seen_ground(
    camera: CameraModel, pose: Pose, height_m: float, *, greatest_distance_m: float = 150.0
) -> SeenGround | None:
    """Returns what a frame shows of level ground, or `None` where it shows none.

    Args:
        camera: the lens.
        pose: the camera's pose at the frame.
        height_m: of the camera above the ground.
        greatest_distance_m: the footprint ends so far from the point below the camera.
    """
    border = footprint(camera, pose.attitude, height_m, greatest_distance_m=greatest_distance_m)
    if border.shape[1] < 3:
        return None
    area = Polygon(border.T)
    if not area.is_valid or area.area <= 0:
        return None
    place = pose.position
    return SeenGround(
        pose.at,
        LocalFrame(place.lat_deg, place.lon_deg),
        area,
        height_m,
        camera.fx_px,
        pose.sigma,
        math.hypot(pose.north_m_s, pose.east_m_s),
    )


def propose_closures(
    incidents: Sequence[Incident],
    seen: Sequence[SeenGround],
    observed: Sequence[Observation],
    sortie_id: SortieId | None,
    now: datetime,
    limits: AbsenceLimits = ABSENCE_LIMITS,
) -> tuple[Incident, ...]:
    """Returns, as next versions, the incidents whose place this pass saw without the thing.

    For incidents that are done it is a proposal to close; for confirmed and assigned ones a
    hint that the thing may be gone by itself. Those that need no change are left out.

    Args:
        incidents: those whose place the pass may have seen.
        seen: all frames of the pass at which the detector has looked.
        observed: all that the pass has seen, however briefly or unsurely: anything of that
            kind near the place speaks against its absence.
        sortie_id: the pass, where it is a sortie.
        now: the present instant.
        limits: what it takes.
    """
    changed = []
    for incident in incidents:
        if incident.state not in _WATCHED:
            continue
        proposal = incident.close_proposal
        if proposal is not None and proposal.sortie_id == sortie_id and sortie_id is not None:
            continue
        if any(_still_there(incident, o) for o in observed):
            continue
        since = _since(incident)
        frames = [g for g in seen if g.at > since and _saw(g, incident.point, limits)]
        if len(frames) < limits.frames:
            continue
        changed.append(_proposed(incident, frames, sortie_id, now))
    return tuple(changed)


def _since(incident: Incident) -> datetime:
    """Returns the instant after which emptiness means something: last seen, or work done."""
    done = [e.at for e in incident.timeline if e.event == "done"]
    in_time = done[-1:] if incident.state is IncidentState.DONE else []
    return max([incident.last_seen_at, *in_time])


def _still_there(incident: Incident, observation: Observation) -> bool:
    """Returns whether an observation may well be the incident's thing."""
    if observation.last_seen_at <= _since(incident):
        return False
    kind = observation.kind or kind_of(observation.label)
    if kind is not incident.kind:
        return False
    east, north = offset_m(observation.point, incident.point)
    v = observation.point.covariance + incident.point.covariance
    # generous: a doubt keeps the incident as it is
    return v.mahalanobis2(east, north) < GATE or math.hypot(east, north) < 3.0


def _saw(ground: SeenGround, point: GroundPoint, limits: AbsenceLimits) -> bool:
    """Returns whether a frame truly saw the whole of a place."""
    rough_m = abs(point.lat_deg - ground.frame.lat_deg) * 111_000
    if rough_m > limits.greatest_slant_m * 1.1:
        return False
    east, north = ground.frame.to_en1_m(point.lat_deg, point.lon_deg)
    slant_m = math.sqrt(east**2 + north**2 + ground.height_m**2)
    if slant_m > limits.greatest_slant_m or slant_m / ground.focal_px > limits.greatest_pixel_m:
        return False
    error = ground.error_at(east, north)
    if error.ce90_m > limits.greatest_pose_ce90_m:
        return False
    spot = Point(east, north)
    prepare(ground.area_m)
    if not ground.area_m.contains(spot):
        return False
    # 90 % of the joint error, along its worse axis
    both = point.covariance + error
    margin_m = math.sqrt(CHI2_90_2DOF * both.axes_m2[0])
    return bool(ground.area_m.exterior.distance(spot) >= margin_m)


def _proposed(
    incident: Incident, frames: Sequence[SeenGround], sortie_id: SortieId | None, now: datetime
) -> Incident:
    nearest_m = min(
        math.hypot(*g.frame.to_en1_m(incident.point.lat_deg, incident.point.lon_deg), g.height_m)
        for g in frames
    )
    done = incident.state is IncidentState.DONE
    because = (
        f"{len(frames)} frames saw the whole place, from {nearest_m:.0f} m at the nearest, "
        f"and nothing of that kind{'' if done else '; it may have gone by itself'}"
    )
    proposal = CloseProposal(sortie_id, now, len(frames), because)
    entry = TimelineEntry(now, "close_proposed", None, because)
    return replace(
        incident,
        close_proposal=proposal,
        timeline=(*incident.timeline, entry),
        version=incident.version + 1,
    )
