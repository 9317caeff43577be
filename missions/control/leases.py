"""Leases: who alone may command an asset, until when, and how command passes on.

The term of an asset's lease only rises, so a command that names an old term is known to be stale
however late it comes. A lease that was given back is one that ends at once; it stays, so that the
next one gets a higher term.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.errors import BadRequest, LeaseHeld, LeaseStale
from core.ids import AssetId, UserId

LEASE_LASTS = timedelta(minutes=5)
"""How long a lease holds from when it was taken or renewed last."""
REASON_LEAST = 8
"""Letters and digits without which a reason says nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The command of one asset, held by one person."""

    asset_id: AssetId
    holder: UserId
    term: int
    """Counts the takings of this asset; it only rises."""
    taken_at: datetime
    expires_at: datetime
    reason: str = ""
    """Why it was taken over from somebody; empty where it was free."""

    def holds(self, now: datetime) -> bool:
        """Returns whether it is in force; one that ends later than any can is not.

        Such a one was given by a clock that ran ahead, and would lock everybody out.
        """
        return now < self.expires_at <= now + LEASE_LASTS


def checked_reason(reason: str, what: str) -> str:
    """Returns a person's reason without blanks around it.

    Args:
        reason: as it was given.
        what: is to be done for it, for the message.

    Raises:
        BadRequest: if it has fewer than `REASON_LEAST` letters and digits.
    """
    text = " ".join(reason.split())
    if sum(letter.isalnum() for letter in text) < REASON_LEAST:
        raise BadRequest(
            f"{what} takes a reason",
            where="reason",
            cure=f"say why in words of at least {REASON_LEAST} letters",
        )
    return text


def taken(
    present: Lease | None, asset_id: AssetId, by: UserId, now: datetime, reason: str = ""
) -> Lease:
    """Returns the lease after somebody asked for it: new, renewed, or taken over for a reason.

    Args:
        present: the asset's newest lease, whether in force or not.
        asset_id: the asset.
        by: who asks.
        now: the present instant.
        reason: for taking it from somebody else.

    Raises:
        LeaseHeld: if somebody else holds it and no reason was given.
        BadRequest: if the reason for taking it over says nothing.
    """
    if present is None or not present.holds(now):
        return _next(present, asset_id, by, now, " ".join(reason.split()))
    if present.holder == by:
        return replace(present, expires_at=max(present.expires_at, now + LEASE_LASTS))
    if not reason.strip():
        raise held_by_other(present)
    return _next(present, asset_id, by, now, checked_reason(reason, "taking over command"))


def released(present: Lease | None, by: UserId, now: datetime) -> Lease | None:
    """Returns the lease given back, which ends at once; `None` where nobody holds it.

    Raises:
        LeaseHeld: if somebody else holds it.
    """
    if present is None or not present.holds(now):
        return None
    if present.holder != by:
        raise held_by_other(present)
    return replace(present, expires_at=now)


def for_order(
    present: Lease | None, asset_id: AssetId, by: UserId, now: datetime, term: int | None = None
) -> Lease:
    """Returns the lease under which a person's order may go: their own, or the free one taken.

    Args:
        present: the asset's newest lease.
        asset_id: the asset.
        by: who orders.
        now: the present instant.
        term: of the lease that they believe to hold; `None` takes a free one.

    Raises:
        LeaseHeld: if somebody else holds it and no term was named.
        LeaseStale: if the named term is not that of a lease that they hold now.
    """
    if term is not None:
        check_term(present, by, now, term, where=str(asset_id))
    return taken(present, asset_id, by, now)


def check_term(present: Lease | None, by: UserId, now: datetime, term: int, *, where: str) -> None:
    """Returns where somebody holds the lease of this very term.

    Raises:
        LeaseStale: if the term is another, somebody else's, or over.
    """
    if present is None or not present.holds(now):
        state = "nobody holds command now"
    elif present.holder != by:
        state = f"{present.holder} holds command, term {present.term}"
    elif present.term != term:
        state = f"you hold term {present.term}"
    else:
        return
    raise LeaseStale(
        f"term {term} is not in force: {state}",
        where=where,
        cure="read the lease anew, take it, and order again if it is still meant",
    )


def held_by_other(present: Lease) -> LeaseHeld:
    """Returns the refusal of somebody who does not hold the lease."""
    return LeaseHeld(
        f"{present.holder} commands it until {present.expires_at:%H:%M:%S} UTC",
        where=str(present.asset_id),
        cure="agree with them, or take the lease over with a reason",
    )


def _next(
    present: Lease | None, asset_id: AssetId, by: UserId, now: datetime, reason: str
) -> Lease:
    term = 1 if present is None else present.term + 1
    return Lease(asset_id, by, term, now, now + LEASE_LASTS, reason)
