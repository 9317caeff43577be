"""Folders of photographs: what vouches for what, and what is counted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pictures

from geo.local_frame import distance_m
from incidents.model import EvidenceRole, Incident
from incidents.ports import IncidentFilter
from station.ingest import IngestContext, IngestReport, ingest
from station.output import jsonable
from tests.ingest import footage
from tests.ingest.conftest import Bench

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


XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {fields}/></x:xmpmeta>'


def write_photos(folder: Path, count: int = 4, *, gimbal: bool = True) -> Path:
    folder.mkdir()
    for n in range(count):
        t_s = 2.0 * n
        pose = footage.pose_at(t_s)
        lat, lon = footage.ORIGIN.to_geo1_deg(pose.east_m, pose.north_m)
        fields = {
            "GpsLatitude": f"{lat:.8f}", "GpsLongitude": f"{lon:.8f}",
            "RelativeAltitude": f"+{pose.up_m}",
            "CalibratedFocalLength": f"{footage.LENS.fx_px}",
        }  # fmt: skip
        if gimbal:
            fields |= {
                "GimbalYawDegree": f"{pose.yaw_deg}", "GimbalPitchDegree": f"{pose.pitch_deg}",
                "GimbalRollDegree": "0.0",
            }  # fmt: skip
        text = " ".join(f'drone-dji:{k}="{v}"' for k, v in fields.items())
        exif = Pictures.Exif()
        exif.get_ifd(0x8769)[36867] = f"2026:05:04 09:00:{round(t_s):02d}"
        rgb = np.ascontiguousarray(footage.picture(t_s)[:, :, ::-1])
        Pictures.fromarray(rgb).save(
            folder / f"DJI_{n:04d}.JPG", exif=exif, xmp=XMP.format(fields=text).encode(), quality=95
        )
    return folder


def test_overlapping_photographs_vouch_for_each_other(
    tmp_path: Path, bench: Bench, context: Made
) -> None:
    folder = write_photos(tmp_path / "photos")
    report = ingest(folder, None, context())
    assert (report.kind, report.frames, report.frames_geotagged) == ("photos", 4, 4)
    (incident,) = kept(bench)
    assert report.incidents == (incident.incident_id,)
    assert away_m(incident) < 1.5
    assert incident.observations[0].sightings >= 2
    assert {e.role for e in incident.all_evidence} == {EvidenceRole.PICTURE, EvidenceRole.CROP}
    again = ingest(folder, None, context())
    assert flat(again) == flat(report)
    assert len(kept(bench)) == 1


def test_a_single_photograph_is_too_brief_for_any_rule(
    tmp_path: Path, bench: Bench, context: Made
) -> None:
    folder = write_photos(tmp_path / "photos", 1)
    report = ingest(folder / "DJI_0000.JPG", None, context())
    assert (report.frames, report.observations) == (1, report.detections)
    assert report.refused["too_brief"] == 1
    assert kept(bench) == []


def test_photographs_without_gimbal_and_broken_ones_are_counted(
    tmp_path: Path, context: Made
) -> None:
    folder = write_photos(tmp_path / "photos", 2, gimbal=False)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    report = ingest(folder, None, context())
    assert report.refused == {"unknown_gimbal": 2, "undecodable": 1}
    assert report.frames_undecodable == 1
    assert [(r.first_frame, r.last_frame, r.code, r.reason) for r in report.refused_frames] == [
        (0, 1, "unknown_gimbal", "a picture without the gimbal's angles"),
        (2, 2, "undecodable", "picture broken.jpg can't be read"),
    ]
