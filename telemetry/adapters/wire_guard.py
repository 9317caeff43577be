"""What stands between a vehicle and its driver: who may speak, and what is signed.

It holds the socket to the outside; the driver sees loopback alone. So one rule serves MAVSDK, which
can't sign, and pymavlink. Where a key is set, nothing unsigned passes in either direction; packets
of addresses that are not listed never do; frames that are broken or of no known kind are dropped.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

from core.clock import Clock
from core.errors import PortInUse, VehicleUnreachable
from telemetry.mavlink_signing import Frame, Signer, Verifier, checksum, frames, unsigned

log = logging.getLogger(__name__)

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = tuple[str, int]
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Who may speak, and by which key."""

    peers: Sequence[Network] = ()
    """Networks that are spoken to beside loopback."""
    key: bytes | None = None
    """`None` demands no signatures."""


@cache
def checksum_bytes() -> Mapping[int, int]:
    """Returns, by message number, the byte that each checksum takes in; of every known dialect."""
    from pymavlink.dialects.v20 import all as dialect  # half a second, and many need no guard

    return {number: kind.crc_extra for number, kind in dialect.mavlink_map.items()}


class WireGuard:
    """Passes packets between an outer and an inner socket; made by `guarded`."""

    def __init__(self, rules: GuardRules, clock: Clock, driver: Address) -> None:
        """Passes nothing yet."""
        self._peers = (*LOOPBACK, *rules.peers)
        self._extras = checksum_bytes()
        self._clock, self._driver = clock, driver
        self._signer = Signer(rules.key) if rules.key is not None else None
        self._verifier = Verifier(rules.key) if rules.key is not None else None
        self._outer: asyncio.DatagramTransport | None = None
        self._inner: asyncio.DatagramTransport | None = None
        self._vehicle: Address | None = None
        self._told: set[str] = set()
        self.counts: Counter[str] = Counter()
        """How many frames were passed in and out, and dropped for which reason."""

    def open(self, outer: asyncio.DatagramTransport, inner: asyncio.DatagramTransport) -> None:
        """Begins to pass packets on."""
        self._outer, self._inner = outer, inner

    def hear_outside(self, data: bytes, sender: Address) -> None:
        """Takes a packet from the vehicle, or from whoever sent it."""
        if not any(ip_address(sender[0]) in network for network in self._peers):
            self._drop("stranger", sender)
            return
        passed = bytearray()
        for frame in frames(data):
            why = "garbage" if frame is None else self._why_not(frame)
            if not why and self._verifier is not None and frame is not None:
                why = self._verifier.why_not(frame, self._clock.now())
            if why or frame is None:
                self._drop(why, sender)
                continue
            passed += unsigned(frame, self._extras[frame.message_id]) if frame.signed else frame.raw
            self.counts["in"] += 1
        if passed and self._inner is not None:
            self._vehicle = sender
            self._inner.sendto(bytes(passed), self._driver)

    def hear_inside(self, data: bytes, sender: Address) -> None:
        """Takes a packet from the driver."""
        if sender[1] != self._driver[1] or self._vehicle is None or self._outer is None:
            self.counts["unsent"] += 1
            return
        for frame in frames(data):
            why = "garbage" if frame is None else self._why_not(frame)
            if frame is None or why:
                self.counts[f"out_{why}"] += 1
                continue
            raw = frame.raw
            if self._signer is not None:
                if frame.version != 2:
                    self.counts["out_unsigned"] += 1
                    continue
                raw = self._signer.sign(frame, self._extras[frame.message_id], self._clock.now())
            self._outer.sendto(raw, self._vehicle)
            self.counts["out"] += 1

    def _why_not(self, frame: Frame) -> str:
        extra = self._extras.get(frame.message_id)
        if extra is None or frame.odd:
            return "unknown"
        return "" if checksum(frame.body, extra) == frame.checksum else "broken"

    def _drop(self, why: str, sender: Address) -> None:
        self.counts[why] += 1
        said = f"{why} {sender[0]}"
        if said not in self._told and len(self._told) < 20:
            self._told.add(said)
            log.warning("packets are dropped", extra={"why": why, "sender": sender[0]})

    def cure(self) -> str:
        """Returns what to do where nothing has passed, by what was dropped."""
        if self.counts["stranger"]:
            told = sorted(said.split()[1] for said in self._told if said.startswith("stranger"))
            return f"packets of {', '.join(told)} were dropped: add the network to link.peers"
        if self.counts["unsigned"] or self.counts["wrong_key"] or self.counts["replayed"]:
            return "the vehicle does not sign with the key of this asset, or its clock is wrong"
        return "check that the vehicle is on and sends to this address"


class _Side(asyncio.DatagramProtocol):
    """One socket of a guard."""

    def __init__(self, heard: Callable[[bytes, Address], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._heard(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the other end at the moment: a lost packet."""


@asynccontextmanager
async def guarded(
    listen: Address, driver: Address, rules: GuardRules, clock: Clock
) -> AsyncIterator[WireGuard]:
    """Listens for a vehicle and passes what may pass to a driver, until the end.

    Args:
        listen: where the vehicle sends to.
        driver: where the driver listens, on loopback.
        rules: who may speak, and by which key.
        clock: dates signatures.

    Raises:
        PortInUse: if another program listens there.
        VehicleUnreachable: if the address can't be listened on.
    """
    guard = WireGuard(rules, clock, driver)
    loop = asyncio.get_running_loop()
    try:
        outer, _ = await loop.create_datagram_endpoint(
            lambda: _Side(guard.hear_outside), local_addr=listen
        )
    except OSError as error:
        where = f"{listen[0]}:{listen[1]}"
        if error.errno == 98:
            raise PortInUse(
                "another program listens there",
                where=where,
                cure="stop it, or give the vehicle another port",
            ) from error
        raise VehicleUnreachable(
            f"the address can't be listened on ({error.strerror})",
            where=where,
            cure="give an address of this machine, such as udpin://0.0.0.0:14540",
        ) from error
    try:
        inner, _ = await loop.create_datagram_endpoint(
            lambda: _Side(guard.hear_inside), local_addr=("127.0.0.1", 0)
        )
        try:
            guard.open(outer, inner)
            yield guard
        finally:
            inner.close()
    finally:
        outer.close()
