"""DroneKit 2.9.2 on today's Python: the one file that imports it, with our own deadline.

See docs/decisions/0003. What it mends: a name that Python 3.10 removed; MAVLink 1, which has no
`mission_type`; `connect`, which waits for ever until a parameter comes; the vehicle's words, which
it would print; and a connection that closes for good after a silence.
"""

import asyncio
import collections
import collections.abc
import logging
import os
import threading
import warnings
from typing import Any

from core.errors import ExtraMissing, VehicleUnreachable

_BOOTED = "STABILIZE"
"""A mode that ends DroneKit's wait for a board that boots."""


def load() -> Any:
    """Returns DroneKit, mended so that it works here.

    Raises:
        ExtraMissing: if it is not installed.
    """
    os.environ["MAVLINK20"] = "1"  # before pymavlink chooses; a fence needs a mission_type
    collections.MutableMapping = collections.abc.MutableMapping  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import dronekit
            from pymavlink import mavutil
    except ImportError as error:
        raise ExtraMissing(
            f"ArduPilot is flown by DroneKit, which is not installed ({error})",
            cure="pip install 'qyran[dronekit]'",
        ) from error
    if mavutil.mavlink.WIRE_PROTOCOL_VERSION != "2.0":  # somebody imported it before us
        mavutil.set_dialect("ardupilotmega")
    logging.getLogger("autopilot").disabled = True  # its words are state, and logged by us
    return dronekit


async def connect(address: str, *, within_s: float, source_system: int = 255) -> Any:
    """Returns a connected `dronekit.Vehicle`, which `close` must end.

    Args:
        address: as DroneKit has it, such as `udpin:127.0.0.1:14550`.
        within_s: real seconds; after them it is given up, whatever DroneKit waits for.
        source_system: the MAVLink id of the ground station; an autopilot heeds the one it knows.

    Raises:
        ExtraMissing: if DroneKit is not installed.
        VehicleUnreachable: if no vehicle answers in time.
    """
    dronekit = load()
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()
    begun: list[Any] = []

    def remember(handler: Any) -> Any:
        begun.append(dronekit.Vehicle(handler))
        return begun[0]

    def settle(vehicle: Any, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(vehicle)

    def run() -> None:
        vehicle, failed = None, None
        try:
            vehicle = dronekit.connect(
                address, rate=None, heartbeat_timeout=within_s, vehicle_class=remember,
                source_system=source_system,
            )  # fmt: skip
        except (Exception, SystemExit) as error:
            failed = VehicleUnreachable(
                f"no vehicle answered within {within_s:g} s ({error})",
                where=address,
                cure="check that the vehicle is on and sends to this address",
            )
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, vehicle, failed)

    threading.Thread(target=run, name="dronekit-connect", daemon=True).start()
    try:
        vehicle = await asyncio.wait_for(asyncio.shield(outcome), within_s + 1.0)
    except BaseException as error:
        for one in begun:
            _give_up(one)
            await asyncio.to_thread(one.close)
        if isinstance(error, TimeoutError):
            raise VehicleUnreachable(
                f"no parameter came within {within_s:g} s",
                where=address,
                cure="check that the vehicle is an ArduPilot and hears this station",
            ) from error
        raise
    vehicle._heartbeat_error = 0  # silence is ours to judge; DroneKit would close for good
    return vehicle


def _give_up(vehicle: Any) -> None:
    """Ends each of the loops in which DroneKit's `connect` may wait."""
    vehicle._handler._alive = False
    vehicle._flightmode = _BOOTED
    vehicle._params_count = max(0, vehicle._params_count)


async def close(vehicle: Any) -> None:
    """Ends the connection with its threads."""
    await asyncio.to_thread(vehicle.close)
