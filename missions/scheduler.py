"""Which patrols are due: a pure function, without a clock of its own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from core.ids import AssetId, PatrolId
from missions.model import Patrol


def due_patrols(
    patrols: Sequence[Patrol],
    last_started_at: Mapping[PatrolId, datetime],
    busy: Collection[AssetId],
    now: datetime,
    every: timedelta,
) -> tuple[Patrol, ...]:
    """Returns the patrols to start now, at most one for each asset, longest unseen first.

    Args:
        patrols: all that there are.
        last_started_at: when each was started last; one that never was comes first.
        busy: assets that are under way.
        now: the present instant.
        every: how long after a start the same patrol is due again.
    """
    due = [
        patrol
        for patrol in patrols
        if patrol.asset_id not in busy
        and (
            patrol.patrol_id not in last_started_at
            or now - last_started_at[patrol.patrol_id] >= every
        )
    ]
    due.sort(key=lambda p: (p.patrol_id in last_started_at, last_started_at.get(p.patrol_id, now)))
    chosen: dict[AssetId, Patrol] = {}
    for patrol in due:
        chosen.setdefault(patrol.asset_id, patrol)
    return tuple(chosen.values())
