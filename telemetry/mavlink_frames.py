"""MAVLink frames read by their headers: only what is wanted is decoded, its checksum looked at.

pymavlink makes an object of every message, wanted or not; at thousands of messages a second that
alone takes most of a core. Here a frame is passed over by its number, and a wanted one is unpacked
in one step. Frames of other dialects are passed over too: without their seed no checksum is known.
"""

import binascii
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

_V1, _V2 = 0xFE, 0xFD
_SIGNED, _SIGNATURE_BYTES = 0x01, 13
_HEAD_V1, _HEAD_V2, _CRC_BYTES = 6, 10, 2
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Frame(NamedTuple):
    """One wanted message."""

    system_id: int
    component_id: int
    name: str
    values: tuple[float | int | bytes, ...]
    """In the order of `Layout.fields`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of message lies on the wire."""

    name: str
    seed: int
    """Goes into its checksum, so that two dialects can't be mixed up (CRC_EXTRA)."""
    packed: struct.Struct
    """Its fields with its extensions, in the order of the wire."""
    fields: tuple[str, ...]
    base_bytes: int
    """Without its extensions: what version 1 sends."""

    def as_fields(self, values: tuple[float | int | bytes, ...]) -> dict[str, float | int | bytes]:
        """Returns the values of a frame by the names of their fields."""
        return dict(zip(self.fields, values, strict=True))


def _layout(name: str, seed: int, base: str, names: str, more: str = "") -> Layout:
    packed = struct.Struct(f"<{base}{more}")
    return Layout(name, seed, packed, tuple(names.split()), struct.calcsize(f"<{base}"))


LAYOUTS: Final[Mapping[int, Layout]] = {
    0: _layout(
        "HEARTBEAT", 50, "IBBBBB",
        "custom_mode type autopilot base_mode system_status mavlink_version",
    ),
    1: _layout(
        "SYS_STATUS", 124, "IIIHHhHHHHHHb",
        "onboard_control_sensors_present onboard_control_sensors_enabled"
        " onboard_control_sensors_health load voltage_battery current_battery drop_rate_comm"
        " errors_comm errors_count1 errors_count2 errors_count3 errors_count4 battery_remaining"
        " onboard_control_sensors_present_extended onboard_control_sensors_enabled_extended"
        " onboard_control_sensors_health_extended",
        "III",
    ),
    2: _layout("SYSTEM_TIME", 137, "QI", "time_unix_usec time_boot_ms"),
    24: _layout(
        "GPS_RAW_INT", 24, "QiiiHHHHBB",
        "time_usec lat lon alt eph epv vel cog fix_type satellites_visible alt_ellipsoid h_acc"
        " v_acc vel_acc hdg_acc yaw",
        "iIIIIH",
    ),
    30: _layout(
        "ATTITUDE", 39, "Iffffff", "time_boot_ms roll pitch yaw rollspeed pitchspeed yawspeed"
    ),
    33: _layout(
        "GLOBAL_POSITION_INT", 104, "IiiiihhhH",
        "time_boot_ms lat lon alt relative_alt vx vy vz hdg",
    ),
    46: _layout("MISSION_ITEM_REACHED", 11, "H", "seq"),
    111: _layout("TIMESYNC", 34, "qq", "tc1 ts1"),
    245: _layout("EXTENDED_SYS_STATE", 130, "BB", "vtol_state landed_state"),
    253: _layout("STATUSTEXT", 83, "B50s", "severity text id chunk_seq", "HB"),
}  # fmt: skip
"""What telemetry is made of, by the number of the message."""


def checksum(data: bytes) -> int:
    """Returns MAVLink's checksum (CRC-16/MCRF4XX) of bytes.

    It is the one that Python has in C, with the bits of each byte the other way round.
    """
    turned = binascii.crc_hqx(data.translate(_REVERSED), 0xFFFF)
    return _REVERSED[turned & 0xFF] << 8 | _REVERSED[turned >> 8]


class FrameReader:
    """Reads datagrams, counts what it could not use; a datagram holds whole frames."""

    def __init__(self, layouts: Mapping[int, Layout] = LAYOUTS) -> None:
        """Decodes these messages and passes over all others."""
        self._layouts = layouts
        self.passed_over = 0
        """Frames of messages that are not wanted."""
        self.damaged = 0
        """Wanted frames whose checksum is wrong."""
        self.noise_bytes = 0
        """Bytes that belong to no frame."""

    def frames(self, data: bytes) -> Iterator[Frame]:
        """Yields the wanted frames of a datagram; nothing in it can make it raise."""
        at, end = 0, len(data)
        while at < end:
            magic = data[at]
            if magic == _V2 and end - at >= _HEAD_V2 + _CRC_BYTES:
                head, length, signed = _HEAD_V2, data[at + 1], data[at + 2] & _SIGNED
                number = data[at + 7] | data[at + 8] << 8 | data[at + 9] << 16
                sender = at + 5
            elif magic == _V1 and end - at >= _HEAD_V1 + _CRC_BYTES:
                head, length, signed = _HEAD_V1, data[at + 1], 0
                number, sender = data[at + 5], at + 3
            else:
                at, self.noise_bytes = at + 1, self.noise_bytes + 1
                continue
            body = at + head
            stop = body + length
            if stop + _CRC_BYTES > end:
                at, self.noise_bytes = at + 1, self.noise_bytes + 1
                continue
            layout = self._layouts.get(number)
            if layout is None:
                self.passed_over += 1
            else:
                told = data[stop] | data[stop + 1] << 8
                if checksum(data[at + 1 : stop] + bytes((layout.seed,))) != told:
                    self.damaged += 1
                    at, self.noise_bytes = at + 1, self.noise_bytes + 1
                    continue
                size = layout.packed.size
                payload = data[body : min(stop, body + size)]
                # version 2 leaves out the zeros at the end of a message
                values = layout.packed.unpack(payload.ljust(size, b"\0"))
                yield Frame(data[sender], data[sender + 1], layout.name, values)
            at = stop + _CRC_BYTES + (_SIGNATURE_BYTES if signed else 0)


NUMBERS: Final[Mapping[str, int]] = {layout.name: n for n, layout in LAYOUTS.items()}
