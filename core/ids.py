"""Names of things: one NewType per noun, and the two ways an id is made.

`fresh_id` is for things that happen once (a sortie, a decision); `content_id` is for things
that must get the same id when the same input is read again (an observation of an ingested
file), which makes a repeated run idempotent.
"""

import hashlib
import secrets
from typing import NewType

AssetId = NewType("AssetId", str)
CameraId = NewType("CameraId", str)
ZoneId = NewType("ZoneId", str)
PatrolId = NewType("PatrolId", str)
MissionId = NewType("MissionId", str)
SortieId = NewType("SortieId", str)
TrackId = NewType("TrackId", str)
ObservationId = NewType("ObservationId", str)
IncidentId = NewType("IncidentId", str)
UserId = NewType("UserId", str)
AgencyId = NewType("AgencyId", str)
Digest = NewType("Digest", str)
"""A lower-case hexadecimal SHA-256 of some bytes; the name of a piece of evidence."""

_LENGTH = 20


def fresh_id(prefix: str) -> str:
    """Returns a new id such as `sortie-4f0c…` (80 random bits), never the same twice."""
    return f"{prefix}-{secrets.token_hex(_LENGTH // 2)}"


def content_id(prefix: str, *parts: str | int) -> str:
    """Returns the id that these parts always get: `prefix-` and 80 bits of a SHA-256.

    Parts are joined with a separator that none of them may hold, so ("a", "bc") and
    ("ab", "c") differ.

    Raises:
        ValueError: if a part holds the separator U+001F.
    """
    texts = [str(part) for part in parts]
    if any("\x1f" in text for text in texts):
        raise ValueError("an id part must not hold U+001F")
    digest = hashlib.sha256("\x1f".join([prefix, *texts]).encode()).hexdigest()
    return f"{prefix}-{digest[:_LENGTH]}"
