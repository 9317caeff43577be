"""The live feed: what has just changed, for the stream of events.

Publishers may be on any thread. Events get ids that grow, also over a restart (they start at
the clock's milliseconds), so a reader that comes back with its last id misses nothing that
the ring still holds. An asset speaks at most four times a second; what it says in between
waits, and the newest of it follows.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from core.clock import Clock
from core.ids import AssetId, ZoneId
from incidents.model import Incident
from missions.control.leases import Lease
from missions.driving.taps import Tap
from missions.handoffs.model import Handoff
from missions.model import Sortie
from missions.monitoring.monitored import Monitored
from telemetry.model import AssetStatus

ASSET_INTERVAL = timedelta(milliseconds=250)
"""Least time between two events of one asset."""


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """A zone has a new version."""

    zone_id: ZoneId
    version: int


Payload: TypeAlias = (
    AssetStatus | Sortie | Incident | ZoneChange | Lease | Monitored | Tap | Handoff
)


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One thing that changed."""

    event_id: int
    payload: Payload


class Follower:
    """One reader's bell."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Wakes the reader; may be called on any thread."""
        try:
            self._loop.call_soon_threadsafe(self._bell.set)
        except RuntimeError:
            pass  # its loop has ended, and the reader with it

    async def wait(self, most_s: float) -> None:
        """Returns when something was published, or after `most_s` seconds."""
        try:
            await asyncio.wait_for(self._bell.wait(), most_s)
        except TimeoutError:
            return
        self._bell.clear()


class LiveFeed:
    """A ring of events that any number of readers follow. Also an incidents `Notifier`."""

    def __init__(
        self, clock: Clock, *, capacity: int = 4096, asset_interval: timedelta = ASSET_INTERVAL
    ) -> None:
        """Starts an empty feed.

        Args:
            clock: gives the first id and the pace of assets.
            capacity: how many events a reader that was away may have missed.
            asset_interval: least time between two events of one asset.
        """
        self._clock = clock
        self._interval = asset_interval
        self._lock = threading.Lock()
        self._ring: deque[LiveEvent] = deque(maxlen=capacity)
        self._newest = int(clock.now().timestamp() * 1000)
        self._spoke_at: dict[AssetId, datetime] = {}
        self._waiting: dict[AssetId, AssetStatus] = {}
        self._followers: set[Follower] = set()
        self._closed = False

    def asset_changed(self, status: AssetStatus) -> None:
        """Tells where an asset is; held back where it has spoken just now."""
        with self._lock:
            self._waiting[status.sample.asset_id] = status
            self._let_assets_speak()
        self._ring_all()

    def sortie_changed(self, sortie: Sortie) -> None:
        """Tells that a sortie has moved on."""
        self._publish(sortie)

    def incident_changed(self, incident: Incident) -> None:
        """Tells that an incident was opened or changed."""
        self._publish(incident)

    def zone_changed(self, zone_id: ZoneId, version: int) -> None:
        """Tells that a zone has a new version."""
        self._publish(ZoneChange(zone_id, version))

    def lease_changed(self, lease: Lease) -> None:
        """Tells who commands an asset by now."""
        self._publish(lease)

    def concerns_changed(self, monitored: Monitored) -> None:
        """Tells that what is wrong with a flight has changed, or what is done about it."""
        self._publish(monitored)

    def handoff_changed(self, handoff: Handoff) -> None:
        """Tells how far an event that is handed off has come."""
        self._publish(handoff)

    def driver_tapped(self, tap: Tap) -> None:
        """Tells what a driver has pressed."""
        self._publish(tap)

    def after(self, event_id: int) -> tuple[LiveEvent, ...]:
        """Returns the events that are newer than `event_id`, oldest first."""
        with self._lock:
            self._let_assets_speak()
            newer: deque[LiveEvent] = deque()
            for event in reversed(self._ring):
                if event.event_id <= event_id:
                    break
                newer.appendleft(event)
            return tuple(newer)

    def holds_all_after(self, event_id: int) -> bool:
        """Returns whether nothing newer than `event_id` has left the ring, or was lost."""
        with self._lock:
            if event_id == self._newest:
                return True
            return bool(self._ring) and self._ring[0].event_id <= event_id + 1 <= self._newest

    @property
    def newest_id(self) -> int:
        """The id of the newest event."""
        with self._lock:
            return self._newest

    @property
    def assets_wait(self) -> bool:
        """Whether an asset's newest words are still held back."""
        with self._lock:
            return bool(self._waiting)

    @property
    def followers(self) -> int:
        """How many readers follow."""
        with self._lock:
            return len(self._followers)

    @property
    def closed(self) -> bool:
        """Whether the feed has ended."""
        with self._lock:
            return self._closed

    def close(self) -> None:
        """Ends the feed: every stream ends once it has given what is there."""
        with self._lock:
            self._closed = True
        self._ring_all()

    @contextmanager
    def follow(self) -> Iterator[Follower]:
        """Gives a bell on the running event loop, for as long as the block lasts."""
        follower = Follower(asyncio.get_running_loop())
        with self._lock:
            self._followers.add(follower)
        try:
            yield follower
        finally:
            with self._lock:
                self._followers.discard(follower)

    def _publish(self, payload: Payload) -> None:
        with self._lock:
            self._append(payload)
        self._ring_all()

    def _append(self, payload: Payload) -> None:
        self._newest += 1
        self._ring.append(LiveEvent(self._newest, payload))

    def _let_assets_speak(self) -> None:
        if not self._waiting:
            return
        now = self._clock.now()
        for asset_id in list(self._waiting):
            spoke_at = self._spoke_at.get(asset_id)
            # a clock that was set back must not silence an asset
            if spoke_at is None or not timedelta(0) <= now - spoke_at < self._interval:
                self._append(self._waiting.pop(asset_id))
                self._spoke_at[asset_id] = now

    def _ring_all(self) -> None:
        with self._lock:
            followers = tuple(self._followers)
        for follower in followers:
            follower.ring()
