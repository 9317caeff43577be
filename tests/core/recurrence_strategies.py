"""Rules for Hypothesis, and the same question put to `recurring-ical-events`."""

from datetime import UTC, datetime

import icalendar
import recurring_ical_events
from hypothesis import strategies as st

from core.recurrence import Recurrence

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FIRSTS = st.datetimes(datetime(2019, 1, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
)


def _some(values: list[int] | tuple[str, ...], most: int = 3) -> st.SearchStrategy[str]:
    chosen = st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)
    return chosen.map(lambda items: ",".join(map(str, items)))


@st.composite
def _rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]))
    parts = [f"FREQ={frequency}"]

    def maybe(name: str, values: st.SearchStrategy[str]) -> bool:
        wanted = draw(st.integers(0, 3)) == 0
        if wanted:
            parts.append(f"{name}={draw(values)}")
        return wanted

    maybe("INTERVAL", st.sampled_from(["1", "2", "3", "7", "25"]))
    thinned = maybe("BYMONTH", _some(list(range(1, 13))))
    if frequency != "WEEKLY":
        thinned |= maybe("BYMONTHDAY", _some([1, 2, 13, 28, 29, 30, 31, -1, -2]))
    ordinals = frequency in ("YEARLY", "MONTHLY") and draw(st.booleans())
    if ordinals:
        counted = tuple(f"{n}{day}" for n in (1, 2, 5, -1, -2) for day in _DAYS)
        thinned |= maybe("BYDAY", _some(counted))
    else:
        thinned |= maybe("BYDAY", _some(_DAYS))
        if frequency == "YEARLY":
            thinned |= maybe("BYWEEKNO", _some([1, 2, 26, 52, 53, -1]))
    if frequency == "YEARLY":
        thinned |= maybe("BYYEARDAY", _some([1, 60, 100, 365, 366, -1, -100]))
    thinned |= maybe("BYHOUR", _some([0, 2, 3, 8, 20, 23]))
    thinned |= maybe("BYMINUTE", _some([0, 15, 30, 45]))
    maybe("WKST", st.sampled_from(_DAYS))
    ends = draw(st.integers(0, 3))
    if ends == 0:
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    elif ends == 1:
        until = draw(st.datetimes(datetime(2020, 1, 1), datetime(2029, 1, 1)))  # noqa: DTZ001
        parts.append(f"UNTIL={until:%Y%m%dT%H%M%SZ}")
    if thinned and draw(st.booleans()):
        parts.append(f"BYSETPOS={draw(st.sampled_from(['1', '-1', '1,-1', '2']))}")
    return ";".join(parts)


RULES = _rules()


def peer_starts(recurrence: Recurrence, low: datetime, high: datetime) -> list[datetime]:
    """What `recurring-ical-events` says, as instants in order."""
    event = icalendar.Event()
    event.add("UID", "1")
    event.add("DTSTART", recurrence.start.astimezone(recurrence.zone))
    event.add("DURATION", recurrence.duration)
    for rule in recurrence.rrule.splitlines():
        event.add("RRULE", icalendar.vRecur.from_ical(rule))
    if recurrence.exdates:
        event.add("EXDATE", [at.astimezone(recurrence.zone) for at in recurrence.exdates])
    calendar = icalendar.Calendar()
    calendar.add_component(event)
    found = recurring_ical_events.of(calendar).between(low, high)
    starts = {event["DTSTART"].dt.astimezone(UTC) for event in found}
    return sorted(at for at in starts if low <= at < high)
