"""Passwords by Argon2id."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2
"""Each hash takes 64 MiB; more at a time would let sign-ins eat the memory."""


class Argon2Passwords:
    """Hashes passwords with a cost that a person does not notice and a thief does."""

    def __init__(self, *, time_cost: int = 3, memory_kib: int = 65_536) -> None:
        """Sets the cost.

        Args:
            time_cost: passes over the memory.
            memory_kib: memory of one hash, in KiB.
        """
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Returns a salted hash that names its own parameters."""
        with self._turns:
            return self._hasher.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        """Returns whether the password fits; an empty hash takes as long and never fits."""
        with self._turns:
            try:
                fits = self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return fits and bool(password_hash)
