"""PX4's arm authorisation as its 1.17 does it (`ArmAuthorization.cpp`), without a wire.

It asks when it is told to arm, waits for `COM_ARM_AUTH_TO`, and takes silence for a no. A yes holds
for as many seconds as the answer says. By method 1 the first order to arm only asks.
"""

from enum import StrEnum

_ACCEPTED, _TEMPORARILY_REJECTED, _IN_PROGRESS = 0, 1, 5
"""MAV_RESULT numbers."""
_NONE, _INVALID_WAYPOINT = 1, 2
_REASONS = {
    3: "Denied by timeout in authorizer",
    4: "Denied because airspace is in use",
    5: "Denied because of bad weather",
}


class Permit(StrEnum):
    """What becomes of an order to arm."""

    GIVEN = "given"
    WAIT = "wait"
    """Somebody has been asked; the order is answered later."""
    LATER = "later"
    """Somebody has been asked; the order is refused, the next one may do."""


class ArmAuthorisation:
    """Who has been asked, and for how long a yes holds; seconds are those of its owner."""

    def __init__(self) -> None:
        """Starts with nobody asked."""
        self._waiting_until_s: float | None = None
        self._approved_until_s: float | None = None

    @property
    def waiting(self) -> bool:
        """Whether an answer is waited for."""
        return self._waiting_until_s is not None

    def approved(self, now_s: float) -> bool:
        """Returns whether a yes holds."""
        return self._approved_until_s is not None and now_s <= self._approved_until_s

    def order(self, now_s: float, *, method: int, timeout_s: float) -> tuple[Permit, bool]:
        """Takes an order to arm; returns what becomes of it, and whether to ask now."""
        if self.approved(now_s):
            return Permit.GIVEN, False
        asks = not self.waiting
        if asks:
            self._waiting_until_s = now_s + timeout_s
        return (Permit.LATER if method == 1 else Permit.WAIT), asks

    def hear(self, result: int, reason: int, valid_s: int, now_s: float) -> str:
        """Takes an answer and returns what it says of it; empty where it waits for none."""
        if not self.waiting or result == _IN_PROGRESS:
            return ""
        self._waiting_until_s = None
        if result == _ACCEPTED:
            self._approved_until_s = now_s + valid_s
            return f"Arm auth: Authorized for the next {valid_s} seconds"
        if result == _TEMPORARILY_REJECTED:
            return "Arm auth: Temporarily rejected"
        if reason == _NONE:
            return ""
        if reason == _INVALID_WAYPOINT:
            return f"Arm auth: Denied, waypoint {valid_s} have a invalid value"
        return f"Arm auth: {_REASONS.get(reason, 'Denied')}"

    def idle(self, now_s: float) -> str:
        """Gives up waiting when it is time; returns what it says of that."""
        if self._waiting_until_s is None or now_s <= self._waiting_until_s:
            return ""
        self._waiting_until_s = None
        return "Arm auth: No response"
