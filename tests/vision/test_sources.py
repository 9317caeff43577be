import io
import logging
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pictures

from core.errors import SourceMissing, SourceUnreadable
from core.ids import CameraId
from sim.stream import H264Streamer, TcpSink, UdpSink
from telemetry import st0601
from vision.adapters.av_source import AvSource
from vision.adapters.folder_source import FolderSource
from vision.adapters.stream_reader import shown_url

CAMERA = CameraId("cam")
START_AT = datetime(2026, 5, 4, 9, 0, 0, 250_000, tzinfo=UTC)
FPS, FRAMES = 10, 30
DEADLINE_S = 20.0


def picture(number: int, width: int = 160, height: int = 96) -> np.ndarray:
    image = np.full((height, width, 3), 40, np.uint8)
    image[:, 4 * number : 4 * number + 12] = (0, 0, 230)
    return image


def sent_at(number: int) -> datetime:
    return START_AT + timedelta(seconds=number / FPS)


def feed(sink: object, frames: int = FRAMES) -> None:
    with H264Streamer(160, 96, FPS, sink) as stream:  # type: ignore[arg-type]
        for number in range(frames):
            stream.send(picture(number), sent_at(number), {16: 60.0})


@pytest.fixture(scope="module")
def ts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ts") / "stream.ts"
    feed(path)
    return path


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mp4") / "video.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.options = {"g": "10", "bf": "2"}
        for number in range(FRAMES):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="bgr24")))
        out.mux(stream.encode(None))
    return path


def bar_of(image: np.ndarray) -> float:
    """Where the red bar is: the middle of the reddest columns."""
    redness = image[:, :, 2].astype(float).mean(axis=0) - image[:, :, 0].mean(axis=0)
    return float(np.flatnonzero(redness > 60).mean())


def test_a_stream_dates_each_frame_by_its_own_metadata(ts: Path) -> None:
    wrong = datetime(1999, 1, 1, tzinfo=UTC)
    frames = list(AvSource(ts, CAMERA, epoch=wrong, stamp=st0601.time_stamp).frames())
    assert [f.captured_at for f in frames] == [sent_at(n) for n in range(FRAMES)]
    assert [f.sequence for f in frames] == list(range(FRAMES))
    for number, frame in enumerate(frames):
        assert bar_of(frame.image) == pytest.approx(4 * number + 5.5, abs=1.0)


def test_without_metadata_time_is_the_epoch_and_the_media_time(mp4: Path) -> None:
    frames = list(AvSource(mp4, CAMERA, epoch=START_AT).frames())
    assert len(frames) == FRAMES
    for number, frame in enumerate(frames):
        assert frame.media_time_s == pytest.approx(number / FPS, abs=1e-6)
        assert abs(frame.captured_at - sent_at(number)) < timedelta(microseconds=10)


def test_metadata_that_is_all_broken_falls_back_to_the_epoch(tmp_path: Path) -> None:
    path = tmp_path / "broken.ts"
    feed(path)
    frames = list(AvSource(path, CAMERA, epoch=START_AT, stamp=lambda data: None).frames())
    assert len(frames) == FRAMES
    assert frames[0].captured_at == START_AT


@pytest.mark.parametrize("start_s", [0.0, 0.7, 1.0, 2.85, 2.9])
def test_a_start_gives_the_very_frames_from_there_on(mp4: Path, ts: Path, start_s: float) -> None:
    for path in (mp4, ts):
        source = AvSource(path, CAMERA, epoch=START_AT)
        whole = [f.media_time_s for f in source.frames()]
        part = list(source.frames(start_s))
        wanted = [t for t in whole if t >= start_s - 0.25 / FPS - 1e-6]
        assert [f.media_time_s for f in part] == pytest.approx(wanted)
        assert bar_of(part[0].image) == pytest.approx(4 * wanted[0] * FPS + 5.5, abs=1.0)


def test_a_lower_rate_leaves_frames_out_evenly(mp4: Path) -> None:
    times = [f.media_time_s for f in AvSource(mp4, CAMERA, epoch=START_AT, fps=5).frames()]
    assert times == pytest.approx([n / 5 for n in range(15)])


def test_metadata_and_packets_are_handed_on(ts: Path) -> None:
    packets: list[av.Packet] = []
    data: list[tuple[bytes, float]] = []
    source = AvSource(
        ts, CAMERA, epoch=START_AT, packet_tap=packets.append,
        on_data=lambda raw, at_s: data.append((raw, at_s)),
    )  # fmt: skip
    assert len(list(source.frames())) == FRAMES
    assert len(packets) == FRAMES
    assert packets[0].is_keyframe
    assert [at_s for _, at_s in data] == pytest.approx([n / FPS for n in range(FRAMES)])
    assert [st0601.time_stamp(raw) for raw, _ in data] == [sent_at(n) for n in range(FRAMES)]


def test_a_file_like_is_read_and_may_be_read_again(ts: Path) -> None:
    held = io.BytesIO(ts.read_bytes())
    source = AvSource(held, CAMERA, stamp=st0601.time_stamp)
    assert len(list(source.frames())) == FRAMES
    assert len(list(source.frames())) == FRAMES


def test_a_truncated_stream_gives_what_is_whole(ts: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.ts"
    path.write_bytes(ts.read_bytes()[: ts.stat().st_size // 2])
    frames = list(AvSource(path, CAMERA, stamp=st0601.time_stamp).frames())
    assert 5 < len(frames) < FRAMES


def test_broken_packets_are_counted_and_passed_over(mp4: Path, tmp_path: Path) -> None:
    path = tmp_path / "hurt.mp4"
    data = bytearray(mp4.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(bytes(data))
    source = AvSource(path, CAMERA, epoch=START_AT)
    shown = len(list(source.frames()))
    assert 0 < shown < FRAMES
    assert source.stats.undecodable > 0


@pytest.mark.parametrize(
    ("name", "content", "failure"),
    [
        ("missing.mp4", None, SourceMissing),
        ("empty.mp4", b"", SourceUnreadable),
        ("text.mp4", b"this is no video\n" * 100, SourceUnreadable),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n", SourceUnreadable),
        ("concat.ffconcat", b"ffconcat version 1.0\nfile /etc/hostname\n", SourceUnreadable),
        ("head.mp4", "truncated", SourceUnreadable),
    ],
)
def test_bad_input_is_named(
    tmp_path: Path, mp4: Path, name: str, content: bytes | str | None, failure: type[Exception]
) -> None:
    path = tmp_path / name
    if content == "truncated":
        path.write_bytes(mp4.read_bytes()[:600])  # the index at the end is gone
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(failure) as raised:
        list(AvSource(path, CAMERA).frames())
    assert name in str(raised.value)


def test_a_folder_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable):
        list(AvSource(tmp_path, CAMERA).frames())


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        for packet in [*stream.encode(sound), *stream.encode(None)]:
            out.mux(packet)
    with pytest.raises(SourceUnreadable, match="no video stream"):
        list(AvSource(path, CAMERA).frames())


@pytest.mark.parametrize("scheme", ["http", "ftp", "concat", "data"])
def test_other_addresses_are_not_opened(scheme: str) -> None:
    with pytest.raises(SourceMissing, match="not read"):
        list(AvSource(f"{scheme}://127.0.0.1:1/x.mp4", CAMERA).frames())


def test_passwords_are_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    address = "rtsp://user:s3cret@127.0.0.1:9/stream?token=t0ken"
    with pytest.raises(SourceMissing) as raised:
        list(AvSource(address, CAMERA, patience_s=1.0).frames())
    told = f"{raised.value!r} {raised.value} {raised.value.__cause__!r} {caplog.text}"
    assert "127.0.0.1:9/stream" in told
    assert "s3cret" not in told
    assert "t0ken" not in told
    assert shown_url(address) == "rtsp://127.0.0.1:9/stream"
    assert shown_url("flight.mp4") == "flight.mp4"


def test_a_tcp_stream_arrives_whole_and_dated() -> None:
    sink = TcpSink()
    sender = threading.Thread(target=feed, args=(sink,))
    sender.start()
    frames = list(AvSource(sink.url, CAMERA, live=True, stamp=st0601.time_stamp).frames())
    sender.join(DEADLINE_S)
    assert [f.captured_at for f in frames] == [sent_at(n) for n in range(FRAMES)]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_udp_stream_arrives_and_its_silence_is_told() -> None:
    url = f"udp://127.0.0.1:{free_port()}"
    source = AvSource(url, CAMERA, live=True, stamp=st0601.time_stamp, patience_s=0.5)
    frames = []
    again = threading.Event()

    def send() -> None:
        while not again.wait(0.05):  # datagrams before the receiver listens are lost
            feed(UdpSink(url))

    sender = threading.Thread(target=send)
    sender.start()

    def receive() -> None:
        for frame in source.frames():
            frames.append(frame)
            again.set()

    with pytest.raises(SourceMissing, match="silent"):
        receive()
    sender.join(DEADLINE_S)
    assert len(frames) >= FRAMES // 2
    assert {f.captured_at for f in frames} <= {sent_at(n) for n in range(FRAMES)}


RTSP_SENDER = """
import sys, time
import av, numpy as np
url, deadline = sys.argv[1], time.monotonic() + 15
while time.monotonic() < deadline:
    try:
        with av.open(url, "w", format="rtsp", options={"rtsp_transport": "tcp"}) as out:
            stream = out.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
            stream.options = {"tune": "zerolatency", "g": "5"}
            for number in range(200):
                image = np.full((96, 160, 3), number, np.uint8)
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        break
    except OSError:
        time.sleep(0.05)
"""


def test_an_rtsp_stream_arrives() -> None:
    # the sender is a process of its own: FFmpeg's two ends of one handshake share no lock then
    url = f"rtsp://127.0.0.1:{free_port()}/camera"
    options = {"rtsp_flags": "listen", "rtsp_transport": "tcp", "listen_timeout": "15"}
    source = AvSource(url, CAMERA, live=True, epoch=START_AT, options=options, patience_s=10.0)
    with subprocess.Popen(
        [sys.executable, "-c", RTSP_SENDER, url], stderr=subprocess.DEVNULL
    ) as sender:
        frames = []
        for frame in source.frames():
            frames.append(frame)
            if len(frames) == 12:
                source.close()
        sender.terminate()
    assert len(frames) == 12
    steps = [(b.captured_at - a.captured_at).total_seconds() for a, b in pairwise(frames)]
    assert min(steps) > 0
    # the first stamps precede the sender's clock report, as with any RTSP camera
    assert steps[-5:] == pytest.approx([0.1] * 5, abs=0.01)


def test_closing_ends_a_blocked_read_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        source = AvSource(url, CAMERA, live=True, patience_s=60.0)
        ended = threading.Event()

        def receive() -> None:
            assert list(source.frames()) == []
            ended.set()

        receiver = threading.Thread(target=receive)
        receiver.start()
        connection, _ = server.accept()
        with connection:
            source.close()
            assert ended.wait(5.0)
        receiver.join()
        source.close()


def test_nobody_who_sends_is_named() -> None:
    with pytest.raises(SourceMissing, match="can't be reached"):
        list(AvSource(f"tcp://127.0.0.1:{free_port()}", CAMERA, patience_s=1.0).frames())


def save(path: Path, taken: str | None, *, orientation: int = 1, offset: str = "") -> None:
    image = np.zeros((30, 60, 3), np.uint8)
    image[:, :10] = (250, 0, 0)
    exif = Pictures.Exif()
    exif[274] = orientation
    if taken:
        exif.get_ifd(0x8769)[36867] = taken
    if offset:
        exif.get_ifd(0x8769)[36881] = offset
    Pictures.fromarray(image).save(path, exif=exif, quality=95)


def test_pictures_come_in_order_of_capture_and_upright(tmp_path: Path) -> None:
    save(tmp_path / "b.jpg", "2026:05:04 10:00:00")
    save(tmp_path / "a.jpg", "2026:05:04 10:00:05", orientation=6)
    save(tmp_path / "c.JPG", "2026:05:04 14:59:58", offset="+05:00")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (tmp_path / "notes.txt").write_text("no picture")
    source = FolderSource(tmp_path, CAMERA)
    frames = list(source.frames())
    assert [f.name for f in frames] == ["c.JPG", "b.jpg", "a.jpg"]
    assert frames[1].captured_at == datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
    assert frames[0].captured_at == datetime(2026, 5, 4, 9, 59, 58, tzinfo=UTC)
    assert [f.media_time_s for f in frames] == [0.0, 2.0, 7.0]
    assert source.undecodable == 1
    assert source.broken == ["broken.jpg"]
    assert frames[1].image.shape == (30, 60, 3)
    assert frames[1].image[15, 3, 2] > 200  # red, as blue, green, red
    assert frames[2].image.shape == (60, 30, 3)
    assert frames[2].image[3, 15, 2] > 200  # the left border has become the upper one


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable):
        list(FolderSource(tmp_path, CAMERA).frames())
    with pytest.raises(SourceMissing):
        list(FolderSource(tmp_path / "none", CAMERA).frames())
    (tmp_path / "x.jpg").write_bytes(b"no")
    with pytest.raises(SourceUnreadable):
        list(FolderSource(tmp_path, CAMERA).frames())


def test_a_stream_refuses_other_sizes_and_time_that_stands_still(tmp_path: Path) -> None:
    with H264Streamer(160, 96, FPS, tmp_path / "x.ts") as stream:
        stream.send(picture(0), START_AT)
        with pytest.raises(ValueError, match="order of time"):
            stream.send(picture(0), START_AT)
        with pytest.raises(ValueError, match="stream of"):
            stream.send(np.zeros((10, 10, 3), np.uint8), START_AT + timedelta(seconds=1))


def test_a_stream_that_nobody_takes_is_told() -> None:
    with pytest.raises(SourceMissing, match="nobody takes"):
        feed(TcpSink(patience_s=0.1))
