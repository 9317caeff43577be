"""The life of a zone, and what a new version of it changed.

draft → reviewed → active → retired. A draft of an active zone is a new version beside it: what
stands goes on to hold until the draft has come to its own active stage.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from core.errors import NotAllowed
from core.ids import UserId
from core.states import Transitions
from geo.local_frame import LocalFrame
from geo.zones import Zone, ZoneStage, to_local

_S = ZoneStage
ZONE_MOVES = Transitions(
    "zone",
    {
        _S.DRAFT: frozenset({_S.REVIEWED, _S.RETIRED}),
        _S.REVIEWED: frozenset({_S.ACTIVE, _S.DRAFT, _S.RETIRED}),
        _S.ACTIVE: frozenset({_S.RETIRED, _S.DRAFT}),
        _S.RETIRED: frozenset({_S.DRAFT}),
    },
)
_BOOKKEEPING = {"version", "changed_at", "changed_by", "stage", "area"}


def move(zone: Zone, stage: ZoneStage, by: UserId, now: datetime, *, four_eyes: bool) -> Zone:
    """Returns the next version of a zone, one stage on.

    Args:
        zone: its newest version.
        stage: where it goes.
        by: who moves it.
        now: when.
        four_eyes: whether a draft must be reviewed by another person than its author.

    Raises:
        IllegalMove: if that stage does not follow.
        NotAllowed: if the author reviews the own draft where another must.
    """
    ZONE_MOVES.move(zone.stage, stage)
    if four_eyes and stage is _S.REVIEWED and zone.changed_by in (by, None):
        raise NotAllowed(
            "the author of a draft can't review it",
            where=str(zone.zone_id),
            cure="ask another planner",
        )
    return replace(zone, stage=stage, version=zone.version + 1, changed_at=now, changed_by=by)


def standing(history: Sequence[Zone]) -> Zone | None:
    """Returns the version that holds: the newest one that is active, or retired since.

    Args:
        history: every version, oldest first.
    """
    for zone in reversed(history):
        if zone.stage in (_S.ACTIVE, _S.RETIRED):
            return zone
    return None


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """What differs between two versions of a zone."""

    before: int
    after: int
    fields: tuple[str, ...]
    """Names of what differs, the border among them as `area`."""
    added_m2: float
    """Ground that only the later version holds."""
    removed_m2: float


def change_between(before: Zone, after: Zone) -> ZoneChange:
    """Returns what a later version of a zone changed."""
    names = [
        field.name
        for field in fields(Zone)
        if field.name not in _BOOKKEEPING
        and getattr(before, field.name) != getattr(after, field.name)
    ]
    if before.stage is not after.stage:
        names.append("stage")
    added = removed = 0.0
    if not before.area.equals_exact(after.area, 0.0):
        names.append("area")
        west, south, east, north = before.area.bounds
        frame = LocalFrame((south + north) / 2, (west + east) / 2)
        old, new = to_local(before.area, frame), to_local(after.area, frame)
        added, removed = float(new.difference(old).area), float(old.difference(new).area)
    return ZoneChange(before.version, after.version, tuple(sorted(names)), added, removed)
