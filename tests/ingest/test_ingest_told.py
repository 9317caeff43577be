"""What an ingest tells of its footage: times, broken frames, options that have no use."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pictures

from core.errors import SourceMissing, SourceUnreadable
from station.ingest import ingest
from tests.ingest import footage
from tests.ingest.conftest import Bench
from tests.ingest.test_ingest import HFOV, Made
from tests.ingest.test_ingest_photos import write_photos
from vision.adapters.scripted_detector import ScriptedDetector, marked_colour
from vision.shared_detector import SharedDetector


def test_photographs_without_a_date_have_that_of_their_file_and_say_so(
    tmp_path: Path, context: Made
) -> None:
    folder = write_photos(tmp_path / "photos", 2)
    assert ingest(folder, None, context()).time_basis == "exif"
    for name in ("DJI_0001.JPG", "DJI_0000.JPG"):
        before = Pictures.open(folder / name)
        before.load()
        before.save(folder / name, exif=Pictures.Exif(), xmp=before.info["xmp"])
        report = ingest(folder, None, context())
        assert report.time_basis == ("exif and file_time" if "1" in name else "file_time")


def test_a_start_that_is_not_used_is_told(made: Path, tmp_path: Path, context: Made) -> None:
    told = context(start_at=footage.START_AT, stopped=lambda: True)
    (note,) = ingest(made / "stream.ts", None, told).notes
    assert "--start is not used" in note
    (note,) = ingest(write_photos(tmp_path / "photos", 1), None, told).notes
    assert "--start is not used" in note
    assert ingest(made / "stream.ts", None, context(stopped=lambda: True)).notes == ()
    used = context(start_at=footage.START_AT, stopped=lambda: True)
    assert ingest(made / "flight.mp4", None, used).notes == ()


@pytest.mark.parametrize("fps", [None, 4.0])
def test_frames_that_can_not_be_decoded_are_named(
    made: Path, tmp_path: Path, context: Made, fps: float | None
) -> None:
    path = tmp_path / "hurt.mp4"
    data = bytearray((made / "flight.mp4").read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(bytes(data))
    report = ingest(path, made / "flight.SRT", context(hfov_deg=HFOV, fps=fps))
    assert report.frames_undecodable > 0
    lost = [stretch for stretch in report.refused_frames if stretch.code == "undecodable"]
    assert lost
    assert all(stretch.reason == "a frame that could not be decoded" for stretch in lost)
    assert 0 < lost[0].first_frame <= lost[-1].last_frame
    if fps is None:
        named = sum(stretch.last_frame - stretch.first_frame + 1 for stretch in lost)
        assert named == report.frames_undecodable
        assert lost[-1].last_frame < report.frames + named


@pytest.mark.parametrize(
    "changes", [{"fps": 4.0}, {"hfov_deg": 50.0}, {"start_at": footage.START_AT}]
)
def test_a_resume_with_another_option_starts_anew(
    made: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    seen = [0]

    def enough() -> bool:
        seen[0] += 1
        return seen[0] >= 40

    # nothing in sight: what was taken has been judged, and a run may go on from there
    blind = Bench(tmp_path / "home", detector=ScriptedDetector(marked_colour((0, 255, 255), "car")))
    with SharedDetector(blind.detector) as shared:
        first = blind.context(shared, hfov_deg=HFOV, stopped=enough)
        assert not ingest(made / "flight.mp4", None, first).complete
        other = replace(first, stopped=lambda: True, **changes)
        assert ingest(made / "flight.mp4", None, other).resumed_from_s is None
        same = replace(first, stopped=lambda: False)  # not disturbed by the other
        assert ingest(made / "flight.mp4", None, same).resumed_from_s is not None


@pytest.mark.parametrize("name", ["pipe.mp4", "pipe.jpg", "pipe"])
def test_a_pipe_is_refused_at_once(tmp_path: Path, context: Made, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(SourceUnreadable, match="neither a file nor a folder"):
        ingest(tmp_path / name, None, context())


def test_a_pipe_is_no_telemetry(made: Path, tmp_path: Path, context: Made) -> None:
    os.mkfifo(tmp_path / "pipe.SRT")
    with pytest.raises(SourceMissing):
        ingest(made / "flight.mp4", tmp_path / "pipe.SRT", context())
