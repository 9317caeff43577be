"""Ten years of occurrences beside `recurring-ical-events` in one run: equal, and how quick.

    python benchmarks/occurrences.py [--years 10] [--repeats 3] [--json FILE]

Rules of every frequency, in Asia/Almaty (which moved from UTC+6 to UTC+5 on 2024-03-01) and in
zones with daylight saving; the start lies at 01:30 or 02:30, where clocks are turned. Each
occurrence of one must be an occurrence of the other before anything is timed. The last rows
ask for one day of a rule by the minute that began years before. Seconds are those of this
process alone (CPU time), the best of the repeats. `recurring-ical-events` is a development
dependency; where it is not installed its columns are left out.

Exit code: 0 where all occurrences are equal, 1 where some are not.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.recurrence import Recurrence

try:
    import icalendar
    import recurring_ical_events
except ImportError:
    icalendar = recurring_ical_events = None  # type: ignore[assignment]

ZONES = ("Asia/Almaty", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;BYHOUR=2,8,20",
    "FREQ=DAILY;INTERVAL=3;COUNT=900",
    "FREQ=DAILY;UNTIL=20280101T000000Z",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
    "FREQ=MONTHLY;BYDAY=1MO,-1FR",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO",
    "FREQ=YEARLY;BYDAY=20MO",
    "FREQ=YEARLY;BYYEARDAY=-1,100",
    "FREQ=HOURLY;INTERVAL=6",
    "FREQ=HOURLY;BYHOUR=1,2,3;BYMINUTE=0,30",
)
OLD = ("FREQ=MINUTELY;INTERVAL=10", "FREQ=HOURLY", "FREQ=DAILY")


@dataclass(frozen=True, slots=True)
class Row:
    """One rule in one zone."""

    what: str
    zone: str
    count: int
    ours_s: float
    peer_s: float | None
    ratio: float | None
    """Seconds of the peer for one of ours."""
    equal: bool | None


def ours(recurrence: Recurrence, low: datetime, high: datetime) -> list[datetime]:
    """Returns what Qyran says."""
    return list(recurrence.begins(low, high))


def peer(recurrence: Recurrence, low: datetime, high: datetime) -> list[datetime]:
    """Returns what `recurring-ical-events` says."""
    event = icalendar.Event()
    event.add("UID", "1")
    event.add("DTSTART", recurrence.start.astimezone(recurrence.zone))
    event.add("DURATION", recurrence.duration)
    event.add("RRULE", icalendar.vRecur.from_ical(recurrence.rrule))
    calendar = icalendar.Calendar()
    calendar.add_component(event)
    found = recurring_ical_events.of(calendar).between(low, high)
    starts = {one["DTSTART"].dt.astimezone(UTC) for one in found}
    return sorted(at for at in starts if low <= at < high)


def best_s(work: Callable[[], object], repeats: int) -> float:
    """Returns the CPU seconds of the quickest repeat."""
    times = []
    for _ in range(repeats):
        before = process_time()
        work()
        times.append(process_time() - before)
    return min(times)


def row(what: str, recurrence: Recurrence, low: datetime, high: datetime, repeats: int) -> Row:
    """Compares and times one question."""
    mine = ours(recurrence, low, high)
    our_s = best_s(lambda: ours(recurrence, low, high), repeats)
    zone = recurrence.time_zone
    if recurring_ical_events is None:
        return Row(what, zone, len(mine), our_s, None, None, None)
    equal = mine == peer(recurrence, low, high)
    peer_s = best_s(lambda: peer(recurrence, low, high), repeats)
    return Row(what, zone, len(mine), our_s, peer_s, peer_s / max(our_s, 1e-6), equal)


def rows(years: int, repeats: int) -> list[Row]:
    """Returns every row of the table."""
    made = []
    for zone_name in ZONES:
        zone = ZoneInfo(zone_name)
        for rule in RULES:
            hour = 1 if "BYHOUR" in rule else 2
            first = datetime(2020, 1, 1, hour, 30, tzinfo=zone)
            recurrence = Recurrence(first, timedelta(minutes=45), zone_name, rule)
            made.append(
                row(rule, recurrence, first, first.replace(year=first.year + years), repeats)
            )
    for rule in OLD:
        zone = ZoneInfo(ZONES[1])
        first = datetime(2022, 1, 1, 0, 0, tzinfo=zone)
        low = datetime(2026, 3, 29, 0, 0, tzinfo=zone)
        recurrence = Recurrence(first, timedelta(minutes=5), ZONES[1], rule)
        made.append(row(f"one day, four years on: {rule}", recurrence, low,
                        low + timedelta(days=1), repeats))  # fmt: skip
    return made


def main() -> int:
    """Prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    made = rows(arguments.years, arguments.repeats)
    print(f"{'rule':62} {'zone':20} {'count':>6} {'ours s':>8} {'peer s':>8} {'ratio':>6} equal")
    for one in made:
        peer_s = "-" if one.peer_s is None else f"{one.peer_s:.3f}"
        ratio = "-" if one.ratio is None else f"{one.ratio:.1f}"
        print(f"{one.what:62} {one.zone:20} {one.count:6} {one.ours_s:8.3f} {peer_s:>8} {ratio:>6} "
              f"{one.equal}")  # fmt: skip
    total, ours_s = sum(one.count for one in made), sum(one.ours_s for one in made)
    print(f"{total} occurrences, ours {ours_s:.2f} s of CPU time")
    document = {"python": platform.python_version(), "years": arguments.years, "occurrences": total,
                "ours_s": ours_s, "rows": [asdict(one) for one in made]}  # fmt: skip
    if recurring_ical_events is None:
        print("recurring-ical-events is not installed: nothing to compare with")
    else:
        peer_s = sum(one.peer_s or 0.0 for one in made)
        equal = sum(bool(one.equal) for one in made)
        document |= {"peer_s": peer_s, "ratio": peer_s / ours_s, "equal": equal == len(made)}
        print(f"peer {peer_s:.2f} s: ratio {peer_s / ours_s:.1f}; {equal} of {len(made)} equal")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0 if document.get("equal", True) else 1


if __name__ == "__main__":
    sys.exit(main())
