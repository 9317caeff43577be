"""Our reader of MAVLink frames beside pymavlink's, and against whatever else comes."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import common as m
from pymavlink.generator.mavcrc import x25crc

from telemetry.mavlink_frames import LAYOUTS, FrameReader, checksum

KINDS = {number: m.mavlink_map[number] for number in LAYOUTS}


def codec(system: int = 7, **options: Any) -> Any:
    made = m.MAVLink(None, srcSystem=system, srcComponent=1)
    made.robust_parsing = True
    return made


@st.composite
def messages(draw: st.DrawFn) -> Any:
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    values = []
    for name, what, size in zip(kind.fieldnames, kind.fieldtypes, kind.array_lengths, strict=True):
        if what == "char":
            values.append(draw(st.binary(max_size=size)))
        elif what == "float":
            values.append(draw(st.floats(width=32, allow_nan=False, allow_infinity=False)))
        else:
            bits = int("".join(c for c in what if c.isdigit()))
            low, high = (
                (0, 2**bits - 1) if what[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            )
            values.append(draw(st.integers(low, high)))
        assert name
    return kind(*values)


@given(st.lists(messages(), min_size=1, max_size=4), st.booleans())
def test_it_reads_what_pymavlink_reads(sent: list[Any], old: bool) -> None:
    speaker, reader = codec(), FrameReader()
    data = b"".join(one.pack(speaker, force_mavlink1=old) for one in sent)
    frames = list(reader.frames(data))
    theirs = codec().parse_buffer(data)
    assert [frame.name for frame in frames] == [one.get_type() for one in theirs]
    for frame, one in zip(frames, theirs, strict=True):
        assert (frame.system_id, frame.component_id) == (7, 1)
        layout = next(x for x in LAYOUTS.values() if x.name == frame.name)
        for name, value in layout.as_fields(frame.values).items():
            wanted = getattr(one, name)
            if isinstance(value, bytes):  # theirs is cut and decoded already
                value = value.split(b"\0")[0].decode(errors="replace")
                wanted = wanted.split("\0")[0]
                assert value == wanted or not value.isascii()
                continue
            assert value == wanted or (math.isnan(value) and math.isnan(wanted))
    assert (reader.damaged, reader.noise_bytes) == (0, 0)


@pytest.mark.parametrize("number", sorted(LAYOUTS))
def test_the_layouts_are_those_of_the_protocol(number: int) -> None:
    layout, kind = LAYOUTS[number], KINDS[number]
    assert (layout.name, layout.seed) == (kind.msgname, kind.crc_extra)
    assert layout.packed.size == kind.unpacker.size
    assert layout.fields == tuple(kind.ordered_fieldnames)


@given(st.binary(max_size=300))
def test_the_checksum_is_mavlinks(data: bytes) -> None:
    assert checksum(data) == x25crc(data).crc


def a_position(speaker: Any, boot_ms: int = 1000) -> bytes:
    message = m.MAVLink_global_position_int_message(boot_ms, 1, 2, 3, 4, 5, 6, 7, 8)
    return bytes(message.pack(speaker))


def test_what_is_not_wanted_is_passed_over_and_signed_frames_are_read() -> None:
    speaker, reader = codec(), FrameReader()
    other = m.MAVLink_raw_imu_message(1, 2, 3, 4, 5, 6, 7, 8, 9, 10).pack(speaker)
    speaker.signing.secret_key, speaker.signing.sign_outgoing = b"k" * 32, True
    signed = a_position(speaker)
    assert signed[2] & 1
    found = list(reader.frames(bytes(other) + signed + a_position(speaker, 2000)))
    assert [frame.values[0] for frame in found] == [1000, 2000]
    assert reader.passed_over == 1


@given(st.integers(0, 39), st.integers(1, 255))
def test_one_wrong_byte_never_gives_another_message(place: int, flip: int) -> None:
    whole = a_position(codec())
    broken = bytearray(whole)
    place %= len(whole)
    broken[place] ^= flip
    for frame in FrameReader().frames(bytes(broken)):
        # the flags that are not in the way of reading may differ; what is said may not
        assert place in (0, 2) or frame.values == next(FrameReader().frames(whole)).values


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(a_position(codec()))), max_size=8))
def test_nothing_makes_it_raise_and_noise_before_a_frame_hides_nothing(parts: list[bytes]) -> None:
    reader = FrameReader()
    list(reader.frames(b"".join(parts)))
    assert [frame.name for frame in reader.frames(b"\x00\x01\x02" + a_position(codec()))] == [
        "GLOBAL_POSITION_INT"
    ]


def test_a_frame_that_is_cut_off_is_noise() -> None:
    reader, whole = FrameReader(), a_position(codec())
    for stop in range(len(whole)):
        assert list(reader.frames(whole[:stop])) == []
    assert struct.calcsize("<H") == 2
