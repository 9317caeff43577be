"""Which start a plan is proven for: the one that is asked for, or the one kept in its file."""

from datetime import datetime

from missions.model import Finding, Severity


def chosen_start(
    asked: datetime | None, written: datetime | None, now: datetime
) -> tuple[datetime | None, tuple[Finding, ...]]:
    """Returns the start that counts, and a finding wherever the plan's file has a say in it.

    A start from the file decides which time windows count, so it is always told; one that is over
    proves nothing of a flight that is still to come, so that is a warning.

    Args:
        asked: by whoever checks; it counts before what the file says.
        written: in the file, by whoever mended it.
        now: on the clock of whoever checks.
    """
    if written is None or asked == written:
        return asked, ()
    if asked is None:
        return written, (_from_file(written, now),)
    message = (
        f"the plan was mended for a start at {written.isoformat()}, and is checked for one at"
        f" {asked.isoformat()}"
    )
    cure = f"start at {written.isoformat()}, or mend it anew"
    return asked, (Finding(Severity.WARNING, "departure_differs", message, cure=cure),)


def _from_file(written: datetime, now: datetime) -> Finding:
    message = f"it is checked for the start that its file names, {written.isoformat()}"
    if written >= now:
        cure = "say when the flight starts if that is another time"
        return Finding(Severity.INFO, "departure_from_file", message, cure=cure)
    message += ", which is over: time windows, weather and permissions count as they were then"
    cure = "say when the flight starts"
    return Finding(Severity.WARNING, "departure_from_file", message, cure=cure)
