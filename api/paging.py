"""Cursors of lists: opaque, signed, and bound to the list that they page."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import BadRequest
from core.ids import IncidentId
from incidents.model import Incident
from incidents.ports import IncidentFilter, IncidentStore

MOST = 200
"""Most items of a page."""
USUAL = 50
_SIGNATURE_BYTES = 16

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and how to go on."""

    items: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes and reads the cursors of one list with one set of filters."""

    key: bytes
    of: str
    """The list and its filters; a cursor of another is refused."""

    def make(self, place: Sequence[str]) -> str:
        """Returns the cursor that goes on after the item at this place (its sort key)."""
        body = json.dumps(list(place), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def read(self, cursor: str) -> tuple[str, ...]:
        """Returns the place that a cursor holds.

        Raises:
            BadRequest: if we did not make it, or for another list.
        """
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            raw = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError as error:
            raise _foreign() from error
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body)):
            raise _foreign()
        place: list[str] = json.loads(body)
        return tuple(place)

    def _sign(self, body: bytes) -> bytes:
        text = self.of.encode() + b"\x00" + body
        return hmac.new(self.key, text, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _foreign() -> BadRequest:
    return BadRequest(
        "the cursor is not of this list, or the station has started anew",
        where="cursor",
        cure="begin the list again without a cursor",
    )


def page_of(
    items: Sequence[T],
    place_of: Callable[[T], tuple[str, ...]],
    cursors: Cursors,
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """Returns a page of a list that is in memory, in ascending order of `place_of`."""
    ordered = sorted(items, key=place_of)
    if cursor is not None:
        after = cursors.read(cursor)
        ordered = [item for item in ordered if place_of(item) > after]
    more = len(ordered) > limit
    shown = tuple(ordered[:limit])
    return Page(shown, cursors.make(place_of(shown[-1])) if more else None)


def page_of_incidents(
    store: IncidentStore,
    wanted: IncidentFilter,
    visible: Callable[[Incident], bool],
    cursors: Cursors,
    cursor: str | None,
    limit: int,
) -> Page[Incident]:
    """Returns a page of the incidents that are wanted and visible, newest first."""
    after = None if cursor is None else IncidentId(cursors.read(cursor)[-1])
    found: list[Incident] = []
    while len(found) <= limit:
        batch = store.find(wanted, after=after, limit=max(limit + 1, USUAL))
        if not batch:
            break
        found += [incident for incident in batch if visible(incident)]
        after = batch[-1].incident_id
    shown = tuple(found[:limit])
    if len(found) <= limit:
        return Page(shown, None)
    last = shown[-1]
    return Page(shown, cursors.make((last.opened_at.isoformat(), last.incident_id)))
