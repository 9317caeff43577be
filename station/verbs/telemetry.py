"""`qyran telemetry`: bring log files into the telemetry log, show what it holds."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from core.clock import SystemClock
from core.errors import BadRequest, TelemetryUnreadable
from core.ids import AssetId
from geo.positions import Datum
from missions.model import AssetKind
from station.command import Run, verb
from station.stores import opened_stores
from station.wiring import read_flight_log
from telemetry.flight_logs import LogHints

_GAP = timedelta(seconds=5)
"""A silence that is told."""
_AHEAD = timedelta(days=1)
"""How far in the future a fix may be: clocks differ, but not by days."""

AssetOption = Annotated[str, typer.Option("--asset", help="Id of the asset that it is of.")]


@verb
def import_(
    call: Run,
    file: Annotated[Path, typer.Argument(help="GPX, NMEA, PX4 .ulg, ArduPilot .BIN or .tlog.")],
    asset: AssetOption,
    car: Annotated[
        bool, typer.Option("--car", help="A place without a height is on the ground.")
    ] = False,
    datum: Annotated[
        str | None, typer.Option(help="What GPX heights count from: AMSL or ellipsoid.")
    ] = None,
    clock: Annotated[
        str, typer.Option(help="Time zone of times that name none, such as Asia/Almaty.")
    ] = "UTC",
    day: Annotated[
        str | None, typer.Option(help="Day of the first fix in UTC, where NMEA never says it.")
    ] = None,
) -> None:
    """Bring a log file in. What is there already stays; a second time changes nothing."""
    asset_id = AssetId(asset)
    chosen, zone, told = _datum(datum), _zone(clock), _day(day)
    with opened_stores(call.settings) as stores:
        kinds = {one.asset_id: one.kind for one in stores.missions.assets()}
        on_ground = car or kinds.get(asset_id) is AssetKind.VEHICLE
        log = read_flight_log(file, LogHints(asset_id, on_ground, chosen, zone, told))
        latest = SystemClock().now() + _AHEAD
        samples = [sample for sample in log.samples if sample.at <= latest]
        if not samples:
            raise TelemetryUnreadable(
                f"all its times lie in the future, the first at {log.samples[0].at:%Y-%m-%d}",
                where=str(file),
                cure="set this machine's clock right, or the receiver's",
            )
        kept = stores.telemetry.append(samples)
    losses = [{"code": e.code, "what": e.what, "count": e.count} for e in log.losses]
    if ahead := len(log.samples) - len(samples):
        what = "fixes more than a day in the future, left out"
        losses.append({"code": "in_the_future", "what": what, "count": ahead})
    document = {
        "file": file,
        "kind": log.kind,
        "asset_id": asset_id,
        "samples": len(samples),
        "new": kept,
        "first_at": samples[0].at,
        "last_at": samples[-1].at,
        "clock_sigma_s": log.clock_sigma_s,
        "losses": losses,
    }
    lines = [
        f"{file} ({log.kind}): {len(samples)} samples of {asset_id}, {kept} of them new, "
        f"{samples[0].at:%Y-%m-%d %H:%M:%S} to {samples[-1].at:%H:%M:%S} UTC",
        *(
            []
            if log.clock_sigma_s is None
            else [f"times joined to UTC, good to {log.clock_sigma_s:.2f} s (one sigma)"]
        ),
        *(f"{one['count']} x {one['code']}: {one['what']}" for one in losses),
    ]
    call.emit(document, "\n".join(lines))


@verb
def show(
    call: Run,
    asset: AssetOption,
    begin: Annotated[str, typer.Option("--from", help="First instant, ISO 8601 with zone.")],
    end: Annotated[str, typer.Option("--to", help="Instant after the last, likewise.")],
) -> int:
    """Show what the log holds of an asset and a time; exit code 1 where that is nothing."""
    start_at, end_at = _instant("--from", begin), _instant("--to", end)
    with opened_stores(call.settings) as stores:
        samples = stores.telemetry.between(AssetId(asset), start_at, end_at)
    document: dict[str, Any] = {"asset_id": asset, "from": start_at, "to": end_at}
    document["samples"] = len(samples)
    if not samples:
        call.emit(document, f"nothing is kept of {asset} then")
        return 1
    times = [sample.at for sample in samples]
    places = [sample.position for sample in samples if sample.position is not None]
    gaps = [{"from": a, "to": b} for a, b in pairwise(times) if b - a > _GAP]
    heights: dict[str, list[float]] = {}
    for place in places:
        heights.setdefault(str(place.altitude.datum), []).append(place.altitude.metres)
    document |= {"first_at": times[0], "last_at": times[-1], "gaps": gaps}
    document["bounds"] = (
        [min(p.lon_deg for p in places), min(p.lat_deg for p in places),
         max(p.lon_deg for p in places), max(p.lat_deg for p in places)]
        if places else None
    )  # fmt: skip
    document["altitudes_m"] = {datum: [min(m), max(m)] for datum, m in heights.items()}
    document["modes"] = sorted({str(s.mode) for s in samples if s.mode is not None})
    call.emit(
        document,
        f"{asset}: {len(samples)} samples, {times[0]:%Y-%m-%d %H:%M:%S} to {times[-1]:%H:%M:%S} "
        f"UTC, {len(gaps)} silences of more than {_GAP.seconds} s",
    )
    return 0


def _instant(option: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    cure = "write it as 2026-05-04T09:00:00+05:00"
    raise BadRequest("is no instant with a zone", where=f"{option} {text}", cure=cure)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name.upper() == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        cure = "name one such as Asia/Almaty"
        raise BadRequest("is no known time zone", where=f"--clock {name}", cure=cure) from None


def _datum(word: str | None) -> Datum | None:
    try:
        return None if word is None else Datum.named(word)
    except ValueError as error:
        cure = "say --datum AMSL or --datum ellipsoid"
        raise BadRequest(str(error), where=f"--datum {word}", cure=cure) from None


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        cure = "write --day 2026-11-20"
        raise BadRequest("is no day", where=f"--day {text}", cure=cure) from None


RUNS = {"import": import_, "show": show}
