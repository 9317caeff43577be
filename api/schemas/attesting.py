"""What a pilot says of a flight that can't be commanded, on the wire."""

from pydantic import ConfigDict, JsonValue

from api.schemas.base import Body, Instant, Note
from missions.attestations import Attested

_SAID: list[JsonValue] = [
    {"what": "started", "at": "2026-11-20T09:00:00Z"},
    {"what": "ended", "as_planned": False, "note": "broke off over the yards, strong gusts"},
]


class AttestBody(Body):
    """That a flight has started or ended; without an instant, just now."""

    model_config = ConfigDict(json_schema_extra={"examples": _SAID})

    what: Attested
    at: Instant | None = None
    as_planned: bool = True
    """Of an end: whether the whole plan was flown."""
    note: Note = ""
