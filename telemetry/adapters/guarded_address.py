"""Where a driver listens: at a vehicle's own address, or on loopback behind a guard."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

from core.clock import Clock
from core.errors import SigningUnavailable, VehicleUnreachable
from telemetry.adapters.wire_guard import LOOPBACK, GuardRules, guarded

_LISTENS = re.compile(r"(?:udpin|udp)://([^:/\s]*):(\d+)")


@asynccontextmanager
async def guarded_address(url: str, rules: GuardRules, clock: Clock) -> AsyncIterator[str]:
    """Yields the address at which a driver is to open a vehicle.

    It is the vehicle's own where it can only be reached from this machine, or is called by us,
    and nothing is to be signed. All that listens to a network does so through a guard.

    Args:
        url: the vehicle's address, such as `udpin://0.0.0.0:14540`.
        rules: who may speak to it, and by which key.
        clock: dates signatures.

    Raises:
        SigningUnavailable: if a key is set and the way to the vehicle can't sign.
        PortInUse: if another program listens there.
        VehicleUnreachable: if nothing that may pass comes; the cure says what was dropped.
    """
    match = _LISTENS.fullmatch(url)
    if match is None:
        if rules.key is not None:
            raise SigningUnavailable(
                "commands can only be signed over UDP that the vehicle sends to",
                where=url,
                cure="give it an address such as udpin://0.0.0.0:14540",
            )
        yield url
        return
    host, port = match[1] or "0.0.0.0", int(match[2])
    if rules.key is None and _only_this_machine(host):
        yield url
        return
    driver = ("127.0.0.1", _free_port())
    async with guarded((host, port), driver, rules, clock) as guard:
        try:
            yield f"udpin://{driver[0]}:{driver[1]}"
        except VehicleUnreachable as error:
            raise VehicleUnreachable(error.message, where=url, cure=guard.cure()) from error


def _only_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in LOOPBACK)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
