"""`qyran ingest`: recorded footage through the whole line."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from core.clock import SystemClock
from core.errors import BadRequest, SourceUnreadable
from core.ids import AssetId, CameraId
from geo.zones import Purpose
from incidents.geotag import GeotagLimits
from station.command import Run, verb
from station.data_folder import Stores
from station.ingest import IngestContext, IngestProgress, IngestReport, ingest
from station.settings import Settings
from station.stores import opened_stores
from station.wiring import footage_tools, notifiers, open_detector
from station.zone_imports import bring_in, zones_to_keep
from vision.shared_detector import SharedDetector


@verb
def run(
    call: Run,
    source: Annotated[
        str, typer.Argument(help="Video, MPEG-TS with KLV, or folder of DJI photographs.")
    ],
    telemetry: Annotated[
        Path | None,
        typer.Option(help="The drone's .SRT or a .klv file; else one beside the video is used."),
    ] = None,
    zones: Annotated[
        Path | None, typer.Option(help="Bring these zones in first (GeoJSON, GeoPackage, KML).")
    ] = None,
    asset: Annotated[str | None, typer.Option(help="Id of the asset that took it.")] = None,
    camera: Annotated[str | None, typer.Option(help="Id of the camera.")] = None,
    start: Annotated[
        str | None, typer.Option(help="First instant of the video, ISO 8601 with zone.")
    ] = None,
    clock: Annotated[
        str, typer.Option(help="Time zone of dates in subtitles and EXIF, such as Asia/Almaty.")
    ] = "UTC",
    hfov: Annotated[
        float | None,
        typer.Option(help="Horizontal field of view in degrees.", min=1.0, max=170.0),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Look at no more frames a second than this.", min=0.01)
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even where a stopped run could go on.")
    ] = False,
) -> int:
    """Run the whole line on footage. A run that was stopped goes on where it was."""
    path = _path(source)
    settings = call.settings
    start_at, clock_zone = _instant(start), _zone(clock)
    fresh_zones = zones_to_keep(zones, None) if zones else ()
    with opened_stores(settings) as stores:
        for zone in fresh_zones:
            bring_in(stores.zones, zone, SystemClock().now())
        with open_detector(settings) as detector, _stop_request() as stop:
            context = replace(
                context_of(settings, stores, detector),
                asset_id=AssetId(asset) if asset else None,
                camera_id=CameraId(camera) if camera else None,
                start_at=start_at,
                clock_zone=clock_zone,
                hfov_deg=hfov,
                fps=fps,
                fresh=fresh,
                stopped=stop.is_set,
            )
            report = ingest_command(call, path, telemetry, context)
    call.emit(report, text_of(report))
    return 0 if report.complete else 1


def context_of(settings: Settings, stores: Stores, detector: SharedDetector) -> IngestContext:
    """Returns what an ingest works with by the settings, without what is told of the footage."""
    tags = settings.geotag
    return IngestContext(
        home=settings.home,
        tools=footage_tools(),
        detector=detector,
        store=stores.incidents,
        vault=stores.vault,
        notifier=notifiers(),
        zones=lambda: stores.zones.find(Purpose.WATCH),
        limits=GeotagLimits(
            greatest_distance_m=tags.distance_most_m, greatest_ce90_m=tags.radius_most_m
        ),
        pose_gap=timedelta(milliseconds=tags.pose_gap_ms),
        terrain_sigma_m=tags.terrain_sigma_m,
    )


def ingest_command(
    call: Run, source: Path, telemetry: Path | None, context: IngestContext
) -> IngestReport:
    """Runs an ingest under a progress bar."""
    with call.progress(f"ingesting {source.name}") as bar:

        def moved(progress: IngestProgress) -> None:
            bar.update(done=progress.media_s, total=progress.duration_s or None)

        return ingest(source, telemetry, replace(context, progress=moved))


def text_of(report: IngestReport) -> str:
    """Returns the report for a person."""
    lines = [
        f"{report.source} ({report.kind}, {report.time_basis} time)",
        f"frames        {report.frames}, {report.frames_geotagged} with a pose, "
        f"{report.frames_undecodable} undecodable",
        f"detections    {report.detections} in {report.tracks} tracks",
        f"incidents     {len(report.incidents)} of {report.observations} observations",
    ]
    lines += [
        f"refused       {times} x {code}: {report.reasons.get(code, '')}"
        for code, times in report.refused.items()
    ]
    if report.klv is not None and report.klv.centre_median_m is not None:
        lines.append(
            f"frame centre  {report.klv.centre_median_m:.1f} m from the producer's (median), "
            f"{report.klv.centre_p90_m:.1f} m (90 %)"
        )
    lines += [f"note          {note}" for note in report.notes]
    if report.resumed_from_s is not None:
        lines.append(f"resumed       from {report.resumed_from_s:.1f} s")
    if not report.complete:
        lines.append("stopped       run the same command to go on")
    return "\n".join([*lines, *report.incidents])


def _path(source: str) -> Path:
    if "://" in source:
        raise SourceUnreadable(
            "a live stream is watched by a patrol, not ingested",
            where=source.rpartition("@")[2],
            cure="record it to a file first",
        )
    return Path(source)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadRequest(
            "is no instant with a zone", where=f"--start {text}", cure="2026-05-04T09:00:00+05:00"
        )
    return at.astimezone(UTC)


def _zone(name: str) -> tzinfo:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest(
            "is no time zone that is known", where=f"--clock {name}", cure="such as Asia/Almaty"
        ) from None


@contextmanager
def _stop_request() -> Iterator[threading.Event]:
    """Gives an event that the first Ctrl-C sets, so that a run ends between two frames."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def asked(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in kept:
        signal.signal(number, asked)
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
