"""A simulated PX4 multicopter as a real MAVLink 2 endpoint over loopback UDP.

One thread steps the autopilot along a scaled clock, speaks and listens. What goes over the
wire carries sensor errors; the truth is to be had from `truth_at` alone.
"""

import random
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from datetime import datetime

from pymavlink.dialects.v20 import common as m

from geo.local_frame import LocalFrame
from missions.model import Asset
from missions.model import Autopilot as Kind
from sim import mavlink_guided as guided
from sim import mavlink_streams as streams
from sim.clock import ScaledClock
from sim.commissioning import commission
from sim.failures import Failure, FailureKind, Failures
from sim.held_plan import HeldPlan, held_by
from sim.mavlink_arming import WireArming
from sim.mavlink_ids import demand_signatures, keep_time
from sim.profiles import PX4_QUAD, Profile
from sim.sensor_errors import CONSUMER, SensorProfile
from sim.vehicle_truth import VehicleTruth
from telemetry.model import VehicleMode

_LISTEN_S = 0.004
_GCS_LOST_REAL_S = 10.0
"""PX4's start script stretches link-loss times by the speed factor, so this is real time."""
_BATCH_STEPS = 200
_ACCEPTED, _DENIED, _UNSUPPORTED = 0, 2, 3
"""MAV_RESULT numbers."""
_TEXT_CHARS = 50


def free_udp_port() -> int:
    """Returns a loopback UDP port that is free at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MavlinkVehicle:
    """One simulated vehicle that speaks to `udpin://127.0.0.1:port`."""

    def __init__(
        self,
        asset: Asset,
        *,
        clock: ScaledClock,
        port: int,
        seed: int = 0,
        failures: Sequence[Failure] = (),
        frame: LocalFrame | None = None,
        sensors: SensorProfile = CONSUMER,
        system_id: int = 1,
        profile: Profile = PX4_QUAD,
        commissioned: bool = True,
        signing_key: bytes | None = None,
    ) -> None:
        """Builds it; `start` boots it.

        Args:
            asset: gives home, cruise speed, endurance and camera.
            clock: simulated time.
            port: where the ground station listens.
            seed: of gusts, sensor errors and packet loss.
            failures: what goes wrong.
            frame: of the truth's east and north; `None` means about home.
            sensors: how wrong it reports about itself.
            system_id: its MAVLink system id.
            profile: whose ways it has.
            commissioned: whether its failsafes are as they must be, or as the maker's.
            signing_key: heeds nothing that is not signed by it, and signs what it says.
        """
        self._clock = clock
        self._target = ("127.0.0.1", port)
        self._failures = Failures(*failures)
        self._chance = random.Random(f"wire-{seed}")
        self._profile = profile
        self._pilot = profile.autopilot(
            asset, clock.now(), seed=seed, failures=self._failures, sensors=sensors, frame=frame
        )
        self._pilot.position_after_s = profile.position_after_s
        if commissioned:
            commission(self._pilot)
        # who commands it does so in real time, however fast the clock runs
        idle = profile.idle_parameter
        kind = type(self._pilot.parameters[idle])
        self._pilot.parameters[idle] = kind(10.0 * max(1.0, clock.factor))
        self._codec = m.MAVLink(None, srcSystem=system_id, srcComponent=1)
        self._codec.robust_parsing = True
        if signing_key is not None:
            demand_signatures(self._codec, signing_key, clock.now())
        self._transfers = profile.transfers(self._pilot, self._send)
        self._arming = WireArming(
            self._pilot, self._send, system_id=system_id, refusal=profile.refusal
        )
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._cut = False
        self._heard_gcs_s: float | None = None
        self._link_lost = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=f"mavlink-{asset.asset_id}")

    def start(self) -> None:
        """Boots it."""
        self._thread.start()

    def stop(self) -> None:
        """Switches it off; a second call does nothing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> "MavlinkVehicle":
        """Boots it."""
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Switches it off."""
        self.stop()

    @property
    def started_at(self) -> datetime:
        """The first instant of which a truth is known."""
        return self._pilot.start_at

    def simulated_now(self) -> datetime:
        """Returns the newest instant of which a truth is known."""
        return self._pilot.history.newest_at

    def truth_at(self, at: datetime) -> VehicleTruth:
        """Returns where it and its camera really were; for the simulator's camera alone.

        Raises:
            ValueError: if `at` is before its start or after the clock's now.
        """
        if at <= self._clock.now():
            while self.simulated_now() < at and not self._stopping.is_set():
                self._advance()
        return self._pilot.history.at(at)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; it takes packets from anybody, as autopilots do."""
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def held(self) -> HeldPlan:
        """Returns what it would fly and guard, whatever it says."""
        with self._lock:
            return held_by(self._pilot)

    def cut_link(self) -> None:
        """Stops all packets in both directions."""
        self._cut = True

    def restore_link(self) -> None:
        """Lets packets pass again."""
        self._cut = False

    def take_sticks(self) -> None:
        """Has a pilot take it in hand by the radio: it is in a mode of the sticks then."""
        with self._lock:
            self._pilot.set_mode(VehicleMode.MANUAL)

    def fail(self, failure: Failure) -> None:
        """Switches a failure on."""
        with self._lock:
            self._failures.add(failure)

    # --- the thread ---

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._advance()
            ready, _, _ = select.select([self._socket], [], [], _LISTEN_S)
            with self._lock:
                if ready:
                    self._receive()
                self._transfers.idle()
                self._arming.idle()
                self._send_texts()
                self._watch_ground()

    def _advance(self) -> None:
        with self._lock:
            for _ in range(_BATCH_STEPS):
                if self._pilot.now >= self._clock.now():
                    break
                self._pilot.step()
                for message in streams.due(self._pilot, self._profile):
                    self._send_stream(message)
                for message in guided.due(self._pilot):
                    self._send(message)
                self._send_texts()

    def _send_stream(self, message: m.MAVLink_message) -> None:
        lost = self._failures.find(FailureKind.REACHED_LOST)
        name = message.get_type()
        if lost is not None and name == "MISSION_ITEM_REACHED":
            if message.seq - self._profile.home_items == lost.seq:
                return
        self._send(message)

    def _send_texts(self) -> None:
        while self._pilot.texts:
            severity, text = self._pilot.texts.popleft()
            raw = text.encode()[:_TEXT_CHARS]
            self._send(m.MAVLink_statustext_message(severity, raw))

    def _mute(self) -> bool:
        silent = self._failures.find(FailureKind.SILENT)
        boot_s = self._pilot.boot_s
        if self._cut or (silent is not None and silent.from_s <= boot_s < silent.until_s):
            return True
        loss = self._failures.find(FailureKind.PACKETS_LOST)
        return loss is not None and self._chance.random() < loss.fraction

    def _send(self, message: m.MAVLink_message) -> None:
        keep_time(self._codec, self._clock.now())
        packet = message.pack(self._codec)  # also counts up where the packet is lost
        if not self._mute():
            try:
                self._socket.sendto(packet, self._target)
            except OSError:
                return  # nobody listens yet, or the queue is full: a lost packet

    def _receive(self) -> None:
        while True:
            try:
                data = self._socket.recv(4096)
            except OSError:
                return
            if self._mute():
                continue
            for message in self._codec.parse_buffer(data) or []:
                self._handle(message)

    def _watch_ground(self) -> None:
        if self._heard_gcs_s is None:
            return
        held, px4 = self._pilot.parameters, self._pilot.kind is Kind.PX4
        limit_s, words = _GCS_LOST_REAL_S, "Connection to ground station lost"
        if not px4:  # its time is simulated, but our heartbeats come each second of real time
            limit_s = max(3.0, float(held["FS_GCS_TIMEOUT"]) / max(1.0, self._clock.factor))
            words = "GCS Failsafe"
        lost = time.monotonic() - self._heard_gcs_s > limit_s
        returns = held["NAV_DLL_ACT"] == 2 if px4 else held["FS_GCS_ENABLE"] == 1
        if lost and not self._link_lost:
            self._pilot.say(4, words)
            if returns and self._pilot.armed:
                self._pilot.set_mode(VehicleMode.RETURN)
        self._link_lost = lost

    # --- answers ---

    def _handle(self, message: m.MAVLink_message) -> None:
        target = getattr(message, "target_system", 0)
        if target not in (0, self._codec.srcSystem):
            return
        name = message.get_type()
        if name == "HEARTBEAT":
            self._heard_gcs_s = time.monotonic()
        elif name == "COMMAND_LONG":
            params = [getattr(message, f"param{i}") for i in range(1, 8)]
            self._command(message, message.command, params)
        elif name == "SET_POSITION_TARGET_GLOBAL_INT":
            guided.take_place(self._pilot, message)
        elif name == "COMMAND_INT":
            params = [getattr(message, f"param{i}") for i in range(1, 5)]
            self._command(message, message.command, [*params, message.x, message.y, message.z])
        elif name == "COMMAND_ACK":
            self._arming.hear(message)
        elif name == "SET_MODE":
            self._set_mode(message.custom_mode)
        elif name.startswith("MISSION_"):
            self._transfers.handle(message)
        elif name.startswith("PARAM_"):
            self._parameter(message)
        self._send_texts()

    def _command(self, message: m.MAVLink_message, command: int, params: list[float]) -> None:
        if command == m.MAV_CMD_COMPONENT_ARM_DISARM and params[0] > 0.5:
            armed = self._arming.order(message)
            if armed is not None:
                self._acknowledge(message, command, armed)
            return
        whole = message.get_type() == "COMMAND_INT"
        result = guided.obey(self._pilot, command, params, whole=whole)
        if result is None:
            result = self._obey(command, params)
        elif command == m.MAV_CMD_DO_ORBIT:
            self._send(streams.heartbeat(self._pilot, self._profile))
        self._acknowledge(message, command, result)

    def _acknowledge(self, message: m.MAVLink_message, command: int, result: int) -> None:
        lost = self._failures.find(FailureKind.ACK_LOST)
        if lost is not None and lost.command == command:
            self._failures.strike(FailureKind.ACK_LOST)
            return
        self._send(
            m.MAVLink_command_ack_message(
                command, result, 0, 0, message.get_srcSystem(), message.get_srcComponent()
            )
        )

    def _obey(self, command: int, params: list[float]) -> int:
        pilot = self._pilot
        if command == m.MAV_CMD_COMPONENT_ARM_DISARM:
            return _ACCEPTED if pilot.disarm() else self._profile.refusal
        if command == m.MAV_CMD_DO_SET_MODE:
            return self._set_mode(self._profile.custom_mode(params[1], params[2]))
        if command == m.MAV_CMD_DO_PAUSE_CONTINUE:
            pilot.set_mode(VehicleMode.MISSION if params[0] > 0.5 else VehicleMode.HOLD)
            return _ACCEPTED
        if command == m.MAV_CMD_NAV_RETURN_TO_LAUNCH:
            pilot.set_mode(VehicleMode.RETURN)
            return _ACCEPTED
        if command == m.MAV_CMD_NAV_LAND:
            pilot.set_mode(VehicleMode.LAND)
            return _ACCEPTED
        if command == m.MAV_CMD_MISSION_START:
            done = pilot.begin()
            self._send(streams.heartbeat(pilot, self._profile))
            return _ACCEPTED if done else self._profile.refusal
        if command == m.MAV_CMD_RUN_PREARM_CHECKS:
            pilot.check_before_arming()
            return _ACCEPTED
        if command == m.MAV_CMD_SET_MESSAGE_INTERVAL:
            return _ACCEPTED  # its rates are what they are, by simulated time
        if command == m.MAV_CMD_REQUEST_MESSAGE:
            return self._send_wanted(int(params[0]))
        return _UNSUPPORTED

    def _set_mode(self, number: int) -> int:
        mode = self._profile.mode_of(number)
        if mode is None:
            return _DENIED
        done = self._pilot.set_mode(mode)
        self._send(streams.heartbeat(self._pilot, self._profile))
        return _ACCEPTED if done else self._profile.refusal

    def _send_wanted(self, number: int) -> int:
        if number == m.MAVLINK_MSG_ID_AUTOPILOT_VERSION:
            can = (
                m.MAV_PROTOCOL_CAPABILITY_MISSION_INT
                | m.MAV_PROTOCOL_CAPABILITY_COMMAND_INT
                | m.MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE
                | m.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE
                | m.MAV_PROTOCOL_CAPABILITY_MISSION_RALLY
                | m.MAV_PROTOCOL_CAPABILITY_MAVLINK2
            )
            version = 1 << 24 | 17 << 16 | 255
            none = [0] * 8
            self._send(
                m.MAVLink_autopilot_version_message(
                    can, version, 0, 0, 0, none, none, none, 0, 0, 1
                )
            )
            return _ACCEPTED
        if number == m.MAVLINK_MSG_ID_HEARTBEAT:
            self._send(streams.heartbeat(self._pilot, self._profile))
            return _ACCEPTED
        told = guided.wanted(self._pilot, number)
        if told is not None:
            self._send(told)
        return _UNSUPPORTED if told is None else _ACCEPTED

    def _parameter(self, message: m.MAVLink_message) -> None:
        names = sorted(self._pilot.parameters)
        kind = message.get_type()
        if kind == "PARAM_REQUEST_LIST":
            for name in names:
                self._send_parameter(name)
            return
        if kind not in ("PARAM_REQUEST_READ", "PARAM_SET"):
            return
        by_index = kind == "PARAM_REQUEST_READ" and message.param_index >= 0
        if by_index and message.param_index < len(names):
            self._send_parameter(names[message.param_index])
            return
        name = message.param_id
        if name not in self._pilot.parameters:
            return
        kept = self._failures.find(FailureKind.PARAMETER_KEPT)
        if kind == "PARAM_SET" and not (kept is not None and kept.text == name):
            whole = isinstance(self._pilot.parameters[name], int)
            if whole and not self._profile.bytes_of_whole_parameters:
                self._pilot.parameters[name] = int(message.param_value)
            elif whole:
                raw = struct.pack("<f", message.param_value)
                self._pilot.parameters[name] = struct.unpack("<i", raw)[0]
            else:
                self._pilot.parameters[name] = float(message.param_value)
        self._send_parameter(name)

    def _send_parameter(self, name: str) -> None:
        names = sorted(self._pilot.parameters)
        value = self._pilot.parameters[name]
        kind = m.MAV_PARAM_TYPE_REAL32
        if isinstance(value, int) and not self._profile.bytes_of_whole_parameters:
            kind = m.MAV_PARAM_TYPE_INT32
        elif isinstance(value, int):  # PX4 sends the bytes of an integer as if they were a float
            value = struct.unpack("<f", struct.pack("<i", value))[0]
            kind = m.MAV_PARAM_TYPE_INT32
        self._send(
            m.MAVLink_param_value_message(name.encode(), value, kind, len(names), names.index(name))
        )
