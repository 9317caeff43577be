"""A schedule store in memory: for tests and for runs that keep nothing."""

import threading
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from core.errors import NotFound, VersionConflict
from missions.schedules import Firing, FiringState, Schedule, ScheduleId, claimed


class MemoryScheduleStore:
    """A `ScheduleStore` that forgets with the process; safe in several threads."""

    def __init__(self) -> None:
        """Starts empty."""
        self._lock = threading.Lock()
        self._versions: dict[ScheduleId, list[Schedule]] = {}
        self._looked: dict[ScheduleId, datetime] = {}
        self._firings: dict[tuple[ScheduleId, datetime], Firing] = {}

    def add(self, schedule: Schedule) -> None:
        """Keeps a new schedule."""
        with self._lock:
            if schedule.schedule_id in self._versions:
                raise VersionConflict("is there already", where=schedule.schedule_id)
            self._versions[schedule.schedule_id] = [schedule]

    def replace(self, schedule: Schedule, expected_version: int) -> None:
        """Keeps the next version."""
        with self._lock:
            versions = self._of(schedule.schedule_id)
            if versions[-1].version != expected_version:
                raise VersionConflict(
                    "has been changed by somebody else", where=schedule.schedule_id
                )
            versions.append(schedule)

    def get(self, schedule_id: ScheduleId) -> Schedule:
        """Returns the newest version."""
        with self._lock:
            return self._of(schedule_id)[-1]

    def schedules(self) -> Sequence[Schedule]:
        """Returns the newest version of each, in order of their id."""
        with self._lock:
            return tuple(self._versions[key][-1] for key in sorted(self._versions))

    def versions(self, schedule_id: ScheduleId) -> Sequence[Schedule]:
        """Returns every version, oldest first."""
        with self._lock:
            return tuple(self._versions.get(schedule_id, ()))

    def looked_until(self, schedule_id: ScheduleId) -> datetime | None:
        """Returns the instant before which every occurrence has been enrolled."""
        with self._lock:
            return self._looked.get(schedule_id)

    def enrol(
        self, schedule_id: ScheduleId, firings: Sequence[Firing], looked_until: datetime
    ) -> None:
        """Keeps what has come due and moves `looked_until` on."""
        with self._lock:
            self._of(schedule_id)
            for firing in firings:
                self._firings.setdefault((schedule_id, firing.start), firing)
            before = self._looked.get(schedule_id, looked_until)
            self._looked[schedule_id] = max(before, looked_until)

    def claim(
        self, schedule_id: ScheduleId, start: datetime, *, by: str, now: datetime, lease_s: float
    ) -> Firing | None:
        """Takes a firing for one process."""
        with self._lock:
            firing = self._firings.get((schedule_id, start))
            lease_until = now + timedelta(seconds=lease_s)
            mine = firing and claimed(firing, by=by, now=now, lease_until=lease_until)
            if mine:
                self._firings[schedule_id, start] = mine
            return mine

    def record(self, firing: Firing) -> bool:
        """Keeps the next version of a firing."""
        with self._lock:
            kept = self._firings.get((firing.schedule_id, firing.start))
            if kept is None or kept.version != firing.version - 1:
                return False
            self._firings[firing.schedule_id, firing.start] = firing
            return True

    def firings(
        self,
        *,
        schedule_id: ScheduleId | None = None,
        states: Collection[FiringState] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Firing]:
        """Returns firings that fit every filter, in order of start."""
        since = since or datetime.min.replace(tzinfo=UTC)
        until = until or datetime.max.replace(tzinfo=UTC)
        with self._lock:
            found = [
                firing
                for firing in self._firings.values()
                if (schedule_id is None or firing.schedule_id == schedule_id)
                and (states is None or firing.state in states)
                and since <= firing.start < until
            ]
        return tuple(sorted(found, key=lambda f: (f.start, f.schedule_id)))

    def _of(self, schedule_id: ScheduleId) -> list[Schedule]:
        if schedule_id not in self._versions:
            raise NotFound("no such schedule", where=schedule_id)
        return self._versions[schedule_id]
