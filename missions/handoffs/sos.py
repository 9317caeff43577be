"""SOS buttons: whose key is right, and which presses are one event; nobody is let in by default."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from core.errors import NotSignedIn
from core.ids import Digest
from missions.handoffs.model import Handoff, Occasion, SosButton

SOS = "sos"
_NOBODYS = Digest(hashlib.sha256(b"").hexdigest())


def key_hash(key: str) -> Digest:
    """Returns what is kept of a button's key; keys are long and random, so a plain hash does."""
    return Digest(hashlib.sha256(key.encode()).hexdigest())


def checked_button(button: SosButton | None, key: str) -> SosButton:
    """Returns the button whose key it is.

    Raises:
        NotSignedIn: if there is no such button, it is switched off, or the key is another's; which
            of these it is, is not told.
    """
    held = _NOBODYS if button is None or not key else button.key_hash
    right = hmac.compare_digest(held, key_hash(key))
    if button is None or not key or not right or not button.enabled:
        raise NotSignedIn(
            "no such button, or not its key", cure="give the key that was shown when it was made"
        )
    return button


def press_of(
    button: SosButton, now: datetime, before: Sequence[Handoff], window_s: float
) -> Occasion | Handoff:
    """Returns what a press calls for, or the hand-off that it belongs to.

    Args:
        button: that was pressed.
        now: the present instant.
        before: hand-offs of this button.
        window_s: presses no longer apart than this are one event; so is a press while the
            hand-off of an earlier one is open.
    """
    window = timedelta(seconds=window_s)
    for one in sorted(before, key=lambda h: h.occasion.at, reverse=True):
        if one.occasion.button_id != button.button_id:
            continue
        if one.is_open or now - one.occasion.at <= window:
            return one
    event_id = f"sos-{button.button_id}-{now:%Y%m%dT%H%M%S.%fZ}"
    return Occasion(event_id, SOS, button.point, now, button_id=button.button_id, words=button.name)
