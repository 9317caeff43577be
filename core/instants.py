"""Instants as people write them: ISO 8601, with an offset or as wall time of a named zone."""

from datetime import UTC, datetime, tzinfo


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
