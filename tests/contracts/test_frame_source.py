"""What every FrameSource promises."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from core.errors import SourceMissing
from core.ids import CameraId
from sim.stream import H264Streamer
from telemetry import st0601
from vision.adapters.av_source import AvSource
from vision.adapters.folder_source import FolderSource
from vision.adapters.memory_source import MemorySource
from vision.model import Frame
from vision.ports import FrameSource

CAMERA = CameraId("cam")
START_AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
COUNT = 12


def picture(number: int) -> np.ndarray:
    return np.full((48, 64, 3), 10 * number, np.uint8)


def at(number: int) -> datetime:
    return START_AT + timedelta(seconds=number)


def stream_source(folder: Path) -> FrameSource:
    path = folder / "stream.ts"
    with H264Streamer(64, 48, 1, path) as stream:
        for number in range(COUNT):
            stream.send(picture(number), at(number))
    return AvSource(path, CAMERA, stamp=st0601.time_stamp)


def folder_source(folder: Path) -> FrameSource:
    for number in range(COUNT):
        exif = Pictures.Exif()
        exif.get_ifd(0x8769)[36867] = at(number).strftime("%Y:%m:%d %H:%M:%S")
        Pictures.fromarray(picture(number)).save(folder / f"{number:02d}.jpg", exif=exif)
    return FolderSource(folder, CAMERA)


def memory_source(folder: Path) -> FrameSource:
    return MemorySource(
        CAMERA, [Frame(CAMERA, n, at(n), picture(n), float(n)) for n in range(COUNT)]
    )


SOURCES: dict[str, Callable[[Path], FrameSource]] = {
    "stream": stream_source,
    "folder": folder_source,
    "memory": memory_source,
}


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> FrameSource:
    return SOURCES[request.param](tmp_path)


def test_frames_come_in_order_of_time_from_one_camera(source: FrameSource) -> None:
    frames = list(source.frames())
    assert [f.captured_at for f in frames] == [at(n) for n in range(COUNT)]
    assert [f.sequence for f in frames] == list(range(COUNT))
    assert {f.camera_id for f in frames} == {source.camera_id} == {CAMERA}
    assert [f.media_time_s for f in frames] == [float(n) for n in range(COUNT)]
    assert source.live is False


def test_pictures_are_three_channels_of_bytes_blue_first(source: FrameSource) -> None:
    for frame in source.frames():
        assert frame.image.shape == (48, 64, 3)
        assert frame.image.dtype == np.uint8
        assert abs(float(frame.image.mean()) - 10 * frame.sequence) < 8


def test_a_second_call_starts_anew(source: FrameSource) -> None:
    first = [f.captured_at for f in source.frames()]
    assert [f.captured_at for f in source.frames()] == first


@pytest.mark.parametrize("start_s", [0.0, 1.0, 4.5, 11.0])
def test_a_start_skips_what_was_before(source: FrameSource, start_s: float) -> None:
    # a stream counts a frame to the start it is nearest to, by a quarter of a frame's time
    wanted = [at(n) for n in range(COUNT) if n >= start_s - 0.25]
    assert [f.captured_at for f in source.frames(start_s)] == wanted


def test_closing_ends_the_frames_soon_and_twice_is_once(source: FrameSource) -> None:
    seen = 0
    for _ in source.frames():
        seen += 1
        if seen == 3:
            source.close()
            source.close()
    assert seen <= 4


def test_closing_what_was_never_opened_does_nothing(source: FrameSource) -> None:
    source.close()
    assert len(list(source.frames())) == COUNT


@pytest.mark.parametrize("make", [AvSource, FolderSource])
def test_what_is_not_there_is_missing(
    make: Callable[[Path, CameraId], FrameSource], tmp_path: Path
) -> None:
    with pytest.raises(SourceMissing):
        list(make(tmp_path / "none", CAMERA).frames())
