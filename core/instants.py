"""Instants as people write them: ISO 8601, with an offset or as wall time of a named zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

FIRST: Final = datetime(1, 1, 4, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 29, tzinfo=UTC)
"""Between these an instant can be told in every time zone without leaving the calendar."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)
"""Between these lies whatever a vehicle does; another year is a slip of the pen."""


def read_instant(value: object, zone: tzinfo | None, name: str) -> datetime:
    """Returns an instant in UTC; without an offset of its own it is wall time of `zone`.

    A date alone is its first instant.

    Raises:
        ValueError: if it is none, or neither offset nor zone is known.
    """
    example = "a time such as 2026-05-09T08:00+05:00"
    try:
        at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise ValueError(f"{name} is {value!r:.60}, not {example}")
    if at.tzinfo is None and zone is None:
        raise ValueError(f"{name} {value} has no offset, and no tzid says whose wall time it is")
    try:
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone, fold=0)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{name} {value} is beyond the calendar") from error


def read_near_instant(value: object, zone: tzinfo | None, name: str) -> datetime:
    """Returns an instant as `read_instant` does, at which a vehicle may do something.

    Raises:
        ValueError: if it is none, or not from 1970 to 2999.
    """
    return near(read_instant(value, zone, name), name)


def near(at: datetime, name: str) -> datetime:
    """Returns an instant at which a vehicle may do something.

    Raises:
        ValueError: if it is not from 1970 to 2999.
    """
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"{name} is in the year {at.year}, which is not from 1970 to 2999")
    return at


def moved(at: datetime, by: timedelta) -> datetime:
    """Returns an instant so much later (or earlier), or the calendar's end on that side."""
    try:
        later = at + by
    except OverflowError:
        return LAST if by > timedelta(0) else FIRST
    return min(max(later, min(at, FIRST)), max(at, LAST))
