"""`qyran ingest`: recorded footage through the same line as a live patrol.

    footage -> SharedDetector -> tracks -> view (pose, lens) -> places -> rules -> incidents

Ids come from the content, so the same footage gives the same incidents however often it is
read; a run that was stopped goes on before the first frame of whatever was still in sight.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from core.errors import DetectorFailed, DiskFull, TelemetryApart
from core.ids import AssetId, CameraId
from core.refusals import Refusal, RefusalCode
from geo.camera import CameraModel
from geo.positions import Altitude, Datum, PoseSigma
from geo.zones import Zone
from incidents.geotag import GeotagLimits
from incidents.ports import EvidenceVault, IncidentStore, Notifier
from station.ingest_agreement import KlvAgreement, klv_agreement
from station.ingest_checkpoint import CheckpointFile, digest_of
from station.ingest_footage import Footage, FootageKind, open_footage
from station.ingest_line import FootageLine, RefusedStretch, looked_at
from station.ingest_photos import PhotoLine
from station.ingest_tools import FootageTools
from station.sight_line import Eye, Ground, PassReport
from telemetry.timeline import GREATEST_GAP
from vision.model import Frame
from vision.ports import FrameSource
from vision.shared_detector import SharedDetector

log = logging.getLogger(__name__)

_CHECKPOINT_S = 5.0
NEAR_LIMITS = GeotagLimits()
FAR_LIMITS = GeotagLimits(greatest_distance_m=10_000.0, greatest_ce90_m=60.0)


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far a run is."""

    media_s: float
    duration_s: float
    """0 where the medium does not say."""
    frames: int


@dataclass(frozen=True, slots=True)
class IngestContext:
    """What an ingest works with, and what it was told about the footage."""

    tools: FootageTools
    home: Path
    """The data folder; checkpoints are kept in its folder `ingest`."""
    detector: SharedDetector
    store: IncidentStore
    vault: EvidenceVault
    notifier: Notifier
    zones: Callable[[], Sequence[Zone]]
    """The watch zones in force."""
    asset_id: AssetId | None = None
    camera_id: CameraId | None = None
    start_at: datetime | None = None
    """Instant of media time 0, where the footage does not tell it or tells it wrongly."""
    clock_zone: tzinfo = UTC
    """Of dates in subtitles and photographs, which name none."""
    hfov_deg: float | None = None
    """Horizontal field of view, where the telemetry does not tell the lens."""
    fps: float | None = None
    """At most so many frames a second are looked at."""
    sigma: PoseSigma | None = None
    """One-sigma errors of the poses; `None` takes those usual for the kind of footage."""
    limits: GeotagLimits = NEAR_LIMITS
    """For subtitles and photographs."""
    far_limits: GeotagLimits = FAR_LIMITS
    """For footage with ST 0601 metadata, whose turrets look kilometres away."""
    pose_gap: timedelta = GREATEST_GAP
    """Furthest that telemetry may be from a frame."""
    terrain_sigma_m: float = 2.0
    fresh: bool = False
    """Begin anew even where a stopped run could go on."""
    progress: Callable[[IngestProgress], None] = lambda progress: None
    stopped: Callable[[], bool] = lambda: False
    """Asked after each frame; true ends the run, which can be resumed."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest came to; counts are of this run."""

    source: str
    source_sha256: str
    kind: str
    telemetry: str | None
    complete: bool
    """False where it was stopped before the end."""
    model: str
    started_at: datetime | None
    """Instant of the first frame that was taken."""
    ended_at: datetime | None
    time_basis: str
    """Where the instants come from: klv, subtitles, exif, told, container, file_time (that of
    the file itself), or `exif and file_time` where some pictures say it and some do not."""
    frames: int
    frames_geotagged: int
    frames_undecodable: int
    frames_failed: int
    """Frames lost with a failed batch of the network."""
    detections: int
    tracks: int
    observations: int
    violations: int
    incidents: tuple[str, ...]
    refused: dict[str, int]
    reasons: dict[str, str]
    refused_frames: tuple[RefusedStretch, ...]
    """Frames that could not be geotagged, as stretches of the whole footage."""
    refused_frames_left_out: int
    klv: KlvAgreement | None
    notes: tuple[str, ...]
    """What else a person should know, such as an option that has no use here."""
    resumed_from_frame: int | None
    resumed_from_s: float | None
    wall_s: float


@dataclass(slots=True)
class _Run:
    """What changes during a run."""

    number: int = 0
    """Of the next frame, counted over the whole footage."""
    first: Frame | None = None
    last: Frame | None = None
    failed: int = 0
    failure: DetectorFailed | None = None
    complete: bool = False
    saved: float = field(default_factory=time.monotonic)


def ingest(source: Path, telemetry: Path | None, context: IngestContext) -> IngestReport:
    """Reads footage and takes what it shows to the incident store.

    Args:
        source: an MPEG-TS with ST 0601 metadata, a folder of DJI photographs (or one), a video
            with a DJI subtitle file, or a raw file of ST 0601 packets, of which only the
            agreement is reported.
        telemetry: the telemetry's file where it is one of its own; without it, a file of the
            same name beside the video is used.
        context: what to work with.

    Raises:
        SourceMissing: if there is no such footage.
        SourceUnreadable: if it is no video or picture.
        TelemetryUnreadable: if there is no telemetry, or it can't be read.
        TelemetryApart: if footage and telemetry share no instant.
        DetectorFailed: if the network failed on every frame.
        DiskFull: if there was no room for evidence or incidents; what was stored is kept.
    """
    began = time.monotonic()
    footage = open_footage(source, telemetry, context.start_at, context)
    sha256 = digest_of(footage.files)
    camera_id = context.camera_id or CameraId(f"footage-{sha256[:12]}")
    checkpoint = CheckpointFile(context.home, sha256, _variant(footage, context))
    if context.fresh:
        checkpoint.forget()
    resumed = checkpoint.read()
    if resumed is not None and (resumed.finished or resumed.safe_s <= 0):
        resumed = None
    start_s = resumed.safe_s if resumed is not None else 0.0
    run = _Run(number=resumed.frame if resumed is not None else 0)
    line = _line(footage, sha256, camera_id, context)
    try:
        if footage.source is None:
            run.complete = True
        else:
            _take_all(footage.source, footage, line, run, start_s, checkpoint, context)
        passed = line.finish(run.last.captured_at) if run.last and run.complete else line.report
    except DiskFull as error:  # a station goes on by itself, a command has ended
        raise DiskFull(
            error.message,
            where=error.where,
            cure="free some space and run the same command again; what is stored is kept",
        ) from error
    undecodable = footage.undecodable()
    if undecodable:
        passed.refusals.add(
            Refusal(RefusalCode.UNDECODABLE, "a frame that could not be decoded"), undecodable
        )
    if footage.klv is not None:
        for code, times in footage.klv.refused.counts.items():
            passed.refusals.add(Refusal(code, footage.klv.refused.first_reasons[code]), times)
    _check(run, passed, source)
    if run.complete:
        checkpoint.write(0.0, run.number, finished=True)
    return IngestReport(
        source=str(source),
        source_sha256=sha256,
        kind=str(footage.kind),
        telemetry=str(footage.telemetry) if footage.telemetry else None,
        complete=run.complete,
        model=context.detector.model,
        started_at=run.first.captured_at if run.first else None,
        ended_at=run.last.captured_at if run.last else None,
        time_basis=_time_basis(footage, passed.frames),
        frames=passed.frames,
        frames_geotagged=passed.frames_geotagged,
        frames_undecodable=undecodable,
        frames_failed=run.failed,
        detections=passed.detections,
        tracks=len(line.tracks),
        observations=passed.observations,
        violations=passed.violations,
        incidents=tuple(sorted(passed.incidents)),
        refused=passed.refusals.as_dict(),
        reasons={str(code): text for code, text in passed.refusals.first_reasons.items()},
        refused_frames=tuple(line.refused.stretches),
        refused_frames_left_out=line.refused.left_out,
        klv=klv_agreement(footage.klv) if footage.klv is not None else None,
        notes=footage.notes,
        resumed_from_frame=resumed.frame if resumed is not None else None,
        resumed_from_s=resumed.safe_s if resumed is not None else None,
        wall_s=round(time.monotonic() - began, 3),
    )


def _variant(footage: Footage, context: IngestContext) -> str:
    """Returns all that makes a run another than one of the same footage before."""
    told = (
        context.asset_id,
        context.camera_id,
        context.start_at,
        context.clock_zone,
        context.hfov_deg,
        context.fps,
        context.sigma,
        context.pose_gap,
    )
    return "\n".join([footage.telemetry_sha256, context.detector.model, *map(str, told)])


def _time_basis(footage: Footage, frames: int) -> str:
    undated = footage.undated()
    if not undated:
        return footage.time_basis
    return "file_time" if undated >= frames else f"{footage.time_basis} and file_time"


def _take_all(
    source: FrameSource,
    footage: Footage,
    line: FootageLine | PhotoLine,
    run: _Run,
    start_s: float,
    checkpoint: CheckpointFile,
    context: IngestContext,
) -> None:
    """Takes frames until the footage ends or the run is stopped; keeps the progress."""

    def lost(frame: Frame, error: DetectorFailed) -> None:
        run.failed += 1
        run.number += 1
        run.failure = error

    safe_frames: list[tuple[float, int]] = []
    broken: list[tuple[float, str]] = []

    def name_broken(until_s: float) -> None:
        """Gives what could not be decoded its place among the frames."""
        broken.extend(footage.lost())
        broken.sort(key=lambda one: one[0])
        while broken and broken[0][0] < until_s:
            _, reason = broken.pop(0)
            line.refused.add(run.number, Refusal(RefusalCode.UNDECODABLE, reason))
            # with --fps most of what is broken would not have been looked at: it has no number
            run.number += context.fps is None

    def save() -> None:
        if run.last is None:
            return
        safe_s = line.safe_s(run.last.media_time_s)
        while len(safe_frames) > 1 and safe_frames[1][0] <= safe_s:
            safe_frames.pop(0)
        number = safe_frames[0][1] if safe_frames and safe_frames[0][0] <= safe_s else 0
        checkpoint.write(safe_s if number else 0.0, number)
        run.saved = time.monotonic()

    try:
        frames = looked_at(source, context.detector, start_s, lost)
        try:
            for frame, detections in frames:
                run.first = run.first or frame
                name_broken(frame.media_time_s)
                if not safe_frames or frame.media_time_s - safe_frames[-1][0] >= 0.5:
                    safe_frames.append((frame.media_time_s, run.number))
                line.take_view(frame, detections, footage.views.view_at(frame), run.number)
                run.last = frame
                run.number += 1
                context.progress(IngestProgress(frame.media_time_s, footage.duration_s, run.number))
                if time.monotonic() - run.saved > _CHECKPOINT_S:
                    save()
                if context.stopped():
                    return
            name_broken(math.inf)
            for _, reason in broken:  # not even its time could be read
                line.refused.add(run.number, Refusal(RefusalCode.UNDECODABLE, reason))
                run.number += 1
            run.complete = True
        finally:
            frames.close()
    finally:
        if not run.complete:
            save()


def _line(
    footage: Footage, sha256: str, camera_id: CameraId, context: IngestContext
) -> FootageLine | PhotoLine:
    datum = Datum.GROUND if footage.kind in (FootageKind.KLV, FootageKind.METADATA) else Datum.HOME
    terrain = context.tools.ground(Altitude(0.0, datum), context.terrain_sigma_m)
    limits = context.far_limits if datum is Datum.GROUND else context.limits
    unknown = CameraModel.from_hfov(1920, 1080, 60.0)  # each frame brings its own
    eye = Eye(
        camera_id,
        unknown,
        context.asset_id,
        source_name=sha256,
        detector=context.detector.model,
    )
    evidence = context.tools.evidence(context.vault, camera_id, video=footage.video)
    if footage.kind is FootageKind.PHOTOS:
        return PhotoLine(
            eye,
            terrain,
            zones=context.zones(),
            store=context.store,
            notifier=context.notifier,
            evidence=evidence,
            limits=limits,
        )
    return FootageLine(
        eye,
        Ground(terrain),
        zones=context.zones,
        store=context.store,
        notifier=context.notifier,
        evidence=evidence,
        limits=limits,
    )


def _check(run: _Run, passed: PassReport, source: Path) -> None:
    """Raises where a run came to nothing for a reason that is one for the whole footage."""
    if run.failure is not None and not passed.frames:
        raise DetectorFailed(run.failure.message, where=str(source), cure=run.failure.cure)
    only_no_pose = passed.refusals.counts[RefusalCode.NO_POSE] == passed.frames
    if run.complete and passed.frames and only_no_pose:
        raise TelemetryApart(
            "no frame has telemetry within 200 ms",
            where=str(source),
            cure="give the telemetry of this very flight, or --start with the first instant",
        )
