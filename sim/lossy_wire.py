"""A bad radio between a simulated vehicle and its ground station: packets lost, doubled, late.

It stands between their two UDP sockets, on loopback, in real time, because real drivers talk over
it. The same seed decides the same about the n-th packet of a direction.
"""

import heapq
import itertools
import random
import select
import socket
import threading
import time
from dataclasses import dataclass, field

_LISTEN_S = 0.02
_LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class Badness:
    """How bad a link is, in each direction; shares of packets."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    """Of those that are not lost: they come up to `late_most_s` later, after others."""
    late_most_s: float = 0.05


@dataclass(slots=True)
class Counts:
    """What has become of packets so far."""

    sent: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0


@dataclass(slots=True)
class _Direction:
    chance: random.Random
    counts: Counts = field(default_factory=Counts)


class LossyWire:
    """Passes packets on between a vehicle, which sends to `port`, and a ground station."""

    def __init__(self, ground_port: int, badness: Badness, seed: int) -> None:
        """Opens its sockets; packets pass once it is entered.

        Args:
            ground_port: where the ground station listens on loopback.
            badness: may be changed by assigning to `badness`.
            seed: of all chances.
        """
        self.badness = badness
        self._ground = ("127.0.0.1", ground_port)
        self._to_vehicle = _Direction(random.Random(f"up-{seed}"))
        self._to_ground = _Direction(random.Random(f"down-{seed}"))
        self._vehicle: tuple[str, int] | None = None
        self._inner = _socket()
        self._outer = _socket()
        self._order = itertools.count()
        self._queue: list[tuple[float, int, bool, bytes]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lossy-wire")

    @property
    def port(self) -> int:
        """Where the vehicle sends to."""
        return int(self._inner.getsockname()[1])

    @property
    def counts(self) -> tuple[Counts, Counts]:
        """What has become of packets to the ground, and to the vehicle."""
        return self._to_ground.counts, self._to_vehicle.counts

    def __enter__(self) -> "LossyWire":
        """Begins to pass packets on."""
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Ends; what is still under way is lost."""
        self._stopping.set()
        self._thread.join()
        self._inner.close()
        self._outer.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait_s = _LISTEN_S
            if self._queue:
                wait_s = min(wait_s, max(0.0, self._queue[0][0] - time.monotonic()))
            ready, _, _ = select.select([self._inner, self._outer], [], [], wait_s)
            for end in ready:
                self._take(end)
            while self._queue and self._queue[0][0] <= time.monotonic():
                _, _, up, data = heapq.heappop(self._queue)
                self._pass(up, data)

    def _take(self, end: socket.socket) -> None:
        up = end is self._outer
        direction, bad = self._to_vehicle if up else self._to_ground, self.badness
        while True:
            try:
                data, sender = end.recvfrom(_LARGEST)
            except OSError:  # nothing more, or an earlier packet met nobody
                return
            if not up:
                self._vehicle = sender
            # each packet takes the same number of chances, whatever becomes of it
            lost, doubled, late, how_late = (direction.chance.random() for _ in range(4))
            counts = direction.counts
            counts.sent += 1
            if lost < bad.lost:
                counts.lost += 1
                continue
            now_s = time.monotonic()
            delay_s = how_late * bad.late_most_s if late < bad.late else 0.0
            counts.late += delay_s > 0
            self._put(now_s + delay_s, up, data)
            if doubled < bad.doubled:
                counts.doubled += 1
                self._put(now_s + delay_s + how_late * bad.late_most_s, up, data)

    def _put(self, at_s: float, up: bool, data: bytes) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), up, data))

    def _pass(self, up: bool, data: bytes) -> None:
        target = self._vehicle if up else self._ground
        try:
            if target is not None:
                (self._inner if up else self._outer).sendto(data, target)
        except OSError:
            return  # nobody listens yet


def _socket() -> socket.socket:
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind(("127.0.0.1", 0))
    end.setblocking(False)
    return end
