"""Signatures, keys and the guard: what is not signed, not listed or not whole does not pass."""

import asyncio
import json
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import common as m

from core.errors import SigningUnavailable
from core.ids import AssetId
from sim.clock import ManualClock
from sim.mavlink_ids import demand_signatures
from telemetry.adapters.guarded_address import guarded_address
from telemetry.adapters.signing_keys import read_key, rules_for
from telemetry.adapters.wire_guard import GuardRules, WireGuard, checksum_bytes
from telemetry.mavlink_signing import Signer, Verifier, checksum, frames, ticks, unsigned
from tests.builders import NOW

EXTRAS = checksum_bytes()
KEY = bytes(range(32))
OTHER = bytes(range(1, 33))
DRIVER = ("127.0.0.1", 14_541)
VEHICLE = ("10.1.2.3", 14_550)
DRONE = AssetId("drone-1")


def a_codec(key: bytes | None = None, at=NOW) -> m.MAVLink:
    codec = m.MAVLink(None, srcSystem=1, srcComponent=1)
    codec.robust_parsing = True
    if key is not None:
        demand_signatures(codec, key, at)
    return codec


def a_heartbeat(codec: m.MAVLink) -> bytes:
    packed: bytes = m.MAVLink_heartbeat_message(2, 12, 81, 0, 4, 3).pack(codec)
    return packed


def one(data: bytes):
    (frame,) = frames(data)
    assert frame is not None
    return frame


class Wire:
    """Takes what a guard sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, tuple[str, int]]] = []

    def sendto(self, data: bytes, addr: tuple[str, int]) -> None:
        self.sent.append((data, addr))


def a_guard(key: bytes | None = None, peers: str = "10.1.0.0/16") -> tuple[WireGuard, Wire, Wire]:
    guard = WireGuard(GuardRules((ip_network(peers),), key), ManualClock(NOW), DRIVER)
    outer, inner = Wire(), Wire()
    guard.open(outer, inner)  # type: ignore[arg-type]
    return guard, outer, inner


def test_pymavlink_takes_what_we_sign_and_we_take_what_it_signs() -> None:
    signed = Signer(KEY).sign(one(a_heartbeat(a_codec())), EXTRAS[0], NOW)
    (heard,) = a_codec(KEY).parse_buffer(signed)
    assert heard.get_type() == "HEARTBEAT"
    (refused,) = a_codec(OTHER).parse_buffer(signed)
    assert refused.get_type() == "BAD_DATA"
    theirs = one(a_heartbeat(a_codec(KEY)))
    assert Verifier(KEY).why_not(theirs, NOW) == ""
    assert Verifier(OTHER).why_not(theirs, NOW) == "wrong_key"
    bare = unsigned(theirs, EXTRAS[0])
    assert a_codec().parse_buffer(bare)[0].get_type() == "HEARTBEAT"


def test_a_frame_is_good_once_only() -> None:
    signer, verifier = Signer(KEY), Verifier(KEY)
    first, second = (
        one(signer.sign(one(a_heartbeat(a_codec())), EXTRAS[0], NOW)) for _ in range(2)
    )
    assert [verifier.why_not(f, NOW) for f in (first, second)] == ["", ""]
    assert [verifier.why_not(f, NOW) for f in (first, second)] == ["replayed", "replayed"]


def test_an_old_recording_is_not_heeded_after_a_restart() -> None:
    recorded = one(Signer(KEY).sign(one(a_heartbeat(a_codec())), EXTRAS[0], NOW))
    assert Verifier(KEY).why_not(recorded, NOW + timedelta(seconds=59)) == ""
    assert Verifier(KEY).why_not(recorded, NOW + timedelta(seconds=61)) == "replayed"


def test_times_rise_though_the_clock_stands_or_falls_back() -> None:
    signer = Signer(KEY)
    stamps = []
    for at in (NOW, NOW, NOW - timedelta(hours=1)):
        raw = signer.sign(one(a_heartbeat(a_codec())), EXTRAS[0], at)
        stamps.append(int.from_bytes(raw[-12:-6], "little"))
    assert stamps == [ticks(NOW), ticks(NOW) + 1, ticks(NOW) + 2]


@given(st.integers(0, 38), st.integers(1, 255))
def test_a_changed_byte_spoils_the_signature(at: int, change: int) -> None:
    raw = bytearray(Signer(KEY).sign(one(a_heartbeat(a_codec())), EXTRAS[0], NOW))
    raw[at % len(raw)] ^= change
    passed = [
        frame
        for frame in frames(bytes(raw))
        if frame is not None
        and EXTRAS.get(frame.message_id) is not None
        and checksum(frame.body, EXTRAS[frame.message_id]) == frame.checksum
        and Verifier(KEY).why_not(frame, NOW) == ""
    ]
    assert passed == []


@given(st.binary(max_size=400))
def test_any_bytes_are_told_apart_without_a_fault(data: bytes) -> None:
    found = list(frames(data))
    assert sum(len(frame.raw) for frame in found if frame is not None) <= len(data)
    guard, _, inner = a_guard(KEY)
    guard.hear_outside(data, VEHICLE)
    guard.hear_inside(data, DRIVER)
    assert inner.sent == []


def test_a_guard_with_a_key_passes_nothing_unsigned() -> None:
    guard, outer, inner = a_guard(KEY)
    guard.hear_outside(a_heartbeat(a_codec()), VEHICLE)
    guard.hear_outside(a_heartbeat(a_codec(OTHER)), VEHICLE)
    assert inner.sent == []
    guard.hear_inside(a_heartbeat(a_codec()), DRIVER)
    assert outer.sent == []  # nobody has shown yet that he is the vehicle
    guard.hear_outside(a_heartbeat(a_codec(KEY)), VEHICLE)
    assert [to for _, to in inner.sent] == [DRIVER]
    assert not one(inner.sent[0][0]).signed
    guard.hear_inside(a_heartbeat(a_codec()), DRIVER)
    assert [to for _, to in outer.sent] == [VEHICLE]
    assert Verifier(KEY).why_not(one(outer.sent[0][0]), NOW) == ""
    old = m.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3).pack(a_codec(), force_mavlink1=True)
    guard.hear_inside(old, DRIVER)
    assert len(outer.sent) == 1  # MAVLink 1 can't be signed
    assert guard.counts == {
        "unsigned": 1, "wrong_key": 1, "unsent": 1, "in": 1, "out": 1, "out_unsigned": 1,
    }  # fmt: skip


def test_a_guard_speaks_to_listed_addresses_alone() -> None:
    guard, outer, inner = a_guard(peers="10.9.0.0/16")
    guard.hear_outside(a_heartbeat(a_codec()), VEHICLE)
    guard.hear_inside(a_heartbeat(a_codec()), DRIVER)
    assert (inner.sent, outer.sent) == ([], [])
    assert "10.1.2.3" in guard.cure()
    assert "link.peers" in guard.cure()
    guard.hear_outside(a_heartbeat(a_codec()), ("10.9.0.1", 14_550))
    assert len(inner.sent) == 1
    guard.hear_inside(a_heartbeat(a_codec()), DRIVER)
    assert [to for _, to in outer.sent] == [("10.9.0.1", 14_550)]
    guard.hear_inside(a_heartbeat(a_codec()), ("127.0.0.1", 9))  # another program
    assert len(outer.sent) == 1


def test_a_broken_or_unknown_frame_is_dropped() -> None:
    guard, _, inner = a_guard()
    broken = bytearray(a_heartbeat(a_codec()))
    broken[-1] ^= 1
    unknown = bytearray(a_heartbeat(a_codec()))
    unknown[7:10] = (0x7FFFFF).to_bytes(3, "little")
    guard.hear_outside(bytes(broken), VEHICLE)
    guard.hear_outside(bytes(unknown), VEHICLE)
    assert inner.sent == []
    assert (guard.counts["broken"], guard.counts["unknown"]) == (1, 1)


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (0o640, json.dumps({"drone-1": KEY.hex()})),
        (0o600, json.dumps({"drone-2": KEY.hex()})),
        (0o600, json.dumps({"drone-1": KEY.hex()[:-2]})),
        (0o600, json.dumps({"drone-1": "00" * 32})),
        (0o600, json.dumps({"drone-1": "no hex at all"})),
        (0o600, "[]"),
        (0o600, "not json"),
    ],
)
def test_a_key_that_can_not_be_used_is_refused_and_never_told(
    tmp_path: Path, mode: int, text: str
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(SigningUnavailable) as caught:
        read_key(path, DRONE)
    assert KEY.hex()[:16] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_is_read_from_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"drone-1": KEY.hex()}))
    path.chmod(0o600)
    assert read_key(path, DRONE) == KEY


def test_without_a_key_nothing_is_opened_where_signatures_are_demanded(tmp_path: Path) -> None:
    assert rules_for(DRONE, (), False, None) == GuardRules()
    for path in (None, tmp_path / "none.json"):
        with pytest.raises(SigningUnavailable):
            rules_for(DRONE, (), True, path)


@pytest.mark.parametrize("url", ["tcpout://10.0.0.1:5760", "serial:///dev/ttyACM0:57600"])
def test_a_way_that_can_not_sign_is_refused_where_signatures_are_demanded(url: str) -> None:
    async def story() -> None:
        async with guarded_address(url, GuardRules(key=KEY), ManualClock(NOW)):
            raise AssertionError("it was opened")

    with pytest.raises(SigningUnavailable):
        asyncio.run(story())
