"""Permissions in memory, for tests and for runs that keep nothing."""

from collections.abc import Sequence
from threading import RLock

from missions.permissions import Permission


class MemoryPermissions:
    """A `PermissionStore` that forgets everything when the process ends; safe for threads."""

    def __init__(self) -> None:
        """Starts without any."""
        self._kept: dict[tuple[str, str], Permission] = {}
        self._lock = RLock()

    def save(self, permission: Permission) -> None:
        """Keeps a permission; one of the same issuer and number is replaced."""
        with self._lock:
            self._kept[permission.issuer, permission.number] = permission

    def permissions(self) -> Sequence[Permission]:
        """Returns all of them in order of issuer and number."""
        with self._lock:
            return tuple(self._kept[key] for key in sorted(self._kept))
