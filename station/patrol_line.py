"""PLAN to INCIDENT for one sortie: the straight line, and nothing else.

fly      missions.executor.fly_sortie
record   telemetry.recorder.record          -> poses
see      vision FrameSource -> SharedDetector
judge    station.sight_line.SightLine       -> incidents
compare  incidents.intake.report_absences   -> proposals to close
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import timedelta

from core.clock import Clock
from core.errors import DetectorFailed, LinkLost, QyranError
from core.refusals import Refusal, RefusalCode
from geo.positions import Altitude, PoseSigma
from geo.zones import Zone
from incidents.geotag import GeotagLimits
from incidents.intake import report_absences
from incidents.model import Incident
from incidents.ports import EvidenceMaker, IncidentStore, Notifier
from missions.executor import SortieCommands, fly_sortie
from missions.guiding.ports import Guide
from missions.model import Asset, CameraMount, Sortie
from missions.ports import Armable, FenceLink, Pilot
from missions.proving.proof import ProvenPlan
from station.pose_feed import PoseFeed
from station.sight_line import Eye, Ground, PassReport, SightLine
from telemetry.model import TelemetrySample
from telemetry.ports import TelemetryLink, TelemetryLog
from telemetry.recorder import Growing, record
from telemetry.timeline import PoseTimeline
from vision.model import Frame
from vision.ports import FrameSource
from vision.shared_detector import Looked, SharedDetector

log = logging.getLogger(__name__)

_AHEAD = 6
"""Frames that one camera may have with the detector before it waits for the first."""


@dataclass(frozen=True, slots=True)
class Craft:
    """An asset, what commands it and what it says."""

    asset: Asset
    pilot: Pilot
    link: TelemetryLink
    fence_link: FenceLink | None = None
    arming: Armable | None = None
    guide: Guide | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What an asset's camera shows during one sortie."""

    source: FrameSource
    evidence: EvidenceMaker
    landed: Callable[[], None]
    """Called when the sortie has ended: pictures up to now are wanted, no further ones."""
    cut: Callable[[], None]
    """Called when the station stops: nothing more is wanted, at once."""


@dataclass(frozen=True, slots=True)
class Station:
    """What every sortie of the station shares."""

    clock: Clock
    detector: SharedDetector
    incidents: IncidentStore
    notifier: Notifier
    telemetry_log: TelemetryLog
    ground: Ground
    watch_zones: Callable[[], Sequence[Zone]]
    geotag_limits: GeotagLimits
    pose_patience: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sortie came to."""

    sortie: Sortie
    report: PassReport
    proposed: tuple[Incident, ...] = ()
    """Incidents that this pass proposes to close."""


async def run_patrol(
    sortie: Sortie,
    craft: Craft,
    view: View,
    station: Station,
    *,
    on_change: Callable[[Sortie], None],
    on_sample: Callable[[TelemetrySample], None],
    commands: SortieCommands | None = None,
) -> Outcome:
    """Flies an authorised sortie and takes what it sees to the incident store.

    Whatever fails in the air ends in the sortie's state and reason; whatever fails in the eyes
    is counted in the report. What was seen until then is kept.

    Args:
        sortie: authorised.
        craft: the asset that flies or drives it.
        view: what its camera shows.
        station: what all sorties share.
        on_change: told of every change of the sortie.
        on_sample: told of every telemetry sample.
        commands: a person's orders during the sortie.

    Raises:
        PlanUnsafe: if the plan is not the one that was proven, or was proven for another asset.
    """
    ProvenPlan(sortie.plan, sortie.proof).check_for(craft.asset, str(sortie.sortie_id))
    mount = craft.asset.camera
    if mount is None:
        raise ValueError(f"asset {craft.asset.asset_id} has no camera")
    poses = PoseFeed(PoseTimeline(_sigma(mount)), patience=station.pose_patience)
    line = _sight_line(sortie, craft.asset, mount, view, station, poses)
    lens = _Lens(poses, mount)
    listening = asyncio.create_task(
        _listen(craft.link, lens, station.telemetry_log, on_sample, station.clock)
    )
    watching = asyncio.create_task(asyncio.to_thread(watch, view.source, station.detector, line))
    try:
        ended = await fly_sortie(
            sortie,
            craft.pilot,
            craft.fence_link,
            craft.arming,
            station.clock,
            on_change,
            commands,
            asset=craft.asset,
            guide=craft.guide,
        )
    except BaseException:
        view.cut()
        poses.end()
        raise
    else:
        view.landed()
    finally:
        await craft.link.close()
        await listening
        poses.end()
        await watching
    now = station.clock.now()
    report = line.finish(now)
    proposed = report_absences(
        report.seen, line.observed, sortie.sortie_id, station.incidents, station.notifier, now
    )
    return Outcome(ended, report, proposed)


def watch(source: FrameSource, detector: SharedDetector, line: SightLine) -> None:
    """Takes all frames of a source through the shared detector into the line.

    Frames are decoded while earlier ones are with the detector; the line gets them in order.
    """
    pending: deque[tuple[Frame, Future[Looked]]] = deque()

    def take() -> None:
        frame, promise = pending.popleft()
        try:
            found = promise.result()
        except DetectorFailed as failed:
            line.refuse(Refusal(RefusalCode.UNDECODABLE, str(failed)))
            return
        if found is not None:
            line.take(frame, found)

    try:
        for frame in source.frames():
            pending.append((frame, detector.submit(frame, source.live)))
            while pending and (len(pending) > _AHEAD or pending[0][1].done()):
                take()
    except QyranError as broken:
        log.warning("a camera's stream ended early", extra={"reason": str(broken)})
    while pending:
        take()


class _Lens:
    """Takes an asset's samples and passes on those of its camera, which is mounted higher."""

    def __init__(self, poses: PoseFeed, mount: CameraMount) -> None:
        self._poses, self._height_m = poses, mount.height_m

    def add(self, sample: TelemetrySample) -> None:
        """Passes the sample on at the height of the lens."""
        position = sample.position
        if position is not None:
            said = position.altitude
            lens = Altitude(said.metres + self._height_m, said.datum)
            sample = replace(sample, position=replace(position, altitude=lens))
        self._poses.add(sample)


async def _listen(
    link: TelemetryLink,
    poses: Growing,
    log_book: TelemetryLog,
    on_sample: Callable[[TelemetrySample], None],
    clock: Clock,
) -> None:
    try:
        await record(link, poses, log_book, on_sample, clock=clock)
    except LinkLost as lost:  # the sortie ends by the pilot's own watch over the link
        log.warning("telemetry ended", extra={"reason": str(lost)})


def _sigma(mount: CameraMount) -> PoseSigma:
    return PoseSigma(
        horizontal_m=2.5,
        vertical_m=4.0,
        yaw_deg=mount.yaw_sigma_deg,
        pitch_deg=mount.pitch_sigma_deg,
        roll_deg=mount.roll_sigma_deg,
        time_s=mount.time_sigma_s,
    )


def _sight_line(
    sortie: Sortie, asset: Asset, mount: CameraMount, view: View, station: Station, poses: PoseFeed
) -> SightLine:
    eye = Eye(
        mount.camera_id,
        mount.model,
        asset.asset_id,
        sortie.sortie_id,
        detector=station.detector.model,
    )
    ground = Ground(station.ground.terrain, asset.home.altitude)
    return SightLine(
        eye,
        ground,
        pose_at=poses.pose_at,
        zones=station.watch_zones,
        store=station.incidents,
        notifier=station.notifier,
        evidence=view.evidence,
        geotag_limits=station.geotag_limits,
    )
