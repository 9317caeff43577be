"""The one-time set-up token that lets the first admin in."""

import hashlib
import hmac
import secrets
import threading


class SetUp:
    """Holds the hash of at most one token; nothing of it is ever stored.

    The token travels in the fragment of a link (`/#setup=TOKEN`), which browsers don't send,
    so that it appears in no log.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._digest: bytes | None = None

    def issue(self) -> str:
        """Returns a new token; an earlier one is void."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._digest = hashlib.sha256(token.encode()).digest()
        return token

    @property
    def open(self) -> bool:
        """Whether a token is out that nobody has used."""
        with self._lock:
            return self._digest is not None

    def fits(self, token: str) -> bool:
        """Returns whether the token is the one that is out; it stays good."""
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            return self._digest is not None and hmac.compare_digest(self._digest, digest)

    def redeem(self, token: str) -> bool:
        """Returns whether the token is the one that is out, and voids it where it is."""
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            if self._digest is None or not hmac.compare_digest(self._digest, digest):
                return False
            self._digest = None
            return True
