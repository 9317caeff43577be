"""What can be made to go wrong with a simulated vehicle, by name."""

import math
from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """The failures that a simulated vehicle knows."""

    ARMING_DENIED = "arming_denied"
    """Refuses to arm until `until_s`, with `text`."""
    MODE_ACK_LIES = "mode_ack_lies"
    """Answers a change to mission mode with yes `times` over, but stays and says why."""
    START_REFUSED_SILENTLY = "start_refused_silently"
    """Answers a change to mission mode with yes, stays, and says nothing."""
    ACK_LOST = "ack_lost"
    """Obeys `command` but doesn't answer, `times` over."""
    PACKETS_LOST = "packets_lost"
    """Loses this `fraction` of packets in both directions."""
    READBACK_DIFFERS = "readback_differs"
    """Holds the item numbered `seq` 2 m higher than it was sent."""
    STORED_OTHERWISE = "stored_otherwise"
    """Accepts a mission and keeps another, `times` over; what is read back is what it keeps."""
    MISSION_STUCK = "mission_stuck"
    """Accepts missions, or that they are cleared, and keeps the one it has."""
    READBACK_LIES = "readback_lies"
    """Flies another mission than it reads back; no ground station can tell."""
    FENCE_DROPPED = "fence_dropped"
    """Accepts a fence and keeps none."""
    RALLY_DROPPED = "rally_dropped"
    """Accepts rally points and keeps none."""
    RALLY_KEPT = "rally_kept"
    """Accepts rally points, or that they are cleared, and keeps the old ones."""
    PARAMETER_KEPT = "parameter_kept"
    """Answers each change of the parameter named `text` with its old value."""
    SILENT = "silent"
    """No packet in either direction from `from_s` to `until_s`."""
    DISARMS_IN_FLIGHT = "disarms_in_flight"
    """Stops its motors `from_s` after arming."""
    RTL_BY_ITSELF = "rtl_by_itself"
    """Returns `from_s` after arming, unasked."""
    BATTERY_FALLS = "battery_falls"
    """Loses `fraction` of its charge per second in flight; returns at 15 %."""
    TRANSFER_NAK = "transfer_nak"
    """Ends an upload of a mission with the result `code`, `times` over."""
    PAYLOAD_ABSENT = "payload_absent"
    """Carries nothing that turns, zooms, shines or speaks."""
    REACHED_LOST = "reached_lost"
    """Never reports the item numbered `seq` as reached."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure, with what it needs; times are simulated seconds since the start."""

    kind: FailureKind
    from_s: float = 0.0
    until_s: float = math.inf
    times: int = 1_000_000
    text: str = "Arming denied: Resolve system health failures first"
    fraction: float = 0.0
    seq: int = 0
    command: int = 0
    code: int = 1


class Failures:
    """The failures that are switched on, and how often each may still strike."""

    def __init__(self, *failures: Failure) -> None:
        """Switches these on."""
        self._left = {failure: failure.times for failure in failures}

    def add(self, failure: Failure) -> None:
        """Switches one more on."""
        self._left[failure] = failure.times

    def find(self, kind: FailureKind) -> Failure | None:
        """Returns the failure of that kind that may strike, or `None`."""
        return next((f for f, left in self._left.items() if f.kind is kind and left > 0), None)

    def strike(self, kind: FailureKind) -> Failure | None:
        """Returns the failure of that kind and counts that it has struck once."""
        failure = self.find(kind)
        if failure is not None:
            self._left[failure] -= 1
        return failure
