import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.refusals import Refusal, RefusalCode
from telemetry.st0601 import KEY, NUMBERS, TEXTS, Packet, checksum, decode, encode, split

AT = datetime(2026, 5, 4, 9, 0, 0, 123_456, tzinfo=UTC)
INSTANTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@st.composite
def some_numbers(draw: st.DrawFn) -> dict[int, float]:
    tags = draw(st.sets(st.sampled_from(sorted(NUMBERS)), max_size=30))
    result = {}
    for tag in tags:
        item = NUMBERS[tag]
        if item.low == item.high:
            result[tag] = float(draw(st.integers(0, 255)))
        else:
            result[tag] = draw(st.floats(item.low, item.high))
    return result


@given(
    INSTANTS,
    some_numbers(),
    st.dictionaries(st.sampled_from(sorted(TEXTS)), st.text(max_size=30), max_size=4),
)
def test_what_is_written_is_read_to_half_a_step(
    at: datetime, numbers: dict[int, float], texts: dict[int, str]
) -> None:
    packet = decode(encode(at, numbers, texts))
    assert isinstance(packet, Packet)
    assert packet.at == at
    assert packet.texts == texts
    assert packet.numbers.keys() == numbers.keys()
    for tag, number in numbers.items():
        assert abs(packet.numbers[tag] - number) <= NUMBERS[tag].step / 2 * (1 + 1e-6) + 1e-9


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_it_raise(data: bytes) -> None:
    for candidate in (data, KEY + data):
        assert isinstance(decode(candidate), Packet | Refusal)
        assert len(list(split(candidate))) <= len(candidate)


@given(st.binary(max_size=120))
def test_a_body_with_a_right_checksum_never_makes_it_raise(body: bytes) -> None:
    head = KEY + bytes([len(body) + 4]) + body + b"\x01\x02"
    assert isinstance(decode(head + checksum(head).to_bytes(2, "big")), Packet | Refusal)


@given(st.data())
def test_every_single_changed_byte_is_found(data: st.DataObject) -> None:
    packet = bytearray(encode(AT, {13: 51.0, 14: 71.4, 15: 400.0}))
    index = data.draw(st.integers(0, len(packet) - 1))
    packet[index] ^= data.draw(st.integers(1, 255))
    assert isinstance(decode(bytes(packet)), Refusal)


@given(st.integers(0, 80))
def test_every_truncation_is_refused(length: int) -> None:
    packet = encode(AT, {13: 51.0, 14: 71.4, 15: 400.0})
    cut = packet[: min(length, len(packet) - 1)]
    answer = decode(cut)
    assert isinstance(answer, Refusal)
    assert answer.code in (RefusalCode.BAD_TELEMETRY, RefusalCode.BAD_CHECKSUM)


def test_a_wrong_checksum_is_named() -> None:
    packet = encode(AT, {13: 51.0})
    answer = decode(packet[:-1] + bytes([packet[-1] ^ 1]))
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.BAD_CHECKSUM


def test_values_of_the_standard_s_own_examples() -> None:
    # ST 0601: heading 0x71C2 is 159.974 degrees, latitude 0x5595B66D is 60.176822966978335
    assert NUMBERS[5].read(bytes.fromhex("71c2")) == pytest.approx(159.97436, abs=1e-5)
    assert NUMBERS[13].read(bytes.fromhex("5595b66d")) == pytest.approx(60.176822966978335)
    assert NUMBERS[15].read(bytes.fromhex("c221")) == pytest.approx(14190.7195, abs=1e-3)
    assert NUMBERS[6].read(bytes.fromhex("fd3d")) == pytest.approx(-0.4315317, abs=1e-6)


@pytest.mark.parametrize(("tag", "raw"), [(6, "8000"), (13, "80000000"), (13, "00"), (5, "")])
def test_the_error_value_and_wrong_lengths_are_not_there(tag: int, raw: str) -> None:
    body = bytes([tag, len(raw) // 2]) + bytes.fromhex(raw)
    head = KEY + bytes([len(body) + 4]) + body + b"\x01\x02"
    packet = decode(head + checksum(head).to_bytes(2, "big"))
    assert isinstance(packet, Packet)
    assert packet.numbers == {}
    assert packet.unread == (tag,)


def test_the_extended_height_is_read_by_imapb() -> None:
    # tag 104: IMAPB(-900, 40000, 3 bytes); 23,456.24 m is 0x2F921E in ST 0601's example
    body = bytes.fromhex("68032f921e")
    head = KEY + bytes([len(body) + 4]) + body + b"\x01\x02"
    packet = decode(head + checksum(head).to_bytes(2, "big"))
    assert isinstance(packet, Packet)
    assert packet.numbers[104] == pytest.approx(23_456.24, abs=0.01)


def test_long_packets_have_a_long_length() -> None:
    packet = decode(encode(AT, {tag: NUMBERS[tag].low for tag in range(82, 90)}, {3: "x" * 120}))
    assert isinstance(packet, Packet)
    assert packet.texts[3] == "x" * 120


def test_corners_come_from_full_places_or_from_offsets() -> None:
    offsets = {23: 51.0, 24: 71.0, **{tag: 0.01 * (tag - 29) for tag in range(26, 34)}}
    packet = decode(encode(AT, offsets))
    assert isinstance(packet, Packet)
    corners = packet.corners()
    assert corners is not None
    assert corners[0] == pytest.approx((50.97, 70.98), abs=1e-5)
    full = {tag: 51.5 if tag % 2 == 0 else 71.5 for tag in range(82, 90)}
    packet = decode(encode(AT, {**offsets, **full}))
    assert isinstance(packet, Packet)
    assert packet.corners() == (pytest.approx((51.5, 71.5), abs=1e-6),) * 4
    del offsets[26]
    packet = decode(encode(AT, offsets))
    assert isinstance(packet, Packet)
    assert packet.corners() is None


def test_packets_are_split_out_of_noise() -> None:
    packets = [encode(AT + timedelta(seconds=n), {13: 51.0}) for n in range(3)]
    noise = b"\x00\x06\x0e\x2b"
    run = noise + packets[0] + noise + packets[1] + packets[2][:-5]
    read = [decode(part) for part in split(run)]
    assert [isinstance(one, Packet) for one in read] == [True, True, False]


@pytest.mark.parametrize(("tag", "number"), [(13, 91.0), (15, -901.0), (5, math.inf), (5, -0.1)])
def test_numbers_out_of_range_can_t_be_written(tag: int, number: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        encode(AT, {tag: number})
