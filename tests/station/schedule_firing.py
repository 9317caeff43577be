"""A program that fires a schedule on a real store, is killed again and again, and counts.

    python -m tests.station.schedule_firing HOME --kills 10 --workers 2

A parent forks workers, each with a loop, a connection and a dispatcher of its own, and ends
them with SIGKILL at random moments. The clock of all of them is simulated and quick. A sortie
is begun as at a station: a row under its id, which is made once or not at all. When the last
hour has passed, every occurrence that the timetable gives is held against the rows.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from core.ids import SortieId
from missions.adapters.calendar_days import CalendarDays
from missions.adapters.sqlmodel_schedules import SqlScheduleStore
from missions.schedules import (
    OPEN_STATES,
    FiringState,
    MissedPolicy,
    Schedule,
    ScheduleId,
    Timetable,
    sortie_of,
)
from missions.scheduling.gates import Verdict
from station.data_folder import STATION_FILE
from station.database import open_database, sqlite_engine
from station.schedule_loop import ScheduleLoop
from tests.builders import NOW
from tests.missions.schedule_builders import a_recurrence, a_schedule

RULES = {"minutes": "FREQ=MINUTELY;INTERVAL=10", "hours": "FREQ=HOURLY;BYMINUTE=0,7,31"}
_PLANNING = timedelta(seconds=100)
_LEDGER = """
CREATE TABLE IF NOT EXISTS begun (sortie_id TEXT PRIMARY KEY, schedule_id TEXT);
CREATE TABLE IF NOT EXISTS asked (sortie_id TEXT, worker INTEGER);
"""


class QuickClock:
    """Simulated time that goes on across processes; `speed` seconds a real one."""

    def __init__(self, began_s: float, speed: float) -> None:
        self._began_s, self._speed = began_s, speed

    def now(self) -> datetime:
        return NOW + timedelta(seconds=(time.time() - self._began_s) * self._speed)

    async def sleep_until(self, at: datetime) -> None:
        await asyncio.sleep(max(0.0, (at - self.now()).total_seconds() / self._speed))


class LedgerDispatcher:
    """Begins a sortie by making its row, in a file of its own: nothing is shared but the id."""

    def __init__(self, file: Path, clock: QuickClock) -> None:
        self._file, self._clock = file, clock

    async def permits(self, schedule: Schedule, now: datetime) -> Verdict:
        return Verdict()

    async def dispatch(self, schedule: Schedule, sortie_id: SortieId) -> None:
        # planning takes a while, and so does what comes after it: moments to be killed in
        await self._clock.sleep_until(self._clock.now() + _PLANNING)
        with ledger_of(self._file) as ledger:
            ledger.execute("INSERT INTO asked VALUES (?, ?)", (sortie_id, os.getpid()))
            row = (sortie_id, schedule.schedule_id)
            ledger.execute("INSERT OR IGNORE INTO begun VALUES (?, ?)", row)
        await self._clock.sleep_until(self._clock.now() + _PLANNING)

    def started(self, sortie_id: SortieId) -> bool:
        with ledger_of(self._file) as ledger:
            rows = ledger.execute("SELECT 1 FROM begun WHERE sortie_id = ?", (sortie_id,))
            return rows.fetchone() is not None


@contextmanager
def ledger_of(file: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the ledger."""
    connection = sqlite3.connect(file, timeout=20)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def schedules(hours: float) -> list[Schedule]:
    until = (NOW + timedelta(hours=hours)).strftime("%Y%m%dT%H%M%SZ")
    return [
        a_schedule(
            schedule_id=ScheduleId(name),
            timetable=Timetable(a_recurrence(f"{rule};UNTIL={until}")),
            missed=MissedPolicy.RUN_LATE,
            grace_s=1e6,  # what a killed process did not do must be done late, not left out
        )
        for name, rule in RULES.items()
    ]


def work(home: Path, began_s: float, speed: float) -> None:
    """One worker: turns until it is killed."""
    engine = sqlite_engine(home / STATION_FILE, synchronous="FULL")
    clock = QuickClock(began_s, speed)
    loop = ScheduleLoop(
        SqlScheduleStore(engine),
        LedgerDispatcher(home / "ledger.db", clock),
        CalendarDays(),
        clock,
        name=f"worker-{os.getpid()}",
        every=timedelta(seconds=speed / 100),
        lease_s=speed * 0.3,
    )
    asyncio.run(loop.run())


def forked(home: Path, began_s: float, speed: float) -> int:
    """Starts a worker and returns its number."""
    child = os.fork()
    if child:
        return child
    try:
        work(home, began_s, speed)
    finally:
        os._exit(1)  # a worker never comes back into the parent's program


def counted(home: Path, hours: float) -> dict[str, int]:
    """Holds what was begun against what the timetables give."""
    expected = [
        sortie_of(one.schedule_id, at)
        for one in schedules(hours)
        for at in one.timetable.recurrence.begins(NOW, NOW + timedelta(hours=hours, seconds=1))
    ]
    with ledger_of(home / "ledger.db") as ledger:
        begun = [row[0] for row in ledger.execute("SELECT sortie_id FROM begun")]
        asked = ledger.execute("SELECT count(*) FROM asked").fetchone()[0]
    database = open_database(home, migrate=False)
    firings = SqlScheduleStore(database.main).firings()
    database.close()
    known = set(expected)
    told = {firing.sortie_id for firing in firings if firing.state is FiringState.DISPATCHED}
    return {
        "expected": len(expected),
        "begun": len(begun),
        "lost": len(known - set(begun)),
        "doubled": len(begun) - len(known & set(begun)),
        "asked_again": asked - len(begun),
        "untold": len(known - told),
        "open": sum(firing.state in OPEN_STATES for firing in firings),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--speed", type=float, default=7_200.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    database = open_database(args.home, migrate=True)
    store = SqlScheduleStore(database.main)
    for schedule in schedules(args.hours):
        store.add(schedule)
    database.close()
    with ledger_of(args.home / "ledger.db") as ledger:
        ledger.executescript(_LEDGER)
    chance = random.Random(args.seed)
    began_s = time.time()
    real_s = args.hours * 3600 / args.speed
    workers = [forked(args.home, began_s, args.speed) for _ in range(args.workers)]
    for kill in range(args.kills):
        moment_s = began_s + (kill + chance.random()) * real_s / args.kills
        time.sleep(max(0.0, moment_s - time.time()))
        victim = chance.randrange(len(workers))
        os.kill(workers[victim], signal.SIGKILL)
        os.waitpid(workers[victim], 0)
        workers[victim] = forked(args.home, began_s, args.speed)
    moved_s, before = time.time(), -1
    while True:
        time.sleep(0.2)
        counts = counted(args.home, args.hours)
        if counts["begun"] != before:
            moved_s, before = time.time(), counts["begun"]
        settled = counts["lost"] == counts["open"] == counts["untold"] == 0
        stuck = time.time() > moved_s + 20
        if time.time() > began_s + real_s + 0.3 and (settled or stuck):
            break
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    sys.stdout.write(json.dumps({"kills": args.kills, **counts}) + "\n")
    return 0 if counts["lost"] == counts["doubled"] == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
