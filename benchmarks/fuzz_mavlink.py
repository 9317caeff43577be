"""Hostile MAVLink at the ground side and at the embedded vehicle: nothing crashes, nothing moves.

    python -m benchmarks.fuzz_mavlink --frames 200000 --seed 1

Frames are truncated, altered, doubled, joined with rubbish, of other dialects and versions, signed
by nobody, by another's key or long ago; those with a right checksum hold absurd values. They go to

- the guard with a key: whatever it lets pass must have been signed by the key, and only once;
- what the drivers hear past the guard: the state of a vehicle and its telemetry link;
- the embedded vehicle, which demands signatures and is asked to arm, take off and drop its plan.

The exit code is 1 where anything crashed, passed that may not, or moved.
"""

import argparse
import asyncio
import json
import math
import random
import socket
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as apm
from pymavlink.dialects.v20 import common as m

from benchmarks.chaotic_uploads import a_drone
from benchmarks.flown_scenes import START
from core.ids import AssetId
from missions.model import Autopilot
from sim.clock import ManualClock, ScaledClock
from sim.mavlink_ids import demand_signatures
from sim.mavlink_vehicle import MavlinkVehicle, free_udp_port
from telemetry.adapters.dronekit_system import ardupilot_mode
from telemetry.adapters.heard_system import HeardSystem
from telemetry.adapters.mavsdk_link import MavsdkLink
from telemetry.adapters.mavsdk_system import px4_mode
from telemetry.adapters.wire_guard import GuardRules, WireGuard, checksum_bytes
from telemetry.mavlink_signing import frames

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
_DRIVER, _VEHICLE = ("127.0.0.1", 9), ("127.0.0.1", 8)
_KINDS = [kind for number, kind in sorted(apm.mavlink_map.items()) if number in checksum_bytes()]
_HEARD = (
    "HEARTBEAT", "STATUSTEXT", "SYSTEM_TIME", "EXTENDED_SYS_STATE", "SYS_STATUS", "GPS_RAW_INT",
    "ATTITUDE", "GIMBAL_DEVICE_ATTITUDE_STATUS", "GLOBAL_POSITION_INT", "MISSION_CURRENT",
    "MISSION_ITEM_REACHED", "EKF_STATUS_REPORT",
)  # fmt: skip
_ODD = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e38, -1e38, 1e-45)
_SIZES = {"B": 8, "H": 16, "I": 32, "Q": 64, "b": 8, "h": 16, "i": 32, "q": 64}
_AT_ONCE = 40
_SPEED = 30.0
"""Times real time, so that it soon knows where it is and could be armed."""
_PATIENCE_S = 10.0
_POSITION_S = 6.0
_BACKLOG = 300
"""Packets of the vehicle that may still wait to be heard."""


@dataclass
class Found:
    """What the hostile frames did."""

    sent: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    passed: int = 0
    """Frames that the guard let through though nobody with the key had sent them."""
    moved: list[str] = field(default_factory=list)
    heard: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing happened."""
        return not self.crashes and not self.passed and not self.moved


def absurd(rng: random.Random, kind: type[m.MAVLink_message]) -> m.MAVLink_message:
    """Returns a message of a kind whose fields hold anything that their types can."""
    values: list[Any] = []
    for place, code in enumerate(kind.native_format.decode().lstrip("<")):
        count = kind.array_lengths[place]
        if code in "fd":
            made: Any = [rng.choice((*_ODD, rng.uniform(-1e4, 1e4))) for _ in range(max(1, count))]
        elif code in "cs":
            values.append(rng.randbytes(rng.randint(0, max(1, count))))
            continue
        else:
            bits = _SIZES[code]
            low = 0 if code.isupper() else -(1 << (bits - 1))
            high = low + (1 << bits) - 1
            made = [
                rng.choice((low, high, 0, rng.randint(low, high))) for _ in range(max(1, count))
            ]
        values.append(made if count else made[0])
    in_order = [values[place] for place in kind.orders]
    return kind(*in_order)


class Fuzzer:
    """Makes hostile packets; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        """Makes the first one next."""
        self.rng = random.Random(f"fuzz-{seed}")
        self._codec = _codec(None)
        self._foreign = _codec(OTHER)
        self._old: list[bytes] = []
        own = _codec(KEY)
        for message in (_arm(), _start(), _clear(), _mode()):
            self._old.append(bytes(message.pack(own)))

    @property
    def recorded(self) -> tuple[bytes, ...]:
        """Packets that were once signed by the key, as an eavesdropper has them."""
        return tuple(self._old)

    def packet(self) -> tuple[str, bytes]:
        """Returns how a packet is hostile, and the packet."""
        rng = self.rng
        how = rng.choice(
            ("absurd", "truncated", "altered", "rubbish", "joined", "wrong_key", "command",
             "old_version", "unknown_kind", "unknown_flag", "replayed")
        )  # fmt: skip
        message = absurd(rng, rng.choice(_KINDS))
        if how == "wrong_key":
            return how, bytes(message.pack(self._foreign))
        if how == "command":
            return how, bytes(rng.choice((_arm(), _start(), _clear(), _mode())).pack(self._codec))
        if how == "replayed":
            return how, rng.choice(self._old)
        if how == "rubbish":
            return how, rng.randbytes(rng.randint(0, 300))
        if how == "old_version" and message.get_msgId() < 256:
            return how, bytes(message.pack(self._codec, force_mavlink1=True))
        raw = bytearray(message.pack(self._codec))
        if how == "truncated":
            del raw[rng.randint(0, len(raw) - 1) :]
        elif how == "altered":
            for _ in range(rng.randint(1, 4)):
                raw[rng.randrange(len(raw))] ^= rng.randint(1, 255)
        elif how == "joined":
            raw += rng.randbytes(rng.randint(1, 40)) + raw[: rng.randint(0, len(raw))]
        elif how == "unknown_kind":
            raw[7:10] = struct.pack("<I", rng.randint(0x00F000, 0xFFFFFF))[:3]
        elif how == "unknown_flag":
            raw[2] |= rng.choice((2, 4, 128))
        return how, bytes(raw)


def _codec(key: bytes | None) -> m.MAVLink:
    codec = apm.MAVLink(None, srcSystem=1, srcComponent=1)
    if key is not None:
        demand_signatures(codec, key, START - timedelta(minutes=5))
    return codec


def _long(command: int, *params: float) -> m.MAVLink_message:
    values = [*params, *[0.0] * (7 - len(params))]
    return m.MAVLink_command_long_message(1, 1, command, 0, *values)


def _arm() -> m.MAVLink_message:
    return _long(m.MAV_CMD_COMPONENT_ARM_DISARM, 1.0, 21196.0)


def _start() -> m.MAVLink_message:
    return _long(m.MAV_CMD_MISSION_START)


def _mode() -> m.MAVLink_message:
    return _long(m.MAV_CMD_DO_SET_MODE, 1.0, 4.0, 4.0)


def _clear() -> m.MAVLink_message:
    return m.MAVLink_mission_clear_all_message(1, 1, 255)


class _Sink:
    """Takes what a guard would pass on."""

    def __init__(self) -> None:
        self.count = 0

    def sendto(self, data: bytes, addr: object = None) -> None:
        self.count += len([frame for frame in frames(data) if frame is not None])


async def at_the_ground(count: int, seed: int, found: Found) -> None:
    """Sends hostile packets at the guard and absurd messages at what the drivers hear."""
    clock, fuzzer, sink = ManualClock(START), Fuzzer(seed), _Sink()
    guard = WireGuard(GuardRules(key=KEY), clock, _DRIVER)
    guard.open(sink, sink)  # type: ignore[arg-type]
    systems = [
        HeardSystem("udp", clock, 5.0, lambda fields: px4_mode(int(fields["custom_mode"]))),
        HeardSystem("udp", clock, 5.0, ardupilot_mode),
    ]
    links = [MavsdkLink(AssetId("drone-1"), system) for system in systems]  # type: ignore[arg-type]
    kinds = [kind for kind in _KINDS if kind.msgname in _HEARD]
    for _ in range(count):
        how, data = fuzzer.packet()
        found.sent[how] += 1
        try:
            guard.hear_outside(data, _VEHICLE)
            guard.hear_inside(data, _DRIVER)
        except Exception as error:
            found.crashes.append(f"guard, {how}: {error!r}")
        message = absurd(fuzzer.rng, fuzzer.rng.choice(kinds))
        fields = message.to_dict()
        found.heard += 1
        for system in systems:
            try:
                system.hear(message.get_type(), fields)
            except Exception as error:
                found.crashes.append(f"heard {message.get_type()}: {error!r}")
    found.passed += sink.count
    found.dropped.update(guard.counts)
    for link in links:
        await link.close()


def at_the_vehicle(count: int, seed: int, found: Found, *, signed: bool = True) -> None:
    """Sends hostile packets at the embedded vehicle, which must stay as it is and go on.

    Without `signed` it heeds anybody: the fuzzing must see it move then.
    """
    clock, port, fuzzer = ScaledClock(START, _SPEED), free_udp_port(), Fuzzer(seed + 1)
    key = KEY if signed else None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ground:
        ground.bind(("127.0.0.1", port))
        ground.settimeout(_PATIENCE_S)
        with MavlinkVehicle(
            a_drone(Autopilot.PX4), clock=clock, port=port, seed=seed, signing_key=key
        ) as vehicle:
            while (vehicle.simulated_now() - vehicle.started_at).total_seconds() < _POSITION_S:
                _listen(ground, found)
            before = vehicle.held()
            for number in range(count):
                how, data = fuzzer.packet()
                found.sent[how] += 1
                ground.sendto(data, vehicle.address)
                if number % _AT_ONCE == _AT_ONCE - 1:
                    _listen(ground, found)  # a queue that runs over would spare the vehicle
            for _ in range(_BACKLOG):
                _listen(ground, found)
            if vehicle.held() != before:
                found.moved.append("its plan has changed")
            truth = vehicle.truth_at(vehicle.simulated_now())
            if truth.height_m > 0.5:
                found.moved.append(f"it is {truth.height_m:.1f} m up")


def _listen(ground: socket.socket, found: Found) -> None:
    """Waits until the vehicle says something new, and looks whether it is armed."""
    codec = _codec(None)
    codec.robust_parsing = True
    began = time.monotonic()
    while time.monotonic() - began < _PATIENCE_S:
        try:
            heard = codec.parse_buffer(ground.recv(4_096)) or []
        except TimeoutError:
            break
        for message in heard:
            if message.get_type() == "HEARTBEAT" and message.base_mode & 128:
                found.moved.append("it is armed")
        if heard:
            return
    found.crashes.append("the vehicle has fallen silent")


def run(count: int, seed: int) -> Found:
    """Returns what hostile frames did: half of them at the ground, half at the vehicle."""
    found = Found()
    asyncio.run(at_the_ground(count // 2, seed, found))
    at_the_vehicle(count - count // 2, seed, found)
    return found


def main() -> int:
    """Runs the fuzzing and prints its counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = time.monotonic()
    found = run(args.frames, args.seed)
    told = {
        "seconds": round(time.monotonic() - began, 1), "sent": dict(found.sent),
        "absurd_messages_heard": found.heard, "guard": dict(found.dropped),
        "passed": found.passed, "crashes": len(found.crashes),
        "which": sorted(set(found.crashes))[:20], "moved": sorted(set(found.moved)),
    }  # fmt: skip
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 0 if found.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
