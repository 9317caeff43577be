import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import (
    DetectorFailed,
    DiskFull,
    SourceMissing,
    SourceUnreadable,
    TelemetryApart,
    TelemetryUnreadable,
)
from geo.local_frame import distance_m
from incidents.model import EvidenceRole, Incident
from incidents.ports import IncidentFilter
from sim.stream import H264Streamer
from station.ingest import IngestContext, IngestReport, ingest
from station.output import jsonable
from telemetry.st0601 import encode
from tests.ingest import footage
from tests.ingest.conftest import Bench
from vision.adapters.scripted_detector import DetectorFault, ScriptedDetector, marked_colour
from vision.shared_detector import SharedDetector

Made = Callable[..., IngestContext]
HFOV = footage.HFOV_DEG


def kept(bench: Bench) -> list[Incident]:
    return list(bench.store.find(IncidentFilter()))


def away_m(incident: Incident, car: footage.Car = footage.STANDING) -> float:
    lat, lon = footage.place_of(car)
    return distance_m(incident.point.lat_deg, incident.point.lon_deg, lat, lon)


def flat(report: IngestReport) -> dict[str, object]:
    """What must not change from run to run."""
    document = jsonable(report)
    return {k: v for k, v in document.items() if k not in ("wall_s", "source", "telemetry")}


def test_a_video_with_subtitles_finds_the_one_that_stands_in_the_zone(
    made: Path, bench: Bench, context: Made
) -> None:
    report = ingest(made / "flight.mp4", None, context(hfov_deg=HFOV, start_at=footage.START_AT))
    assert (report.kind, report.time_basis, report.complete) == ("subtitles", "told", True)
    assert report.telemetry == str(made / "flight.SRT")
    assert report.frames == report.frames_geotagged == 56
    assert report.started_at == footage.START_AT
    (incident,) = kept(bench)
    assert report.incidents == (incident.incident_id,)
    assert away_m(incident) < 1.5
    assert away_m(incident) < incident.point.radius_m
    assert incident.observations[0].label == "car"
    roles = {e.role for e in incident.all_evidence}
    assert roles == {EvidenceRole.PICTURE, EvidenceRole.CROP, EvidenceRole.CLIP}
    for piece in incident.all_evidence:
        assert footage.START_AT <= piece.captured_at <= footage.START_AT + timedelta(seconds=8)
    assert report.refused["outside_zones"] > 0


def test_a_stream_with_metadata_brings_time_lens_and_ground(
    made: Path, bench: Bench, context: Made
) -> None:
    report = ingest(made / "stream.ts", None, context())
    assert (report.kind, report.time_basis) == ("klv", "klv")
    assert report.frames == report.frames_geotagged == 56
    assert report.started_at == footage.START_AT
    (incident,) = kept(bench)
    assert away_m(incident) < 1.5
    assert report.klv is not None
    assert (report.klv.packets, report.klv.compared) == (56, 56)
    assert report.klv.centre_max_m is not None
    assert report.klv.centre_max_m < 0.5


@pytest.mark.parametrize("name", ["flight.mp4", "stream.ts"])
def test_the_same_footage_twice_gives_the_same_incidents_once(
    made: Path, bench: Bench, context: Made, name: str
) -> None:
    told = context(hfov_deg=HFOV)
    first, before = ingest(made / name, None, told), kept(bench)
    second, after = ingest(made / name, None, told), kept(bench)
    assert flat(first) == flat(second)
    assert [i.incident_id for i in before] == [i.incident_id for i in after]
    assert len(after) == 1
    assert len(after[0].observations) == 1
    assert [e.digest for e in before[0].all_evidence] == [e.digest for e in after[0].all_evidence]


def test_a_stopped_run_goes_on_and_ends_with_the_same_incidents(
    made: Path, bench: Bench, context: Made, tmp_path: Path
) -> None:
    whole = ingest(made / "stream.ts", None, context())
    (wanted,) = kept(bench)
    other = Bench(tmp_path / "other")
    with SharedDetector(other.detector) as shared:
        seen = [0]

        def enough() -> bool:
            seen[0] += 1
            return seen[0] >= 40

        first = ingest(made / "stream.ts", None, other.context(shared, stopped=enough))
        assert not first.complete
        assert first.frames == 40
        second = ingest(made / "stream.ts", None, other.context(shared))
    assert second.complete
    # the car has been in sight from the first frame on, so that is where it goes on
    assert second.frames == whole.frames
    (found,) = kept(other)
    assert found.incident_id == wanted.incident_id
    assert [o.observation_id for o in found.observations] == [
        o.observation_id for o in wanted.observations
    ]


def test_long_footage_is_resumed_before_what_was_still_in_sight(
    tmp_path: Path, bench: Bench, context: Made
) -> None:
    # nothing is in sight for the first 20 s; the stop comes when the car has been seen a while
    path = tmp_path / "late.ts"
    with H264Streamer(footage.WIDTH_PX, footage.HEIGHT_PX, footage.FPS, path, crf=18) as stream:
        for k in range(round(26 * footage.FPS)):
            t_s = k / footage.FPS
            cars = (footage.STANDING,) if t_s >= 20 else ()
            at = footage.START_AT + timedelta(seconds=t_s)
            # the drone hovers where it would be at 2 s
            stream.send(footage.picture(2.0, cars), at, footage.numbers_at(2.0))
    seen = [0]

    def enough() -> bool:
        seen[0] += 1
        return seen[0] >= 23 * footage.FPS

    assert not ingest(path, None, context(stopped=enough)).complete
    second = ingest(path, None, context())
    assert second.resumed_from_s == pytest.approx(20.0, abs=0.3)
    assert second.resumed_from_frame is not None
    assert second.resumed_from_frame <= 20 * footage.FPS
    assert len(kept(bench)) == 1
    fresh = ingest(path, None, context(fresh=True))
    assert fresh.resumed_from_frame is None
    assert fresh.frames == 208
    assert len(kept(bench)) == 1
    assert len(kept(bench)[0].observations) == 1


def test_subtitles_without_gimbal_angles_refuse_every_frame_by_name(
    made: Path, tmp_path: Path, bench: Bench, context: Made
) -> None:
    silent = footage.write_srt(tmp_path / "silent.SRT", gimbal=False)
    report = ingest(made / "flight.mp4", silent, context(hfov_deg=HFOV))
    assert (report.frames, report.frames_geotagged) == (56, 0)
    assert report.refused == {"unknown_gimbal": 56}
    (stretch,) = report.refused_frames
    assert (stretch.first_frame, stretch.last_frame, stretch.code) == (0, 55, "unknown_gimbal")
    assert report.reasons["unknown_gimbal"]
    assert kept(bench) == []


def test_an_unknown_lens_is_refused_by_name(made: Path, context: Made) -> None:
    report = ingest(made / "flight.mp4", None, context())
    assert report.refused == {"unknown_camera": 56}


def test_frames_beyond_the_telemetry_are_refused_for_no_pose(
    made: Path, tmp_path: Path, context: Made
) -> None:
    short = footage.write_srt(tmp_path / "short.SRT", seconds=4.0)
    report = ingest(made / "flight.mp4", short, context(hfov_deg=HFOV))
    assert 31 <= report.frames_geotagged <= 33
    assert report.refused["no_pose"] == 56 - report.frames_geotagged
    (stretch,) = report.refused_frames
    assert (stretch.last_frame, stretch.code) == (55, "no_pose")


def test_a_camera_that_looks_at_the_sky_places_nothing(tmp_path: Path, context: Made) -> None:
    def up(t_s: float) -> dict[int, float]:
        return {**footage.numbers_at(t_s), 19: 40.0}

    report = ingest(footage.write_ts(tmp_path / "up.ts", 2.0, up), None, context())
    assert report.refused["above_horizon"] == report.detections > 0
    assert report.observations == 0


def test_heights_of_unknown_datum_are_refused(tmp_path: Path, context: Made) -> None:
    def without(t_s: float) -> dict[int, float]:
        return {k: v for k, v in footage.numbers_at(t_s).items() if k != 25}

    report = ingest(footage.write_ts(tmp_path / "x.ts", 2.0, without), None, context())
    assert report.refused == {"unknown_datum": 16}


def test_a_wrong_checksum_is_counted_and_the_rest_serves(
    made: Path, tmp_path: Path, context: Made
) -> None:
    raw = tmp_path / "flight.klv"
    packets = [
        encode(footage.START_AT + timedelta(seconds=t), footage.numbers_at(t))
        for t in footage.times()
    ]
    packets[5] = packets[5][:-1] + bytes([packets[5][-1] ^ 0x10])
    raw.write_bytes(b"".join(packets))
    report = ingest(made / "flight.mp4", raw, context(start_at=footage.START_AT))
    assert report.kind == "klv"
    assert report.refused["bad_checksum"] == 1
    assert report.frames_geotagged == 56  # its neighbours are within 200 ms
    assert len(report.incidents) == 1


def test_telemetry_of_another_time_is_told(
    made: Path, tmp_path: Path, bench: Bench, context: Made
) -> None:
    late = footage.write_srt(tmp_path / "late.SRT", shift_s=600.0)
    with pytest.raises(TelemetryApart, match="telemetry is from"):
        ingest(made / "flight.mp4", late, context(hfov_deg=HFOV))
    raw = tmp_path / "old.klv"
    raw.write_bytes(encode(datetime(2012, 1, 1, tzinfo=UTC), footage.numbers_at(0.0)))
    with pytest.raises(TelemetryApart):
        ingest(made / "flight.mp4", raw, context(start_at=footage.START_AT))
    assert kept(bench) == []


OTHER_DAY = footage.START_AT - timedelta(days=700)


@pytest.mark.parametrize(
    ("created", "start", "dated", "refused"),
    [
        (footage.START_AT, None, OTHER_DAY, True),
        (footage.START_AT, footage.START_AT, OTHER_DAY, True),
        (None, footage.START_AT, OTHER_DAY, True),
        (OTHER_DAY, None, footage.START_AT, True),
        (OTHER_DAY, footage.START_AT, footage.START_AT, False),  # the video's clock was wrong
        (footage.START_AT, None, footage.START_AT + timedelta(hours=14), False),  # a time zone
        (None, None, OTHER_DAY, False),  # nothing to compare with
        (footage.START_AT, OTHER_DAY, None, False),  # cues without dates
    ],
)
def test_dated_subtitles_of_another_flight_are_refused(
    tmp_path: Path,
    context: Made,
    created: datetime | None,
    start: datetime | None,
    dated: datetime | None,
    refused: bool,
) -> None:
    stamp = "" if created is None else f"{created:%Y-%m-%dT%H:%M:%S.000000Z}"
    video = footage.write_mp4(tmp_path / "flight.mp4", 1.0, created=stamp)
    cues = footage.write_srt(tmp_path / "other.SRT", 1.0, dated=dated)
    made = context(hfov_deg=footage.HFOV_DEG, start_at=start)
    if refused:
        with pytest.raises(TelemetryApart) as caught:
            ingest(video, cues, made)
        assert caught.value.where == str(cues)
        assert caught.value.cure
    else:
        assert ingest(video, cues, made).frames_geotagged > 0


def test_packets_alone_tell_how_far_we_agree(tmp_path: Path, context: Made) -> None:
    raw = tmp_path / "only.klv"
    raw.write_bytes(encode(footage.START_AT, footage.numbers_at(0.0)))
    report = ingest(raw, None, context())
    assert (report.kind, report.frames) == ("metadata", 0)
    assert report.klv is not None
    assert report.klv.compared == 1


@pytest.mark.parametrize(
    ("name", "content", "failure"),
    [
        ("none.mp4", None, SourceMissing),
        ("empty.mp4", b"", SourceUnreadable),
        ("text.ts", b"nothing of the kind" * 99, SourceUnreadable),
        ("folder", "folder", SourceUnreadable),
    ],
)
def test_bad_sources_are_named(
    tmp_path: Path, context: Made, name: str, content: bytes | str | None, failure: type[Exception]
) -> None:
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(failure, match=name):
        ingest(path, None, context())


def test_bad_telemetry_is_named(made: Path, tmp_path: Path, context: Made) -> None:
    alone = tmp_path / "alone.mp4"
    alone.write_bytes((made / "flight.mp4").read_bytes())
    with pytest.raises(TelemetryUnreadable, match="no telemetry"):
        ingest(alone, None, context())
    with pytest.raises(SourceMissing):
        ingest(alone, tmp_path / "none.SRT", context())
    text = tmp_path / "film.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    with pytest.raises(TelemetryUnreadable):
        ingest(alone, text, context())


def test_a_network_that_never_runs_is_an_error_and_one_failed_batch_is_not(
    made: Path, bench: Bench
) -> None:
    script = marked_colour(footage.MAGENTA, "car")
    broken = ScriptedDetector(script, fault=DetectorFault.EVERY_BATCH)
    with SharedDetector(broken) as shared, pytest.raises(DetectorFailed):
        ingest(made / "stream.ts", None, bench.context(shared))
    hurt = ScriptedDetector(script, fault=DetectorFault.FIRST_BATCH)
    with SharedDetector(hurt) as shared:
        report = ingest(made / "stream.ts", None, bench.context(shared))
    assert 1 <= report.frames_failed <= 4
    assert report.frames == 56 - report.frames_failed
    assert len(report.incidents) == 1


def test_a_full_disk_is_told_and_the_run_can_go_on(made: Path, bench: Bench, context: Made) -> None:
    bench.vault.fail_next = "disk_full"
    with pytest.raises(DiskFull, match="run the same command again"):
        ingest(made / "stream.ts", None, context())
    assert all(not i.all_evidence or i.observations for i in kept(bench))
    report = ingest(made / "stream.ts", None, context())
    assert report.complete
    assert len(kept(bench)) == 1


def test_progress_is_told_and_the_report_is_json(made: Path, context: Made) -> None:
    told = []
    report = ingest(made / "stream.ts", None, context(progress=told.append))
    assert len(told) == 56
    assert told[-1].frames == 56
    assert told[-1].media_s == pytest.approx(6.875)
    assert told[-1].duration_s == pytest.approx(7.0, abs=0.2)
    document = json.loads(json.dumps(jsonable(report), allow_nan=False))
    for key in ("frames", "frames_geotagged", "detections", "observations", "incidents", "refused"):
        assert key in document


def shared_data(name: str) -> Path:
    root = Path(os.environ.get("QYRAN_SHARED", Path(__file__).parents[3] / "shared"))
    path = root / "data" / name
    if not path.exists():
        pytest.skip(f"{name} is not there (QYRAN_SHARED)")
    return path


@pytest.mark.shared
def test_the_sample_stream(context: Made) -> None:
    report = ingest(shared_data("misb/sample-stream.ts"), None, context())
    assert (report.kind, report.frames, report.frames_geotagged) == ("klv", 277, 277)
    assert report.klv is not None
    assert report.klv.centre_median_m is not None
    assert report.klv.centre_median_m < 1.0


@pytest.mark.shared
def test_the_photographs(context: Made) -> None:
    report = ingest(shared_data("photos"), None, context())
    assert (report.kind, report.frames, report.frames_geotagged) == ("photos", 4, 4)


def test_a_report_is_frozen(made: Path, context: Made) -> None:
    report = ingest(made / "stream.ts", None, context())
    assert replace(report, frames=0) != report
