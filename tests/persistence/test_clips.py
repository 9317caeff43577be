import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest

from core.errors import NotFound, SourceMissing, SourceUnreadable
from incidents.adapters.clip_cutter import PacketRing, cut_clip

RATE = 10
GROUP_S = 1.0
LENGTH_S = 6.0


def encode(path: Path, codec: str = "libx264", b_frames: int = 0, begin_s: float = 0.0) -> Path:
    """Six seconds at ten pictures a second; each picture shows its number."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=RATE)
        stream.width, stream.height = 160, 96
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 1_000)
        stream.options = {
            "g": str(int(RATE * GROUP_S)), "bf": str(b_frames), "preset": "ultrafast",
            "sc_threshold": "0", "x265-params": f"log-level=none:keyint={RATE}:min-keyint={RATE}"
            f":bframes={b_frames}:scenecut=0:open-gop=0",
        }  # fmt: skip
        for number in range(int(LENGTH_S * RATE)):
            frame = av.VideoFrame.from_ndarray(picture(number), format="bgr24")
            frame.pts, frame.time_base = (
                round(1_000 * (begin_s + number / RATE)),
                Fraction(1, 1_000),
            )
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def picture(number: int) -> np.ndarray:
    """Its number in black and white stripes, which no codec can blur."""
    image = np.zeros((96, 160, 3), np.uint8)
    for bit in range(8):
        image[:, 20 * bit : 20 * bit + 20] = 255 * (number >> bit & 1)
    return image


def opened(clip: bytes) -> Any:
    return av.open(io.BytesIO(clip))


def numbers(clip: bytes) -> list[int]:
    """Which pictures a clip shows, in order."""
    with opened(clip) as video:
        shown = [f.to_ndarray(format="bgr24") for f in video.decode(video=0)]
    return [
        sum(int(image[:, 20 * bit + 5 : 20 * bit + 15].mean() > 127) << bit for bit in range(8))
        for image in shown
    ]


def atoms(clip: bytes) -> list[str]:
    found, at = [], 0
    while at < len(clip):
        found.append(clip[at + 4 : at + 8].decode())
        at += int.from_bytes(clip[at : at + 4], "big")
    return found


def filled(path: Path, keep_s: float = 60.0) -> PacketRing:
    ring = PacketRing(keep_s)
    with av.open(str(path)) as source:
        for packet in source.demux(source.streams.video[0]):
            ring.add(packet)
    return ring


FORMS = pytest.mark.parametrize(
    ("name", "codec", "b_frames"),
    [
        ("v.mp4", "libx264", 0),
        ("v.mp4", "libx264", 2),
        ("v.ts", "libx264", 0),
        ("v.ts", "libx264", 2),
        ("v.mkv", "libx264", 2),
        ("v.mp4", "libx265", 0),
        ("v.ts", "libx265", 2),
    ],
)


@FORMS
def test_a_ring_cuts_what_a_file_holds(
    tmp_path: Path, name: str, codec: str, b_frames: int
) -> None:
    path = encode(tmp_path / name, codec, b_frames)
    clip = filled(path).cut(2.35, 4.0)
    shown = numbers(clip)
    assert shown[0] == 20  # the keyframe before the start
    assert shown == list(range(20, 20 + len(shown)))
    assert 40 <= max(shown) <= 40 + b_frames + 1
    assert atoms(clip).index("moov") < atoms(clip).index("mdat")
    file_clip = numbers(cut_clip(path, 2.35, 4.0))
    assert file_clip == shown


@FORMS
def test_the_times_in_a_clip_are_those_of_the_stream(
    tmp_path: Path, name: str, codec: str, b_frames: int
) -> None:
    clip = filled(encode(tmp_path / name, codec, b_frames)).cut(1.0, 3.0)
    with opened(clip) as video:
        times = [float(f.pts * f.time_base) for f in video.decode(video=0)]
    steps = np.diff(times)
    assert steps == pytest.approx(np.full(len(steps), 1 / RATE), abs=0.002)


def test_pictures_that_lean_on_what_was_before_the_clip_are_left_out(tmp_path: Path) -> None:
    """An open group: after its keyframe come pictures that are shown before it."""
    ring = PacketRing()
    with av.open(str(encode(tmp_path / "v.ts", b_frames=2))) as source:
        stream = source.streams.video[0]
        for number, packet in enumerate(source.demux(stream)):
            if packet.dts is not None:
                packet.is_keyframe = number in (0, 4)  # two are shown before the fifth
                ring.add(packet)
    with opened(ring.cut(1.0, 3.0)) as video:
        stamps = [p.pts for p in video.demux(video=0) if p.pts is not None]
    assert min(stamps) == stamps[0]


def test_a_stream_that_begins_late_counts_from_its_beginning(tmp_path: Path) -> None:
    path = encode(tmp_path / "v.ts", begin_s=500.0)
    assert numbers(filled(path).cut(2.0, 2.5))[0] == 20
    assert numbers(cut_clip(path, 2.0, 2.5))[0] == 20


def test_the_caller_may_count_the_time_otherwise(tmp_path: Path) -> None:
    ring = PacketRing()
    with av.open(str(encode(tmp_path / "v.ts"))) as source:
        for packet in source.demux(source.streams.video[0]):
            if packet.pts is not None:
                ring.add(packet, 1_000.0 + packet.pts / 90_000)
    assert numbers(ring.cut(1_002.0, 1_002.5))[0] in (18, 19, 20)


def test_the_packet_can_be_decoded_afterwards(tmp_path: Path) -> None:
    ring, decoded = PacketRing(), 0
    with av.open(str(encode(tmp_path / "v.mp4"))) as source:
        for packet in source.demux(source.streams.video[0]):
            ring.add(packet)
            decoded += len(packet.decode())
    assert decoded == LENGTH_S * RATE


def test_only_the_newest_seconds_are_kept(tmp_path: Path) -> None:
    ring = filled(encode(tmp_path / "v.mp4"), keep_s=2.0)
    span = ring.span
    assert span is not None
    assert span == pytest.approx((3.0, 5.9))  # a group more than asked for, at most
    assert numbers(ring.cut(0.0, 10.0))[0] == 30
    with pytest.raises(NotFound):
        ring.cut(0.0, 2.0)
    with pytest.raises(NotFound):
        ring.cut(7.0, 9.0)
    with pytest.raises(NotFound):
        ring.cut(5.0, 4.0)


def test_memory_is_bounded_whatever_the_time_says(tmp_path: Path) -> None:
    ring = PacketRing(keep_s=1e9, most_bytes=3_000)
    kept = []
    with av.open(str(encode(tmp_path / "v.mp4"))) as source:
        for packet in source.demux(source.streams.video[0]):
            ring.add(packet)
            kept.append(sum(len(p.data) for p in ring._packets))
    assert 0 < max(kept) <= 3_000
    assert ring.span is not None


def test_an_empty_ring_has_no_clip() -> None:
    assert PacketRing().span is None
    with pytest.raises(NotFound):
        PacketRing().cut(0, 1)


def test_a_stream_that_starts_anew_is_another_film(tmp_path: Path) -> None:
    path = encode(tmp_path / "v.ts")
    ring = filled(path)
    with av.open(str(path)) as source:
        packets = source.demux(source.streams.video[0])
        for _ in range(15):
            ring.add(next(packets))
    assert ring.span == pytest.approx((0.0, 1.4))
    assert numbers(ring.cut(0.0, 9.0)) == list(range(15))


def test_a_loop_of_one_stream_is_another_film_too(tmp_path: Path) -> None:
    ring = PacketRing()
    with av.open(str(encode(tmp_path / "v.mp4"))) as source:
        stream: Any = source.streams.video[0]
        for _ in range(2):
            source.seek(0, stream=stream)
            for packet in source.demux(stream):
                if packet.dts is not None and float(packet.pts * packet.time_base) < 2:
                    ring.add(packet)
    shown = numbers(ring.cut(0.0, 9.0))
    assert shown == sorted(shown)


def test_parameter_sets_that_only_the_header_has_get_into_the_clip(tmp_path: Path) -> None:
    """As an RTSP camera may do: nothing in the packets says how to decode them."""
    path = encode(tmp_path / "v.ts")
    ring = PacketRing()
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        for packet in source.demux(stream):
            if packet.size:
                bare = av.Packet(without_parameter_sets(bytes(packet)))
                bare.pts, bare.dts, bare.time_base = packet.pts, packet.dts, packet.time_base
                bare.is_keyframe, bare.stream = packet.is_keyframe, stream
                ring.add(bare)
        clip = ring.cut(2.0, 3.0)
    assert numbers(clip)[:5] == [20, 21, 22, 23, 24]


def without_parameter_sets(data: bytes) -> bytes:
    units = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    return b"".join(b"\0\0\1" + u for u in units if u[0] & 31 not in (7, 8))


def test_cutting_while_adding(tmp_path: Path) -> None:
    path = encode(tmp_path / "v.mp4", b_frames=2)
    ring = filled(path)
    failures: list[Exception] = []

    def cut() -> None:
        for _ in range(10):
            try:
                assert numbers(ring.cut(0.0, 10.0))
            except NotFound:
                pass
            except Exception as error:  # told below, in the test's own thread
                failures.append(error)

    threads = [Thread(target=cut) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        with av.open(str(path)) as source:
            for packet in source.demux(source.streams.video[0]):
                ring.add(packet)
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_codec_that_can_not_be_cut_is_told(tmp_path: Path) -> None:
    path = encode(tmp_path / "v.mkv", "mpeg4")
    with pytest.raises(SourceUnreadable, match="mpeg4"):
        filled(path)


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        cut_clip(tmp_path / "none.mp4", 0, 1)
    (tmp_path / "text.mp4").write_text("not a video" * 100)
    with pytest.raises(SourceUnreadable):
        cut_clip(tmp_path / "text.mp4", 0, 1)
    path = encode(tmp_path / "v.mp4")
    with pytest.raises(NotFound):
        cut_clip(path, 20, 30)
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(SourceUnreadable):
        cut_clip(path, 0, 1)


@pytest.mark.parametrize("limit_bytes", [0, 40, 1_000, 2_500])
def test_no_room_for_a_clip_is_told(tmp_path: Path, limit_bytes: int) -> None:
    """A real limit on the size of files, reached at the header, the pictures or the end."""
    path = encode(tmp_path / "v.mp4")
    size = len(filled(path).cut(0, 9))
    assert size > limit_bytes
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "import av\n"
        "from core.errors import DiskFull\n"
        "from incidents.adapters.clip_cutter import PacketRing, cut_clip\n"
        "ring = PacketRing()\n"
        "with av.open(sys.argv[1]) as source:\n"
        "    for packet in source.demux(source.streams.video[0]):\n"
        "        ring.add(packet)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))\n"
        "told = 0\n"
        "for cut in (lambda: ring.cut(0, 9), lambda: cut_clip(Path(sys.argv[1]), 0, 9)):\n"
        "    try:\n"
        "        cut()\n"
        "    except DiskFull:\n"
        "        told += 1\n"
        "sys.exit(told)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path), str(limit_bytes)],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ended.returncode == 2
