"""Evidence in memory, for tests and for runs that keep nothing."""

import hashlib
import io
from threading import Lock
from typing import BinaryIO, Literal

from core.errors import DiskFull, EvidenceDamaged, NotFound
from core.ids import Digest

Failure = Literal["", "disk_full"]


class MemoryVault:
    """An `EvidenceVault` that forgets everything when the process ends; safe for threads."""

    def __init__(self) -> None:
        """Starts empty."""
        self.fail_next: Failure = ""
        """Makes the next `put` fail: `disk_full`; once."""
        self._media: dict[Digest, bytes] = {}
        self._lock = Lock()

    def put(self, data: bytes, media_type: str) -> Digest:
        """Keeps the bytes once and returns their SHA-256.

        Raises:
            DiskFull: if that failure was asked for.
        """
        digest = Digest(hashlib.sha256(data).hexdigest())
        with self._lock:
            failure, self.fail_next = self.fail_next, ""
            if failure == "disk_full":
                raise DiskFull("there is no room for the evidence", cure="free some space")
            self._media.setdefault(digest, bytes(data))
        return digest

    def open(self, digest: Digest) -> BinaryIO:
        """Returns a reader of the bytes.

        Raises:
            NotFound: if there are none of that name.
            EvidenceDamaged: if their SHA-256 is another.
        """
        with self._lock:
            data = self._media.get(digest)
        if data is None:
            raise NotFound("there is no such evidence", where=digest)
        if hashlib.sha256(data).hexdigest() != digest:
            raise EvidenceDamaged(
                "its bytes are no longer those that were stored",
                where=digest,
                cure="restore it from a backup",
            )
        return io.BytesIO(data)

    def damage(self, digest: Digest) -> None:
        """Flips a bit of what is kept, as a failing disk would."""
        with self._lock:
            data = bytearray(self._media[digest])
            if data:
                data[0] ^= 1
            else:
                data.append(1)
            self._media[digest] = bytes(data)
