"""Slows down guessing: too many failed sign-ins lock the one who tries out for a while."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import TooManyTries


@dataclass(slots=True)
class _Tries:
    failures: int
    first_at: datetime
    locked_until: datetime | None = None


class SignInThrottle:
    """Counts failures by login and address together, by address, and by login."""

    def __init__(
        self,
        clock: Clock,
        *,
        most: int = 5,
        most_of_address: int = 30,
        most_of_login: int = 50,
        within: timedelta = timedelta(minutes=15),
        lock_for: timedelta = timedelta(minutes=5),
        remembered: int = 10_000,
    ) -> None:
        """Sets the limits.

        Args:
            clock: tells when a lock ends.
            most: failures of one login from one address.
            most_of_address: failures of one address, whatever the login.
            most_of_login: failures of one login from anywhere; high, since whoever knows a
                login could lock its owner out.
            within: failures older than this are forgotten.
            lock_for: how long a lock holds.
            remembered: most keys kept; the oldest are forgotten first.
        """
        self._clock = clock
        self._most = {"both": most, "address": most_of_address, "login": most_of_login}
        self._within = within
        self._lock_for = lock_for
        self._remembered = remembered
        self._lock = threading.Lock()
        self._tries: OrderedDict[tuple[str, str, str], _Tries] = OrderedDict()

    def check(self, login: str, address: str) -> None:
        """Returns where a try is allowed now.

        Raises:
            TooManyTries: if one of the three is locked out.
        """
        now = self._clock.now()
        with self._lock:
            for key in self._keys(login, address):
                tries = self._tries.get(key)
                if tries is None or tries.locked_until is None or tries.locked_until <= now:
                    continue
                wait_s = int((tries.locked_until - now).total_seconds()) + 1
                locked = TooManyTries(
                    "too many failed sign-ins", cure=f"wait {wait_s} s and try again"
                )
                locked.retry_after_s = wait_s
                raise locked

    def failed(self, login: str, address: str) -> None:
        """Counts a failure, and locks where it was one too many."""
        now = self._clock.now()
        with self._lock:
            for key in self._keys(login, address):
                tries = self._tries.get(key)
                if tries is None or now - tries.first_at > self._within:
                    tries = _Tries(0, now)
                tries.failures += 1
                if tries.failures >= self._most[key[0]]:
                    tries = _Tries(0, now, now + self._lock_for)
                self._tries[key] = tries
                self._tries.move_to_end(key)
            while len(self._tries) > self._remembered:
                self._tries.popitem(last=False)

    def succeeded(self, login: str, address: str) -> None:
        """Forgets the failures of this login from this address."""
        with self._lock:
            self._tries.pop(("both", login, address), None)

    @staticmethod
    def _keys(login: str, address: str) -> tuple[tuple[str, str, str], ...]:
        return ("both", login, address), ("address", "", address), ("login", login, "")
