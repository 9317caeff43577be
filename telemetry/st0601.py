"""MISB ST 0601 (UAS Datalink Local Set): bytes to values and back, nothing more.

Own implementation from the public standard. A packet is the 16-byte key, a BER length, then
tag, length, value items, with the checksum last. Linear maps ("LDS value to decimal") are
rows of one table; tag 104 uses IMAPB (ST 1201). A value outside its item's range, a special
"error" value or a wrong length is left out rather than guessed. Broken packets are refused,
never raised. Heights keep their datum in the tag: 15, 25, 42 are above mean sea level; 75,
78, 104 above the ellipsoid.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.refusals import Refusal, RefusalCode

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")
CHECKSUM, TIME_STAMP = 1, 2

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """How one tag's number is laid out."""

    name: str
    size: int
    """Bytes."""
    signed: bool
    low: float
    high: float
    """Range that the whole integer range stands for; equal bounds mean the plain integer."""

    def read(self, raw: bytes) -> float | None:
        """Returns the number, or `None` for another length or the reserved error value."""
        if len(raw) != self.size:
            return None
        value = int.from_bytes(raw, "big", signed=self.signed)
        bits = 8 * self.size
        if self.low == self.high:
            return float(value)
        if self.signed:
            if value == -(1 << (bits - 1)):
                return None  # reserved: out of range or unknown
            return value * self.high / ((1 << (bits - 1)) - 1)
        return self.low + value * (self.high - self.low) / ((1 << bits) - 1)

    def write(self, number: float) -> bytes:
        """Returns the number's bytes, rounded to the nearest step.

        Raises:
            ValueError: if it is outside the item's range.
        """
        bits = 8 * self.size
        if self.low == self.high:
            return int(number).to_bytes(self.size, "big", signed=self.signed)
        if not self.low <= number <= self.high:
            raise ValueError(f"{self.name} must be {self.low} to {self.high}, not {number}")
        if self.signed:
            value = round(number / self.high * ((1 << (bits - 1)) - 1))
        else:
            value = round((number - self.low) / (self.high - self.low) * ((1 << bits) - 1))
        return value.to_bytes(self.size, "big", signed=self.signed)

    @property
    def step(self) -> float:
        """The smallest difference that it can tell."""
        whole = (1 << 8 * self.size) - (2 if self.signed else 1)
        return (self.high - self.low) / whole if self.high != self.low else 1.0


def _u(name: str, size: int, low: float = 0.0, high: float = 0.0) -> Item:
    return Item(name, size, False, low, high)


def _s(name: str, size: int, bound: float) -> Item:
    return Item(name, size, True, -bound, bound)


NUMBERS: dict[int, Item] = {
    5: _u("platform heading, deg", 2, 0, 360),
    6: _s("platform pitch, deg", 2, 20),
    7: _s("platform roll, deg", 2, 50),
    8: _u("true airspeed, m/s", 1),
    9: _u("indicated airspeed, m/s", 1),
    13: _s("sensor latitude, deg", 4, 90),
    14: _s("sensor longitude, deg", 4, 180),
    15: _u("sensor altitude above mean sea level, m", 2, -900, 19_000),
    16: _u("horizontal field of view, deg", 2, 0, 180),
    17: _u("vertical field of view, deg", 2, 0, 180),
    18: _u("sensor relative azimuth, deg", 4, 0, 360),
    19: _s("sensor relative elevation, deg", 4, 180),
    20: _u("sensor relative roll, deg", 4, 0, 360),
    21: _u("slant range, m", 4, 0, 5_000_000),
    22: _u("target width, m", 2, 0, 10_000),
    23: _s("frame centre latitude, deg", 4, 90),
    24: _s("frame centre longitude, deg", 4, 180),
    25: _u("frame centre elevation above mean sea level, m", 2, -900, 19_000),
    **{tag: _s("corner offset, deg", 2, 0.075) for tag in range(26, 34)},
    35: _u("wind direction, deg", 2, 0, 360),
    36: _u("wind speed, m/s", 1, 0, 100),
    40: _s("target latitude, deg", 4, 90),
    41: _s("target longitude, deg", 4, 180),
    42: _u("target elevation above mean sea level, m", 2, -900, 19_000),
    45: _u("target error CE90, m", 2, 0, 4_095),
    46: _u("target error LE90, m", 2, 0, 4_095),
    47: _u("generic flags", 1),
    50: _s("platform angle of attack, deg", 2, 20),
    51: _s("platform vertical speed, m/s", 2, 180),
    56: _u("platform ground speed, m/s", 1),
    57: _u("ground range, m", 4, 0, 5_000_000),
    64: _u("platform magnetic heading, deg", 2, 0, 360),
    65: _u("version of ST 0601", 1),
    75: _u("sensor height above ellipsoid, m", 2, -900, 19_000),
    78: _u("frame centre height above ellipsoid, m", 2, -900, 19_000),
    79: _s("sensor north velocity, m/s", 2, 327),
    80: _s("sensor east velocity, m/s", 2, 327),
    **{tag: _s("corner latitude, deg", 4, 90) for tag in (82, 84, 86, 88)},
    **{tag: _s("corner longitude, deg", 4, 180) for tag in (83, 85, 87, 89)},
    90: _s("platform pitch (full), deg", 4, 90),
    91: _s("platform roll (full), deg", 4, 90),
}
TEXTS = frozenset({3, 4, 10, 11, 12, 59, 70})
"""Mission, tail number, platform, sensor, coordinate system, call sign, alternate name."""
SENSOR_HEIGHT_EXTENDED = 104
_IMAP_LOW, _IMAP_HIGH = -900.0, 40_000.0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet's values by tag; what it did not say is not there."""

    at: datetime | None
    """Precision time stamp (tag 2), aware UTC."""
    numbers: Mapping[int, float] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)
    unread: tuple[int, ...] = ()
    """Tags that are not known here or could not be read."""

    def get(self, *tags: int) -> float | None:
        """Returns the number of the first of these tags that is there."""
        return next((self.numbers[tag] for tag in tags if tag in self.numbers), None)

    def corners(self) -> tuple[tuple[float, float], ...] | None:
        """Returns latitude and longitude of upper left, upper right, lower right, lower left.

        Full corners (82 to 89) are preferred to offsets from the frame centre (26 to 33).
        `None` where one is missing.
        """
        n = self.numbers
        if all(tag in n for tag in range(82, 90)):
            return tuple((n[tag], n[tag + 1]) for tag in (82, 84, 86, 88))
        if 23 in n and 24 in n and all(tag in n for tag in range(26, 34)):
            return tuple((n[23] + n[tag], n[24] + n[tag + 1]) for tag in (26, 28, 30, 32))
        return None


def checksum(data: bytes) -> int:
    """Returns the 16-bit running sum of ST 0601 (even bytes high, odd bytes low)."""
    return (sum(data[0::2]) * 256 + sum(data[1::2])) & 0xFFFF


def _ber_length(data: bytes, at: int) -> tuple[int, int] | None:
    """Returns a BER length and where its value starts; `None` if cut or absurd."""
    if at >= len(data):
        return None
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 4 or at + 1 + count > len(data):
        return None
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


def _ber_tag(data: bytes, at: int) -> tuple[int, int] | None:
    """Returns a BER-OID tag and where its length starts."""
    tag = 0
    for index in range(at, min(at + 3, len(data))):
        tag = tag << 7 | data[index] & 0x7F
        if data[index] < 0x80:
            return tag, index + 1
    return None


def _length_bytes(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    raw = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(raw)]) + raw


def _imapb(raw: bytes) -> float | None:
    """Returns a number mapped by IMAPB between -900 and 40000; `None` for special values."""
    if not 1 <= len(raw) <= 8:
        return None
    value = int.from_bytes(raw, "big")
    bits = 8 * len(raw)
    if value >> (bits - 1) and value != 1 << (bits - 1):
        return None
    scale = 2.0 ** (bits - 1 - math.ceil(math.log2(_IMAP_HIGH - _IMAP_LOW)))
    offset = scale * _IMAP_LOW - math.floor(scale * _IMAP_LOW)
    return (value - offset) / scale + _IMAP_LOW


def _bad(reason: str) -> Refusal:
    return Refusal(RefusalCode.BAD_TELEMETRY, reason)


def decode(data: bytes) -> Packet | Refusal:
    """Returns the packet that starts at `data[0]`, or why it is none."""
    if data[:16] != KEY:
        return _bad("a metadata packet without the key of ST 0601")
    head = _ber_length(data, 16)
    if head is None or head[1] + head[0] > len(data):
        return _bad("a metadata packet that is cut off")
    length, start = head
    end = start + length
    if length < 4 or data[end - 4 : end - 2] != b"\x01\x02":
        return Refusal(RefusalCode.BAD_CHECKSUM, "a metadata packet without a checksum")
    if int.from_bytes(data[end - 2 : end], "big") != checksum(data[: end - 2]):
        return Refusal(RefusalCode.BAD_CHECKSUM, "a metadata packet with a wrong checksum")
    at: datetime | None = None
    numbers: dict[int, float] = {}
    texts: dict[int, str] = {}
    unread: list[int] = []
    place = start
    while place < end - 4:
        tag_read = _ber_tag(data, place)
        value_read = _ber_length(data, tag_read[1]) if tag_read else None
        if tag_read is None or value_read is None or sum(value_read) > end:
            return _bad("a metadata packet whose items do not fit in it")
        tag, (size, begin) = tag_read[0], value_read
        raw, place = data[begin : begin + size], begin + size
        number = NUMBERS[tag].read(raw) if tag in NUMBERS else None
        if tag == SENSOR_HEIGHT_EXTENDED:
            number = _imapb(raw)
        if tag == TIME_STAMP:
            at = _instant(raw)
        elif number is not None:
            numbers[tag] = number
        elif tag in TEXTS:
            texts[tag] = raw.decode("utf-8", "replace")
        elif tag != CHECKSUM:
            unread.append(tag)
    return Packet(at, numbers, texts, tuple(unread))


def _instant(raw: bytes) -> datetime | None:
    if len(raw) != 8:
        return None
    try:
        return _EPOCH + timedelta(microseconds=int.from_bytes(raw, "big"))
    except OverflowError:
        return None


def time_stamp(data: bytes) -> datetime | None:
    """Returns the precision time stamp of a packet; `None` for a broken one."""
    packet = decode(data)
    return packet.at if isinstance(packet, Packet) else None


def encode(
    at: datetime,
    numbers: Mapping[int, float] | None = None,
    texts: Mapping[int, str] | None = None,
) -> bytes:
    """Returns a packet: time stamp first, items in order of their tags, checksum last.

    Raises:
        ValueError: if a number is outside its item's range or a text longer than 127 bytes.
        KeyError: if a tag is not known as a number.
    """
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    items = {TIME_STAMP: micros.to_bytes(8, "big")}
    for tag, number in (numbers or {}).items():
        items[tag] = NUMBERS[tag].write(number)
    for tag, text in (texts or {}).items():
        items[tag] = text.encode()
        if tag not in TEXTS or len(items[tag]) > 127:
            raise ValueError(f"tag {tag} can't hold this text")
    body = b"".join(bytes([tag, len(raw)]) + raw for tag, raw in sorted(items.items()))
    packet = KEY + _length_bytes(len(body) + 4) + body + b"\x01\x02"
    return packet + checksum(packet).to_bytes(2, "big")


def split(data: bytes) -> Iterator[bytes]:
    """Yields the packets of a run of bytes, each from its key to the end of its length.

    Bytes between packets are passed over; a packet that is cut off is yielded as it is, so
    that `decode` refuses and counts it.
    """
    start = data.find(KEY)
    while start >= 0:
        head = _ber_length(data, start + 16)
        following = data.find(KEY, start + 16)
        if head is None or head[0] > _LONGEST or head[0] + head[1] > len(data):
            yield data[start : following if following >= 0 else len(data)]
        else:
            yield data[start : head[0] + head[1]]
            following = data.find(KEY, head[0] + head[1])
        start = following
