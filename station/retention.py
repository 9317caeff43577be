"""What is forgotten after a time, and what never is.

Defaults: telemetry after 90 days; media held by dismissed incidents alone 30 days after
their last change. Incidents themselves, their history, and the media of any incident that
is not dismissed are never touched. Each removed piece leaves a tombstone: its SHA-256, size,
type, time and reason.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.errors import NotFound
from station.database import open_database
from station.store_lock import shared_use
from station.wiring import retention_stores_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long things are kept."""

    telemetry: timedelta = timedelta(days=90)
    dismissed_media: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What was forgotten."""

    samples: int
    media: int
    media_bytes: int


def purge(home: Path, policy: RetentionPolicy, now: datetime, *, url: str = "") -> PurgeReport:
    """Forgets what the policy says; may run beside the station.

    Args:
        home: the data folder.
        policy: how long things are kept.
        now: the present instant; also dates the tombstones.
        url: a PostgreSQL address, where the data folder holds the media alone.

    Raises:
        StoreOutdated: if the data folder must be upgraded first.
        StoreUnreadable: if it can't be opened.
        StoreInUse: if it is being restored or upgraded right now.
    """
    with shared_use(home):
        return _purged(home, policy, now, url)


def _purged(home: Path, policy: RetentionPolicy, now: datetime, url: str) -> PurgeReport:
    database = open_database(home, migrate=False, url=url)
    try:
        stores = retention_stores_of(database)
        samples = stores.telemetry.remove_before(now - policy.telemetry)
        vault, retention = stores.vault, stores.evidence
        before = now - policy.dismissed_media
        removed, freed = 0, 0
        for digest in retention.evidence_only_dismissed(before):
            try:
                size, media_type = vault.size_bytes(digest), vault.media_type(digest)
            except NotFound:  # removed by an earlier run
                continue
            if retention.bury(
                digest,
                before,
                removed_at=now,
                size_bytes=size,
                media_type=media_type,
                reason=f"dismissed more than {policy.dismissed_media.days} days ago",
            ):
                vault.remove(digest)  # after its tombstone: a crash between leaves it for later
                removed, freed = removed + 1, freed + size
    finally:
        database.close()
    log.info("retention done", extra={"samples": samples, "media": removed, "media_bytes": freed})
    return PurgeReport(samples, removed, freed)
