"""MAVLink frames on the wire: told apart, and signed as MAVLink 2 has it. Pure; no driver needed.

A signature is the first six bytes of SHA-256 over the key, the frame, a link number and a time that
rises with each packet: it shows who sent a frame and that it is no replay. It hides nothing.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.errors import SigningUnavailable

KEY_BYTES = 32
_V1, _V2 = 0xFE, 0xFD
_V2_HEADER, _V1_HEADER, _CRC, _SIGNATURE = 10, 6, 2, 13
_SIGNED = 0x01
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=10)
_OLDEST_TICKS = 60 * 100_000
"""A sender that is new may be this far behind our clock: one minute, as the protocol has it."""
_TIME_BYTES = 6
_LATEST = 1 << 48


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came, told by its header; its checksum has not been looked at."""

    raw: bytes
    message_id: int
    system: int
    component: int
    version: int
    signed: bool
    odd: bool = False
    """Whether it asks for something that nobody knows (an incompatible flag beside signing)."""

    @property
    def body(self) -> bytes:
        """What its checksum covers: all between the mark and the checksum."""
        end = len(self.raw) - _CRC - (_SIGNATURE if self.signed else 0)
        return self.raw[1:end]

    @property
    def checksum(self) -> int:
        """The checksum that it carries."""
        end = len(self.raw) - (_SIGNATURE if self.signed else 0)
        return int.from_bytes(self.raw[end - _CRC : end], "little")


def frames(data: bytes) -> Iterator[Frame | None]:
    """Yields the frames of a packet; `None` for each stretch of bytes that is none."""
    at, end, lost = 0, len(data), False
    while at < end:
        frame = _frame(data, at)
        if frame is None:
            at, lost = at + 1, True
            continue
        if lost:
            lost = False
            yield None
        yield frame
        at += len(frame.raw)
    if lost:
        yield None


def _frame(data: bytes, at: int) -> Frame | None:
    left = len(data) - at
    if data[at] == _V2 and left >= _V2_HEADER + _CRC:
        flags = data[at + 2]
        signed = bool(flags & _SIGNED)
        size = _V2_HEADER + data[at + 1] + _CRC + (_SIGNATURE if signed else 0)
        if left < size:
            return None
        raw = bytes(data[at : at + size])
        number = int.from_bytes(raw[7:10], "little")
        return Frame(raw, number, raw[5], raw[6], 2, signed, bool(flags & ~_SIGNED))
    if data[at] == _V1 and left >= _V1_HEADER + _CRC:
        size = _V1_HEADER + data[at + 1] + _CRC
        if left < size:
            return None
        raw = bytes(data[at : at + size])
        return Frame(raw, raw[5], raw[3], raw[4], 1, signed=False)
    return None


def checksum(body: bytes, extra: int) -> int:
    """Returns the X.25 checksum of a frame's body and of its message's own byte."""
    crc = 0xFFFF
    for byte in (*body, extra):
        low = (byte ^ crc) & 0xFF
        low = (low ^ (low << 4)) & 0xFF
        crc = (crc >> 8) ^ (low << 8) ^ (low << 3) ^ (low >> 4)
    return crc & 0xFFFF


def unsigned(frame: Frame, extra: int) -> bytes:
    """Returns a signed frame without its signature, its checksum made anew."""
    body = bytearray(frame.body)
    body[1] &= ~_SIGNED & 0xFF
    return frame.raw[:1] + bytes(body) + checksum(bytes(body), extra).to_bytes(2, "little")


def ticks(at: datetime) -> int:
    """Returns an instant as signatures count it: steps of 10 us since 2015."""
    return max(0, (at - _EPOCH) // _TICK)


def check_key(key: bytes, where: str) -> bytes:
    """Returns a key that can sign.

    Raises:
        SigningUnavailable: if it has not 32 bytes, or they are all the same.
    """
    if len(key) != KEY_BYTES or len(set(key)) == 1:
        raise SigningUnavailable(
            "is no signing key: it takes 32 bytes, in hex, that are not all the same",
            where=where,
            cure="make one with: openssl rand -hex 32",
        )
    return key


class Signer:
    """Signs frames of one link; each signature's time is later than the one before."""

    def __init__(self, key: bytes, link: int = 0) -> None:
        """Signs by a key as one link of several (0 to 255)."""
        self._key, self._link, self._last = key, link, -1

    def sign(self, frame: Frame, extra: int, now: datetime) -> bytes:
        """Returns a MAVLink 2 frame signed; one that is signed already is signed anew."""
        self._last = max(self._last + 1, ticks(now))
        body = bytearray(frame.body)
        body[1] |= _SIGNED
        crc = checksum(bytes(body), extra).to_bytes(2, "little")
        stamp = bytes([self._link]) + self._last.to_bytes(_TIME_BYTES, "little")
        head = frame.raw[:1] + bytes(body) + crc + stamp
        return head + _signature(self._key, head)


@dataclass(slots=True)
class Verifier:
    """Knows whether frames were signed by the holder of a key, each one once."""

    key: bytes
    _newest: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def why_not(self, frame: Frame, now: datetime) -> str:
        """Returns why a frame is not to be heeded, or nothing; a frame is good once only."""
        if not frame.signed:
            return "unsigned"
        head, signature = frame.raw[:-_TIME_BYTES], frame.raw[-_TIME_BYTES:]
        if not hmac.compare_digest(_signature(self.key, head), signature):
            return "wrong_key"
        stamp = frame.raw[-_SIGNATURE:-_TIME_BYTES]
        at = int.from_bytes(stamp[1:], "little")
        stream = (frame.system, frame.component, stamp[0])
        newest = self._newest.get(stream)
        # a time far ahead of ours is taken: an aircraft without a fix may have heard a later one
        too_old = at <= newest if newest is not None else at + _OLDEST_TICKS < ticks(now)
        if too_old or at >= _LATEST:
            return "replayed"
        self._newest[stream] = at
        return ""


def _signature(key: bytes, head: bytes) -> bytes:
    return hashlib.sha256(key + head).digest()[:_TIME_BYTES]
